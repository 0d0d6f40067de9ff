/* SPDX-License-Identifier: MIT */
/* One look at one pin. */
/* Sources: RM0090 Rev 21 §8.4; DS8626 Rev 12 table 48 (pull resistors, 30-50 kOhm) */
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"

#define PINS 16U
#define SETTLE_READS 200U               /* 50 us or so at 16 MHz: 50 kOhm charge 100 pF in 25 us */

bool pin_active(unsigned port, unsigned number, bool high)
{
    struct gpio_regs *g = GPIO(port);
    uint32_t clocks = RCC->AHB1ENR;
    uint32_t field = 3U << (2U * number), moder, pupdr, idr = 0;

    if (port >= GPIO_PORTS || number >= PINS) return false;
    RCC->AHB1ENR = clocks | RCC_AHB1ENR_GPIO(port);
    (void)RCC->AHB1ENR;                 /* the first access after enabling may be lost without it (ES0182 §2.2.13) */
    moder = g->MODER;
    pupdr = g->PUPDR;
    g->PUPDR = (pupdr & ~field) | (high ? GPIO_PULL_DOWN : GPIO_PULL_UP) << (2U * number);
    g->MODER = moder & ~field;
    for (unsigned i = 0; i < SETTLE_READS; i++) idr = g->IDR;
    g->MODER = moder;
    g->PUPDR = pupdr;
    RCC->AHB1ENR = clocks;
    return ((idr >> number & 1U) != 0) == high;
}
