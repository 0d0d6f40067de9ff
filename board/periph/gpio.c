/* SPDX-License-Identifier: MIT */
/* GPIO: mode, pull, output and lock registers, and the level that results on each pin. */
/* Sources: RM0090 §8.3 "GPIO functional description", §8.4 "GPIO registers" */
#include "board/periph/gpio.h"

#include <string.h>

#include "board/periph/reg.h"
#include "board/xalloc.h"

#define GPIO_BASE 0x40020000U
#define GPIO_STRIDE 0x400U

#define GPIO_MODER 0x00U
#define GPIO_OTYPER 0x04U
#define GPIO_OSPEEDR 0x08U
#define GPIO_PUPDR 0x0CU
#define GPIO_IDR 0x10U
#define GPIO_ODR 0x14U
#define GPIO_BSRR 0x18U
#define GPIO_LCKR 0x1CU
#define GPIO_LCKR_LCKK REG_BIT(16)
#define GPIO_AFRL 0x20U
#define GPIO_AFRH 0x24U

enum { MODE_INPUT, MODE_OUTPUT, MODE_ALTERNATE, MODE_ANALOG };
enum { PULL_NONE, PULL_UP, PULL_DOWN };

/* §8.4.8: write 1+LCK, write 0+LCK, write 1+LCK, read. The value is the number of steps done. */
enum lock_step { LOCK_OPEN, LOCK_FIRST, LOCK_SECOND, LOCK_THIRD, LOCK_CLOSED };

struct port {
    struct gpio *gpio;
    enum gpio_port number;
    char name[8];
    struct periph periph;
    uint32_t moder, otyper, ospeedr, pupdr, odr, lckr, afr[2];
    enum lock_step lock;
    uint16_t outside, outside_driven;   /* levels from the board, and which pins it drives */
    uint16_t pins;                      /* the level on each pin; a floating one keeps its charge */
};

struct gpio {
    struct chip *chip;
    struct port port[GPIO_PORTS];
    void (*changed)(void *owner, enum gpio_port port);
    void *changed_owner;
};

static unsigned field2(uint32_t reg, unsigned pin)
{
    return reg >> (2U * pin) & 3U;
}

static enum gpio_level driven_by_chip(const struct port *p, unsigned pin)
{
    bool high = (p->odr >> pin & 1U) != 0;

    if (field2(p->moder, pin) != MODE_OUTPUT)
        return GPIO_FLOATING;
    if (high && (p->otyper >> pin & 1U) != 0)
        return GPIO_FLOATING;           /* open drain */
    return high ? GPIO_HIGH : GPIO_LOW;
}

static enum gpio_level level_of(const struct port *p, unsigned pin)
{
    enum gpio_level level = driven_by_chip(p, pin);

    if (level == GPIO_FLOATING && (p->outside_driven >> pin & 1U) != 0)
        level = (p->outside >> pin & 1U) != 0 ? GPIO_HIGH : GPIO_LOW;
    if (level == GPIO_FLOATING && field2(p->pupdr, pin) == PULL_UP)
        level = GPIO_HIGH;
    if (level == GPIO_FLOATING && field2(p->pupdr, pin) == PULL_DOWN)
        level = GPIO_LOW;
    return level;
}

static void update_pins(struct port *p)
{
    uint16_t before = p->pins;

    for (unsigned pin = 0; pin < GPIO_PINS; pin++) {
        enum gpio_level level = level_of(p, pin);

        if (level == GPIO_HIGH)
            p->pins = (uint16_t)(p->pins | REG_BIT(pin));
        else if (level == GPIO_LOW)
            p->pins = (uint16_t)(p->pins & ~REG_BIT(pin));
    }
    if (p->pins != before && p->gpio->changed != NULL)
        p->gpio->changed(p->gpio->changed_owner, p->number);
}

/* The Schmitt trigger of an analog pin is off, and IDR reads 0 there (§8.3.12). */
static uint32_t read_idr(const struct port *p)
{
    uint32_t idr = p->pins;

    for (unsigned pin = 0; pin < GPIO_PINS; pin++)
        if (field2(p->moder, pin) == MODE_ANALOG)
            idr &= ~REG_BIT(pin);
    return idr;
}

