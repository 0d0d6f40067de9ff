/* SPDX-License-Identifier: MIT */
/* Routes the port's bytes to the protocol they speak, and ends what a client that has gone left behind. */
#include "boot/serve_parts.h"

#include <string.h>

#include "proto/detect.h"

/* An update that has touched the flash has no application behind it until it is committed. Asked before anything can make the
 * session forget. */
static void note_operations(struct serve *s)
{
    const struct update_status *st = session_status(s->set.session);

    if (st->phase == UPDATE_DONE) {
        s->startable = true;
        s->reason = BOOT_START_SEALED;
    } else if (st->erases != 0 || st->words != 0) {
        s->startable = false;
        s->reason = BOOT_STAY_EMPTY;
    }
}

/* Does the flash, or the room in front of it, keep the client waiting? Then its silence means nothing. */
static bool keeps_waiting(const struct serve *s)
{
    struct native_frame frame;

    return s->in_pos < s->in_len || native_rx_frame(&s->rx, &frame) || s->native.finishing || !session_ready(s->set.session);
}

void serve_init(struct serve *s, const struct serve_setup *set, uint32_t now_ms)
{
    memset(s, 0, sizeof *s);
    s->set = *set;
    s->reason = set->reason;
    s->startable = set->startable;
    s->heard_ms = now_ms;
    s->active_ms = now_ms;
    serve_native_init(s);
    serve_an3155_opened(s);
}

void serve_release(struct serve *s)
{
    s->client = SERVE_NOBODY;
    s->native.finishing = false;
    s->console.heard = 0;               /* a key behind its last byte is somebody else's */
}

bool serve_stopped(struct serve *s)
{
    if (session_active(s->set.session)) {
        note_operations(s);
        session_abort(s->set.session);
    }
    return !session_active(s->set.session);
}

void serve_leave_in(struct serve *s, uint8_t request, uint32_t wait_ms)
{
    s->leave = (struct serve_leave){ .armed = true, .request = request, .since_ms = s->now_ms, .wait_ms = wait_ms };
}

/* A dead client's frames, up to a ring full of them: taken for the new one's, they would silence the call for a YMODEM sender.
 * None of the new one's bytes can be here yet: the PC sends them when its opening has been acknowledged. */
static void drop_input(struct serve *s)
{
    while (s->set.wire->read(s->set.wire->ctx, s->in, sizeof s->in) != 0) { }
    s->in_len = 0;
    s->in_pos = 0;
}

void serve_opened(struct serve *s, uint32_t now_ms)
{
    s->now_ms = now_ms;
    s->active_ms = now_ms;
    drop_input(s);
    serve_stopped(s);
    serve_release(s);
    serve_native_opened(s);
    serve_ymodem_opened(s);
    serve_an3155_opened(s);
    serve_console_opened(s);
    serve_text_drop(s);
}

/* Takes bytes from the port when the last ones are used up. */
static void refill(struct serve *s)
{
    if (s->in_pos < s->in_len) {
        return;
    }
    s->in_pos = 0;
    s->in_len = s->set.wire->read(s->set.wire->ctx, s->in, sizeof s->in);
    if (s->in_len > 0) {
        serve_console_heard(s, s->in_len);
        s->active_ms = s->now_ms;
        s->heard_ms = s->now_ms;
    }
}

/* A sender's first block has the number 0, or 1 in XMODEM. As far as the bytes are here, look: junk with a 0x01 in it is no
 * sender. */
static bool starts_batch(const uint8_t *p, size_t n)
{
    return detect(p[0]) == DETECT_YMODEM && (n < 2 || p[1] <= 1) && (n < 3 || (p[1] ^ p[2]) == 0xFF);
}

/* AN3155's client has fallen silent and may come back to its update, until another protocol begins. */
static void drop_orphan(struct serve *s)
{
    if (s->client == SERVE_NOBODY && session_ready(s->set.session)) {
        serve_stopped(s);
    }
}

/* Hands bytes to one parser; returns how many it took. The first byte at a frame's boundary decides which. */
static size_t route(struct serve *s, const uint8_t *p, size_t n)
{
    if (s->client == SERVE_YMODEM) {
        return ym_feed(&s->ym, p, n, s->now_ms);
    }
    if (s->client == SERVE_AN3155) {
        return serve_an3155_feed(s, p, n);
    }
    if (s->client == SERVE_SENDING) {
        size_t took = serve_send_feed(s, p, n);

        if (took > 0) {
            return took;
        }
    }
    if (s->client == SERVE_NATIVE || !native_rx_empty(&s->rx) || detect(p[0]) == DETECT_NATIVE) {
        serve_ymodem_hush(s);
        drop_orphan(s);
        return native_rx_feed(&s->rx, p, n, s->now_ms);
    }
    if (starts_batch(p, n)) {
        serve_ymodem_start(s);
        return ym_feed(&s->ym, p, n, s->now_ms);
    }
    if (serve_ymodem_echoes(s, p[0])) {
        return 1;
    }
    serve_ymodem_hush(s);
    if (serve_an3155_starts(s, p[0])) {
        s->client = SERVE_AN3155;
        return serve_an3155_feed(s, p, n);
    }
    serve_console_byte(s, p[0]);
    return 1;
}

static void take_input(struct serve *s)
{
    struct native_frame frame;

    refill(s);
    while (s->in_pos < s->in_len && !native_rx_frame(&s->rx, &frame)) {
        size_t took = route(s, s->in + s->in_pos, s->in_len - s->in_pos);

        if (took == 0) {
            return;
        }
        s->in_pos += took;
    }
    if (s->in_len == 0) {
        native_rx_tick(&s->rx, s->now_ms);
    }
}

/* Whoever has gone in mid-update must not keep the port from others. */
static void follow_client(struct serve *s)
{
    if (s->client == SERVE_NOBODY) {
        return;
    }
    s->active_ms = s->now_ms;
    if (s->client != SERVE_NATIVE) {
        return;                         /* the others have a patience of their own */
    }
    if (keeps_waiting(s)) {
        s->heard_ms = s->now_ms;
    } else if (s->now_ms - s->heard_ms >= SERVE_SILENCE_MS) {
        serve_stopped(s);
        serve_release(s);
        serve_ymodem_call(s);
    }
}

void serve_poll(struct serve *s, uint32_t now_ms)
{
    if (s->leave.armed) {
        return;
    }
    s->now_ms = now_ms;
    note_operations(s);
    take_input(s);
    serve_native_poll(s);
    serve_ymodem_poll(s);
    serve_send_poll(s);
    serve_an3155_poll(s);
    serve_console_poll(s);
    serve_text_poll(s);
    follow_client(s);
}

bool serve_leaves(const struct serve *s, uint32_t now_ms, bool sent, uint8_t *request)
{
    uint32_t waited_ms = now_ms - s->leave.since_ms;

    if (!s->leave.armed || waited_ms < s->leave.wait_ms) {
        return false;
    }
    *request = s->leave.request;
    return sent || waited_ms - s->leave.wait_ms >= SERVE_REBOOT_MS;
}

uint32_t serve_idle_ms(const struct serve *s, uint32_t now_ms)
{
    return now_ms - s->active_ms;
}

bool serve_free(const struct serve *s)
{
    return (s->client == SERVE_NOBODY || serve_an3155_rests(s)) && s->in_pos >= s->in_len && native_rx_empty(&s->rx) && !s->leave.armed;
}

void serve_window(struct serve *s, uint32_t bytes)
{
    s->set.self.window = bytes;
}

bool serve_startable(const struct serve *s)
{
    return s->startable;
}
