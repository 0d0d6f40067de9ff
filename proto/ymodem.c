/* SPDX-License-Identifier: MIT */
/* YMODEM and XMODEM receiver: one block at a time into a buffer, one event at a time to the owner, a few bytes of reply. */
/* Sources: Forsberg, "XMODEM/YMODEM Protocol Reference" (1988); lrzsz lsz.c; Tera Term ymodem.c
 *
 * The first EOT is acknowledged, as lrzsz's rb and ST's IAP do. Forsberg's NAK of the first EOT guards against line noise that
 * looks like one; USB has no such noise, and a file whose size is known cannot end early here. The NAK could do harm: sb drops its
 * input before each EOT, so a late ACK of the last block may pass for the answer to the EOT, and the NAK would then be taken for
 * a complaint about the block that closes the batch. A sender that sends EOT twice gets its second ACK.
 *
 * An XMODEM sender leaves out what makes a batch: its first block has the number 1, and its EOT is the end. */
#include "proto/ymodem.h"

#include <string.h>

#define HEADER_BYTES 3U                 /* SOH or STX, number, its complement */
#define CRC_BYTES 2U
#define SMALL_BLOCK 128U
#define BACKSPACE 0x08U                 /* senders erase their CANs with it */

#define ERRORS_MAX 10U
#define BYTE_MS 1000U                   /* longest gap within a block */
#define QUIET_MS 200U                   /* no byte for so long: a sender has stopped and listens */

enum state {
    ST_HEADER,                          /* no batch yet */
    ST_FIRST,                           /* block 0 accepted, no data yet: the call for them has been sent */
    ST_DATA,
    ST_NEXT,                            /* the file is good: the empty block 0 is missing */
    ST_REFUSED,                         /* CANs sent, the sender may still talk */
    ST_DONE,
    ST_CANCELLED,
};

/* How long to wait for a sender that says nothing, and how often: then he hears a NAK, or another call. */
static const struct patience { uint16_t silence_ms, silences; } patience[] = {
    [ST_HEADER] = { 1000, 60 },
    [ST_FIRST] = { 3000, 10 },
    [ST_DATA] = { 10000, 3 },
    [ST_NEXT] = { 3000, 3 },
};

/* --- small things ------------------------------------------------------------------------------------------------- */

static void say(struct ym *y, uint8_t byte)
{
    if (y->out_len < sizeof y->out)     /* a full buffer means that nobody reads: one more 'C' would not help */
        y->out[y->out_len++] = byte;
}

static uint8_t call_of(const struct ym *y)
{
    return y->streaming ? YM_STREAM : YM_CRC;
}

static void say_cancel(struct ym *y)
{
    /*@ loop invariant y->out_len <= 16;
        loop assigns i, y->out[0 .. 15], y->out_len;
        loop variant YM_CANS - i; */
    for (unsigned i = 0; i < YM_CANS; i++)
        say(y, YM_CAN);
}

static void enter(struct ym *y, enum state state)
{
    y->state = (uint8_t)state;
    y->event = YM_NONE;
    y->have = 0;
    y->cans = 0;
    y->errors = 0;
    y->silences = 0;
    y->purging = false;
}

static void refuse(struct ym *y)
{
    say_cancel(y);
    enter(y, ST_REFUSED);
}

/* The sender is gone or has cancelled. A file that is in stays good. */
static void ended_by_sender(struct ym *y)
{
    enter(y, y->state == ST_NEXT ? ST_DONE : ST_CANCELLED);
}

static void raise(struct ym *y, enum ym_event event)
{
    y->event = (uint8_t)event;
}

/* Damaged or out of step: what follows is junk until the sender stops. One that streams is far ahead, and hears only CAN. */
static void purge(struct ym *y)
{
    if (y->streaming && y->in_batch) {
        refuse(y);
        return;
    }
    y->have = 0;
    y->cans = 0;
    y->purging = true;
}

static void complain(struct ym *y)
{
    y->have = 0;
    y->purging = false;
    if (++y->errors >= ERRORS_MAX)
        refuse(y);
    else
        say(y, YM_NAK);
}

/* A block. An EOT is acknowledged even to one that streams. */
static void acknowledge(struct ym *y)
{
    if (!y->streaming)
        say(y, YM_ACK);
}

static void acknowledge_data(struct ym *y)
{
    y->expected++;
    y->errors = 0;
    y->silences = 0;
    y->state = ST_DATA;
    acknowledge(y);
}

/* --- whole blocks ------------------------------------------------------------------------------------------------- */

