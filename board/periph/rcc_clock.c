/* SPDX-License-Identifier: MIT */
/* RCC, the clocks: start-up times, the PLL's arithmetic, the tree, and what each part of it may run at. */
/* Sources: RM0090 §7.2, §7.3.1-7.3.3, §3.5.1 table 10 (wait states), §5.4.1 (VOS); DS8626 §5.3.8-5.3.10 */
#include "board/periph/rcc_internal.h"
#include "board/periph/ticks.h"

#define MHZ(n) ((n) * 1000000U)
#define HSI_HZ MHZ(16U)

#define HSI_STARTUP VTIME_US(4)         /* DS8626 §5.3.9: 2.2 us typ, 4 us max */
#define HSE_STARTUP VTIME_MS(2)         /* DS8626 §5.3.8: typical of a crystal; it depends on the crystal */
#define LSI_STARTUP VTIME_US(40)        /* DS8626 §5.3.9: 15 us typ, 40 us max */
#define LSE_STARTUP VTIME_MS(2000)      /* DS8626 §5.3.8 */
#define OFF_CYCLES 6U                   /* §7.3.1: RDY goes low six clocks after ON; taken for the PLLs too */
#define SWITCH_CYCLES 4U                /* of the slower clock; the manual gives no number, only that SWS comes later */

#define HCLK_MAX MHZ(168U)
#define HCLK_MAX_SCALE2 MHZ(144U)
#define PCLK1_MAX MHZ(42U)
#define PCLK2_MAX MHZ(84U)
#define VCO_IN_MIN 950000U              /* DS8626 §5.3.10; the manual says 1 to 2 MHz */
#define VCO_IN_MAX 2100000U
#define HZ_PER_WAIT_STATE MHZ(30U)      /* at 2.7 to 3.6 V */

enum { SW_HSI, SW_HSE, SW_PLL };

struct pll {
    uint32_t in_hz;                     /* before the division by M */
    unsigned m, n, p, q;
    bool from_hse;
};

/* --- frequencies ---------------------------------------------------------------------------------------------------- */

static struct pll pll_settings(const struct rcc *r)
{
    struct pll pll = {
        .from_hse = (r->pllcfgr & RCC_PLLCFGR_PLLSRC) != 0,
        .m = r->pllcfgr & 0x3FU,
        .n = r->pllcfgr >> 6 & 0x1FFU,
        .p = ((r->pllcfgr >> 16 & 3U) + 1U) * 2U,
        .q = r->pllcfgr >> 24 & 0xFU,
    };

    pll.in_hz = pll.from_hse ? r->options.hse_hz : HSI_HZ;
    return pll;
}

/* Rounded down to whole hertz only here, at the end: 25 MHz / 15 * 192 is not a whole number before that. */
static uint32_t pll_output(const struct pll *pll, unsigned divider)
{
    if (pll->m == 0 || divider == 0)
        return 0;
    return (uint32_t)((uint64_t)pll->in_hz * pll->n / ((uint64_t)pll->m * divider));
}

static uint32_t sws_hz(const struct rcc *r, unsigned sws)
{
    struct pll pll = pll_settings(r);

    switch (sws) {
    case SW_HSE:
        return r->options.hse_hz;
    case SW_PLL:
        return pll_output(&pll, pll.p);
    default:
        return HSI_HZ;
    }
}

static unsigned current_sws(const struct rcc *r)
{
    return (r->cfgr & RCC_CFGR_SWS) >> 2;
}

static uint32_t ahb_hz(uint32_t sysclk_hz, uint32_t cfgr)
{
    static const uint8_t shift[] = { 1, 2, 3, 4, 6, 7, 8, 9 };          /* HPRE 8..15; there is no division by 32 */
    uint32_t hpre = cfgr >> 4 & 0xFU;

    return hpre < 8 ? sysclk_hz : sysclk_hz >> shift[hpre - 8];
}

static uint32_t apb_hz(uint32_t hclk_hz, uint32_t ppre)
{
    return ppre < 4 ? hclk_hz : hclk_hz >> (ppre - 3);
}

/* --- limits --------------------------------------------------------------------------------------------------------- */

