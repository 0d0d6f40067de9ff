/* SPDX-License-Identifier: MIT */
/* CPU cycles to virtual time and back, exactly, across changes of HCLK. */
#ifndef VCPBOARD_CYCLES_H
#define VCPBOARD_CYCLES_H

#include "board/sched.h"

#define PS_PER_S 1000000000000ULL
#define PS_PER_US 1000000ULL

struct cycle_clock {
    uint32_t hz;
    uint64_t count;                     /* cycles since power-on: DWT's and SysTick's time base */
    uint64_t base_count;                /* `count` at base_time; moves only when hz changes, so nothing is rounded twice */
    vtime base_time;
    uint64_t asleep;                    /* part of `count` spent in WFI, when DWT_CYCCNT stands still */
};

/* The time at which cycle `count` (not before base_count) begins, rounded down. */
static inline vtime cycles_time_of(const struct cycle_clock *k, uint64_t count)
{
    uint64_t seconds = (count - k->base_count) / k->hz;
    uint64_t micro = (count - k->base_count) % k->hz * PS_PER_US;       /* < 168e6 * 1e6: fits */

    return k->base_time + seconds * PS_PER_S + micro / k->hz * PS_PER_US + micro % k->hz * PS_PER_US / k->hz;
}

static inline vtime cycles_time(const struct cycle_clock *k)
{
    return cycles_time_of(k, k->count);
}

/* The first cycle that begins at t or later; UINT64_MAX for VTIME_NEVER. */
static inline uint64_t cycles_at(const struct cycle_clock *k, vtime t)
{
    uint64_t seconds, rest, us, ps;

    if (t == VTIME_NEVER)
        return UINT64_MAX;
    if (t <= k->base_time)
        return k->base_count;
    seconds = (t - k->base_time) / PS_PER_S;
    rest = (t - k->base_time) % PS_PER_S;
    us = rest / PS_PER_US * k->hz;                      /* cycles * 1e6 */
    ps = rest % PS_PER_US * k->hz;                      /* cycles * 1e12 */
    us += (ps + PS_PER_US - 1) / PS_PER_US;
    return k->base_count + seconds * k->hz + (us + PS_PER_US - 1) / PS_PER_US;
}

static inline void cycles_set_hz(struct cycle_clock *k, uint32_t hz)
{
    k->base_time = cycles_time(k);
    k->base_count = k->count;
    k->hz = hz;
}

#endif
