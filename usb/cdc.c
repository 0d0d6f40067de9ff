/* SPDX-License-Identifier: MIT */
/* CDC-ACM over two rings. Output packets leave as soon as something is written, input is armed for as much as the ring has room
 * for, so that the core never accepts a byte that could not be kept. */
/* Sources: CDC PSTN 1.20 §6.3; USB 2.0 §5.8.3 */
#include "usb/cdc.h"

#include <string.h>

#include "image/bytes.h"
#include "usb/cdc_state.h"
#include "usb/usbd.h"

enum {                                  /* bRequest, CDC PSTN 1.20 table 13 */
    SET_LINE_CODING = 0x20, GET_LINE_CODING = 0x21, SET_CONTROL_LINE_STATE = 0x22, SEND_BREAK = 0x23,
};
#define LINE_CODING_BYTES 7U
#define CONTROL_LINE_DTR 0x0001U
#define COMMUNICATION_INTERFACE 0U

/* --- endpoints ------------------------------------------------------------------------------------------------------ */

static void arm_input(struct cdc *c)
{
    uint32_t packets = ring_free(&c->rx) / DCD_PACKET_BYTES;

    if (c->dcd == NULL || c->armed || packets == 0) return;
    c->armed = true;
    c->dcd->arm(VCP_EP_DATA, (uint16_t)(packets < DCD_ARM_MAX ? packets : DCD_ARM_MAX));
}

static void start_output(struct cdc *c)
{
    uint32_t n = ring_run(&c->tx, c->tx.tail, ring_used(&c->tx));

    if (c->dcd == NULL || c->sending || (n == 0 && !c->empty_packet_due)) return;
    if (n > DCD_SEND_MAX) n = DCD_SEND_MAX;
    c->sending = true;
    c->empty_packet_due = n != 0 && n % DCD_PACKET_BYTES == 0;
    c->dcd->send(VCP_EP_DATA, ring_at(&c->tx, c->tx.tail), n);
    c->tx.tail += n;
}

/* --- the stream ----------------------------------------------------------------------------------------------------- */

void cdc_init(struct cdc *c, uint8_t *rx, size_t rx_bytes, uint8_t *tx, size_t tx_bytes)
{
    memset(c, 0, sizeof *c);
    c->rx.buf = rx;
    c->rx.bytes = (uint32_t)rx_bytes;
    c->tx.buf = tx;
    c->tx.bytes = (uint32_t)tx_bytes;
    c->line = (struct cdc_line_coding){ 115200, 0, 0, 8 };
}

size_t cdc_readable(const struct cdc *c)
{
    return ring_used(&c->rx);
}

size_t cdc_read(struct cdc *c, uint8_t *out, size_t cap)
{
    size_t n = ring_get(&c->rx, out, cap);

    arm_input(c);
    return n;
}

size_t cdc_writable(const struct cdc *c)
{
    return ring_free(&c->tx);
}

size_t cdc_write(struct cdc *c, const uint8_t *p, size_t n)
{
    size_t taken = ring_put(&c->tx, p, n);

    start_output(c);
    return taken;
}

bool cdc_sent(const struct cdc *c)
{
    return ring_used(&c->tx) == 0 && !c->sending && !c->empty_packet_due;
}

void cdc_drop_output(struct cdc *c)
{
    ring_empty(&c->tx);
    c->empty_packet_due = false;
    if (!c->sending) return;
    c->sending = false;
    c->dcd->cancel(VCP_EP_DATA);
}

bool cdc_configured(const struct cdc *c) { return c->dcd != NULL; }
bool cdc_dtr(const struct cdc *c) { return c->dtr; }
uint32_t cdc_dtr_rises(const struct cdc *c) { return c->dtr_rises; }
const struct cdc_line_coding *cdc_line_coding(const struct cdc *c) { return &c->line; }
uint32_t cdc_line_coding_sets(const struct cdc *c) { return c->line_coding_sets; }

/* --- as a function of usbd ------------------------------------------------------------------------------------------- */

