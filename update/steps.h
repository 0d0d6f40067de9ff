/* SPDX-License-Identifier: MIT */
/* What the files of the update engine share among themselves. */
#ifndef VCPBOOT_UPDATE_STEPS_H
#define VCPBOOT_UPDATE_STEPS_H

#include "update/session.h"

#define SESSION_BLANK_WORD 0xFFFFFFFFU
#define SESSION_PAD 0x1AU               /* CPMEOF: what XMODEM and its kin fill up the last block with */
#define SESSION_STEP_WORDS 1024U        /* most words that one poll looks at: some 60 us at 168 MHz */

static inline uint32_t session_read(const struct session *s, uint32_t offset)
{
    return flash_read(s->where->base + offset);
}

/* plan.c. Offsets lie in the area; `to` at most its end. */
uint32_t plan_first(const struct session *s, size_t index);
uint32_t plan_end(const struct session *s, size_t index);
size_t plan_sector_of(const struct session *s, uint32_t offset);
bool plan_has(const struct session *s, size_t index);
bool plan_is_whole(const struct session *s);
uint32_t plan_data_end(const struct session *s);
/* The next offset of which data come: the head always does, then only what is planned. */
uint32_t plan_next(const struct session *s, uint32_t offset);
/* Does [from, to) stay within planned sectors, as far as it lies behind the head? */
bool plan_covers(const struct session *s, uint32_t from, uint32_t to);

/* session.c */
void session_fail(struct session *s, enum update_err err);
void session_fail_at(struct session *s, enum update_err err, uint32_t addr);
void session_program(struct session *s, uint32_t offset, uint32_t word, uint32_t now_ms);

/* verify.c: all data are in and programmed. */
void session_verify(struct session *s);
void session_step_find(struct session *s);
void session_step_crc(struct session *s);
void session_step_product(struct session *s);
void session_step_commit(struct session *s, uint32_t now_ms);

#endif
