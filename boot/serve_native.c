/* SPDX-License-Identifier: MIT */
/* The native protocol's device side: one function a request, and the reports that go out unasked. */
/* Sources: docs/SPEC.md sections 5.2 to 5.5 */
#include "boot/serve_parts.h"

#include "image/bytes.h"

#define STATUS_FRAME_BYTES (NATIVE_HEADER_BYTES + NATIVE_STATUS_BYTES + NATIVE_TRAILER_BYTES)
#define REQUEST_LAST 3U                 /* MAILBOX_ROM: the highest that REBOOT may ask for */

/* What becomes of a request: an enum update_err is answered as a status; or the handler has seen to the answer itself; or the
 * frame stays, and is offered again. */
enum { ANSWERED = 0x100, LATER };
typedef unsigned handler(struct serve *s, const struct native_frame *f);

static void send_frame(struct serve *s, unsigned type, uint8_t seq, const uint8_t *payload, size_t n)
{
    serve_send(s, s->out, native_encode(s->out, sizeof s->out, (uint8_t)(type | NATIVE_ANSWER), seq, payload, n));
}

static void send_status(struct serve *s, unsigned type, uint8_t seq, unsigned err)
{
    const struct update_status *st = session_status(s->set.session);
    struct native_status w = { .err = (uint8_t)err, .phase = (uint8_t)st->phase, .sector = st->sector,
                               .next = st->next, .done = st->done };
    uint8_t payload[NATIVE_STATUS_BYTES];

    if (err == st->err && err >= UPDATE_E_ERASE && err <= UPDATE_E_BUSY) {
        w.next = st->fault_addr;
        w.done = st->fault_sr;
    }
    native_put_status(payload, &w);
    send_frame(s, type, seq, payload, sizeof payload);
}

/* The payload stands in s->out already, behind the room for the header. */
static unsigned answer(struct serve *s, const struct native_frame *f, size_t n)
{
    send_frame(s, f->type, f->seq, s->out + NATIVE_HEADER_BYTES, n);
    return ANSWERED;
}

static void note_told(struct serve *s)
{
    const struct update_status *st = session_status(s->set.session);

    s->native.told_phase = st->phase;
    s->native.told_sector = st->sector;
    s->native.told_next = st->next;
    s->native.told_ms = s->now_ms;
}

static uint32_t read_flash(const struct serve *s, uint32_t offset)
{
    return flash_read(s->set.where->base + offset);
}

/* --- HELLO ------------------------------------------------------------------------------------------------------------ */

/* The installed image's info entries, copied from flash. At 0 (the seal names no block) nothing is whole, so there are none. */
static void load_entries(struct serve *s, const struct seal_info *seal)
{
    uint32_t at = seal->info_offset;
    uint32_t bytes = seal->length - at; /* seal_parse has seen to it that at < length, or both are 0 */

    if (bytes > sizeof s->info) {
        bytes = sizeof s->info;
    }
    for (uint32_t i = 0; i < bytes; i += 4) {
        store_le32(s->info + i, read_flash(s, at + i));
    }
    s->set.self.entries = s->info + INFO_HEADER_BYTES;
    s->set.self.entries_bytes = info_check(s->info, bytes, 0);
}

void serve_installed(const struct serve *s, struct seal_info *seal)
{
    struct seal_head head;

    *seal = (struct seal_info){ .kind = SEAL_BLANK };   /* as seal_parse leaves it, too, unless there is a seal */
    /* While an update runs a read would stall until the sector's erase is over (RM0090 §3.6.3). */
    if (!session_active(s->set.session) && s->set.area->count != 0) {
        for (uint32_t i = 0; i < SEAL_HEAD_WORDS; i++) {
            head.word[i] = read_flash(s, 4 * i);
        }
        seal_parse(seal, &head, s->set.where);
    }
}

void serve_native_describe(struct serve *s)
{
    struct seal_info seal;

    serve_installed(s, &seal);
    s->set.self.image_bytes = seal.length;
    s->set.self.image_crc = seal.crc;
    s->set.self.life = seal.life;
    load_entries(s, &seal);
}

static unsigned on_hello(struct serve *s, const struct native_frame *f)
{
    serve_native_describe(s);
    s->set.self.reason = (uint8_t)s->reason;
    return answer(s, f, native_put_hello(s->out + NATIVE_HEADER_BYTES, NATIVE_PAYLOAD_MAX, &s->set.self));
}

void serve_native_init(struct serve *s)
{
    struct native_hello *h = &s->set.self;

    native_rx_init(&s->rx);
    h->status = UPDATE_OK;
    h->version = NATIVE_VERSION;
    h->mode = 0;
    h->data_max = NATIVE_DATA_MAX;
    h->app_base = s->set.where->base;
    h->app_bytes = s->set.where->bytes;
    h->sectors = (uint8_t)s->set.area->count;
    for (size_t i = 0; i < s->set.area->count; i++) {
        h->sector_kb[i] = (uint16_t)(s->set.area->sector[i].bytes / 1024U);
    }
}

