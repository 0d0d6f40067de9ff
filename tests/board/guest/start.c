/* SPDX-License-Identifier: MIT */
/* Vector table and start of every guest program: copies code to SRAM, clears .bss, calls guest_main(). */
#include "guest.h"

extern uint32_t guest_ram_start[], guest_ram_end[], guest_ram_load[], guest_bss_start[], guest_bss_end[], guest_stack_top[];

void guest_reset(void);
void guest_nmi(void) __attribute__((weak, alias("guest_hang")));
void guest_hardfault(void) __attribute__((weak, alias("guest_hang")));
void guest_memmanage(void) __attribute__((weak, alias("guest_hang")));
void guest_busfault(void) __attribute__((weak, alias("guest_hang")));
void guest_usagefault(void) __attribute__((weak, alias("guest_hang")));
void guest_svcall(void) __attribute__((weak, alias("guest_hang")));
void guest_pendsv(void) __attribute__((weak, alias("guest_hang")));
void guest_systick(void) __attribute__((weak, alias("guest_hang")));
void guest_irq0(void) __attribute__((weak, alias("guest_hang")));
void guest_irq1(void) __attribute__((weak, alias("guest_hang")));
void guest_irq2(void) __attribute__((weak, alias("guest_hang")));
void guest_irq3(void) __attribute__((weak, alias("guest_hang")));
void guest_irq4(void) __attribute__((weak, alias("guest_hang")));

__attribute__((section(".vectors"), used)) static const void *const vectors[16 + 5] = {
    guest_stack_top, guest_reset, guest_nmi, guest_hardfault, guest_memmanage, guest_busfault, guest_usagefault, 0, 0, 0, 0,
    guest_svcall, 0, 0, guest_pendsv, guest_systick, guest_irq0, guest_irq1, guest_irq2, guest_irq3, guest_irq4,
};

__attribute__((section(".ramcode"))) void guest_result(uint32_t r0)
{
    register uint32_t result __asm__("r0") = r0;

    for (;;)
        __asm__ volatile("bkpt 0x7E" ::"r"(result));
}

void guest_hang(void)
{
    uint32_t ipsr;

    __asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
    guest_result(0xBAD00000u + ipsr);
}

void guest_reset(void)
{
    const uint32_t *from = guest_ram_load;

    for (uint32_t *to = guest_ram_start; to < guest_ram_end; to++)
        *to = *from++;
    for (volatile uint32_t *to = guest_bss_start; to < (volatile uint32_t *)guest_bss_end; to++)
        *to = 0;
    guest_result(guest_main(GUEST_ARGS[0]));
}
