/* SPDX-License-Identifier: MIT */
/* Reset and hand-over. */
/* Sources: PM0214 §4.4.4 VTOR, §4.4.5 AIRCR; RM0090 Rev 21 §7.3.21 RCC_CSR, §9.2.1 SYSCFG_MEMRMP; AN2606 Rev 65 §4 */
#include "hal/stm32f4/barrier.h"
#include "hal/stm32f4/hal.h"
#include "hal/stm32f4/regs.h"

bool reset_was_software(void)
{
    return (RCC->CSR & RCC_CSR_SFTRSTF) != 0;
}

/* On the first instruction SP is the program's initial SP and LR all ones: as after a reset. */
_Noreturn static void jump(uint32_t sp, uint32_t pc)
{
    barrier_sync();
    __asm volatile("msr msp, %0\n\t"
                   "mov lr, #-1\n\t"
                   "isb\n\t"
                   "bx %1" :: "r"(sp), "r"(pc) : "memory");
    __builtin_unreachable();
}

_Noreturn void core_start(uint32_t base)
{
    const uint32_t *vectors = (const uint32_t *)base;

    SCB_VTOR = base;
    jump(vectors[0], vectors[1]);
}

/* VTOR is 0 since the reset, and stays: the loader's vectors are there now. */
_Noreturn void core_start_rom(uint32_t sp, uint32_t pc)
{
    RCC->APB2ENR |= RCC_APB2ENR_SYSCFGEN;
    (void)RCC->APB2ENR;                 /* the first access after enabling may be lost without it (ES0182 §2.2.13) */
    SYSCFG_MEMRMP = SYSCFG_MEMRMP_SYSTEM;
    jump(sp, pc);
}

_Noreturn void core_reset(void)
{
    barrier_sync();                     /* the mailbox has reached the RAM */
    SCB_AIRCR = SCB_AIRCR_VECTKEY | SCB_AIRCR_SYSRESETREQ;
    barrier_sync();
    for (;;) { }                        /* the reset takes some cycles to arrive (PM0214 §4.4.5) */
}
