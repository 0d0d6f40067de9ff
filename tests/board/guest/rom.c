/* SPDX-License-Identifier: MIT */
/* A stand-in for ST's system loader: says how it found the chip, by BKPT and in GUEST_ARGS. It brings no code of the real one. */
#include "guest.h"

#define SYSCFG_MEMRMP REG(0x40013800)

extern uint32_t rom_stack_top[];

void rom_reset(void);
void rom_report(uint32_t sp, uint32_t lr);

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = { rom_stack_top, rom_reset };

/* Registers as they are on the very first instruction. */
__attribute__((naked)) void rom_reset(void)
{
    __asm__ volatile("mov r0, sp\n\t"
                     "mov r1, lr\n\t"
                     "b rom_report");
}

__attribute__((used)) void rom_report(uint32_t sp, uint32_t lr)
{
    volatile uint32_t *left = GUEST_ARGS + 16;
    register uint32_t result __asm__("r0") = 0x20F20000u;
    uint32_t primask;

    __asm__ volatile("mrs %0, primask" : "=r"(primask));
    left[0] = sp;
    left[1] = lr;
    left[2] = primask;
    left[3] = RCC_CR;
    left[4] = RCC_CFGR;
    left[5] = SYSCFG_MEMRMP;
    left[6] = SCB_VTOR;
    left[7] = REG(4);                   /* through the alias */
    for (;;)
        __asm__ volatile("bkpt 0x7E" ::"r"(result));
}