static void check_max(struct rcc *r, const char *name, uint32_t hz, uint32_t max_hz)
{
    if (hz > max_hz)
        chip_guest_error(r->chip, true, "RCC: %s is %lu Hz, above its maximum of %lu Hz (RM0090 §7.2, §5.4.1)", name,
                         (unsigned long)hz, (unsigned long)max_hz);
}

void rcc_check_limits(struct rcc *r)
{
    const struct chip_clocks *clk = chip_clocks(r->chip);
    unsigned need = clk->hclk_hz == 0 ? 0 : (clk->hclk_hz - 1U) / HZ_PER_WAIT_STATE;

    check_max(r, "HCLK", clk->hclk_hz, HCLK_MAX);
    check_max(r, "PCLK1", clk->pclk1_hz, PCLK1_MAX);
    check_max(r, "PCLK2", clk->pclk2_hz, PCLK2_MAX);
    if (!pwr_scale1(r->pwr))
        check_max(r, "HCLK with PWR_CR.VOS = 0", clk->hclk_hz, HCLK_MAX_SCALE2);
    if (r->latency != NULL && r->latency(r->latency_owner) < need)
        chip_guest_error(r->chip, true,
                         "RCC: HCLK at %lu Hz needs %u flash wait states, FLASH_ACR.LATENCY is %u (RM0090 §3.5.1)",
                         (unsigned long)clk->hclk_hz, need, r->latency(r->latency_owner));
}

static bool require(struct rcc *r, bool ok, const char *what, unsigned long value)
{
    if (!ok)
        chip_guest_error(r->chip, true,
                         "RCC: PLLON with a wrong configuration: %s = %lu (RM0090 §7.3.2, DS8626 §5.3.10)", what, value);
    return ok;
}

/* Reports the first thing that is wrong. */
static void check_pll(struct rcc *r)
{
    struct pll pll = pll_settings(r);
    uint32_t vco_in = pll_output(&pll, pll.n != 0 ? pll.n : 1);
    uint32_t vco = pll_output(&pll, 1);
    bool ok = require(r, pll.m >= 2, "PLLM", pll.m) && require(r, pll.n >= 50 && pll.n <= 432, "PLLN", pll.n) &&
              require(r, pll.q >= 2, "PLLQ", pll.q);

    if (!ok || pll.in_hz == 0)
        return;                         /* no crystal, no frequency to judge: the PLL will not lock */
    if (require(r, vco_in >= VCO_IN_MIN && vco_in <= VCO_IN_MAX, "VCO input in Hz", vco_in))
        (void)require(r, vco >= MHZ(100U) && vco <= MHZ(432U), "VCO output in Hz", vco);
}

/* --- oscillators and PLLs ------------------------------------------------------------------------------------------- */

static uint32_t *on_register(struct rcc *r, enum rcc_source s)
{
    return s == RCC_LSI ? &r->csr : s == RCC_LSE ? &r->bdcr : &r->cr;
}

static uint32_t on_bit(enum rcc_source s)
{
    static const uint32_t bit[RCC_SOURCES] = { RCC_CSR_LSION, RCC_BDCR_LSEON,  RCC_CR_HSION,
                                               RCC_CR_HSEON,  RCC_CR_PLLON, RCC_CR_PLLI2SON };

    return bit[s];
}

static uint32_t ready_bit(enum rcc_source s)
{
    return on_bit(s) << 1;              /* every RDY flag is the neighbour of its ON bit */
}

bool rcc_ready(const struct rcc *r, enum rcc_source s)
{
    const uint32_t reg = s == RCC_LSI ? r->csr : s == RCC_LSE ? r->bdcr : r->cr;

    return (reg & ready_bit(s)) != 0;
}

static bool wanted(struct rcc *r, enum rcc_source s)
{
    return (*on_register(r, s) & on_bit(s)) != 0 || (s == RCC_LSI && r->lsi_forced);
}

static enum rcc_source pll_source(const struct rcc *r)
{
    return (r->pllcfgr & RCC_PLLCFGR_PLLSRC) != 0 ? RCC_HSE : RCC_HSI;
}

static bool is_pll(enum rcc_source s)
{
    return s == RCC_PLL || s == RCC_PLLI2S;
}

