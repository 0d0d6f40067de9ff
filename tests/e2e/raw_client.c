/* SPDX-License-Identifier: MIT */
/* The two clients. */
#include "tests/e2e/raw_client.h"

#include "tests/unit/cm.h"

#include <stdio.h>
#include <string.h>

#include "board/usbhost/usbhost.h"
#include "proto/an3155.h"
#include "proto/ymodem.h"
#include "tests/unit/wire.h"

#define CALL_MS 3000U                   /* the first call comes a second after the opening */
#define AN_PIECE 256U

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    struct raw *r = owner;

    if (r->at == r->n)
        r->at = r->n = 0;
    assert_true(bytes <= sizeof r->in - r->n);
    memcpy(r->in + r->n, data, bytes);
    r->n += bytes;
}

void raw_begin(struct raw *r, struct desk *d)
{
    desk_reopen(d);
    *r = (struct raw){ .desk = d };
    d->listener = on_received;
    d->listener_owner = r;
}

void raw_end(struct raw *r)
{
    r->desk->listener = NULL;
}

void raw_forget(struct raw *r)
{
    r->at = r->n = 0;
}

bool raw_say(struct raw *r, const uint8_t *p, size_t n)
{
    vtime end = chip_now(r->desk->chip) + VTIME_MS(RAW_PATIENCE_MS);

    for (;;) {
        size_t took = usbhost_cdc_write(chip_usbhost(r->desk->chip), p, n);

        p += took;
        n -= took;
        if (n == 0)
            return true;
        if (!r->desk->port || chip_now(r->desk->chip) >= end || !desk_step(r->desk))
            return false;
    }
}

int raw_hear(struct raw *r, unsigned within_ms)
{
    vtime end = chip_now(r->desk->chip) + VTIME_MS(within_ms);

    while (r->at == r->n)
        if (!r->desk->port || chip_now(r->desk->chip) >= end || !desk_step(r->desk))
            return RAW_SILENCE;
    return r->in[r->at++];
}

bool raw_await(struct raw *r, uint8_t byte, unsigned within_ms)
{
    vtime end = chip_now(r->desk->chip) + VTIME_MS(within_ms);

    while (chip_now(r->desk->chip) < end) {
        int heard = raw_hear(r, within_ms);

        if (heard == byte)
            return true;
        if (heard == RAW_SILENCE)
            return false;
    }
    return false;
}

/* --- YMODEM --------------------------------------------------------------------------------------------------------------- */

static bool send_block(struct raw *r, uint8_t number, const uint8_t *p, size_t n, size_t size)
{
    uint8_t block[YMODEM_FRAME_MAX];

    return raw_say(r, block, ymodem_frame(block, number, p, n, size, number == 0 ? 0 : YM_PAD)) && raw_await(r, YM_ACK, RAW_PATIENCE_MS);
}

bool ymodem_header(struct raw *r, size_t bytes)
{
    char header[64];
    int n = snprintf(header, sizeof header, "image.bin%c%zu", 0, bytes);

    return raw_await(r, YM_CRC, CALL_MS) && send_block(r, 0, (const uint8_t *)header, (size_t)n, 128) &&
           raw_await(r, YM_CRC, RAW_PATIENCE_MS);
}

bool ymodem_blocks(struct raw *r, const uint8_t *image, size_t bytes, size_t from, size_t to)
{
    for (size_t at = from; at < to && at < bytes; at += YM_BLOCK_MAX) {
        size_t n = bytes - at < YM_BLOCK_MAX ? bytes - at : YM_BLOCK_MAX;

        if (!send_block(r, (uint8_t)(at / YM_BLOCK_MAX + 1), image + at, n, YM_BLOCK_MAX))
            return false;
    }
    return true;
}

bool ymodem_end(struct raw *r)
{
    const uint8_t eot = YM_EOT, nothing = 0;

    return raw_say(r, &eot, 1) && raw_await(r, YM_ACK, RAW_PATIENCE_MS) && raw_await(r, YM_CRC, RAW_PATIENCE_MS) &&
           send_block(r, 0, &nothing, 1, 128);
}

/* --- AN3155 --------------------------------------------------------------------------------------------------------------- */

static bool acknowledged(struct raw *r)
{
    return raw_hear(r, RAW_PATIENCE_MS) == AN_ACK;
}

static bool command(struct raw *r, uint8_t code)
{
    const uint8_t bytes[2] = { code, (uint8_t)~code };

    return raw_say(r, bytes, sizeof bytes) && acknowledged(r);
}

static bool address_is_taken(struct raw *r, uint32_t a)
{
    const uint8_t bytes[5] = { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a,
                               (uint8_t)(a >> 24 ^ a >> 16 ^ a >> 8 ^ a) };

    return raw_say(r, bytes, sizeof bytes) && acknowledged(r);
}

bool an3155_connect(struct raw *r)
{
    const uint8_t init = AN_INIT;

    raw_forget(r);
    return raw_say(r, &init, 1) && acknowledged(r) && command(r, 0x02) && raw_await(r, AN_ACK, RAW_PATIENCE_MS);
}

bool an3155_erase(struct raw *r)
{
    const uint8_t all[3] = { 0xFF, 0xFF, 0x00 };

    return command(r, 0x44) && raw_say(r, all, sizeof all) && acknowledged(r);
}

static bool write_piece(struct raw *r, uint32_t address, const uint8_t *p, size_t n)
{
    uint8_t bytes[AN_PIECE + 2] = { (uint8_t)(n - 1) };

    memcpy(bytes + 1, p, n);
    bytes[1 + n] = an3155_checksum(bytes[0], p, n);
    return command(r, 0x31) && address_is_taken(r, address) && raw_say(r, bytes, n + 2) && acknowledged(r);
}

bool an3155_write(struct raw *r, uint32_t address, const uint8_t *p, size_t n, size_t from, size_t to)
{
    for (size_t at = from; at < to && at < n; at += AN_PIECE)
        if (!write_piece(r, address + (uint32_t)at, p + at, n - at < AN_PIECE ? n - at : AN_PIECE))
            return false;
    return true;
}

bool an3155_go(struct raw *r, uint32_t address)
{
    return command(r, 0x21) && address_is_taken(r, address);
}
