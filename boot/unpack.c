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
    uint32_t p = 1U << 30;              /* in 1/2^31 */

    for (uint32_t x = 0; x <= UNPACK_CERTAIN; x++) {
        u->chance[UNPACK_CERTAIN - x] = (uint16_t)(p >> 15);
        u->chance[UNPACK_CERTAIN + x] = (uint16_t)-(p >> 15);
        p -= (uint32_t)((uint64_t)p * (0x10000U - (p >> 15)) >> (16 + UNPACK_UNIT_BITS));
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

static void hash_contexts(struct unpacker *u, uint32_t odd)
{
    uint32_t known = u->opcodes << 16 | (u->recent & 0xFFFFU);

    for (uint32_t i = 0; i < UNPACK_INPUTS; i++) {
        u->input[i].hash = ((known & contexts[i]) * UNPACK_HASH + 4 * i + 2 * u->second + odd) * UNPACK_HASH;
    }
}

/* The log of the odds of a 1. */
static int32_t foretell(struct unpacker *u, uint32_t opcode, uint32_t node)
{
    struct unpack_input *in = u->input;
    uint32_t sum = 0;                   /* may wrap: then it is wrong, but as wrong as the packer's */
    int32_t logit;

    do {
        uint8_t *history = &u->history[(uint64_t)((in->hash + node) * UNPACK_HASH) * UNPACK_HISTORIES >> 32];
        struct unpack_counter *counter = &in->counter[*history];

        in->history = history;
        in->next = counter;
        sum += (uint32_t)(in->weight[opcode] + UNPACK_WEIGHT) * (uint32_t)(counter->logit >> UNPACK_LOGIT_BITS);
    } while (++in != u->input + UNPACK_INPUTS);
    logit = (int32_t)sum >> UNPACK_WEIGHT_BITS;
    if (logit > UNPACK_CERTAIN) return UNPACK_CERTAIN;
    return logit < -UNPACK_CERTAIN ? -UNPACK_CERTAIN : logit;
}

/* error: of the sum of all. Each counter has one of its own, which vanishes before the counter gets to UNPACK_CERTAIN. */
static void learn(struct unpacker *u, uint32_t opcode, uint32_t bit, int32_t error)
{
    struct unpack_input *in = u->input;

    do {
        struct unpack_counter *c = in->next;
        int32_t said = c->logit >> UNPACK_LOGIT_BITS, own = (int32_t)(bit << 16) - u->chance[UNPACK_CERTAIN + said];
        uint32_t longer = (uint32_t)*in->history << 1 | bit;

        *in->history = (uint8_t)(longer | (longer >> 1 & 0x80U));   /* the eighth bit pushes the first out, from under the mark */
        in->weight[opcode] += said * error >> UNPACK_WEIGHT_RATE;
        c->logit = (int16_t)(c->logit + own / (4 * c->seen + 8));
        c->seen++;
    } while (++in != u->input + UNPACK_INPUTS);
}

static uint8_t take_byte(struct unpacker *u, uint32_t odd)
{
    uint32_t opcode = u->opcodes & 0xFFU, node = 1;

    hash_contexts(u, odd);
    while (node < 256U) {
        uint32_t chance = u->chance[UNPACK_CERTAIN + foretell(u, opcode, node)];
        uint32_t bit = take_bit(u, chance);

        learn(u, opcode, bit, (int32_t)(bit << 16) - (int32_t)chance);
        node = node << 1 | bit;
    }
    u->recent = u->recent << 8 | (node & 0xFFU);
    return (uint8_t)node;
}

uint32_t unpack_start(struct unpacker *u, const uint8_t *packed)
{
    memset(u, 0, sizeof *u);
    memset(u->history, 1, sizeof u->history);
    fill_chances(u);
    u->in = packed + 4;
    u->range = 1;                       /* so that the first bit fills `code` */
    return load_le32(packed);
}

/* The high byte comes first. */
void unpack_halfword(struct unpacker *u, uint8_t *out)
{
    u->second = u->second == 0 && (u->opcodes & 0xFFU) >= UNPACK_LONG;
    if (u->second == 0) u->opcodes <<= 8;
    out[1] = take_byte(u, 0);
    if (u->second == 0) u->opcodes |= out[1];
    out[0] = take_byte(u, 1);
}
