/* SPDX-License-Identifier: MIT */
/* From reset to the boot decision, in flash; and, if it says "stay", the copying of the updater into SRAM. */
/* Sources: PM0214 §2.3.4 "Vector table", §2.1.3 (state after reset); boot/vcpboot.ld */
#include "boot/startup.h"

#include <stddef.h>

#include "boot/boot.h"
#include "hal/stm32f4/hal.h"

/* From the linker script: addresses, not variables. */
extern uint32_t stack_top[];
extern const uint32_t updater_load[];
extern uint32_t updater_image_start[], updater_image_end[], updater_bss_start[], updater_bss_end[];

/* In flash nothing can be repaired: a reset judges afresh. */
static void fault(void)
{
    core_reset();
}

static void copy_updater(void)
{
    const uint32_t *from = updater_load;

    for (uint32_t *to = updater_image_start; to != updater_image_end; to++) *to = *from++;
    for (uint32_t *to = updater_bss_start; to != updater_bss_end; to++) *to = 0;
}

/* No .data and no .bss until the updater is copied: an application that keeps something in its RAM across a reset finds it
 * again, but for the end of the RAM, where its own stack was. */
static _Noreturn void reset_entry(void)
{
    struct boot_outcome why = boot_decision();

    copy_updater();
    updater_start(why);
}

/* The 16 system vectors only: no interrupt is ever enabled, and the config block follows at 0x40. */
__attribute__((section(".boot_vectors"), used)) const struct vector_table boot_vectors = {
    .initial_sp = stack_top,
    .handler = { reset_entry, fault, fault, fault, fault, fault, NULL, NULL, NULL, NULL, fault, fault, NULL, fault, fault },
};
