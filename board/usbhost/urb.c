/* SPDX-License-Identifier: MIT */
/* Bulk and interrupt requests: packets, data toggles, three errors in a row. */
/* Sources: USB 2.0 §8.5.2, §8.6 (a packet with the old toggle is a repetition: acknowledged and dropped) */
#include "board/usbhost/urb.h"

#include <string.h>

#define ERRORS_MAX 3U

const char *urb_status_text(enum urb_status s)
{
    static const char *const text[] = { "ok", "STALL", "no answer to three tries", "no end within 5 s", "protocol error" };

    return text[s];
}

static void end(struct urb_pipe *u, enum urb_status status)
{
    u->busy = false;
    u->complete(u->owner, status, u->done);
}

static bool urb_next(void *self, struct bus_txn *t)
{
    struct urb_pipe *u = self;
    size_t left = u->bytes - u->done;

    if (!u->busy)
        return false;
    t->token = u->in ? BUS_IN : BUS_OUT;
    t->address = u->address;
    t->endpoint = u->endpoint;
    t->max_packet = u->max_packet;
    if (u->in)
        return true;
    t->packet.data1 = u->data1;
    t->packet.bytes = left < u->max_packet ? left : u->max_packet;
    memcpy(t->packet.data, u->buf + u->done, t->packet.bytes);
    return true;
}

static void in_came(struct urb_pipe *u, const struct wire_packet *p)
{
    size_t left = u->bytes - u->done;

    if (p->data1 != u->data1)
        return;
    u->data1 = !u->data1;
    if (p->bytes > left) {
        end(u, URB_ERROR);              /* more than asked for: babble, as a controller calls it */
        return;
    }
    memcpy(u->buf + u->done, p->data, p->bytes);
    u->done += p->bytes;
    if (p->bytes < u->max_packet || u->done == u->bytes)
        end(u, URB_OK);
}

static void out_went(struct urb_pipe *u, const struct wire_packet *p)
{
    u->data1 = !u->data1;
    u->done += p->bytes;
    if (u->done == u->bytes)
        end(u, URB_OK);
}

static void urb_done(void *self, const struct bus_txn *t, enum wire_reply reply)
{
    struct urb_pipe *u = self;

    if (reply != WIRE_NOTHING)
        u->errors = 0;
    switch (reply) {
    case WIRE_ACK:
        if (u->in)
            in_came(u, &t->packet);
        else
            out_went(u, &t->packet);
        break;
    case WIRE_STALL:
        end(u, URB_STALL);
        break;
    case WIRE_NOTHING:
        if (++u->errors >= ERRORS_MAX) {
            u->errors = 0;
            end(u, URB_ERROR);
        }
        break;
    case WIRE_NAK:
        break;
    }
}

void urb_pipe_init(struct urb_pipe *u, struct bus *b, uint8_t address, uint8_t endpoint_address, uint16_t max_packet,
                   unsigned period_frames)
{
    memset(u, 0, sizeof *u);
    u->pipe = (struct bus_pipe){ .class = period_frames > 0 ? BUS_PERIODIC : BUS_BULK, .period_frames = period_frames,
                                 .self = u, .next = urb_next, .done = urb_done };
    u->bus = b;
    u->address = address;
    u->endpoint = endpoint_address & 0x0FU;
    u->in = (endpoint_address & 0x80U) != 0;
    u->max_packet = max_packet;
}

void urb_submit(struct urb_pipe *u, uint8_t *buf, size_t bytes)
{
    u->buf = buf;
    u->bytes = bytes;
    u->done = 0;
    u->errors = 0;
    u->busy = true;
    bus_submit(u->bus, &u->pipe);
}

void urb_cancel(struct urb_pipe *u)
{
    u->busy = false;
    bus_remove(u->bus, &u->pipe);
}
