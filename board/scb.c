/* SPDX-License-Identifier: MIT */
/* System control registers of the Cortex-M4 and the escalation of faults. */
/* Sources: Arm DDI 0403 (ARMv7-M ARM) §B1.5.14 "fault handling", §B3.2 "System Control Block", §C1.8 "DWT"; PM0214 §4. */
#include "board/scb.h"

#include <stddef.h>

#include "board/periph/reg.h"

#define SCS_BASE 0xE000E000U
#define DWT_BASE 0xE0001000U
#define ITM_BASE 0xE0000000U
#define CPUID_VALUE 0x410FC241U         /* Cortex-M4 r0p1 */

enum {
    SCS_ICTR = 0x004, SCS_ACTLR = 0x008, SCS_SYSTICK = 0x010, SCS_SYSTICK_END = 0x020, SCS_NVIC = 0x100, SCS_NVIC_END = 0x500,
    SCS_CPUID = 0xD00, SCS_ICSR = 0xD04, SCS_VTOR = 0xD08, SCS_AIRCR = 0xD0C, SCS_SCR = 0xD10, SCS_CCR = 0xD14,
    SCS_SHPR1 = 0xD18, SCS_SHPR3 = 0xD20, SCS_SHCSR = 0xD24, SCS_CFSR = 0xD28, SCS_HFSR = 0xD2C, SCS_DFSR = 0xD30,
    SCS_MMFAR = 0xD34, SCS_BFAR = 0xD38, SCS_AFSR = 0xD3C, SCS_ID = 0xD40, SCS_ID_END = 0xD74, SCS_CPACR = 0xD88,
    SCS_MPU_TYPE = 0xD90, SCS_MPU_CTRL = 0xD94, SCS_DHCSR = 0xDF0, SCS_DEMCR = 0xDFC, SCS_STIR = 0xF00,
    SCS_FPCCR = 0xF34, SCS_FPCAR = 0xF38, SCS_FPDSCR = 0xF3C, SCS_MVFR0 = 0xF40, SCS_MVFR1 = 0xF44
};

#define AIRCR_KEY 0x05FAU
#define AIRCR_KEY_READ 0xFA050000U
#define AIRCR_VECTRESET (1U << 0)
#define AIRCR_SYSRESETREQ (1U << 2)
#define VTOR_TBLOFF 0x3FFFFE00U         /* PM0214 §4.4.4: bits 29:9 */
#define SCR_SLEEPDEEP (1U << 2)
#define CCR_RESET 0x200U                /* STKALIGN */
#define CCR_TRAPS 0x18U                 /* UNALIGN_TRP, DIV_0_TRP */
#define FPCCR_RESET 0xC0000000U         /* ASPEN, LSPEN */
#define MPU_TYPE_VALUE 0x800U           /* eight regions */
#define DEMCR_TRCENA (1U << 24)
#define DWT_CTRL_VALUE 0x40000000U      /* four comparators */
#define DWT_CYCCNTENA (1U << 0)

static const struct { uint32_t bit; unsigned exc; } active_bits[] = {
    { 1U << 0, EXC_MEMMANAGE }, { 1U << 1, EXC_BUSFAULT }, { 1U << 3, EXC_USAGEFAULT }, { 1U << 7, EXC_SVCALL },
    { 1U << 8, EXC_DEBUGMON }, { 1U << 10, EXC_PENDSV }, { 1U << 11, EXC_SYSTICK },
}, pended_bits[] = {
    { 1U << 12, EXC_USAGEFAULT }, { 1U << 13, EXC_MEMMANAGE }, { 1U << 14, EXC_BUSFAULT }, { 1U << 15, EXC_SVCALL },
}, enable_bits[] = {
    { 1U << 16, EXC_MEMMANAGE }, { 1U << 17, EXC_BUSFAULT }, { 1U << 18, EXC_USAGEFAULT },
};
#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

