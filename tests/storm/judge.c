/* SPDX-License-Identifier: MIT */
/* What must hold behind every storm. */
/* Sources: docs/SPEC.md sections 1, 2, 10; docs/SECURITY.md */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/chip_internal.h"
#include "image/bytes.h"
#include "proto/native.h"
#include "tests/storm/storm.h"
#include "tests/unit/make_image.h"

#define LIFE_OFFSET 0x34U
#define CONFIRMS 0x10U                  /* in the format word: bit 0 of the flags */
#define DECISION_MS 25U                 /* the CRC over the whole area takes 3 of them, and unpacking 400 */
#define ARRIVAL_MS 3000U
#define STARTS 3U
#define NWRP_OF_THE_APPLICATION (0xF0U << 16)   /* OPTCR bits 20 to 23: sectors 4 to 7 */
#define SECRET_FROM 0x4000U             /* of the demo: within its ballast, which is in nothing else */
#define SECRET_END 0x6C000U
#define WINDOW 8U
#define SLOTS (1U << 20)
#define SETTINGS_OFFSET 0x4000U

void bad(struct storm *s, const char *format, ...)
{
    va_list ap;

    if (s->bad[0] != '\0') return;
    va_start(ap, format);
    vsnprintf(s->bad, sizeof s->bad, format, ap);
    va_end(ap);
}

/* --- what may start ---------------------------------------------------------------------------------------------------------- */

static bool vectors_fit(uint32_t sp, uint32_t reset, uint32_t n)
{
    bool stack = (sp >= 0x20000400U && sp <= 0x20020000U) || (sp >= 0x10000400U && sp <= 0x10010000U);

    return sp % 8 == 0 && stack && reset % 2 == 1 && reset > APP_BASE + 64 && reset - APP_BASE < n;
}

bool judge_whole(const uint8_t *app)
{
    uint32_t n = load_le32(app + 0x20), format = load_le32(app + 0x28), info = (format >> 12) * 4;

    return memcmp(app + 0x1C, "VCPB", 4) == 0 && n % 4 == 0 && n >= 68 && n <= APP_BYTES && (format & 0xF) == 1 &&
           (info == 0 || (info >= 64 && info < n)) && vectors_fit(load_le32(app), load_le32(app + 4), n) &&
           make_image_crc(app, n) == load_le32(app + 0x24);
}

/* Section 2.2, for a policy that wants no seal: but nothing that came by the wire is ever left unsealed. */
static bool may_start(const uint8_t *app)
{
    uint32_t life = load_le32(app + LIFE_OFFSET);

    if (!judge_whole(app) || (life & 0x10000U) == 0) return false;
    return (load_le32(app + 0x28) & CONFIRMS) == 0 || (life & 0x100U) == 0 || (life & 7U) != 0;
}

/* --- what may not leave --------------------------------------------------------------------------------------------------------- */

