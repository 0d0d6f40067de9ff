/* SPDX-License-Identifier: MIT */
/* What the three files of the serve share among themselves. */
#ifndef VCPBOOT_SERVE_PARTS_H
#define VCPBOOT_SERVE_PARTS_H

#include "boot/serve.h"

static inline size_t serve_room(const struct serve *s)
{
    return s->set.wire->room(s->set.wire->ctx);
}

static inline void serve_send(const struct serve *s, const uint8_t *p, size_t n)
{
    s->set.wire->write(s->set.wire->ctx, p, n);
}

/* The update is over, by whichever end: the next byte may be anybody's. */
void serve_release(struct serve *s);
/* Gives up an update that is under way. False: a flash operation still runs; ask again. */
bool serve_stopped(struct serve *s);
void serve_leave_in(struct serve *s, uint8_t request, uint32_t wait_ms);

/* serve_native.c: answers a whole frame, and reports unasked when a report is due. */
void serve_native_init(struct serve *s);
void serve_native_poll(struct serve *s);
void serve_native_opened(struct serve *s);

/* serve_ymodem.c: calls, answers the receiver's events, sends what it has to say. */
void serve_ymodem_opened(struct serve *s);
void serve_ymodem_start(struct serve *s);
void serve_ymodem_poll(struct serve *s);
void serve_ymodem_call(struct serve *s);         /* the port is free: calls a sender, from a second on */
void serve_ymodem_hush(struct serve *s);         /* somebody speaks who is no YMODEM sender: no more calls */

#endif
