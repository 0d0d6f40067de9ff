/* SPDX-License-Identifier: MIT */
/* The USB cable: what a host's root port can do to a full-speed device, and what it can learn from it. */
/* Sources: USB 2.0 §7.1.7 (signalling), §8.4 (transactions) */
#ifndef VCPBOARD_USBHOST_WIRE_H
#define VCPBOARD_USBHOST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_PACKET 64U             /* full speed, no isochronous pipes */

enum wire_reply {
    WIRE_NOTHING,                       /* no handshake within 16 bit times: not addressed, not clocked, not enabled, bad packet */
    WIRE_ACK,                           /* IN: a data packet came */
    WIRE_NAK,
    WIRE_STALL
};

struct wire_packet {
    bool data1;                         /* PID: DATA1 rather than DATA0 */
    size_t bytes;
    uint8_t data[WIRE_MAX_PACKET];
};

/* The device's end. The host calls it, one transaction at a time, at the virtual time at which the packet has passed. */
struct wire_device {
    void *self;
    bool (*attached)(void *self);       /* the pull-up on D+ is on */
    enum wire_reply (*setup)(void *self, uint8_t address, uint8_t endpoint, const uint8_t packet[8]);
    enum wire_reply (*out)(void *self, uint8_t address, uint8_t endpoint, const struct wire_packet *p);
    /* The device sends *p and keeps it until in_done. A further token without in_done counts as in_done(false). */
    enum wire_reply (*in)(void *self, uint8_t address, uint8_t endpoint, struct wire_packet *p);
    void (*in_done)(void *self, uint8_t endpoint, bool acked);  /* the host's handshake; acked = false: it was lost */
    void (*sof)(void *self, uint16_t frame);                    /* 11-bit frame number */
    void (*reset)(void *self, bool se0);                        /* both lines low begins and ends */
    void (*resume)(void *self, bool k_state);                   /* the host drives K on a suspended bus, and stops doing so */
};

/* The host's end: what the device makes the port notice. Any member may be called from within a register access of the guest. */
struct wire_host {
    void *self;
    void (*line_changed)(void *self);       /* attached() may answer otherwise than before */
    void (*endpoint_changed)(void *self);   /* an endpoint that answered NAK may now do otherwise */
    void (*wakeup)(void *self, bool k_state);   /* the device drives K on a suspended bus: remote wake-up */
};

#endif