/* "name", zero, "size in decimal", then things that do not matter. A size beyond 32 bits counts as the largest one. */
static void parse_file(struct ym *y, const uint8_t *p, size_t n)
{
    struct ym_file *f = &y->file;
    size_t at = 0, keep;

    /*@ loop invariant at <= n;
        loop assigns at;
        loop variant n - at; */
    while (at < n && p[at] != 0)
        at++;
    keep = at < YM_NAME_MAX ? at : YM_NAME_MAX - 1U;
    memcpy(f->name, p, keep);
    f->name[keep] = '\0';

    f->size = 0;
    f->has_size = false;
    /*@ loop invariant at <= n + 1;
        loop assigns at, f->size, f->has_size;
        loop variant n - at; */
    for (at++; at < n && p[at] >= '0' && p[at] <= '9'; at++) {
        uint32_t digit = (uint32_t)p[at] - '0';

        f->size = f->size > (UINT32_MAX - digit) / 10U ? UINT32_MAX : f->size * 10U + digit;
        f->has_size = true;
    }
}

static void take_header(struct ym *y, const uint8_t *p, size_t n)
{
    if (p[0] == 0) {                    /* no name: the batch ends */
        acknowledge(y);
        enter(y, ST_DONE);
    } else if (y->state == ST_NEXT) {   /* a second file: refused, and the first stays good */
        say_cancel(y);
        enter(y, ST_DONE);
    } else {
        parse_file(y, p, n);
        raise(y, YM_FILE);
    }
}

static size_t block_bytes(const struct ym *y)
{
    return y->want - HEADER_BYTES - CRC_BYTES;
}

/* Bytes of the block that belong to the file: the last block is filled up. */
static size_t useful_bytes(const struct ym *y)
{
    size_t n = block_bytes(y);
    uint32_t left = y->file.size - y->received;

    return y->file.has_size && left < n ? left : n;
}

/* XMODEM's block 1: it stays where it is, until the owner has accepted the file that nobody describes. */
static void take_undescribed(struct ym *y)
{
    y->file.name[0] = '\0';
    y->file.has_size = false;
    raise(y, YM_FILE);
}

