/* SPDX-License-Identifier: MIT */
/* Control transfers and the standard requests of USB 2.0 chapter 9. */
/* Sources: USB 2.0 §8.5.3 (stages), §9.4 (requests), table 9-2 to 9-7 */
#include "usb/usbd.h"

#include <string.h>

#include "image/bytes.h"

enum {                                  /* bRequest, table 9-4 */
    GET_STATUS = 0, CLEAR_FEATURE = 1, SET_FEATURE = 3, SET_ADDRESS = 5, GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8, SET_CONFIGURATION = 9, GET_INTERFACE = 10, SET_INTERFACE = 11,
};
enum { DESC_DEVICE = 1, DESC_CONFIG = 2, DESC_STRING = 3 };
enum { TO_DEVICE = 0, TO_INTERFACE = 1, TO_ENDPOINT = 2 };      /* bmRequestType[4:0] */

#define RECIPIENT 0x1FU
#define FEATURE_ENDPOINT_HALT 0U
#define STATUS_SELF_POWERED 0x0001U     /* as the configuration descriptor says */
#define ADDRESS_MAX 127U
#define CONFIGURATION 1U                /* bConfigurationValue */
#define CONFIG_TOTAL_BYTES 2U           /* places in the configuration descriptor, §9.6.3; none is longer than 255 bytes */
#define CONFIG_INTERFACES 4U

void usbd_init(struct usbd *u, const struct dcd *dcd, const struct usb_identity *id, const struct usbd_function *fn, void *self)
{
    memset(u, 0, sizeof *u);
    u->dcd = dcd;
    u->identity = id;
    u->function = fn;
    u->self = self;
}

void usbd_connect(struct usbd *u, bool on)
{
    u->dcd->connect(on);
}

bool usbd_suspended(const struct usbd *u)
{
    return u->suspended;
}

/* --- endpoints ------------------------------------------------------------------------------------------------------ */

/* The bit of an endpoint in `stalled`; 0 if there is no such endpoint, or it is endpoint 0, whose halt is never stored. */
static uint8_t halt_bit(const struct usbd *u, uint16_t ep)
{
    for (size_t i = 0; i < USBD_ENDPOINTS_MAX; i++) {
        if (ep != 0 && u->function->endpoints[i] == ep) return (uint8_t)(1U << i);
    }
    return 0;
}

static bool has_interface(const struct usbd *u, uint16_t index)
{
    return u->configured && index < u->function->configuration[CONFIG_INTERFACES];
}

static bool is_endpoint_0(uint16_t index)
{
    return (index & ~DCD_IN) == 0;
}

static bool set_halt(struct usbd *u, const struct usb_setup *s, bool on)
{
    uint8_t bit = halt_bit(u, s->index);

    if (s->value != FEATURE_ENDPOINT_HALT) return false;
    if (is_endpoint_0(s->index)) return true;
    if (bit == 0 || !u->configured) return false;
    if (on) u->stalled |= bit;
    else u->stalled &= (uint8_t)~bit;
    u->dcd->stall((uint8_t)s->index, on);   /* off also for an endpoint that is not halted: the PC wants data toggle 0 */
    return true;
}

static void leave_configuration(struct usbd *u)
{
    if (!u->configured) return;
    u->configured = false;
    u->stalled = 0;
    u->function->configure(u->self, u->dcd, false);
}

static bool set_configuration(struct usbd *u, uint16_t value)
{
    if (value > CONFIGURATION) return false;
    leave_configuration(u);
    if (value == CONFIGURATION) {
        u->configured = true;
        u->function->configure(u->self, u->dcd, true);
    }
    return true;
}

/* --- standard requests: true if supported; IN data are u->total bytes of u->data ------------------------------------------ */

