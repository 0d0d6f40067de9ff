/* SPDX-License-Identifier: MIT */
/* EXTI: edge detection, mask and pending registers, and the NVIC lines behind them. */
/* Sources: RM0090 §12.2 "External interrupt/event controller", §12.3 "EXTI registers", table 62 (vectors) */
#include "board/periph/exti.h"

#include "board/periph/reg.h"
#include "board/xalloc.h"

#define EXTI_BASE 0x40013C00U
#define EXTI_IMR 0x00U
#define EXTI_EMR 0x04U
#define EXTI_RTSR 0x08U
#define EXTI_FTSR 0x0CU
#define EXTI_SWIER 0x10U
#define EXTI_PR 0x14U
#define EXTI_MASK 0x007FFFFFU

struct exti {
    struct chip *chip;
    struct periph periph;
    uint32_t imr, emr, rtsr, ftsr, swier, pr;
    uint32_t levels;
};

static const struct {
    uint32_t lines;
    unsigned irq;
} vectors[] = {
    { REG_BIT(0), 6 },
    { REG_BIT(1), 7 },
    { REG_BIT(2), 8 },
    { REG_BIT(3), 9 },
    { REG_BIT(4), 10 },
    { 0x03E0, 23 },                     /* 5 to 9 */
    { 0xFC00, 40 },                     /* 10 to 15 */
    { REG_BIT(EXTI_PVD), 1 },
    { REG_BIT(EXTI_RTC_ALARM), 41 },
    { REG_BIT(EXTI_OTG_FS_WKUP), 42 },
    { REG_BIT(EXTI_ETH_WKUP), 62 },
    { REG_BIT(EXTI_OTG_HS_WKUP), 76 },
    { REG_BIT(EXTI_TAMP_STAMP), 2 },
    { REG_BIT(EXTI_RTC_WKUP), 3 },
};

static void update_irqs(struct exti *e)
{
    for (unsigned i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        chip_irq(e->chip, vectors[i].irq, (e->pr & e->imr & vectors[i].lines) != 0);
}

void exti_set_level(struct exti *e, unsigned line, bool level)
{
    uint32_t bit = REG_BIT(line);
    bool before = (e->levels & bit) != 0;

    e->levels = level ? e->levels | bit : e->levels & ~bit;
    if (level == before || ((level ? e->rtsr : e->ftsr) & bit) == 0)
        return;
    e->pr |= bit;                       /* §12.2, block diagram: the mask sits behind the pending register */
    update_irqs(e);
}

static uint32_t *stored(struct exti *e, uint32_t off)
{
    switch (off) {
    case EXTI_IMR:
        return &e->imr;
    case EXTI_EMR:
        return &e->emr;
    case EXTI_RTSR:
        return &e->rtsr;
    case EXTI_FTSR:
        return &e->ftsr;
    case EXTI_SWIER:
        return &e->swier;
    case EXTI_PR:
        return &e->pr;
    default:
        return NULL;
    }
}

static uint32_t exti_read(void *self, uint32_t off, unsigned width)
{
    struct exti *e = self;
    uint32_t *reg = stored(e, reg_base(off));

    if (reg != NULL)
        return reg_lanes(*reg, off, width);
    chip_unmodelled(e->chip, &e->periph, off, false, 0);
    return 0;
}

/* A software trigger counts only on a line whose interrupt is enabled, and when its bit rises (§12.3.5). */
static void write_swier(struct exti *e, uint32_t value)
{
    e->pr |= value & ~e->swier & e->imr;
    e->swier |= value;                  /* cleared through PR only */
}

static void exti_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct exti *e = self;
    uint32_t *reg = stored(e, reg_base(off));

    value = reg_apb_word(value, width) & EXTI_MASK;
    if (reg == NULL) {
        chip_unmodelled(e->chip, &e->periph, off, true, value);
        return;
    }
    if (reg == &e->swier) {
        write_swier(e, value);
    } else if (reg == &e->pr) {
        e->pr &= ~value;
        e->swier &= ~value;
    } else {
        *reg = value;
    }
    if (reg == &e->emr && value != 0)
        chip_unmodelled(e->chip, &e->periph, EXTI_EMR, true, value);    /* no event reaches the CPU here: §12.2.3 */
    update_irqs(e);
}

static void exti_reset(void *self, enum reset_cause why)
{
    struct exti *e = self;

    (void)why;
    e->imr = e->emr = e->rtsr = e->ftsr = e->swier = e->pr = 0;
    update_irqs(e);
}

struct exti *exti_new(struct chip *c)
{
    struct exti *e = xcalloc(1, sizeof *e);

    e->chip = c;
    e->periph = (struct periph){
        .name = "EXTI", .manual = "RM0090 §12.3", .base = EXTI_BASE, .bytes = 0x400,
        .self = e, .read = exti_read, .write = exti_write, .reset = exti_reset,
    };
    exti_reset(e, RESET_POWER);
    chip_attach(c, &e->periph);
    return e;
}

void exti_free(struct exti *e)
{
    free(e);
}
