/* SPDX-License-Identifier: MIT */
/* A PC and a board on one desk, in one process and in virtual time: the session core of libvcpboot on the virtual USB host,
 * the ARM ELF on the chip. The PC looks at its port every DESK_LOOK, or reacts `latency` after something has happened there. */
#ifndef VCPBOOT_TESTS_DESK_H
#define VCPBOOT_TESTS_DESK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip_run.h"
#include "host/lib/client.h"
#include "host/lib/image_file.h"
#include "host/lib/plan.h"

#define DESK_LOOK VTIME_US(100)
#define DESK_REPLY_MS 1000U
#define DESK_APP_BASE 0x08010000U
#define DESK_APP_BYTES 0x70000U

struct desk {
    struct chip *chip;
    struct client client;
    bool port;                          /* the COM port is there */
    uint8_t out[4096];                  /* given by the client, not yet taken by the port */
    size_t out_bytes, out_at;
    vtime look;                         /* 0: DESK_LOOK. A longer one costs less where much time passes and little happens */
    vtime latency;                      /* from bytes or room at the port to the program's reaction; 0: it looks by itself */
    vtime wake;                         /* with a latency: when it reacts next */
    uint8_t in[4096];                   /* come, not yet read by the program */
    size_t in_bytes;
    uint64_t bus_bytes;                 /* over the serial port, both ways */
    unsigned arrivals;                  /* how often the COM port came */
    /* Whoever hears what the device says, instead of the session core; NULL: nobody. */
    void (*listener)(void *owner, const uint8_t *data, size_t bytes);
    void *listener_owner;
};

void desk_open(struct desk *d, const struct chip_options *o);  /* o: usb_cable is set by it */
void desk_close(struct desk *d);
/* The same with a chip that has usb_cable and runs already; the next port that comes is this PC's. */
void desk_attach(struct desk *d, struct chip *chip);

/* Runs for one look. False: the board has ended (power cut, guest fault). */
bool desk_step(struct desk *d);
/* Until the COM port is there; false after `timeout`, or if the board ended. */
bool desk_wait_port(struct desk *d, vtime timeout);
/* Until the client is no longer busy; CLIENT_BUSY after `timeout` or if the board ended or the port vanished. */
enum client_state desk_run(struct desk *d, vtime timeout);
bool desk_hello(struct desk *d);
/* The program that has the port ends, and the next one opens it: what had not gone yet is lost, DTR falls and rises. */
void desk_reopen(struct desk *d);
/* Asks a running application for the bootloader by a 1200-baud open and close, and waits until it answers. */
bool desk_enter_bootloader(struct desk *d);
/* HELLO, DIGEST, the plan. */
bool desk_plan(struct desk *d, const struct vcpboot_image *image, struct plan *plan);
void desk_begin_planned(struct desk *d, const struct vcpboot_image *image, const struct plan *plan);
/* Both; client_update has been started when it returns true. */
bool desk_begin_update(struct desk *d, const struct vcpboot_image *image);
/* Starts REBOOT, into the application. */
void desk_begin_reboot(struct desk *d);
/* The whole update, up to the new application's HELLO. */
bool desk_update(struct desk *d, const struct vcpboot_image *image);

#endif
