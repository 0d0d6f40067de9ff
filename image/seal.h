/* SPDX-License-Identifier: MIT */
/* The seal of an image: what stands in the vector table's reserved words, and the checks on it (docs/SPEC.md section 2). */
#ifndef VCPBOOT_SEAL_H
#define VCPBOOT_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_AT_MAGIC 0x1CU
#define SEAL_AT_LENGTH 0x20U
#define SEAL_AT_CRC 0x24U
#define SEAL_AT_FORMAT 0x28U
#define SEAL_AT_LIFE 0x34U
#define SEAL_MAGIC 0x42504356U          /* "VCPB" */
#define SEAL_HEAD_BYTES 64U
#define SEAL_HEAD_WORDS (SEAL_HEAD_BYTES / 4U)
#define SEAL_FORMAT 1U
#define SEAL_MIN_BYTES 68U              /* a head and one word behind it */

#define SEAL_FLAG_CONFIRMS 0x01U

#define LIFE_FRESH 0xFFFFFFFFU
#define LIFE_START_1 0x00000001U
#define LIFE_START_2 0x00000002U
#define LIFE_START_3 0x00000004U
#define LIFE_CONFIRMED 0x00000100U
#define LIFE_REVOKED 0x00010000U

/* The head of an image, word by word as it stands (or will stand) in flash. */
struct seal_head { uint32_t word[SEAL_HEAD_WORDS]; };

/* Where an image may live. RAM ranges are inclusive at their end: an initial SP equal to the end of RAM is legal and common. */
struct seal_ram { uint32_t first, last; };      /* lowest and highest SP that is accepted */
struct seal_area {
    uint32_t base, bytes;               /* the application area */
    const struct seal_ram *ram;
    size_t ram_count;
};
extern const struct seal_ram seal_ram_f407[2];  /* SRAM and CCM of the F405/407/415/417 */

enum seal_kind {
    SEAL_BLANK,                         /* first word all ones: nothing here, or a commit that never began */
    SEAL_NONE,                          /* all five reserved words zero: a developer's or a raw image */
    SEAL_PRESENT,                       /* magic, format and length are good; the CRC is not looked at yet */
    SEAL_MALFORMED,                     /* anything else */
};

/* What the head says, as far as the area allows it. Parse first, trust later. */
struct seal_info {
    enum seal_kind kind;
    uint32_t length, crc, life;
    uint8_t flags;
    uint32_t info_offset;               /* bytes from the start of the image, 0 if none */
};

void seal_head_load(struct seal_head *h, const uint8_t bytes[SEAL_HEAD_BYTES]);
void seal_parse(struct seal_info *out, const struct seal_head *h, const struct seal_area *area);
/* SP in RAM and 8-aligned, reset vector odd and in [base + head, base + limit). limit: the image's length, or area->bytes. */
bool seal_vectors_ok(const struct seal_head *h, const struct seal_area *area, uint32_t limit);

/* The CRC runs over head words and then over the rest; life and CRC words are left out. Start from CRC32_INIT. */
bool seal_word_counts(size_t index);    /* false for the two words that are left out */
/* Writes magic, length, CRC and format into a raw head; life becomes LIFE_FRESH. */
void seal_apply(struct seal_head *h, uint32_t length, uint32_t crc, uint8_t flags, uint32_t info_offset);

/* Life word: which bit the coming start clears. 0: no start is left. Confirmed images need none: ask seal_confirmed first. */
bool seal_confirmed(uint32_t life);
bool seal_revoked(uint32_t life);
uint32_t seal_next_start(uint32_t life);

#endif
