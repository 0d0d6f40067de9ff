/* SPDX-License-Identifier: MIT */
/* SYSCFG: what is mapped at address 0, and which port feeds each EXTI line. */
#ifndef VCPBOARD_PERIPH_SYSCFG_H
#define VCPBOARD_PERIPH_SYSCFG_H

#include "board/chip.h"
#include "board/periph/exti.h"
#include "board/periph/gpio.h"

struct syscfg;

struct syscfg *syscfg_new(struct chip *c, struct gpio *gpio, struct exti *exti);
void syscfg_free(struct syscfg *s);

#endif
