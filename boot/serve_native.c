/* SPDX-License-Identifier: MIT */
/* The native protocol's device side: one function a request, and the reports that go out unasked. */
/* Sources: docs/SPEC.md sections 5.2 to 5.5 */
#include "boot/serve_parts.h"

#include <string.h>

#include "image/bytes.h"

#define STATUS_FRAME_BYTES (NATIVE_HEADER_BYTES + NATIVE_STATUS_BYTES + NATIVE_TRAILER_BYTES)
#define UNASKED ((uint8_t)(NATIVE_DATA | NATIVE_ANSWER))
#define REQUEST_LAST 3U                 /* MAILBOX_ROM: the highest that REBOOT may ask for */

/* A request's handler. False: not yet, the frame stays and is offered again. */
typedef bool handler(struct serve *s, const struct native_frame *f, uint32_t now_ms);

static bool is_flash_error(enum update_err err)
{
    return err == UPDATE_E_ERASE || err == UPDATE_E_PROGRAM || err == UPDATE_E_PROTECTED || err == UPDATE_E_BUSY;
}

static void send_status(struct serve *s, uint8_t type, uint8_t seq, enum update_err err)
{
    const struct update_status *st = session_status(s->set.session);
    struct native_status w = { .err = (uint8_t)err, .phase = (uint8_t)st->phase, .sector = st->sector,
                               .next = st->next, .done = st->done };
    uint8_t payload[NATIVE_STATUS_BYTES];

    if (err == st->err && is_flash_error(err)) {
        w.next = st->fault_addr;
        w.done = st->fault_sr;
    }
    native_put_status(payload, &w);
    serve_send(s, s->out, native_encode(s->out, sizeof s->out, type, seq, payload, sizeof payload));
}

static void answer_status(struct serve *s, const struct native_frame *f, enum update_err err)
{
    send_status(s, f->type | NATIVE_ANSWER, f->seq, err);
}

/* The payload stands in s->out already, behind the room for the header. */
static void answer_payload(struct serve *s, const struct native_frame *f, size_t n)
{
    serve_send(s, s->out, native_encode(s->out, sizeof s->out, f->type | NATIVE_ANSWER, f->seq, s->out + NATIVE_HEADER_BYTES, n));
}

static void note_told(struct serve *s, uint32_t now_ms)
{
    const struct update_status *st = session_status(s->set.session);

    s->native.told_phase = st->phase;
    s->native.told_sector = st->sector;
    s->native.told_next = st->next;
    s->native.told_ms = now_ms;
}

/* --- HELLO ------------------------------------------------------------------------------------------------------------ */

static void load_installed_head(const struct serve *s, struct seal_head *head)
{
    for (size_t i = 0; i < SEAL_HEAD_WORDS; i++) {
        head->word[i] = flash_read(s->set.where->base + (uint32_t)(4 * i));
    }
}

/* The installed image's info entries, copied from flash: an empty range if there are none. */
static void load_entries(struct serve *s, const struct seal_info *seal, struct native_hello *h)
{
    uint32_t bytes = sizeof s->info, at = seal->info_offset;

    if (at < SEAL_HEAD_BYTES || at >= seal->length) {
        return;
    }
    if (bytes > seal->length - at) {
        bytes = seal->length - at;
    }
    for (uint32_t i = 0; i + 4 <= bytes; i += 4) {
        store_le32(s->info + i, flash_read(s->set.where->base + at + i));
    }
    h->entries_bytes = info_check(s->info, bytes, 0);
    h->entries = s->info + INFO_HEADER_BYTES;
}

/* While an update runs there is no application, and a read would stall until the sector's erase is over (RM0090 §3.5). */
static void describe_installed(struct serve *s, struct native_hello *h)
{
    struct seal_head head;
    struct seal_info seal;

    if (session_active(s->set.session) || s->set.area->count == 0) {
        return;
    }
    load_installed_head(s, &head);
    seal_parse(&seal, &head, s->set.where);
    if (seal.kind != SEAL_PRESENT) {
        return;
    }
    h->image_bytes = seal.length;
    h->image_crc = seal.crc;
    h->life = seal.life;
    load_entries(s, &seal, h);
}

static bool on_hello(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    struct native_hello h = s->set.self;

    (void)now_ms;
    h.status = UPDATE_OK;
    h.version = NATIVE_VERSION;
    h.mode = 0;
    h.reason = (uint8_t)s->reason;
    h.data_max = NATIVE_DATA_MAX;
    h.app_base = s->set.where->base;
    h.app_bytes = s->set.where->bytes;
    h.sectors = (uint8_t)s->set.area->count;
    for (size_t i = 0; i < s->set.area->count; i++) {
        h.sector_kb[i] = (uint16_t)(s->set.area->sector[i].bytes / 1024U);
    }
    describe_installed(s, &h);
    answer_payload(s, f, native_put_hello(s->out + NATIVE_HEADER_BYTES, NATIVE_PAYLOAD_MAX, &h));
    return true;
}

