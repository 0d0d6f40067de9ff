/* SPDX-License-Identifier: MIT */
/* DfuSe as a hostile PC speaks it: any request in any state, any address. */
/* Sources: USB DFU 1.1 §6.1; ST AN3156 */
#include <string.h>

#include "image/bytes.h"
#include "tests/storm/storm.h"

#define BLOCK_BYTES 2048U
#define FIRST_BLOCK 2U
#define POLL_MS 25U

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };
enum { IDLE = 2, DNBUSY = 4, MANIFEST_SYNC = 6, MANIFEST = 7, FAILED = 10 };

static bool request(struct storm *s, uint8_t what, uint16_t value, const uint8_t *p, size_t n)
{
    bool in = what == UPLOAD || what == GETSTATUS || what == GETSTATE;

    return pc_request(&s->pc, in ? 0xA1 : 0x21, what, value, 0, p, (uint16_t)n);
}

/* GETSTATUS until it is over or the patience is. The state; -1: no answer. */
static int finish(struct storm *s)
{
    for (unsigned ms = 0; ms <= patience_ms(s); ms += POLL_MS) {

        if (!request(s, GETSTATUS, 0, NULL, 6) || s->pc.reply_bytes != 6) return -1;
        if (s->pc.reply[4] != DNBUSY && s->pc.reply[4] != MANIFEST_SYNC) break;
        if (chance(s, 24)) return DNBUSY;
        if (!pause_ms(s, s->scene->timing == FLASH_FAST ? 1 : POLL_MS)) return -1;
    }
    s->tally[s->pc.reply[4] == FAILED ? T_DFU_ERRORS : T_DFU_JOBS]++;
    if (s->pc.reply[4] == FAILED && !chance(s, 6)) (void)request(s, CLRSTATUS, 0, NULL, 0);
    return s->pc.reply[4];
}

static int command(struct storm *s, uint8_t code, uint32_t a)
{
    uint8_t p[5] = { code };

    store_le32(p + 1, a);
    tell(s, "dfu: command %02X %08X", code, (unsigned)a);
    (void)request(s, DNLOAD, 0, p, chance(s, 32) ? upto(s, 6) : code == 0x41 && chance(s, 12) ? 1 : 5);
    return finish(s);
}

static void upload(struct storm *s)
{
    uint16_t at = (uint16_t)(chance(s, 3) ? rng_word(&s->rng) : upto(s, 6)), n = (uint16_t)(chance(s, 3) ? upto(s, 4097) : BLOCK_BYTES);

    tell(s, "dfu: upload block %u, %u bytes", at, n);
    if (request(s, UPLOAD, at, NULL, n)) s->tally[T_DFU_UPLOADS] += at >= FIRST_BLOCK;
    if (chance(s, 2)) (void)request(s, ABORT, 0, NULL, 0);
}

static void write_block(struct storm *s)
{
    uint8_t p[BLOCK_BYTES];
    uint16_t at = (uint16_t)(chance(s, 4) ? rng_word(&s->rng) : 2 + upto(s, 4));
    uint32_t n = chance(s, 2) ? BLOCK_BYTES : 1 + upto(s, BLOCK_BYTES);

    noise(s, p, sizeof p);
    tell(s, "dfu: download block %u, %u bytes", at, (unsigned)n);
    (void)request(s, DNLOAD, at, p, n);
    (void)finish(s);
}

static void leave(struct storm *s)
{
    tell(s, "dfu: leave");
    (void)request(s, DNLOAD, (uint16_t)upto(s, 4), NULL, 0);
    if (finish(s) != MANIFEST) return;
    s->tally[T_DFU_LEAVES]++;
    (void)pause_ms(s, 210);
}

void act_dfu(struct storm *s)
{
    for (unsigned left = 1 + upto(s, 6); left > 0 && s->pc.there; left--) {
        switch (upto(s, 14)) {
        case 0: (void)request(s, (uint8_t)upto(s, 8), (uint16_t)upto(s, 4), s->image, upto(s, 64)); break;
        case 1: (void)request(s, CLRSTATUS, 0, NULL, 0); break;
        case 2: (void)request(s, ABORT, 0, NULL, 0); break;
        case 3: if (chance(s, 3)) leave(s); break;
        case 4: case 5: case 6: upload(s); break;
        case 7: (void)command(s, 0x41, hostile_address(s)); break;
        case 8: (void)command(s, (uint8_t)rng_word(&s->rng), hostile_address(s)); break;
        case 9: case 10: write_block(s); break;
        default: (void)command(s, 0x21, hostile_address(s)); break;
        }
    }
}

void act_dfu_update(struct storm *s)
{
    if (chance(s, 2)) new_image(s, chance(s, 2));
    (void)request(s, CLRSTATUS, 0, NULL, 0);
    (void)request(s, ABORT, 0, NULL, 0);
    if (!chance(s, 8)) (void)command(s, 0x41, APP_BASE);
    if (s->image_n > 0x10000 || chance(s, 4)) (void)command(s, 0x41, 0x08020000);
    for (uint32_t at = 0; at < s->image_n && s->pc.there; at += BLOCK_BYTES) {
        uint32_t n = s->image_n - at < BLOCK_BYTES ? s->image_n - at : BLOCK_BYTES;

        if (chance(s, 16)) continue;
        (void)command(s, 0x21, APP_BASE + at);
        (void)request(s, DNLOAD, FIRST_BLOCK, s->image + at, n);
        (void)finish(s);
        if (chance(s, 24)) act_usb(s);
    }
    if (chance(s, 2)) leave(s);
}
