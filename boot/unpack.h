/* SPDX-License-Identifier: MIT */
/* Unpacks what scripts/pack-updater has packed. Pure; compiled for the PC too.
 *
 * Packed are: the length of what comes out (4 bytes, little endian, a multiple of 2), then the bytes of an adaptive binary range
 * coder. Its bits say, over and over until the length is reached:
 *
 *   match?     0: a literal, eight bits, the highest first. 1: bytes that have been there before:
 *   repeat?    only after a literal. 1: the offset is the last match's
 *   offset     a number, unless it is a repetition: how far back
 *   length     a number: the length of a repetition, or one less than the length of another match
 *
 * A number from 1 is written as: as many ones as bits follow its first one, a zero, and these bits, the highest first.
 * Each bit has a context of its own, that is, a probability that learns. At last, the targets of BL become distances again. */
#ifndef VCPBOOT_UNPACK_H
#define VCPBOOT_UNPACK_H

#include <stdint.h>

#define UNPACK_LEARNING 5U              /* shift: how much a probability moves */
#define UNPACK_CLASSES 16U              /* of numbers, by their bits */
#define UNPACK_TREE (UNPACK_CLASSES * UNPACK_CLASSES)   /* a number's contexts: ones and zero by place, then bits by class and place */
#define UNPACK_AT_MATCH 0U              /* 2 contexts, by whether a match was before */
#define UNPACK_AT_REPEAT 2U             /* 2, by the position's lowest bit */
#define UNPACK_AT_LENGTH 4U             /* 2 trees, by the position's lowest bit */
#define UNPACK_AT_OFFSET (UNPACK_AT_LENGTH + 2U * UNPACK_TREE)
#define UNPACK_AT_LITERAL (UNPACK_AT_OFFSET + UNPACK_TREE)      /* 3 trees, by the kind of byte */
#define UNPACK_LONG 0xE8U               /* high bytes from here on begin an instruction of 32 bits (PM0214 §3.4) */
#define UNPACK_CONTEXTS (UNPACK_AT_LITERAL + 3U * 256U)

/* out: as many bytes as `packed` says. The packed bytes are trusted: they are the bootloader's own. Takes 3 KB of stack. */
void unpack(uint8_t *out, const uint8_t *packed);

#endif
