/* SPDX-License-Identifier: MIT */
/* The bootloader's serve on a desk: the wire, time, resets, and the script. */
#include "tests/fuzz/desk.h"

#include <string.h>

#define START_MS 0xFFFFF000U            /* the clock wraps in mid-script */
#define STEPS_MAX 200U
#define SETTLE_PASSES 400U
#define QUIET_PASSES 4U                 /* in which nothing moved: the device waits for somebody */
#define WAIT_STEPS 24U
#define IDLE_EXIT_MS 30000U
#define BURST 0x80U
#define BLOCK_BYTES 128U
#define EPILOGUE_UPDATE 1U              /* flags of the script's third byte */
#define PACE(flags) ((flags) >> 1 & 3U) /* how far the flash gets between two looks at the port */
#define EPILOGUE_SEQ 0x5AU

/* --- the wire ------------------------------------------------------------------------------------------------------------ */

static size_t wire_read(void *ctx, uint8_t *out, size_t cap)
{
    struct desk *d = ctx;
    size_t n = d->to_n - d->to_pos < cap ? d->to_n - d->to_pos : cap;

    memcpy(out, d->to_device + d->to_pos, n);
    d->to_pos += n;
    return n;
}

static void listen(struct desk *d, const uint8_t *p, size_t n)
{
    struct native_frame f;

    for (size_t at = 0; at < n;) {
        at += native_rx_feed(&d->rx, p + at, n - at, d->now_ms);
        if (!native_rx_frame(&d->rx, &f)) continue;
        d->answered = d->answered || ((f.type & NATIVE_ANSWER) != 0 && f.seq == EPILOGUE_SEQ);
        native_rx_release(&d->rx);
    }
}

static size_t wire_write(void *ctx, const uint8_t *p, size_t n)
{
    struct desk *d = ctx;

    FUZZ_CHECK(n <= d->room);           /* it was told how much there is */
    d->room -= n;
    d->said += (uint32_t)n;
    guard_hear(&d->guard, p, n);
    if (d->listening) listen(d, p, n);
    return n;
}

static size_t wire_room(void *ctx)
{
    return ((struct desk *)ctx)->room;
}

/* Who has said neither of AN3155's commands, nor 4 and y to the menu, has not asked for the option bytes to be changed; who has said
 * neither Go nor EOT, not for a raw image to be sealed. */
static void note_explicit_command(struct desk *d, uint8_t byte)
{
    bool an3155 = (d->last == 0x63 && byte == 0x9C) || (d->last == 0x73 && byte == 0x8C);

    if (byte == '4') d->menu = byte;
    if (an3155 || (d->menu != 0 && byte == 'y')) d->guard.may_protect = true;
    if ((d->last == 0x21 && byte == 0xDE) || byte == YM_EOT) d->guard.may_seal = true;
    d->last = byte;
}

void desk_put(struct desk *d, const uint8_t *p, size_t n)
{
    if (d->to_pos == d->to_n) d->to_pos = d->to_n = 0;
    if (n > sizeof d->to_device - d->to_n) n = sizeof d->to_device - d->to_n;
    /* In whole blocks of an image any byte comes by chance. */
    for (size_t i = 0; i < n && n < BLOCK_BYTES; i++) note_explicit_command(d, p[i]);
    if (n != 0) memcpy(d->to_device + d->to_n, p, n);
    d->to_n += n;
}

/* --- the device ---------------------------------------------------------------------------------------------------------- */

static void start(struct desk *d)
{
    struct boot_verdict v = d->guard.verdict;
    const struct serve_setup setup = {
        .session = &d->guard.session, .area = &guard_area, .where = &guard_where, .wire = &d->wire,
        .self = { .capabilities = NATIVE_CAP_UPDATE | (d->guard.readable ? NATIVE_CAP_READ : 0), .window = 4096, .dev_id = 0x413 },
        .reason = boot_starts(v) ? BOOT_STAY_REQUESTED : v.reason, .startable = boot_starts(v),
    };

    serve_init(&d->serve, &setup, d->now_ms);
    d->to_n = d->to_pos = 0;
}

static void restart(struct desk *d)
{
    guard_restart(&d->guard);
    guard_check(&d->guard);
    start(d);
}

/* A reset in the middle of a flash operation would be a power cut. */
static void follow_leaving(struct desk *d)
{
    uint8_t request = 0;
    bool leaves = serve_leaves(&d->serve, d->now_ms, true, &request);
    bool idle = serve_idle_ms(&d->serve, d->now_ms) >= IDLE_EXIT_MS && serve_startable(&d->serve);

    if (!leaves && !idle) return;
    FUZZ_CHECK(request <= 3U && !d->guard.flash.running);
    restart(d);
}

