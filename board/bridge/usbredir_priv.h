/* SPDX-License-Identifier: MIT */
/* The usbredir bridge's state. usbredir.c: connection, coming and going of the device; usbredir_transfer.c: what the peer asks
 * of it; usbredir_info.c: its descriptors in usbredir's form. */
#ifndef VCPBOARD_BRIDGE_USBREDIR_PRIV_H
#define VCPBOARD_BRIDGE_USBREDIR_PRIV_H

#include <sys/un.h>
#include <usbredirparser.h>

#include "board/bridge/usbredir.h"
#include "board/usbhost/forward.h"

#define REDIR_ENDPOINTS 32U             /* OUT 0 to 15, IN 16 to 31, as in usb_redir_ep_info_header */
#define REDIR_INTERFACES 32U

struct redir_info {
    struct usb_redir_device_connect_header device;
    struct usb_redir_interface_info_header interfaces;
    struct usb_redir_ep_info_header endpoints;
};

struct redir_request;

struct redir_endpoint {
    struct usbredir *bridge;
    uint8_t address;
    struct urb_pipe pipe;
    struct redir_request *queue;        /* the first one is on the bus */
    bool polled;                        /* interrupt IN, between start_ and stop_interrupt_receiving */
    uint64_t poll_id;
    uint8_t poll_buf[WIRE_MAX_PACKET];
};

struct usbredir {
    struct chip *chip;
    struct usbhost *host;
    struct sockaddr_un address;
    struct chip_fd socket;
    struct usbredirparser *parser;      /* NULL: not connected */
    bool plugged, greeted;              /* greeted: the peer's hello has come, so its capabilities are known */
    bool broken;                        /* the connection is to be given up by `housekeeping` */
    struct sched_event housekeeping;    /* connects, or gives up */

    bool addressed, announced;          /* what the usbhost knows of the device, what the peer has been told */
    bool resetting;                     /* at the peer's wish: requests wait until the device has its address again */
    struct sched_event reset_limit;
    uint8_t device[18];                 /* as announced: a device that is another one after a reset must be announced anew */
    uint8_t alternates[REDIR_INTERFACES];
    struct redir_info info;

    unsigned requests;                  /* of both kinds, for the limit */
    struct redir_request *controls;
    struct redir_endpoint endpoints[REDIR_ENDPOINTS];
};

static inline unsigned redir_index(uint8_t endpoint_address)
{
    return (endpoint_address & 0x80U) >> 3 | (endpoint_address & 0x0FU);
}

/* usbredir_info.c. alternates: the current setting of each interface. */
void redir_info_read(struct redir_info *i, const uint8_t *device, const uint8_t *config, size_t config_bytes,
                     const uint8_t alternates[REDIR_INTERFACES]);

/* usbredir.c */
void redir_flush(struct usbredir *u);           /* after each message that was queued in the parser */
void redir_send_info(struct usbredir *u);       /* reads the descriptors anew, with the current alternate settings */

/* usbredir_transfer.c */
void redir_transfer_callbacks(struct usbredirparser *p);
void redir_endpoints_open(struct usbredir *u, unsigned interface);  /* that one's, or of all with REDIR_INTERFACES: toggles at
                                                 * DATA0; what was going on there is answered by an I/O error */
void redir_controls_run(struct usbredir *u);    /* those that had to wait */
void redir_fail_all(struct usbredir *u);        /* every request is answered by an I/O error, no endpoint is polled any more */

#endif
