/* SPDX-License-Identifier: MIT */
/* The update engine up to the last block: accepts data, checks the head, erases and programs. verify.c does the rest. */
/* Sources: RM0090 Rev 21 §3.6 "Erase and program operations" */
#include "update/session.h"

#include <string.h>

#include "update/steps.h"

/* --- ends and operations ------------------------------------------------------------------------------------------ */

void session_fail(struct session *s, enum update_err err)
{
    s->orphan = s->flying;
    s->step = STEP_NONE;
    s->status.err = err;
    s->status.phase = UPDATE_FAILED;
}

void session_fail_at(struct session *s, enum update_err err, uint32_t addr)
{
    s->status.fault_addr = addr;
    s->status.fault_sr = flash_status_register();
    session_fail(s, err);
}

void session_program(struct session *s, uint32_t offset, const uint8_t *p, size_t words, uint32_t now_ms)
{
    s->flying = true;
    flash_program_begin(s->where->base + offset, p, words, now_ms);
}

static void erase(struct session *s, uint32_t now_ms)
{
    s->flying = true;
    s->status.erases++;
    flash_erase_begin(s->area->sector[s->status.sector].addr, now_ms);
}

static enum update_err flash_error(const struct session *s, enum flash_result r)
{
    if (r == FLASH_E_PROTECTED)
        return UPDATE_E_PROTECTED;
    if (r == FLASH_E_TIMEOUT)
        return UPDATE_E_BUSY;
    return s->step == STEP_ERASE ? UPDATE_E_ERASE : UPDATE_E_PROGRAM;
}

bool session_head_blank(const struct session *s)
{
    for (uint32_t at = 0; at < SEAL_HEAD_BYTES; at += 4U)
        if (session_read(s, at) != SESSION_BLANK_WORD)
            return false;
    return true;
}

/* The old head must be gone before anything else changes, whatever the controller said about the erase. */
static void sector_ready(struct session *s)
{
    if (s->status.sector == 0 && !session_head_blank(s)) {
        session_fail_at(s, UPDATE_E_ERASE, s->where->base);
        return;
    }
    s->sector_end = plan_end(s, s->status.sector);
    s->status.phase = UPDATE_PROGRAMMING;
    s->step = STEP_WRITE;
}

/* An operation has ended. */
static void landed(struct session *s, enum flash_result r)
{
    s->flying = false;
    if (s->orphan)
        s->orphan = false;
    else if (r != FLASH_OK)
        session_fail_at(s, flash_error(s, r), flash_address());
    else if (s->step == STEP_ERASE)
        sector_ready(s);
}

/* --- beginning ---------------------------------------------------------------------------------------------------- */

void session_init(struct session *s, const struct flash_area *area, const struct seal_area *where, const char *product)
{
    memset(s, 0, sizeof *s);
    s->area = area;
    s->where = where;
    s->product = product;
}

static bool length_ok(const struct session *s, uint32_t length)
{
    return length >= SEAL_MIN_BYTES && length <= s->where->bytes;
}

/* Forgets the update, but not the flash operation that it may have left behind. */
static void forget(struct session *s)
{
    flash_stop();
    s->orphan = s->flying;
    s->step = STEP_NONE;
    s->finishing = false;
    s->by_address = false;
    s->words_before = flash_words();
    s->status = (struct update_status){ .err = UPDATE_OK, .phase = UPDATE_IDLE };
}

static void start(struct session *s, uint32_t length, uint32_t sectors)
{
    s->plan = sectors;
    s->length = length;
    s->open = length == SESSION_LENGTH_UNKNOWN;
    s->sector_end = 0;
    s->blank_to = 0;
    s->block_pos = 0;
    s->block_bytes = 0;
    s->step = STEP_WAIT;
    s->status.phase = UPDATE_PROGRAMMING;
}

enum update_err session_begin(struct session *s, uint32_t length, uint32_t sectors)
{
    forget(s);
    if (length != SESSION_LENGTH_UNKNOWN && !length_ok(s, length))
        return UPDATE_E_IMAGE_SIZE;
    start(s, length, sectors);
    return UPDATE_OK;
}

void session_forget_head(struct session *s)
{
    memset(s->head_bytes, 0xFF, sizeof s->head_bytes);
}

void session_open(struct session *s)
{
    forget(s);
    start(s, SESSION_LENGTH_UNKNOWN, SESSION_ALL_SECTORS);
    s->by_address = true;
    s->blank_to = SESSION_NOT_BLANK;    /* the client may erase twice what it has written in between */
    s->to_erase = 0;
    s->top = 0;
    session_forget_head(s);
}

