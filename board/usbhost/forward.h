/* SPDX-License-Identifier: MIT */
/* For whoever drives the device himself: the port, the bus and endpoint 0 of a usbhost whose options say `forward`. */
#ifndef VCPBOARD_USBHOST_FORWARD_H
#define VCPBOARD_USBHOST_FORWARD_H

#include "board/usbhost/urb.h"

/* Valid from configured() to gone(). At gone() all control requests have been cancelled; other pipes are their owner's. */
struct usbhost_forward {
    struct bus *bus;
    struct control_pipe *control;
    uint8_t address;
    const uint8_t *device;              /* 18 bytes, checked */
    const uint8_t *config;              /* as the device sent it: only the first 9 bytes are known to be in order */
    size_t config_bytes;
};

struct usbhost_forward usbhost_forward(struct usbhost *h);

#endif
