/* SPDX-License-Identifier: MIT */
/* The host controller: 1 ms frames, one transaction at a time, each for as long as it takes on a full-speed bus. */
/* Sources: USB 2.0 §5.8.4 Table 5-9 (19 bulk packets of 64 bytes a frame), §7.1.19, §8.4, §8.7.2 */
#ifndef VCPBOARD_USBHOST_BUS_H
#define VCPBOARD_USBHOST_BUS_H

#include "board/chip.h"
#include "board/usbhost/wire.h"

enum bus_token { BUS_SETUP, BUS_OUT, BUS_IN };

struct bus_txn {
    enum bus_token token;
    uint8_t address, endpoint;
    uint16_t max_packet;
    struct wire_packet packet;          /* SETUP, OUT: to send. IN: what came */
};

enum bus_class { BUS_PERIODIC, BUS_CONTROL, BUS_BULK, BUS_CLASSES };    /* in the order in which a frame serves them */

/* A source of transactions to one endpoint. The owner fills the first block, the bus keeps the rest. */
struct bus_pipe {
    enum bus_class class;
    unsigned period_frames;             /* BUS_PERIODIC */
    void *self;
    bool (*next)(void *self, struct bus_txn *t);    /* describes the next transaction; false: nothing to do */
    void (*done)(void *self, const struct bus_txn *t, enum wire_reply reply);

    bool active;
    uint16_t due_frame;
    vtime retry_at;                     /* after a NAK; VTIME_NEVER: when the endpoint changes, or in the next frame */
    vtime naked_at, naked_for;          /* when that NAK came, how long the attempt took */
    struct bus_pipe *next_pipe;
};

struct bus {
    struct chip *chip;
    const struct wire_device *dev;
    void *owner;
    void (*frame_begins)(void *owner);  /* every millisecond, with or without SOFs */

    bool running;                       /* SOFs and transactions flow */
    uint16_t frame;                     /* 11 bits */
    vtime frame_end;
    struct bus_pipe *pipes;             /* round robin: who was served goes to the end */
    struct bus_pipe *active;            /* its transaction is on the wire */
    struct bus_txn txn;
    enum wire_reply reply;
    bool changed;                       /* an endpoint changed while that transaction was on the wire */
    struct sched_event frame_event, txn_event;

    uint8_t lose_endpoint;              /* fault: endpoint address whose next handshakes get lost */
    unsigned lose_count;
};

void bus_init(struct bus *b, struct chip *c, const struct wire_device *dev);
void bus_free(struct bus *b);

/* SOFs begin with the next frame. / Silence: a transaction on the wire is lost, pipes keep their state. */
void bus_start(struct bus *b);
void bus_stop(struct bus *b);

/* The pipe has something to do (again). It is asked by next() until that answers false. */
void bus_submit(struct bus *b, struct bus_pipe *p);
void bus_remove(struct bus *b, struct bus_pipe *p);

/* The device may answer otherwise than by the NAK it gave last. */
void bus_endpoint_changed(struct bus *b);

#endif
