/* SPDX-License-Identifier: MIT */
/* A device controller as the USB stack sees it: a const table of operations down, events up. Full speed, endpoint 0 of 64 bytes.
 *
 * One context at a time: every operation and every event handler runs either in the polling loop or in the controller's
 * interrupt, never in both at once. A driver may raise events only from its own poll or interrupt function, never from within
 * an operation of the table (DCD_OUT excepted: close may deliver packets that were already received). */
/* Sources: USB 2.0 §5.5.3, §5.8.3, §9.1 */
#ifndef VCPBOOT_DCD_H
#define VCPBOOT_DCD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DCD_PACKET_BYTES 64U            /* endpoint 0 and bulk endpoints at full speed */
#define DCD_SEND_MAX 512U               /* most bytes of one send on a bulk endpoint; endpoint 0 takes one packet */
#define DCD_ARM_MAX 1023U               /* most packets of one arm: PKTCNT has ten bits */
#define DCD_IN 0x80U                    /* direction bit of an endpoint address */

enum dcd_transfer_type { DCD_CONTROL = 0, DCD_ISOCHRONOUS = 1, DCD_BULK = 2, DCD_INTERRUPT = 3 };   /* as in bmAttributes */

enum dcd_event_type {
    DCD_RESET,                          /* bus reset: address 0, every endpoint but 0 closed, nothing armed, nothing in flight */
    DCD_SETUP,                          /* data: 8 bytes. Whatever endpoint 0 was doing is over */
    DCD_OUT,                            /* a packet of n bytes, 0 included */
    DCD_OUT_DONE,                       /* all armed packets are in, or a short one ended the transfer: arm again */
    DCD_IN_DONE,                        /* what send took has been acknowledged: send again */
    DCD_SUSPEND,
    DCD_RESUME,
};

struct dcd_event {
    enum dcd_event_type type;
    uint8_t ep;                         /* endpoint number, without the direction bit */
    uint16_t n;
    const uint8_t *data;                /* valid during the call only */
};
typedef void dcd_event_fn(void *owner, const struct dcd_event *e);

/* ep: an endpoint address, with the direction bit, except where the direction is fixed by the operation. */
struct dcd {
    void (*connect)(bool on);           /* the pull-up on D+ */
    void (*set_address)(uint8_t address);       /* before the status stage (RM0090 §34.17.5) */
    void (*open)(uint8_t ep, enum dcd_transfer_type type, uint16_t packet_bytes);       /* data toggle 0, NAKing */
    void (*close)(uint8_t ep);
    void (*arm)(uint8_t ep, uint16_t packets);  /* take that many packets; endpoint 0: one. Not while armed */
    void (*send)(uint8_t ep, const uint8_t *p, size_t n);       /* copies; n = 0 is an empty packet. Not while sending */
    void (*cancel)(uint8_t ep);         /* an IN endpoint forgets what it was sending; the data toggle stays */
    void (*stall)(uint8_t ep, bool on); /* endpoint 0: both directions, until the next SETUP. Off: data toggle 0 */
};

#endif
