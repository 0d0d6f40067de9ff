/* SPDX-License-Identifier: MIT */
/* The virtual host's state. port.c: the root port; enumerate.c: chapter 9; cdc.c: the serial driver. */
#ifndef VCPBOARD_USBHOST_USBHOST_PRIV_H
#define VCPBOARD_USBHOST_USBHOST_PRIV_H

#include "board/usbhost/descriptor.h"
#include "board/usbhost/forward.h"
#include "board/usbhost/urb.h"
#include "board/usbhost/usbhost.h"

#define CDC_OUT_RING 16384U             /* the driver's buffer: cdc_acm has 16 requests of 20 packets */
#define CDC_OUT_URB (20U * WIRE_MAX_PACKET)
#define CDC_IN_URB (2U * WIRE_MAX_PACKET)
#define CDC_NOTIFY_MAX 64U

enum port_state {
    PORT_EMPTY,
    PORT_DEBOUNCE,
    PORT_RESET,
    PORT_RECOVERY,
    PORT_ENABLED,                       /* enumerating or configured */
    PORT_SUSPENDED,
    PORT_RESUMING,
    PORT_GIVEN_UP                       /* until the device leaves */
};

struct cdc {
    bool bound, open, reading;
    unsigned asking;                    /* class requests that are on their way: data wait for them */
    bool out_halted;                    /* STALLed, CLEAR_FEATURE on its way; the request goes on after it */
    struct urb_pipe in, out, notify;
    uint8_t in_buf[CDC_IN_URB], out_buf[CDC_OUT_URB], notify_buf[CDC_NOTIFY_MAX];
    uint8_t ring[CDC_OUT_RING];
    size_t ring_head, ring_bytes;
    struct sched_event in_later, out_later;     /* the latency between requests */
};

struct usbhost {
    struct chip *chip;
    const struct wire_device *dev;
    struct wire_host wire;
    struct usbhost_options options;
    struct usbhost_client client;
    unsigned violations;

    struct bus bus;
    struct control_pipe control;
    bool unplugged;
    enum port_state port;
    struct sched_event port_timer, look;        /* look: attached() may have changed */
    bool wakeup_seen, reset_wanted;

    unsigned attempts, step;            /* of this enumeration */
    struct sched_event address_timer;
    uint8_t address;
    struct usb_device_desc device;
    struct usb_config config;
    uint8_t device_raw[USB_DEVICE_BYTES], config_raw[CONTROL_DATA_MAX];
    size_t config_raw_bytes;
    struct usbhost_device_info info;
    bool configured;
    struct cdc cdc;
};

void host_report(struct usbhost *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* port.c */
void port_reset(struct usbhost *h);
void port_transaction_error(struct usbhost *h, const char *what);      /* reset and begin again, or give up */

/* enumerate.c */
void enumerate_init(struct usbhost *h);
void enumerate_first(struct usbhost *h);        /* forgets the device: the next steps begin at the default address */
void enumerate_go_on(struct usbhost *h);        /* the port has been reset and has recovered */

/* cdc.c */
void cdc_init(struct usbhost *h);
void cdc_bind(struct usbhost *h);
void cdc_unbind(struct usbhost *h);

#endif