static uint32_t read_shcsr(const struct scb *s)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < COUNT_OF(active_bits); i++)
        v |= s->nvic.active[active_bits[i].exc] ? active_bits[i].bit : 0;
    for (unsigned i = 0; i < COUNT_OF(pended_bits); i++)
        v |= s->nvic.pending[pended_bits[i].exc] ? pended_bits[i].bit : 0;
    for (unsigned i = 0; i < COUNT_OF(enable_bits); i++)
        v |= s->nvic.enabled[enable_bits[i].exc] ? enable_bits[i].bit : 0;
    return v;
}

static void write_shcsr(struct scb *s, uint32_t v)
{
    for (unsigned i = 0; i < COUNT_OF(enable_bits); i++)
        nvic_enable(&s->nvic, enable_bits[i].exc, (v & enable_bits[i].bit) != 0);
    for (unsigned i = 0; i < COUNT_OF(pended_bits); i++)
        nvic_pend(&s->nvic, pended_bits[i].exc, (v & pended_bits[i].bit) != 0);
    for (unsigned i = 0; i < COUNT_OF(active_bits); i++) {
        if (((v & active_bits[i].bit) != 0) != s->nvic.active[active_bits[i].exc])
            chip_guest_error(s->chip, false, "SHCSR: changing the active bits is not modelled (PM0214 §4.4.9)");
    }
}

static unsigned current_exception(const struct scb *s)
{
    unsigned current = EXC_NONE;

    for (unsigned e = EXC_NMI; e < EXC_COUNT; e++) {
        if (s->nvic.active[e] && (current == EXC_NONE ||
                                  nvic_group_priority(&s->nvic, e) < nvic_group_priority(&s->nvic, current)))
            current = e;
    }
    return current;
}

static uint32_t read_icsr(const struct scb *s)
{
    const struct nvic *n = &s->nvic;
    uint32_t v = current_exception(s) | n->candidate << 12;

    v |= nvic_active_count(n) <= 1 ? 1U << 11 : 0;      /* RETTOBASE */
    v |= n->candidate >= EXC_IRQ0 ? 1U << 22 : 0;       /* ISRPENDING */
    v |= n->pending[EXC_SYSTICK] ? 1U << 26 : 0;
    v |= n->pending[EXC_PENDSV] ? 1U << 28 : 0;
    return v | (n->pending[EXC_NMI] ? 1U << 31 : 0);
}

static void write_icsr(struct scb *s, uint32_t v)
{
    if ((v & 1U << 31) != 0)
        nvic_pend(&s->nvic, EXC_NMI, true);
    if ((v & (1U << 28 | 1U << 27)) != 0)
        nvic_pend(&s->nvic, EXC_PENDSV, (v & 1U << 28) != 0);
    if ((v & (1U << 26 | 1U << 25)) != 0)
        nvic_pend(&s->nvic, EXC_SYSTICK, (v & 1U << 26) != 0);
}

static void write_aircr(struct scb *s, uint32_t v)
{
    if (v >> 16 != AIRCR_KEY)
        return;
    nvic_set_prigroup(&s->nvic, v >> 8);
    if ((v & AIRCR_VECTRESET) != 0)
        chip_guest_error(s->chip, false, "AIRCR.VECTRESET is for debuggers only and not modelled (PM0214 §4.4.5)");
    if ((v & AIRCR_SYSRESETREQ) != 0)
        chip_request_reset(s->chip, RESET_SOFTWARE);
}

static uint32_t read_shpr(const struct scb *s, uint32_t off)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++)
        v |= (uint32_t)s->nvic.priority[4 + off - SCS_SHPR1 + i] << (8 * i);
    return v;
}

static uint32_t id_register(uint32_t off)
{
    static const uint32_t ids[] = {     /* ID_PFR0 .. ID_ISAR4, Arm DDI 0439 table 4-1 */
        0x00000030, 0x00000200, 0x00100000, 0x00000000, 0x00100030, 0x00000000, 0x01000000, 0x00000000,
        0x01101110, 0x02112000, 0x21232231, 0x01111131, 0x01310102,
    };

    return ids[(off - SCS_ID) / 4];
}

