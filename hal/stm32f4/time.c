/* SPDX-License-Identifier: MIT */
/* Milliseconds from the core's cycle counter: no interrupt, no timer, no clock to gate. */
/* Sources: ARM DDI0403 §C1.6.5 DEMCR, §C1.8 DWT; RM0090 §7.3.3 */
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"

#define CYCLES_PER_MS_PLL 168000U
#define CYCLES_PER_MS_HSI 16000U

static struct { uint32_t cycles_per_ms, counted, ms; } clock;

void time_init(void)
{
    bool pll = (RCC->CFGR & RCC_CFGR_SWS) == RCC_CFGR_SWS_PLL;

    clock.cycles_per_ms = pll ? CYCLES_PER_MS_PLL : CYCLES_PER_MS_HSI;
    DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    clock.counted = 0;
    clock.ms = 0;
}

uint32_t time_ms(void)
{
    uint32_t since = DWT_CYCCNT - clock.counted;        /* right across the counter's wrap, every 25 s */

    if (since >= clock.cycles_per_ms) {
        uint32_t whole = since / clock.cycles_per_ms;

        clock.ms += whole;
        clock.counted += whole * clock.cycles_per_ms;
    }
    return clock.ms;
}
