/* SPDX-License-Identifier: MIT */
/* The serial driver, modelled on Linux's cdc_acm: two-packet requests for data, writes of up to 20 packets, no zero-length
 * packet after a write, notifications polled, a STALLed endpoint cleared and used again. */
/* Sources: Linux drivers/usb/class/cdc-acm.c; USB CDC PSTN 1.2 §6.3; USB 2.0 §9.4.1 (CLEAR_FEATURE) */
#include <string.h>

#include "board/usbhost/usbhost_priv.h"

#define SET_LINE_CODING 0x20U
#define SET_CONTROL_LINE_STATE 0x22U
#define SEND_BREAK 0x23U
#define CLASS_INTERFACE_OUT 0x21U
#define LINE_CODING_BYTES 7U
#define CLEAR_FEATURE 1U
#define TO_ENDPOINT 0x02U               /* bmRequestType; feature 0 is ENDPOINT_HALT */
#define PROBE_BAUD 9600U

static void start_in(struct usbhost *h);
static void start_out(struct usbhost *h);

static vtime latency(const struct usbhost *h)
{
    return VTIME_US(h->options.urb_latency_us);
}

/* --- class requests -------------------------------------------------------------------------------------------------- */

/* A refusal is the device's right (ACM's bmCapabilities); silence is not. */
static void class_done(void *owner, struct control_request *r, enum urb_status status)
{
    struct usbhost *h = owner;

    h->cdc.asking--;
    if (status == URB_ERROR)
        port_transaction_error(h, "control request to the CDC interface: no answer to three tries");
    else if (status != URB_OK)
        host_report(h, "CDC request 0x%02X: %s", r->setup[1], urb_status_text(status));
    start_out(h);
}

static void class_request(struct usbhost *h, uint8_t request, uint16_t value, const uint8_t *data, uint8_t bytes)
{
    const uint8_t setup[8] = { CLASS_INTERFACE_OUT, request, (uint8_t)value, (uint8_t)(value >> 8),
                               h->config.control_interface, 0, bytes, 0 };

    if (!h->cdc.bound)
        return;
    h->cdc.asking++;
    control_submit(&h->control, setup, data, h, class_done);
}

void usbhost_cdc_set_line_coding(struct usbhost *h, const struct usbhost_line_coding *lc)
{
    const uint8_t data[LINE_CODING_BYTES] = { (uint8_t)lc->baud, (uint8_t)(lc->baud >> 8), (uint8_t)(lc->baud >> 16),
                                              (uint8_t)(lc->baud >> 24), lc->stop_bits, lc->parity, lc->data_bits };

    class_request(h, SET_LINE_CODING, 0, data, sizeof data);
}

void usbhost_cdc_set_control_lines(struct usbhost *h, bool dtr, bool rts)
{
    class_request(h, SET_CONTROL_LINE_STATE, (uint16_t)((dtr ? 1U : 0U) | (rts ? 2U : 0U)), NULL, 0);
}

void usbhost_cdc_send_break(struct usbhost *h, uint16_t duration_ms)
{
    class_request(h, SEND_BREAK, duration_ms, NULL, 0);
}

/* --- a halted endpoint -------------------------------------------------------------------------------------------------- */

static void halt_cleared(void *owner, struct control_request *r, enum urb_status status)
{
    struct usbhost *h = owner;
    struct urb_pipe *u = (r->setup[4] & 0x80U) ? &h->cdc.in : &h->cdc.out;

    if (status != URB_OK) {
        port_transaction_error(h, "CLEAR_FEATURE(ENDPOINT_HALT) failed");
        return;
    }
    u->data1 = false;
    if (u == &h->cdc.in) {
        start_in(h);
    } else if (h->cdc.out_halted) {
        h->cdc.out_halted = false;
        urb_submit(u, u->buf + u->done, u->bytes - u->done);
    }
}

static void clear_halt(struct usbhost *h, const struct usb_endpoint *ep)
{
    const uint8_t setup[8] = { TO_ENDPOINT, CLEAR_FEATURE, 0, 0, ep->address, 0, 0, 0 };

    host_report(h, "endpoint 0x%02X: STALL", ep->address);
    control_submit(&h->control, setup, NULL, h, halt_cleared);
}

/* --- data in ---------------------------------------------------------------------------------------------------------- */

static void start_in(struct usbhost *h)
{
    struct cdc *c = &h->cdc;

    if (c->bound && c->open && c->reading && !c->in.busy)
        urb_submit(&c->in, c->in_buf, 2U * c->in.max_packet);
}

static void in_complete(void *owner, enum urb_status status, size_t done)
{
    struct usbhost *h = owner;

    switch (status) {
    case URB_OK:
        if (done > 0 && h->client.received != NULL)
            h->client.received(h->client.owner, h->cdc.in_buf, done);
        sched_after(chip_sched(h->chip), &h->cdc.in_later, latency(h));
        break;
    case URB_STALL:
        clear_halt(h, &h->config.in);
        break;
    default:
        port_transaction_error(h, "bulk IN endpoint: no answer to three tries, or more data than asked for");
        break;
    }
}

static void in_later_fire(void *self)
{
    start_in(self);
}

static void notify_complete(void *owner, enum urb_status status, size_t done)
{
    struct usbhost *h = owner;
    struct cdc *c = &h->cdc;

    (void)done;
    if (status == URB_ERROR)
        port_transaction_error(h, "notification endpoint: no answer to three tries");
    else if (status == URB_OK)
        urb_submit(&c->notify, c->notify_buf, c->notify.max_packet);
}

