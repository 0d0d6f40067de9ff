/* SPDX-License-Identifier: MIT */
/* Frames and transactions. A NAKed pipe is retried at the times a real controller would, but only those retries are carried
 * out that can end otherwise: after the device changed something, and once in every frame. */
/* Sources: USB 2.0 §7.1.18 (turn-around), §8.3 (packet fields), §8.7.2 (time-out), §11.3 (frame timing) */
#include "board/usbhost/bus.h"

#include <string.h>

#define FRAME VTIME_MS(1)
#define FRAME_NUMBER_MASK 0x7FFU
/* Bits on the wire, bit stuffing left out: SYNC 8, PID 8, address and CRC 16, EOP 3. */
#define TOKEN_BITS 35U
#define DATA_BITS(n) (35U + 8U * (unsigned)(n))
#define HANDSHAKE_BITS 19U
#define TURN_BITS 7U                    /* two of them and the rest make Table 5-9's 13 bytes of overhead */
#define TIMEOUT_BITS 18U
#define EOF_BITS 32U                    /* nothing may be on the wire shortly before the next SOF, §11.2.5 */

static vtime bit_time(unsigned bits)
{
    return (vtime)bits * 1000000U / 12U;        /* 12 Mbit/s, in picoseconds */
}

static unsigned txn_bits(const struct bus_txn *t, size_t bytes, enum wire_reply reply)
{
    unsigned sent = t->token == BUS_IN ? 0 : DATA_BITS(bytes);

    if (reply == WIRE_NOTHING)
        return TOKEN_BITS + sent + TIMEOUT_BITS;
    if (t->token != BUS_IN)
        return TOKEN_BITS + sent + 2U * TURN_BITS + HANDSHAKE_BITS + 1U;
    if (reply != WIRE_ACK)
        return TOKEN_BITS + TURN_BITS + HANDSHAKE_BITS + 1U;
    return TOKEN_BITS + DATA_BITS(bytes) + 2U * TURN_BITS + HANDSHAKE_BITS + 1U;
}

/* --- tracing -------------------------------------------------------------------------------------------------------- */

static void trace_txn(struct bus *b, enum wire_reply reply)
{
    static const char *const tokens[] = { "SETUP", "OUT", "IN" };
    static const char *const replies[] = { "-", "ACK", "NAK", "STALL" };
    const struct bus_txn *t = &b->txn;
    char hex[3 * 16 + 1] = "";
    size_t shown = t->packet.bytes < 16 ? t->packet.bytes : 16;

    if (!chip_tracing(b->chip, TRACE_USB) || reply == WIRE_NAK)
        return;
    for (size_t i = 0; i < shown; i++) {
        static const char digits[] = "0123456789abcdef";

        hex[3 * i] = ' ';
        hex[3 * i + 1] = digits[t->packet.data[i] >> 4];
        hex[3 * i + 2] = digits[t->packet.data[i] & 15U];
        hex[3 * i + 3] = '\0';
    }
    chip_trace(b->chip, TRACE_USB, "usb: %u.%u %s DATA%d %u bytes%s%s %s", t->address, t->endpoint, tokens[t->token],
               t->packet.data1, (unsigned)t->packet.bytes, hex, shown < t->packet.bytes ? " ..." : "", replies[reply]);
}

/* --- transactions --------------------------------------------------------------------------------------------------- */

static bool pipe_ready(const struct bus *b, const struct bus_pipe *p, vtime now)
{
    if (!p->active)
        return false;
    if (p->class == BUS_PERIODIC)
        return (uint16_t)(b->frame - p->due_frame) % (FRAME_NUMBER_MASK + 1U) < (FRAME_NUMBER_MASK + 1U) / 2U;
    return p->retry_at <= now;
}

