/* SPDX-License-Identifier: MIT */
/* An asynchronous serial line between two ends: a USART of the chip and whatever is plugged in outside. */
#ifndef VCPBOARD_BRIDGE_LINE_H
#define VCPBOARD_BRIDGE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/sched.h"

enum line_parity { LINE_PARITY_NONE, LINE_PARITY_ODD, LINE_PARITY_EVEN };

/* How a frame looks on the wire. data_bits does not count the parity bit: "8E1" is { baud, 8, 1, LINE_PARITY_EVEN }. */
struct line_format {
    uint32_t baud;                      /* bits a second, as really sent (a USART's BRR divides with a remainder) */
    uint8_t data_bits, stop_bits;
    enum line_parity parity;
};

/* One end's ear. The other end calls it at the virtual time at which the frame's stop bit ends; so the *sender* paces the
 * line and never calls it twice within one frame time. It must compare `sent_as` with its own format: a mismatch is its
 * problem (framing, parity, noise), as on a wire. An end that has no room loses the byte (overrun): there is no flow control.
 *
 * level() says the same once more as a voltage: it is called at every edge within a frame, and the line rests high. It is for
 * programs that look at the pin; a receiver goes by frame(). NULL: nobody looks. */
struct line_end {
    void *self;
    void (*level)(void *self, bool high);
    void (*frame)(void *self, uint8_t byte, const struct line_format *sent_as);
    void (*line_break)(void *self);     /* low for longer than a frame; NULL: ignored */
};

/* The bits of a frame in the order in which they are sent, the first one lowest: start, data, parity, stop, and ones for ever. */
uint32_t line_bits(uint8_t byte, const struct line_format *f);
bool line_odd_ones(uint32_t bits);
unsigned line_frame_bits(const struct line_format *f);          /* how many of them belong to the frame */
vtime line_bits_time(const struct line_format *f, unsigned bits);      /* how long so many of them take; baud must not be 0 */
/* "8e1": data bits (7 or 8), n, e or o, stop bits (1 or 2). The baud rate is left alone. False: it is none, *f is as before. */
bool line_parse_format(const char *text, struct line_format *f);

/* Sends one frame at a time to an end: its edges, then, when the stop bit is over, the frame itself. */
struct line_sender {
    struct sched *sched;
    const struct line_end *to;
    void (*sent)(void *owner);          /* the next frame may follow at once */
    void *owner;
    struct line_format format;
    uint8_t byte;
    unsigned at;                        /* the bit that begins when `next` fires */
    vtime began;
    struct sched_event next;
};

void line_sender_init(struct line_sender *s, struct sched *sched, void (*sent)(void *owner), void *owner);
void line_send(struct line_sender *s, const struct line_end *to, uint8_t byte, const struct line_format *f);
static inline bool line_sending(const struct line_sender *s) { return s->next.armed != 0; }
void line_sender_stop(struct line_sender *s);                   /* in mid-frame, if need be: for whoever frees it */

#endif
