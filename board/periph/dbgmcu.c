/* SPDX-License-Identifier: MIT */
/* DBGMCU: identity code, and control bits that only a power-on clears. No debugger is ever attached here. */
/* Sources: RM0090 §38.6.1 "MCU device ID code", §38.16 "MCU debug component (DBGMCU)" */
#include "board/periph/dbgmcu.h"

#include "board/periph/reg.h"
#include "board/xalloc.h"

#define DBGMCU_BASE 0xE0042000U
#define DBGMCU_IDCODE 0x00U
#define DBGMCU_CR 0x04U
#define DBGMCU_APB1_FZ 0x08U
#define DBGMCU_APB2_FZ 0x0CU

#define IDCODE_F407_REV_Y 0x100F6413U
#define CR_WRITABLE 0x000000E7U
#define APB1_FZ_WRITABLE 0x06E01DFFU
#define APB2_FZ_WRITABLE 0x00070003U

struct dbgmcu {
    struct chip *chip;
    struct periph periph;
    uint32_t cr, apb1_fz, apb2_fz;
};

static uint32_t dbgmcu_read(void *self, uint32_t off, unsigned width)
{
    struct dbgmcu *d = self;

    switch (reg_base(off)) {
    case DBGMCU_IDCODE:
        return reg_lanes(IDCODE_F407_REV_Y, off, width);
    case DBGMCU_CR:
        return reg_lanes(d->cr, off, width);
    case DBGMCU_APB1_FZ:
        return reg_lanes(d->apb1_fz, off, width);
    case DBGMCU_APB2_FZ:
        return reg_lanes(d->apb2_fz, off, width);
    default:
        chip_unmodelled(d->chip, &d->periph, off, false, 0);
        return 0;
    }
}

static void dbgmcu_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct dbgmcu *d = self;

    switch (reg_base(off)) {
    case DBGMCU_IDCODE:
        break;                          /* read-only */
    case DBGMCU_CR:
        d->cr = reg_ahb_word(d->cr, off, value, width) & CR_WRITABLE;
        break;
    case DBGMCU_APB1_FZ:
        d->apb1_fz = reg_ahb_word(d->apb1_fz, off, value, width) & APB1_FZ_WRITABLE;
        break;
    case DBGMCU_APB2_FZ:
        d->apb2_fz = reg_ahb_word(d->apb2_fz, off, value, width) & APB2_FZ_WRITABLE;
        break;
    default:
        chip_unmodelled(d->chip, &d->periph, off, true, value);
        break;
    }
}

static void dbgmcu_reset(void *self, enum reset_cause why)
{
    struct dbgmcu *d = self;

    if (why == RESET_POWER)             /* §38.16.3: PORRESET only, no system reset */
        d->cr = d->apb1_fz = d->apb2_fz = 0;
}

struct dbgmcu *dbgmcu_new(struct chip *c)
{
    struct dbgmcu *d = xcalloc(1, sizeof *d);

    d->chip = c;
    d->periph = (struct periph){
        .name = "DBGMCU", .manual = "RM0090 §38.16", .base = DBGMCU_BASE, .bytes = 0x400,
        .self = d, .read = dbgmcu_read, .write = dbgmcu_write, .reset = dbgmcu_reset,
    };
    chip_attach(c, &d->periph);
    return d;
}

void dbgmcu_free(struct dbgmcu *d)
{
    free(d);
}
