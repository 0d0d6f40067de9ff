/* SPDX-License-Identifier: MIT */
/* A device on a desk: the serve with a real session over the fake flash, and a wire in virtual time to talk to it. */
#ifndef VCPBOOT_SERVE_RIG_H
#define VCPBOOT_SERVE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/serve.h"
#include "tests/unit/fake_flash.h"

#define RIG_BASE 0x08010000U
#define RIG_AREA_BYTES 0x8000U          /* 8 + 8 + 16 KB */
#define RIG_WIRE_BYTES 65536U

struct rig {
    struct fake_flash flash;
    struct session session;
    struct serve serve;
    struct serve_wire wire;
    uint32_t now_ms;
    uint8_t to_device[RIG_WIRE_BYTES], from_device[RIG_WIRE_BYTES];
    size_t to_n, to_pos, from_n, from_pos;
    size_t room;                        /* what the device may still write */
    struct native_rx rx;
    uint8_t seq;
};

/* A fresh device with blank flash, that may do what `capabilities` says. */
void rig_open(struct rig *r, uint32_t capabilities);
/* Fails the test if the device has been unkind to its flash: an address outside, or a read while it was busy. */
void rig_close(struct rig *r);
/* Runs the device for ms, ten passes each. */
void rig_run(struct rig *r, uint32_t ms);
/* The PC's bytes. */
void rig_put(struct rig *r, const void *p, size_t n);
/* Takes one byte of the device's, running it for at most ms; -1: none came. */
int rig_get(struct rig *r, uint32_t ms);
/* Forgets what the device has said; returns how many bytes that were. */
size_t rig_drain(struct rig *r);

/* Sends a request; returns its sequence number. */
uint8_t rig_request(struct rig *r, uint8_t type, const void *payload, size_t n);
/* The next whole frame, running the device for at most ms; NULL: none. Valid until the next call. */
const struct native_frame *rig_frame(struct rig *r, uint32_t ms);
/* The answer to a request: frames of other types and numbers are passed over. Fails the test if none comes. */
const struct native_frame *rig_answer(struct rig *r, uint8_t type, uint8_t seq);
/* Request and answer, the answer read as a status. */
struct native_status rig_ask(struct rig *r, uint8_t type, const void *payload, size_t n);
struct native_hello rig_hello(struct rig *r);

/* An image with good vectors, an info block of product "vcpboot rig" and pseudo-random content. Sealed: as the PC would send it. */
void rig_image(uint8_t *image, uint32_t n, uint32_t seed, bool sealed);
/* BEGIN with all sectors, every DATA frame as fast as the device reads, FINISH. Returns FINISH's answer. */
struct native_status rig_update(struct rig *r, const uint8_t *image, size_t n);

/* What a sender does its own way. */
struct rig_habit {
    const char *typed;                  /* before anything else; NULL: nothing */
    size_t header, block;               /* bytes; header 0: XMODEM, neither header nor closing block */
    bool tail;                          /* what is left at the end in blocks of 128, as lrzsz does */
    bool sizeless;                      /* block 0 has a name only */
    bool eot_twice, doubles;            /* says EOT, or each block, once more */
    bool streams;                       /* YMODEM-g: hears only the answer to its EOT */
    uint8_t pad;
};
/* A sender that has heard its call sends a file. Returns false as soon as the device answers with CAN. */
bool rig_send(struct rig *r, const uint8_t *file, size_t n, const struct rig_habit *habit);
/* The same without the block that closes the batch. */
bool rig_send_file(struct rig *r, const uint8_t *file, size_t n, const struct rig_habit *habit);
/* A YMODEM sender that has heard its 'C': sends block 0 (size < 0: without one), blocks of the given size, EOT, the closing block.
 * Returns false as soon as the device answers with CAN. */
bool rig_ymodem(struct rig *r, const uint8_t *file, size_t n, long size, size_t block);

#endif
