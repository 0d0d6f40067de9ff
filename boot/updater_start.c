/* SPDX-License-Identifier: MIT */
/* The updater's first steps in SRAM: its own vectors, zeros in its variables, a painted stack. */
/* Sources: PM0214 §2.3.4 "Vector table", §4.4.4 VTOR (alignment); boot/vcpboot.ld */
#include "boot/startup.h"

#include <stddef.h>

#include "hal/stm32f4/hal.h"

extern uint32_t stack_top[], stack_limit[], updater_bss_start[], updater_bss_end[];     /* boot/layout.ld, boot/updater.ld */

static updater_entry start;

/* Whatever it was, the flash is left as it is: a half-done update never starts (docs/DESIGN.md "The commit"). */
static void fault(void)
{
    core_reset();
}

/* Reset's place is where the other half enters; the core never looks there. */
__attribute__((section(".updater_vectors"), used)) const struct vector_table updater_vector_table = {
    .initial_sp = stack_top,
    .handler = { (void (*)(void))start, fault, fault, fault, fault, fault, NULL, NULL, NULL, NULL, fault, fault, NULL,
                 fault, fault },
};

/* Below this function's own frame. What is still painted later was never used: a debugger or the virtual board can tell how
 * deep the stack went. */
static void paint_stack(void)
{
    uint32_t *here = __builtin_frame_address(0);

    for (volatile uint32_t *p = stack_limit; p < here - 8; p++) *p = STACK_PAINT;
}

static void start(struct boot_outcome why)
{
    core_use_ram_vectors();
    for (volatile uint32_t *p = updater_bss_start; p != updater_bss_end; p++) *p = 0;
    paint_stack();
    updater_run(why);
}
