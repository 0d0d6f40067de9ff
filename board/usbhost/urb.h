/* SPDX-License-Identifier: MIT */
/* Transfers: bulk and interrupt requests of many packets, and control transfers with their three stages. */
/* Sources: USB 2.0 §5.8, §8.5.2, §8.5.3, §8.6 (data toggles); Linux: a request for data ends with a short packet or full */
#ifndef VCPBOARD_USBHOST_URB_H
#define VCPBOARD_USBHOST_URB_H

#include "board/usbhost/bus.h"
#include "board/usbhost/usbhost.h"

enum urb_status {
    URB_OK,
    URB_STALL,
    URB_ERROR,                          /* three transactions in a row without an answer */
    URB_TIMEOUT,                        /* control only: 5 s */
    URB_PROTOCOL                        /* control only: a SETUP was NAKed or STALLed, or the status stage carried data */
};

/* --- one bulk or interrupt endpoint ---------------------------------------------------------------------------------- */

struct urb_pipe {
    struct bus_pipe pipe;
    struct bus *bus;
    uint8_t address, endpoint;          /* endpoint without the direction bit */
    bool in;
    uint16_t max_packet;
    bool data1;                         /* next toggle; kept from request to request */

    uint8_t *buf;
    size_t bytes, done;
    bool busy;
    unsigned errors;
    void *owner;
    void (*complete)(void *owner, enum urb_status status, size_t done);
};

void urb_pipe_init(struct urb_pipe *u, struct bus *b, uint8_t address, uint8_t endpoint_address, uint16_t max_packet,
                   unsigned period_frames);

/* buf stays the caller's and must live until complete(). OUT: a whole number of packets ends without a zero-length one,
 * as cdc_acm sends it. Not while busy. */
void urb_submit(struct urb_pipe *u, uint8_t *buf, size_t bytes);
void urb_cancel(struct urb_pipe *u);    /* complete() is not called; what had come is lost, as with a killed URB */

/* --- endpoint 0 ------------------------------------------------------------------------------------------------------- */

#define CONTROL_DATA_MAX 4096U          /* what Linux grants a program for one control transfer, and QEMU a guest */

struct control_request {
    uint8_t setup[8];
    uint8_t data[CONTROL_DATA_MAX];
    size_t done;                        /* bytes of the data stage */
    void *owner;
    void (*complete)(void *owner, struct control_request *r, enum urb_status status);   /* r is freed afterwards */
    void (*user_complete)(void *owner, enum usbhost_result result, const uint8_t *data, size_t bytes);  /* usbhost_control()'s */
    struct control_request *next;
};

enum control_stage { CONTROL_SETUP, CONTROL_DATA, CONTROL_STATUS };

struct control_pipe {
    struct bus_pipe pipe;
    struct bus *bus;
    uint8_t address;
    uint16_t max_packet;
    struct control_request *queue;
    enum control_stage stage;
    bool data1;
    unsigned errors;
    struct sched_event timeout;
};

void control_init(struct control_pipe *c, struct bus *b);

/* Queues a request; requests run one after the other. data: the bytes of an OUT data stage, setup's wLength of them. */
struct control_request *control_submit(struct control_pipe *c, const uint8_t setup[8], const uint8_t *data, void *owner,
                                       void (*complete)(void *owner, struct control_request *r, enum urb_status status));
void control_cancel(struct control_pipe *c, struct control_request *r);     /* without its complete(); frees r */
void control_cancel_all(struct control_pipe *c);        /* without their complete() */

const char *urb_status_text(enum urb_status s);

#endif
