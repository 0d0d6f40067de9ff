/* SPDX-License-Identifier: MIT */
/* RCC, the registers: what may be written when, clock gates, peripheral resets, reset flags and the backup domain. */
/* Sources: RM0090 §7.1 "Reset", §7.3 "RCC registers"; ES0182 "Delay after an RCC peripheral clock enabling" */
#include "board/periph/rcc.h"

#include "board/periph/rcc_internal.h"
#include "board/periph/ticks.h"
#include "board/xalloc.h"

#define RCC_BASE 0x40023800U
#define RCC_IRQ 5U
#define LSI_TYPICAL_HZ 32000U

#define CR_RESET 0x00000083U            /* HSICAL, bits 15:8, is the factory's: undefined in the manual, 0 here */
#define CR_WRITABLE 0x050D00F9U         /* PLLI2SON PLLON CSSON HSEBYP HSEON HSITRIM HSION */
#define PLLCFGR_RESET 0x24003010U
#define PLLCFGR_WRITABLE 0x0F437FFFU
#define PLLCFGR_SHARED 0x0040003FU      /* PLLSRC and PLLM serve PLLI2S too (§7.3.2) */
#define CFGR_WRITABLE 0xFFFFFCF3U
#define CIR_FLAGS 0x3FU
#define CIR_ENABLES 0x3F00U
#define SSCGR_SSCGEN REG_BIT(31)
#define PLLI2SCFGR_RESET 0x20003000U
#define PLLI2SCFGR_WRITABLE 0x70007FC0U
#define CSR_POWER_ON_FLAGS 0x0E000000U  /* PORRSTF PINRSTF BORRSTF */
#define CSR_PINRSTF REG_BIT(26)
#define CSR_SFTRSTF REG_BIT(28)
#define CSR_IWDGRSTF REG_BIT(29)
#define CSR_WWDGRSTF REG_BIT(30)
#define CSR_LPWRRSTF REG_BIT(31)
#define GATE_LATENCY_CYCLES 2U

/* AHB1, AHB2, AHB3, none, APB1, APB2: §7.3.5-7.3.19. */
static const uint32_t rstr_writable[RCC_BUSES] = { 0x226011FF, 0x000000F1, 0x00000001, 0, 0x36FEC9FF, 0x00075933 };
static const uint32_t enr_writable[RCC_BUSES] = { 0x7E7411FF, 0x000000F1, 0x00000001, 0, 0x36FEC9FF, 0x00075F33 };
static const uint32_t enr_reset[RCC_BUSES] = { 0x00100000, 0, 0, 0, 0, 0 };
static const uint32_t lpenr_reset[RCC_BUSES] = { 0x7E6791FF, 0x000000F1, 0x00000001, 0, 0x36FEC9FF, 0x00075F33 };

void rcc_update_irq(struct rcc *r)
{
    chip_irq(r->chip, RCC_IRQ, (r->cir & CIR_FLAGS) != 0);
}

void rcc_backup_clock_changed(struct rcc *r)
{
    if (r->backup_changed != NULL)
        r->backup_changed(r->backup_owner);
}

/* The index of `off` in a group of bus registers, or -1. */
static int bus_of(uint32_t off, uint32_t first)
{
    uint32_t i = (off - first) / 4U;

    return off < first || i >= RCC_BUSES || i == 3 ? -1 : (int)i;
}

/* --- CR, PLLCFGR, CFGR, CIR ----------------------------------------------------------------------------------------- */

/* §7.3.1: the ON bit of what SYSCLK runs on cannot be cleared. */
static uint32_t keep_used_on(struct rcc *r, uint32_t value)
{
    static const struct {
        enum rcc_source source;
        uint32_t on;
    } guarded[] = { { RCC_HSI, RCC_CR_HSION }, { RCC_HSE, RCC_CR_HSEON }, { RCC_PLL, RCC_CR_PLLON } };

    for (unsigned i = 0; i < sizeof guarded / sizeof guarded[0]; i++) {
        if ((value & guarded[i].on) != 0 || (r->cr & guarded[i].on) == 0 || !rcc_in_use(r, guarded[i].source))
            continue;
        chip_guest_error(r->chip, false, "RCC_CR: a clock that SYSCLK runs on was switched off; ignored (RM0090 §7.3.1)");
        value |= guarded[i].on;
    }
    return value;
}

