/* SPDX-License-Identifier: MIT */
/* The system clock: PLL on the HSI for the boot decision, PLL on the crystal for USB, and back. */
/* Sources: RM0090 Rev 21 §7.2, §7.3, §3.5.1 (wait states); DS8626 Rev 12 §5.3.8-5.3.11 (start-up times) */
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"
#include "hal/stm32f4/wait.h"

#define MHZ 1000000U
#define HSI_MHZ 16U
#define HSE_MIN_MHZ 4U                  /* DS8626 table 33 */
#define HSE_MAX_MHZ 26U

/* Polls at 16 MHz, four cycles or more each. */
#define HSE_POLLS 400000U               /* 100 ms: a crystal takes 2 ms typically */
#define PLL_POLLS 8000U                 /* 2 ms: lock takes 0.3 ms at most */
#define SWITCH_POLLS 1000U

/* 1 MHz x 336 / 2 = 168 MHz, / 7 = 48 MHz for USB. */
#define PLL_336_2_7 (RCC_PLLCFGR_RESERVED | RCC_PLLCFGR_N(336) | RCC_PLLCFGR_P_2 | RCC_PLLCFGR_Q(7))

/* Seven wait states, not the five of table 10: enough for 168 MHz down to 2.1 V, and a maker whose PSIZE is x16 has such a
 * supply. It costs the CRC nothing, since the unit takes 16 cycles for a line of the flash. */
static bool set_latency(uint32_t acr)
{
    FLASH->ACR = acr;
    return wait_for(&FLASH->ACR, FLASH_ACR_LATENCY, acr & FLASH_ACR_LATENCY, SWITCH_POLLS);
}

static bool switch_to(uint32_t sw, uint32_t sws)
{
    RCC->CFGR = (RCC->CFGR & ~RCC_CFGR_SW) | sw;
    return wait_for(&RCC->CFGR, RCC_CFGR_SWS, sws, SWITCH_POLLS);
}

/* From reset's state: voltage scale 1 is what reset selects on the F405/407 (§5.4.1), and 168 MHz needs it. */
static bool pll_start(uint32_t pllcfgr, uint32_t acr)
{
    RCC->PLLCFGR = pllcfgr | PLL_336_2_7;
    RCC->CR |= RCC_CR_PLLON;
    if (!set_latency(acr | FLASH_ACR_LATENCY_7WS)) return false;
    RCC->CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV4;      /* 42 MHz each: at APB2's limit of 84, BRR ends at 1282 baud */
    if (!wait_for(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY, PLL_POLLS)) return false;
    return switch_to(RCC_CFGR_SW_PLL, RCC_CFGR_SWS_PLL);
}

bool clock_boot_fast(void)
{
    return pll_start(RCC_PLLCFGR_M(HSI_MHZ), FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN);
}

/* Each step waits for its effect: lowering the wait states under a clock that still is fast would be fatal. */
void clock_boot_restore(void)
{
    if (!switch_to(RCC_CFGR_SW_HSI, RCC_CFGR_SWS_HSI)) core_reset();
    RCC->CR &= ~(RCC_CR_PLLON | RCC_CR_HSEON);
    (void)wait_for(&RCC->CR, RCC_CR_PLLRDY, 0, PLL_POLLS);
    RCC->CFGR = 0;
    RCC->PLLCFGR = RCC_PLLCFGR_RESET;
    FLASH->ACR = 0;                     /* the caches are reset only while they are off (§3.9.1) */
    FLASH->ACR = FLASH_ACR_ICRST | FLASH_ACR_DCRST;
    FLASH->ACR = 0;
}

bool clock_usb(uint32_t hse_hz)
{
    uint32_t mhz = hse_hz / MHZ;

    if (hse_hz % MHZ == 0 && mhz >= HSE_MIN_MHZ && mhz <= HSE_MAX_MHZ) {
        RCC->CR |= RCC_CR_HSEON;
        if (wait_for(&RCC->CR, RCC_CR_HSERDY, RCC_CR_HSERDY, HSE_POLLS)) {
            return pll_start(RCC_PLLCFGR_SRC_HSE | RCC_PLLCFGR_M(mhz), 0);
        }
        RCC->CR &= ~RCC_CR_HSEON;
    }
    (void)pll_start(RCC_PLLCFGR_M(HSI_MHZ), 0); /* 1 % off: many a PC puts up with it (USB asks for 0.25 %) */
    return false;
}
