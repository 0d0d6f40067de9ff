/* SPDX-License-Identifier: MIT */
/* Unpacks what scripts/pack-updater has packed. Pure; compiled for the PC too.
 *
 * Packed are: the length of what comes out (4 bytes, little endian, a multiple of 2), then the bytes of a binary range coder, whose
 * bits are the bytes that come out: of each halfword the high byte first, of each byte the highest bit first. How likely a bit
 * is to be a 1 is foretold from the bits before it, by what is known as context mixing (M. Mahoney, PAQ):
 *
 *   known      two bytes before (bits 0-7: the last one), and the first byte of the instruction at hand (bits 16-23: 0 before
 *              it is known) and of the one before it (bits 24-31)
 *   contexts   bits of what is known; each context is hashed with the bits of the byte so far, and leads to the
 *   history    of the last seven bits that came in this context: 1 byte; where two contexts share one, both suffer
 *   counter    one for each context and history: the log of the odds of a 1, which learns
 *   mixer      adds up what the contexts' counters say, weighted; a weight is one for the instruction and one for the bits of the
 *              byte so far and which byte of an instruction it is, added; both learn
 *   chance     the sum, from the log of the odds back to a probability
 *
 * Calls are packed with a target that counts from the program's start, so that two calls of a function look alike: of a second
 * halfword from UNPACK_CALL on, the low 11 bits have its place added to them.
 *
 * Packer and unpacker learn the same from each bit, and calculate with the same integers. */
#ifndef VCPBOOT_UNPACK_H
#define VCPBOOT_UNPACK_H

#include <stdint.h>

#define UNPACK_LONG 0xE8U               /* first bytes from here on begin an instruction of 32 bits (PM0214 §3.4) */
#define UNPACK_CALL 0xF800U             /* the second halfword of BL, from here on (PM0214 §3.10.1); others are few, and come out too */
/* The contexts: masks of what is known. Found by trying, on this program. */
#define UNPACK_CONTEXTS 0x00EAC087, 0x003500F0, 0xFFFA0000, 0x00FE0000
#define UNPACK_INPUTS 4U
#define UNPACK_HASH 0x9E3779B1U         /* 2^32 by the golden ratio: D. E. Knuth, The Art of Computer Programming, 6.4 */
#define UNPACK_HISTORIES 0x10000U       /* in each of two tables */
#define UNPACK_UNIT_BITS 8              /* of a log of odds: 1/256 */
#define UNPACK_CERTAIN 2048             /* e^8 : 1 is as sure as it gets (0; a 1 is not quite) */
#define UNPACK_LOGIT_BITS 4             /* a counter's further fraction */
#define UNPACK_WEIGHT_BITS 16           /* a weight's fraction */
#define UNPACK_WEIGHT 0x4000            /* what a weight is at first */
#define UNPACK_WEIGHT_RATE 14           /* shift */

struct unpack_counter {
    int16_t logit;
    uint16_t seen;                      /* how often it has learned: less and less each time */
};

struct unpack_input {
    uint32_t hash;
    uint8_t *history;                           /* for the next bit; below a mark, the highest bit that is set */
    struct unpack_counter counter[256];
    int32_t weight[256], bit_weight[4 * 256];   /* by the opcode, and by the bit; together above UNPACK_WEIGHT */
};

struct unpacker {
    const uint8_t *in;
    uint32_t range, code;
    uint16_t *even;                             /* the middle one of the chances */
    uint8_t *histories[2];
    uint32_t recent, opcodes;                   /* the last one in bits 0-7, those before it above */
    struct unpack_input input[UNPACK_INPUTS];
    uint16_t chance[2 * UNPACK_CERTAIN + 1];    /* of a 1, in 1/65536; never 0 or 1 */
    uint8_t history[UNPACK_HISTORIES];
};

/* The other memory has room for UNPACK_HISTORIES bytes. Returns how many bytes there are, up to the end of the last instruction. The
 * packed bytes are trusted: they are the bootloader's own. */
uint32_t unpack_start(struct unpacker *u, uint8_t *other, const uint8_t *packed);
/* Puts the next instruction to out + at; returns where the one after it goes. */
uint32_t unpack_instruction(struct unpacker *u, uint8_t *out, uint32_t at);

#endif
