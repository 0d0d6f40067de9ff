/* SPDX-License-Identifier: MIT */
/* Reset and hand-over. */
/* Sources: PM0214 §4.4.4 VTOR, §4.4.5 AIRCR; RM0090 Rev 21 §7.3.21 RCC_CSR */
#include "hal/stm32f4/barrier.h"
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"

bool reset_was_software(void)
{
    return (RCC->CSR & RCC_CSR_SFTRSTF) != 0;
}

/* On an application's first instruction SP is its initial SP and LR all ones: as after a reset. */
_Noreturn void core_start(uint32_t base)
{
    const uint32_t *vectors = (const uint32_t *)base;
    uint32_t sp = vectors[0], pc = vectors[1];

    SCB_VTOR = base;
    barrier_sync();
    __asm volatile("msr msp, %0\n\t"
                   "mov lr, #-1\n\t"
                   "isb\n\t"
                   "bx %1" :: "r"(sp), "r"(pc) : "memory");
    __builtin_unreachable();
}

_Noreturn void core_reset(void)
{
    barrier_sync();                     /* the mailbox has reached the RAM */
    SCB_AIRCR = SCB_AIRCR_VECTKEY | SCB_AIRCR_SYSRESETREQ;
    barrier_sync();
    for (;;) { }                        /* the reset takes some cycles to arrive (PM0214 §4.4.5) */
}
