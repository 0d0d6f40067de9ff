/* SPDX-License-Identifier: MIT */
/* Images for the unit tests, written from docs/SPEC.md section 2 with plain numbers. */
#include "tests/unit/make_image.h"

#include <string.h>

#include "image/bytes.h"

uint32_t make_image_crc(const uint8_t *p, uint32_t n)
{
    uint32_t crc = 0xFFFFFFFFU;

    for (uint32_t at = 0; at < n; at += 4U) {
        if (at == 0x24 || at == 0x34)
            continue;
        crc ^= load_le32(p + at);
        for (int i = 0; i < 32; i++)
            crc = (crc & 0x80000000U) != 0 ? crc << 1 ^ 0x04C11DB7U : crc << 1;
    }
    return crc;
}

static void put_info(uint8_t *p, const char *product, uint8_t flags)
{
    size_t len = strlen(product), padded = (len + 3U) & ~(size_t)3U;

    memcpy(p, "VCPBINFO", 8);
    store_le16(p + 8, (uint16_t)(4U + padded + 8U));
    store_le16(p + 10, 1);
    store_le16(p + 12, 1);              /* product */
    store_le16(p + 14, (uint16_t)len);
    memset(p + 16, 0, padded);
    memcpy(p + 16, product, len);
    store_le16(p + 16 + padded, 6);     /* flags */
    store_le16(p + 18 + padded, 4);
    store_le32(p + 20 + padded, flags);
}

void make_image(uint8_t *out, const struct image_recipe *r)
{
    uint32_t random = r->seed * 2U + 1U;

    for (uint32_t i = 0; i < r->bytes; i++) {
        random = random * 1664525U + 1013904223U;
        out[i] = (uint8_t)(random >> 24);
    }
    store_le32(out, 0x20020000U);
    store_le32(out + 4, r->base + 0x41U);
    memset(out + 0x1C, 0, 16);
    memset(out + 0x34, 0, 4);
    if (r->product != NULL)
        put_info(out + r->info_at, r->product, r->flags);
    if (!r->sealed)
        return;
    memcpy(out + 0x1C, "VCPB", 4);
    store_le32(out + 0x20, r->bytes);
    store_le32(out + 0x28, 1U | (uint32_t)r->flags << 4 | (r->product != NULL ? r->info_at / 4U : 0) << 12);
    store_le32(out + 0x34, 0xFFFFFFFFU);
    store_le32(out + 0x24, make_image_crc(out, r->bytes));
}