void session_abort(struct session *s)
{
    forget(s);
}

void session_protect(struct session *s, uint32_t sectors, uint32_t now_ms)
{
    forget(s);
    s->flying = true;
    s->orphan = true;                   /* no step waits for its end */
    flash_protect_begin(s->area, sectors, now_ms);
}

/* --- the head ----------------------------------------------------------------------------------------------------- */

static enum update_err check_sealed(struct session *s)
{
    if (s->seal.life != LIFE_FRESH)
        return UPDATE_E_IMAGE_SEAL;
    if (s->open)
        s->length = s->seal.length;
    return s->seal.length == s->length ? UPDATE_OK : UPDATE_E_IMAGE_SIZE;
}

/* A raw image names neither its length nor what it leaves out: all of it must come. */
static enum update_err check_raw(const struct session *s)
{
    return (plan_all(s) & ~s->plan) == 0 ? UPDATE_OK : UPDATE_E_IMAGE_SEAL;
}

/* Everything that can be refused is refused here, before the first erase. Vectors come first: an image that is linked elsewhere
 * should hear just that. */
enum update_err session_accept_head(struct session *s)
{
    enum update_err err = UPDATE_E_IMAGE_SEAL;

    seal_head_load(&s->head, s->head_bytes);
    seal_parse(&s->seal, &s->head, s->where);
    if (!seal_vectors_ok(&s->head, s->where, s->seal.kind == SEAL_PRESENT ? s->seal.length : plan_data_end(s)))
        return UPDATE_E_IMAGE_VECTORS;
    if (s->seal.kind == SEAL_PRESENT)
        err = check_sealed(s);
    else if (s->seal.kind == SEAL_NONE)
        err = check_raw(s);
    /* Without the first sector in the plan nothing would erase an old head: an old application could start half overwritten. */
    if (err == UPDATE_OK && !plan_has(s, 0) && !session_head_blank(s))
        err = UPDATE_E_STATE;
    if (err == UPDATE_OK && (flash_protected(s->area) & s->plan & plan_reached(s)) != 0)
        err = UPDATE_E_PROTECTED;
    return err;
}

/* --- data --------------------------------------------------------------------------------------------------------- */

bool session_ready(const struct session *s)
{
    return s->step == STEP_WAIT && !s->finishing && !s->flying;
}

static enum update_err check_block(const struct session *s, uint32_t offset, size_t n)
{
    if (offset != s->status.next)
        return UPDATE_E_SEQUENCE;
    if (n == 0 || n > SESSION_BLOCK_MAX || offset % 4U != 0)
        return UPDATE_E_LENGTH;
    if (n > (s->open ? s->where->bytes : s->length) - offset)
        return UPDATE_E_IMAGE_SIZE;
    if (n % 4U != 0 && !s->open && n != s->length - offset)
        return UPDATE_E_LENGTH;         /* only the last block may end within a word */
    return plan_covers(s, offset, offset + (uint32_t)n) ? UPDATE_OK : UPDATE_E_RANGE;
}

/* The part of the block that belongs to the head waits in RAM; the rest is to be programmed. */
void session_store(struct session *s, uint32_t offset, const uint8_t *p, size_t n)
{
    size_t in_head = offset < SEAL_HEAD_BYTES ? SEAL_HEAD_BYTES - offset : 0;

    memcpy(s->block, p, n);
    while (n % 4U != 0)
        s->block[n++] = 0xFF;           /* SESSION_BLOCK_MAX is a multiple of 4: there is room */
    if (in_head > n)
        in_head = n;                    /* whole words: where it ends the rest begins, which is programmed word by word */
    if (in_head > 0)
        memcpy(s->head_bytes + offset, s->block, in_head);
    s->block_at = offset;
    s->block_pos = (uint32_t)in_head;
    s->block_bytes = (uint32_t)n;
}

/* The sender of a stream without a length fills up its last block: what stands behind the length in the seal must be that. */
static enum update_err cut_padding(struct session *s)
{
    uint32_t end = plan_data_end(s);

    if (s->status.next <= end)
        return UPDATE_OK;
    if (s->block_at >= end)
        return UPDATE_E_IMAGE_SIZE;
    for (uint32_t at = end; at < s->status.next; at++)
        if (s->block[at - s->block_at] != SESSION_PAD)
            return UPDATE_E_IMAGE_SIZE;
    s->status.next = end;
    s->block_bytes = end - s->block_at;
    return UPDATE_OK;
}

