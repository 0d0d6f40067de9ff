/* SPDX-License-Identifier: MIT */
/* Both ends in one process: the PC's session core and the bootloader's serve over a fake flash, with a wire between them that
 * can lose, damage and swallow bytes. Virtual time. */
#ifndef VCPBOOT_CLIENT_RIG_H
#define VCPBOOT_CLIENT_RIG_H

#include "boot/serve.h"
#include "host/lib/client.h"
#include "host/lib/plan.h"
#include "tests/unit/fake_flash.h"

#define CLIENT_RIG_BASE 0x08010000U
#define CLIENT_RIG_BYTES 0x20000U       /* 16 + 16 + 32 + 64 KB */
#define CLIENT_RIG_WINDOW 16384U
#define CLIENT_RIG_PIPE_BYTES 32768U
#define CLIENT_RIG_ERASE_MS 300U
#define CLIENT_RIG_ERASE_MAX_MS 2000U

/* One direction of the wire: a queue of bytes, and how it fails. */
struct pipe {
    uint8_t bytes[CLIENT_RIG_PIPE_BYTES];
    size_t n, most;                     /* most: the fullest it has been */
    uint32_t bad_one_in;                /* one byte in so many is flipped or lost; 0: none */
    bool cut;                           /* swallows everything */
    uint32_t random;
};

struct client_rig {
    struct fake_flash flash;
    struct session session;
    struct serve serve;
    struct serve_wire wire;
    struct pipe to_device, to_pc;
    uint32_t now_ms, ran_ms;
    struct client client;
};

void client_rig_open(struct client_rig *r);
void client_rig_close(struct client_rig *r);
/* The device loses its power and comes back; the flash stays. */
void client_rig_restart_device(struct client_rig *r);
/* One millisecond of both ends. */
void client_rig_step(struct client_rig *r);
/* The same, but the wire takes at most room bytes from the client. */
void client_rig_step_with_room(struct client_rig *r, size_t room);
/* Until the client is no longer busy, at most for ms; returns its state. */
enum client_state client_rig_run(struct client_rig *r, uint32_t ms);

/* Hello, then digests and the plan for an image: what an updater does before it sends. */
void client_rig_prepare(struct client_rig *r, const uint8_t *image, uint32_t length, struct plan *plan);
/* A sealed image, with CLIENT_RIG_BYTES of room in out. */
void client_rig_image(uint8_t *out, uint32_t length, uint32_t seed);

#endif
