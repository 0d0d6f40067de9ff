/* SPDX-License-Identifier: MIT */
/* Which sectors an update must send. */
/* Sources: docs/SPEC.md sections 5.4 and 5.5 */
#include "host/lib/plan.h"

#include "image/bytes.h"
#include "image/crc32.h"
#include "image/seal.h"

uint32_t plan_digest_head(const uint8_t *image)
{
    uint32_t crc = CRC32_INIT;

    for (uint32_t at = 0; at < SEAL_HEAD_BYTES; at += 4U)
        if (at != SEAL_AT_LIFE) crc = crc32_word(crc, load_le32(image + at));
    return crc;
}

static uint32_t digest_of_a_blank_head(void)
{
    uint8_t blank[SEAL_HEAD_BYTES];

    for (size_t i = 0; i < sizeof blank; i++) blank[i] = 0xFF;
    return plan_digest_head(blank);
}

uint32_t plan_digest_sector(const uint8_t *image, uint32_t from, uint32_t to)
{
    uint32_t crc = CRC32_INIT;

    for (uint32_t at = from < SEAL_HEAD_BYTES ? SEAL_HEAD_BYTES : from; at < to; at += 4U)
        crc = crc32_word(crc, load_le32(image + at));
    return crc;
}

static bool life_allows_a_start(uint32_t life, uint8_t flags)
{
    if (seal_revoked(life)) return false;
    return (flags & SEAL_FLAG_CONFIRMS) == 0 || seal_confirmed(life) || seal_next_start(life) != 0;
}

bool plan_make(struct plan *out, const struct native_hello *h, const uint8_t *image, uint32_t length, const uint32_t *digest,
               size_t digests)
{
    uint32_t from = 0, differs = 0;
    size_t i = 0;

    for (; i < h->sectors && from < length; i++) {
        uint32_t end = (uint32_t)h->sector_kb[i] * 1024U > length - from ? length : from + (uint32_t)h->sector_kb[i] * 1024U;
        if (i + 1U >= digests) return false;
        if (digest[i + 1U] != plan_digest_sector(image, from, end)) differs |= 1U << i;
        from = end;
    }
    if (from < length || digests != i + 1U) return false;

    uint8_t flags = (uint8_t)(load_le32(image + SEAL_AT_FORMAT) >> 4);
    out->same = differs == 0 && digest[0] == plan_digest_head(image);
    out->startable = out->same && life_allows_a_start(h->life, flags);
    /* The head is only ever written over a blank one: otherwise the first sector goes along, whatever its body is. */
    out->sectors = digest[0] == digest_of_a_blank_head() ? differs : differs | 1U;
    return true;
}

void plan_all_of_it(struct plan *out, const struct native_hello *h, uint32_t length)
{
    uint32_t from = 0;

    *out = (struct plan){ 0 };
    for (size_t i = 0; i < h->sectors && from < length; i++) {
        out->sectors |= 1U << i;
        from += (uint32_t)h->sector_kb[i] * 1024U;
    }
}
