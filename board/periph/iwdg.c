/* SPDX-License-Identifier: MIT */
/* IWDG: keys, prescaler, reload, and updates that cross into the LSI's clock only while the watchdog runs. */
/* Sources: RM0090 §21.3 "IWDG functional description", §21.4 "IWDG registers" */
#include "board/periph/iwdg.h"

#include "board/periph/reg.h"
#include "board/periph/ticks.h"
#include "board/xalloc.h"

#define IWDG_BASE 0x40003000U
#define IWDG_KR 0x00U
#define IWDG_KR_UNLOCK 0x5555U
#define IWDG_KR_RELOAD 0xAAAAU
#define IWDG_KR_START 0xCCCCU
#define IWDG_PR 0x04U
#define IWDG_RLR 0x08U
#define IWDG_RLR_RESET 0xFFFU
#define IWDG_SR 0x0CU
#define IWDG_SR_PVU REG_BIT(0)
#define IWDG_SR_RVU REG_BIT(1)
#define UPDATE_CYCLES 5U                /* §21.4.4: "up to 5 RC cycles" */

/* One of PR and RLR: the bus side, and what the counter works with. */
struct iwdg_update {
    struct iwdg *iwdg;
    uint32_t flag;
    uint32_t pending, active;
    struct sched_event landed;
};

struct iwdg {
    struct chip *chip;
    struct rcc *rcc;
    struct periph periph;
    bool unlocked, running;
    uint32_t sr;
    struct iwdg_update pr, rlr;
    uint32_t count;                     /* at counted_at */
    vtime counted_at;
    struct sched_event expiry;
};

/* The prescaler divides by 4 << PR; 6 and 7 both mean 256 (§21.4.2). */
static unsigned prescaler_shift(const struct iwdg *w)
{
    uint32_t pr = w->pr.active;

    return 2U + (pr < 6 ? pr : 6U);
}

static vtime counts_time(const struct iwdg *w, uint32_t counts)
{
    return ticks_time((uint64_t)counts << prescaler_shift(w), rcc_lsi_hz(w->rcc));
}

static uint32_t count_now(const struct iwdg *w)
{
    uint64_t gone = ticks_in(chip_now(w->chip) - w->counted_at, rcc_lsi_hz(w->rcc)) >> prescaler_shift(w);

    return gone >= w->count ? 0 : w->count - (uint32_t)gone;
}

/* The counter goes on from `count`; the reset comes when it has stayed at 0 for one count (timeout = RLR + 1 counts). */
static void count_from(struct iwdg *w, uint32_t count)
{
    w->count = count;
    w->counted_at = chip_now(w->chip);
    sched_after(chip_sched(w->chip), &w->expiry, counts_time(w, count + 1U));
}

static void expired(void *self)
{
    struct iwdg *w = self;

    chip_request_reset(w->chip, RESET_IWDG);
}

static void land(void *self)
{
    struct iwdg_update *u = self;
    struct iwdg *w = u->iwdg;
    uint32_t count = count_now(w);

    u->active = u->pending;
    w->sr &= ~u->flag;
    if (u == &w->pr)
        count_from(w, count);           /* RLR counts from the next reload on */
}

static void begin_landing(struct iwdg *w, struct iwdg_update *u)
{
    /* Measured on silicon: before the start the update hangs, and PVU or RVU with it, because the LSI does not run. */
    if (w->running && (w->sr & u->flag) != 0)
        sched_after(chip_sched(w->chip), &u->landed, ticks_time(UPDATE_CYCLES, rcc_lsi_hz(w->rcc)));
}

static void start(struct iwdg *w)
{
    if (w->running)
        return;
    w->running = true;
    rcc_force_lsi(w->rcc);
    count_from(w, w->rlr.active);
    begin_landing(w, &w->pr);
    begin_landing(w, &w->rlr);
}

static void write_key(struct iwdg *w, uint32_t key)
{
    w->unlocked = key == IWDG_KR_UNLOCK;
    if (key == IWDG_KR_START)
        start(w);
    else if (key == IWDG_KR_RELOAD && w->running)
        count_from(w, w->rlr.active);
}

static void write_update(struct iwdg *w, struct iwdg_update *u, uint32_t value)
{
    if (!w->unlocked || (w->sr & u->flag) != 0) {
        chip_guest_error(w->chip, false, "IWDG_%s: written while %s; ignored (RM0090 §21.3.2, §21.4.4)",
                         u == &w->pr ? "PR" : "RLR", w->unlocked ? "its last update is pending" : "locked");
        return;
    }
    u->pending = value;
    w->sr |= u->flag;
    begin_landing(w, u);
}

static uint32_t iwdg_read(void *self, uint32_t off, unsigned width)
{
    struct iwdg *w = self;

    switch (reg_base(off)) {
    case IWDG_KR:
        return 0;                       /* write-only */
    case IWDG_PR:
        return reg_lanes(w->pr.active, off, width);
    case IWDG_RLR:
        return reg_lanes(w->rlr.active, off, width);
    case IWDG_SR:
        return reg_lanes(w->sr, off, width);
    default:
        chip_unmodelled(w->chip, &w->periph, off, false, 0);
        return 0;
    }
}

static void iwdg_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct iwdg *w = self;

    value = reg_apb_word(value, width);
    switch (reg_base(off)) {
    case IWDG_KR:
        write_key(w, value & 0xFFFFU);
        break;
    case IWDG_PR:
        write_update(w, &w->pr, value & 7U);
        break;
    case IWDG_RLR:
        write_update(w, &w->rlr, value & 0xFFFU);
        break;
    case IWDG_SR:
        break;                          /* read-only */
    default:
        chip_unmodelled(w->chip, &w->periph, off, true, value);
        break;
    }
}

static void stop(struct iwdg *w)
{
    sched_cancel(chip_sched(w->chip), &w->expiry);
    sched_cancel(chip_sched(w->chip), &w->pr.landed);
    sched_cancel(chip_sched(w->chip), &w->rlr.landed);
}

/* A reset stops the watchdog; only its hardware option starts it again. */
static void iwdg_reset(void *self, enum reset_cause why)
{
    struct iwdg *w = self;

    (void)why;
    stop(w);
    w->unlocked = w->running = false;
    w->sr = 0;
    w->pr.pending = w->pr.active = 0;
    w->rlr.pending = w->rlr.active = IWDG_RLR_RESET;
    w->count = IWDG_RLR_RESET;
    w->counted_at = chip_now(w->chip);
}

void iwdg_start_by_option(struct iwdg *w)
{
    start(w);
}

struct iwdg *iwdg_new(struct chip *c, struct rcc *rcc)
{
    struct iwdg *w = xcalloc(1, sizeof *w);

    w->chip = c;
    w->rcc = rcc;
    w->expiry = (struct sched_event){ .fire = expired, .owner = w };
    w->pr = (struct iwdg_update){ .iwdg = w, .flag = IWDG_SR_PVU };
    w->pr.landed = (struct sched_event){ .fire = land, .owner = &w->pr };
    w->rlr = (struct iwdg_update){ .iwdg = w, .flag = IWDG_SR_RVU };
    w->rlr.landed = (struct sched_event){ .fire = land, .owner = &w->rlr };
    w->periph = (struct periph){
        .name = "IWDG", .manual = "RM0090 §21.4", .base = IWDG_BASE, .bytes = 0x400,
        .self = w, .read = iwdg_read, .write = iwdg_write, .reset = iwdg_reset,
    };
    iwdg_reset(w, RESET_POWER);
    chip_attach(c, &w->periph);
    return w;
}

void iwdg_free(struct iwdg *w)
{
    stop(w);
    free(w);
}