static uint32_t source_hz(const struct rcc *r, enum rcc_source s)
{
    switch (s) {
    case RCC_LSI:
        return r->options.lsi_hz;
    case RCC_LSE:
        return r->options.lse_hz;
    case RCC_HSE:
        return r->options.hse_hz;
    default:
        return HSI_HZ;
    }
}

/* DS8626 §5.3.10 gives maxima of 200 us for a VCO at 100 MHz and 300 us at 432 MHz: a straight line between the two. */
static vtime pll_lock_time(const struct rcc *r, enum rcc_source s)
{
    struct pll pll = pll_settings(r);
    uint32_t vco_khz;

    if (s == RCC_PLLI2S)
        pll.n = r->plli2scfgr >> 6 & 0x1FFU;
    vco_khz = pll_output(&pll, 1) / 1000U;
    if (vco_khz <= 100000U)
        return VTIME_US(200);
    return VTIME_US(200) + VTIME_NS((uint64_t)(vco_khz - 100000U) * 100000U / 332000U);
}

static vtime startup_time(struct rcc *r, enum rcc_source s)
{
    switch (s) {
    case RCC_LSI:
        return LSI_STARTUP;
    case RCC_LSE:
        return r->options.lse_hz != 0 ? LSE_STARTUP : VTIME_NEVER;
    case RCC_HSI:
        return HSI_STARTUP;
    case RCC_HSE:
        return r->options.hse_hz != 0 ? HSE_STARTUP : VTIME_NEVER;
    default:
        return rcc_ready(r, pll_source(r)) ? pll_lock_time(r, s) : VTIME_NEVER;
    }
}

static vtime stop_time(const struct rcc *r, enum rcc_source s)
{
    uint32_t hz = source_hz(r, is_pll(s) ? pll_source(r) : s);

    return hz == 0 ? 0 : ticks_time(OFF_CYCLES, hz);
}

static bool selectable(const struct rcc *r, unsigned sw)
{
    static const enum rcc_source source[] = { RCC_HSI, RCC_HSE, RCC_PLL };

    return sw <= SW_PLL && rcc_ready(r, source[sw]);
}

static bool runs_on(const struct rcc *r, unsigned sw, enum rcc_source s)
{
    switch (sw) {
    case SW_HSI:
        return s == RCC_HSI;
    case SW_HSE:
        return s == RCC_HSE;
    case SW_PLL:
        return s == RCC_PLL || s == pll_source(r);
    default:
        return false;
    }
}

/* A switch that has been asked for and can happen counts too: its source is as good as in use. */
bool rcc_in_use(const struct rcc *r, enum rcc_source s)
{
    unsigned sw = r->cfgr & RCC_CFGR_SW;

    return runs_on(r, current_sws(r), s) || (selectable(r, sw) && runs_on(r, sw, s));
}

static void arm(struct rcc *r, enum rcc_source s, vtime delay)
{
    if (delay == VTIME_NEVER)
        sched_cancel(chip_sched(r->chip), &r->osc[s].settled);
    else
        sched_after(chip_sched(r->chip), &r->osc[s].settled, delay);
}

/* A PLL has lock only while its source runs: the source's change of state starts it or takes it down. */
static void source_changed(struct rcc *r, enum rcc_source s)
{
    static const enum rcc_source plls[] = { RCC_PLL, RCC_PLLI2S };

    if ((s != RCC_HSI && s != RCC_HSE) || pll_source(r) != s)
        return;
    for (unsigned i = 0; i < sizeof plls / sizeof plls[0]; i++) {
        if (!rcc_ready(r, s))
            r->cr &= ~ready_bit(plls[i]);
        if (wanted(r, plls[i]))
            arm(r, plls[i], startup_time(r, plls[i]));
    }
}

static void settle(void *self)
{
    struct rcc_oscillator *o = self;
    struct rcc *r = o->rcc;
    uint32_t *reg = on_register(r, o->which);

    if (wanted(r, o->which)) {
        *reg |= ready_bit(o->which);
        if ((r->cir & REG_BIT(o->which + 8U)) != 0)             /* the flag rises only if it is enabled (§7.3.4) */
            r->cir |= REG_BIT(o->which);
    } else {
        *reg &= ~ready_bit(o->which);
    }
    source_changed(r, o->which);
    rcc_update_irq(r);
    rcc_try_switch(r);
    rcc_retune(r);
    rcc_backup_clock_changed(r);
}

