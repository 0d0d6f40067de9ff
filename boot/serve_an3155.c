/* SPDX-License-Identifier: MIT */
/* AN3155's device side: one function a command, over an update by address. */
/* Sources: docs/SPEC.md "AN3155"; ST AN3155 Rev 20; RM0090 Rev 21 §3.4 table 5 (sectors), §3.9 (option bytes), §39; AN2606 */
#include "boot/serve_parts.h"

#include <string.h>

#include "boot/mailbox.h"
#include "proto/detect.h"

#define FLASH_START 0x08000000U
#define ANSWER_MAX (1U + AN_BLOCK_MAX)

/* What becomes of a part of a command: NACK; or so many bytes of answer, the ACK in front of them included; or the answer waits
 * until the flash has done its work. */
enum { REFUSED = 0, ACKED = 1, LATER = -1 };
typedef int handler(struct serve *s);

/* --- addresses and sectors --------------------------------------------------------------------------------------------- */

static uint32_t app_offset(const struct serve *s)
{
    return s->an3155.an.address - s->set.where->base;
}

/* Bytes that may be read or written from the address on; 0: none. What CubeProgrammer reads beside the application: bootloader
 * id, unique id and flash size, option bytes. */
static uint32_t reach(const struct serve *s)
{
    static const struct { uint32_t first, bytes; } windows[] = {
        { 0x1FFF77DEU, 2 }, { 0x1FFF7A10U, 0x14 }, { 0x1FFFC000U, 0x10 },
    };
    uint32_t offset = app_offset(s);    /* below a window it has wrapped round to one beyond its end */

    if (offset < s->set.where->bytes) {
        return s->set.where->bytes - offset;
    }
    for (size_t i = 0; s->an3155.an.command == AN_READ && i < sizeof windows / sizeof windows[0]; i++) {
        offset = s->an3155.an.address - windows[i].first;
        if (offset < windows[i].bytes) {
            return windows[i].bytes - offset;
        }
    }
    return 0;
}

/* The chip's number of the area's first sector: four of 16 KB, one of 64 KB, then 128 KB each. */
static uint32_t first_sector(const struct serve *s)
{
    uint32_t offset = s->set.where->base - FLASH_START;

    return offset < 0x20000U ? offset >> 14 : 4U + (offset >> 17);
}

/* --- what it is -------------------------------------------------------------------------------------------------------- */

static int on_get(struct serve *s)
{
    s->out[1] = AN_COMMANDS;            /* one less than there are bytes: the version is one more */
    s->out[2] = AN_VERSION;
    memcpy(s->out + 3, an_codes, AN_COMMANDS);
    s->out[3 + AN_COMMANDS] = AN_ACK;
    return 1 + AN_COMMANDS + 3;
}

static int on_get_version(struct serve *s)
{
    s->out[1] = AN_VERSION;
    s->out[2] = 0;                      /* once there were counters here; 0 on every F4 */
    s->out[3] = 0;
    s->out[4] = AN_ACK;
    return 5;
}

static int on_get_id(struct serve *s)
{
    s->out[1] = 1;
    s->out[2] = (uint8_t)(s->set.self.dev_id >> 8);
    s->out[3] = (uint8_t)s->set.self.dev_id;
    s->out[4] = AN_ACK;
    return 5;
}

/* --- memory ------------------------------------------------------------------------------------------------------------- */

static int on_read(struct serve *s)
{
    uint32_t n = s->an3155.an.count + 1U;

    if (n > reach(s)) {
        return REFUSED;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = s->an3155.an.address + i;

        s->out[1 + i] = (uint8_t)(session_peek(s->set.session, (at & ~3U) - s->set.where->base) >> (8U * (at & 3U)));
    }
    return 1 + (int)n;
}

static int begun(enum update_err err)
{
    return err == UPDATE_OK ? LATER : REFUSED;
}

