/* SPDX-License-Identifier: MIT */
/* PWR: control and status registers; the supply is always good, and the low-power modes are the CPU's business. */
/* Sources: RM0090 §5.4 "Power control registers (STM32F405xx/07xx)" */
#include "board/periph/pwr.h"

#include "board/periph/reg.h"
#include "board/xalloc.h"

#define PWR_BASE 0x40007000U

#define PWR_CR 0x00U
#define PWR_CR_CWUF REG_BIT(2)
#define PWR_CR_CSBF REG_BIT(3)
#define PWR_CR_DBP REG_BIT(8)
#define PWR_CR_VOS REG_BIT(14)
#define PWR_CR_STORED 0x000043F3U       /* VOS FPDS DBP PLS PVDE PDDS LPDS; CWUF and CSBF read 0 */
#define PWR_CR_RESET PWR_CR_VOS

#define PWR_CSR 0x04U
#define PWR_CSR_BRR REG_BIT(3)
#define PWR_CSR_EWUP REG_BIT(8)
#define PWR_CSR_BRE REG_BIT(9)
#define PWR_CSR_VOSRDY REG_BIT(14)

/* The manual gives no time for a change of scale, only that VOSRDY is 0 meanwhile; DS8626 bounds the wake-up of the
 * regulator from low-power mode by 40 us, which is taken here. */
#define VOS_SETTLE VTIME_US(40)

struct pwr {
    struct chip *chip;
    struct periph periph;
    uint32_t cr, csr;
    struct sched_event vos_ready;
    void (*changed)(void *owner);
    void *changed_owner;
};

static uint32_t pwr_read(void *self, uint32_t off, unsigned width)
{
    struct pwr *p = self;

    switch (reg_base(off)) {
    case PWR_CR:
        return reg_lanes(p->cr, off, width);
    case PWR_CSR:
        return reg_lanes(p->csr, off, width);
    default:
        chip_unmodelled(p->chip, &p->periph, off, false, 0);
        return 0;
    }
}

static void vos_settled(void *self)
{
    struct pwr *p = self;

    p->csr |= PWR_CSR_VOSRDY;
}

static void write_cr(struct pwr *p, uint32_t value)
{
    uint32_t changed = p->cr ^ value;

    /* CWUF and CSBF clear flags that only a wake-up from Standby sets, and there is no Standby. */
    p->cr = value & PWR_CR_STORED;
    if ((changed & PWR_CR_VOS) == 0)
        return;
    p->csr &= ~PWR_CSR_VOSRDY;
    sched_after(chip_sched(p->chip), &p->vos_ready, VOS_SETTLE);
    if (p->changed != NULL)
        p->changed(p->changed_owner);
}

static void write_csr(struct pwr *p, uint32_t value)
{
    p->csr = (p->csr & PWR_CSR_VOSRDY) | (value & (PWR_CSR_EWUP | PWR_CSR_BRE));
    if ((value & PWR_CSR_BRE) != 0)
        p->csr |= PWR_CSR_BRR;
}

static void pwr_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct pwr *p = self;

    value = reg_apb_word(value, width);
    switch (reg_base(off)) {
    case PWR_CR:
        write_cr(p, value);
        break;
    case PWR_CSR:
        write_csr(p, value);
        break;
    default:
        chip_unmodelled(p->chip, &p->periph, off, true, value);
        break;
    }
}

static void pwr_reset(void *self, enum reset_cause why)
{
    struct pwr *p = self;

    sched_cancel(chip_sched(p->chip), &p->vos_ready);
    p->cr = PWR_CR_RESET;
    /* RM prints 0 for CSR; scale 1 is established when code runs, so VOSRDY is up. BRE outlives a system reset. */
    p->csr = (p->csr & (PWR_CSR_BRE | PWR_CSR_BRR)) | PWR_CSR_VOSRDY;
    if (why == RESET_POWER)
        pwr_backup_reset(p);
}

void pwr_backup_reset(struct pwr *p)
{
    p->csr &= ~(PWR_CSR_BRE | PWR_CSR_BRR);
}

bool pwr_dbp(const struct pwr *p)
{
    return (p->cr & PWR_CR_DBP) != 0;
}

bool pwr_scale1(const struct pwr *p)
{
    return (p->cr & PWR_CR_VOS) != 0;
}

void pwr_on_vos_change(struct pwr *p, void (*changed)(void *owner), void *owner)
{
    p->changed = changed;
    p->changed_owner = owner;
}

struct pwr *pwr_new(struct chip *c)
{
    struct pwr *p = xcalloc(1, sizeof *p);

    p->chip = c;
    p->vos_ready = (struct sched_event){ .fire = vos_settled, .owner = p };
    p->periph = (struct periph){
        .name = "PWR", .manual = "RM0090 §5.4", .base = PWR_BASE, .bytes = 0x400,
        .gate_enr = 0x40, .gate_bit = 28,
        .self = p, .read = pwr_read, .write = pwr_write, .reset = pwr_reset,
    };
    pwr_reset(p, RESET_POWER);
    chip_attach(c, &p->periph);
    return p;
}

void pwr_free(struct pwr *p)
{
    sched_cancel(chip_sched(p->chip), &p->vos_ready);
    free(p);
}