static void write_cr(struct rcc *r, uint32_t value)
{
    static const struct {
        uint32_t on;
        enum rcc_source source;
    } switches[] = { { RCC_CR_HSION, RCC_HSI },
                     { RCC_CR_HSEON, RCC_HSE },
                     { RCC_CR_PLLON, RCC_PLL },
                     { RCC_CR_PLLI2SON, RCC_PLLI2S } };
    uint32_t changed;

    value = keep_used_on(r, value);
    if ((r->cr & (RCC_CR_HSEON | RCC_CR_HSERDY)) != 0)
        value = (value & ~RCC_CR_HSEBYP) | (r->cr & RCC_CR_HSEBYP);     /* writable only while the HSE is off */
    if ((value & ~r->cr & RCC_CR_CSSON) != 0)
        chip_unmodelled(r->chip, &r->periph, RCC_CR, true, value);      /* no HSE here ever fails: §7.2.7 */
    changed = (r->cr ^ value) & CR_WRITABLE;
    r->cr = (r->cr & ~CR_WRITABLE) | (value & CR_WRITABLE);
    for (unsigned i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if ((changed & switches[i].on) != 0)
            rcc_switch_oscillator(r, switches[i].source);
}

/* A PLL counts as enabled until its RDY flag has fallen, too: the manual does not say, so the stricter reading. */
static void write_pllcfgr(struct rcc *r, uint32_t value)
{
    uint32_t frozen = 0;

    if ((r->cr & (RCC_CR_PLLON | RCC_CR_PLLRDY)) != 0)
        frozen = PLLCFGR_WRITABLE;
    else if ((r->cr & (RCC_CR_PLLI2SON | RCC_CR_PLLI2SRDY)) != 0)
        frozen = PLLCFGR_SHARED;
    value = (value & PLLCFGR_WRITABLE) | (r->pllcfgr & ~PLLCFGR_WRITABLE);
    if (((value ^ r->pllcfgr) & frozen) != 0)
        chip_guest_error(r->chip, false, "RCC_PLLCFGR: written while a PLL is on; ignored (RM0090 §7.3.2)");
    r->pllcfgr = (r->pllcfgr & frozen) | (value & ~frozen);
}

static void write_plli2scfgr(struct rcc *r, uint32_t value)
{
    if ((r->cr & (RCC_CR_PLLI2SON | RCC_CR_PLLI2SRDY)) == 0)
        r->plli2scfgr = value & PLLI2SCFGR_WRITABLE;
    else if (((value ^ r->plli2scfgr) & PLLI2SCFGR_WRITABLE) != 0)
        chip_guest_error(r->chip, false, "RCC_PLLI2SCFGR: written while PLLI2S is on; ignored (RM0090 §7.3.23)");
}

static void write_cfgr(struct rcc *r, uint32_t value)
{
    static const uint32_t on[] = { RCC_CR_HSION, RCC_CR_HSEON, RCC_CR_PLLON };
    uint32_t sw = value & RCC_CFGR_SW;

    if (sw == 3) {
        chip_guest_error(r->chip, true, "RCC_CFGR: SW = 3 is not allowed (RM0090 §7.3.3)");
        value = (value & ~RCC_CFGR_SW) | (r->cfgr & RCC_CFGR_SW);
    } else if ((r->cr & on[sw]) == 0) {
        chip_guest_error(r->chip, false, "RCC_CFGR: SW = %u selects a clock that is off (RM0090 §7.2.6)", (unsigned)sw);
    }
    r->cfgr = (r->cfgr & ~CFGR_WRITABLE) | (value & CFGR_WRITABLE);
    rcc_try_switch(r);
    rcc_retune(r);
    rcc_backup_clock_changed(r);        /* RTCPRE */
}

static void write_cir(struct rcc *r, uint32_t value)
{
    r->cir = (r->cir & CIR_FLAGS & ~(value >> 16)) | (value & CIR_ENABLES);
    rcc_update_irq(r);
}

/* --- gates and resets ----------------------------------------------------------------------------------------------- */

static uint32_t enr_offset(unsigned bus)
{
    return RCC_ENR_FIRST + 4U * bus;
}

static void open_gate(void *self)
{
    struct rcc_gate *g = self;

    if (enr_writable[g->bus] != 0)
        chip_set_gate(g->rcc->chip, enr_offset(g->bus), g->rcc->enr[g->bus]);
}

static uint32_t bus_hz(struct rcc *r, unsigned bus)
{
    const struct chip_clocks *clk = chip_clocks(r->chip);

    return bus == 4 ? clk->pclk1_hz : bus == 5 ? clk->pclk2_hz : clk->hclk_hz;
}

static void write_enr(struct rcc *r, unsigned bus, uint32_t value)
{
    uint32_t opened;

    value &= enr_writable[bus];
    opened = value & ~r->enr[bus];
    r->enr[bus] = value;
    if (!r->options.enr_latency || opened == 0) {
        if (!r->gate[bus].open.armed)
            open_gate(&r->gate[bus]);
        return;
    }
    sched_after(chip_sched(r->chip), &r->gate[bus].open, ticks_time(GATE_LATENCY_CYCLES, bus_hz(r, bus)));
}

static uint32_t read_enr(struct rcc *r, unsigned bus)
{
    /* The read-back that the erratum asks for takes long enough for the clock to arrive. */
    if (r->gate[bus].open.armed)
        chip_stall_until(r->chip, r->gate[bus].open.at);
    return r->enr[bus];
}

/* A block is reset when its bit rises and again when it falls, so nothing written to it in between survives. */
static void write_rstr(struct rcc *r, unsigned bus, uint32_t value)
{
    uint32_t changed;

    value &= rstr_writable[bus];
    changed = value ^ r->rstr[bus];
    r->rstr[bus] = value;
    if (changed != 0)
        chip_reset_by_rstr(r->chip, RCC_RSTR_FIRST + 4U * bus, changed);
}

/* --- BDCR and CSR --------------------------------------------------------------------------------------------------- */

static void reset_backup_domain(struct rcc *r)
{
    sched_cancel(chip_sched(r->chip), &r->osc[RCC_LSE].settled);
    r->bdcr = 0;
    pwr_backup_reset(r->pwr);
    if (r->backup_reset != NULL)
        r->backup_reset(r->backup_owner);
}

static void write_bdcr(struct rcc *r, uint32_t value)
{
    const uint32_t writable = RCC_BDCR_LSEON | RCC_BDCR_LSEBYP | RCC_BDCR_RTCSEL | RCC_BDCR_RTCEN;
    uint32_t before = r->bdcr;

    if (!pwr_dbp(r->pwr)) {
        chip_guest_error(r->chip, false, "RCC_BDCR: written while PWR_CR.DBP is 0; ignored (RM0090 §7.3.20)");
        return;
    }
    if ((value & RCC_BDCR_BDRST) != 0) {
        reset_backup_domain(r);
        r->bdcr = RCC_BDCR_BDRST;       /* stays until software clears it, and holds everything else at 0 */
        rcc_backup_clock_changed(r);
        return;
    }
    if ((before & RCC_BDCR_RTCSEL) != 0 && ((before ^ value) & RCC_BDCR_RTCSEL) != 0) {
        chip_guest_error(r->chip, false, "RCC_BDCR: RTCSEL can change only through BDRST; ignored (RM0090 §7.2.8)");
        value = (value & ~RCC_BDCR_RTCSEL) | (before & RCC_BDCR_RTCSEL);
    }
    if ((before & (RCC_BDCR_LSEON | RCC_BDCR_LSERDY)) != 0)
        value = (value & ~RCC_BDCR_LSEBYP) | (before & RCC_BDCR_LSEBYP);
    r->bdcr = (before & RCC_BDCR_LSERDY) | (value & writable);
    if (((before ^ r->bdcr) & RCC_BDCR_LSEON) != 0)
        rcc_switch_oscillator(r, RCC_LSE);
    rcc_backup_clock_changed(r);
}

static void write_csr(struct rcc *r, uint32_t value)
{
    uint32_t changed = (r->csr ^ value) & RCC_CSR_LSION;

    r->csr ^= changed;
    if ((value & RCC_CSR_RMVF) != 0)
        r->csr &= ~RCC_CSR_FLAGS;
    if (changed != 0)
        rcc_switch_oscillator(r, RCC_LSI);
}

/* --- the bus -------------------------------------------------------------------------------------------------------- */

static uint32_t *plain_register(struct rcc *r, uint32_t off)
{
    int bus;

    switch (off) {
    case RCC_CR:
        return &r->cr;
    case RCC_PLLCFGR:
        return &r->pllcfgr;
    case RCC_CFGR:
        return &r->cfgr;
    case RCC_CIR:
        return &r->cir;
    case RCC_BDCR:
        return &r->bdcr;
    case RCC_CSR:
        return &r->csr;
    case RCC_SSCGR:
        return &r->sscgr;
    case RCC_PLLI2SCFGR:
        return &r->plli2scfgr;
    default:
        break;
    }
    if ((bus = bus_of(off, RCC_RSTR_FIRST)) >= 0)
        return &r->rstr[bus];
    if ((bus = bus_of(off, RCC_ENR_FIRST)) >= 0)
        return &r->enr[bus];
    if ((bus = bus_of(off, RCC_LPENR_FIRST)) >= 0)
        return &r->lpenr[bus];
    return NULL;
}

static uint32_t rcc_read(void *self, uint32_t off, unsigned width)
{
    struct rcc *r = self;
    uint32_t *reg = plain_register(r, reg_base(off));
    int bus = bus_of(reg_base(off), RCC_ENR_FIRST);

    if (reg == NULL) {
        chip_unmodelled(r->chip, &r->periph, off, false, 0);
        return 0;
    }
    return reg_lanes(bus >= 0 ? read_enr(r, (unsigned)bus) : *reg, off, width);
}

static void write_bus_register(struct rcc *r, uint32_t off, uint32_t value)
{
    int bus;

    if ((bus = bus_of(off, RCC_RSTR_FIRST)) >= 0)
        write_rstr(r, (unsigned)bus, value);
    else if ((bus = bus_of(off, RCC_ENR_FIRST)) >= 0)
        write_enr(r, (unsigned)bus, value);
    else if ((bus = bus_of(off, RCC_LPENR_FIRST)) >= 0)
        r->lpenr[bus] = value & lpenr_reset[bus];       /* every bit that exists is 1 at reset */
}

static void write_sscgr(struct rcc *r, uint32_t value)
{
    r->sscgr = value;
    if ((value & SSCGR_SSCGEN) != 0)
        chip_unmodelled(r->chip, &r->periph, RCC_SSCGR, true, value);
}

static void rcc_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct rcc *r = self;
    uint32_t *reg = plain_register(r, reg_base(off));

    if (reg == NULL) {
        chip_unmodelled(r->chip, &r->periph, off, true, value);
        return;
    }
    value = reg_ahb_word(*reg, off, value, width);
    switch (reg_base(off)) {
    case RCC_CR:
        write_cr(r, value);
        break;
    case RCC_PLLCFGR:
        write_pllcfgr(r, value);
        break;
    case RCC_CFGR:
        write_cfgr(r, value);
        break;
    case RCC_CIR:
        write_cir(r, value);
        break;
    case RCC_BDCR:
        write_bdcr(r, value);
        break;
    case RCC_CSR:
        write_csr(r, value);
        break;
    case RCC_SSCGR:
        write_sscgr(r, value);
        break;
    case RCC_PLLI2SCFGR:
        write_plli2scfgr(r, value);
        break;
    default:
        write_bus_register(r, reg_base(off), value);
        break;
    }
}

