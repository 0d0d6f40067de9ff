/* SPDX-License-Identifier: MIT */
/* TIM2 to TIM7: the basic up-counter that all of them share; no channels, no slave modes. */
#ifndef VCPBOARD_PERIPH_TIM_H
#define VCPBOARD_PERIPH_TIM_H

#include "board/chip.h"
#include "board/periph/rcc.h"

struct tim;

struct tim *tim_new(struct chip *c, struct rcc *rcc, unsigned number);         /* number: 2 to 7 */
void tim_free(struct tim *t);

#endif
