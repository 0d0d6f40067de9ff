/* SPDX-License-Identifier: MIT */
/* Requests and answers of the native protocol, PC side. */
/* Sources: docs/SPEC.md section 5 */
#include "host/lib/client_internal.h"

#include <string.h>

#include "image/bytes.h"
#include "image/seal.h"
#include "update/status.h"

void client_init(struct client *c, uint32_t reply_ms)
{
    memset(c, 0, sizeof *c);
    native_rx_init(&c->rx);
    c->reply_ms = reply_ms;
}

void client_fail(struct client *c, enum client_failure why)
{
    c->state = CLIENT_FAILED;
    c->failure = why;
}

/* --- sending ---------------------------------------------------------------------------------------------------------- */

void client_ask(struct client *c, uint32_t now_ms)
{
    c->frame_bytes = native_encode(c->frame, sizeof c->frame, c->type, c->seq, c->request, c->request_bytes);
    c->frame_at = 0;
    c->asked_ms = now_ms;
}

/* The payload already stands in client.request. */
void client_start_request(struct client *c, uint32_t now_ms, uint8_t type, size_t n, unsigned tries)
{
    c->state = CLIENT_BUSY;
    c->failure = CLIENT_E_NONE;
    c->step = STEP_REQUEST;
    c->type = type;
    c->seq++;
    c->request_bytes = n;
    c->tries_left = tries - 1U;
    client_ask(c, now_ms);
}

void client_hello(struct client *c, uint32_t now_ms, unsigned tries)
{
    client_start_request(c, now_ms, NATIVE_HELLO, 0, tries);
}

void client_digest(struct client *c, uint32_t now_ms, uint32_t image_bytes)
{
    store_le32(c->request, image_bytes);
    client_start_request(c, now_ms, NATIVE_DIGEST, 4, REQUEST_TRIES);
}

void client_abort(struct client *c, uint32_t now_ms)
{
    client_start_request(c, now_ms, NATIVE_ABORT, 0, REQUEST_TRIES);
}

void client_reboot(struct client *c, uint32_t now_ms, uint8_t what)
{
    c->request[0] = what;
    client_start_request(c, now_ms, NATIVE_REBOOT, 1, REQUEST_TRIES);
}

void client_read(struct client *c, uint32_t now_ms, uint32_t offset, uint32_t n)
{
    store_le32(c->request, offset);
    store_le32(c->request + 4, n);
    client_start_request(c, now_ms, NATIVE_READ, 8, REQUEST_TRIES);
}

void client_update(struct client *c, uint32_t now_ms, const struct client_update *what)
{
    c->transfer.what = *what;
    memcpy(c->request, what->image, SEAL_HEAD_BYTES);
    store_le32(c->request + SEAL_HEAD_BYTES, what->sectors);
    client_start_request(c, now_ms, NATIVE_BEGIN, SEAL_HEAD_BYTES + 4U, REQUEST_TRIES);
    c->step = STEP_BEGIN;
    transfer_start(c, now_ms);
}

size_t client_output(struct client *c, uint8_t *out, size_t cap, uint32_t now_ms)
{
    size_t n = 0;

    while (n < cap) {
        if (c->frame_at == c->frame_bytes && c->state == CLIENT_BUSY && c->step >= STEP_DATA)
            transfer_next_frame(c, now_ms);
        size_t left = c->frame_bytes - c->frame_at;
        if (left == 0) break;
        size_t take = left < cap - n ? left : cap - n;
        memcpy(out + n, c->frame + c->frame_at, take);
        c->frame_at += take;
        n += take;
        if (c->frame_at == c->frame_bytes) c->asked_ms = now_ms;        /* waiting for an answer begins when all is sent */
    }
    return n;
}

/* --- receiving -------------------------------------------------------------------------------------------------------- */

static void take_hello(struct client *c, const struct native_frame *f)
{
    struct native_hello h;

    if (!native_get_hello(&h, f->payload, f->length) || h.entries_bytes > sizeof c->entries) {
        client_fail(c, CLIENT_E_GARBLED);
        return;
    }
    memcpy(c->entries, h.entries, h.entries_bytes);
    h.entries = c->entries;
    if (h.erase_max_ms > CLIENT_ERASE_MAX_MS) h.erase_max_ms = CLIENT_ERASE_MAX_MS;
    c->hello = h;
    c->hello_known = true;
    c->state = CLIENT_DONE;
}