static bool get_descriptor(struct usbd *u, const struct usb_setup *s)
{
    switch (s->value >> 8) {
    case DESC_DEVICE:
        usb_device_descriptor(u->data, u->identity, u->function->device_class);
        u->total = USB_DEVICE_DESCRIPTOR_BYTES;
        return true;
    case DESC_CONFIG:
        if ((s->value & 0xFFU) != 0) return false;
        u->total = u->function->configuration[CONFIG_TOTAL_BYTES];
        memcpy(u->data, u->function->configuration, u->total);
        return true;
    case DESC_STRING:
        u->total = (uint16_t)usb_string_descriptor(u->data, (uint8_t)s->value, u->identity);
        return u->total != 0;
    default:                            /* DEVICE_QUALIFIER too: a full-speed-only device has none (USB 2.0 §9.6.2) */
        return false;
    }
}

static bool get_status(struct usbd *u, const struct usb_setup *s)
{
    uint16_t status = 0;

    switch (s->request_type & RECIPIENT) {
    case TO_DEVICE:
        status = STATUS_SELF_POWERED;
        break;
    case TO_INTERFACE:
        if (!has_interface(u, s->index)) return false;
        break;
    default:
        if (!is_endpoint_0(s->index) && (!u->configured || halt_bit(u, s->index) == 0)) return false;
        status = (u->stalled & halt_bit(u, s->index)) != 0;
    }
    store_le16(u->data, status);
    u->total = 2;
    return true;
}

static bool device_request(struct usbd *u, const struct usb_setup *s)
{
    switch (s->request) {
    case GET_STATUS:
        return get_status(u, s);
    case SET_ADDRESS:
        if (s->value > ADDRESS_MAX) return false;
        u->dcd->set_address((uint8_t)s->value);     /* now: the core goes on answering the status stage (RM0090 §34.17.5) */
        return true;
    case GET_DESCRIPTOR:
        return get_descriptor(u, s);
    case GET_CONFIGURATION:
        u->data[0] = u->configured ? CONFIGURATION : 0;
        u->total = 1;
        return true;
    case SET_CONFIGURATION:
        return set_configuration(u, s->value);
    default:
        return false;                   /* remote wake-up and test modes: not offered */
    }
}

static bool interface_request(struct usbd *u, const struct usb_setup *s)
{
    if (!has_interface(u, s->index)) return false;
    switch (s->request) {
    case GET_STATUS:
        return get_status(u, s);
    case GET_INTERFACE:
        u->data[0] = 0;
        u->total = 1;
        return true;
    case SET_INTERFACE:
        return s->value == 0;           /* there is no other setting */
    default:
        return false;
    }
}

static bool endpoint_request(struct usbd *u, const struct usb_setup *s)
{
    switch (s->request) {
    case GET_STATUS: return get_status(u, s);
    case CLEAR_FEATURE: return set_halt(u, s, false);
    case SET_FEATURE: return set_halt(u, s, true);
    default: return false;
    }
}

/* Direction and request must agree, or a request that stores would be "answered". */
static bool direction_fits(const struct usb_setup *s)
{
    bool reads = s->request == GET_STATUS || s->request == GET_DESCRIPTOR || s->request == GET_CONFIGURATION ||
                 s->request == GET_INTERFACE;

    return reads == ((s->request_type & USB_REQUEST_IN) != 0);
}

static bool standard_request(struct usbd *u, const struct usb_setup *s)
{
    if (!direction_fits(s)) return false;
    switch (s->request_type & RECIPIENT) {
    case TO_DEVICE: return device_request(u, s);
    case TO_INTERFACE: return interface_request(u, s);
    case TO_ENDPOINT: return endpoint_request(u, s);
    default: return false;
    }
}

static bool handle_request(struct usbd *u, const struct usb_setup *s)
{
    size_t n = u->total;
    bool ok;

    if ((s->request_type & USB_REQUEST_TYPE) == 0) return standard_request(u, s);
    if (!u->configured) return false;
    ok = u->function->request(u->self, s, &u->at, &n);
    u->total = (uint16_t)n;
    return ok;
}

/* --- the stages of a control transfer ----------------------------------------------------------------------------------- */

static void refuse(struct usbd *u)
{
    u->stage = USBD_IDLE;
    u->dcd->stall(0, true);
}

