/* SPDX-License-Identifier: MIT */
/* Conversion between virtual time and the edges of a clock, exact for every frequency below 268 MHz. */
#ifndef VCPBOARD_PERIPH_TICKS_H
#define VCPBOARD_PERIPH_TICKS_H

#include <stdint.h>

#include "board/sched.h"

#define TICKS_PS_PER_S UINT64_C(1000000000000)
#define TICKS_MILLION UINT64_C(1000000)

/* Whole clock periods within `d`. The picoseconds are split in two so that no product leaves 64 bits. */
static inline uint64_t ticks_in(vtime d, uint32_t hz)
{
    uint64_t seconds = d / TICKS_PS_PER_S;
    uint64_t rest = d % TICKS_PS_PER_S;
    uint64_t high = rest / TICKS_MILLION * hz;
    uint64_t low = rest % TICKS_MILLION * hz / TICKS_MILLION;

    return seconds * hz + (high + low) / TICKS_MILLION;
}

/* The shortest time that holds n whole periods: ticks_in(ticks_time(n, hz), hz) == n. VTIME_NEVER if it has no number. */
static inline vtime ticks_time(uint64_t n, uint32_t hz)
{
    uint64_t seconds, us, ps, rest;

    if (hz == 0 || n / hz >= UINT64_MAX / TICKS_PS_PER_S)
        return VTIME_NEVER;
    seconds = n / hz;
    rest = n % hz * TICKS_MILLION;
    us = rest / hz;
    rest = rest % hz * TICKS_MILLION;
    ps = rest / hz + (rest % hz != 0 ? 1U : 0U);
    return seconds * TICKS_PS_PER_S + us * TICKS_MILLION + ps;
}

#endif
