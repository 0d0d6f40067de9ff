/* SPDX-License-Identifier: MIT */
/* AN3155 as a hostile PC speaks it: right checksums, any address, any list. */
/* Sources: ST AN3155 Rev 20 section 3 */
#include <string.h>

#include "tests/storm/storm.h"
#include "tests/unit/wire.h"

#define ACK 0x79
#define ANSWER_MS 20U

enum { GET = 0x00, GET_VERSION = 0x01, GET_ID = 0x02, READ = 0x11, GO = 0x21, WRITE = 0x31, ERASE = 0x44, PROTECT = 0x63,
       UNPROTECT = 0x73, READ_PROTECT = 0x82, READ_UNPROTECT = 0x92 };

/* A part of a command, and whether it was acknowledged. What else comes stays unread. */
static bool part(struct storm *s, const uint8_t *p, size_t n, unsigned ms)
{
    uint8_t got;

    pc_forget(&s->pc);
    pc_write(&s->pc, p, n);
    if (!pc_wait_bytes(&s->pc, 1, ms)) return false;
    got = *pc_unread_at(&s->pc);
    s->tally[got == ACK ? T_AN_ACK : T_AN_NACK]++;
    return got == ACK;
}

static bool command(struct storm *s, uint8_t code)
{
    const uint8_t bytes[2] = { code, (uint8_t)~code };

    return part(s, bytes, chance(s, 64) ? 1 : 2, ANSWER_MS);
}

static bool with_sum(struct storm *s, uint8_t *p, size_t n, uint8_t sum, unsigned ms)
{
    p[n] = chance(s, 48) ? (uint8_t)rng_word(&s->rng) : an3155_checksum(sum, p, n);
    return part(s, p, n + 1, ms);
}

static bool send_address(struct storm *s, uint32_t a)
{
    uint8_t p[5] = { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a };

    return with_sum(s, p, 4, 0, ANSWER_MS);
}

bool an_connect(struct storm *s)
{
    static const uint8_t init = 0x7F;

    return part(s, &init, 1, ANSWER_MS) && command(s, GET);
}

/* --- commands --------------------------------------------------------------------------------------------------------------------- */

static void do_read(struct storm *s)
{
    uint32_t a = chance(s, 3) ? 0x1FFF0000U + upto(s, 0x10000) : hostile_address(s);
    uint8_t p[2] = { (uint8_t)rng_word(&s->rng) };

    tell(s, "an3155: read %08X, %u", (unsigned)a, p[0] + 1U);
    if (!command(s, READ) || !send_address(s, a) || !with_sum(s, p, 1, 0xFF, ANSWER_MS)) return;
    s->tally[T_AN_READ]++;
    (void)pc_wait_bytes(&s->pc, p[0] + 2U, ANSWER_MS);
}

static bool write_block(struct storm *s, uint32_t a, const uint8_t *from, size_t n)
{
    uint8_t p[1 + 256 + 1] = { (uint8_t)(n - 1) };

    memcpy(p + 1, from, n);
    if (!command(s, WRITE) || !send_address(s, a) || !with_sum(s, p, 1 + n, 0, patience_ms(s))) return false;
    s->tally[T_AN_WRITE]++;
    return true;
}

static void do_write(struct storm *s)
{
    uint8_t block[256];
    uint32_t a = hostile_address(s), n = chance(s, 2) ? 256 : 1 + upto(s, 256);

    noise(s, block, sizeof block);
    if (a - APP_BASE < s->image_n && chance(s, 2)) memcpy(block, s->image + (a - APP_BASE), n = 4);
    tell(s, "an3155: write %08X, %u", (unsigned)a, (unsigned)n);
    (void)write_block(s, a, block, n);
}

static bool erase_list(struct storm *s, const uint16_t *sectors, unsigned n)
{
    uint8_t p[2 + 2 * 32 + 1] = { 0, (uint8_t)(n - 1) };

    for (unsigned i = 0; i < n; i++) {
        p[2 + 2 * i] = (uint8_t)(sectors[i] >> 8);
        p[3 + 2 * i] = (uint8_t)sectors[i];
    }
    tell(s, "an3155: erase %u sectors, %u first", n, sectors[0]);
    if (!command(s, ERASE) || !with_sum(s, p, 2 + 2 * n, 0, patience_ms(s))) return false;
    s->tally[T_AN_ERASE]++;
    return true;
}

