/* SPDX-License-Identifier: MIT */
/* YMODEM's device side: calls the sender, hands its blocks to the update, and tells a person why a file was refused. */
/* Sources: docs/SPEC.md section 6; AN4657 */
#include "boot/serve_parts.h"

#include "image/bytes.h"

/* --- the sentence ------------------------------------------------------------------------------------------------------ */

static const struct excuse { uint8_t err; const char *text; } excuses[] = {
    { UPDATE_E_IMAGE_SIZE, "size does not fit" },
    { UPDATE_E_IMAGE_VECTORS, "does not run at %b: stack %s, reset vector %r" },
    { UPDATE_E_IMAGE_SEAL, "seal is damaged or used" },
    { UPDATE_E_IMAGE_CRC, "CRC is wrong" },
    { UPDATE_E_IMAGE_PRODUCT, "is for another product" },
    { UPDATE_E_STATE, "is missing" },
    { UPDATE_E_DENIED, "may not be read" },
    { UPDATE_OK, "could not be written" },
};

static const char *excuse_text(enum update_err err)
{
    const struct excuse *e = excuses;

    while (e->err != UPDATE_OK && e->err != err) {
        e++;
    }
    return e->text;
}

static void send_excuse(struct serve *s)
{
    if (s->ymodem.excuse_due) {
        s->ymodem.excuse_due = false;
        serve_say(s, "\r\nvcpboot: image %m\r\n", excuse_text(s->ymodem.excuse));
    }
}

/* --- the batch ------------------------------------------------------------------------------------------------------------- */

void serve_ymodem_call(struct serve *s)
{
    struct serve_ymodem *y = &s->ymodem;

    y->calls = SERVE_CALLS;
    y->called = 0;
    y->doubtful = false;
    y->pausing = false;
    y->call_ms = s->now_ms;
}

/* Whatever went wrong: the sender may come again, and waits for a call. */
static void batch_over(struct serve *s)
{
    serve_stopped(s);
    serve_release(s);
    serve_ymodem_call(s);
}

/* The receiver cancels and waits until the sender is quiet: only then would a person see the sentence. */
static void refuse(struct serve *s, enum update_err err)
{
    ym_reject(&s->ym);
    s->ymodem.excuse = err;
    s->ymodem.excuse_due = true;
}

static void on_file(struct serve *s)
{
    const struct ym_file *f = &s->ym.file;
    enum update_err err;

    /* A size of 0 counts as unknown here; then no data come, and session_finish refuses the file. */
    err = session_begin(s->set.session, f->has_size ? f->size : SESSION_LENGTH_UNKNOWN, SESSION_ALL_SECTORS);
    if (err != UPDATE_OK) {
        refuse(s, err);
        return;
    }
    s->ymodem.finishing = false;
    ym_accept(&s->ym);
}

static void on_block(struct serve *s, const uint8_t *block, size_t n)
{
    const struct update_status *st = session_status(s->set.session);
    enum update_err err = st->phase == UPDATE_FAILED ? st->err : UPDATE_OK;

    if (err == UPDATE_OK && n > 0) {
        if (!session_ready(s->set.session)) {
            return;
        }
        if (st->next == 0 && n >= 8) {
            s->ymodem.sp = load_le32(block);
            s->ymodem.reset = load_le32(block + 4);
        }
        err = session_write(s->set.session, st->next, block, n);
    }
    if (err != UPDATE_OK) {
        refuse(s, err);
        return;
    }
    ym_taken(&s->ym);
}

static void on_end(struct serve *s)
{
    const struct update_status *st = session_status(s->set.session);
    enum update_err err = UPDATE_OK;

    if (!s->ymodem.finishing) {
        err = session_finish(s->set.session);
        s->ymodem.finishing = true;
    }
    if (err == UPDATE_OK && st->phase == UPDATE_FAILED) {
        err = st->err;
    }
    if (err != UPDATE_OK) {
        refuse(s, err);
    } else if (st->phase == UPDATE_DONE) {
        s->ymodem.committed = true;
        ym_accept(&s->ym);
    }
}

/* A sender that vanishes behind its last EOT has delivered all the same. */
static void on_over(struct serve *s)
{
    batch_over(s);
    if (s->ymodem.committed) {
        serve_leave_in(s, 0, SERVE_YM_REBOOT_MS);
    }
}

static void flush(struct serve *s)
{
    uint8_t bytes[sizeof s->ym.out];

    if (serve_room(s) >= sizeof bytes) {
        serve_send(s, bytes, ym_output(&s->ym, bytes, sizeof bytes));
    }
}

static void follow_batch(struct serve *s)
{
    const uint8_t *block = NULL;
    size_t n = 0;

    switch (ym_poll(&s->ym, &block, &n)) {
    case YM_FILE: on_file(s); break;
    case YM_BLOCK: on_block(s, block, n); break;
    case YM_END: on_end(s); break;
    case YM_DONE:
    case YM_CANCELLED:
        on_over(s);
        break;
    case YM_NONE:
        ym_tick(&s->ym, s->now_ms);
        if (!s->ym.in_batch && s->now_ms - s->heard_ms >= SERVE_HEADER_MS) {
            serve_release(s);           /* it only looked like a header: whoever sent it may mean something else */
        }
        break;
    }
}

/* --- the call ----------------------------------------------------------------------------------------------------------------- */

static void call(struct serve *s)
{
    struct serve_ymodem *y = &s->ymodem;

    if (y->calls == 0 || s->now_ms - y->call_ms < (y->pausing ? SERVE_PAUSE_MS : SERVE_CALL_MS) || serve_room(s) == 0) {
        return;
    }
    y->pausing = y->doubtful;
    y->doubtful = false;
    y->called = y->calls <= SERVE_CALLS_ASIDE && y->calls % 2 == 0 ? YM_STREAM : YM_CRC;
    y->calls--;
    y->call_ms = s->now_ms;
    serve_send(s, &y->called, 1);
}

bool serve_ymodem_echoes(struct serve *s, uint8_t byte)
{
    struct serve_ymodem *y = &s->ymodem;

    y->doubtful = y->calls != 0 && byte == y->called && s->now_ms - y->call_ms < SERVE_ECHO_MS;
    return y->doubtful;
}

void serve_ymodem_hush(struct serve *s)
{
    s->ymodem.calls = 0;
}

void serve_ymodem_opened(struct serve *s)
{
    s->ymodem = (struct serve_ymodem){ .calls = SERVE_CALLS, .call_ms = s->now_ms };
    ym_init(&s->ym, s->now_ms);
}

void serve_ymodem_start(struct serve *s)
{
    serve_ymodem_hush(s);
    ym_init(&s->ym, s->now_ms);
    s->ym.streaming = s->ymodem.called == YM_STREAM;
    s->client = SERVE_YMODEM;
}

void serve_ymodem_refuse(struct serve *s, enum update_err err)
{
    serve_ymodem_start(s);
    refuse(s, err);
}

void serve_ymodem_poll(struct serve *s)
{
    if (s->client == SERVE_YMODEM) {
        follow_batch(s);
    } else {
        call(s);
        send_excuse(s);
    }
    flush(s);
}
