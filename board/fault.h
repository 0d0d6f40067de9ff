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

/* What a torn operation leaves of a word. RM0090 §3.6 promises nothing about it.
 *
 * A cell that was half programmed or half erased is undecided. While the board has one power-on it may read as if all were well, and
 * after the next one differently at each read (flash_mem.c). Only an erase settles it, or programming it to 0: a cell that is to
 * stay 1 gets no pulse. */
struct torn_word {
    uint32_t value;
    uint32_t unstable;                  /* the undecided bits */
};

/* Programming: any subset of the bits that were to fall has fallen; `done` (0..2^32-1) is the share of them. */
struct torn_word torn_program(struct rng *r, uint32_t old, uint32_t target, uint32_t done);

/* How an erase that was cut short reads at first: hardly begun, all but done, or in between. */
enum torn_look { TORN_MIXED, TORN_OLD, TORN_BLANK, TORN_NOISE, TORN_LOOKS };

/* Erasing: each word is what it was, all ones, or noise (TORN_MIXED: any of these), and every bit of it undecided. */
struct torn_word torn_erase(struct rng *r, enum torn_look look, uint32_t old);

#endif