static uint32_t read_lckr(struct port *p)
{
    if (p->lock == LOCK_THIRD)
        p->lock = LOCK_CLOSED;
    else if (p->lock != LOCK_CLOSED)
        p->lock = LOCK_OPEN;            /* a read in the middle spoils the sequence */
    return p->lckr | (p->lock == LOCK_CLOSED ? GPIO_LCKR_LCKK : 0);
}

static void write_lckr(struct port *p, uint32_t value, unsigned width)
{
    bool key = (value & GPIO_LCKR_LCKK) != 0;
    uint32_t pins = value & 0xFFFFU;

    if (p->lock == LOCK_CLOSED)
        return;                         /* until the next reset */
    if (width != 4) {
        chip_guest_error(p->gpio->chip, false, "%s_LCKR: not a 32-bit access (RM0090 §8.4.8)", p->name);
        p->lock = LOCK_OPEN;
        return;
    }
    if (p->lock == LOCK_FIRST && !key && pins == p->lckr)
        p->lock = LOCK_SECOND;
    else if (p->lock == LOCK_SECOND && key && pins == p->lckr)
        p->lock = LOCK_THIRD;
    else
        p->lock = key ? LOCK_FIRST : LOCK_OPEN;
    p->lckr = pins;
}

/* One bit of lckr freezes the pin's `bits` bits of a configuration register (§8.4.8). */
static uint32_t frozen_bits(const struct port *p, unsigned first_pin, unsigned bits)
{
    uint32_t mask = 0;

    if (p->lock != LOCK_CLOSED)
        return 0;
    for (unsigned i = 0; i < 32U / bits && first_pin + i < GPIO_PINS; i++)
        if ((p->lckr >> (first_pin + i) & 1U) != 0)
            mask |= (REG_BIT(bits) - 1U) << (bits * i);
    return mask;
}

static void write_frozen(const struct port *p, uint32_t *reg, uint32_t value, unsigned first_pin, unsigned bits)
{
    uint32_t frozen = frozen_bits(p, first_pin, bits);

    *reg = (*reg & frozen) | (value & ~frozen);
}

static uint32_t *config_register(struct port *p, uint32_t off)
{
    switch (off) {
    case GPIO_MODER:
        return &p->moder;
    case GPIO_OTYPER:
        return &p->otyper;
    case GPIO_OSPEEDR:
        return &p->ospeedr;
    case GPIO_PUPDR:
        return &p->pupdr;
    case GPIO_ODR:
        return &p->odr;
    case GPIO_AFRL:
        return &p->afr[0];
    case GPIO_AFRH:
        return &p->afr[1];
    default:
        return NULL;
    }
}

static uint32_t gpio_read(void *self, uint32_t off, unsigned width)
{
    struct port *p = self;
    uint32_t *reg = config_register(p, reg_base(off));

    if (reg != NULL)
        return reg_lanes(*reg, off, width);
    switch (reg_base(off)) {
    case GPIO_IDR:
        return reg_lanes(read_idr(p), off, width);
    case GPIO_BSRR:
        return 0;                       /* write-only: §8.4.7 */
    case GPIO_LCKR:
        return reg_lanes(read_lckr(p), off, width);
    default:
        chip_unmodelled(p->gpio->chip, &p->periph, off, false, 0);
        return 0;
    }
}

static void write_config(struct port *p, uint32_t off, uint32_t value)
{
    uint32_t *reg = config_register(p, off);

    switch (off) {
    case GPIO_OTYPER:
        write_frozen(p, reg, value & 0xFFFFU, 0, 1);
        break;
    case GPIO_ODR:
        *reg = value & 0xFFFFU;
        break;
    case GPIO_AFRL:
        write_frozen(p, reg, value, 0, 4);
        break;
    case GPIO_AFRH:
        write_frozen(p, reg, value, 8, 4);
        break;
    default:
        write_frozen(p, reg, value, 0, 2);
        break;
    }
    update_pins(p);
}

