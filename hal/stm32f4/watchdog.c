/* SPDX-License-Identifier: MIT */
/* The independent watchdog, when an option byte has started it (WDG_SW = 0): stretched and fed, never started. */
/* Sources: RM0090 Rev 21 §21.3, §21.4; §7.3.21 RCC_CSR */
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"
#include "hal/stm32f4/wait.h"

#define UPDATE_POLLS 200000U            /* PVU and RVU take five cycles of the LSI, 0.3 ms; this is some ms */

/* 512 ms, the period after reset, is less than the erase of one sector. /256 and 4095 give 22 s at the fastest LSI. */
void watchdog_stretch(void)
{
    /* The watchdog forces the LSI on: ready although nobody asked for it means that the watchdog runs. */
    if ((RCC->CSR & (RCC_CSR_LSION | RCC_CSR_LSIRDY)) != RCC_CSR_LSIRDY) return;
    IWDG->KR = IWDG_KR_UNLOCK;
    IWDG->PR = IWDG_PR_DIV256;
    IWDG->RLR = IWDG_RLR_MAX;
    (void)wait_for(&IWDG->SR, IWDG_SR_PVU | IWDG_SR_RVU, 0, UPDATE_POLLS);
    watchdog_feed();
}

void watchdog_feed(void)
{
    IWDG->KR = IWDG_KR_RELOAD;          /* without effect unless it runs */
}
