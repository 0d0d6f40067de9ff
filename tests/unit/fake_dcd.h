/* SPDX-License-Identifier: MIT */
/* A device controller on paper with a PC at its other end: plays whole transfers against a stack, and fails the test if the stack
 * breaks usb/dcd.h (arms what is armed, sends while sending, sends too much, uses an endpoint that is not open). */
#ifndef TESTS_UNIT_FAKE_DCD_H
#define TESTS_UNIT_FAKE_DCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usb/dcd.h"

#define FAKE_ENDPOINTS 4U
#define FAKE_REPLY_MAX 2048U           /* one of DFU's blocks */

struct fake_in { bool open, sending, stalled; unsigned stalls_cleared; uint8_t sent[DCD_SEND_MAX]; size_t n; unsigned sends; };
struct fake_out { bool open, armed, stalled; unsigned stalls_cleared; uint16_t packets; };

/* The table has no owner argument (there is one controller in a chip), so there is one fake. */
extern struct fake_dcd {
    bool connected;
    uint8_t address;
    bool address_before_status;         /* set_address came while the status stage was still to come */
    unsigned cancels;
    struct fake_in in[FAKE_ENDPOINTS];
    struct fake_out out[FAKE_ENDPOINTS];
    dcd_event_fn *event;
    void *owner;
} fake_dcd;
extern const struct dcd fake_dcd_table;

void fake_dcd_init(dcd_event_fn *event, void *owner);
void fake_dcd_raise(enum dcd_event_type type);

/* One control transfer as a PC does it. False: it was stalled. reply: FAKE_REPLY_MAX bytes, its length to *n; both may be
 * NULL if wLength is 0 or the direction is OUT. data: wLength bytes for OUT. */
bool fake_control(const uint8_t setup[8], const uint8_t *data, uint8_t *reply, size_t *n);
/* Only the SETUP: for transfers that are broken off. */
void fake_setup(const uint8_t setup[8]);

/* A bulk OUT packet. False: NAK. */
bool fake_out_packet(uint8_t ep, const uint8_t *p, size_t n);
/* Takes what waits on an IN endpoint and acknowledges it: its length, or -1 for NAK. */
int fake_in_transfer(uint8_t ep, uint8_t out[DCD_SEND_MAX]);

#endif
