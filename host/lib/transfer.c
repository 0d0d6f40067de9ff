/* SPDX-License-Identifier: MIT */
/* The stream of an update: DATA frames within the device's window, going back to what it expects when something was lost. */
/* Sources: docs/SPEC.md section 5.5 */
#include "host/lib/client_internal.h"

#include "image/bytes.h"
#include "image/seal.h"
#include "update/status.h"

/* The device reports every 250 ms at the latest; a virtual machine or a busy PC may add a second. Going back too early costs a
 * whole window that is sent twice. */
#define SILENCE_MS 1500U                /* without any STATUS: send again */
#define STANDSTILL_MS 2000U             /* STATUS comes, but `next` stands still though the device is not erasing: data were lost */
#define PATIENCE_MS 5000U               /* of silence, beyond the declared time of an erase: give up */
/* The same for a device that reports and makes no progress: if its flash stays busy it says so after 8 s (hal/stm32f4/flash.c),
 * whatever it has declared. */
#define STALL_MS 8000U
#define PROBE_BYTES 8192U               /* window after a rewind; the device reports after 8 KB */

static uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* --- which offsets are sent ---------------------------------------------------------------------------------------------- */

/* Offset of the end of sector i; sizes come from the wire, so the sum is bounded. */
static uint32_t sector_end(const struct native_hello *h, size_t i)
{
    uint64_t end = 0;

    for (size_t k = 0; k <= i; k++) end += (uint64_t)h->sector_kb[k] * 1024U;
    return end > UINT32_MAX ? UINT32_MAX : (uint32_t)end;
}

static size_t sector_of(const struct native_hello *h, uint32_t offset)
{
    size_t i = 0;

    while (i < h->sectors && offset >= sector_end(h, i)) i++;
    return i;
}

uint32_t client_planned_bytes(const struct native_hello *h, uint32_t sectors, uint32_t from, uint32_t to)
{
    uint32_t bytes = 0;

    for (size_t i = 0; i < h->sectors; i++) {
        uint32_t first = i == 0 ? SEAL_HEAD_BYTES : sector_end(h, i - 1U), end = sector_end(h, i);
        if ((sectors >> i & 1U) == 0) continue;
        if (first < from) first = from;
        if (end > to) end = to;
        if (first < end) bytes += end - first;
    }
    return bytes;
}

/* The first offset from `offset` on that is to be sent; the image's length if there is none. */
static uint32_t next_planned(const struct client *c, uint32_t offset)
{
    const struct native_hello *h = &c->hello;

    for (size_t i = sector_of(h, offset); i < h->sectors; i++) {
        if ((c->transfer.what.sectors >> i & 1U) == 0) {
            offset = sector_end(h, i);
            continue;
        }
        break;
    }
    return min32(offset, c->transfer.what.length);
}

static bool all_sent(const struct client_transfer *t) { return t->sent >= t->what.length; }

static uint32_t in_flight(const struct client *c)
{
    return client_planned_bytes(&c->hello, c->transfer.what.sectors, c->transfer.acked, c->transfer.sent);
}

/* --- sending ---------------------------------------------------------------------------------------------------------------- */

static void rewind_to(struct client *c, uint32_t offset, uint32_t now_ms)
{
    struct client_transfer *t = &c->transfer;

    if (t->sent > t->probe_until) t->probe_until = t->sent;
    t->sent = next_planned(c, offset);
    t->nudged_ms = now_ms;
    c->step = STEP_DATA;
}

void transfer_start(struct client *c, uint32_t now_ms)
{
    struct client_transfer *t = &c->transfer;

    t->acked = t->sent = next_planned(c, SEAL_HEAD_BYTES);
    t->probe_until = 0;
    t->moved_ms = t->heard_ms = t->nudged_ms = now_ms;
    c->status = (struct native_status){ 0 };
}

static uint32_t frame_data_max(const struct client *c)
{
    uint32_t most = min32(c->hello.data_max, NATIVE_DATA_MAX) & ~3U;

    return most < 4U ? 4U : most;
}

static uint32_t window(const struct client *c)
{
    const struct client_transfer *t = &c->transfer;
    uint32_t most = c->hello.window, one = frame_data_max(c);

    if (t->probe_until > t->acked) most = min32(most, PROBE_BYTES);
    return most < one ? one : most;
}

static void send_data(struct client *c, uint32_t n)
{
    struct client_transfer *t = &c->transfer;
    uint8_t *payload = c->frame + NATIVE_HEADER_BYTES;

    store_le32(payload, t->sent);
    for (uint32_t i = 0; i < n; i++) payload[4U + i] = t->what.image[t->sent + i];
    c->frame_bytes = native_encode(c->frame, sizeof c->frame, NATIVE_DATA, ++c->seq, payload, 4U + n);
    c->frame_at = 0;
    c->sent_bytes += n;
    t->sent = next_planned(c, t->sent + n);
}