static struct bus_pipe *pick(const struct bus *b, vtime now)
{
    for (int class = 0; class < BUS_CLASSES; class++) {
        for (struct bus_pipe *p = b->pipes; p != NULL; p = p->next_pipe) {
            if ((int)p->class == class && pipe_ready(b, p, now))
                return p;
        }
    }
    return NULL;
}

static void unlink_pipe(struct bus *b, struct bus_pipe *p)
{
    struct bus_pipe **at = &b->pipes;

    while (*at != NULL && *at != p)
        at = &(*at)->next_pipe;
    if (*at == p)
        *at = p->next_pipe;
    p->next_pipe = NULL;
}

static void append_pipe(struct bus *b, struct bus_pipe *p)
{
    struct bus_pipe **at = &b->pipes;

    while (*at != NULL)
        at = &(*at)->next_pipe;
    *at = p;
}

static void put_on_wire(struct bus *b, struct bus_pipe *p)
{
    struct bus_txn *t = &b->txn;

    b->active = p;
    b->changed = false;
    b->reply = WIRE_ACK;
    if (t->token == BUS_IN) {
        b->reply = b->dev->in(b->dev->self, t->address, t->endpoint, &t->packet);
        if (b->reply != WIRE_ACK)
            t->packet.bytes = 0;
    }
    sched_after(chip_sched(b->chip), &b->txn_event, bit_time(txn_bits(t, t->packet.bytes, b->reply)));
}

/* Nothing can start now: come back when the first NAKed pipe wants its retry. */
static void arm_retry(struct bus *b)
{
    vtime at = VTIME_NEVER;

    for (struct bus_pipe *p = b->pipes; p != NULL; p = p->next_pipe) {
        if (p->active && p->class != BUS_PERIODIC && p->retry_at < at)
            at = p->retry_at;
    }
    if (at != VTIME_NEVER)
        sched_at(chip_sched(b->chip), &b->txn_event, at);
}

static void pump(struct bus *b)
{
    vtime now = chip_now(b->chip);
    struct bus_pipe *p;

    if (!b->running || b->active != NULL)
        return;
    while ((p = pick(b, now)) != NULL) {
        memset(&b->txn, 0, sizeof b->txn);
        if (p->next(p->self, &b->txn)) {
            size_t most = b->txn.token == BUS_IN ? b->txn.max_packet : b->txn.packet.bytes;

            if (now + bit_time(txn_bits(&b->txn, most, WIRE_ACK)) + bit_time(EOF_BITS) <= b->frame_end)
                put_on_wire(b, p);
            return;                     /* what does not fit waits for the next frame */
        }
        p->active = false;
    }
    arm_retry(b);
}

static bool handshake_lost(struct bus *b)
{
    const struct bus_txn *t = &b->txn;
    uint8_t address = (uint8_t)(t->endpoint | (t->token == BUS_IN ? 0x80U : 0));

    if (b->lose_count == 0 || address != b->lose_endpoint)
        return false;
    b->lose_count--;
    chip_trace(b->chip, TRACE_USB, "usb: the handshake of the next transaction is lost");
    return true;
}

/* The packet has passed: what did the other end make of it? */
static enum wire_reply settle(struct bus *b)
{
    struct bus_txn *t = &b->txn;

    switch (t->token) {
    case BUS_SETUP:
        return b->dev->setup(b->dev->self, t->address, t->endpoint, t->packet.data);
    case BUS_OUT:
        b->reply = b->dev->out(b->dev->self, t->address, t->endpoint, &t->packet);
        return b->reply == WIRE_ACK && handshake_lost(b) ? WIRE_NOTHING : b->reply;
    case BUS_IN:
        if (b->reply == WIRE_ACK && t->packet.bytes > t->max_packet)
            return WIRE_NOTHING;        /* babble: the host does not acknowledge */
        if (b->reply == WIRE_ACK)
            b->dev->in_done(b->dev->self, t->endpoint, !handshake_lost(b));
        return b->reply;
    }
    return WIRE_NOTHING;
}

