/* SPDX-License-Identifier: MIT */
/* The native protocol as a hostile PC speaks it: frames with right CRCs and wrong fields, updates with one thing wrong. */
#include <string.h>

#include "image/bytes.h"
#include "proto/native.h"
#include "tests/storm/storm.h"

bool native_say(struct storm *s, uint8_t type, const uint8_t *payload, size_t n, bool honest)
{
    uint8_t frame[NATIVE_FRAME_MAX];
    size_t bytes = native_encode(frame, sizeof frame, type, ++s->sequence, payload, n);

    if (!honest && chance(s, 24)) frame[upto(s, (uint32_t)bytes)] ^= (uint8_t)(1U << upto(s, 8));
    if (!honest && chance(s, 24)) bytes = upto(s, (uint32_t)bytes);
    pc_write(&s->pc, frame, bytes);
    return s->pc.there;
}

/* Where a whole answer of this type ends in what is unread; 0: not here yet. */
static size_t answer_end(const struct pc *pc, uint8_t type, size_t *at)
{
    const uint8_t *p = pc_unread_at(pc);
    size_t n = pc_unread(pc);

    for (*at = 0; *at + NATIVE_HEADER_BYTES < n; ++*at) {
        const uint8_t *f = p + *at;
        size_t end = *at + NATIVE_HEADER_BYTES + load_le16(f + 4) + NATIVE_TRAILER_BYTES;

        if (f[0] == NATIVE_SYNC0 && f[1] == NATIVE_SYNC1 && f[2] == (type | NATIVE_ANSWER) && end <= n) return end;
    }
    return 0;
}

int native_hear(struct storm *s, uint8_t type, unsigned ms)
{
    for (unsigned i = 0; i < 5 * ms && s->pc.there; i++) {
        size_t at, end = answer_end(&s->pc, type, &at);

        if (end != 0) {
            int err = pc_unread_at(&s->pc)[at + NATIVE_HEADER_BYTES];

            s->pc.taken += end;
            s->tally[err == 0 ? T_NATIVE_OK : T_NATIVE_REFUSED]++;
            return err;
        }
        if (!pause_us(s, 200)) return -1;
    }
    return -1;
}

/* --- one request --------------------------------------------------------------------------------------------------------------- */

static size_t any_payload(struct storm *s, uint8_t type, uint8_t *p)
{
    noise(s, p, 80);
    store_le32(p, hostile_number(s));
    store_le32(p + 4, !chance(s, 4) ? 1 + upto(s, 1024) : hostile_number(s));
    switch (type) {
    case NATIVE_DIGEST: return 4;
    case NATIVE_BEGIN:
        memcpy(p, s->image, 64);
        return 68;
    case NATIVE_DATA: return 4 + 4 * upto(s, 20);
    case NATIVE_REBOOT:
        p[0] = (uint8_t)upto(s, 6);
        return 1;
    case NATIVE_READ: return 8;
    default: return 0;
    }
}

void act_native(struct storm *s)
{
    uint8_t payload[NATIVE_PAYLOAD_MAX] = { 0 };

    for (unsigned left = 1 + upto(s, 5); left > 0 && s->pc.there; left--) {
        uint8_t type = chance(s, 3) ? NATIVE_READ : (uint8_t)(1 + upto(s, 8));
        size_t n;

        if (type == NATIVE_REBOOT && !chance(s, 8)) type = NATIVE_READ;
        if (chance(s, 20)) type = (uint8_t)rng_word(&s->rng);
        n = any_payload(s, type, payload);
        if (chance(s, 16)) n = upto(s, NATIVE_PAYLOAD_MAX + 1);
        tell(s, "native: request %u, %u bytes, %08X %08X", type, (unsigned)n, (unsigned)load_le32(payload),
             (unsigned)load_le32(payload + 4));
        pc_forget(&s->pc);
        (void)native_say(s, type, payload, n, false);
        if (!chance(s, 6) && native_hear(s, type, 40) == 0 && type == NATIVE_READ) s->tally[T_NATIVE_READ]++;
    }
}

/* --- an update --------------------------------------------------------------------------------------------------------------------- */

static bool begin(struct storm *s, bool honest)
{
    uint8_t payload[68];

    memcpy(payload, s->image, 64);
    store_le32(payload + 64, honest || !chance(s, 6) ? 0xF : rng_word(&s->rng));
    pc_forget(&s->pc);
    (void)native_say(s, NATIVE_BEGIN, payload, sizeof payload, honest);
    return native_hear(s, NATIVE_BEGIN, 100) == 0;
}

static void disturb(struct storm *s, uint32_t *at)
{
    uint8_t junk[64];

    switch (upto(s, 7)) {
    case 0: *at += 4 * upto(s, 300); break;
    case 1: *at -= *at > 64 ? 4 * upto(s, (*at - 64) / 4) : 0; break;
    case 2: *at = 4 * hostile_number(s); break;
    case 3:
        noise(s, junk, sizeof junk);
        pc_write(&s->pc, junk, 1 + upto(s, 64));
        break;
    case 4: (void)pause_ms(s, 1 + upto(s, 300)); break;
    case 5: (void)native_say(s, (uint8_t)(1 + upto(s, 3)), NULL, 0, false); break;
    default: act_usb(s); break;
    }
}

static void send_data(struct storm *s, bool honest)
{
    uint8_t payload[NATIVE_PAYLOAD_MAX];

    for (uint32_t at = 64; at < s->image_n;) {
        uint32_t n = honest ? 1024 : 4 * (1 + upto(s, 256)), from = at;

        if (!honest && chance(s, 12)) disturb(s, &at);
        if (n > s->image_n - from) n = s->image_n - from;
        store_le32(payload, at);
        memcpy(payload + 4, s->image + from, n);
        (void)native_say(s, NATIVE_DATA, payload, 4 + (n & ~3U), honest);
        if (at != from && chance(s, 2)) return;
        at = from + n;
        if (s->pc.queued > PC_PACKETS / 2 && !pc_wait_sent(&s->pc, patience_ms(s))) return;
    }
}

bool native_update(struct storm *s, bool honest)
{
    tell(s, "native: update, %u bytes", (unsigned)s->image_n);
    if (!begin(s, honest)) return false;
    send_data(s, honest);
    (void)native_say(s, NATIVE_FINISH, NULL, 0, honest);
    if (native_hear(s, NATIVE_FINISH, patience_ms(s)) != 0) return false;
    s->tally[T_NATIVE_UPDATE]++;
    return true;
}

void act_native_update(struct storm *s)
{
    uint8_t next = (uint8_t)upto(s, 4);

    if (chance(s, 2)) new_image(s, chance(s, 2));
    if (native_update(s, chance(s, 3)) && chance(s, 3)) {
        tell(s, "native: reboot %u", next);
        (void)native_say(s, NATIVE_REBOOT, &next, 1, true);
        (void)pause_ms(s, 150);
    }
}
