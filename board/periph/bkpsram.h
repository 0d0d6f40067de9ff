/* SPDX-License-Identifier: MIT */
/* The 4 KB backup SRAM. */
#ifndef VCPBOARD_PERIPH_BKPSRAM_H
#define VCPBOARD_PERIPH_BKPSRAM_H

#include "board/chip.h"
#include "board/periph/pwr.h"

struct bkpsram;

struct bkpsram *bkpsram_new(struct chip *c, const struct pwr *pwr);
void bkpsram_free(struct bkpsram *b);
void bkpsram_erase(struct bkpsram *b);  /* RDP level 1 to 0 */

#endif