/* --- DIGEST, READ ------------------------------------------------------------------------------------------------------- */

static bool may(const struct serve *s, uint32_t capability)
{
    return (s->set.self.capabilities & capability) != 0;
}

/* Digests of two lengths that are a word apart tell that word: a CRC-32 of one word can be undone. */

static unsigned on_digest(struct serve *s, const struct native_frame *f)
{
    uint32_t length = load_le32(f->payload), start = 0;
    uint8_t *out = s->out + NATIVE_HEADER_BYTES;
    size_t n = 8;

    if (!may(s, NATIVE_CAP_READ)) {
        return UPDATE_E_DENIED;
    }
    if (length < SEAL_MIN_BYTES || length % 4 != 0 || length > s->set.where->bytes) {
        return UPDATE_E_RANGE;
    }
    store_le32(out, UPDATE_OK);
    store_le32(out + 4, session_digest_head(s->set.session));
    for (size_t i = 0; start < length; i++) {   /* the sectors reach as far as the area, and so does length at most */
        store_le32(out + n, session_digest_sector(s->set.session, i, length));
        start += s->set.area->sector[i].bytes;
        n += 4;
    }
    return answer(s, f, n);
}

static unsigned on_read(struct serve *s, const struct native_frame *f)
{
    uint32_t offset = load_le32(f->payload), n = load_le32(f->payload + 4);
    uint8_t *out = s->out + NATIVE_HEADER_BYTES;

    if (!may(s, NATIVE_CAP_READ)) {
        return UPDATE_E_DENIED;
    }
    if (n == 0 || n > NATIVE_DATA_MAX || offset > s->set.where->bytes || n > s->set.where->bytes - offset) {
        return UPDATE_E_RANGE;
    }
    if (session_active(s->set.session)) {
        return UPDATE_E_STATE;
    }
    store_le32(out, UPDATE_OK);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = offset + i;

        out[4 + i] = (uint8_t)(read_flash(s, at & ~3U) >> (8 * (at & 3U)));
    }
    return answer(s, f, 4 + (size_t)n);
}

/* --- the update ------------------------------------------------------------------------------------------------------------ */

static unsigned on_begin(struct serve *s, const struct native_frame *f)
{
    const uint8_t *head = f->payload;
    enum update_err err = UPDATE_E_IMAGE_SEAL;

    if (load_le32(head + SEAL_AT_MAGIC) == SEAL_MAGIC) {
        err = session_begin(s->set.session, load_le32(head + SEAL_AT_LENGTH), load_le32(head + SEAL_HEAD_BYTES));
    }
    if (err == UPDATE_OK) {
        err = session_write(s->set.session, 0, head, SEAL_HEAD_BYTES);
    }
    if (err == UPDATE_OK) {
        s->client = SERVE_NATIVE;
        s->heard_ms = s->now_ms;
        s->native = (struct serve_native){ .seq = f->seq };
        note_told(s);
    }
    return err;
}

/* A DATA frame that no update waits for is answered once: a window full of them stands behind it, and whoever comes next on
 * the port must not read their answers. */
static unsigned refuse_stray(struct serve *s)
{
    bool told = s->native.told_state;

    s->native.told_state = true;
    return told ? ANSWERED : UPDATE_E_STATE;
}

static unsigned on_data(struct serve *s, const struct native_frame *f)
{
    const struct update_status *st = session_status(s->set.session);
    uint32_t offset;
    enum update_err err;

    if (s->client != SERVE_NATIVE) {
        return refuse_stray(s);
    }
    s->native.seq = f->seq;
    if (f->length < 8 || f->length % 4 != 0) {
        return UPDATE_E_LENGTH;
    }
    offset = load_le32(f->payload);
    if (offset != st->next) {
        /* Behind it: sent twice, and passed over. To complain would make the PC go back once more, and for ever. */
        if (offset > st->next) {
            s->native.sequence_due = !s->native.told_sequence || s->native.told_sequence_at != st->next;
        }
        return ANSWERED;
    }
    if (!session_ready(s->set.session)) {
        return LATER;
    }
    err = session_write(s->set.session, st->next, f->payload + 4, f->length - 4U);
    return err == UPDATE_OK ? ANSWERED : err;
}

/* Answered when it is over: done or failed (report). A FINISH that is repeated because its answer got lost learns what has
 * become of the update. */
