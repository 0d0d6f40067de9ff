/* SPDX-License-Identifier: MIT */
/* IWDG: the independent watchdog. */
#ifndef VCPBOARD_PERIPH_IWDG_H
#define VCPBOARD_PERIPH_IWDG_H

#include "board/chip.h"
#include "board/periph/rcc.h"

struct iwdg;

struct iwdg *iwdg_new(struct chip *c, struct rcc *rcc);         /* runs on rcc's LSI, and forces it on */
void iwdg_free(struct iwdg *w);

/* The hardware watchdog: to be called after every reset while the option bit WDG_SW is 0 (RM0090 §21.3.1). */
void iwdg_start_by_option(struct iwdg *w);

#endif
