/* SPDX-License-Identifier: MIT */
/* Frames of the native protocol: finding them in a stream of bytes, and writing them. */
#include "proto/native.h"

#include <string.h>

#include "image/bytes.h"
#include "image/crc32.h"
#include "proto/ymodem.h"

#define AT_TYPE 2U
#define AT_SEQ 3U
#define AT_LENGTH 4U
#define AT_HEADER_CRC 6U
#define CRC_FROM AT_TYPE                /* the frame's CRC begins behind the two sync bytes */

enum verdict { MORE, WHOLE, BAD };

static uint32_t body_end(const uint8_t *frame)
{
    return NATIVE_HEADER_BYTES + (uint32_t)load_le16(frame + AT_LENGTH);
}

/* Can a frame begin with these n bytes, as far as its header tells? */
static bool header_plausible(const uint8_t *p, size_t n)
{
    if (p[0] != NATIVE_SYNC0 || (n > 1 && p[1] != NATIVE_SYNC1))
        return false;
    return n < NATIVE_HEADER_BYTES || (load_le16(p + AT_HEADER_CRC) == ym_crc16(0, p, AT_HEADER_CRC) &&
                                       load_le16(p + AT_LENGTH) <= NATIVE_PAYLOAD_MAX);
}

/* Judges what is held; extends the running CRC over the bytes that are new. */
static enum verdict judge(struct native_rx *rx)
{
    uint32_t end, covered;

    if (rx->have == 0)
        return MORE;
    if (rx->checked == 0) {
        if (!header_plausible(rx->buf, rx->have))
            return BAD;
        if (rx->have < NATIVE_HEADER_BYTES)
            return MORE;
        rx->crc = CRC32_INIT;
        rx->checked = CRC_FROM;
    }
    end = body_end(rx->buf);
    covered = rx->have < end ? rx->have : end;
    rx->crc = crc32_bytes(rx->crc, rx->buf + rx->checked, covered - rx->checked);
    rx->checked = (uint16_t)covered;
    if (rx->have < end + NATIVE_TRAILER_BYTES)
        return MORE;
    return load_le32(rx->buf + end) == rx->crc ? WHOLE : BAD;
}

/* Drops the first n bytes held. Moves towards lower addresses, so that the overlap does no harm. */
static void drop(struct native_rx *rx, size_t n)
{
    size_t rest = rx->have - n;

    /*@ loop invariant i <= rest;
        loop assigns i, rx->buf[0 .. NATIVE_FRAME_MAX - 1];
        loop variant rest - i; */
    for (size_t i = 0; i < rest; i++)
        rx->buf[i] = rx->buf[n + i];
    rx->have = (uint16_t)rest;
    rx->checked = 0;
}

/* Gives up what begins at the first byte, and everything up to the next place where a frame can begin. Headers are judged in
 * place, so that a buffer full of sync bytes costs one pass and not one for each. */
static void give_up(struct native_rx *rx)
{
    size_t at = 1;

    if (rx->have > 1 && rx->buf[1] == NATIVE_SYNC1)
        rx->damaged++;
    /*@ loop invariant 1 <= at <= rx->have;
        loop assigns at;
        loop variant rx->have - at; */
    while (at < rx->have && !header_plausible(rx->buf + at, rx->have - at))
        at++;
    drop(rx, at);
}

/* Until a frame is whole, or what is held can still become one. Every turn drops a byte at least. */
static void settle(struct native_rx *rx)
{
    enum verdict v;

    /*@ loop invariant checked(rx) && rx->have <= \at(rx->have, Pre);
        loop assigns v, rx->buf[0 .. NATIVE_FRAME_MAX - 1], rx->have, rx->checked, rx->crc, rx->damaged;
        loop variant rx->have; */
    while ((v = judge(rx)) == BAD)
        give_up(rx);
    rx->whole = v == WHOLE;
}

/* Bytes that are missing to the next point at which something can be judged. Never 0: settle has looked at what is held. */
static size_t missing(const struct native_rx *rx)
{
    if (rx->have < 2)
        return 1;
    if (rx->have < NATIVE_HEADER_BYTES)
        return NATIVE_HEADER_BYTES - rx->have;
    return body_end(rx->buf) + NATIVE_TRAILER_BYTES - rx->have;
}

void native_rx_init(struct native_rx *rx)
{
    rx->have = 0;
    rx->checked = 0;
    rx->whole = false;
    rx->last_ms = 0;
    rx->damaged = 0;
}

size_t native_rx_feed(struct native_rx *rx, const uint8_t *in, size_t n, uint32_t now_ms)
{
    size_t taken = 0;

    /*@ loop invariant settled(rx) && taken <= n;
        loop assigns taken, *rx;
        loop variant n - taken; */
    while (taken < n && !rx->whole) {
        size_t k = missing(rx);

        if (k > n - taken)
            k = n - taken;
        memcpy(rx->buf + rx->have, in + taken, k);
        rx->have = (uint16_t)(rx->have + k);
        taken += k;
        rx->last_ms = now_ms;
        settle(rx);
    }
    return taken;
}

void native_rx_tick(struct native_rx *rx, uint32_t now_ms)
{
    if (rx->whole || rx->have == 0) {
        rx->last_ms = now_ms;           /* what stands behind a whole frame has not been silent: nobody listened */
        return;
    }
    if (now_ms - rx->last_ms < NATIVE_GAP_MS)
        return;
    /*@ loop invariant settled(rx);
        loop assigns rx->buf[0 .. NATIVE_FRAME_MAX - 1], rx->have, rx->checked, rx->crc, rx->damaged, rx->whole;
        loop variant rx->have; */
    while (rx->have > 0 && !rx->whole) {
        give_up(rx);
        settle(rx);
    }
}

bool native_rx_frame(const struct native_rx *rx, struct native_frame *out)
{
    if (!rx->whole)
        return false;
    out->type = rx->buf[AT_TYPE];
    out->seq = rx->buf[AT_SEQ];
    out->length = load_le16(rx->buf + AT_LENGTH);
    out->payload = rx->buf + NATIVE_HEADER_BYTES;
    return true;
}

void native_rx_release(struct native_rx *rx)
{
    if (!rx->whole)
        return;
    drop(rx, body_end(rx->buf) + NATIVE_TRAILER_BYTES);
    settle(rx);
}

bool native_rx_empty(const struct native_rx *rx)
{
    return rx->have == 0;
}

size_t native_encode(uint8_t *out, size_t cap, uint8_t type, uint8_t seq, const uint8_t *payload, size_t n)
{
    size_t end = NATIVE_HEADER_BYTES + n;

    if (n > NATIVE_PAYLOAD_MAX || cap < end + NATIVE_TRAILER_BYTES)
        return 0;
    out[0] = NATIVE_SYNC0;
    out[1] = NATIVE_SYNC1;
    out[AT_TYPE] = type;
    out[AT_SEQ] = seq;
    store_le16(out + AT_LENGTH, (uint16_t)n);
    store_le16(out + AT_HEADER_CRC, ym_crc16(0, out, AT_HEADER_CRC));
    if (n > 0 && payload != out + NATIVE_HEADER_BYTES)
        memcpy(out + NATIVE_HEADER_BYTES, payload, n);
    store_le32(out + end, crc32_bytes(CRC32_INIT, out + CRC_FROM, end - CRC_FROM));
    return end + NATIVE_TRAILER_BYTES;
}
