/* SPDX-License-Identifier: MIT */
/* Digests of what is installed, so that the PC sends only what differs (docs/SPEC.md section 5.4). */
#include "image/crc32.h"
#include "update/steps.h"

uint32_t session_digest_head(const struct session *s)
{
    uint32_t crc = CRC32_INIT;

    flash_crc_reset();
    for (uint32_t at = 0; at < SEAL_HEAD_BYTES; at += 4U)
        if (at != SEAL_AT_LIFE)         /* it changes with every start */
            crc = flash_crc_word(session_read(s, at));
    return crc;
}

uint32_t session_digest_sector(const struct session *s, size_t index, uint32_t length)
{
    const struct flash_sector *sector;
    uint32_t first, end;

    if (index >= s->area->count)
        return CRC32_INIT;
    sector = s->area->sector + index;   /* not before: a pointer beyond the array's end is undefined (C11 6.5.6) */
    first = sector->addr - s->where->base;
    end = first + sector->bytes;
    if (first < SEAL_HEAD_BYTES)
        first = SEAL_HEAD_BYTES;
    if (end > length)
        end = length;
    flash_crc_reset();
    return end > first ? flash_crc_block(s->where->base + first, (end - first) / 4U) : CRC32_INIT;
}
