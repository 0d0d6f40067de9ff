/* SPDX-License-Identifier: MIT */
/* What the files of the serve share among themselves. */
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

/* serve_text.c: one or more sentences for a person, sent as the port has room. What does not fit is cut off. */
void serve_say(struct serve *s, const char *format, const char *insert);
void serve_text_drop(struct serve *s);           /* what is not sent yet is for nobody any more */
void serve_text_poll(struct serve *s);

/* serve_native.c: answers a whole frame, and reports unasked when a report is due. */
void serve_native_init(struct serve *s);
void serve_native_poll(struct serve *s);
void serve_native_opened(struct serve *s);
void serve_native_describe(struct serve *s);     /* fills set.self with what is installed */
/* What the head in flash says. While an update runs there is no application, nor without a place for one: SEAL_BLANK. */
void serve_installed(const struct serve *s, struct seal_info *seal);

/* serve_ymodem.c: calls, answers the receiver's events, sends what it has to say. */
void serve_ymodem_opened(struct serve *s);
void serve_ymodem_start(struct serve *s);
void serve_ymodem_poll(struct serve *s);
void serve_ymodem_call(struct serve *s);         /* the port is free: calls a sender, from a second on */
void serve_ymodem_hush(struct serve *s);         /* somebody speaks who is no YMODEM sender: no more calls */
/* Is that byte but our own call, sent back? */
bool serve_ymodem_echoes(struct serve *s, uint8_t byte);

/* Cancels a client that speaks YMODEM, and tells a person why. */
void serve_ymodem_refuse(struct serve *s, enum update_err err);

/* serve_send.c: the application, by YMODEM, to whoever calls for it. */
void serve_send_start(struct serve *s, bool streaming);          /* called already, by 'C' or 'G' */
void serve_send_wait(struct serve *s);                           /* waits for the call, a minute */
size_t serve_send_feed(struct serve *s, const uint8_t *p, size_t n);    /* 0: no receiver goes on like that, the port is free */
void serve_send_poll(struct serve *s);

/* serve_an3155.c: frames of commands, an update by address. */
bool serve_an3155_starts(const struct serve *s, uint8_t byte);   /* a command's first byte, or 0x7F, from a client at rest */
size_t serve_an3155_feed(struct serve *s, const uint8_t *p, size_t n);  /* bytes taken; 0: not now */
void serve_an3155_poll(struct serve *s);
void serve_an3155_opened(struct serve *s);
bool serve_an3155_rests(const struct serve *s); /* its client has the port, but has said nothing since the last answer */

/* serve_console.c: a person's keys. */
void serve_console_heard(struct serve *s, size_t n);             /* n bytes have come, whosever they are */
void serve_console_byte(struct serve *s, uint8_t byte);          /* one of them is from nobody known */
void serve_console_poll(struct serve *s);
void serve_console_opened(struct serve *s);

#endif