/* --- data out --------------------------------------------------------------------------------------------------------- */

static void start_out(struct usbhost *h)
{
    struct cdc *c = &h->cdc;
    size_t most = 20U * c->out.max_packet;
    size_t bytes = c->ring_bytes < most ? c->ring_bytes : most;

    /* A program writes when its open() or tcsetattr() has returned, and these wait for the device (acm_ctrl_msg). */
    if (!c->bound || !c->open || c->asking > 0 || c->out.busy || c->out_halted || bytes == 0 || c->out_later.armed)
        return;
    for (size_t i = 0; i < bytes; i++)
        c->out_buf[i] = c->ring[(c->ring_head + i) % CDC_OUT_RING];
    c->ring_head = (c->ring_head + bytes) % CDC_OUT_RING;
    c->ring_bytes -= bytes;
    urb_submit(&c->out, c->out_buf, bytes);
}

static void out_complete(void *owner, enum urb_status status, size_t done)
{
    struct usbhost *h = owner;

    (void)done;
    switch (status) {
    case URB_OK:
        sched_after(chip_sched(h->chip), &h->cdc.out_later, latency(h));
        if (h->client.writable != NULL)
            h->client.writable(h->client.owner);
        break;
    case URB_STALL:
        h->cdc.out_halted = true;
        clear_halt(h, &h->config.out);
        break;
    default:
        port_transaction_error(h, "bulk OUT endpoint: no answer to three tries");
        break;
    }
}

static void out_later_fire(void *self)
{
    start_out(self);
}

size_t usbhost_cdc_room(const struct usbhost *h)
{
    return h->cdc.bound && h->cdc.open ? CDC_OUT_RING - h->cdc.ring_bytes : 0;
}

size_t usbhost_cdc_pending(const struct usbhost *h)
{
    const struct cdc *c = &h->cdc;
    bool on_wire = c->bound && (c->out.busy || c->out_halted);

    return c->ring_bytes + (on_wire ? c->out.bytes - c->out.done : 0);
}

size_t usbhost_cdc_write(struct usbhost *h, const uint8_t *data, size_t bytes)
{
    struct cdc *c = &h->cdc;
    size_t room = usbhost_cdc_room(h);

    if (bytes > room)
        bytes = room;
    for (size_t i = 0; i < bytes; i++)
        c->ring[(c->ring_head + c->ring_bytes + i) % CDC_OUT_RING] = data[i];
    c->ring_bytes += bytes;
    start_out(h);
    return bytes;
}

/* --- open, close, bind ------------------------------------------------------------------------------------------------- */

void usbhost_cdc_open(struct usbhost *h)
{
    struct cdc *c = &h->cdc;

    if (!c->bound || c->open)
        return;
    c->open = true;
    c->reading = true;
    if (h->config.notify.address != 0)
        urb_submit(&c->notify, c->notify_buf, c->notify.max_packet);
    start_in(h);
}

void usbhost_cdc_close(struct usbhost *h)
{
    struct cdc *c = &h->cdc;

    if (!c->bound || !c->open)
        return;
    c->open = false;
    sched_cancel(chip_sched(h->chip), &c->in_later);
    urb_cancel(&c->in);
    urb_cancel(&c->out);
    sched_cancel(chip_sched(h->chip), &c->out_later);
    c->out_halted = false;
    c->ring_bytes = 0;
    if (h->config.notify.address != 0)
        urb_cancel(&c->notify);
}

void usbhost_cdc_set_reading(struct usbhost *h, bool on)
{
    h->cdc.reading = on;
    if (on && !h->cdc.in_later.armed)
        start_in(h);
}

void cdc_init(struct usbhost *h)
{
    h->cdc.in_later = (struct sched_event){ .fire = in_later_fire, .owner = h };
    h->cdc.out_later = (struct sched_event){ .fire = out_later_fire, .owner = h };
}

/* A controller polls at the next lower power of two of the interval. */
static unsigned period_of(uint8_t interval)
{
    unsigned period = 1;

    while (period * 2U <= interval)
        period *= 2U;
    return period;
}

static void bind_pipe(struct usbhost *h, struct urb_pipe *u, const struct usb_endpoint *ep, unsigned period,
                      void (*complete)(void *owner, enum urb_status status, size_t done))
{
    urb_pipe_init(u, &h->bus, h->address, ep->address, ep->max_packet, period);
    u->owner = h;
    u->complete = complete;
}

/* What cdc_acm does when it finds the function: lines down, 9600 8N1. */
void cdc_bind(struct usbhost *h)
{
    const struct usbhost_line_coding coding = { .baud = PROBE_BAUD, .data_bits = 8 };
    struct cdc *c = &h->cdc;

    bind_pipe(h, &c->in, &h->config.in, 0, in_complete);
    bind_pipe(h, &c->out, &h->config.out, 0, out_complete);
    if (h->config.notify.address != 0)
        bind_pipe(h, &c->notify, &h->config.notify, period_of(h->config.notify.interval), notify_complete);
    c->bound = true;
    c->open = c->reading = c->out_halted = false;
    c->asking = 0;
    c->ring_head = c->ring_bytes = 0;
    usbhost_cdc_set_control_lines(h, false, false);
    usbhost_cdc_set_line_coding(h, &coding);
}

void cdc_unbind(struct usbhost *h)
{
    struct cdc *c = &h->cdc;

    if (!c->bound)
        return;
    usbhost_cdc_close(h);
    c->bound = false;
}