static void take_digest(struct client *c, const struct native_frame *f)
{
    size_t count = f->length >= 8U ? (f->length - 4U) / 4U : 0;

    if (count == 0 || f->length % 4U != 0 || count > CLIENT_DIGESTS_MAX) {
        client_fail(c, CLIENT_E_GARBLED);
        return;
    }
    for (size_t i = 0; i < count; i++) c->digest[i] = load_le32(f->payload + 4U + 4U * i);
    c->digests = count;
    c->state = CLIENT_DONE;
}

static void take_read(struct client *c, const struct native_frame *f)
{
    uint32_t wanted = load_le32(c->request + 4);

    if (f->length < 4U || f->length - 4U != wanted) {
        client_fail(c, CLIENT_E_GARBLED);
        return;
    }
    c->read_bytes = f->payload + 4;
    c->read_count = wanted;
    c->state = CLIENT_DONE;
}

/* A good answer to the request: its first byte is UPDATE_OK. */
static void take_answer(struct client *c, const struct native_frame *f)
{
    switch (c->type) {
    case NATIVE_HELLO: take_hello(c, f); break;
    case NATIVE_DIGEST: take_digest(c, f); break;
    case NATIVE_READ: take_read(c, f); break;
    default:
        if (native_get_status(&c->status, f->payload, f->length)) c->state = CLIENT_DONE;
        else client_fail(c, CLIENT_E_GARBLED);
        break;
    }
}

/* An error may come as a whole STATUS or, from a device that knows less, as its first byte alone. */
static void take_refusal(struct client *c, const struct native_frame *f)
{
    if (!native_get_status(&c->status, f->payload, f->length)) {
        memset(&c->status, 0, sizeof c->status);
        c->status.err = f->payload[0];
    }
    client_fail(c, CLIENT_E_REFUSED);
}

static void take_frame(struct client *c, const struct native_frame *f, uint32_t now_ms)
{
    struct native_status s;

    if (c->state != CLIENT_BUSY || (f->type & NATIVE_ANSWER) == 0 || f->length == 0) return;
    if (c->step != STEP_REQUEST) {
        uint8_t of = f->type & (uint8_t)~NATIVE_ANSWER;
        if (of < NATIVE_BEGIN || of > NATIVE_FINISH || !native_get_status(&s, f->payload, f->length)) return;
        /* The STATUS that starts the stream is BEGIN's own; one that is left over from another update must not. */
        if (c->step == STEP_BEGIN && (of != NATIVE_BEGIN || f->seq != c->seq)) return;
        transfer_status(c, &s, now_ms);
        return;
    }
    if (f->type != (c->type | NATIVE_ANSWER) || f->seq != c->seq) return;
    if (f->payload[0] != UPDATE_OK) take_refusal(c, f);
    else take_answer(c, f);
}

void client_input(struct client *c, const uint8_t *in, size_t n, uint32_t now_ms)
{
    struct native_frame f;
    size_t taken = 0;

    do {
        taken += native_rx_feed(&c->rx, in + taken, n - taken, now_ms);
        /* Several frames may stand in what the receiver holds: feed it nothing, and it looks on. */
        while (native_rx_frame(&c->rx, &f)) {
            take_frame(c, &f, now_ms);
            if (c->state == CLIENT_DONE && c->type == NATIVE_READ) {
                /* The bytes must stay after the frame is released. */
                memcpy(c->frame, c->read_bytes, c->read_count);
                c->read_bytes = c->frame;
                c->frame_bytes = c->frame_at = 0;
            }
            native_rx_release(&c->rx);
        }
    } while (taken < n);
}

/* --- time --------------------------------------------------------------------------------------------------------------- */

static void request_tick(struct client *c, uint32_t now_ms)
{
    if (elapsed(now_ms, c->asked_ms) < c->reply_ms) return;
    if (c->tries_left == 0) {
        client_fail(c, CLIENT_E_SILENT);
        return;
    }
    c->tries_left--;
    client_ask(c, now_ms);
}

void client_tick(struct client *c, uint32_t now_ms)
{
    static const uint8_t nothing = 0;

    native_rx_tick(&c->rx, now_ms);
    client_input(c, &nothing, 0, now_ms);       /* giving up a half frame may uncover a whole one */
    if (c->state != CLIENT_BUSY) return;
    if (c->step <= STEP_BEGIN) request_tick(c, now_ms);
    else transfer_tick(c, now_ms);
}

uint32_t client_wait_ms(const struct client *c, uint32_t now_ms)
{
    if (c->state != CLIENT_BUSY) return 0;
    if (c->step > STEP_BEGIN) return TICK_MS;
    uint32_t waited = elapsed(now_ms, c->asked_ms);
    uint32_t rest = waited < c->reply_ms ? c->reply_ms - waited : 0;
    return rest < NATIVE_GAP_MS ? rest : NATIVE_GAP_MS;
}
