/* SPDX-License-Identifier: MIT */
/* The PC without rules: pipes of its own on the virtual host's bus. */
/* Sources: USB 2.0 §8.5 (transactions), §9.4; CDC PSTN 1.2 §6.3 */
#include "tests/storm/pc.h"

#include <stdlib.h>
#include <string.h>

#include "board/usbhost/usbhost.h"
#include "image/bytes.h"

#define LOOK VTIME_US(100)
#define ERRORS_MAX 3U
#define NAKS_MAX 4U
#define PATIENCE VTIME_MS(30)

void bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (n == 0) return;
    if (b->room - b->n < n) {
        b->room = 2 * (b->room + n);
        b->p = realloc(b->p, b->room);
        if (b->p == NULL) abort();
    }
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){ 0 };
}

/* --- bulk OUT ------------------------------------------------------------------------------------------------------------ */

static bool out_next(void *self, struct bus_txn *t)
{
    struct pc *pc = self;

    if (pc->queued == 0) return false;
    t->token = BUS_OUT;
    t->address = pc->usb.address;
    t->endpoint = PC_DATA_OUT;
    t->max_packet = PC_PACKET_BYTES;
    t->packet.data1 = pc->out1;
    t->packet.bytes = pc->packet[pc->first].n;
    memcpy(t->packet.data, pc->packet[pc->first].data, t->packet.bytes);
    return true;
}

static void out_done(void *self, const struct bus_txn *t, enum wire_reply reply)
{
    struct pc *pc = self;

    if (reply == WIRE_NAK || (reply == WIRE_NOTHING && ++pc->out_errors < ERRORS_MAX)) return;
    if (reply == WIRE_ACK) {
        pc->counts.out_packets++;
        pc->out1 = !pc->out1;
        bytes_add(&pc->went, t->packet.data, t->packet.bytes);
    }
    pc->out_errors = 0;
    pc->first = (pc->first + 1) % PC_PACKETS;
    pc->queued--;
}

void pc_packet(struct pc *pc, const uint8_t *p, size_t n)
{
    unsigned at = (pc->first + pc->queued) % PC_PACKETS;

    if (!pc->there || pc->queued == PC_PACKETS) return;
    pc->packet[at].n = (uint8_t)n;
    if (n != 0) memcpy(pc->packet[at].data, p, n);
    pc->queued++;
    bus_submit(pc->usb.bus, &pc->out);
}

void pc_write(struct pc *pc, const uint8_t *p, size_t n)
{
    for (size_t part; n != 0; p += part, n -= part) {
        part = n < PC_PACKET_BYTES ? n : PC_PACKET_BYTES;
        pc_packet(pc, p, part);
    }
}

void pc_drop_output(struct pc *pc)
{
    pc->queued = 0;
}

/* --- bulk IN: whatever the toggle, it has left the device ------------------------------------------------------------------ */

static bool in_next(void *self, struct bus_txn *t)
{
    struct pc *pc = self;

    if (!pc->reading) return false;
    t->token = BUS_IN;
    t->address = pc->usb.address;
    t->endpoint = PC_DATA_IN & 0x7FU;
    t->max_packet = PC_PACKET_BYTES;
    return true;
}

static void in_done(void *self, const struct bus_txn *t, enum wire_reply reply)
{
    struct pc *pc = self;

    if (reply == WIRE_ACK) {
        pc->counts.in_packets++;
        pc->counts.bytes_in += t->packet.bytes;
        bytes_add(&pc->came, t->packet.data, t->packet.bytes);
        pc->in_errors = 0;
    } else if (reply != WIRE_NAK && ++pc->in_errors >= ERRORS_MAX) {
        pc->reading = false;
    }
}

void pc_read(struct pc *pc, bool on)
{
    pc->reading = on && pc->there;
    pc->in_errors = 0;
    if (pc->reading) bus_submit(pc->usb.bus, &pc->in);
}

/* --- raw transactions -------------------------------------------------------------------------------------------------------- */

static bool raw_next(void *self, struct bus_txn *t)
{
    struct pc *pc = self;
    const struct pc_raw *r = &pc->script[pc->script_at];

    if (pc->script_at == pc->script_n) return false;
    t->token = r->token;
    t->address = r->address;
    t->endpoint = r->endpoint;
    t->max_packet = PC_PACKET_BYTES;
    t->packet.data1 = r->data1;
    t->packet.bytes = r->token == BUS_IN ? 0 : r->n;
    memcpy(t->packet.data, r->data, sizeof r->data);
    return true;
}

static void raw_done(void *self, const struct bus_txn *t, enum wire_reply reply)
{
    struct pc *pc = self;

    if (reply == WIRE_NAK && ++pc->naks < NAKS_MAX) return;
    pc->naks = 0;
    pc->script_at++;
    pc->counts.raw++;
    if (reply != WIRE_ACK) return;
    if (t->token == BUS_IN) {
        bytes_add(t->endpoint == 0 ? &pc->control_came : &pc->came, t->packet.data, t->packet.bytes);
    } else if (t->endpoint == PC_DATA_OUT) {
        bytes_add(&pc->went, t->packet.data, t->packet.bytes);
        pc->loose = true;
    }
}

void pc_raw(struct pc *pc, const struct pc_raw *txn, unsigned n)
{
    if (!pc->there || pc->script_at < pc->script_n) return;
    memcpy(pc->script, txn, n * sizeof *txn);
    pc->script_n = n;
    pc->script_at = 0;
    pc->naks = 0;
    bus_submit(pc->usb.bus, &pc->raw);
}

