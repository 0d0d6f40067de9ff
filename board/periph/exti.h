/* SPDX-License-Identifier: MIT */
/* EXTI: edges on 23 lines become interrupts. */
#ifndef VCPBOARD_PERIPH_EXTI_H
#define VCPBOARD_PERIPH_EXTI_H

#include <stdbool.h>

#include "board/chip.h"

#define EXTI_LINES 23U

/* Lines 0 to 15 are pins, chosen by SYSCFG_EXTICR; the others belong to peripherals (RM0090 §12.2.5). */
enum exti_line {
    EXTI_PVD = 16,
    EXTI_RTC_ALARM = 17,
    EXTI_OTG_FS_WKUP = 18,
    EXTI_ETH_WKUP = 19,
    EXTI_OTG_HS_WKUP = 20,
    EXTI_TAMP_STAMP = 21,
    EXTI_RTC_WKUP = 22,
};

struct exti;

struct exti *exti_new(struct chip *c);
void exti_free(struct exti *e);

void exti_set_level(struct exti *e, unsigned line, bool level);        /* edges are found by comparing with the last level */

#endif
