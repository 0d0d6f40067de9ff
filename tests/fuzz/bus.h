/* SPDX-License-Identifier: MIT */
/* The PC's end of the USB for a script: control transfers, whole and broken off, resets, suspends. */
#ifndef VCPBOOT_FUZZ_BUS_H
#define VCPBOOT_FUZZ_BUS_H

#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake_dcd.h"
#include "usb/usbd.h"

#define BUS_REPLY_MAX 4096U             /* more than any answer */

/* A device that the PC has just seen. */
void bus_open(struct usbd *u, const struct usb_identity *id, const struct usbd_function *fn, void *self);
/* SET_ADDRESS and SET_CONFIGURATION 1, as a PC begins. */
void bus_configure(void);
/* A whole control transfer. reply and *n as fake_control has them. */
bool bus_control(uint8_t type, uint8_t request, uint16_t value, uint16_t index, const uint8_t *data, uint16_t length, uint8_t *reply,
                 size_t *n);

/* From the script. */
void bus_transfer(struct input *in, uint8_t *reply, size_t *n);  /* whole, setup and data out of the input */
void bus_standard(struct input *in);    /* whole, a standard request that exists */
void bus_broken_off(struct input *in);  /* a SETUP, then perhaps a packet or two */
void bus_event(struct input *in);       /* reset, suspend, resume */

#endif