/* --- reset ---------------------------------------------------------------------------------------------------------- */

/* The flags pile up until RMVF. Every reset source pulls NRST, so PINRSTF comes with all of them (§7.1.1). */
static void note_reset(struct rcc *r, enum reset_cause why)
{
    static const uint32_t flag[] = {
        [RESET_POWER] = CSR_POWER_ON_FLAGS, [RESET_PIN] = CSR_PINRSTF,   [RESET_SOFTWARE] = CSR_SFTRSTF,
        [RESET_IWDG] = CSR_IWDGRSTF,        [RESET_WWDG] = CSR_WWDGRSTF, [RESET_LOW_POWER] = CSR_LPWRRSTF,
    };

    if (why == RESET_POWER)
        r->csr = 0;
    r->csr = (r->csr & RCC_CSR_FLAGS) | flag[why] | CSR_PINRSTF;
}

static void rcc_reset(void *self, enum reset_cause why)
{
    struct rcc *r = self;

    note_reset(r, why);
    if (why == RESET_POWER)
        reset_backup_domain(r);
    r->lsi_forced = false;
    r->cr = CR_RESET;
    r->pllcfgr = PLLCFGR_RESET;
    r->cfgr = r->cir = r->sscgr = 0;
    r->plli2scfgr = PLLI2SCFGR_RESET;
    for (unsigned bus = 0; bus < RCC_BUSES; bus++) {
        sched_cancel(chip_sched(r->chip), &r->gate[bus].open);
        r->rstr[bus] = 0;
        r->enr[bus] = enr_reset[bus];
        r->lpenr[bus] = lpenr_reset[bus];
        open_gate(&r->gate[bus]);
    }
    rcc_clock_reset(r);
    rcc_update_irq(r);
    rcc_backup_clock_changed(r);
}