/* --- DIGEST, READ ------------------------------------------------------------------------------------------------------- */

static bool on_digest(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    uint32_t length = load_le32(f->payload), start = 0;
    uint8_t *out = s->out + NATIVE_HEADER_BYTES;
    size_t n = 8;

    (void)now_ms;
    if (length < SEAL_MIN_BYTES || length % 4 != 0 || length > s->set.where->bytes) {
        answer_status(s, f, UPDATE_E_RANGE);
        return true;
    }
    /* Whoever asks begins anew: an update that is under way, its own or a dead client's, ends here. */
    if (!serve_stopped(s)) {
        return false;
    }
    serve_release(s);
    store_le32(out, UPDATE_OK);
    store_le32(out + 4, session_digest_head(s->set.session));
    for (size_t i = 0; i < s->set.area->count && start < length; i++) {
        store_le32(out + n, session_digest_sector(s->set.session, i, length));
        start += s->set.area->sector[i].bytes;
        n += 4;
    }
    answer_payload(s, f, n);
    return true;
}

static bool on_read(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    uint32_t offset = load_le32(f->payload), n = load_le32(f->payload + 4);
    uint8_t *out = s->out + NATIVE_HEADER_BYTES;
    enum update_err err = UPDATE_OK;

    (void)now_ms;
    if ((s->set.self.capabilities & NATIVE_CAP_READ) == 0) {
        err = UPDATE_E_DENIED;
    } else if (n == 0 || n > NATIVE_DATA_MAX || offset > s->set.where->bytes || n > s->set.where->bytes - offset) {
        err = UPDATE_E_RANGE;
    } else if (session_active(s->set.session)) {
        err = UPDATE_E_STATE;
    }
    if (err != UPDATE_OK) {
        answer_status(s, f, err);
        return true;
    }
    store_le32(out, UPDATE_OK);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = offset + i;

        out[4 + i] = (uint8_t)(flash_read(s->set.where->base + (at & ~3U)) >> (8 * (at & 3U)));
    }
    answer_payload(s, f, 4 + (size_t)n);
    return true;
}

/* --- the update ------------------------------------------------------------------------------------------------------------ */

static enum update_err begin(struct serve *s, const uint8_t *payload)
{
    const uint8_t *head = payload;
    enum update_err err;

    if (load_le32(head + SEAL_AT_MAGIC) != SEAL_MAGIC) {
        return UPDATE_E_IMAGE_SEAL;
    }
    err = session_begin(s->set.session, load_le32(head + SEAL_AT_LENGTH), load_le32(payload + SEAL_HEAD_BYTES));
    if (err == UPDATE_OK) {
        err = session_write(s->set.session, 0, head, SEAL_HEAD_BYTES);
    }
    return err;
}

static bool on_begin(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    enum update_err err;

    if (!serve_stopped(s)) {
        return false;
    }
    serve_release(s);
    err = begin(s, f->payload);
    if (err == UPDATE_OK) {
        s->client = SERVE_NATIVE;
        s->heard_ms = now_ms;
        s->native.seq = f->seq;
        s->native.told_sequence = false;
        s->native.sequence_due = false;
        note_told(s, now_ms);
    } else {
        session_abort(s->set.session);
    }
    answer_status(s, f, err);
    return true;
}

/* A DATA frame that no update waits for is answered once: a window full of them stands behind it, and whoever comes next on
 * the port must not read their answers. */
static void refuse_stray(struct serve *s, const struct native_frame *f)
{
    const struct update_status *st = session_status(s->set.session);

    if (!s->native.told_state) {
        s->native.told_state = true;
        answer_status(s, f, st->phase == UPDATE_FAILED ? st->err : UPDATE_E_STATE);
    }
}

static bool on_data(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    const struct update_status *st = session_status(s->set.session);
    uint32_t offset;
    enum update_err err;

    (void)now_ms;
    if (s->client != SERVE_NATIVE) {
        refuse_stray(s, f);
        return true;
    }
    s->native.seq = f->seq;
    if (f->length < 8 || f->length % 4 != 0) {
        answer_status(s, f, UPDATE_E_LENGTH);
        return true;
    }
    offset = load_le32(f->payload);
    if (offset != st->next) {
        s->native.sequence_due = !s->native.told_sequence || s->native.told_sequence_at != st->next;
        return true;
    }
    if (!session_ready(s->set.session)) {
        return false;
    }
    err = session_write(s->set.session, offset, f->payload + 4, f->length - 4U);
    if (err != UPDATE_OK) {
        answer_status(s, f, err);
    }
    return true;
}

