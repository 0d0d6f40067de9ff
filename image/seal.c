/* SPDX-License-Identifier: MIT */
/* The seal of an image: parsing, the checks that need no flash, and writing it into a raw head. */
/* Sources: PM0214 §2.3.4 "Vector table" (the reserved words); RM0090 Rev 21 §2.3.1 (SRAM, CCM) */
#include "image/seal.h"

#include "image/bytes.h"

#define AT_WORD(offset) ((offset) / 4U)
#define BLANK 0xFFFFFFFFU

/* The format word: bits 3:0 format, 11:4 flags, 31:12 offset of the info block in words. */
#define FORMAT_MASK 0xFU
#define FLAGS_POS 4U
#define INFO_POS 12U

/* An SP may equal the end of its RAM; below 1 KB there would be no room for a stack at all. */
const struct seal_ram seal_ram_f407[2] = {
    { 0x20000400U, 0x20020000U },
    { 0x10000400U, 0x10010000U },
};

void seal_head_load(struct seal_head *h, const uint8_t bytes[SEAL_HEAD_BYTES])
{
    for (size_t i = 0; i < SEAL_HEAD_WORDS; i++)
        h->word[i] = load_le32(bytes + 4U * i);
}

static bool raw(const struct seal_head *h)
{
    return (h->word[AT_WORD(SEAL_AT_MAGIC)] | h->word[AT_WORD(SEAL_AT_LENGTH)] | h->word[AT_WORD(SEAL_AT_CRC)] |
            h->word[AT_WORD(SEAL_AT_FORMAT)] | h->word[AT_WORD(SEAL_AT_LIFE)]) == 0;
}

static bool length_ok(uint32_t length, const struct seal_area *area)
{
    return length % 4U == 0 && length >= SEAL_MIN_BYTES && length <= area->bytes;
}

void seal_parse(struct seal_info *out, const struct seal_head *h, const struct seal_area *area)
{
    uint32_t format = h->word[AT_WORD(SEAL_AT_FORMAT)];
    uint32_t length = h->word[AT_WORD(SEAL_AT_LENGTH)];
    uint32_t info_offset = (format >> INFO_POS) * 4U;       /* 20 bits of words: cannot wrap */

    *out = (struct seal_info){ .kind = SEAL_MALFORMED };
    if (h->word[0] == BLANK) {
        out->kind = SEAL_BLANK;
    } else if (raw(h)) {
        out->kind = SEAL_NONE;
    } else if (h->word[AT_WORD(SEAL_AT_MAGIC)] == SEAL_MAGIC && (format & FORMAT_MASK) == SEAL_FORMAT &&
               length_ok(length, area) &&
               (info_offset == 0 || (info_offset >= SEAL_HEAD_BYTES && info_offset < length))) {
        out->kind = SEAL_PRESENT;
        out->length = length;
        out->crc = h->word[AT_WORD(SEAL_AT_CRC)];
        out->life = h->word[AT_WORD(SEAL_AT_LIFE)];
        out->flags = (uint8_t)(format >> FLAGS_POS);
        out->info_offset = info_offset;
    }
}

bool seal_vectors_ok(const struct seal_head *h, const struct seal_area *area, uint32_t limit)
{
    uint32_t sp = h->word[0];
    uint32_t at = h->word[1] - 1U - area->base;     /* an address below the base wraps to far above any limit */

    if (limit > area->bytes || h->word[1] % 2U == 0 || at < SEAL_HEAD_BYTES || at >= limit)
        return false;
    for (size_t i = 0; i < area->ram_count; i++)
        if (sp % 8U == 0 && sp >= area->ram[i].first && sp <= area->ram[i].last)
            return true;
    return false;
}

bool seal_word_counts(size_t index)
{
    return index != AT_WORD(SEAL_AT_CRC) && index != AT_WORD(SEAL_AT_LIFE);
}

void seal_apply(struct seal_head *h, uint32_t length, uint32_t crc, uint8_t flags, uint32_t info_offset)
{
    h->word[AT_WORD(SEAL_AT_MAGIC)] = SEAL_MAGIC;
    h->word[AT_WORD(SEAL_AT_LENGTH)] = length;
    h->word[AT_WORD(SEAL_AT_CRC)] = crc;
    h->word[AT_WORD(SEAL_AT_FORMAT)] = SEAL_FORMAT | (uint32_t)flags << FLAGS_POS | info_offset / 4U << INFO_POS;
    h->word[AT_WORD(SEAL_AT_LIFE)] = LIFE_FRESH;
}

bool seal_confirmed(uint32_t life)
{
    return (life & LIFE_CONFIRMED) == 0;
}

bool seal_revoked(uint32_t life)
{
    return (life & LIFE_REVOKED) == 0;
}

uint32_t seal_next_start(uint32_t life)
{
    uint32_t left = life & (LIFE_START_1 | LIFE_START_2 | LIFE_START_3);

    return left & (~left + 1U);                     /* the lowest bit that still stands */
}
