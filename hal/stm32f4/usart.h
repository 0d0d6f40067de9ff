/* SPDX-License-Identifier: MIT */
/* USART1 on PA9 and PA10 as a port of 8E1 bytes, polled, at the baud rate of the 0x7F that a client begins with (docs/SPEC.md "USART1").
 * Without usart_init nothing can be read, and what is written goes nowhere. */
#ifndef VCPBOOT_USART_H
#define VCPBOOT_USART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USART_BYTES 2048U               /* each way, a power of two: more than the longest frame of any protocol */

void usart_init(void);                  /* listens on PA10; PA9 is left alone until a 0x7F has come */
/* One byte in, one byte out. `nobody`: no client is in the middle of anything, so what begins now may be a 0x7F: it is measured,
 * for 10 ms at most. It is missed unless this is called once in seven bit times then: in 60 us for 115200 baud. */
void usart_poll(bool nobody);
bool usart_readable(void);
bool usart_sent(void);                  /* but for two bytes that the USART itself holds */

/* As struct serve_wire wants them. */
size_t usart_read(void *unused, uint8_t *out, size_t cap);
size_t usart_write(void *unused, const uint8_t *p, size_t n);
size_t usart_room(void *unused);

#endif
