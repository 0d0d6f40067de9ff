/* SPDX-License-Identifier: MIT */
/* A device behind a pseudo terminal, as a thread. */
#include "tests/unit/fake_vcp.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/cm.h"

#define AWAY_MS 100                     /* how long a device that leaves the bus stays away */
#define POLLS_PER_TURN 400U

static const struct flash_sector sectors[] = {
    { FAKE_VCP_BASE, 0x4000 }, { FAKE_VCP_BASE + 0x4000, 0x4000 }, { FAKE_VCP_BASE + 0x8000, 0x8000 }, { FAKE_VCP_BASE + 0x10000, 0x10000 },
};
static const struct flash_area area = { sectors, 4 };
static const struct seal_area where = { FAKE_VCP_BASE, FAKE_VCP_BYTES, seal_ram_f407, 2 };

static uint32_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U);
}

/* --- the bus ----------------------------------------------------------------------------------------------------------- */

static void attach(struct fake_vcp *d)
{
    char temporary[160];

    d->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (d->master < 0 || grantpt(d->master) != 0 || unlockpt(d->master) != 0) abort();
    const char *name = ptsname(d->master);
    int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);  /* only after a first close does the master show POLLHUP */
    if (slave >= 0) (void)close(slave);
    (void)snprintf(temporary, sizeof temporary, "%s.new", d->link);
    if (symlink(name, temporary) != 0 || rename(temporary, d->link) != 0) abort();
    d->open = false;
    d->in_bytes = d->out_bytes = 0;
    native_rx_init(&d->rx);
}

static void detach(struct fake_vcp *d)
{
    (void)unlink(d->link);
    (void)close(d->master);
    d->master = -1;
    (void)poll(NULL, 0, AWAY_MS);
}

/* --- the bootloader ---------------------------------------------------------------------------------------------------- */

static size_t wire_read(void *ctx, uint8_t *out, size_t cap)
{
    struct fake_vcp *d = ctx;
    size_t n = d->in_bytes < cap ? d->in_bytes : cap;

    memcpy(out, d->in, n);
    memmove(d->in, d->in + n, d->in_bytes - n);
    d->in_bytes -= n;
    return n;
}

static size_t wire_write(void *ctx, const uint8_t *p, size_t n)
{
    struct fake_vcp *d = ctx;

    memcpy(d->out + d->out_bytes, p, n);
    d->out_bytes += n;
    return n;
}

static size_t wire_room(void *ctx) { return sizeof((struct fake_vcp *)ctx)->out - ((struct fake_vcp *)ctx)->out_bytes; }

static bool installed(struct fake_vcp *d, struct seal_info *seal)
{
    struct seal_head head;

    seal_head_load(&head, d->flash.array);
    seal_parse(seal, &head, &where);
    return seal->kind == SEAL_PRESENT;
}

static void start_bootloader(struct fake_vcp *d)
{
    struct seal_info seal;
    bool whole = installed(d, &seal);
    const struct serve_setup setup = {
        .session = &d->session, .area = &area, .where = &where, .wire = &d->wire,
        .self = { .capabilities = NATIVE_CAP_UPDATE | NATIVE_CAP_READ, .window = 8192, .erase_max_ms = 2000, .dev_id = 0x413,
                  .uid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
        .reason = whole ? BOOT_STAY_REQUESTED : BOOT_STAY_EMPTY, .startable = whole,
    };

    d->in_application = false;
    session_init(&d->session, &area, &where, "");
    serve_init(&d->serve, &setup, now_ms());
}

static void reset(struct fake_vcp *d, bool to_application)
{
    struct seal_info seal;

    detach(d);
    fake_flash_restart(&d->flash);
    start_bootloader(d);
    d->in_application = to_application && installed(d, &seal);
    if (d->in_application && d->no_application) return;
    attach(d);
}

static void run_bootloader(struct fake_vcp *d)
{
    uint8_t request;

    for (unsigned i = 0; i < POLLS_PER_TURN; i++) {
        if (i % 4U == 0) serve_poll(&d->serve, now_ms());
        session_poll(&d->session, now_ms());
    }
    if (d->flash.dead) {
        d->boot_resets_at_op = 0;
        reset(d, false);
    } else if (serve_leaves(&d->serve, now_ms(), d->out_bytes == 0, &request)) {
        reset(d, request == 0);
    }
}

/* --- the application ---------------------------------------------------------------------------------------------------- */

static void answer_hello(struct fake_vcp *d, uint8_t seq)
{
    struct native_hello h = { .version = NATIVE_VERSION, .mode = 1, .uid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } };
    struct seal_info seal;
    uint8_t payload[NATIVE_PAYLOAD_MAX];

    if (installed(d, &seal) && seal.info_offset != 0) {
        h.entries = d->flash.array + seal.info_offset + INFO_HEADER_BYTES;
        h.entries_bytes = info_check(d->flash.array, seal.length, seal.info_offset);
    }
    size_t n = native_put_hello(payload, sizeof payload, &h);
    d->out_bytes += native_encode(d->out + d->out_bytes, sizeof d->out - d->out_bytes, NATIVE_HELLO | NATIVE_ANSWER, seq, payload, n);
}