/* Erases the sector, unless all of the area was blank when the update began, and goes on with the block. */
void session_prepare(struct session *s, size_t index)
{
    s->status.sector = (uint8_t)index;
    s->status.phase = UPDATE_ERASING;
    s->step = STEP_BLANK;
}

enum update_err session_write(struct session *s, uint32_t offset, const uint8_t *p, size_t n)
{
    bool head_waits = s->status.next < SEAL_HEAD_BYTES;
    enum update_err err;

    if (!session_ready(s))
        return UPDATE_E_STATE;
    err = check_block(s, offset, n);
    if (err != UPDATE_OK)
        return err;
    session_store(s, offset, p, n);
    s->status.next += (uint32_t)n;
    if (s->status.next < SEAL_HEAD_BYTES)
        return UPDATE_OK;
    if (head_waits)
        err = session_accept_head(s);
    if (err == UPDATE_OK)
        err = cut_padding(s);
    if (err != UPDATE_OK) {
        session_fail(s, err);
        return err;
    }
    s->status.next = plan_next(s, s->status.next);
    s->step = STEP_WRITE;
    if (head_waits && plan_has(s, 0))
        session_prepare(s, 0);                  /* at once: the flash can erase while the data are still on their way */
    return UPDATE_OK;
}

enum update_err session_finish(struct session *s)
{
    enum update_err err;

    if (s->step == STEP_NONE || s->finishing)
        return UPDATE_E_STATE;
    err = s->by_address ? session_close(s) : UPDATE_OK;
    if (err != UPDATE_OK)
        return err;
    if (s->length != SESSION_LENGTH_UNKNOWN && s->status.next < s->length)
        return UPDATE_E_SEQUENCE;
    if (s->status.next < SEAL_MIN_BYTES) {
        session_fail(s, UPDATE_E_IMAGE_SIZE);
        return UPDATE_E_IMAGE_SIZE;
    }
    s->finishing = true;
    return UPDATE_OK;
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

/* Only a chip as it left the factory is not erased. Where anything has been written, a sector that reads blank may be one whose
 * erase was cut short: its cells would take the words now and lose bits later. */
static void step_blank(struct session *s, uint32_t now_ms)
{
    unsigned words = SESSION_STEP_WORDS / 4U;   /* the data are on their way: a UART's byte waits 87 us, at 115,200 baud */

    while (s->blank_to < s->where->bytes && session_read(s, s->blank_to) == SESSION_BLANK_WORD) {
        s->blank_to += 4U;
        if (--words == 0)
            return;
    }
    if (s->blank_to == s->where->bytes) {
        sector_ready(s);
        return;
    }
    s->blank_to = SESSION_NOT_BLANK;
    s->step = STEP_ERASE;
    erase(s, now_ms);
}

/* Programs what is left of the block, as far as the sector goes. */
static void step_write(struct session *s, uint32_t now_ms)
{
    uint32_t offset = s->block_at + s->block_pos, bytes = s->block_bytes - s->block_pos;

    if (bytes == 0) {
        s->step = s->by_address ? STEP_BY_ADDRESS : STEP_WAIT;
        return;
    }
    if (offset >= s->sector_end) {
        session_prepare(s, plan_sector_of(s, offset));
        return;
    }
    if (bytes > s->sector_end - offset)
        bytes = s->sector_end - offset;
    session_program(s, offset, s->block + s->block_pos, bytes / 4U, now_ms);
    s->block_pos += bytes;
    s->status.done += bytes;
}

enum update_phase session_poll(struct session *s, uint32_t now_ms)
{
    if (s->flying) {
        enum flash_result r = flash_poll(now_ms);

        s->status.words = flash_words() - s->words_before;
        if (r == FLASH_BUSY)
            return s->status.phase;
        landed(s, r);
    }
    switch (s->step) {
    case STEP_WRITE: step_write(s, now_ms); break;
    case STEP_WAIT:
        if (s->finishing)
            session_verify(s);
        break;
    case STEP_BLANK: step_blank(s, now_ms); break;
    case STEP_FIND: session_step_find(s); break;
    case STEP_CRC: session_step_crc(s); break;
    case STEP_PRODUCT: session_step_product(s); break;
    case STEP_COMMIT: session_step_commit(s, now_ms); break;
    case STEP_BY_ADDRESS: session_step_by_address(s); break;
    case STEP_NONE:
    case STEP_ERASE: break;
    }
    return s->status.phase;
}

const struct update_status *session_status(const struct session *s)
{
    return &s->status;
}

bool session_active(const struct session *s)
{
    return s->step != STEP_NONE || s->flying;
}
