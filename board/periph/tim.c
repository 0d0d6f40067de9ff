/* SPDX-License-Identifier: MIT */
/* TIM2-TIM7: prescaler, auto-reload, update event and its interrupt. */
/* Sources: RM0090 §18.3.1-18.3.2, §18.4 (TIM2-TIM5); §20.3, §20.4 (TIM6, TIM7); §7.2 for the timer clock */
#include "board/periph/tim.h"

#include <stdio.h>

#include "board/periph/reg.h"
#include "board/periph/ticks.h"
#include "board/xalloc.h"

#define TIM_CR1 0x00U
#define TIM_CR1_CEN REG_BIT(0)
#define TIM_CR1_UDIS REG_BIT(1)
#define TIM_CR1_URS REG_BIT(2)
#define TIM_CR1_OPM REG_BIT(3)
#define TIM_CR1_ARPE REG_BIT(7)
#define TIM_CR1_CKD 0x300U              /* divides the sampling clock of inputs that are not modelled: stored, no effect */
#define TIM_CR1_MODELLED (TIM_CR1_CEN | TIM_CR1_UDIS | TIM_CR1_URS | TIM_CR1_OPM | TIM_CR1_ARPE | TIM_CR1_CKD)
#define TIM_DIER 0x0CU
#define TIM_DIER_UIE REG_BIT(0)
#define TIM_SR 0x10U
#define TIM_SR_UIF REG_BIT(0)
#define TIM_EGR 0x14U
#define TIM_EGR_UG REG_BIT(0)
#define TIM_CNT 0x24U
#define TIM_PSC 0x28U
#define TIM_ARR 0x2CU
#define TIM_LAST_REGISTER 0x50U

struct tim {
    struct chip *chip;
    struct periph periph;
    char name[8];
    unsigned irq;
    uint32_t width_mask;                /* TIM2 and TIM5 count in 32 bits */
    uint32_t cr1, dier, sr, arr, arr_active, psc, psc_active;
    uint32_t cnt;                       /* at cnt_at; it goes on from there at hz / (psc_active + 1) while CEN is set */
    vtime cnt_at;
    uint32_t hz;
    struct sched_event overflow;
    struct rcc_listener clocks;
};

static const struct {
    uint32_t base;
    unsigned irq;
    uint32_t width_mask;
} instances[] = {
    { 0x40000000, 28, 0xFFFFFFFF },     /* TIM2 */
    { 0x40000400, 29, 0xFFFF },
    { 0x40000800, 30, 0xFFFF },
    { 0x40000C00, 50, 0xFFFFFFFF },
    { 0x40001000, 54, 0xFFFF },
    { 0x40001400, 55, 0xFFFF },         /* TIM7 */
};

/* §7.2: the APB clock, doubled if the APB prescaler is not 1. */
static uint32_t timer_hz(struct tim *t)
{
    const struct chip_clocks *clk = chip_clocks(t->chip);

    return clk->pclk1_hz == clk->hclk_hz ? clk->pclk1_hz : 2U * clk->pclk1_hz;
}

/* An auto-reload value of 0 blocks the counter (§18.4.12). */
static bool counting(const struct tim *t)
{
    return (t->cr1 & TIM_CR1_CEN) != 0 && t->arr_active != 0 && t->hz != 0;
}

/* Counts from cnt to the overflow: past ARR if that is still ahead, else all the way round (§18.3.2). */
static uint64_t counts_to_overflow(const struct tim *t)
{
    if (t->cnt <= t->arr_active)
        return (uint64_t)t->arr_active - t->cnt + 1U;
    return (uint64_t)t->width_mask - t->cnt + 1U + t->arr_active + 1U;
}

static uint32_t count_now(const struct tim *t)
{
    uint64_t counts;

    if (!counting(t))
        return t->cnt;
    counts = ticks_in(chip_now(t->chip) - t->cnt_at, t->hz) / ((uint64_t)t->psc_active + 1U);
    return (uint32_t)((t->cnt + counts) & t->width_mask);
}

static void count_from(struct tim *t, uint32_t count)
{
    t->cnt = count;
    t->cnt_at = chip_now(t->chip);
    t->hz = timer_hz(t);
    sched_cancel(chip_sched(t->chip), &t->overflow);
    if (counting(t))
        sched_after(chip_sched(t->chip), &t->overflow,
                    ticks_time(counts_to_overflow(t) * ((uint64_t)t->psc_active + 1U), t->hz));
}

static void update_irq(struct tim *t)
{
    chip_irq(t->chip, t->irq, (t->sr & TIM_SR_UIF) != 0 && (t->dier & TIM_DIER_UIE) != 0);
}

/* The update event loads the preloaded registers and, unless something forbids it, raises UIF (§18.4.1). */
static void update_event(struct tim *t, bool by_software)
{
    if ((t->cr1 & TIM_CR1_UDIS) == 0) {
        t->psc_active = t->psc;
        t->arr_active = t->arr;
        if (!by_software || (t->cr1 & TIM_CR1_URS) == 0)
            t->sr |= TIM_SR_UIF;
        if (!by_software && (t->cr1 & TIM_CR1_OPM) != 0)
            t->cr1 &= ~TIM_CR1_CEN;
    }
    update_irq(t);
}

