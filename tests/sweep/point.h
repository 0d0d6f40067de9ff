/* SPDX-License-Identifier: MIT */
/* One power cut: where, and what became of the unit. */
#ifndef VCPBOOT_TESTS_POINT_H
#define VCPBOOT_TESTS_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sweep/world.h"

#define POINT_CLEAN (-1)

struct point {
    size_t done;                        /* operations that were done before the power went */
    int way;                            /* how the next one was torn (cells_tear), POINT_CLEAN: not begun */
    enum mood mood;                     /* of the power-on afterwards */
};

enum outcome {
    OUT_BOOTLOADER, OUT_OLD, OUT_NEW,   /* what started, and an update from there succeeded */
    OUT_BAD,                            /* point_complaint says why */
    OUTCOMES
};

/* The start over these cells, judged: who answers, and may it be that one? OUT_BAD with a complaint if not. */
enum outcome point_start(struct world *w, const struct cells *c, enum mood mood, const char **complaint);

/* A repaired unit keeps what it has: the new application starts again, whatever mood the cells are in. */
bool point_lasts(struct world *w, const char **complaint);

#endif
