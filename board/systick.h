/* SPDX-License-Identifier: MIT */
/* SysTick, counted in CPU cycles. */
#ifndef VCPBOARD_SYSTICK_H
#define VCPBOARD_SYSTICK_H

#include "board/chip.h"
#include "board/cycles.h"
#include "board/nvic.h"

struct systick {
    struct chip *chip;
    struct nvic *nvic;
    struct cycle_clock *clock;
    struct sched_event wrap;
    bool enabled, tickint, core_clock, countflag;
    uint32_t load, period;              /* period: the LOAD that the count under way started from */
    uint32_t held;                      /* the count while disabled */
    uint64_t zero_at;                   /* cycle at which the count reaches 0 next */
};

void systick_init(struct systick *t, struct chip *c, struct nvic *n, struct cycle_clock *k);
void systick_reset(struct systick *t);
void systick_clock_changed(struct systick *t);          /* HCLK is another: the next wrap comes at another time */
/* off: 0 CTRL, 4 LOAD, 8 VAL, 12 CALIB */
uint32_t systick_read(struct systick *t, uint32_t off);
void systick_write(struct systick *t, uint32_t off, uint32_t value);

#endif