/* Registers that only hold what is written to them, and those that never change. */
static const struct { uint32_t off; size_t member; uint32_t mask; } stored[] = {
    { SCS_ACTLR, offsetof(struct scb, actlr), 0x307 },          { SCS_MMFAR, offsetof(struct scb, mmfar), UINT32_MAX },
    { SCS_BFAR, offsetof(struct scb, bfar), UINT32_MAX },       { SCS_CPACR, offsetof(struct scb, cpacr), 0x00F00000 },
    { SCS_FPCCR, offsetof(struct scb, fpccr), 0xC000017B },     { SCS_FPCAR, offsetof(struct scb, fpcar), 0xFFFFFFF8 },
    { SCS_FPDSCR, offsetof(struct scb, fpdscr), 0x07C00000 },
};
static const struct { uint32_t off, value; } constant[] = {
    { SCS_ICTR, (NVIC_LINES - 1) / 32 }, { SCS_CPUID, CPUID_VALUE }, { SCS_AFSR, 0 }, { SCS_MPU_TYPE, MPU_TYPE_VALUE },
    { SCS_MPU_CTRL, 0 }, { SCS_DHCSR, 0 /* no debugger */ }, { SCS_MVFR0, 0x10110021 }, { SCS_MVFR1, 0x11000011 },
};

static uint32_t *stored_register(struct scb *s, uint32_t off, uint32_t *mask)
{
    for (unsigned i = 0; i < COUNT_OF(stored); i++) {
        if (stored[i].off == off) {
            *mask = stored[i].mask;
            return (uint32_t *)(void *)((char *)s + stored[i].member);
        }
    }
    return NULL;
}

static uint32_t scs_other(struct scb *s, uint32_t off)
{
    uint32_t mask;
    const uint32_t *r = stored_register(s, off, &mask);

    if (r != NULL)
        return *r;
    for (unsigned i = 0; i < COUNT_OF(constant); i++) {
        if (constant[i].off == off)
            return constant[i].value;
    }
    chip_unmodelled(s->chip, &s->scs, off, false, 0);
    return 0;
}

static uint32_t scs_word(struct scb *s, uint32_t off)
{
    uint32_t v = 0;

    if (off >= SCS_SYSTICK && off < SCS_SYSTICK_END)
        return systick_read(&s->systick, off - SCS_SYSTICK);
    if (off >= SCS_NVIC && off < SCS_NVIC_END && nvic_read(&s->nvic, off, &v))
        return v;
    if (off >= SCS_SHPR1 && off <= SCS_SHPR3)
        return read_shpr(s, off);
    if (off >= SCS_ID && off < SCS_ID_END)
        return id_register(off);
    switch (off) {
    case SCS_ICSR: return read_icsr(s);
    case SCS_VTOR: return s->vtor;
    case SCS_AIRCR: return AIRCR_KEY_READ | s->nvic.prigroup << 8;
    case SCS_SCR: return s->scr;
    case SCS_CCR: return s->ccr;
    case SCS_SHCSR: return read_shcsr(s);
    case SCS_CFSR: return s->cfsr;
    case SCS_HFSR: return s->hfsr;
    case SCS_DFSR: return s->dfsr;
    case SCS_DEMCR: return s->demcr;
    default: return scs_other(s, off);
    }
}

static uint32_t awake_cycles(const struct scb *s)
{
    return (uint32_t)(s->clock->count - s->clock->asleep);
}

static bool cyccnt_runs(const struct scb *s)
{
    return (s->demcr & DEMCR_TRCENA) != 0 && (s->dwt_ctrl & DWT_CYCCNTENA) != 0;
}

static uint32_t cyccnt(const struct scb *s)
{
    return cyccnt_runs(s) ? awake_cycles(s) - s->cyccnt_base : s->cyccnt_held;
}

static void set_cyccnt_control(struct scb *s, uint32_t demcr, uint32_t dwt_ctrl)
{
    s->cyccnt_held = cyccnt(s);
    s->demcr = demcr;
    s->dwt_ctrl = dwt_ctrl;
    s->cyccnt_base = awake_cycles(s) - s->cyccnt_held;
}