static void do_erase(struct storm *s)
{
    uint16_t sectors[32];
    uint8_t special[3] = { 0xFF, (uint8_t)(0xF0 + upto(s, 16)) };
    unsigned n = 1 + upto(s, chance(s, 4) ? 32 : 4);

    if (chance(s, 4)) {
        tell(s, "an3155: erase, special %02X", special[1]);
        s->tally[T_AN_ERASE] += command(s, ERASE) && with_sum(s, special, 2, 0, patience_ms(s));
        return;
    }
    for (unsigned i = 0; i < n; i++) sectors[i] = (uint16_t)(chance(s, 8) ? rng_word(&s->rng) : 4 + upto(s, 4));
    if (chance(s, 8)) sectors[upto(s, n)] = (uint16_t)upto(s, 5);
    (void)erase_list(s, sectors, n);
}

static bool go(struct storm *s, uint32_t a)
{
    bool ok;

    tell(s, "an3155: go %08X", (unsigned)a);
    ok = command(s, GO) && send_address(s, a);
    s->tally[T_AN_GO] += ok;
    return ok;
}

static void do_protect(struct storm *s)
{
    uint8_t p[1 + 24 + 1];
    uint32_t n = 1 + upto(s, 24);

    p[0] = (uint8_t)(n - 1);
    for (uint32_t i = 0; i < n; i++) p[1 + i] = (uint8_t)upto(s, 12);
    tell(s, "an3155: write protect, %u sectors", (unsigned)n);
    s->tally[T_AN_PROTECT] += command(s, PROTECT) && with_sum(s, p, 1 + n, 0, patience_ms(s));
}

bool an_unprotect(struct storm *s)
{
    bool ok;

    tell(s, "an3155: write unprotect");
    ok = command(s, UNPROTECT) && pc_wait_bytes(&s->pc, 2, patience_ms(s));
    s->tally[T_AN_PROTECT] += ok;
    return ok;
}

static void any_command(struct storm *s)
{
    switch (upto(s, 48)) {
    case 0: (void)go(s, chance(s, 2) ? APP_BASE : hostile_address(s)); break;
    case 1: do_protect(s); break;
    case 2: (void)an_unprotect(s); break;
    case 3: (void)command(s, chance(s, 2) ? READ_UNPROTECT : READ_PROTECT); break;
    case 4: (void)command(s, (uint8_t)rng_word(&s->rng)); break;
    case 5: (void)command(s, (uint8_t)upto(s, 3)); break;
    case 6: case 7: case 8: case 9: do_erase(s); break;
    default:
        if (chance(s, 2)) do_read(s);
        else do_write(s);
        break;
    }
}

void act_an(struct storm *s)
{
    if (!an_connect(s) && !an_connect(s) && !chance(s, 4)) return;
    for (unsigned left = 2 + upto(s, 12); left > 0 && s->pc.there; left--) any_command(s);
}

/* Erase, write in some order, go: with something left out at times. */
void act_an_update(struct storm *s)
{
    static const uint16_t all[] = { 4, 5, 6, 7 };
    uint32_t n = s->image_n & ~3U, step = 4 * (1 + upto(s, 64));
    bool backwards = chance(s, 4);

    if (chance(s, 2)) new_image(s, chance(s, 2));
    n = s->image_n & ~3U;
    if (n > 0x2000) step = 256;
    if (!an_connect(s)) return;
    if (!chance(s, 8) && !erase_list(s, all, 1 + upto(s, 4))) return;
    tell(s, "an3155: write %u bytes in steps of %u%s", (unsigned)n, (unsigned)step, backwards ? ", backwards" : "");
    for (uint32_t i = 0; i < n && s->pc.there; i += step) {
        uint32_t at = backwards ? (n - 1 - i) / step * step : i;
        uint32_t bytes = n - at < step ? n - at : step;

        if (!chance(s, 60)) (void)write_block(s, APP_BASE + at, s->image + at, bytes);
        if (chance(s, 100)) any_command(s);
    }
    if (chance(s, 2)) (void)go(s, chance(s, 2) ? APP_BASE : 0x08000000U);
}
