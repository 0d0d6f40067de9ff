/* SPDX-License-Identifier: MIT */
/* PWR: the voltage scale and the key to the backup domain. */
#ifndef VCPBOARD_PERIPH_PWR_H
#define VCPBOARD_PERIPH_PWR_H

#include <stdbool.h>

#include "board/chip.h"

struct pwr;

struct pwr *pwr_new(struct chip *c);
void pwr_free(struct pwr *p);

bool pwr_dbp(const struct pwr *p);              /* writes to the backup domain get through */
bool pwr_scale1(const struct pwr *p);           /* VOS = 1: HCLK up to 168 MHz; VOS = 0: up to 144 MHz */

/* Called after every change of VOS. One listener: RCC. */
void pwr_on_vos_change(struct pwr *p, void (*changed)(void *owner), void *owner);

/* A backup domain reset (RM0090 §7.1.3): clears BRE, the only bit of PWR that lives there. */
void pwr_backup_reset(struct pwr *p);

#endif