static void send_finish(struct client *c, uint32_t now_ms)
{
    c->type = NATIVE_FINISH;
    c->seq++;
    c->request_bytes = 0;
    c->step = STEP_FINISH;
    client_ask(c, now_ms);
}

void transfer_next_frame(struct client *c, uint32_t now_ms)
{
    struct client_transfer *t = &c->transfer;

    if (c->step != STEP_DATA) return;
    if (all_sent(t)) {
        send_finish(c, now_ms);
        return;
    }
    uint32_t end = min32(sector_end(&c->hello, sector_of(&c->hello, t->sent)), t->what.length);
    uint32_t n = min32(frame_data_max(c), end - t->sent);
    uint32_t flying = in_flight(c), most = window(c);
    if (flying > most || n > most - flying) return;
    send_data(c, n);
}

/* --- what the device says ------------------------------------------------------------------------------------------------ */

/* Data were lost, or were sent twice behind the last frame: go back to what the device expects, if that is not the end. */
static void take_up_again(struct client *c, const struct native_status *s, uint32_t now_ms)
{
    struct client_transfer *t = &c->transfer;

    if (s->next >= t->acked && s->next < t->what.length) rewind_to(c, s->next, now_ms);
}

static void note_movement(struct client *c, const struct native_status *s, uint32_t now_ms)
{
    struct client_transfer *t = &c->transfer;
    bool moved = s->phase != c->status.phase || s->sector != c->status.sector || s->done != c->status.done;

    t->heard_ms = now_ms;
    if (s->err == UPDATE_OK || s->err == UPDATE_E_SEQUENCE) {
        uint32_t next = min32(s->next, t->what.length);
        if (next > t->acked) {
            t->acked = next;
            moved = true;
        }
        if (t->sent < t->acked) t->sent = next_planned(c, t->acked);
    }
    if (moved) t->moved_ms = now_ms;
}

void transfer_status(struct client *c, const struct native_status *s, uint32_t now_ms)
{
    note_movement(c, s, now_ms);
    c->status = *s;
    if (c->step == STEP_FINISH && s->phase == UPDATE_DONE) {
        c->state = CLIENT_DONE;
        return;
    }
    if (s->err == UPDATE_E_SEQUENCE && c->step != STEP_BEGIN) take_up_again(c, s, now_ms);
    else if (s->err != UPDATE_OK) client_fail(c, CLIENT_E_REFUSED);
    else if (c->step == STEP_BEGIN) c->step = STEP_DATA;
}

/* --- time ------------------------------------------------------------------------------------------------------------------ */

static void send_again(struct client *c, uint32_t now_ms)
{
    struct client_transfer *t = &c->transfer;

    if (c->frame_at != c->frame_bytes) return;          /* the wire has not even taken the last frame */
    t->nudged_ms = now_ms;
    if (c->step == STEP_FINISH) client_ask(c, now_ms);
    else rewind_to(c, t->acked, now_ms);
}

void transfer_tick(struct client *c, uint32_t now_ms)
{
    struct client_transfer *t = &c->transfer;

    if (elapsed(now_ms, t->heard_ms) >= c->hello.erase_max_ms + PATIENCE_MS) {
        client_fail(c, CLIENT_E_SILENT);
        return;
    }
    if (elapsed(now_ms, t->moved_ms) >= c->hello.erase_max_ms + STALL_MS) {
        client_fail(c, CLIENT_E_STALLED);
        return;
    }
    bool silent = elapsed(now_ms, t->heard_ms) >= SILENCE_MS && elapsed(now_ms, t->nudged_ms) >= SILENCE_MS;
    bool stands = c->status.phase != UPDATE_ERASING && in_flight(c) > 0 && elapsed(now_ms, t->moved_ms) >= STANDSTILL_MS &&
                  elapsed(now_ms, t->nudged_ms) >= STANDSTILL_MS;
    if (silent || stands) send_again(c, now_ms);
}

uint32_t client_total_bytes(const struct client *c)
{
    return client_planned_bytes(&c->hello, c->transfer.what.sectors, 0, c->transfer.what.length);
}

uint32_t client_done_bytes(const struct client *c)
{
    /* After a flash error the field holds FLASH_SR. */
    return min32(c->status.err < UPDATE_E_ERASE ? c->status.done : 0, client_total_bytes(c));
}
