/* SPDX-License-Identifier: MIT */
/* One of the chip's USARTs as a pty: the other end of its line, with the terminal's baud rate. */
#ifndef VCPBOARD_BRIDGE_UART_H
#define VCPBOARD_BRIDGE_UART_H

#include "board/chip.h"
#include "board/periph/usart.h"

struct uart_bridge;

/* LINK is there from now on. A pty cannot carry parity or seven data bits, so those are as `format` says (its baud rate does not
 * count), or, if that is NULL, as the USART has them. Another format, or a baud rate more than 4 % off, garbles the bytes, both
 * ways. The terminal's bytes are edges on the RX pin as well. There is no flow control: what nobody reads is lost.
 * NULL after a line on stderr: no pty, or LINK cannot be made. */
struct uart_bridge *uart_bridge_new(struct chip *c, struct usart *usart, const char *link, const struct line_format *format);
void uart_bridge_free(struct uart_bridge *b);

#endif