static void run_application(struct fake_vcp *d)
{
    struct native_frame f;

    (void)native_rx_feed(&d->rx, d->in, d->in_bytes, now_ms());
    d->in_bytes = 0;
    if (!native_rx_frame(&d->rx, &f)) return;
    if (f.type == NATIVE_HELLO && !d->deaf_application) answer_hello(d, f.seq);
    native_rx_release(&d->rx);
}

/* --- the port -------------------------------------------------------------------------------------------------------------- */

static void closed(struct fake_vcp *d)
{
    struct termios t;
    bool touched = tcgetattr(d->master, &t) == 0 && cfgetospeed(&t) == B1200;

    d->open = false;
    d->touches += touched;
    if (touched && d->in_application && !d->ignores_touch) reset(d, false);
}

static void move_bytes(struct fake_vcp *d)
{
    if (sizeof d->in - d->in_bytes > 0) {
        ssize_t n = read(d->master, d->in + d->in_bytes, sizeof d->in - d->in_bytes);
        if (n > 0) {
            d->in_bytes += (size_t)n;
            d->got_bytes += (uint64_t)n;
        }
    }
    ssize_t n = d->out_bytes ? write(d->master, d->out, d->out_bytes) : 0;
    if (n > 0) {
        memmove(d->out, d->out + n, d->out_bytes - (size_t)n);
        d->out_bytes -= (size_t)n;
    }
}

static void turn(struct fake_vcp *d)
{
    struct pollfd p = { .fd = d->master, .events = POLLIN };
    int n = poll(&p, 1, 1);
    bool hung_up = n > 0 && (p.revents & POLLHUP);

    if (!hung_up && !d->open) {
        d->open = true;
        serve_opened(&d->serve, now_ms());
    }
    if (hung_up && d->open) closed(d);
    if (hung_up) (void)poll(NULL, 0, 1);
    if (d->master < 0) return;
    if (!hung_up) move_bytes(d);
    if (d->in_application) run_application(d);
    else run_bootloader(d);
    if (d->unplug_after_bytes != 0 && d->got_bytes >= d->unplug_after_bytes) {
        d->unplug_after_bytes = 0;
        detach(d);
        attach(d);
    }
}

static void *run(void *arg)
{
    struct fake_vcp *d = arg;

    while (!atomic_load(&d->stop)) {
        if (d->master >= 0) turn(d);
        else (void)poll(NULL, 0, 1);
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

void fake_vcp_init(struct fake_vcp *d, const char *folder)
{
    memset(d, 0, sizeof *d);
    (void)snprintf(d->link, sizeof d->link, "%s/ttyACM0", folder);
    d->wire = (struct serve_wire){ wire_read, wire_write, wire_room, d };
    d->master = -1;
    fake_flash_open(&d->flash, &area);
}

void fake_vcp_start(struct fake_vcp *d)
{
    atomic_store(&d->stop, false);
    start_bootloader(d);
    d->flash.cut_at = d->boot_resets_at_op;
    d->in_application = d->application;
    attach(d);
    assert_int_equal(pthread_create(&d->thread, NULL, run, d), 0);
}

void fake_vcp_end(struct fake_vcp *d)
{
    atomic_store(&d->stop, true);
    assert_int_equal(pthread_join(d->thread, NULL), 0);
    (void)unlink(d->link);
    if (d->master >= 0) (void)close(d->master);
    d->master = -1;
}

void fake_vcp_free(struct fake_vcp *d)
{
    uint32_t violations = d->flash.violations;

    fake_flash_close(&d->flash);
    assert_int_equal(violations, 0);
}
