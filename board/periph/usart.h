/* SPDX-License-Identifier: MIT */
/* USART1 to USART3 in asynchronous mode, each with one end of a serial line. */
#ifndef VCPBOARD_PERIPH_USART_H
#define VCPBOARD_PERIPH_USART_H

#include <stdbool.h>

#include "board/bridge/line.h"
#include "board/chip.h"
#include "board/periph/gpio.h"

struct usart;

struct usart *usart_new(struct chip *c, unsigned number);      /* number: 1 to 3 */
void usart_free(struct usart *u);

/* Plugs the line's other end in; NULL pulls it out. `peer` must live until then. */
void usart_connect(struct usart *u, const struct line_end *peer);
/* This end, for the peer to send to. It lives as long as the USART. */
const struct line_end *usart_end(const struct usart *u);
/* The format that the registers ask for at present; a baud rate of 0 means that they ask for none. */
struct line_format usart_format(const struct usart *u);

/* Whether a GPIO pin carries the signal at present; until this is set, both always do. And the way from the line to the pin that
 * the board has wired to RX: it is told every edge, whatever the pin is used for. */
void usart_set_pins_source(struct usart *u, bool (*tx)(void *owner, unsigned number), bool (*rx)(void *owner, unsigned number),
                           void (*drive)(void *owner, unsigned number, enum gpio_level level), void *owner);

#endif
