/* SPDX-License-Identifier: MIT */
/* The root port: connect, debounce, reset, suspend, resume, disconnect; and the host's construction. */
/* Sources: USB 2.0 §7.1.7.3 (100 ms debounce), §7.1.7.5 and Table 7-14 (reset 50 ms by a root hub, 10 ms recovery),
 * §7.1.7.7 (resume 20 ms); Linux hub.c: four attempts */
#include <stdarg.h>
#include <stdio.h>

#include "board/usbhost/usbhost_priv.h"
#include "board/xalloc.h"

#define DEBOUNCE VTIME_MS(100)
#define RESET VTIME_MS(50)
#define RECOVERY VTIME_MS(10)
#define RESUME VTIME_MS(20)
#define ATTEMPTS_MAX 4U
#define REMOTE_WAKEUP_OFFERED 0x20U     /* bmAttributes bit 5 */

void host_report(struct usbhost *h, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    h->violations++;
    if (h->options.report != NULL)
        h->options.report(h->options.report_owner, text);
    else
        fprintf(stderr, "usbhost: %s\n", text);
}

static void set_timer(struct usbhost *h, enum port_state state, vtime delay)
{
    h->port = state;
    sched_after(chip_sched(h->chip), &h->port_timer, delay);
}

static bool there(struct usbhost *h)
{
    return !h->unplugged && h->dev->attached(h->dev->self);
}

static void silence(struct usbhost *h)
{
    bus_stop(&h->bus);
    control_cancel_all(&h->control);
    sched_cancel(chip_sched(h->chip), &h->address_timer);
}

/* Whatever was going on with the device is over. */
static void drop_device(struct usbhost *h)
{
    silence(h);
    cdc_unbind(h);
    if (h->configured) {
        h->configured = false;
        if (h->client.gone != NULL)
            h->client.gone(h->client.owner);
    }
}

static void detach(struct usbhost *h)
{
    if (h->port != PORT_DEBOUNCE)
        chip_trace(h->chip, TRACE_USB, "usb: device detached");
    drop_device(h);
    if (h->port == PORT_RESET)
        h->dev->reset(h->dev->self, false);
    sched_cancel(chip_sched(h->chip), &h->port_timer);
    h->port = PORT_EMPTY;
}

static void look_at_line(struct usbhost *h)
{
    bool attached = there(h);

    if (!attached && h->port != PORT_EMPTY) {
        detach(h);
    } else if (attached && h->port == PORT_EMPTY) {
        chip_trace(h->chip, TRACE_USB, "usb: device attached");
        h->attempts = 0;
        set_timer(h, PORT_DEBOUNCE, DEBOUNCE);
    }
}

void port_reset(struct usbhost *h)
{
    silence(h);
    chip_trace(h->chip, TRACE_USB, "usb: bus reset");
    h->dev->reset(h->dev->self, true);
    set_timer(h, PORT_RESET, RESET);
}

void port_transaction_error(struct usbhost *h, const char *what)
{
    host_report(h, "%s", what);
    drop_device(h);
    if (++h->attempts >= ATTEMPTS_MAX) {
        host_report(h, "unable to enumerate the device: given up until it is detached");
        h->port = PORT_GIVEN_UP;
        return;
    }
    enumerate_first(h);
    port_reset(h);
}

static void begin_resume(struct usbhost *h)
{
    h->dev->resume(h->dev->self, true);
    set_timer(h, PORT_RESUMING, RESUME);
}

static void port_timer_fire(void *self)
{
    struct usbhost *h = self;

    switch (h->port) {
    case PORT_DEBOUNCE:
        enumerate_first(h);
        port_reset(h);
        break;
    case PORT_RESET:
        h->dev->reset(h->dev->self, false);
        bus_start(&h->bus);
        set_timer(h, PORT_RECOVERY, RECOVERY);
        break;
    case PORT_RECOVERY:
        h->port = PORT_ENABLED;
        enumerate_go_on(h);
        break;
    case PORT_RESUMING:
        h->dev->resume(h->dev->self, false);
        h->port = PORT_ENABLED;
        bus_start(&h->bus);
        break;
    case PORT_EMPTY: case PORT_ENABLED: case PORT_SUSPENDED: case PORT_GIVEN_UP:
        break;
    }
}

/* --- called by the bus and by the device ----------------------------------------------------------------------------- */

static void on_frame(void *self)
{
    look_at_line(self);
}

static void reset_wanted(struct usbhost *h)
{
    h->reset_wanted = false;
    if (h->port < PORT_ENABLED || h->port == PORT_GIVEN_UP)
        return;
    drop_device(h);
    h->attempts = 0;
    enumerate_first(h);
    port_reset(h);
}

static void woken(struct usbhost *h)
{
    h->wakeup_seen = false;
    if (h->port != PORT_SUSPENDED)
        return;
    if (!(h->config.attributes & REMOTE_WAKEUP_OFFERED))
        host_report(h, "remote wake-up by a device whose bmAttributes do not offer it");
    begin_resume(h);
}