static void write_ccr(struct scb *s, uint32_t v)
{
    if ((v & CCR_TRAPS) != 0)
        chip_guest_error(s->chip, false, "CCR: UNALIGN_TRP and DIV_0_TRP are not modelled (PM0214 §4.4.7)");
    s->ccr = v & 0x31BU;
}

static void write_vtor(struct scb *s, uint32_t v)
{
    if ((v & ~VTOR_TBLOFF) != 0)
        chip_guest_error(s->chip, false, "VTOR = 0x%08x: bits outside 29:9 are ignored, so the table must be aligned to 512 bytes"
                         " (PM0214 §4.4.4)", (unsigned)v);
    s->vtor = v & VTOR_TBLOFF;
}

static void write_scr(struct scb *s, uint32_t v)
{
    if ((v & SCR_SLEEPDEEP) != 0)
        chip_guest_error(s->chip, false, "SCR.SLEEPDEEP: Stop and Standby are not modelled, WFI stays in Sleep (RM0090 §5.3)");
    s->scr = v & 0x16U;
}

static void write_other(struct scb *s, uint32_t off, uint32_t v)
{
    uint32_t mask, *r = stored_register(s, off, &mask);

    if (r != NULL)
        *r = v & mask;
    else
        chip_unmodelled(s->chip, &s->scs, off, true, v);
}

static void scs_write_word(struct scb *s, uint32_t off, uint32_t v)
{
    switch (off) {
    case SCS_ICSR: write_icsr(s, v); break;
    case SCS_VTOR: write_vtor(s, v); break;
    case SCS_AIRCR: write_aircr(s, v); break;
    case SCS_SCR: write_scr(s, v); break;
    case SCS_CCR: write_ccr(s, v); break;
    case SCS_SHCSR: write_shcsr(s, v); break;
    case SCS_CFSR: s->cfsr &= ~v; break;
    case SCS_HFSR: s->hfsr &= ~v; break;
    case SCS_DFSR: s->dfsr &= ~v; break;
    case SCS_MPU_CTRL:
        if ((v & 1U) != 0)
            chip_guest_error(s->chip, true, "MPU_CTRL: the MPU is enabled, and it is not modelled (PM0214 §4.2)");
        break;
    case SCS_DEMCR: set_cyccnt_control(s, v & 0x010F07F1U, s->dwt_ctrl); break;
    case SCS_STIR:
        if (EXC_IRQ0 + (v & 0x1FFU) < EXC_COUNT)
            nvic_pend(&s->nvic, EXC_IRQ0 + (v & 0x1FFU), true);
        break;
    default: write_other(s, off, v);
    }
}

static uint32_t scs_read(void *self, uint32_t off, unsigned width)
{
    struct scb *s = self;

    return reg_lanes(scs_word(s, reg_base(off)), off, width);
}

static void write_shpr(struct scb *s, uint32_t off, uint32_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        nvic_set_priority(&s->nvic, 4 + off - SCS_SHPR1 + i, (uint8_t)(value >> (8 * i)));
}

/* Registers where a byte write touches only that byte; write-1-to-clear ones see zeros elsewhere. */
static void scs_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct scb *s = self;
    uint32_t base = reg_base(off), lanes = reg_ahb_word(0, off, UINT32_MAX, width);
    uint32_t word = reg_ahb_word(0, off, value, width);
    bool keeps_rest = base == SCS_DEMCR || base == SCS_CCR || base == SCS_SCR || base == SCS_SHCSR || base == SCS_CPACR;

    if (base >= SCS_SYSTICK && base < SCS_SYSTICK_END) {
        systick_write(&s->systick, base - SCS_SYSTICK, word);
    } else if (base >= SCS_SHPR1 && base <= SCS_SHPR3) {
        write_shpr(s, off, value, width);
    } else if (base < SCS_NVIC || base >= SCS_NVIC_END || !nvic_write(&s->nvic, base, word, lanes)) {
        scs_write_word(s, base, keeps_rest && width < 4 ? (scs_word(s, base) & ~lanes) | word : word);
    }
}

