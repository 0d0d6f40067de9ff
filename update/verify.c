/* SPDX-License-Identifier: MIT */
/* The end of an update: seals a raw image, checks CRC and product over the flash, and commits. */
#include <string.h>

#include "image/bytes.h"
#include "image/info.h"
#include "update/steps.h"

#define PRODUCT_MAX 40U                 /* more than a product may have: a name that is too long must not fit by being cut */

_Static_assert(INFO_HEADER_BYTES + INFO_ENTRIES_MAX <= SESSION_BLOCK_MAX, "an info block is read into the block buffer");

/* --- the info block ----------------------------------------------------------------------------------------------- */

/* Copies the info block at offset into the block buffer; returns the bytes of its entries, 0 if it is not whole. */
static size_t load_info(struct session *s, uint32_t offset)
{
    uint32_t bytes = s->length - offset;

    if (offset < SEAL_HEAD_BYTES || offset >= s->length)
        return 0;
    if (bytes > INFO_HEADER_BYTES + INFO_ENTRIES_MAX)
        bytes = INFO_HEADER_BYTES + INFO_ENTRIES_MAX;
    for (uint32_t at = 0; at < bytes; at += 4U)
        store_le32(s->block + at, session_read(s, offset + at));
    return info_check(s->block, bytes, 0);
}

static void start_crc(struct session *s)
{
    flash_crc_reset();
    for (size_t i = 0; i < SEAL_HEAD_WORDS; i++)
        if (seal_word_counts(i))
            flash_crc_word(s->head.word[i]);
    s->cursor = SEAL_HEAD_BYTES;
    s->step = STEP_CRC;
}

/* The CRC covers the rest of the seal: it is written into the head before the CRC is known, and again with it. */
static void seal_raw(struct session *s, uint32_t crc)
{
    seal_apply(&s->head, s->length, crc, s->seal.flags, s->seal.info_offset);
}

static void found(struct session *s, uint32_t offset, uint8_t flags)
{
    s->seal.info_offset = offset;
    s->seal.flags = flags;
    seal_raw(s, 0);
    start_crc(s);
}

void session_step_find(struct session *s)
{
    for (unsigned words = SESSION_STEP_WORDS; words > 0; words--, s->cursor += 4U) {
        uint32_t at = s->cursor;
        size_t n;

        if (s->length - at < INFO_HEADER_BYTES) {
            found(s, 0, 0);
            return;
        }
        if (session_read(s, at) != INFO_MAGIC_LO || session_read(s, at + 4U) != INFO_MAGIC_HI)
            continue;
        n = load_info(s, at);
        if (n > 0) {
            found(s, at, info_flags(s->block + INFO_HEADER_BYTES, n));
            return;
        }
        words = 1;                      /* reading it took its time: the rest is for the next poll */
    }
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

void session_verify(struct session *s)
{
    s->status.phase = UPDATE_VERIFYING;
    if (s->seal.kind == SEAL_PRESENT) {
        start_crc(s);
        return;
    }
    s->length = (s->status.next + 3U) & ~3U;        /* at most the area, which is a multiple of 4 */
    if (!seal_vectors_ok(&s->head, s->where, s->length)) {
        session_fail(s, UPDATE_E_IMAGE_VECTORS);
        return;
    }
    s->cursor = SEAL_HEAD_BYTES;
    s->step = STEP_FIND;
}

/* A client that writes by address and has not said that it is done may still write what is missing. */
static void crc_wrong(struct session *s)
{
    if (!s->by_address || s->finishing) {
        session_fail(s, UPDATE_E_IMAGE_CRC);
        return;
    }
    s->length = SESSION_LENGTH_UNKNOWN;
    s->status.phase = UPDATE_PROGRAMMING;
    s->step = STEP_WAIT;
}

void session_step_crc(struct session *s)
{
    uint32_t words = (s->length - s->cursor) / 4U;
    uint32_t crc;

    if (words > SESSION_STEP_WORDS)
        words = SESSION_STEP_WORDS;
    crc = flash_crc_block(s->where->base + s->cursor, words);
    s->cursor += 4U * words;
    if (s->cursor < s->length)
        return;
    if (s->seal.kind != SEAL_PRESENT) {
        seal_raw(s, crc);
    } else if (crc != s->seal.crc) {
        crc_wrong(s);
        return;
    }
    s->step = STEP_PRODUCT;
}

static bool product_fits(struct session *s)
{
    char name[PRODUCT_MAX];
    size_t want = 0, have;

    while (s->product[want] != '\0')
        want++;
    if (want == 0)
        return true;
    have = info_text(s->block + INFO_HEADER_BYTES, load_info(s, s->seal.info_offset), INFO_PRODUCT, name, sizeof name);
    return have == want && memcmp(name, s->product, want) == 0;
}

void session_step_product(struct session *s)
{
    if (!product_fits(s)) {
        session_fail(s, UPDATE_E_IMAGE_PRODUCT);
        return;
    }
    s->status.phase = UPDATE_COMMITTING;
    s->status.sector = 0;
    s->cursor = 0;
    s->step = STEP_COMMIT;
}

/* --- the commit --------------------------------------------------------------------------------------------------- */

static void finish_commit(struct session *s)
{
    for (uint32_t i = 0; i < SEAL_HEAD_WORDS; i++) {
        if (session_read(s, 4U * i) != s->head.word[i]) {
            session_fail_at(s, UPDATE_E_PROGRAM, s->where->base + 4U * i);
            return;
        }
    }
    s->status.done += SEAL_HEAD_BYTES;
    s->status.phase = UPDATE_DONE;
    s->step = STEP_NONE;
}

/* Words 1 to 15, then word 0: until the initial SP stands there, the flash says "no application". The life word is all ones and
 * stays as the erase left it. */
void session_step_commit(struct session *s, uint32_t now_ms)
{
    uint32_t first = s->cursor == 0 ? 1U : 0;

    if (s->cursor++ > 1U) {
        finish_commit(s);
        return;
    }
    for (size_t i = 0; i < SEAL_HEAD_WORDS; i++)
        store_le32(s->block + 4U * i, s->head.word[i]);
    session_program(s, 4U * first, s->block + 4U * first, first != 0 ? SEAL_HEAD_WORDS - 1U : 1U, now_ms);
}
