/* SPDX-License-Identifier: MIT */
/* What is measured: updates of the ARM ELF on the virtual board by each protocol, and the time from reset to the application. PC and
 * board are in one process and in virtual time, so a result is the same on every machine. */
#ifndef VCPBOOT_BENCH_SCENARIO_H
#define VCPBOOT_BENCH_SCENARIO_H

#include "bench/timeline.h"
#include "board/chip_run.h"

struct setting {
    enum flash_timing timing;
    bool vg;                            /* 1 MB instead of 512 KB */
    unsigned latency_us;                /* from something at the PC's port to the program's reaction */
    const char *firmware;               /* folder of the ARM ELF files */
};

struct measure {
    uint32_t image_bytes;
    uint64_t erases, words;             /* flash operations that were begun */
    uint64_t bus_bytes;                 /* over USB, both ways */
    vtime took;
    vtime floor;                        /* of it the flash was busy */
    unsigned stack_bytes;               /* the updater's, at its deepest since it came up; 0: it did not */
};

struct scenario {
    const char *name, *what;
    bool by_latency;                    /* the PC takes part */
    /* line: NULL, or where to note what happens when. A scenario that goes wrong ends the program. */
    void (*run)(const struct setting *set, struct measure *out, struct timeline *line);
};

extern const struct scenario scenarios[];
extern const size_t scenarios_count;

const struct scenario *scenario_named(const char *name);       /* NULL: there is none */

#endif