void rcc_switch_oscillator(struct rcc *r, enum rcc_source s)
{
    bool on = wanted(r, s);

    if (on && s == RCC_PLL)
        check_pll(r);
    if (on && is_pll(s) && (r->cr & on_bit(pll_source(r))) == 0)
        chip_guest_error(r->chip, false, "RCC: %s switched on while its source is off: it will not lock (RM0090 §7.2.3)",
                         s == RCC_PLL ? "the PLL" : "PLLI2S");
    if (on == rcc_ready(r, s))
        arm(r, s, VTIME_NEVER);
    else
        arm(r, s, on ? startup_time(r, s) : stop_time(r, s));
}

/* --- the tree ------------------------------------------------------------------------------------------------------- */

static void finish_switch(void *self)
{
    struct rcc *r = self;
    unsigned sw = r->cfgr & RCC_CFGR_SW;

    if (!selectable(r, sw))
        return;
    r->cfgr = (r->cfgr & ~RCC_CFGR_SWS) | sw << 2;
    rcc_retune(r);
}

void rcc_try_switch(struct rcc *r)
{
    unsigned sw = r->cfgr & RCC_CFGR_SW;
    uint32_t from = sws_hz(r, current_sws(r)), to;

    if (sw == current_sws(r) || !selectable(r, sw)) {
        sched_cancel(chip_sched(r->chip), &r->switched);        /* §7.2.6: the switch waits until the source is ready */
        return;
    }
    to = sws_hz(r, sw);
    if (from == 0 || to == 0 || r->switched.armed)
        return;
    sched_after(chip_sched(r->chip), &r->switched, ticks_time(SWITCH_CYCLES, from < to ? from : to));
}

static bool same_clocks(const struct chip_clocks *a, const struct chip_clocks *b)
{
    return a->sysclk_hz == b->sysclk_hz && a->hclk_hz == b->hclk_hz && a->pclk1_hz == b->pclk1_hz &&
           a->pclk2_hz == b->pclk2_hz && a->pll48_hz == b->pll48_hz && a->pll48_from_hse == b->pll48_from_hse;
}

void rcc_retune(struct rcc *r)
{
    struct pll pll = pll_settings(r);
    struct chip_clocks clk = { .sysclk_hz = sws_hz(r, current_sws(r)) };

    clk.hclk_hz = ahb_hz(clk.sysclk_hz, r->cfgr);
    clk.pclk1_hz = apb_hz(clk.hclk_hz, r->cfgr >> 10 & 7U);
    clk.pclk2_hz = apb_hz(clk.hclk_hz, r->cfgr >> 13 & 7U);
    if (rcc_ready(r, RCC_PLL)) {
        clk.pll48_hz = pll_output(&pll, pll.q);
        clk.pll48_from_hse = pll.from_hse;
    }
    if (same_clocks(&clk, chip_clocks(r->chip)))
        return;
    chip_set_clocks(r->chip, &clk);
    for (struct rcc_listener *l = r->listeners; l != NULL; l = l->next)
        l->changed(l->owner);
    rcc_check_limits(r);
}

void rcc_clock_stop_events(struct rcc *r)
{
    for (unsigned s = 0; s < RCC_SOURCES; s++)
        if (s != RCC_LSE)               /* the LSE lives in the backup domain: no system reset stops its start-up */
            sched_cancel(chip_sched(r->chip), &r->osc[s].settled);
    sched_cancel(chip_sched(r->chip), &r->switched);
}

void rcc_clock_reset(struct rcc *r)
{
    rcc_clock_stop_events(r);
    rcc_retune(r);
}

void rcc_clock_init(struct rcc *r)
{
    for (unsigned s = 0; s < RCC_SOURCES; s++) {
        r->osc[s] = (struct rcc_oscillator){ .rcc = r, .which = (enum rcc_source)s };
        r->osc[s].settled = (struct sched_event){ .fire = settle, .owner = &r->osc[s] };
    }
    r->switched = (struct sched_event){ .fire = finish_switch, .owner = r };
}
