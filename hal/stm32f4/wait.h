/* SPDX-License-Identifier: MIT */
/* Bounded waits on register bits, counted in polls: for places where no clock runs yet, or where time is a handful of cycles. */
#ifndef VCPBOOT_WAIT_H
#define VCPBOOT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* One poll is at least four cycles of the core, so `polls` bounds the wait from below at 168 MHz, and more so at 16 MHz. */
static inline bool wait_for(const volatile uint32_t *reg, uint32_t mask, uint32_t value, uint32_t polls)
{
    while ((*reg & mask) != value) {
        if (polls-- == 0) return false;
    }
    return true;
}

#endif
