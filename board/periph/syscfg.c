/* SPDX-License-Identifier: MIT */
/* SYSCFG: memory remap, EXTI source selection, compensation cell. */
/* Sources: RM0090 §9.2 "SYSCFG registers for STM32F405xx/07xx" */
#include "board/periph/syscfg.h"

#include "board/periph/reg.h"
#include "board/xalloc.h"

#define SYSCFG_BASE 0x40013800U
#define SYSCFG_MEMRMP 0x00U
#define SYSCFG_MEMRMP_FSMC 2U
#define SYSCFG_PMC 0x04U
#define SYSCFG_PMC_MII_RMII_SEL REG_BIT(23)
#define SYSCFG_EXTICR1 0x08U
#define SYSCFG_EXTICR4 0x14U
#define SYSCFG_CMPCR 0x20U
#define SYSCFG_CMPCR_CMP_PD REG_BIT(0)
#define SYSCFG_CMPCR_READY REG_BIT(8)

struct syscfg {
    struct chip *chip;
    struct gpio *gpio;
    struct exti *exti;
    struct periph periph;
    uint32_t memrmp, exticr[4], cmpcr;
};

static unsigned selected_port(const struct syscfg *s, unsigned line)
{
    return s->exticr[line / 4U] >> (4U * (line % 4U)) & 0xFU;
}

static void feed_lines(struct syscfg *s)
{
    for (unsigned line = 0; line < GPIO_PINS; line++) {
        unsigned port = selected_port(s, line);

        exti_set_level(s->exti, line, port < GPIO_PORTS && gpio_pin(s->gpio, (enum gpio_port)port, line));
    }
}

static void pins_changed(void *self, enum gpio_port port)
{
    struct syscfg *s = self;

    for (unsigned line = 0; line < GPIO_PINS; line++)
        if (selected_port(s, line) == (unsigned)port)
            exti_set_level(s->exti, line, gpio_pin(s->gpio, port, line));
}

static uint32_t syscfg_read(void *self, uint32_t off, unsigned width)
{
    struct syscfg *s = self;
    uint32_t at = reg_base(off);

    if (at >= SYSCFG_EXTICR1 && at <= SYSCFG_EXTICR4)
        return reg_lanes(s->exticr[(at - SYSCFG_EXTICR1) / 4U], off, width);
    switch (at) {
    case SYSCFG_MEMRMP:
        return reg_lanes(s->memrmp, off, width);
    case SYSCFG_PMC:
        return 0;
    case SYSCFG_CMPCR:
        /* The manual gives the cell no start-up time: it is ready as soon as it is on. */
        return reg_lanes(s->cmpcr | (s->cmpcr != 0 ? SYSCFG_CMPCR_READY : 0), off, width);
    default:
        chip_unmodelled(s->chip, &s->periph, off, false, 0);
        return 0;
    }
}

static void write_memrmp(struct syscfg *s, uint32_t value)
{
    if ((value & 3U) == SYSCFG_MEMRMP_FSMC) {
        chip_unmodelled(s->chip, &s->periph, SYSCFG_MEMRMP, true, value);
        return;
    }
    s->memrmp = value & 3U;
    chip_remap(s->chip, s->memrmp);
}

static void syscfg_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct syscfg *s = self;
    uint32_t at = reg_base(off);

    value = reg_apb_word(value, width);
    if (at >= SYSCFG_EXTICR1 && at <= SYSCFG_EXTICR4) {
        s->exticr[(at - SYSCFG_EXTICR1) / 4U] = value & 0xFFFFU;
        feed_lines(s);
        return;
    }
    switch (at) {
    case SYSCFG_MEMRMP:
        write_memrmp(s, value);
        break;
    case SYSCFG_PMC:
        if ((value & SYSCFG_PMC_MII_RMII_SEL) != 0)
            chip_unmodelled(s->chip, &s->periph, off, true, value);     /* there is no Ethernet to choose it for */
        break;
    case SYSCFG_CMPCR:
        s->cmpcr = value & SYSCFG_CMPCR_CMP_PD;
        break;
    default:
        chip_unmodelled(s->chip, &s->periph, off, true, value);
        break;
    }
}

static void syscfg_reset(void *self, enum reset_cause why)
{
    struct syscfg *s = self;

    (void)why;
    s->memrmp = 0;                      /* BOOT0 is low on this board: main flash */
    s->cmpcr = 0;
    for (unsigned i = 0; i < 4; i++)
        s->exticr[i] = 0;
    chip_remap(s->chip, s->memrmp);
    feed_lines(s);
}

struct syscfg *syscfg_new(struct chip *c, struct gpio *gpio, struct exti *exti)
{
    struct syscfg *s = xcalloc(1, sizeof *s);

    s->chip = c;
    s->gpio = gpio;
    s->exti = exti;
    s->periph = (struct periph){
        .name = "SYSCFG", .manual = "RM0090 §9.2", .base = SYSCFG_BASE, .bytes = 0x400,
        .gate_enr = 0x44, .gate_bit = 14,
        .self = s, .read = syscfg_read, .write = syscfg_write, .reset = syscfg_reset,
    };
    gpio_on_change(gpio, pins_changed, s);
    feed_lines(s);
    chip_attach(c, &s->periph);
    return s;
}

void syscfg_free(struct syscfg *s)
{
    gpio_on_change(s->gpio, NULL, NULL);
    free(s);
}
