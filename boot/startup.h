/* SPDX-License-Identifier: MIT */
/* The seam between the half in flash and the half in SRAM. */
/* Sources: PM0214 §2.3.4 table 17 */
#ifndef VCPBOOT_STARTUP_H
#define VCPBOOT_STARTUP_H

#include <stdint.h>

#include "boot/boot.h"

#define VECTOR_HANDLERS 15U             /* Reset to SysTick */
#define STACK_PAINT 0xA5A5A5A5U         /* what the updater's stack area holds where it was never used */
#define STACK_BYTES 2048U               /* the updater's budget, and what is painted */

struct vector_table {
    const void *initial_sp;
    void (*handler[VECTOR_HANDLERS])(void);
};
_Static_assert(sizeof(void *) != 4 || sizeof(struct vector_table) == 0x40, "the config block follows at 0x40");

/* The first handler of the updater's vectors, called when they have been unpacked. Does not return. */
typedef void updater_entry(struct boot_outcome why);

#endif
