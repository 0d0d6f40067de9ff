/* SPDX-License-Identifier: MIT */
/* A device behind a pseudo terminal, as a thread: bootloader (the real serve over a fake flash) or application, which leave the
 * bus and come back as a USB device does. For tests of the whole library. */
#ifndef VCPBOOT_FAKE_VCP_H
#define VCPBOOT_FAKE_VCP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "boot/serve.h"
#include "tests/unit/fake_flash.h"

#define FAKE_VCP_BASE 0x08010000U
#define FAKE_VCP_BYTES 0x20000U         /* 16 + 16 + 32 + 64 KB */

struct fake_vcp {
    /* Settings, before the start. */
    char link[128];                     /* where the pty is linked */
    bool application;                   /* starts in the application */
    bool deaf_application;              /* which does not answer HELLO */
    bool no_application;                /* which does not use USB at all: it never comes back */
    bool ignores_touch;
    uint32_t unplug_after_bytes;        /* from the PC; 0: never. Once, and it comes back */
    uint32_t boot_resets_at_op;         /* the device loses its power once at this flash operation; 0: never */

    /* The device's own. Read them after the end. */
    struct fake_flash flash;
    struct session session;
    struct serve serve;
    struct serve_wire wire;
    struct native_rx rx;                /* the application's ear */
    int master;
    bool in_application, open;
    uint32_t touches;
    uint8_t in[16384];
    size_t in_bytes;
    uint8_t out[8192];
    size_t out_bytes;
    uint64_t got_bytes;
    pthread_t thread;
    atomic_bool stop;
};

/* Blank flash; set the settings and load what you like, then start. */
void fake_vcp_init(struct fake_vcp *d, const char *folder);
void fake_vcp_start(struct fake_vcp *d);
/* Ends the thread; the flash stays readable until fake_vcp_free. */
void fake_vcp_end(struct fake_vcp *d);
/* Fails the test if the device has been unkind to its flash. */
void fake_vcp_free(struct fake_vcp *d);

#endif