/* After a failure only an erase begins anew: otherwise what failed could be left out by a client that does not listen. */
static int on_write(struct serve *s)
{
    uint32_t n = s->an3155.an.count + 1U;

    if (n % 4U != 0) {
        return REFUSED;
    }
    if (!session_active(s->set.session) && session_status(s->set.session)->phase != UPDATE_FAILED) {
        session_open(s->set.session);
    }
    return begun(session_put(s->set.session, app_offset(s), s->an3155.an.data, n));
}

static int erase(struct serve *s, uint32_t sectors)
{
    if (!session_active(s->set.session)) {
        session_open(s->set.session);
    }
    return begun(session_erase(s->set.session, sectors));
}

/* Sectors behind the area do not exist, or so the engine takes it: stm32flash asks for those of the family's largest chip. */
static int on_erase(struct serve *s)
{
    const struct an3155 *an = &s->an3155.an;
    uint32_t first = first_sector(s);

    if (an->count == AN_ERASE_ALL) {
        return erase(s, SESSION_ALL_SECTORS);
    }
    if (an->count >= AN_ERASE_SPECIAL || (an->sectors & (((uint32_t)1 << first) - 1U)) != 0) {
        return REFUSED;                 /* a bank, of which there is but one; the bootloader or the settings */
    }
    return erase(s, an->sectors >> first);
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

/* stm32flash's "-g 0" is the start of the flash: whoever starts there comes to the application. */
static int on_go(struct serve *s)
{
    if (app_offset(s) != 0 && s->an3155.an.address != FLASH_START) {
        return REFUSED;
    }
    return s->startable ? ACKED : begun(session_finish(s->set.session));
}

/* Of the application's sectors those that are named; Unprotect names none. */
static uint32_t to_protect(const struct serve *s)
{
    return s->an3155.an.sectors >> first_sector(s) & (((uint32_t)1 << s->set.area->count) - 1U);
}

static int on_protect(struct serve *s)
{
    session_protect(s->set.session, to_protect(s), s->now_ms);
    return LATER;
}

static int on_readout_unprotect(struct serve *s)
{
    return erase(s, SESSION_ALL_SECTORS);
}

static int on_readout_protect(struct serve *s)
{
    (void)s;
    return REFUSED;                     /* the way back would erase the bootloader as well (RM0090 §3.9.3) */
}

/* --- one command after the other ------------------------------------------------------------------------------------------- */

static handler *const handlers[AN_COMMANDS] = {
    [AN_GET] = on_get,
    [AN_GET_VERSION] = on_get_version,
    [AN_GET_ID] = on_get_id,
    [AN_READ] = on_read,
    [AN_GO] = on_go,
    [AN_WRITE] = on_write,
    [AN_ERASE] = on_erase,
    [AN_WRITE_PROTECT] = on_protect,
    [AN_WRITE_UNPROTECT] = on_protect,
    [AN_READOUT_PROTECT] = on_readout_protect,
    [AN_READOUT_UNPROTECT] = on_readout_unprotect,
};

/* The first 0x7F since a command opens a connection; the next one shows a client that has missed our answer, or that makes sure
 * (stm32flash, CubeProgrammer), that we take no command for it. */
static int on_start(struct serve *s)
{
    if (s->an3155.state == SERVE_AN_GREETED) {
        return REFUSED;
    }
    s->an3155.state = SERVE_AN_GREETED;
    session_abort(s->set.session);
    return ACKED;
}

/* Two bytes of junk in 65536 are a Readout Unprotect. So what changes the flash without being asked for an address is done for
 * nobody whose last words made no sense, nor as a connection's first command: every client asks first who we are. Without an area
 * (a base that is no sector's start) there is nothing to be changed. */
static bool trusted(const struct serve *s)
{
    return s->an3155.an.command < AN_ERASE || (s->an3155.state == SERVE_AN_CONNECTED && s->set.area->count != 0);
}

static int on_event(struct serve *s)
{
    const struct an3155 *an = &s->an3155.an;
    bool good = trusted(s);

    if (an->event == AN_START) {
        return on_start(s);
    }
    if (an->event == AN_BAD) {
        if (an->sum != 0) {             /* otherwise it is a command that we do not know */
            s->an3155.state = SERVE_AN_STRANGER;
        }
        return REFUSED;
    }
    s->an3155.state = SERVE_AN_CONNECTED;
    if (!good) {
        return REFUSED;
    }
    if (an->event == AN_COMMAND) {      /* as under RDP */
        return an->command == AN_READ && (s->set.self.capabilities & NATIVE_CAP_READ) == 0 ? REFUSED : ACKED;
    }
    if (an->event == AN_ADDRESS) {
        return reach(s) != 0 ? ACKED : REFUSED;
    }
    return handlers[an->command](s);
}

/* The flash is at rest again. Has it done what it was asked for? */
static int on_done(struct serve *s)
{
    enum update_phase phase = session_status(s->set.session)->phase;
    bool done = phase != UPDATE_FAILED;

    if (phase == UPDATE_IDLE) {         /* no update: it was about the protection */
        done = flash_protected(s->set.area) == to_protect(s);
    }
    return done ? ACKED : REFUSED;
}

static void answer(struct serve *s, int outcome)
{
    struct an3155 *an = &s->an3155.an;

    s->out[0] = outcome == REFUSED ? AN_NACK : AN_ACK;
    serve_send(s, s->out, outcome == REFUSED ? 1U : (size_t)outcome);
    if (an->event == AN_WHOLE && outcome != REFUSED && (an->command == AN_GO || an->command > AN_ERASE)) {
        serve_leave_in(s, an->command == AN_GO ? MAILBOX_NONE : MAILBOX_BOOTLOADER, SERVE_REBOOT_MS);
    }
    an_answer(an, outcome != REFUSED);
}

bool serve_an3155_starts(const struct serve *s, uint8_t byte)
{
    return detect(byte) == DETECT_AN3155 || (s->an3155.state == SERVE_AN_CONNECTED && an_known(byte));
}

static void release(struct serve *s)
{
    an_init(&s->an3155.an);
    if (s->an3155.state == SERVE_AN_GREETED) {
        s->an3155.state = SERVE_AN_STRANGER;
    }
    serve_release(s);
}

/* The native protocol's first byte stands in no command of AN3155, nor in a complement: it takes the port at once. */
size_t serve_an3155_feed(struct serve *s, const uint8_t *p, size_t n)
{
    if (an_between(&s->an3155.an) && detect(p[0]) == DETECT_NATIVE) {
        release(s);
        return 0;
    }
    (void)n;
    return an_feed(&s->an3155.an, p, 1);
}

static void follow(struct serve *s)
{
    int outcome;

    if (serve_room(s) < ANSWER_MAX) {
        return;
    }
    outcome = s->an3155.working ? on_done(s) : on_event(s);
    s->an3155.working = outcome == LATER;
    if (outcome != LATER) {
        answer(s, outcome);
    }
}

void serve_an3155_poll(struct serve *s)
{
    if (s->client != SERVE_AN3155) {
        return;
    }
    if (session_active(s->set.session) && !session_ready(s->set.session)) {
        s->heard_ms = s->now_ms;        /* we keep the client waiting */
    } else if (s->an3155.an.event != AN_NONE) {
        follow(s);
    } else if (s->now_ms - s->heard_ms >= SERVE_SILENCE_MS) {
        release(s);                     /* its update stays: a person at a CubeProgrammer may take minutes */
    }
}

bool serve_an3155_rests(const struct serve *s)
{
    const struct serve_an3155 *a = &s->an3155;

    return s->client == SERVE_AN3155 && !a->working && a->an.event == AN_NONE && an_between(&a->an) && a->an.have == 0;
}

void serve_an3155_opened(struct serve *s)
{
    an_init(&s->an3155.an);
    s->an3155.state = SERVE_AN_STRANGER;
    s->an3155.working = false;
}
