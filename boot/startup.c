/* SPDX-License-Identifier: MIT */
/* From reset to the boot decision, in flash; and, if it says "stay", the unpacking of the updater into SRAM. */
/* Sources: PM0214 §2.3.4 "Vector table", §2.1.3 (state after reset); boot/vcpboot.ld */
#include "boot/startup.h"

#include <stddef.h>

#include "boot/boot.h"
#include "boot/unpack.h"
#include "hal/stm32f4/hal.h"

/* From the linker script: addresses, not variables. */
extern uint32_t stack_top[];
extern struct vector_table updater_vectors[];
extern const uint8_t updater_packed[];          /* boot/packed.S */

static struct unpacker unpacker __attribute__((section(".unpacker")));   /* boot/vcpboot.ld */
static uint8_t histories[UNPACK_HISTORIES] __attribute__((section(".unpacker_ccm")));

/* In flash nothing can be repaired: a reset judges afresh. */
static void fault(void)
{
    core_reset();
}

/* A watchdog that an option byte has started allows 512 ms, or 350 (DS8626, LSI at most 47 kHz). */
static void unpack_all(uint8_t *out)
{
    uint32_t bytes = unpack_start(&unpacker, histories, updater_packed);

    for (uint32_t at = 0; at < bytes; at = unpack_instruction(&unpacker, out, at)) watchdog_feed();
}

/* The RAM is only touched when the updater is unpacked: an application that keeps something there across a reset finds it again,
 * but for the end of the RAM, where its own stack was. */
static _Noreturn void reset_entry(void)
{
    struct boot_outcome why = boot_decision();

    clock_boot_fast();                  /* if it fails, unpacking takes seconds, that is all */
    unpack_all((uint8_t *)updater_vectors);
    clock_boot_restore();
    ((updater_entry *)updater_vectors->handler[0])(why);
    core_reset();
}

/* The 16 system vectors only: no interrupt is ever enabled, and the config block follows at 0x40. */
__attribute__((section(".boot_vectors"), used)) const struct vector_table boot_vectors = {
    .initial_sp = stack_top,
    .handler = { reset_entry, fault, fault, fault, fault, fault, NULL, NULL, NULL, NULL, fault, fault, NULL, fault, fault },
};
