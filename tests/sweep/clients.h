/* SPDX-License-Identifier: MIT */
/* After a power cut: the next update by a client that asks for no digests (sb, stm32flash, dfu-util), at every point.
 *
 * Such an update erases first and reads little: two points at which it has read the same lines of the flash, holding the same, are one
 * run, executed once (tests/sweep/world.h). What it has read before it erased it, the board says. */
#ifndef VCPBOOT_TESTS_SWEEP_CLIENTS_H
#define VCPBOOT_TESTS_SWEEP_CLIENTS_H

#include "tests/sweep/point.h"

enum client_kind { CLIENT_SB, CLIENT_STM32FLASH, CLIENT_DFU_UTIL, CLIENT_KINDS };

#define CLIENTS_RUNS 512U

struct client_run {
    struct readings read;
    enum mood mood;
    enum outcome outcome;
};

struct client_sweep {
    struct world *w;
    enum client_kind kind;
    struct client_run run[CLIENTS_RUNS];
    size_t runs, points, executed;
};

void clients_begin(struct client_sweep *s, struct world *w, enum client_kind kind);
void clients_end(struct client_sweep *s);
enum outcome clients_point(struct client_sweep *s, const struct cells *c, enum mood mood, const char **complaint);
/* The whole update on the desk of the world, which is in the bootloader, up to the new application's start; in this process. */
void clients_update(struct world *w, enum client_kind kind);

#endif
