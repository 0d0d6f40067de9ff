/* SPDX-License-Identifier: MIT */
/* Control transfers: SETUP, data, status. */
/* Sources: USB 2.0 §8.5.3 (stages and toggles), §9.2.6 (a request takes 5 s at most), §8.5.3.2 (status stage) */
#include <string.h>

#include "board/usbhost/urb.h"
#include "board/xalloc.h"

#define ERRORS_MAX 3U
#define TIMEOUT VTIME_MS(5000)

static size_t w_length(const struct control_request *r)
{
    return (size_t)r->setup[6] | (size_t)r->setup[7] << 8;
}

static bool is_in(const struct control_request *r)
{
    return (r->setup[0] & 0x80U) != 0;
}

static void begin(struct control_pipe *c)
{
    c->stage = CONTROL_SETUP;
    c->errors = 0;
    if (c->queue == NULL)
        return;
    sched_after(chip_sched(c->bus->chip), &c->timeout, TIMEOUT);
    bus_submit(c->bus, &c->pipe);
}

static void end(struct control_pipe *c, enum urb_status status)
{
    struct control_request *r = c->queue;

    sched_cancel(chip_sched(c->bus->chip), &c->timeout);
    c->queue = r->next;
    begin(c);
    r->complete(r->owner, r, status);
    free(r);
}

static void timeout_fire(void *self)
{
    struct control_pipe *c = self;

    bus_remove(c->bus, &c->pipe);
    end(c, URB_TIMEOUT);
}

/* --- the next transaction -------------------------------------------------------------------------------------------- */

static bool control_next(void *self, struct bus_txn *t)
{
    struct control_pipe *c = self;
    struct control_request *r = c->queue;

    if (r == NULL)
        return false;
    t->address = c->address;
    t->max_packet = c->max_packet;
    switch (c->stage) {
    case CONTROL_SETUP:
        t->token = BUS_SETUP;
        t->packet.bytes = 8;
        memcpy(t->packet.data, r->setup, 8);
        break;
    case CONTROL_DATA:
        t->token = is_in(r) ? BUS_IN : BUS_OUT;
        t->packet.data1 = c->data1;
        if (!is_in(r)) {
            size_t left = w_length(r) - r->done;

            t->packet.bytes = left < c->max_packet ? left : c->max_packet;
            memcpy(t->packet.data, r->data + r->done, t->packet.bytes);
        }
        break;
    case CONTROL_STATUS:
        t->token = is_in(r) && w_length(r) > 0 ? BUS_OUT : BUS_IN;
        t->packet.data1 = true;
        break;
    }
    return true;
}

/* --- its answer ------------------------------------------------------------------------------------------------------ */

static void setup_went(struct control_pipe *c)
{
    c->data1 = true;
    c->stage = w_length(c->queue) > 0 ? CONTROL_DATA : CONTROL_STATUS;
}

static void data_went(struct control_pipe *c, const struct bus_txn *t)
{
    struct control_request *r = c->queue;
    bool last;

    if (t->token == BUS_IN && t->packet.data1 != c->data1)
        return;                         /* a repetition */
    if (t->packet.bytes > w_length(r) - r->done) {
        end(c, URB_PROTOCOL);
        return;
    }
    c->data1 = !c->data1;
    if (t->token == BUS_IN)
        memcpy(r->data + r->done, t->packet.data, t->packet.bytes);
    r->done += t->packet.bytes;
    last = r->done == w_length(r) || (t->token == BUS_IN && t->packet.bytes < c->max_packet);
    if (last)
        c->stage = CONTROL_STATUS;
}

static void acked(struct control_pipe *c, const struct bus_txn *t)
{
    switch (c->stage) {
    case CONTROL_SETUP:
        setup_went(c);
        break;
    case CONTROL_DATA:
        data_went(c, t);
        break;
    case CONTROL_STATUS:
        if (t->token == BUS_IN && !t->packet.data1)
            break;                      /* the status packet is DATA1: anything else is taken for a repetition */
        end(c, t->token == BUS_IN && t->packet.bytes > 0 ? URB_PROTOCOL : URB_OK);
        break;
    }
}

static void control_done(void *self, const struct bus_txn *t, enum wire_reply reply)
{
    struct control_pipe *c = self;

    if (reply != WIRE_NOTHING)
        c->errors = 0;
    switch (reply) {
    case WIRE_ACK:
        acked(c, t);
        break;
    case WIRE_NAK:
        if (c->stage == CONTROL_SETUP)
            end(c, URB_PROTOCOL);
        break;
    case WIRE_STALL:
        end(c, c->stage == CONTROL_SETUP ? URB_PROTOCOL : URB_STALL);
        break;
    case WIRE_NOTHING:
        if (++c->errors >= ERRORS_MAX)
            end(c, URB_ERROR);
        break;
    }
}

/* --- interface ------------------------------------------------------------------------------------------------------- */

void control_init(struct control_pipe *c, struct bus *b)
{
    memset(c, 0, sizeof *c);
    c->pipe = (struct bus_pipe){ .class = BUS_CONTROL, .self = c, .next = control_next, .done = control_done };
    c->bus = b;
    c->max_packet = WIRE_MAX_PACKET;
    c->timeout = (struct sched_event){ .fire = timeout_fire, .owner = c };
}

struct control_request *control_submit(struct control_pipe *c, const uint8_t setup[8], const uint8_t *data, void *owner,
                                       void (*complete)(void *owner, struct control_request *r, enum urb_status status))
{
    struct control_request *r = xcalloc(1, sizeof *r);
    struct control_request **at = &c->queue;

    memcpy(r->setup, setup, 8);
    if (w_length(r) > CONTROL_DATA_MAX) {       /* nothing that this host asks for is longer */
        r->setup[6] = CONTROL_DATA_MAX & 0xFFU;
        r->setup[7] = CONTROL_DATA_MAX >> 8;
    }
    if (data != NULL && !is_in(r))
        memcpy(r->data, data, w_length(r));
    r->owner = owner;
    r->complete = complete;
    while (*at != NULL)
        at = &(*at)->next;
    *at = r;
    if (r == c->queue)
        begin(c);
    return r;
}

void control_cancel(struct control_pipe *c, struct control_request *r)
{
    struct control_request **at = &c->queue;
    bool running = r == c->queue;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    free(r);
    if (!running)
        return;
    sched_cancel(chip_sched(c->bus->chip), &c->timeout);
    bus_remove(c->bus, &c->pipe);
    begin(c);                           /* the next SETUP ends what the device still thinks of the old one, §8.5.3 */
}

void control_cancel_all(struct control_pipe *c)
{
    sched_cancel(chip_sched(c->bus->chip), &c->timeout);
    bus_remove(c->bus, &c->pipe);
    while (c->queue != NULL) {
        struct control_request *r = c->queue;

        c->queue = r->next;
        free(r);
    }
}
