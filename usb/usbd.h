/* SPDX-License-Identifier: MIT */
/* Chapter 9 of a device with one configuration: control transfers and standard requests over a dcd table. Sans-IO: driven by
 * events alone. Every request that nobody supports is stalled at once, or the PC waits five seconds for it. */
/* Sources: USB 2.0 §8.5.3, §9.1, §9.4 */
#ifndef VCPBOOT_USBD_H
#define VCPBOOT_USBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usb/dcd.h"
#include "usb/descriptors.h"

#define USBD_CONTROL_MAX 144U           /* longest data stage but where the function has a place of its own: a descriptor */
#define USBD_ENDPOINTS_MAX 3U

/* bmRequestType, USB 2.0 table 9-2 */
#define USB_REQUEST_IN 0x80U
#define USB_REQUEST_TYPE 0x60U
#define USB_REQUEST_CLASS 0x20U

struct usb_setup { uint8_t request_type, request; uint16_t value, index, length; };

/* What the device does beside chapter 9. `self` is the function's own state. */
struct usbd_function {
    const uint8_t *configuration;       /* its configuration descriptor, whole: at most USBD_CONTROL_MAX bytes */
    uint8_t device_class;               /* and its subclass in the device descriptor. 0: what the interfaces say */
    uint8_t endpoints[USBD_ENDPOINTS_MAX];      /* their addresses; 0: no more of them */
    /* The configuration was chosen (endpoints are to be opened) or left (after a bus reset they are closed already). */
    void (*configure)(void *self, const struct dcd *dcd, bool on);
    /* A class or vendor request. IN: the answer goes to *data (USBD_CONTROL_MAX bytes; or *data is made to point at the
     * function's own), its length to *n. OUT: called when the data stage is over, with the data; *n is its length. False: STALL. */
    bool (*request)(void *self, const struct usb_setup *s, uint8_t **data, size_t *n);
    /* Asked at the SETUP of an OUT request that has a data stage: where do the data go? To `data` (USBD_CONTROL_MAX bytes), or to
     * a place of the function's own that holds s->length. NULL: STALL at once. */
    uint8_t *(*accepts)(void *self, const struct usb_setup *s, uint8_t *data);
    /* DCD_OUT, DCD_OUT_DONE and DCD_IN_DONE of the function's endpoints. */
    void (*event)(void *self, const struct dcd_event *e);
};

enum usbd_stage { USBD_IDLE, USBD_DATA_IN, USBD_DATA_OUT, USBD_STATUS };

/* The owner allocates it; the fields are the stack's own. */
struct usbd {
    const struct dcd *dcd;
    const struct usb_identity *identity;
    const struct usbd_function *function;
    void *self;
    struct usb_setup setup;
    enum usbd_stage stage;
    bool configured, suspended, empty_packet;   /* empty_packet: the data stage must end with one */
    uint8_t stalled;                    /* endpoints halted by SET_FEATURE: a bit for each of the function's */
    uint8_t *at;                        /* the data stage's bytes: in `data`, or the function's own */
    uint16_t done, total;               /* how many of them */
    uint8_t data[USBD_CONTROL_MAX];
};

void usbd_init(struct usbd *u, const struct dcd *dcd, const struct usb_identity *id, const struct usbd_function *fn, void *self);
/* A dcd_event_fn: give it to the driver with the usbd as owner. */
void usbd_event(void *usbd, const struct dcd_event *e);
void usbd_connect(struct usbd *u, bool on);
/* The bus is idle: the PC sleeps, or the cable is out (the device has no VBUS wire to tell). */
bool usbd_suspended(const struct usbd *u);

#endif
