/* SPDX-License-Identifier: MIT */
/* YMODEM's and XMODEM's part of a script: blocks whose CRCs are right, whatever is in them. */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/desk.h"
#include "tests/unit/wire.h"

#define SHORT_BLOCK 128U

static void put_block(struct desk *d, uint8_t number, const uint8_t *p, size_t n, size_t block, uint8_t pad)
{
    uint8_t frame[YMODEM_FRAME_MAX];

    desk_put(d, frame, ymodem_frame(frame, number, p, n < block ? n : block, block, pad));
}

static size_t block_bytes(uint8_t flags)
{
    return (flags & 1U) != 0 ? YM_BLOCK_MAX : SHORT_BLOCK;
}

/* Block 0: the size of the image, or another one, or none. */
void op_header(struct desk *d, struct input *in)
{
    uint8_t flags = take8(in);
    char name[SHORT_BLOCK] = "image.bin";
    size_t n = 10;

    if ((flags & 6U) != 0)
        n += (size_t)snprintf(name + 10, sizeof name - 10, "%u", (flags & 2U) != 0 ? d->guard.image_bytes : take16(in));
    put_block(d, 0, (const uint8_t *)name, n, block_bytes(flags), 0);
    d->number = 1;
    d->at = 0;
}

static void next_block(struct desk *d, size_t block, uint8_t pad)
{
    uint32_t left = d->at < d->guard.image_bytes ? d->guard.image_bytes - d->at : 0;

    put_block(d, d->number++, d->guard.image + (left != 0 ? d->at : 0), left, block, pad);
    d->at += (uint32_t)block;
}

/* The next block of the image, or the last one again. */
void op_block(struct desk *d, struct input *in)
{
    uint8_t flags = take8(in);
    size_t block = block_bytes(flags);

    if ((flags & 2U) != 0 && d->at >= block) {
        d->number--;
        d->at -= (uint32_t)block;
    }
    next_block(d, block, (flags & 4U) != 0 ? 0 : YM_PAD);
}

void op_block_raw(struct desk *d, struct input *in)
{
    uint8_t flags = take8(in), number = take8(in), n = take8(in);
    size_t got;
    const uint8_t *p = take(in, n % SHORT_BLOCK, &got);

    put_block(d, number, p, got, block_bytes(flags), flags);
    d->number = (uint8_t)(number + 1U);
}

/* All blocks of the image from where the script is, then EOT. Bit 1: without waiting, as YMODEM-g does it. */
void op_file(struct desk *d, struct input *in)
{
    uint8_t flags = take8(in), eot = YM_EOT;

    while (d->at < d->guard.image_bytes) {
        next_block(d, block_bytes(flags), YM_PAD);
        if ((flags & 2U) == 0) desk_settle(d);
    }
    desk_put(d, &eot, 1);
    desk_settle(d);
}

void op_close(struct desk *d, struct input *in)
{
    put_block(d, 0, NULL, 0, block_bytes(take8(in)), 0);
}

/* A receiver that says the same again and again. */
void op_receiver(struct desk *d, struct input *in)
{
    static const uint8_t words[] = { YM_ACK, YM_CRC, YM_STREAM, YM_NAK };
    uint8_t how = take8(in);

    for (unsigned i = 0; i <= how >> 4; i++) {
        desk_put(d, &words[how & 3U], 1);
        desk_settle(d);
        desk_wait(d, 6);
    }
}
