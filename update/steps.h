/* SPDX-License-Identifier: MIT */
/* What the files of the update engine share among themselves. */
#ifndef VCPBOOT_UPDATE_STEPS_H
#define VCPBOOT_UPDATE_STEPS_H

#include "update/session.h"

#define SESSION_BLANK_WORD 0xFFFFFFFFU
#define SESSION_NOT_BLANK 0xFFFFFFFFU    /* blank_to: something is, or was, somewhere */
#define SESSION_PAD 0x1AU               /* CPMEOF: what XMODEM and its kin fill up the last block with */
#define SESSION_STEP_WORDS 1024U        /* most words that one poll looks at: some 60 us at 168 MHz */

static inline uint32_t session_read(const struct session *s, uint32_t offset)
{
    return flash_read(s->where->base + offset);
}

/* plan.c. Offsets lie in the area; `to` at most its end. */
uint32_t plan_first(const struct session *s, size_t index);
uint32_t plan_end(const struct session *s, size_t index);
bool plan_has(const struct session *s, size_t index);
uint32_t plan_all(const struct session *s);     /* a bit for each sector of the area */
uint32_t plan_reached(const struct session *s); /* a bit for each sector that the image reaches */
uint32_t plan_data_end(const struct session *s);
/* The next offset of which data come: the head always does, then only what is planned. */
uint32_t plan_next(const struct session *s, uint32_t offset);
/* Does [from, to) stay within planned sectors, as far as it lies behind the head? */
bool plan_covers(const struct session *s, uint32_t from, uint32_t to);

/* session.c */
bool session_head_blank(const struct session *s);
void session_forget_head(struct session *s);
/* Parses the head that waits in RAM (s->head, s->seal, s->length): could this image start here? */
enum update_err session_accept_head(struct session *s);
void session_store(struct session *s, uint32_t offset, const uint8_t *p, size_t n);
void session_prepare(struct session *s, size_t index);    /* blank check, erase; then goes on with the block */
void session_fail(struct session *s, enum update_err err);
void session_fail_at(struct session *s, enum update_err err, uint32_t addr);
void session_program(struct session *s, uint32_t offset, const uint8_t *p, size_t words, uint32_t now_ms);

/* by_address.c: what the client asked for is done; what is next? */
void session_step_by_address(struct session *s);
enum update_err session_close(struct session *s);       /* session_finish of such an update */

/* verify.c: all data are in and programmed. */
void session_verify(struct session *s);
void session_step_find(struct session *s);
void session_step_crc(struct session *s);
void session_step_product(struct session *s);
void session_step_commit(struct session *s, uint32_t now_ms);

#endif
