/* SPDX-License-Identifier: MIT */
/* Payloads that both ends of the native protocol know: STATUS and HELLO, to and from bytes. */
#include <string.h>

#include "image/bytes.h"
#include "image/info.h"
#include "proto/native.h"

#define SECTORS_MAX (sizeof ((struct native_hello *)0)->sector_kb / sizeof(uint16_t))

void native_put_status(uint8_t out[NATIVE_STATUS_BYTES], const struct native_status *s)
{
    out[0] = s->err;
    out[1] = s->phase;
    out[2] = s->sector;
    out[3] = 0;
    store_le32(out + 4, s->next);
    store_le32(out + 8, s->done);
}

bool native_get_status(struct native_status *s, const uint8_t *p, size_t n)
{
    if (n != NATIVE_STATUS_BYTES)
        return false;
    *s = (struct native_status){ .err = p[0], .phase = p[1], .sector = p[2], .next = load_le32(p + 4), .done = load_le32(p + 8) };
    return true;
}

static size_t sizes_bytes(uint8_t sectors)
{
    return (2U * (size_t)sectors + 3U) & ~(size_t)3U;
}

size_t native_put_hello(uint8_t *out, size_t cap, const struct native_hello *h)
{
    size_t entries_at = NATIVE_HELLO_BYTES + sizes_bytes(h->sectors);

    if (h->sectors > SECTORS_MAX || h->entries_bytes > INFO_ENTRIES_MAX || cap < entries_at + h->entries_bytes)
        return 0;
    memset(out, 0, entries_at);
    out[0] = h->status;
    out[1] = h->version;
    out[2] = h->mode;
    out[3] = h->reason;
    store_le32(out + 4, h->capabilities);
    store_le32(out + 8, h->boot_version);
    store_le16(out + 12, h->dev_id);
    store_le16(out + 14, h->rev_id);
    store_le32(out + 16, h->app_base);
    store_le32(out + 20, h->app_bytes);
    store_le16(out + 24, h->data_max);
    store_le16(out + 26, h->flash_kb);
    store_le32(out + 28, h->window);
    store_le32(out + 32, h->erase_max_ms);
    store_le32(out + 36, h->idle_exit_ms);
    store_le32(out + 40, h->image_bytes);
    store_le32(out + 44, h->image_crc);
    store_le32(out + 48, h->life);
    memcpy(out + 52, h->uid, sizeof h->uid);
    out[64] = h->sectors;
    store_le16(out + 66, (uint16_t)h->entries_bytes);
    for (size_t i = 0; i < h->sectors; i++)
        store_le16(out + NATIVE_HELLO_BYTES + 2 * i, h->sector_kb[i]);
    if (h->entries_bytes > 0)
        memcpy(out + entries_at, h->entries, h->entries_bytes);
    return entries_at + h->entries_bytes;
}

bool native_get_hello(struct native_hello *h, const uint8_t *p, size_t n)
{
    size_t entries_at;

    if (n < NATIVE_HELLO_BYTES || p[64] > SECTORS_MAX || load_le16(p + 66) > INFO_ENTRIES_MAX)
        return false;
    entries_at = NATIVE_HELLO_BYTES + sizes_bytes(p[64]);
    if (n != entries_at + load_le16(p + 66))
        return false;
    *h = (struct native_hello){
        .status = p[0], .version = p[1], .mode = p[2], .reason = p[3],
        .capabilities = load_le32(p + 4), .boot_version = load_le32(p + 8),
        .dev_id = load_le16(p + 12), .rev_id = load_le16(p + 14),
        .app_base = load_le32(p + 16), .app_bytes = load_le32(p + 20),
        .data_max = load_le16(p + 24), .flash_kb = load_le16(p + 26), .window = load_le32(p + 28),
        .erase_max_ms = load_le32(p + 32), .idle_exit_ms = load_le32(p + 36),
        .image_bytes = load_le32(p + 40), .image_crc = load_le32(p + 44), .life = load_le32(p + 48),
        .sectors = p[64], .entries = p + entries_at, .entries_bytes = load_le16(p + 66),
    };
    memcpy(h->uid, p + 52, sizeof h->uid);
    for (size_t i = 0; i < h->sectors; i++)
        h->sector_kb[i] = load_le16(p + NATIVE_HELLO_BYTES + 2 * i);
    return true;
}
