/* SPDX-License-Identifier: MIT */
/* The info block inside an image: finding it, checking it whole, reading its entries. */
#include "image/info.h"

#include <stdbool.h>
#include <string.h>

#include "image/bytes.h"
#include "image/seal.h"

#define BLOCK_FORMAT 1U
#define ENTRY_HEADER_BYTES 4U

static size_t padded(size_t n)
{
    return (n + 3U) & ~(size_t)3U;                  /* n comes from 16 bits: cannot wrap */
}

/* Bytes that the entry at p takes with its header and padding; 0 if it runs past the n bytes left. */
static size_t entry_bytes(const uint8_t *p, size_t n)
{
    size_t bytes;

    if (n < ENTRY_HEADER_BYTES)
        return 0;
    bytes = ENTRY_HEADER_BYTES + padded(load_le16(p + 2));
    return bytes <= n ? bytes : 0;
}

static size_t header_entries(const uint8_t header[INFO_HEADER_BYTES])
{
    size_t bytes = load_le16(header + 8);

    if (load_le32(header) != INFO_MAGIC_LO || load_le32(header + 4) != INFO_MAGIC_HI)
        return 0;
    if (load_le16(header + 10) != BLOCK_FORMAT || bytes % 4U != 0 || bytes > INFO_ENTRIES_MAX)
        return 0;
    return bytes;
}

static bool entries_whole(const uint8_t *entries, size_t n)
{
    /*@ loop invariant at <= n;
        loop assigns at, step;
        loop variant n - at; */
    for (size_t at = 0, step; at < n; at += step) {
        step = entry_bytes(entries + at, n - at);
        if (step == 0)
            return false;
    }
    return true;
}

size_t info_check(const uint8_t *p, size_t n, uint32_t offset)
{
    size_t bytes;

    if (offset % 4U != 0 || offset > n || n - offset < INFO_HEADER_BYTES)
        return 0;
    bytes = header_entries(p + offset);
    if (bytes > n - offset - INFO_HEADER_BYTES || !entries_whole(p + offset + INFO_HEADER_BYTES, bytes))
        return 0;
    return bytes;
}

uint32_t info_find(const uint8_t *p, size_t n)
{
    /*@ loop invariant SEAL_HEAD_BYTES <= at;
        loop assigns at; */
    for (size_t at = SEAL_HEAD_BYTES; at <= n && n - at >= INFO_HEADER_BYTES; at += 4U)
        if (info_check(p, n, (uint32_t)at) != 0)
            return (uint32_t)at;
    return 0;
}

const uint8_t *info_entry(const uint8_t *entries, size_t n, uint16_t type, size_t *len)
{
    /*@ loop invariant at <= n;
        loop assigns at, step, *len;
        loop variant n - at; */
    for (size_t at = 0, step; at < n; at += step) {
        step = entry_bytes(entries + at, n - at);
        if (step == 0)
            break;
        if (load_le16(entries + at) == type) {
            *len = load_le16(entries + at + 2);
            return entries + at + ENTRY_HEADER_BYTES;
        }
    }
    return NULL;
}

size_t info_text(const uint8_t *entries, size_t n, uint16_t type, char *out, size_t cap)
{
    size_t len = 0;
    const uint8_t *value = info_entry(entries, n, type, &len);

    if (cap == 0)
        return 0;
    if (value == NULL)
        len = 0;
    /*@ loop invariant len <= \at(len, LoopEntry);
        loop assigns len;
        loop variant len; */
    while (len > 0 && value[len - 1U] == 0)
        len--;
    if (len > cap - 1U)
        len = cap - 1U;
    if (len > 0)
        memcpy(out, value, len);
    out[len] = '\0';
    return len;
}

uint8_t info_flags(const uint8_t *entries, size_t n)
{
    size_t len = 0;
    const uint8_t *value = info_entry(entries, n, INFO_FLAGS, &len);

    return value != NULL && len == 4 ? value[0] : 0;
}