static void overflowed(void *self)
{
    struct tim *t = self;

    update_event(t, false);
    count_from(t, 0);
}

static void clocks_changed(void *self)
{
    struct tim *t = self;

    count_from(t, count_now(t));        /* count_now() still works with the old hz */
}

static uint32_t tim_read(void *self, uint32_t off, unsigned width)
{
    struct tim *t = self;

    switch (reg_base(off)) {
    case TIM_CR1:
        return reg_lanes(t->cr1, off, width);
    case TIM_DIER:
        return reg_lanes(t->dier, off, width);
    case TIM_SR:
        return reg_lanes(t->sr, off, width);
    case TIM_EGR:
        return 0;                       /* write-only */
    case TIM_CNT:
        return reg_lanes(count_now(t), off, width);
    case TIM_PSC:
        return reg_lanes(t->psc, off, width);
    case TIM_ARR:
        return reg_lanes(t->arr, off, width);
    default:
        chip_unmodelled(t->chip, &t->periph, off, false, 0);
        return 0;
    }
}

static void write_cr1(struct tim *t, uint32_t value)
{
    uint32_t count = count_now(t);

    if ((value & ~TIM_CR1_MODELLED & 0x3FFU) != 0)
        chip_unmodelled(t->chip, &t->periph, TIM_CR1, true, value);     /* counting down or both ways */
    t->cr1 = value & TIM_CR1_MODELLED;
    count_from(t, count);
}

static void write_dier(struct tim *t, uint32_t value)
{
    if ((value & ~TIM_DIER_UIE & 0x5F5FU) != 0)
        chip_unmodelled(t->chip, &t->periph, TIM_DIER, true, value);    /* channels, triggers, DMA */
    t->dier = value & TIM_DIER_UIE;
    update_irq(t);
}

static void write_arr(struct tim *t, uint32_t value)
{
    uint32_t count = count_now(t);

    t->arr = value & t->width_mask;
    if ((t->cr1 & TIM_CR1_ARPE) == 0)
        t->arr_active = t->arr;
    count_from(t, count);
}

static void write_egr(struct tim *t, uint32_t value)
{
    if ((value & ~TIM_EGR_UG & 0x5FU) != 0)
        chip_unmodelled(t->chip, &t->periph, TIM_EGR, true, value);
    if ((value & TIM_EGR_UG) == 0)
        return;
    update_event(t, true);
    count_from(t, 0);
}

static void tim_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct tim *t = self;

    value = reg_apb_word(value, width);
    switch (reg_base(off)) {
    case TIM_CR1:
        write_cr1(t, value);
        break;
    case TIM_DIER:
        write_dier(t, value);
        break;
    case TIM_SR:
        t->sr &= value;                 /* rc_w0 */
        update_irq(t);
        break;
    case TIM_EGR:
        write_egr(t, value);
        break;
    case TIM_CNT:
        count_from(t, value & t->width_mask);
        break;
    case TIM_PSC:
        t->psc = value & 0xFFFFU;       /* always preloaded: works from the next update event on */
        break;
    case TIM_ARR:
        write_arr(t, value);
        break;
    default:
        /* Libraries write zeros, the reset value, to what they do not use. */
        if (value != 0 || reg_base(off) > TIM_LAST_REGISTER)
            chip_unmodelled(t->chip, &t->periph, off, true, value);
        break;
    }
}

static void tim_reset(void *self, enum reset_cause why)
{
    struct tim *t = self;

    (void)why;
    t->cr1 = t->dier = t->sr = t->psc = t->psc_active = 0;
    t->arr = t->arr_active = t->width_mask;
    count_from(t, 0);
    update_irq(t);
}

struct tim *tim_new(struct chip *c, struct rcc *rcc, unsigned number)
{
    struct tim *t = xcalloc(1, sizeof *t);
    unsigned i = number - 2U;

    t->chip = c;
    t->irq = instances[i].irq;
    t->width_mask = instances[i].width_mask;
    (void)snprintf(t->name, sizeof t->name, "TIM%u", number % 10U);
    t->overflow = (struct sched_event){ .fire = overflowed, .owner = t };
    t->clocks = (struct rcc_listener){ .changed = clocks_changed, .owner = t };
    t->periph = (struct periph){
        .name = t->name, .manual = number < 6 ? "RM0090 §18.4" : "RM0090 §20.4", .base = instances[i].base, .bytes = 0x400,
        .gate_enr = 0x40, .gate_bit = i,
        .self = t, .read = tim_read, .write = tim_write, .reset = tim_reset,
    };
    rcc_listen(rcc, &t->clocks);
    tim_reset(t, RESET_POWER);
    chip_attach(c, &t->periph);
    return t;
}

void tim_free(struct tim *t)
{
    sched_cancel(chip_sched(t->chip), &t->overflow);
    free(t);
}