static void look_fire(void *self)
{
    struct usbhost *h = self;

    look_at_line(h);
    if (h->wakeup_seen)
        woken(h);
    if (h->reset_wanted)
        reset_wanted(h);
}

/* Both can come from within a register access: look a moment later. */
static void on_line_changed(void *self)
{
    struct usbhost *h = self;

    sched_after(chip_sched(h->chip), &h->look, VTIME_US(3));    /* a disconnect takes 2.5 us to see, Table 7-13 TDDIS */
}

static void on_wakeup(void *self, bool k_state)
{
    struct usbhost *h = self;

    if (!k_state)
        return;
    h->wakeup_seen = true;
    sched_after(chip_sched(h->chip), &h->look, VTIME_MS(1));    /* the hub repeats the K within 1 ms, §7.1.7.7 */
}

static void on_endpoint_changed(void *self)
{
    struct usbhost *h = self;

    bus_endpoint_changed(&h->bus);
}

/* --- interface --------------------------------------------------------------------------------------------------------- */

struct usbhost *usbhost_new(struct chip *c, const struct wire_device *dev, const struct usbhost_options *options)
{
    struct usbhost *h = xcalloc(1, sizeof *h);

    h->chip = c;
    h->dev = dev;
    if (options != NULL)
        h->options = *options;
    h->wire = (struct wire_host){ .self = h, .line_changed = on_line_changed, .endpoint_changed = on_endpoint_changed,
                                  .wakeup = on_wakeup };
    h->port_timer = (struct sched_event){ .fire = port_timer_fire, .owner = h };
    h->look = (struct sched_event){ .fire = look_fire, .owner = h };
    h->bus.owner = h;
    h->bus.frame_begins = on_frame;
    bus_init(&h->bus, c, dev);
    control_init(&h->control, &h->bus);
    enumerate_init(h);
    cdc_init(h);
    return h;
}

void usbhost_free(struct usbhost *h)
{
    if (h == NULL)
        return;
    silence(h);
    cdc_unbind(h);
    bus_free(&h->bus);
    sched_cancel(chip_sched(h->chip), &h->port_timer);
    sched_cancel(chip_sched(h->chip), &h->look);
    free(h);
}

const struct wire_host *usbhost_wire(struct usbhost *h)
{
    return &h->wire;
}

void usbhost_set_client(struct usbhost *h, const struct usbhost_client *client)
{
    h->client = *client;
}

void usbhost_unplug(struct usbhost *h)
{
    h->unplugged = true;
    sched_after(chip_sched(h->chip), &h->look, 0);
}

void usbhost_replug(struct usbhost *h)
{
    h->unplugged = false;
    sched_after(chip_sched(h->chip), &h->look, 0);
}

void usbhost_bus_reset(struct usbhost *h)
{
    h->reset_wanted = true;
    sched_after(chip_sched(h->chip), &h->look, 0);
}

static void wakeup_allowed(void *owner, enum usbhost_result result, const uint8_t *data, size_t bytes)
{
    struct usbhost *h = owner;

    (void)data;
    (void)bytes;
    if (result != USBHOST_OK)
        host_report(h, "SET_FEATURE(DEVICE_REMOTE_WAKEUP) refused by a device whose bmAttributes offer it");
    bus_stop(&h->bus);
    h->port = PORT_SUSPENDED;
}

void usbhost_suspend(struct usbhost *h)
{
    static const uint8_t allow[8] = { 0x00, 0x03, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00 };    /* USB 2.0 §9.4.9 */

    if (h->port != PORT_ENABLED || !h->configured)
        return;
    if ((h->config.attributes & REMOTE_WAKEUP_OFFERED) && usbhost_control(h, allow, NULL, h, wakeup_allowed))
        return;
    bus_stop(&h->bus);
    h->port = PORT_SUSPENDED;
}

void usbhost_resume(struct usbhost *h)
{
    if (h->port == PORT_SUSPENDED)
        begin_resume(h);
}

void usbhost_lose_handshakes(struct usbhost *h, uint8_t endpoint_address, unsigned count)
{
    h->bus.lose_endpoint = endpoint_address;
    h->bus.lose_count = count;
}

void usbhost_set_latency(struct usbhost *h, unsigned urb_latency_us)
{
    h->options.urb_latency_us = urb_latency_us;
}

struct usbhost_forward usbhost_forward(struct usbhost *h)
{
    return (struct usbhost_forward){ .bus = &h->bus, .control = &h->control, .address = h->address, .device = h->device_raw,
                                     .config = h->config_raw, .config_bytes = h->config_raw_bytes };
}

bool usbhost_configured(const struct usbhost *h)
{
    return h->configured;
}

bool usbhost_suspended(const struct usbhost *h)
{
    return h->port == PORT_SUSPENDED;
}

bool usbhost_asks(const struct usbhost *h)
{
    return h->control.queue != NULL;
}

unsigned usbhost_violations(const struct usbhost *h)
{
    return h->violations;
}
