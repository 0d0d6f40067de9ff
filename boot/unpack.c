/* SPDX-License-Identifier: MIT */
/* The unpacker: LZ77 under an adaptive binary range coder, and Thumb's calls put back. */
/* Sources: boot/unpack.h; PM0214 §3.9.1 and ARM DDI0403 §A7.7.18 (BL, encoding T1) */
#include "boot/unpack.h"

#include "image/bytes.h"

#define BL 0xF800F000U                  /* two halfwords in the order of a word; J1 and J2 set: near enough for 4 MB */
#define BL_MASK 0xF800F800U

struct unpacker {
    const uint8_t *in;
    uint32_t range, code;
    uint16_t chance[UNPACK_CONTEXTS];   /* of a 1, in 1/65536: moves by a 32nd, so it never gets to 0 or 1 */
};

static unsigned take_bit(struct unpacker *u, unsigned context)
{
    uint32_t chance = u->chance[context], bound;

    while (u->range < 1U << 24) {
        u->range <<= 8;
        u->code = u->code << 8 | *u->in++;
    }
    bound = (u->range >> 16) * chance;
    if (u->code < bound) {
        u->range = bound;
        u->chance[context] = (uint16_t)(chance + ((0xFFFFU - chance) >> UNPACK_LEARNING));
        return 1;
    }
    u->range -= bound;
    u->code -= bound;
    u->chance[context] = (uint16_t)(chance - (chance >> UNPACK_LEARNING));
    return 0;
}

static uint32_t take_number(struct unpacker *u, unsigned context)
{
    unsigned size = 0;
    uint32_t n = 1;

    while (take_bit(u, context + size) != 0) size++;
    for (unsigned k = size; k-- != 0;) n = n << 1 | take_bit(u, context + UNPACK_CLASSES * size + k);
    return n;
}

/* In a program of halfwords: the low byte, the high byte, the high byte behind the first half of a long instruction. */
static unsigned kind_of_byte(const uint8_t *out, uint32_t at)
{
    if (at % 2U == 0) return 0;
    return at > 2U && out[at - 2U] >= UNPACK_LONG ? 2U : 1U;
}

static uint8_t take_literal(struct unpacker *u, unsigned kind)
{
    unsigned node = 1;

    while (node < 256U) node = node << 1 | take_bit(u, UNPACK_AT_LITERAL + 256U * kind + node);
    return (uint8_t)node;
}

static void take_all(struct unpacker *u, uint8_t *out, uint32_t bytes)
{
    uint32_t offset = 0, n;
    unsigned after = 0;                 /* a match */

    for (uint32_t at = 0; at < bytes;) {
        if (take_bit(u, UNPACK_AT_MATCH + after) == 0) {
            out[at] = take_literal(u, kind_of_byte(out, at));
            at++;
            after = 0;
            continue;
        }
        n = 0;
        if (after != 0 || take_bit(u, UNPACK_AT_REPEAT + at % 2U) == 0) {
            offset = take_number(u, UNPACK_AT_OFFSET);
            n = 1;
        }
        n += take_number(u, UNPACK_AT_LENGTH + UNPACK_TREE * (at % 2U));
        for (; n != 0; n--, at++) out[at] = out[at - offset];
        after = 1;
    }
}

/* BL is two halfwords with 11 bits of the distance in each; what was packed are 11 bits of the target in each. */
static void restore_calls(uint8_t *out, uint32_t bytes)
{
    for (uint32_t at = 0; at + 4 <= bytes; at += 2) {
        uint32_t bl = load_le32(out + at), distance;

        if ((bl & BL_MASK) != BL) continue;
        distance = ((bl & 0x7FFU) << 11 | (bl >> 16 & 0x7FFU)) - at / 2;
        store_le32(out + at, BL | (distance >> 11 & 0x7FFU) | (distance & 0x7FFU) << 16);
        at += 2;
    }
}

void unpack(uint8_t *out, const uint8_t *packed)
{
    struct unpacker u;
    uint32_t bytes = load_le32(packed);

    u.in = packed + 4;
    u.range = 1;                        /* so that the first bit fills `code` */
    u.code = 0;
    for (uint32_t i = 0; i < UNPACK_CONTEXTS; i++) u.chance[i] = 0x8000U;
    take_all(&u, out, bytes);
    restore_calls(out, bytes);
}
