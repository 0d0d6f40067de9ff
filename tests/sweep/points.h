/* SPDX-License-Identifier: MIT */
/* Which power cuts a sweep tries. */
#ifndef VCPBOOT_TESTS_SWEEP_POINTS_H
#define VCPBOOT_TESTS_SWEEP_POINTS_H

#include "tests/sweep/point.h"
#include "tests/sweep/tape.h"

/* The edges of an update are its erases and the operations next to them, and its last operations, the commit above all. */
enum points_edges {
    EDGES_ALL,                          /* torn in every way and not begun; erases in both moods of the cells */
    EDGES_FEW,                          /* one way of each that is no erase */
    EDGES_ERASES                        /* one way of each erase, and it not begun */
};

struct points_wish {
    enum points_edges edges;
    bool all;                           /* besides the edges every operation, once torn and once not begun */
    size_t count;                       /* or so many in all, the edges included, at random */
    uint64_t seed;
};

struct points {
    struct point *point;                /* ascending by `done` */
    size_t count;
};

void points_choose(struct points *out, const struct tape *t, const struct points_wish *wish);
void points_free(struct points *p);

#endif
