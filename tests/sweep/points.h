/* SPDX-License-Identifier: MIT */
/* Which power cuts a sweep tries. */
#ifndef VCPBOOT_TESTS_SWEEP_POINTS_H
#define VCPBOOT_TESTS_SWEEP_POINTS_H

#include "tests/sweep/point.h"
#include "tests/sweep/tape.h"

struct points_wish {
    size_t count;                       /* at least the edges, see below; the rest at random */
    bool few_edges;                     /* of the edges that are no erase, one way each */
    bool all;                           /* instead: every operation, once torn and once not begun, and the edges */
    uint64_t seed;
};

struct points {
    struct point *point;                /* ascending by `done` */
    size_t count;
};

/* The edges: each erase, torn in every way in both moods of the cells; the operations next to it; the last operations of the update.
 */
void points_choose(struct points *out, const struct tape *t, const struct points_wish *wish);
void points_free(struct points *p);

#endif