/* --- the rest of the board ------------------------------------------------------------------------------------------ */

uint32_t rcc_lsi_hz(const struct rcc *r)
{
    return r->options.lsi_hz;
}

uint32_t rcc_rtcclk_hz(const struct rcc *r)
{
    uint32_t rtcpre = r->cfgr >> 16 & 0x1FU;

    if ((r->bdcr & RCC_BDCR_RTCEN) == 0)
        return 0;
    switch ((r->bdcr & RCC_BDCR_RTCSEL) >> 8) {
    case 1:
        return rcc_ready(r, RCC_LSE) ? r->options.lse_hz : 0;
    case 2:
        return rcc_ready(r, RCC_LSI) ? r->options.lsi_hz : 0;
    case 3:
        return rcc_ready(r, RCC_HSE) && rtcpre >= 2 ? r->options.hse_hz / rtcpre : 0;
    default:
        return 0;
    }
}

void rcc_force_lsi(struct rcc *r)
{
    r->lsi_forced = true;
    rcc_switch_oscillator(r, RCC_LSI);
}

void rcc_set_latency_source(struct rcc *r, unsigned (*latency)(void *owner), void *owner)
{
    r->latency = latency;
    r->latency_owner = owner;
}

void rcc_listen(struct rcc *r, struct rcc_listener *l)
{
    l->next = r->listeners;
    r->listeners = l;
}

