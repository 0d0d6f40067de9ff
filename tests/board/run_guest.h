/* SPDX-License-Identifier: MIT */
/* Runs a guest program of tests/board/guest on a whole board, and returns what it left. */
#ifndef VCPBOARD_RUN_GUEST_H
#define VCPBOARD_RUN_GUEST_H

#include "board/chip_run.h"

#define GUEST_WORDS 24U                 /* [0] the case, [1..15] arguments, [16..23] what the program leaves */

struct guest {
    struct chip *chip;
    uint32_t words[GUEST_WORDS];
};

/* Options that the tests want: results by BKPT, no log, fatal errors reported but not ending the run. */
struct chip_options guest_options(void);
/* A board with the program in its flash, powered on, arguments in place. Fails the test if the file is missing. */
void guest_start(struct guest *g, const char *program, const struct chip_options *o, const uint32_t *args, unsigned count);
/* The arguments again, after a power cycle made the RAM garbage. */
void guest_put_args(struct guest *g, const uint32_t *args, unsigned count);
/* Runs to the result; fails the test if it does not come within 60 virtual seconds. Fills words[]. */
uint32_t guest_finish(struct guest *g);
/* start + finish with the usual options. */
uint32_t guest_run(struct guest *g, const char *program, const uint32_t *args, unsigned count);
void guest_end(struct guest *g);

#define ARGS(...) (const uint32_t[]){ __VA_ARGS__ }, (unsigned)(sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

#endif