static unsigned on_finish(struct serve *s, const struct native_frame *f)
{
    const struct update_status *st = session_status(s->set.session);
    enum update_err err = UPDATE_OK;

    if (s->client != SERVE_NATIVE) {
        return st->phase == UPDATE_DONE || st->phase == UPDATE_FAILED ? st->err : UPDATE_E_STATE;
    }
    if (!s->native.finishing) {
        err = session_finish(s->set.session);
    }
    s->native.finishing = err == UPDATE_OK;
    s->native.finish_seq = f->seq;
    return err == UPDATE_OK ? ANSWERED : err;
}

static unsigned on_abort(struct serve *s, const struct native_frame *f)
{
    (void)s;
    (void)f;
    return UPDATE_OK;                   /* handle has given up whatever there was */
}

static unsigned on_reboot(struct serve *s, const struct native_frame *f)
{
    if (f->payload[0] > REQUEST_LAST) {
        return UPDATE_E_RANGE;
    }
    if (f->payload[0] == REQUEST_LAST && !may(s, NATIVE_CAP_ROM)) {
        return UPDATE_E_DENIED;
    }
    serve_leave_in(s, f->payload[0], SERVE_REBOOT_MS);
    return UPDATE_OK;
}

/* --- requests and reports ----------------------------------------------------------------------------------------------------- */

#define ANY_LENGTH 0xFFFFU

/* ends: whoever asks this begins anew; an update that is under way, its own or a dead client's, is given up first. */
static const struct request { uint8_t type; bool ends; uint16_t length; handler *handle; } requests[] = {
    { NATIVE_DATA, false, ANY_LENGTH, on_data },
    { NATIVE_HELLO, false, 0, on_hello },
    { NATIVE_DIGEST, true, 4, on_digest },
    { NATIVE_BEGIN, true, SEAL_HEAD_BYTES + 4, on_begin },
    { NATIVE_FINISH, false, 0, on_finish },
    { NATIVE_ABORT, true, 0, on_abort },
    { NATIVE_REBOOT, true, 1, on_reboot },
    { NATIVE_READ, false, 8, on_read },
};

static unsigned handle(struct serve *s, const struct native_frame *f)
{
    const struct request *r = requests;

    while (r->type != f->type) {
        if (++r == requests + sizeof requests / sizeof requests[0]) {
            return UPDATE_E_UNKNOWN;
        }
    }
    if (r->length != ANY_LENGTH && r->length != f->length) {
        return UPDATE_E_LENGTH;
    }
    if (r->ends) {
        if (!serve_stopped(s)) {
            return LATER;
        }
        serve_release(s);
    }
    return r->handle(s, f);
}

static void take_request(struct serve *s)
{
    struct native_frame f;
    unsigned outcome = ANSWERED;

    if (!native_rx_frame(&s->rx, &f) || serve_room(s) < sizeof s->out) {
        return;
    }
    if (f.type != NATIVE_DATA) {
        s->native.told_state = false;
    }
    if ((f.type & NATIVE_ANSWER) == 0) {        /* otherwise our own words, sent back by a tty in echo mode */
        outcome = handle(s, &f);
    }
    if (outcome == LATER) {
        return;
    }
    if (outcome != ANSWERED) {
        send_status(s, f.type, f.seq, outcome);
    }
    native_rx_release(&s->rx);
}

static bool report_due(const struct serve *s)
{
    const struct update_status *st = session_status(s->set.session);

    return s->native.sequence_due || st->phase != s->native.told_phase || st->sector != s->native.told_sector ||
           st->next - s->native.told_next >= SERVE_STATUS_BYTES || s->now_ms - s->native.told_ms >= SERVE_STATUS_MS;
}

static void report(struct serve *s)
{
    const struct update_status *st = session_status(s->set.session);
    bool over = st->phase == UPDATE_DONE || st->phase == UPDATE_FAILED;
    unsigned err = st->err;

    if (s->native.sequence_due && !over) {
        s->native.told_sequence = true;
        s->native.told_sequence_at = st->next;
        err = UPDATE_E_SEQUENCE;
    }
    s->native.sequence_due = false;
    if (over && s->native.finishing) {
        send_status(s, NATIVE_FINISH, s->native.finish_seq, err);
    } else {
        send_status(s, NATIVE_DATA, s->native.seq, err);
    }
    note_told(s);
    if (over) {
        s->native.told_state = true;    /* the rest of the window needs no answers */
        serve_release(s);
    }
}

void serve_native_opened(struct serve *s)
{
    native_rx_init(&s->rx);
    s->native.told_state = true;        /* what may still come behind the ring is the last client's */
}

void serve_native_poll(struct serve *s)
{
    if (s->client == SERVE_NATIVE && report_due(s) && serve_room(s) >= STATUS_FRAME_BYTES) {
        report(s);
    }
    take_request(s);
}
