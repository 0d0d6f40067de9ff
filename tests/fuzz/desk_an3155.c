/* SPDX-License-Identifier: MIT */
/* AN3155's part of a script: parts of commands whose checksums are right, whatever is in them. */
#include <string.h>

#include "tests/fuzz/desk.h"
#include "tests/unit/wire.h"

#define PART_MAX 300U

static void put_command(struct desk *d, uint8_t code)
{
    const uint8_t bytes[] = { code, (uint8_t)~code };

    desk_put(d, bytes, sizeof bytes);
    desk_settle(d);
}

static void put_part(struct desk *d, const uint8_t *p, size_t n)
{
    uint8_t part[PART_MAX + 1U];

    if (n != 0) memcpy(part, p, n);
    part[n] = an3155_checksum(0, p, n);
    desk_put(d, part, n + 1U);
}

static void put_address(struct desk *d, uint32_t address)
{
    const uint8_t bytes[] = { (uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address };

    put_part(d, bytes, sizeof bytes);
    desk_settle(d);
}

void op_an_command(struct desk *d, struct input *in)
{
    uint8_t i = take8(in);

    if (i % 16U < AN_COMMANDS) {
        put_command(d, an_codes[i % 16U]);
    } else {
        const uint8_t init = AN_INIT;
        desk_put(d, &init, 1);
    }
}

/* In the area, or anywhere. */
void op_an_address(struct desk *d, struct input *in)
{
    uint32_t offset = take16(in);

    put_address(d, offset < 0x8000U ? GUARD_BASE + offset : take32(in));
}

void op_an_count(struct desk *d, struct input *in)
{
    put_command(d, take8(in));
}

void op_an_part(struct desk *d, struct input *in)
{
    size_t got;
    const uint8_t *p = take(in, take8(in), &got);

    put_part(d, p, got);
}

void op_an_read(struct desk *d, struct input *in)
{
    put_command(d, an_codes[AN_READ]);
    op_an_address(d, in);
    put_command(d, take8(in));
}

static void write_at(struct desk *d, uint32_t offset, size_t n)
{
    uint8_t part[1 + AN_BLOCK_MAX] = { (uint8_t)(n - 1U) };

    for (size_t i = 0; i < n; i++)
        part[1 + i] = offset + i < d->guard.image_bytes ? d->guard.image[offset + i] : 0xFF;
    put_command(d, an_codes[AN_WRITE]);
    put_address(d, GUARD_BASE + offset);
    put_part(d, part, n + 1U);
    desk_settle(d);
}

/* A block of the image at a place of its own, right behind the last one, or elsewhere. */
void op_an_write(struct desk *d, struct input *in)
{
    uint8_t n = take8(in);
    uint32_t offset = take16(in);

    if (offset < 0x8000U) d->at = offset % (GUARD_BYTES + 64U) & ~3U;
    write_at(d, d->at, (n | 3U) + 1U);
    d->at += (n | 3U) + 1U;
}

/* All of the image, forwards or backwards. */
void op_an_write_all(struct desk *d, struct input *in)
{
    uint32_t blocks = (d->guard.image_bytes + AN_BLOCK_MAX - 1U) / AN_BLOCK_MAX;
    bool backwards = (take8(in) & 1U) != 0;

    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t offset = (backwards ? blocks - 1U - i : i) * AN_BLOCK_MAX, left = d->guard.image_bytes - offset;

        write_at(d, offset, left < AN_BLOCK_MAX ? (left + 3U) & ~3U : AN_BLOCK_MAX);
    }
}

/* Of the area's sectors 4 to 6, or whatever the script says. Bit 7: all of them. */
void op_an_erase(struct desk *d, struct input *in)
{
    uint8_t which = take8(in), list[2 + 2 * 16] = { 0 };
    size_t n = 2;

    put_command(d, an_codes[AN_ERASE]);
    if (which >= 0x80U) {
        list[0] = list[1] = 0xFF;
    } else {
        for (uint8_t sector = 0; sector < 7U; sector++) {
            if ((which >> sector & 1U) == 0) continue;
            list[n + 1U] = (uint8_t)(sector + 4U) % 8U;
            n += 2;
        }
        list[1] = (uint8_t)(n / 2U - 2U);
        list[0] = n == 2 ? 0xFF : 0;    /* none: a special value */
    }
    put_part(d, list, n);
    desk_settle(d);
}

/* Protect the sectors of a bitmap, or take all protection away. */
void op_an_protect(struct desk *d, struct input *in)
{
    uint8_t which = take8(in), list[9] = { 0 };
    size_t n = 1;

    if (which >= 0x80U) {
        put_command(d, an_codes[AN_WRITE_UNPROTECT]);
        return;
    }
    for (uint8_t sector = 0; sector < 7U; sector++)
        if ((which >> sector & 1U) != 0) list[n++] = (uint8_t)((sector + 4U) % 8U);
    list[0] = (uint8_t)(n - 2U);
    put_command(d, an_codes[AN_WRITE_PROTECT]);
    put_part(d, list, n);
    desk_settle(d);
}