/* What was in flight belongs to a connection that is gone. */
static void forget_connection(struct cdc *c)
{
    ring_empty(&c->rx);
    ring_empty(&c->tx);
    c->armed = false;
    c->sending = false;
    c->empty_packet_due = false;
    c->dtr = false;
}

static void cdc_configure(void *self, const struct dcd *dcd, bool on)
{
    struct cdc *c = self;

    if (!on) {
        c->dcd = NULL;
        dcd->close(VCP_EP_DATA);
        dcd->close(VCP_EP_DATA | DCD_IN);
        dcd->close(VCP_EP_NOTIFY | DCD_IN);
        forget_connection(c);
        return;
    }
    forget_connection(c);
    dcd->open(VCP_EP_DATA, DCD_BULK, DCD_PACKET_BYTES);
    dcd->open(VCP_EP_DATA | DCD_IN, DCD_BULK, DCD_PACKET_BYTES);
    dcd->open(VCP_EP_NOTIFY | DCD_IN, DCD_INTERRUPT, VCP_NOTIFY_BYTES);
    c->dcd = dcd;
    arm_input(c);
}

static uint8_t *cdc_accepts(void *self, const struct usb_setup *s, uint8_t *data)
{
    bool fits = s->request_type == (USB_REQUEST_CLASS | 1U) && s->index == COMMUNICATION_INTERFACE &&
                s->request == SET_LINE_CODING && s->length == LINE_CODING_BYTES;

    (void)self;
    return fits ? data : NULL;
}

static void set_line_coding(struct cdc *c, const uint8_t *p)
{
    /* Any value: Windows writes back what it read, also data bits 0. Nothing here has a baud rate to be wrong. */
    c->line = (struct cdc_line_coding){ load_le32(p), p[4], p[5], p[6] };
    c->line_coding_sets++;
}

static size_t get_line_coding(const struct cdc *c, uint8_t *p)
{
    store_le32(p, c->line.baud);
    p[4] = c->line.stop_bits;
    p[5] = c->line.parity;
    p[6] = c->line.data_bits;
    return LINE_CODING_BYTES;
}

static void set_control_lines(struct cdc *c, uint16_t lines)
{
    bool dtr = (lines & CONTROL_LINE_DTR) != 0;

    if (dtr && !c->dtr) c->dtr_rises++;
    c->dtr = dtr;
}

static bool cdc_request(void *self, const struct usb_setup *s, uint8_t **data, size_t *n)
{
    struct cdc *c = self;
    bool in = (s->request_type & USB_REQUEST_IN) != 0;

    if ((s->request_type & ~USB_REQUEST_IN) != (USB_REQUEST_CLASS | 1U) || s->index != COMMUNICATION_INTERFACE) return false;
    if (in != (s->request == GET_LINE_CODING)) return false;
    switch (s->request) {
    case SET_LINE_CODING:
        if (*n != LINE_CODING_BYTES) return false;
        set_line_coding(c, *data);
        return true;
    case GET_LINE_CODING:
        *n = get_line_coding(c, *data);
        return true;
    case SET_CONTROL_LINE_STATE:
        set_control_lines(c, s->value);
        return true;
    default:
        return s->request == SEND_BREAK;        /* acknowledged: there is no line to break */
    }
}

static void cdc_event(void *self, const struct dcd_event *e)
{
    struct cdc *c = self;

    if (e->ep != VCP_EP_DATA) return;   /* nothing is ever sent on the notification endpoint */
    switch (e->type) {
    case DCD_OUT:
        (void)ring_put(&c->rx, e->data, e->n);  /* fits: armed for no more than that */
        break;
    case DCD_OUT_DONE:
        c->armed = false;
        arm_input(c);
        break;
    case DCD_IN_DONE:
        c->sending = false;
        start_output(c);
        break;
    default:
        break;
    }
}

const struct usbd_function cdc_function = {
    .configuration = usb_config_descriptor, .device_class = 0x02,       /* CDC, ACM */
    .endpoints = { VCP_EP_DATA, VCP_EP_DATA | DCD_IN, VCP_EP_NOTIFY | DCD_IN },
    .configure = cdc_configure, .request = cdc_request, .accepts = cdc_accepts, .event = cdc_event,
};
