/* SPDX-License-Identifier: MIT */
/* Power cuts: when, and what a flash operation that was under way leaves behind. */
#ifndef VCPBOARD_FAULT_H
#define VCPBOARD_FAULT_H

#include <stdint.h>

#include "board/rng.h"

enum cut_when { CUT_DURING, CUT_BEFORE, CUT_AFTER };

/* Cut the power at the at_op-th flash operation since power-on of the board (words programmed and erases count 1 each). */
struct power_cut {
    uint64_t at_op;                     /* 0: never */
    enum cut_when when;
};

/* How the cells of a torn operation look at the next power-on. RM0090 §3.6 promises nothing about them. */
struct torn_word {
    uint32_t value;
    uint32_t unstable;                  /* bits that may read differently after every power-on */
};

/* Programming: any subset of the bits that were to fall has fallen; `done` (0..2^32-1) is the share of them. */
struct torn_word torn_program(struct rng *r, uint32_t old, uint32_t target, uint32_t done);
/* Erasing: each word is what it was, all ones, or noise. */
struct torn_word torn_erase(struct rng *r, uint32_t old);

#endif
