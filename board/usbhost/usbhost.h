/* SPDX-License-Identifier: MIT */
/* A virtual PC with one root port: it sees the device attach, enumerates it as Linux does, and drives a CDC-ACM function.
 *
 * Everything happens in virtual time, by events. Nothing here blocks, and callbacks come from events, never from within a
 * call of this interface nor from a register access of the guest. */
/* Sources: USB 2.0 §7.1.7.3 (connect), §7.1.7.5 (reset), §9.1.2 (enumeration); Linux drivers/usb/core/hub.c and
 * class/cdc-acm.c for the order and the times; USB CDC PSTN 1.2 §6.3 */
#ifndef VCPBOARD_USBHOST_USBHOST_H
#define VCPBOARD_USBHOST_USBHOST_H

#include "board/chip.h"
#include "board/usbhost/wire.h"

struct usbhost;

struct usbhost_options {
    unsigned urb_latency_us;            /* from the end of a bulk request to the next one's start: a late host */
    bool probe_ms_os_string;            /* ask for string 0xEE, as Windows does */
    bool forward;                       /* configured() comes once the device has its address and its descriptors are read:
                                         * configuring and driving it is somebody else's. See forward.h. */
    void (*report)(void *owner, const char *text);  /* a device's violation, without "usbhost: " and newline; NULL: stderr */
    void *report_owner;
};

struct usbhost_device_info {
    uint16_t vid, pid, bcd_device;
    bool cdc_acm;
    char manufacturer[128], product[128], serial[128];      /* UTF-8, empty if the device has none */
};

/* SET_LINE_CODING's content, PSTN 1.2 §6.3.11. */
struct usbhost_line_coding {
    uint32_t baud;
    uint8_t stop_bits;                  /* 0: one, 1: one and a half, 2: two */
    uint8_t parity;                     /* 0 none, 1 odd, 2 even, 3 mark, 4 space */
    uint8_t data_bits;
};

/* Who uses the port: a bridge, a test. Any member may be NULL. */
struct usbhost_client {
    void *owner;
    void (*configured)(void *owner, const struct usbhost_device_info *info);
    void (*gone)(void *owner);          /* after each configured(), once: the device left or is enumerated anew */
    void (*received)(void *owner, const uint8_t *data, size_t bytes);   /* one finished IN request, in order */
    void (*writable)(void *owner);      /* usbhost_cdc_room() has grown */
};

/* dev must outlive the host; the caller connects usbhost_wire() to it. options NULL: none. */
struct usbhost *usbhost_new(struct chip *c, const struct wire_device *dev, const struct usbhost_options *options);
void usbhost_free(struct usbhost *h);
const struct wire_host *usbhost_wire(struct usbhost *h);
void usbhost_set_client(struct usbhost *h, const struct usbhost_client *client);    /* copied */

/* --- the serial port. Without a configured CDC device these do nothing. ------------------------------------------------ */

/* Open: data flow both ways, as with cdc_acm between open and close. Closing drops what had half come and what had not gone
 * yet: wait for usbhost_cdc_pending() to be 0 first. While closed, room is 0. */
void usbhost_cdc_open(struct usbhost *h);
void usbhost_cdc_close(struct usbhost *h);
/* Back-pressure: with reading off no further IN request is submitted; the one on its way still comes (128 bytes at most). */
void usbhost_cdc_set_reading(struct usbhost *h, bool on);
size_t usbhost_cdc_write(struct usbhost *h, const uint8_t *data, size_t bytes);     /* queues, returns the bytes taken */
size_t usbhost_cdc_room(const struct usbhost *h);
size_t usbhost_cdc_pending(const struct usbhost *h);    /* bytes queued or on the wire */
void usbhost_cdc_set_line_coding(struct usbhost *h, const struct usbhost_line_coding *lc);
void usbhost_cdc_set_control_lines(struct usbhost *h, bool dtr, bool rts);
void usbhost_cdc_send_break(struct usbhost *h, uint16_t duration_ms);   /* 0xFFFF: on until 0 is sent */

/* --- what hosts and people do to a bus -------------------------------------------------------------------------------- */

void usbhost_unplug(struct usbhost *h);
void usbhost_replug(struct usbhost *h);
void usbhost_bus_reset(struct usbhost *h);              /* port reset, then enumeration */
void usbhost_suspend(struct usbhost *h);                /* SOFs end; remote wake-up is allowed first if the device offers it */
void usbhost_resume(struct usbhost *h);
void usbhost_lose_handshakes(struct usbhost *h, uint8_t endpoint_address, unsigned count);
void usbhost_set_latency(struct usbhost *h, unsigned urb_latency_us);

/* --- for tests and traces ----------------------------------------------------------------------------------------------- */

bool usbhost_configured(const struct usbhost *h);
bool usbhost_suspended(const struct usbhost *h);
bool usbhost_asks(const struct usbhost *h);             /* a control request is queued or under way */
unsigned usbhost_violations(const struct usbhost *h);   /* lines reported so far */
/* Any control request to the device, after those already queued; complete() gets the reply. false: no device addressed. */
enum usbhost_result { USBHOST_OK, USBHOST_STALL, USBHOST_FAILED };
bool usbhost_control(struct usbhost *h, const uint8_t setup[8], const uint8_t *data, void *owner,
                     void (*complete)(void *owner, enum usbhost_result result, const uint8_t *data, size_t bytes));

#endif
