/* SPDX-License-Identifier: MIT */
/* GPIO ports A to I: registers, and the pins as the rest of the board sees them. */
#ifndef VCPBOARD_PERIPH_GPIO_H
#define VCPBOARD_PERIPH_GPIO_H

#include <stdbool.h>
#include <stdint.h>

#include "board/chip.h"

#define GPIO_PORTS 9U
#define GPIO_PINS 16U

enum gpio_port { GPIO_A, GPIO_B, GPIO_C, GPIO_D, GPIO_E, GPIO_F, GPIO_G, GPIO_H, GPIO_I };
enum gpio_level { GPIO_LOW, GPIO_HIGH, GPIO_FLOATING };

struct gpio;

struct gpio *gpio_new(struct chip *c);
void gpio_free(struct gpio *g);

/* What the board outside drives the pin with; GPIO_FLOATING, the state after gpio_new(), lets go of it. */
void gpio_set_input(struct gpio *g, enum gpio_port port, unsigned pin, enum gpio_level level);
/* What the chip drives the pin with: GPIO_FLOATING unless it is an output. Alternate functions count as floating. */
enum gpio_level gpio_output(const struct gpio *g, enum gpio_port port, unsigned pin);
/* The number of the alternate function that owns the pin (10: OTG_FS on PA11 and PA12), or -1. */
int gpio_function(const struct gpio *g, enum gpio_port port, unsigned pin);
bool gpio_pin(const struct gpio *g, enum gpio_port port, unsigned pin);        /* the level on the pin itself */

/* Called with the port after its pins have changed their levels. One listener: EXTI. */
void gpio_on_change(struct gpio *g, void (*changed)(void *owner, enum gpio_port port), void *owner);

#endif