static void take_block(struct ym *y)
{
    uint8_t number = y->buf[1];
    bool awaits_header = y->state == ST_HEADER || y->state == ST_NEXT;

    y->have = 0;
    if (y->crc != 0) {                  /* over data and CRC together nothing is left */
        purge(y);
    } else if (awaits_header && number == 0) {
        take_header(y, y->buf + HEADER_BYTES, block_bytes(y));
    } else if (y->state == ST_HEADER && number == 1) {
        take_undescribed(y);
    } else if (awaits_header) {
        purge(y);
    } else if (number == y->expected) {
        if (useful_bytes(y) > 0)
            raise(y, YM_BLOCK);
        else
            acknowledge_data(y);
    } else if (number == (uint8_t)(y->expected - 1U)) {
        acknowledge(y);                 /* our ACK did not arrive: the block came again */
    } else {
        purge(y);
    }
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void take_eot(struct ym *y)
{
    bool in_file = y->state == ST_FIRST || y->state == ST_DATA;

    if (y->state == ST_NEXT)
        say(y, YM_ACK);
    else if (in_file && !(y->file.has_size && y->received < y->file.size))
        raise(y, YM_END);
    else
        purge(y);
}

/* The byte with which a block, an end or a cancellation begins. */
static void take_start(struct ym *y, uint8_t byte)
{
    y->cans = byte == YM_CAN ? (uint8_t)(y->cans + 1U) : 0;
    if (y->cans >= 2) {
        ended_by_sender(y);
    } else if (ym_starts_with(byte)) {
        y->buf[0] = byte;
        y->have = 1;
        y->want = (uint16_t)(HEADER_BYTES + (byte == YM_SOH ? SMALL_BLOCK : YM_BLOCK_MAX) + CRC_BYTES);
        y->crc = 0;
    } else if (byte == YM_EOT) {
        take_eot(y);
    } else if (byte != YM_CAN) {
        purge(y);
    }
}

static void take_junk(struct ym *y, uint8_t byte)
{
    if (byte == YM_CAN)
        y->cans = (uint8_t)(y->cans < 2 ? y->cans + 1U : 2U);
    else if (byte != BACKSPACE)
        y->cans = 0;
}

/* The rest of a block, as much of it as there is. The CRC is taken as bytes arrive: over a whole block at once it would keep the
 * flash waiting. */
static size_t take_body(struct ym *y, const uint8_t *in, size_t n)
{
    size_t k = (y->have < HEADER_BYTES ? HEADER_BYTES : y->want) - (size_t)y->have;

    if (k > n)
        k = n;
    memcpy(y->buf + y->have, in, k);
    if (y->have >= HEADER_BYTES)
        y->crc = ym_crc16(y->crc, in, k);
    y->have = (uint16_t)(y->have + k);
    if (y->have == HEADER_BYTES && (y->buf[1] ^ y->buf[2]) != 0xFF)
        purge(y);
    else if (y->have == y->want)
        take_block(y);
    return k;
}

static size_t take(struct ym *y, const uint8_t *in, size_t n)
{
    if (y->have > 0)
        return take_body(y, in, n);
    if (y->state == ST_REFUSED) {
        if (in[0] == YM_EOT)
            say_cancel(y);
    } else if (y->purging) {
        take_junk(y, in[0]);
    } else {
        take_start(y, in[0]);
    }
    return 1;
}

/* --- the owner's side --------------------------------------------------------------------------------------------- */

void ym_init(struct ym *y, uint32_t now_ms)
{
    enter(y, ST_HEADER);
    y->in_batch = false;
    y->streaming = false;
    y->answered = false;
    y->received = 0;
    y->last_ms = now_ms;
    y->out_len = 0;
}

bool ym_starts_with(uint8_t byte)
{
    return byte == YM_SOH || byte == YM_STX;
}

size_t ym_feed(struct ym *y, const uint8_t *in, size_t n, uint32_t now_ms)
{
    size_t taken = 0;

    /*@ loop invariant y->out_len <= 16 && y->state <= ST_CANCELLED && taken <= n;
        loop invariant y->have > 0 ==> y->have < y->want;
        loop invariant y->have > 0 || y->event == YM_FILE || y->event == YM_BLOCK ==> y->want == 133 || y->want == 1029;
        loop assigns taken, *y;
        loop variant n - taken; */
    while (taken < n && y->event == YM_NONE && y->state < ST_DONE)
        taken += take(y, in + taken, n - taken);
    if (taken > 0) {
        y->last_ms = now_ms;
        y->answered = false;
    }
    return taken;
}

/* Nothing came for the time that the state allows. */
static void tick_silent(struct ym *y)
{
    if (y->silences < patience[y->state].silences) {
        y->silences++;
        say(y, y->state == ST_DATA ? YM_NAK : call_of(y));
    } else if (y->state == ST_NEXT) {
        enter(y, ST_DONE);
    } else if (y->state != ST_HEADER) { /* before a batch there is nobody to give up */
        refuse(y);
    }
}

/* Nothing came for `quiet` ms: does that mean something? */
static bool tick_state(struct ym *y, uint32_t quiet)
{
    if (y->state == ST_REFUSED) {
        if (quiet < QUIET_MS)
            return false;
        enter(y, ST_CANCELLED);
    } else if (y->purging) {
        if (quiet < QUIET_MS)
            return false;
        if (y->cans >= 2)
            ended_by_sender(y);
        else
            complain(y);
    } else if (y->have > 0 || y->cans > 0) {
        if (quiet < BYTE_MS)
            return false;
        if (y->have > 0)
            complain(y);
        else
            ended_by_sender(y);         /* Tera Term's user cancels with a single CAN */
    } else {
        if (quiet < patience[y->state].silence_ms)
            return false;
        tick_silent(y);
    }
    return true;
}

void ym_tick(struct ym *y, uint32_t now_ms)
{
    if (y->state >= ST_DONE)
        return;
    if (y->event != YM_NONE || y->answered || tick_state(y, now_ms - y->last_ms))
        y->last_ms = now_ms;
    y->answered = false;
}

enum ym_event ym_poll(struct ym *y, const uint8_t **block, size_t *len)
{
    if (y->state == ST_DONE)
        return YM_DONE;
    if (y->state == ST_CANCELLED)
        return YM_CANCELLED;
    if (y->event == YM_BLOCK) {
        *block = y->buf + HEADER_BYTES;
        *len = useful_bytes(y);
    }
    return (enum ym_event)y->event;
}

static void accept_file(struct ym *y, bool described)
{
    enter(y, ST_FIRST);
    y->in_batch = true;
    y->expected = 1;
    y->received = 0;
    if (described) {
        acknowledge(y);
        say(y, call_of(y));
    } else {
        raise(y, YM_BLOCK);
    }
}

static void accept_end(struct ym *y, bool described)
{
    say(y, YM_ACK);
    if (described)
        say(y, call_of(y));
    enter(y, described ? ST_NEXT : ST_DONE);
}

void ym_accept(struct ym *y)
{
    bool described = y->file.name[0] != '\0';

    if (y->event == YM_FILE)
        accept_file(y, described);
    else if (y->event == YM_END)
        accept_end(y, described);
    else
        return;
    y->answered = true;
}

void ym_taken(struct ym *y)
{
    if (y->event != YM_BLOCK)
        return;
    y->received += (uint32_t)useful_bytes(y);
    raise(y, YM_NONE);
    y->answered = true;
    acknowledge_data(y);
}

void ym_reject(struct ym *y)
{
    if (y->state >= ST_REFUSED)
        return;
    refuse(y);
    y->answered = true;
}

size_t ym_output(struct ym *y, uint8_t *out, size_t cap)
{
    size_t n = y->out_len < cap ? y->out_len : cap;

    memcpy(out, y->out, n);
    /*@ loop invariant n <= i;
        loop assigns i, y->out[0 .. 15];
        loop variant y->out_len - i; */
    for (size_t i = n; i < y->out_len; i++)
        y->out[i - n] = y->out[i];
    y->out_len = (uint8_t)(y->out_len - n);
    return n;
}
