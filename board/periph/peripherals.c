/* SPDX-License-Identifier: MIT */
/* Builds the ordinary peripherals and wires them to each other. */
/* Sources: DS8626 table 9 "Alternate function mapping"; RM0090 §12.2.5 (EXTI line 18) */
#include "board/periph/peripherals.h"

#include "board/xalloc.h"

#define AF_USART1_3 7
#define AF_OTG_FS 10

struct signal {
    enum gpio_port port;
    unsigned pin;
};

#define SIGNAL_CHOICES 3U

/* Every pin that can carry the signal; a repeated one fills the row. The board's wires go to the first. */
static const struct signal usart_tx[PERIPHERALS_USARTS][SIGNAL_CHOICES] = {
    { { GPIO_A, 9 }, { GPIO_B, 6 }, { GPIO_B, 6 } },
    { { GPIO_A, 2 }, { GPIO_D, 5 }, { GPIO_D, 5 } },
    { { GPIO_B, 10 }, { GPIO_C, 10 }, { GPIO_D, 8 } },
};
static const struct signal usart_rx[PERIPHERALS_USARTS][SIGNAL_CHOICES] = {
    { { GPIO_A, 10 }, { GPIO_B, 7 }, { GPIO_B, 7 } },
    { { GPIO_A, 3 }, { GPIO_D, 6 }, { GPIO_D, 6 } },
    { { GPIO_B, 11 }, { GPIO_C, 11 }, { GPIO_D, 9 } },
};

static bool any_carries(const struct gpio *g, const struct signal choices[SIGNAL_CHOICES])
{
    for (unsigned i = 0; i < SIGNAL_CHOICES; i++)
        if (gpio_function(g, choices[i].port, choices[i].pin) == AF_USART1_3)
            return true;
    return false;
}

static bool tx_carried(void *self, unsigned number)
{
    const struct peripherals *p = self;

    return any_carries(p->gpio, usart_tx[number - 1]);
}

static bool rx_carried(void *self, unsigned number)
{
    const struct peripherals *p = self;

    return any_carries(p->gpio, usart_rx[number - 1]);
}

static void drive_rx(void *self, unsigned number, enum gpio_level level)
{
    const struct peripherals *p = self;
    const struct signal *wired = &usart_rx[number - 1][0];

    gpio_set_input(p->gpio, wired->port, wired->pin, level);
}

bool peripherals_usb_pins(void *peripherals)
{
    const struct peripherals *p = peripherals;

    return gpio_function(p->gpio, GPIO_A, 11) == AF_OTG_FS && gpio_function(p->gpio, GPIO_A, 12) == AF_OTG_FS;
}

void peripherals_usb_wakeup(void *peripherals)
{
    const struct peripherals *p = peripherals;

    exti_set_level(p->exti, EXTI_OTG_FS_WKUP, true);
    exti_set_level(p->exti, EXTI_OTG_FS_WKUP, false);
}

struct peripherals *peripherals_new(struct chip *c, const struct rcc_options *clocks)
{
    struct peripherals *p = xcalloc(1, sizeof *p);

    p->pwr = pwr_new(c);
    p->rcc = rcc_new(c, p->pwr, clocks);
    p->gpio = gpio_new(c);
    p->exti = exti_new(c);
    p->syscfg = syscfg_new(c, p->gpio, p->exti);
    p->crc = crc_new(c);
    p->rtc = rtc_new(c, p->rcc, p->pwr);
    p->iwdg = iwdg_new(c, p->rcc);
    p->wwdg = wwdg_new(c, p->rcc);
    p->dbgmcu = dbgmcu_new(c);
    p->unmodelled = unmodelled_new(c);
    for (unsigned i = 0; i < PERIPHERALS_USARTS; i++) {
        p->usart[i] = usart_new(c, i + 1U);
        usart_set_pins_source(p->usart[i], tx_carried, rx_carried, drive_rx, p);
    }
    for (unsigned i = 0; i < PERIPHERALS_TIMERS; i++)
        p->tim[i] = tim_new(c, p->rcc, i + 2U);
    return p;
}

void peripherals_free(struct peripherals *p)
{
    for (unsigned i = 0; i < PERIPHERALS_TIMERS; i++)
        tim_free(p->tim[i]);
    for (unsigned i = 0; i < PERIPHERALS_USARTS; i++)
        usart_free(p->usart[i]);
    unmodelled_free(p->unmodelled);
    dbgmcu_free(p->dbgmcu);
    wwdg_free(p->wwdg);
    iwdg_free(p->iwdg);
    rtc_free(p->rtc);
    crc_free(p->crc);
    syscfg_free(p->syscfg);
    exti_free(p->exti);
    gpio_free(p->gpio);
    rcc_free(p->rcc);
    pwr_free(p->pwr);
    free(p);
}
