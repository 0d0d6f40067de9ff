/* SPDX-License-Identifier: MIT */
/* After a power cut: the next update by the native protocol, at every point, and what it costs.
 *
 * Up to the first flash operation of that update everything is executed for each point: digests of all that is left, the plan,
 * BEGIN. There the whole chip is compared with how it was at an earlier point with the same plan, whose update was followed to its
 * end. Points that differ by a few bytes only, which hold the digests that were sent, form a group, and its rest is executed
 * once. That those bytes are of no consequence is shown, not assumed: at the end the rest is executed again with noise in all of
 * them. Every so many points, and wherever the chip differs by more, the rest is executed for the point itself. */
#ifndef VCPBOOT_TESTS_SWEEP_NATIVE_H
#define VCPBOOT_TESTS_SWEEP_NATIVE_H

#include "tests/sweep/point.h"

#define NATIVE_GROUPS 48U
#define NATIVE_MARKS 64U                /* bytes in which points of a group may differ */

struct native_group {
    uint32_t sectors;                   /* the plan */
    enum mood mood;
    struct chip_snapshot *chip;         /* behind the first flash operation */
    struct desk desk;
    vtime now;
    struct flash_totals began;
    uint8_t *mark[NATIVE_MARKS];        /* addresses of bytes that differ between its points */
    size_t marks, points;
};

struct native_sweep {
    struct world *w;
    unsigned follow_every;
    struct cells cells;                 /* for native_abandoned */
    uint32_t digest[CLIENT_DIGESTS_MAX];        /* of the new image */
    struct native_group group[NATIVE_GROUPS];
    size_t groups, points;
    size_t followed;                    /* updates that were executed to their end */
    size_t marginal;                    /* points with undecided cells in a sector that read right, and was not sent again */
    size_t refused;                     /* ... of these: the application did not start for good, and one more update mended that */
};

void native_begin(struct native_sweep *s, struct world *w, unsigned follow_every);
/* Judges the unit over these cells; *complaint says what is bad about OUT_BAD. begun: a bit for each sector of the application
 * that the cut update had erased, or begun to. */
enum outcome native_point(struct native_sweep *s, const struct cells *c, enum mood mood, uint32_t begun, const char **complaint);
/* The sector of the application that an operation erases, as a bit; 0: none. */
uint32_t native_sector_bit(const struct flash_operation *op);
/* No power cut, but a PC that gives up after so many operations of the update, which the tape has; and then the next PC. */
bool native_abandoned(struct native_sweep *s, const struct tape *t, uint64_t operations, const char **complaint);
/* No power cut either: a word that cannot be programmed. */
bool native_weak_cell(struct native_sweep *s, const char **complaint);
/* Shows for each group that the bytes in which its points differ do not matter. */
bool native_end(struct native_sweep *s, const char **complaint);

#endif