static void finish(struct bus *b)
{
    struct bus_pipe *p = b->active;
    enum wire_reply reply = settle(b);
    struct bus_txn txn = b->txn;

    trace_txn(b, reply);
    b->active = NULL;
    unlink_pipe(b, p);
    append_pipe(b, p);
    if (p->class == BUS_PERIODIC) {
        p->due_frame = (uint16_t)((b->frame + p->period_frames) & FRAME_NUMBER_MASK);
    } else if (reply == WIRE_NAK) {
        p->naked_at = chip_now(b->chip);
        p->naked_for = bit_time(txn_bits(&txn, txn.packet.bytes, WIRE_NAK));
        p->retry_at = b->changed ? p->naked_at : VTIME_NEVER;
    }
    p->done(p->self, &txn, reply);
}

static void txn_fire(void *self)
{
    struct bus *b = self;

    if (b->active != NULL)
        finish(b);
    pump(b);
}

/* --- frames --------------------------------------------------------------------------------------------------------- */

static void frame_fire(void *self)
{
    struct bus *b = self;
    vtime now = chip_now(b->chip);

    b->frame_end = now + FRAME;
    sched_at(chip_sched(b->chip), &b->frame_event, b->frame_end);
    b->frame_begins(b->owner);
    if (!b->running)
        return;
    b->frame = (uint16_t)((b->frame + 1U) & FRAME_NUMBER_MASK);
    b->dev->sof(b->dev->self, b->frame);
    for (struct bus_pipe *p = b->pipes; p != NULL; p = p->next_pipe)
        p->retry_at = now;
    sched_after(chip_sched(b->chip), &b->txn_event, bit_time(TOKEN_BITS));
}

/* --- interface ------------------------------------------------------------------------------------------------------ */

void bus_init(struct bus *b, struct chip *c, const struct wire_device *dev)
{
    b->chip = c;
    b->dev = dev;
    b->frame_event = (struct sched_event){ .fire = frame_fire, .owner = b };
    b->txn_event = (struct sched_event){ .fire = txn_fire, .owner = b };
    sched_after(chip_sched(c), &b->frame_event, FRAME);
}

void bus_free(struct bus *b)
{
    sched_cancel(chip_sched(b->chip), &b->frame_event);
    sched_cancel(chip_sched(b->chip), &b->txn_event);
}

void bus_start(struct bus *b)
{
    b->running = true;
    b->frame_end = chip_now(b->chip);   /* no transaction before the first SOF */
}

void bus_stop(struct bus *b)
{
    b->running = false;
    b->active = NULL;
    sched_cancel(chip_sched(b->chip), &b->txn_event);
}

void bus_submit(struct bus *b, struct bus_pipe *p)
{
    if (!p->active) {
        unlink_pipe(b, p);
        append_pipe(b, p);
        p->active = true;
        p->due_frame = b->frame;
        p->retry_at = 0;
    }
    if (b->running && b->active == NULL)
        sched_after(chip_sched(b->chip), &b->txn_event, 0);
}

void bus_remove(struct bus *b, struct bus_pipe *p)
{
    if (b->active == p)
        b->active = NULL;               /* the device sees no handshake, and repeats */
    p->active = false;
    unlink_pipe(b, p);
}

/* A controller that polls all the time would try again at naked_at + k * naked_for: take the first such time from now on. */
void bus_endpoint_changed(struct bus *b)
{
    vtime now = chip_now(b->chip);
    bool any = false;

    b->changed = true;
    for (struct bus_pipe *p = b->pipes; p != NULL; p = p->next_pipe) {
        if (!p->active || p->retry_at != VTIME_NEVER || p->naked_for == 0)
            continue;
        p->retry_at = p->naked_at + (now - p->naked_at + p->naked_for - 1U) / p->naked_for * p->naked_for;
        any = true;
    }
    if (any && b->running && b->active == NULL)
        arm_retry(b);
}