static uint32_t dwt_read(void *self, uint32_t off, unsigned width)
{
    struct scb *s = self;

    switch (reg_base(off)) {
    case 0x0:
        return reg_lanes(DWT_CTRL_VALUE | s->dwt_ctrl, off, width);
    case 0x4:
        return reg_lanes(cyccnt(s), off, width);
    default:
        chip_unmodelled(s->chip, &s->dwt, off, false, 0);
        return 0;
    }
}

static void dwt_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct scb *s = self;

    (void)width;
    if (off == 0x0 && (value & ~(DWT_CTRL_VALUE | DWT_CYCCNTENA)) == 0) {
        set_cyccnt_control(s, s->demcr, value & DWT_CYCCNTENA);
    } else if (off == 0x4) {
        s->cyccnt_held = value;
        s->cyccnt_base = awake_cycles(s) - value;
    } else if (off != 0xFB0) {          /* LAR: the lock exists on Cortex-M7 only, portable code writes it everywhere */
        chip_unmodelled(s->chip, &s->dwt, off, true, value);
    }
}

/* Without a debugger no stimulus port is enabled: TCR and TER read 0, and code that prints by ITM gives up. */
static uint32_t itm_read(void *self, uint32_t off, unsigned width)
{
    (void)self;
    (void)off;
    (void)width;
    return 0;
}

static void itm_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct scb *s = self;

    (void)width;
    chip_unmodelled(s->chip, &s->itm, off, true, value);
}

unsigned scb_hardfault(struct scb *s, uint32_t hfsr_bits, const struct exc_masks *m)
{
    s->hfsr |= hfsr_bits;
    return nvic_execution_priority(&s->nvic, m) > -1 ? EXC_HARDFAULT : EXC_NONE;
}

unsigned scb_fault(struct scb *s, unsigned exc, uint32_t cfsr_bits, uint32_t address, const struct exc_masks *m)
{
    s->cfsr |= cfsr_bits;
    if ((cfsr_bits & CFSR_BFARVALID) != 0)
        s->bfar = address;
    if (s->nvic.enabled[exc] && nvic_group_priority(&s->nvic, exc) < nvic_execution_priority(&s->nvic, m))
        return exc;
    return scb_hardfault(s, HFSR_FORCED, m);
}

void scb_imprecise(struct scb *s)
{
    s->cfsr |= CFSR_IMPRECISERR;
    if (!s->nvic.enabled[EXC_BUSFAULT])
        s->hfsr |= HFSR_FORCED;
    nvic_pend(&s->nvic, s->nvic.enabled[EXC_BUSFAULT] ? EXC_BUSFAULT : EXC_HARDFAULT, true);
}

bool scb_fpu_on(const struct scb *s)
{
    return (s->cpacr & 0x00F00000U) == 0x00F00000U;
}

void scb_reset(struct scb *s)
{
    nvic_reset(&s->nvic);
    systick_reset(&s->systick);
    s->vtor = s->scr = s->cfsr = s->hfsr = s->dfsr = s->mmfar = s->bfar = s->cpacr = s->actlr = 0;
    s->fpcar = s->fpdscr = s->demcr = s->dwt_ctrl = s->cyccnt_held = 0;
    s->ccr = CCR_RESET;
    s->fpccr = FPCCR_RESET;
}

void scb_init(struct scb *s, struct chip *c, struct cycle_clock *k)
{
    s->chip = c;
    s->clock = k;
    systick_init(&s->systick, c, &s->nvic, k);
    s->scs = (struct periph){ .name = "SCS", .manual = "PM0214 §4", .base = SCS_BASE, .bytes = 0x1000, .self = s,
                              .read = scs_read, .write = scs_write };
    s->dwt = (struct periph){ .name = "DWT", .manual = "RM0090 §38.14", .base = DWT_BASE, .bytes = 0x1000, .self = s,
                              .read = dwt_read, .write = dwt_write };
    s->itm = (struct periph){ .name = "ITM", .manual = "RM0090 §38.14", .base = ITM_BASE, .bytes = 0x1000, .self = s,
                              .read = itm_read, .write = itm_write };
    chip_attach(c, &s->scs);
    chip_attach(c, &s->dwt);
    chip_attach(c, &s->itm);
}
