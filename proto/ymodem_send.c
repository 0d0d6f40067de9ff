/* SPDX-License-Identifier: MIT */
/* YMODEM sender: one step at a time, each repeated as often as the receiver asks for it. It counts the errors, and gives up. */
/* Sources: Forsberg, "XMODEM/YMODEM Protocol Reference" (1988); lrzsz lrz.c, zreadline.c
 *
 * lrzsz's rb believes an EOT only after three seconds of silence, and asks for a lost block after up to sixteen. Behind each of
 * its answers it drops what has come meanwhile (lrz.c wcrx, purgeline): so a block waits a little, or it would lose its head.
 *
 * The closing block is said once. Whoever calls behind it is a new receiver: to repeat it would tell him that there is no file. So it
 * waits long enough that a receiver on a busy PC has dropped before it comes: an rb that loses it waits for ever, since our calls for
 * a sender, which follow, are no silence to it (lrz.c wcgetsec).
 *
 * XMODEM's rx takes the header for a repetition, acknowledges it and complains later: that complaint counts as a call. */
#include "proto/ymodem_send.h"

#include <string.h>

#include "image/bytes.h"

#define DATA_AT 3U                      /* behind SOH or STX, number, its complement */
#define SMALL_BLOCK 128U
#define NO_DATE " 0 0"                  /* nor mode: rb takes what stands on its stack for those that are missing */
#define PAD_WORD (YM_PAD * 0x01010101U)

#define GAP_MS 5U                       /* from an answer to the next block */
#define LAST_GAP_MS 250U                /* ... to the closing one */
#define PATIENCE_MS 60000U              /* as long as lrzsz and Tera Term wait */

/* In the even ones a call is awaited, and leads to the next; in the odd ones an ACK. */
enum state {
    ST_CALL = 0,
    ST_HEADER = 1,
    ST_FIRST = 2,
    ST_DATA = 3,
    ST_EOT = 5,
    ST_NEXT = 6,
    ST_LAST = 7,                        /* the empty header */
    ST_OVER = 8,
};

static bool waits_for_call(const struct ym_sender *y)
{
    return y->state % 2 == 0;
}

/* --- what the receiver says --------------------------------------------------------------------------------------------- */

static void acknowledged(struct ym_sender *y)
{
    if (y->state != ST_DATA) {
        y->state++;
        return;
    }
    y->offset += YM_BLOCK_MAX;
    if (y->offset >= y->size)
        y->state = ST_EOT;
    y->due = true;
}

/* 'C', 'G' or NAK: they start what waits for a call, and repeat what waits for an ACK. But behind the first block of data a call
 * is a late one, and means nothing. */
static void called(struct ym_sender *y, uint8_t byte)
{
    if (y->state == ST_CALL)
        y->streaming = byte == YM_STREAM;
    if (waits_for_call(y))
        y->state++;
    y->due = byte == YM_NAK || y->state != ST_DATA || y->offset == 0;
}

static bool take(struct ym_sender *y, uint8_t byte)
{
    if (byte != YM_ACK && byte != YM_NAK && byte != YM_CRC && byte != YM_STREAM)
        return false;
    if (y->due)
        return true;                    /* said before it has heard us */
    if (byte != YM_ACK)
        called(y, byte);
    else if (!waits_for_call(y))
        acknowledged(y);
    return true;
}

/* --- what it is told ------------------------------------------------------------------------------------------------------ */

/* The block around the data that are there; returns its bytes. */
static size_t wrap(uint8_t *out, uint8_t number, size_t bytes)
{
    uint16_t crc = ym_crc16(0, out + DATA_AT, bytes);

    out[0] = bytes == SMALL_BLOCK ? YM_SOH : YM_STX;
    out[1] = number;
    out[2] = (uint8_t)~number;
    out[DATA_AT + bytes] = (uint8_t)(crc >> 8);
    out[DATA_AT + bytes + 1] = (uint8_t)crc;
    return bytes + 5;
}

static size_t put_header(uint8_t *out, uint32_t size)
{
    uint8_t *p = out + DATA_AT;
    uint32_t unit = 1;

    memset(p, 0, SMALL_BLOCK);
    if (size != 0) {
        memcpy(p, YM_SEND_NAME, sizeof YM_SEND_NAME);
        p += sizeof YM_SEND_NAME;
        while (size / unit >= 10)
            unit *= 10;
        for (; unit != 0; unit /= 10)
            *p++ = (uint8_t)('0' + size / unit % 10);
        memcpy(p, NO_DATE, sizeof NO_DATE);
    }
    return wrap(out, 0, SMALL_BLOCK);
}

static size_t put_data(const struct ym_sender *y, uint8_t *out, ym_word *word)
{
    for (uint32_t i = 0; i < YM_BLOCK_MAX; i += 4)
        store_le32(out + DATA_AT + i, y->offset + i < y->size ? word(y->start + y->offset + i) : PAD_WORD);
    return wrap(out, (uint8_t)(y->offset / YM_BLOCK_MAX + 1), YM_BLOCK_MAX);
}

static size_t put(struct ym_sender *y, uint8_t *out, ym_word *word)
{
    if (y->state == ST_DATA)
        return put_data(y, out, word);
    if (y->state != ST_EOT)
        return put_header(out, y->state == ST_HEADER ? y->size : 0);
    out[0] = YM_EOT;
    return 1;
}

/* --- the owner's side ------------------------------------------------------------------------------------------------------ */

void ym_send_init(struct ym_sender *y, uint32_t start, uint32_t size, uint32_t now_ms)
{
    *y = (struct ym_sender){ .start = start, .size = size, .last_ms = now_ms };
}

size_t ym_send_feed(struct ym_sender *y, const uint8_t *in, size_t n, uint32_t now_ms)
{
    size_t taken = 0;

    while (taken < n && take(y, in[taken]))
        taken++;
    if (taken > 0)
        y->last_ms = now_ms;
    return taken;
}

size_t ym_send_output(struct ym_sender *y, uint8_t *out, ym_word *word, uint32_t now_ms)
{
    uint32_t quiet_ms = now_ms - y->last_ms;
    uint32_t gap_ms = y->state == ST_LAST ? LAST_GAP_MS : y->streaming ? 0 : GAP_MS;
    size_t n;

    if (quiet_ms >= PATIENCE_MS) {
        y->state = ST_OVER;
        y->due = false;
    }
    if (!y->due || quiet_ms < gap_ms)
        return 0;
    n = put(y, out, word);
    y->due = false;
    y->last_ms = now_ms;
    if (y->state == ST_LAST || (y->streaming && y->state != ST_EOT))
        acknowledged(y);
    return n;
}

bool ym_send_over(const struct ym_sender *y)
{
    return y->state == ST_OVER;
}
