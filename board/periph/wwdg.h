/* SPDX-License-Identifier: MIT */
/* WWDG: the window watchdog. */
#ifndef VCPBOARD_PERIPH_WWDG_H
#define VCPBOARD_PERIPH_WWDG_H

#include "board/chip.h"
#include "board/periph/rcc.h"

struct wwdg;

struct wwdg *wwdg_new(struct chip *c, struct rcc *rcc);       /* counts rcc's PCLK1 */
void wwdg_free(struct wwdg *w);

#endif