static void send_more(struct usbd *u)
{
    uint16_t left = (uint16_t)(u->total - u->done);
    uint16_t n = left < DCD_PACKET_BYTES ? left : DCD_PACKET_BYTES;

    if (n == 0) u->empty_packet = false;
    u->dcd->send(0, u->at + u->done, n);
    u->done = (uint16_t)(u->done + n);
}

static void start_data_in(struct usbd *u)
{
    if (u->total > u->setup.length) u->total = u->setup.length;
    /* Fewer bytes than asked for, in whole packets: only an empty one tells the PC that this is the end (USB 2.0 §8.5.3.2). */
    u->empty_packet = u->total < u->setup.length && u->total % DCD_PACKET_BYTES == 0;
    u->stage = USBD_DATA_IN;
    send_more(u);
}

static void send_status(struct usbd *u)
{
    u->stage = USBD_STATUS;
    u->dcd->send(0, NULL, 0);
}

static void on_setup(struct usbd *u, const uint8_t *p)
{
    struct usb_setup *s = &u->setup;
    bool in = (p[0] & USB_REQUEST_IN) != 0;

    *s = (struct usb_setup){ p[0], p[1], load_le16(p + 2), load_le16(p + 4), load_le16(p + 6) };
    u->done = 0;
    u->total = 0;
    u->at = u->data;
    if (!in && s->length != 0) {
        /* No standard request that is supported has an OUT data stage. */
        if ((s->request_type & USB_REQUEST_TYPE) != 0 && u->configured) u->at = u->function->accepts(u->self, s, u->data);
        else u->at = NULL;
        if (u->at == NULL) {
            refuse(u);
            return;
        }
        u->stage = USBD_DATA_OUT;
        u->dcd->arm(0, 1);
        return;
    }
    if (!handle_request(u, s)) refuse(u);
    else if (in && s->length != 0) start_data_in(u);
    else send_status(u);
}

static void on_control_out(struct usbd *u, const struct dcd_event *e)
{
    size_t room = (size_t)(u->setup.length - u->done);

    if (u->stage != USBD_DATA_OUT) return;      /* the empty packet of an IN transfer's status stage */
    if (e->n > room) {
        refuse(u);
        return;
    }
    memcpy(u->at + u->done, e->data, e->n);
    u->done = (uint16_t)(u->done + e->n);
    u->total = u->done;
}

static void on_control_out_done(struct usbd *u)
{
    if (u->stage == USBD_STATUS) {
        u->stage = USBD_IDLE;
    } else if (u->stage == USBD_DATA_OUT) {
        if (u->done < u->setup.length && u->done % DCD_PACKET_BYTES == 0 && u->done != 0) u->dcd->arm(0, 1);
        else if (u->done == u->setup.length && handle_request(u, &u->setup)) send_status(u);
        else refuse(u);
    }
}

static void on_control_in_done(struct usbd *u)
{
    if (u->stage == USBD_STATUS) {
        u->stage = USBD_IDLE;
    } else if (u->stage == USBD_DATA_IN) {
        if (u->done < u->total || u->empty_packet) {
            send_more(u);
        } else {
            u->stage = USBD_STATUS;
            u->dcd->arm(0, 1);
        }
    }
}

static void on_reset(struct usbd *u)
{
    u->stage = USBD_IDLE;
    u->suspended = false;
    leave_configuration(u);
}

static void on_control_event(struct usbd *u, const struct dcd_event *e)
{
    switch (e->type) {
    case DCD_SETUP: on_setup(u, e->data); break;
    case DCD_OUT: on_control_out(u, e); break;
    case DCD_OUT_DONE: on_control_out_done(u); break;
    default: on_control_in_done(u); break;
    }
}

void usbd_event(void *usbd, const struct dcd_event *e)
{
    struct usbd *u = usbd;

    switch (e->type) {
    case DCD_RESET: on_reset(u); break;
    case DCD_SUSPEND: u->suspended = true; break;
    case DCD_RESUME: u->suspended = false; break;
    default:
        if (e->ep == 0) on_control_event(u, e);
        else if (u->configured) u->function->event(u->self, e);
    }
}
