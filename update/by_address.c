/* SPDX-License-Identifier: MIT */
/* An update by address: the client says what to erase and what to write, and perhaps when it is done. */
/* Sources: docs/DESIGN.md "The commit"; AN3155, AN3156 (whose clients work like that) */
#include "image/bytes.h"
#include "update/steps.h"

#define FIRST_SECTOR 1U

/* What was written last may be about to go. */
static void lower_top(struct session *s, uint32_t sectors)
{
    for (size_t i = s->area->count; i-- > 0;)
        if ((sectors >> i & 1U) != 0 && s->top > plan_first(s, i) && s->top <= plan_end(s, i))
            s->top = plan_first(s, i);
}

enum update_err session_erase(struct session *s, uint32_t sectors)
{
    if (!session_ready(s))
        return UPDATE_E_STATE;
    sectors &= plan_all(s);
    if (sectors != 0 && (sectors & FIRST_SECTOR) == 0 && !session_head_blank(s))
        return UPDATE_E_STATE;
    lower_top(s, sectors);
    s->to_erase = sectors;
    s->step = STEP_BY_ADDRESS;
    return UPDATE_OK;
}

enum update_err session_put(struct session *s, uint32_t offset, const uint8_t *p, size_t n)
{
    if (!session_ready(s) || !session_head_blank(s))
        return UPDATE_E_STATE;
    if (n == 0 || n > SESSION_BLOCK_MAX || offset % 4U != 0)
        return UPDATE_E_LENGTH;
    if (offset > s->where->bytes || n > s->where->bytes - offset)
        return UPDATE_E_RANGE;
    session_store(s, offset, p, n);
    if (s->block_at + s->block_bytes > s->top)
        s->top = s->block_at + s->block_bytes;
    s->sector_end = s->where->bytes;    /* what is blank is the client's affair: each word is read back */
    s->step = STEP_WRITE;
    return UPDATE_OK;
}

uint32_t session_peek(const struct session *s, uint32_t offset)
{
    uint32_t word = session_read(s, offset);

    if (word == SESSION_BLANK_WORD && offset < SEAL_HEAD_BYTES && s->by_address && s->step != STEP_NONE)
        word = load_le32(s->head_bytes + offset);
    return word;
}

enum update_err session_close(struct session *s)
{
    enum update_err err = session_accept_head(s);

    s->status.next = s->top;
    return err;
}

static void erase_next(struct session *s)
{
    size_t index = 0;

    while ((s->to_erase >> index & 1U) == 0)
        index++;
    s->to_erase &= ~((uint32_t)1 << index);
    if (index == 0)
        session_forget_head(s);
    session_prepare(s, index);
}

/* Is it whole, although nobody has said so? Only a seal can tell. */
static bool looks_whole(struct session *s)
{
    bool sealed = session_accept_head(s) == UPDATE_OK && s->seal.kind == SEAL_PRESENT;

    s->length = SESSION_LENGTH_UNKNOWN; /* the client may still write another head */
    return sealed && s->seal.length <= s->top;
}

void session_step_by_address(struct session *s)
{
    if (s->to_erase != 0) {
        erase_next(s);
        return;
    }
    s->step = STEP_WAIT;
    if (looks_whole(s)) {
        s->length = s->seal.length;
        session_verify(s);
    }
}
