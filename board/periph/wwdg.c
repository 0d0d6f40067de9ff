/* SPDX-License-Identifier: MIT */
/* WWDG: the 7-bit down-counter on PCLK1 that resets when it is let down or fed too early. */
/* Sources: RM0090 §22.3 "WWDG functional description", §22.6 "WWDG registers" */
#include "board/periph/wwdg.h"

#include "board/periph/reg.h"
#include "board/periph/ticks.h"
#include "board/xalloc.h"

#define WWDG_BASE 0x40002C00U
#define WWDG_IRQ 0U
#define WWDG_CR 0x00U
#define WWDG_CR_T 0x7FU
#define WWDG_CR_T6 REG_BIT(6)
#define WWDG_CR_WDGA REG_BIT(7)
#define WWDG_CFR 0x04U
#define WWDG_CFR_W 0x7FU
#define WWDG_CFR_EWI REG_BIT(9)
#define WWDG_CFR_WRITABLE 0x3FFU
#define WWDG_SR 0x08U
#define WWDG_SR_EWIF REG_BIT(0)
#define WWDG_EARLY 0x40U                /* the early wake-up interrupt's count */

struct wwdg {
    struct chip *chip;
    struct periph periph;
    uint32_t cr, cfr, sr;
    uint32_t loaded;                    /* T as last written, at loaded_at */
    vtime loaded_at;
    uint32_t pclk1_hz;                  /* these two hold since loaded_at */
    unsigned shift;
    struct sched_event step;            /* the next count that matters: 0x40, then 0x3F */
    struct rcc_listener clocks;
};

/* PCLK1 periods to a count: 4096 << WDGTB. PCLK1 / 4096 itself is not a whole number of hertz. */
static unsigned divider_shift(uint32_t cfr)
{
    return 12U + (cfr >> 7 & 3U);
}

static uint32_t count_now(const struct wwdg *w)
{
    uint64_t gone = ticks_in(chip_now(w->chip) - w->loaded_at, w->pclk1_hz) >> w->shift;

    return (uint32_t)(w->loaded - gone) & WWDG_CR_T;
}

static void update_irq(struct wwdg *w)
{
    chip_irq(w->chip, WWDG_IRQ, (w->sr & WWDG_SR_EWIF) != 0 && (w->cfr & WWDG_CFR_EWI) != 0);
}

static void load(struct wwdg *w, uint32_t count)
{
    w->loaded = count;
    w->loaded_at = chip_now(w->chip);
    w->pclk1_hz = chip_clocks(w->chip)->pclk1_hz;
    w->shift = divider_shift(w->cfr);
}

/* Only an activated watchdog needs events; otherwise its counter is worked out when it is read. */
static void arm(struct wwdg *w)
{
    uint32_t target = w->loaded > WWDG_EARLY && count_now(w) > WWDG_EARLY ? WWDG_EARLY : WWDG_EARLY - 1U;

    sched_cancel(chip_sched(w->chip), &w->step);
    if ((w->cr & WWDG_CR_WDGA) != 0 && w->pclk1_hz != 0)
        sched_at(chip_sched(w->chip), &w->step,
                 w->loaded_at + ticks_time((uint64_t)(w->loaded - target) << w->shift, w->pclk1_hz));
}

static void stepped(void *self)
{
    struct wwdg *w = self;

    if (count_now(w) < WWDG_EARLY) {
        chip_request_reset(w->chip, RESET_WWDG);
        return;
    }
    w->sr |= WWDG_SR_EWIF;
    update_irq(w);
    arm(w);
}

static uint32_t wwdg_read(void *self, uint32_t off, unsigned width)
{
    struct wwdg *w = self;

    switch (reg_base(off)) {
    case WWDG_CR:
        return reg_lanes((w->cr & WWDG_CR_WDGA) | count_now(w), off, width);
    case WWDG_CFR:
        return reg_lanes(w->cfr, off, width);
    case WWDG_SR:
        return reg_lanes(w->sr, off, width);
    default:
        chip_unmodelled(w->chip, &w->periph, off, false, 0);
        return 0;
    }
}

static void write_cr(struct wwdg *w, uint32_t value)
{
    bool active = (w->cr & WWDG_CR_WDGA) != 0;
    bool early = active && count_now(w) > (w->cfr & WWDG_CFR_W);

    w->cr |= value & WWDG_CR_WDGA;      /* cleared by a reset only */
    load(w, value & WWDG_CR_T);
    if (early || ((w->cr & WWDG_CR_WDGA) != 0 && (value & WWDG_CR_T6) == 0))
        chip_request_reset(w->chip, RESET_WWDG);
    else
        arm(w);
}

static void write_cfr(struct wwdg *w, uint32_t value)
{
    uint32_t count = count_now(w);

    w->cfr = (value & WWDG_CFR_WRITABLE) | (w->cfr & WWDG_CFR_EWI);     /* EWI: set by software, cleared by a reset */
    load(w, count);
    arm(w);
    update_irq(w);
}

static void wwdg_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct wwdg *w = self;

    value = reg_apb_word(value, width);
    switch (reg_base(off)) {
    case WWDG_CR:
        write_cr(w, value);
        break;
    case WWDG_CFR:
        write_cfr(w, value);
        break;
    case WWDG_SR:
        w->sr &= value;                 /* rc_w0 */
        update_irq(w);
        break;
    default:
        chip_unmodelled(w->chip, &w->periph, off, true, value);
        break;
    }
}

static void clocks_changed(void *self)
{
    struct wwdg *w = self;

    load(w, count_now(w));
    arm(w);
}

static void wwdg_reset(void *self, enum reset_cause why)
{
    struct wwdg *w = self;

    (void)why;
    sched_cancel(chip_sched(w->chip), &w->step);
    w->cr = w->sr = 0;
    w->cfr = WWDG_CFR_W;
    load(w, WWDG_CR_T);
    update_irq(w);
}

struct wwdg *wwdg_new(struct chip *c, struct rcc *rcc)
{
    struct wwdg *w = xcalloc(1, sizeof *w);

    w->chip = c;
    w->step = (struct sched_event){ .fire = stepped, .owner = w };
    w->clocks = (struct rcc_listener){ .changed = clocks_changed, .owner = w };
    rcc_listen(rcc, &w->clocks);
    w->periph = (struct periph){
        .name = "WWDG", .manual = "RM0090 §22.6", .base = WWDG_BASE, .bytes = 0x400,
        .gate_enr = 0x40, .gate_bit = 11,
        .self = w, .read = wwdg_read, .write = wwdg_write, .reset = wwdg_reset,
    };
    wwdg_reset(w, RESET_POWER);
    chip_attach(c, &w->periph);
    return w;
}

void wwdg_free(struct wwdg *w)
{
    sched_cancel(chip_sched(w->chip), &w->step);
    free(w);
}
