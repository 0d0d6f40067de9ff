/* SPDX-License-Identifier: MIT */
/* An asynchronous serial line between two ends: a USART of the chip and whatever is plugged in outside. */
#ifndef VCPBOARD_BRIDGE_LINE_H
#define VCPBOARD_BRIDGE_LINE_H

#include <stdint.h>

enum line_parity { LINE_PARITY_NONE, LINE_PARITY_ODD, LINE_PARITY_EVEN };

/* How a frame looks on the wire. data_bits does not count the parity bit: "8E1" is { baud, 8, 1, LINE_PARITY_EVEN }. */
struct line_format {
    uint32_t baud;                      /* bits a second, as really sent (a USART's BRR divides with a remainder) */
    uint8_t data_bits, stop_bits;
    enum line_parity parity;
};

/* One end's ear. The other end calls it at the virtual time at which the frame's stop bit ends; so the *sender* paces the
 * line and never calls it twice within one frame time. It must compare `sent_as` with its own format: a mismatch is its
 * problem (framing, parity, noise), as on a wire. An end that has no room loses the byte (overrun): there is no flow control. */
struct line_end {
    void *self;
    void (*frame)(void *self, uint8_t byte, const struct line_format *sent_as);
    void (*line_break)(void *self);     /* low for longer than a frame; NULL: ignored */
};

#endif