/* --- coming and going ---------------------------------------------------------------------------------------------------------- */

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct pc *pc = owner;

    pc->usb = usbhost_forward(chip_usbhost(pc->chip));
    pc->out = (struct bus_pipe){ .class = BUS_BULK, .self = pc, .next = out_next, .done = out_done };
    pc->in = (struct bus_pipe){ .class = BUS_BULK, .self = pc, .next = in_next, .done = in_done };
    pc->raw = (struct bus_pipe){ .class = BUS_CONTROL, .self = pc, .next = raw_next, .done = raw_done };
    pc->info = *info;
    pc->there = true;
    pc->out1 = false;
    pc->arrivals++;
}

/* Control requests have been cancelled by the host. */
static void on_gone(void *owner)
{
    struct pc *pc = owner;

    bus_remove(pc->usb.bus, &pc->out);
    bus_remove(pc->usb.bus, &pc->in);
    bus_remove(pc->usb.bus, &pc->raw);
    pc->there = pc->opened = pc->reading = false;
    pc->request = NULL;
    pc->queued = 0;
    pc->script_at = pc->script_n;
}

void pc_init(struct pc *pc, struct chip *chip)
{
    const struct usbhost_client client = { .owner = pc, .configured = on_configured, .gone = on_gone };

    memset(pc, 0, sizeof *pc);
    pc->chip = chip;
    usbhost_set_client(chip_usbhost(chip), &client);
}

void pc_free(struct pc *pc)
{
    bytes_free(&pc->came);
    bytes_free(&pc->control_came);
    bytes_free(&pc->went);
}

bool pc_run(struct pc *pc, vtime duration)
{
    vtime end = chip_now(pc->chip) + duration;

    while (chip_now(pc->chip) < end) {
        vtime left = end - chip_now(pc->chip);
        enum chip_end why = chip_run_for(pc->chip, left < LOOK ? left : LOOK);

        if (pc->look != NULL) pc->look(pc->owner);
        if (why != CHIP_RUNS) return false;
    }
    return true;
}

bool pc_wait_arrival(struct pc *pc, unsigned arrivals, unsigned ms)
{
    for (unsigned i = 0; i < ms && (!pc->there || pc->arrivals <= arrivals); i++)
        if (!pc_run(pc, VTIME_MS(1))) return false;
    return pc->there && pc->arrivals > arrivals;
}

bool pc_wait_bytes(struct pc *pc, size_t n, unsigned ms)
{
    for (unsigned i = 0; i < 10 * ms && pc_unread(pc) < n && pc->there; i++)
        if (!pc_run(pc, LOOK)) return false;
    return pc_unread(pc) >= n;
}

bool pc_wait_sent(struct pc *pc, unsigned ms)
{
    for (unsigned i = 0; i < 10 * ms && pc->queued != 0 && pc->there; i++)
        if (!pc_run(pc, LOOK)) return false;
    return pc->there && pc->queued == 0;
}

/* --- control --------------------------------------------------------------------------------------------------------------------- */

static void on_answer(void *owner, struct control_request *r, enum urb_status status)
{
    struct pc *pc = owner;

    pc->counts.controls++;
    pc->counts.stalls += status == URB_STALL;
    if (r != pc->request) return;
    pc->request = NULL;
    pc->answered = true;
    pc->status = status;
    pc->reply_bytes = 0;
    if ((r->setup[0] & 0x80U) != 0) {
        memcpy(pc->reply, r->data, r->done);
        pc->reply_bytes = r->done;
        pc->counts.bytes_in += r->done;
        bytes_add(&pc->control_came, r->data, r->done);
    }
}

/* What had come of a request that is broken off has come all the same. */
static void break_off(struct pc *pc)
{
    struct control_request *r = pc->request;

    if ((r->setup[0] & 0x80U) != 0) bytes_add(&pc->control_came, r->data, r->done);
    pc->counts.aborted++;
    pc->request = NULL;
    control_cancel(pc->usb.control, r);
}

bool pc_control(struct pc *pc, const uint8_t setup[8], const uint8_t *data, vtime patience)
{
    vtime end = chip_now(pc->chip) + patience;

    if (!pc->there || pc->request != NULL) return false;
    pc->answered = false;
    pc->status = URB_TIMEOUT;
    pc->request = control_submit(pc->usb.control, setup, data, pc, on_answer);
    while (pc->request != NULL && chip_now(pc->chip) < end) {
        vtime left = end - chip_now(pc->chip);

        if (!pc_run(pc, left < VTIME_US(20) ? left : VTIME_US(20))) return false;
    }
    if (pc->request != NULL) break_off(pc);
    return pc->answered && pc->status == URB_OK;
}

bool pc_request(struct pc *pc, uint8_t type, uint8_t request, uint16_t value, uint16_t index, const uint8_t *data, uint16_t n)
{
    uint8_t setup[8] = { type, request };

    store_le16(setup + 2, value);
    store_le16(setup + 4, index);
    store_le16(setup + 6, n);
    return pc_control(pc, setup, data, PATIENCE);
}

bool pc_line(struct pc *pc, uint32_t baud, bool dtr)
{
    uint8_t coding[7] = { 0, 0, 0, 0, 0, 0, 8 };

    store_le32(coding, baud);
    return pc_request(pc, 0x21, 0x20, 0, 0, coding, sizeof coding) && pc_request(pc, 0x21, 0x22, dtr ? 3 : 0, 0, NULL, 0);
}

bool pc_open(struct pc *pc)
{
    if (!pc_request(pc, 0x00, 9, 1, 0, NULL, 0)) return false;
    pc->out1 = false;
    pc->opened = true;
    pc_read(pc, true);
    return !pc->info.cdc_acm || pc_line(pc, 115200, true);
}