static void write_bsrr(struct port *p, uint32_t value)
{
    p->odr = (p->odr & ~(value >> 16)) | (value & 0xFFFFU);     /* set wins over reset: §8.4.7 */
    update_pins(p);
}

static void gpio_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct port *p = self;
    uint32_t *reg = config_register(p, reg_base(off));

    if (reg != NULL) {
        write_config(p, reg_base(off), reg_ahb_word(*reg, off, value, width));
        return;
    }
    switch (reg_base(off)) {
    case GPIO_IDR:
        break;                          /* read-only: §8.4.5 */
    case GPIO_BSRR:
        write_bsrr(p, reg_ahb_word(0, off, value, width));
        break;
    case GPIO_LCKR:
        write_lckr(p, value, width);
        break;
    default:
        chip_unmodelled(p->gpio->chip, &p->periph, off, true, value);
        break;
    }
}

static void gpio_reset(void *self, enum reset_cause why)
{
    struct port *p = self;

    (void)why;
    /* The debug pins PA13-PA15, PB3 and PB4 come up as alternate functions with their pulls (§8.3.1). */
    p->moder = p->number == GPIO_A ? 0xA8000000U : p->number == GPIO_B ? 0x00000280U : 0;
    p->ospeedr = p->number == GPIO_A ? 0x0C000000U : p->number == GPIO_B ? 0x000000C0U : 0;
    p->pupdr = p->number == GPIO_A ? 0x64000000U : p->number == GPIO_B ? 0x00000100U : 0;
    p->otyper = p->odr = p->lckr = p->afr[0] = p->afr[1] = 0;
    p->lock = LOCK_OPEN;
    update_pins(p);
}

/* --- the board's side ----------------------------------------------------------------------------------------------- */

void gpio_set_input(struct gpio *g, enum gpio_port port, unsigned pin, enum gpio_level level)
{
    struct port *p = &g->port[port];
    uint16_t bit = (uint16_t)REG_BIT(pin);

    p->outside_driven = (uint16_t)(level == GPIO_FLOATING ? p->outside_driven & ~bit : p->outside_driven | bit);
    p->outside = (uint16_t)(level == GPIO_HIGH ? p->outside | bit : p->outside & ~bit);
    update_pins(p);
}

enum gpio_level gpio_output(const struct gpio *g, enum gpio_port port, unsigned pin)
{
    return driven_by_chip(&g->port[port], pin);
}

int gpio_function(const struct gpio *g, enum gpio_port port, unsigned pin)
{
    const struct port *p = &g->port[port];

    if (field2(p->moder, pin) != MODE_ALTERNATE)
        return -1;
    return (int)(p->afr[pin / 8U] >> (4U * (pin % 8U)) & 0xFU);
}

bool gpio_pin(const struct gpio *g, enum gpio_port port, unsigned pin)
{
    return (g->port[port].pins >> pin & 1U) != 0;
}

void gpio_on_change(struct gpio *g, void (*changed)(void *owner, enum gpio_port port), void *owner)
{
    g->changed = changed;
    g->changed_owner = owner;
}

struct gpio *gpio_new(struct chip *c)
{
    struct gpio *g = xcalloc(1, sizeof *g);

    g->chip = c;
    for (unsigned i = 0; i < GPIO_PORTS; i++) {
        struct port *p = &g->port[i];

        p->gpio = g;
        p->number = (enum gpio_port)i;
        memcpy(p->name, "GPIOx", sizeof "GPIOx");
        p->name[4] = (char)('A' + i);
        p->periph = (struct periph){
            .name = p->name, .manual = "RM0090 §8.4", .base = GPIO_BASE + GPIO_STRIDE * i, .bytes = GPIO_STRIDE,
            .gate_enr = 0x30, .gate_bit = i,
            .self = p, .read = gpio_read, .write = gpio_write, .reset = gpio_reset,
        };
        gpio_reset(p, RESET_POWER);
        chip_attach(c, &p->periph);
    }
    return g;
}

void gpio_free(struct gpio *g)
{
    free(g);
}