static uint64_t window_at(const uint8_t *p)
{
    return load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

static uint32_t slot_of(uint64_t window)
{
    return (uint32_t)(window * 0x9E3779B97F4A7C15U >> 44);
}

static void keep(uint64_t *slots, const uint8_t *p, size_t n)
{
    for (size_t at = 0; at + WINDOW <= n; at++) {
        uint32_t slot = slot_of(window_at(p + at));

        while (slots[slot] != 0) slot = (slot + 1) % SLOTS;
        slots[slot] = window_at(p + at);
    }
}

static void look_for_secret(struct storm *s, const struct bytes *b, const char *where)
{
    const uint64_t *slots = s->secret;

    for (size_t at = 0; at + WINDOW <= b->n; at++) {
        uint64_t window = window_at(b->p + at);

        for (uint32_t slot = slot_of(window); slots[slot] != 0; slot = (slot + 1) % SLOTS) {
            if (slots[slot] != window) continue;
            bad(s, "bytes came back that may not be read: byte %zu of %s", at, where);
            return;
        }
    }
}

/* The settings never; the application where the policy forbids it. */
void judge_prepare(struct storm *s)
{
    s->secret = calloc(SLOTS, sizeof *s->secret);
    if (s->secret == NULL) abort();
    keep(s->secret, s->lower + SETTINGS_OFFSET, APP_OFFSET - SETTINGS_OFFSET);
    if (s->scene->app && s->scene->no_read) keep(s->secret, s->installed.p + SECRET_FROM, SECRET_END - SECRET_FROM);
}

static void judge_secret(struct storm *s)
{
    look_for_secret(s, &s->pc.came, "the serial port");
    look_for_secret(s, &s->pc.control_came, "the control pipe");
}

/* --- what may not change ------------------------------------------------------------------------------------------------------------ */

/* Did the PC say what changes the protection? AN3155's commands with their complements, or a person's 4 and y. */
static bool asked_for_protection(const struct pc *pc)
{
    bool four = false;

    for (size_t i = 0; i < pc->went.n; i++) {
        uint8_t byte = pc->went.p[i], next = i + 1 < pc->went.n ? pc->went.p[i + 1] : 0;

        if ((byte == 0x63 || byte == 0x73) && (byte ^ next) == 0xFF) return true;
        if (four && byte == 'y') return true;
        four |= byte == '4';
    }
    return pc->loose;
}

static void judge_options(struct storm *s)
{
    uint32_t now = flash_get_options(chip_flash(s->pc.chip)), changed = now ^ s->options;

    if (changed == 0) return;
    s->tally[T_PROTECTIONS]++;
    if (!asked_for_protection(&s->pc)) bad(s, "option bytes %08X, before %08X, and nobody asked for it", now, s->options);
    if ((changed & ~NWRP_OF_THE_APPLICATION) == 0) return;
    /* SPEC 10: the power failed in the middle of it. */
    if (!s->cut || (changed & ~(0xFFU << 16)) != 0) bad(s, "option bytes %08X, before %08X", now, s->options);
}

static void judge_flash(struct storm *s)
{
    struct flash *f = chip_flash(s->pc.chip);
    const uint8_t *cells = flash_cells(f), *system = flash_view(f, FLASH_SYS_BASE);

    for (uint32_t i = 0; i < APP_OFFSET; i++)
        if (cells[i] != s->lower[i]) bad(s, "%s changed at 0x%08X", i < 0x4000 ? "the bootloader" : "the settings", 0x08000000U + i);
    if (memcmp(system, s->system, sizeof s->system) != 0) bad(s, "system memory, OTP or its neighbours changed");
    judge_options(s);
}

/* --- the next power-on ---------------------------------------------------------------------------------------------------------------- */

/* True: an application started. */
static bool power_on(struct storm *s)
{
    bool expected;

    flash_set_cut(chip_flash(s->pc.chip), (struct power_cut){ 0 });
    chip_power_cycle(s->pc.chip);
    expected = may_start(flash_cells(chip_flash(s->pc.chip)) + APP_OFFSET);
    s->vtor = 0;
    s->app_runs = false;
    for (unsigned i = 0; i < DECISION_MS && s->vtor != APP_BASE; i++)
        if (!pause_ms(s, 1)) break;
    if (expected != (s->vtor == APP_BASE))
        bad(s, expected ? "a whole application did not start" : "something that is not whole, sealed and allowed started");
    return s->vtor == APP_BASE;
}

bool is_demo(const struct storm *s)
{
    const uint8_t *app = flash_cells(chip_flash(s->pc.chip)) + APP_OFFSET;

    return s->scene->app && load_le32(app + 0x24) == load_le32(s->installed.p + 0x24);
}

/* Into the bootloader, by whatever way there is. False: an application that never gives the control back, as only its maker can
 * know; or s->bad. */
static bool bootloader_comes(struct storm *s)
{
    bool runs = power_on(s);

    for (unsigned i = 0; i < STARTS && runs && !is_demo(s); i++) runs = power_on(s);
    if (runs && !is_demo(s)) {
        s->tally[T_BACK_APP]++;
        return false;
    }
    if (!ready(s)) bad(s, "does not enumerate behind a power cycle");
    else if (runs && !touch(s)) bad(s, "the demo does not enter the bootloader");
    return s->bad[0] == '\0';
}

/* False: the protection stays, as section 10 says of a power failure. */
static bool unprotected(struct storm *s)
{
    unsigned arrivals = s->pc.arrivals;

    if (flash_get_options(chip_flash(s->pc.chip)) == s->options) return true;
    if (!an_connect(s) || !an_unprotect(s) || !pc_wait_arrival(&s->pc, arrivals, ARRIVAL_MS) || !pc_open(&s->pc))
        bad(s, "Write Unprotect does not take the protection away");
    return flash_get_options(chip_flash(s->pc.chip)) == s->options;
}

static void judge_update(struct storm *s)
{
    const uint8_t *app = flash_cells(chip_flash(s->pc.chip)) + APP_OFFSET;

    pc_forget(&s->pc);
    (void)native_say(s, NATIVE_HELLO, NULL, 0, true);
    if (native_hear(s, NATIVE_HELLO, 1000) != 0) bad(s, "no answer to HELLO behind a power cycle");
    if (s->bad[0] != '\0' || !unprotected(s)) return;
    new_image(s, true);
    if (!native_update(s, true)) bad(s, "the next update fails");
    else if (memcmp(app, s->image, s->image_n) != 0) bad(s, "the next update left something else than its file");
    else s->tally[T_RECOVERED]++;
}

/* Only the end of a commit writes a head, and only the first step of an update takes one away: as long as the power stays on, what
 * has a head is whole. */
static void judge_application(struct storm *s)
{
    const uint8_t *app = flash_cells(chip_flash(s->pc.chip)) + APP_OFFSET;
    bool whole = judge_whole(app);

    s->tally[T_COMMITS] += whole && !is_demo(s);
    if (!s->cut && !whole && load_le32(app) != 0xFFFFFFFFU) bad(s, "what has a head is not whole");
}

void judge_lower(struct storm *s)
{
    judge_flash(s);
    judge_secret(s);
}

bool judge(struct storm *s, bool full)
{
    s->calm = true;
    judge_lower(s);
    judge_application(s);
    if (s->bad[0] == '\0' && !full) (void)power_on(s);
    if (s->bad[0] == '\0' && full && bootloader_comes(s)) judge_update(s);
    if (s->bad[0] == '\0') judge_flash(s);
    s->tally[T_BACK_FULL] += full;
    if (chip_last_error(s->pc.chip)[0] != '\0') bad(s, "the board says: %s", chip_last_error(s->pc.chip));
    return s->bad[0] == '\0';
}
