/* SPDX-License-Identifier: MIT */
/* Vector table and start-up of the demo application. */
/* Sources: RM0090 Rev 21 §12.2 table 62 "Vector table"; PM0214 §2.3.4, §4.6.1 (CPACR) */
#include "sdk/demo/demo.h"

extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end;

union vector { void (*handler)(void); const void *sp; uintptr_t reserved; };

/* Everything that nobody expects, faults included: start anew, the bootloader counts (docs/SPEC.md section 2.2). */
static void restart(void)
{
    DEMO_REG32(SCB_AIRCR) = SCB_AIRCR_RESET;
    for (;;) {}
}

_Noreturn void Reset_Handler(void)
{
    const uint32_t *from = &data_load;

    DEMO_REG32(SCB_CPACR) |= SCB_CPACR_FPU;     /* before the first floating-point register is touched */
    __asm volatile("dsb\n\tisb" ::: "memory");
    for (uint32_t *to = &data_start; to < &data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = &bss_start; to < &bss_end; to++) {
        *to = 0;
    }
    demo_main();
}

/* 16 of the core, 82 of the F407. The reserved words 7-10 and 13 are zero: that is where the seal goes. */
static const union vector vectors[98] __attribute__((section(".vectors"), used)) = {
    [0] = { .sp = &stack_top },
    [1] = { .handler = Reset_Handler },
    [2 ... 6] = { .handler = restart },
    [7 ... 10] = { .reserved = 0 },
    [11 ... 12] = { .handler = restart },
    [13] = { .reserved = 0 },
    [14] = { .handler = restart },
    [15] = { .handler = SysTick_Handler },
    [16 ... 82] = { .handler = restart },
    [16 + 67] = { .handler = OTG_FS_IRQHandler },
    [84 ... 97] = { .handler = restart },
};