/* As boot/main.c does it. To an application that is not there nobody can go back: the serve is asked right behind its poll, before the
 * flash goes on. */
static void pass(struct desk *d)
{
    struct session *s = &d->guard.session;

    serve_poll(&d->serve, d->now_ms);
    FUZZ_CHECK(!serve_startable(&d->serve) || session_active(s) || boot_starts(d->guard.verdict));
    follow_leaving(d);
    for (unsigned i = 0; i < d->polls && session_active(s) && !session_ready(s); i++) session_poll(s, d->now_ms);
    session_poll(s, d->now_ms);
    guard_check(&d->guard);
    if (d->guard.flash.dead) restart(d);
}

struct progress { size_t taken; uint32_t said, ops, reads, crc_words, phase; };

static struct progress progress(const struct desk *d)
{
    const struct fake_flash *f = &d->guard.flash;

    return (struct progress){ d->to_pos, d->said, f->ops, f->reads, f->crc_words, session_status(&d->guard.session)->phase };
}

static bool same(const struct progress *a, const struct progress *b)
{
    return a->taken == b->taken && a->said == b->said && a->ops == b->ops && a->reads == b->reads &&
           a->crc_words == b->crc_words && a->phase == b->phase;
}

void desk_settle(struct desk *d)
{
    unsigned quiet = 0;

    for (unsigned i = 0; i < SETTLE_PASSES && quiet < QUIET_PASSES; i++) {
        struct progress before = progress(d), after;

        pass(d);
        after = progress(d);
        quiet = same(&before, &after) ? quiet + 1U : 0;
    }
}

void desk_wait(struct desk *d, uint32_t ms)
{
    uint32_t step = ms / WAIT_STEPS + 1U;

    while (ms != 0) {
        uint32_t n = ms < step ? ms : step;

        d->now_ms += n;
        ms -= n;
        pass(d);
    }
    desk_settle(d);
}

/* --- the end ------------------------------------------------------------------------------------------------------------- */

static void ask(struct desk *d, uint8_t type)
{
    uint8_t frame[NATIVE_FRAME_MAX];

    d->answered = false;
    desk_put(d, frame, native_encode(frame, sizeof frame, type, EPILOGUE_SEQ, NULL, 0));
    for (unsigned i = 0; i < 8U && !d->answered; i++) desk_wait(d, 1);
    FUZZ_CHECK(d->answered);
}

static void update(struct desk *d)
{
    struct guard *g = &d->guard;
    struct input all = { (const uint8_t *)"\xFF", 1 };

    guard_choose_image(g, 0);
    op_begin(d, &all);
    op_data_all(d, &all);
    ask(d, NATIVE_FINISH);
    FUZZ_CHECK(guard_boot(g).reason == BOOT_START_SEALED && memcmp(g->flash.array, g->image, g->image_bytes) == 0);
}

/* Whatever it was: who opens the port anew is answered, and can update. */
static void epilogue(struct desk *d, uint8_t flags)
{
    guard_heal(&d->guard);
    d->room = d->room_each = SIZE_MAX / 2;
    d->polls = 400;
    do desk_wait(d, 1000); while (d->serve.leave.armed);        /* who is about to reset answers nobody */
    d->to_pos = d->to_n;
    serve_opened(&d->serve, d->now_ms);
    native_rx_init(&d->rx);
    d->listening = true;
    ask(d, NATIVE_HELLO);
    if ((flags & EPILOGUE_UPDATE) != 0 && d->guard.flash.protection == 0) update(d);
}

void desk_play(const uint8_t *p, size_t n, desk_op *const *ops, size_t count)
{
    static const unsigned polls[] = { 400, 100, 25, 2 };
    static struct desk d;
    struct input in = { p, n };
    uint8_t flags;

    memset(&d, 0, offsetof(struct desk, to_device));
    guard_open(&d.guard, &in);
    flags = take8(&in);
    d.polls = polls[PACE(flags)];
    d.wire = (struct serve_wire){ wire_read, wire_write, wire_room, &d };
    d.now_ms = START_MS;
    d.room = d.room_each = SIZE_MAX / 2;
    start(&d);
    for (unsigned i = 0; i < STEPS_MAX && in.n != 0; i++) {
        uint8_t step = take8(&in);

        ops[(step & ~BURST) % count](&d, &in);
        d.room = d.room_each;
        if ((step & BURST) == 0) desk_settle(&d);
    }
    epilogue(&d, flags);
    guard_close(&d.guard);
}