void rcc_set_backup_listener(struct rcc *r, void (*changed)(void *owner), void (*reset)(void *owner), void *owner)
{
    r->backup_changed = changed;
    r->backup_reset = reset;
    r->backup_owner = owner;
}

static void vos_changed(void *self)
{
    rcc_check_limits(self);
}

struct rcc *rcc_new(struct chip *c, struct pwr *pwr, const struct rcc_options *options)
{
    struct rcc *r = xcalloc(1, sizeof *r);

    r->chip = c;
    r->pwr = pwr;
    r->options = *options;
    if (r->options.lsi_hz == 0)
        r->options.lsi_hz = LSI_TYPICAL_HZ;
    for (unsigned bus = 0; bus < RCC_BUSES; bus++) {
        r->gate[bus] = (struct rcc_gate){ .rcc = r, .bus = bus };
        r->gate[bus].open = (struct sched_event){ .fire = open_gate, .owner = &r->gate[bus] };
    }
    r->periph = (struct periph){
        .name = "RCC", .manual = "RM0090 §7.3", .base = RCC_BASE, .bytes = 0x400,
        .self = r, .read = rcc_read, .write = rcc_write, .reset = rcc_reset,
    };
    rcc_clock_init(r);
    pwr_on_vos_change(pwr, vos_changed, r);
    rcc_reset(r, RESET_POWER);
    chip_attach(c, &r->periph);
    return r;
}

void rcc_free(struct rcc *r)
{
    rcc_clock_stop_events(r);
    sched_cancel(chip_sched(r->chip), &r->osc[RCC_LSE].settled);
    for (unsigned bus = 0; bus < RCC_BUSES; bus++)
        sched_cancel(chip_sched(r->chip), &r->gate[bus].open);
    free(r);
}
