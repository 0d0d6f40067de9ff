/* SPDX-License-Identifier: MIT */
/* The unpacker: context mixing under a binary range coder. */
/* Sources: boot/unpack.h */
#include "boot/unpack.h"

#include <string.h>

#include "image/bytes.h"

static const uint32_t contexts[UNPACK_INPUTS] = { UNPACK_CONTEXTS };

/* The logistic function p solves dp/dx = p (1 - p): one step for each entry, from the middle outwards. */
static void fill_chances(struct unpacker *u)
{
    uint16_t *less = u->even, *more = less;
    uint32_t p = 1U << 31;              /* in 1/2^32 */

    for (uint32_t x = 0; x <= UNPACK_CERTAIN; x++) {
        uint16_t chance = (uint16_t)(p >> 16), other = (uint16_t)-chance;

        *less-- = chance;
        *more++ = other;
        p -= (uint32_t)chance * other >> UNPACK_UNIT_BITS;
    }
}

static uint32_t take_bit(struct unpacker *u, uint32_t chance)
{
    uint32_t bound;

    while (u->range < 1U << 24) {
        u->range <<= 8;
        u->code = u->code << 8 | *u->in++;
    }
    bound = (u->range >> 16) * chance;
    if (u->code < bound) {
        u->range = bound;
        return 1;
    }
    u->range -= bound;
    u->code -= bound;
    return 0;
}

static void hash_contexts(struct unpacker *u)
{
    uint32_t known = u->opcodes << 16 | (u->recent & 0xFFFFU);

    for (uint32_t i = 0; i < UNPACK_INPUTS; i++) {
        u->input[i].hash = ((known & contexts[i]) * UNPACK_HASH + i) * UNPACK_HASH;
    }
}

/* The log of the odds of a 1. */
static int32_t foretell(struct unpacker *u, uint32_t opcode, uint32_t at)
{
    struct unpack_input *in = u->input;
    uint32_t sum = 0;                   /* may wrap: then it is wrong, but as wrong as the packer's */
    int32_t logit;

    do {
        uint32_t hash = (in->hash + at) * UNPACK_HASH;
        uint8_t *history = &u->histories[hash >> 31][hash >> 15 & (UNPACK_HISTORIES - 1)];
        int32_t weight = in->weight[opcode] + in->bit_weight[at] + UNPACK_WEIGHT;

        in->history = history;
        sum += (uint32_t)weight * (uint32_t)(in->counter[*history].logit >> UNPACK_LOGIT_BITS);
    } while (++in != u->input + UNPACK_INPUTS);
    logit = (int32_t)sum >> UNPACK_WEIGHT_BITS;
    logit = logit < -UNPACK_CERTAIN ? -UNPACK_CERTAIN : logit;
    return logit > UNPACK_CERTAIN - 1 ? UNPACK_CERTAIN - 1 : logit;     /* with these limits, one instruction */
}

/* error: of the sum of all. Each counter has one of its own, which vanishes before the counter gets to UNPACK_CERTAIN. */
static void learn(struct unpacker *u, uint32_t opcode, uint32_t at, uint32_t bit, int32_t error)
{
    struct unpack_input *in = u->input;

    do {
        uint32_t history = *in->history, longer = history << 1 | bit;
        struct unpack_counter *c = &in->counter[history];
        int32_t said = c->logit >> UNPACK_LOGIT_BITS, own = (int32_t)(bit << 16) - u->even[said];
        int32_t better = said * error >> UNPACK_WEIGHT_RATE;

        *in->history = (uint8_t)(longer | (history & 0x80U));   /* the eighth bit pushes the first out, from under the mark */
        in->weight[opcode] += better;
        in->bit_weight[at] += better;
        c->logit = (int16_t)(c->logit + own / (4 * c->seen + 8));
        c->seen++;
    } while (++in != u->input + UNPACK_INPUTS);
}

/* part: which byte of an instruction. */
static uint8_t take_byte(struct unpacker *u, uint32_t part)
{
    uint32_t opcode = u->opcodes & 0xFFU, node = 1;

    hash_contexts(u);
    while (node < 256U) {
        uint32_t at = part * 256U + node;
        uint32_t chance = u->even[foretell(u, opcode, at)];
        uint32_t bit = take_bit(u, chance);

        learn(u, opcode, at, bit, (int32_t)(bit << 16) - (int32_t)chance);
        node = node << 1 | bit;
    }
    u->recent = u->recent << 8 | (node & 0xFFU);
    return (uint8_t)node;
}

uint32_t unpack_start(struct unpacker *u, uint8_t *other, const uint8_t *packed)
{
    memset(u, 0, sizeof *u);
    u->histories[0] = memset(u->history, 1, UNPACK_HISTORIES);
    u->histories[1] = memset(other, 1, UNPACK_HISTORIES);
    u->even = u->chance + UNPACK_CERTAIN;
    fill_chances(u);
    u->in = packed + 4;
    u->range = 1;                       /* so that the first bit fills `code` */
    return load_le32(packed);
}

/* Of each halfword the high byte comes first. */
uint32_t unpack_instruction(struct unpacker *u, uint8_t *out, uint32_t at)
{
    uint32_t second;

    out += at;
    u->opcodes <<= 8;
    out[1] = take_byte(u, 0);
    u->opcodes |= out[1];
    out[0] = take_byte(u, 1);
    if (out[1] < UNPACK_LONG) return at + 2;
    second = (uint32_t)take_byte(u, 2) << 8;
    second |= take_byte(u, 3);
    if (second >= UNPACK_CALL) second = (second - at / 2) | UNPACK_CALL;
    store_le16(out + 2, (uint16_t)second);
    return at + 4;
}
