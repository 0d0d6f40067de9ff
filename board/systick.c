/* SPDX-License-Identifier: MIT */
/* The system timer: nothing counts, the value follows from the cycle at which it will be zero. */
/* Sources: Arm DDI 0403 §B3.3 "SysTick"; RM0090 §12.1.3 (calibration value 18750, reference clock HCLK/8). */
#include "board/systick.h"

#define CTRL_ENABLE (1U << 0)
#define CTRL_TICKINT (1U << 1)
#define CTRL_CLKSOURCE (1U << 2)
#define CTRL_COUNTFLAG (1U << 16)
#define COUNT_MASK 0xFFFFFFU
#define CALIB_TENMS 18750U

static uint32_t divider(const struct systick *t)
{
    return t->core_clock ? 1 : 8;
}

static void arm_wrap(struct systick *t)
{
    if (t->enabled && t->zero_at != UINT64_MAX)
        sched_at(chip_sched(t->chip), &t->wrap, cycles_time_of(t->clock, t->zero_at));
    else
        sched_cancel(chip_sched(t->chip), &t->wrap);
}

/* Starts from `count` at the present cycle; from 0, the next tick loads LOAD, and LOAD = 0 never starts. */
static void start_from(struct systick *t, uint32_t count)
{
    uint64_t ticks = count != 0 ? count : (uint64_t)t->load + 1;

    t->period = count != 0 ? count : t->load;
    t->zero_at = ticks == 1 && t->load == 0 ? UINT64_MAX : t->clock->count + ticks * divider(t);
    arm_wrap(t);
}

static void wrapped(void *owner)
{
    struct systick *t = owner;

    t->countflag = true;
    if (t->tickint)
        nvic_pend(t->nvic, EXC_SYSTICK, true);
    t->period = t->load;
    t->zero_at = t->load == 0 ? UINT64_MAX : t->zero_at + ((uint64_t)t->load + 1) * divider(t);
    arm_wrap(t);
}

static uint32_t count_now(const struct systick *t)
{
    uint64_t left;

    if (!t->enabled)
        return t->held;
    if (t->zero_at == UINT64_MAX || t->clock->count >= t->zero_at)
        return 0;
    left = (t->zero_at - t->clock->count + divider(t) - 1) / divider(t);
    return left > t->period ? 0 : (uint32_t)left;       /* more than the period: LOAD is not in the counter yet */
}

static void write_ctrl(struct systick *t, uint32_t value)
{
    uint32_t count = count_now(t);

    t->enabled = (value & CTRL_ENABLE) != 0;
    t->tickint = (value & CTRL_TICKINT) != 0;
    t->core_clock = (value & CTRL_CLKSOURCE) != 0;
    t->held = count;
    if (t->enabled)
        start_from(t, count);
    else
        arm_wrap(t);
}

static uint32_t read_ctrl(struct systick *t)
{
    uint32_t v = (t->enabled ? CTRL_ENABLE : 0) | (t->tickint ? CTRL_TICKINT : 0) |
                 (t->core_clock ? CTRL_CLKSOURCE : 0) | (t->countflag ? CTRL_COUNTFLAG : 0);

    t->countflag = false;               /* cleared by the read */
    return v;
}

uint32_t systick_read(struct systick *t, uint32_t off)
{
    switch (off) {
    case 0x0:
        return read_ctrl(t);
    case 0x4:
        return t->load;
    case 0x8:
        return count_now(t);
    default:
        return CALIB_TENMS;
    }
}

void systick_write(struct systick *t, uint32_t off, uint32_t value)
{
    switch (off) {
    case 0x0:
        write_ctrl(t, value);
        break;
    case 0x4:
        t->load = value & COUNT_MASK;
        break;
    case 0x8:                           /* any write clears the count and COUNTFLAG */
        t->countflag = false;
        t->held = 0;
        if (t->enabled)
            start_from(t, 0);
        break;
    default:
        break;                          /* CALIB is read-only */
    }
}

void systick_clock_changed(struct systick *t)
{
    arm_wrap(t);
}

void systick_reset(struct systick *t)
{
    sched_cancel(chip_sched(t->chip), &t->wrap);
    t->enabled = t->tickint = t->core_clock = t->countflag = false;
    t->load = t->held = t->period = 0;
    t->zero_at = UINT64_MAX;
}

void systick_init(struct systick *t, struct chip *c, struct nvic *n, struct cycle_clock *k)
{
    t->chip = c;
    t->nvic = n;
    t->clock = k;
    t->wrap.fire = wrapped;
    t->wrap.owner = t;
    t->zero_at = UINT64_MAX;
}
