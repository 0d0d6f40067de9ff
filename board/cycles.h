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
    uint64_t base_count;                /* `count` at base_time; base moves by whole seconds, so nothing is ever rounded twice */
    vtime base_time;
};

static inline void cycles_rebase(struct cycle_clock *k)
{
    uint64_t seconds = (k->count - k->base_count) / k->hz;

    k->base_count += seconds * k->hz;
    k->base_time += seconds * PS_PER_S;
}

/* The time at which cycle `count` begins, rounded down. */
static inline vtime cycles_time(struct cycle_clock *k)
{
    uint64_t micro, rest;

    if (k->count - k->base_count >= k->hz)
        cycles_rebase(k);
    micro = (k->count - k->base_count) * PS_PER_US;     /* < 168e6 * 1e6: fits */
    rest = micro % k->hz;
    return k->base_time + micro / k->hz * PS_PER_US + rest * PS_PER_US / k->hz;
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