/* Answered when it is over: done or failed (serve_native_poll). A FINISH that is repeated because its answer got lost learns
 * what has become of the update. */
static bool on_finish(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    const struct update_status *st = session_status(s->set.session);
    enum update_err err;

    (void)now_ms;
    if (s->client != SERVE_NATIVE) {
        answer_status(s, f, st->phase == UPDATE_DONE || st->phase == UPDATE_FAILED ? st->err : UPDATE_E_STATE);
        return true;
    }
    err = s->native.finishing ? UPDATE_OK : session_finish(s->set.session);
    if (err != UPDATE_OK) {
        answer_status(s, f, err);
        return true;
    }
    s->native.finishing = true;
    s->native.finish_seq = f->seq;
    return true;
}

static bool on_abort(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    (void)now_ms;
    if (!serve_stopped(s)) {
        return false;
    }
    serve_release(s);
    answer_status(s, f, UPDATE_OK);
    return true;
}

static bool on_reboot(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    if (f->payload[0] > REQUEST_LAST) {
        answer_status(s, f, UPDATE_E_RANGE);
        return true;
    }
    if (!serve_stopped(s)) {
        return false;
    }
    serve_release(s);
    answer_status(s, f, UPDATE_OK);
    serve_leave_in(s, now_ms, f->payload[0], SERVE_REBOOT_MS);
    return true;
}

/* --- requests and reports ----------------------------------------------------------------------------------------------------- */

#define ANY_LENGTH 0xFFFFU

static const struct request { uint8_t type; uint16_t length; handler *handle; } requests[] = {
    { NATIVE_DATA, ANY_LENGTH, on_data },
    { NATIVE_HELLO, 0, on_hello },
    { NATIVE_DIGEST, 4, on_digest },
    { NATIVE_BEGIN, SEAL_HEAD_BYTES + 4, on_begin },
    { NATIVE_FINISH, 0, on_finish },
    { NATIVE_ABORT, 0, on_abort },
    { NATIVE_REBOOT, 1, on_reboot },
    { NATIVE_READ, 8, on_read },
};

static bool handle(struct serve *s, const struct native_frame *f, uint32_t now_ms)
{
    if ((f->type & NATIVE_ANSWER) != 0) {
        return true;                    /* our own words, sent back by a tty in echo mode */
    }
    if (f->type != NATIVE_DATA) {
        s->native.told_state = false;
    }
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        if (requests[i].type != f->type) {
            continue;
        }
        if (requests[i].length != ANY_LENGTH && requests[i].length != f->length) {
            answer_status(s, f, UPDATE_E_LENGTH);
            return true;
        }
        return requests[i].handle(s, f, now_ms);
    }
    answer_status(s, f, UPDATE_E_UNKNOWN);
    return true;
}

static bool report_due(const struct serve *s, uint32_t now_ms)
{
    const struct update_status *st = session_status(s->set.session);

    return s->native.sequence_due || st->phase != s->native.told_phase || st->sector != s->native.told_sector ||
           st->next - s->native.told_next >= SERVE_STATUS_BYTES || now_ms - s->native.told_ms >= SERVE_STATUS_MS;
}

static void report(struct serve *s, uint32_t now_ms)
{
    const struct update_status *st = session_status(s->set.session);
    bool over = st->phase == UPDATE_DONE || st->phase == UPDATE_FAILED;

    if (over && s->native.finishing) {
        send_status(s, NATIVE_FINISH | NATIVE_ANSWER, s->native.finish_seq, st->err);
    } else if (s->native.sequence_due && st->err == UPDATE_OK) {
        send_status(s, UNASKED, s->native.seq, UPDATE_E_SEQUENCE);
        s->native.told_sequence = true;
        s->native.told_sequence_at = st->next;
    } else {
        send_status(s, UNASKED, s->native.seq, st->err);
    }
    s->native.sequence_due = false;
    note_told(s, now_ms);
    if (over) {
        s->native.told_state = true;
        serve_release(s);
    }
}

void serve_native_opened(struct serve *s)
{
    s->native.told_state = true;        /* what still stands in the ring is the last client's */
}

void serve_native_poll(struct serve *s, uint32_t now_ms)
{
    struct native_frame frame;

    if (s->client == SERVE_NATIVE && report_due(s, now_ms) && serve_room(s) >= STATUS_FRAME_BYTES) {
        report(s, now_ms);
    }
    if (!native_rx_frame(&s->rx, &frame) || serve_room(s) < sizeof s->out) {
        return;
    }
    if (handle(s, &frame, now_ms)) {
        native_rx_release(&s->rx);
    }
}
