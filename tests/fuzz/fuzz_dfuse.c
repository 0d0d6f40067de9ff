/* SPDX-License-Identifier: MIT */
/* The DfuSe personality: chapter 9 and DFU's requests down to a guarded flash. */
#include <string.h>

#include "boot/main_dfu.h"
#include "image/bytes.h"
#include "tests/fuzz/bus.h"
#include "tests/fuzz/guard.h"

#define STEPS_MAX 200U
#define SETTLE_POLLS 8000U
#define IDLE_EXIT_MS 30000U

enum { DETACH, DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT };

static const uint8_t uid[USB_UID_BYTES] = { 1, 2, 3 };

static struct device {
    struct guard guard;                 /* first */
    struct config config;
    struct usb_identity identity;
    struct usbd usbd;
    struct main_dfu main;
    uint32_t now_ms;
    uint16_t block;                     /* of the next write */
} d;

/* --- the device ---------------------------------------------------------------------------------------------------------- */

static void start(void)
{
    d.config = (struct config){ .policy = d.guard.readable ? 0 : CONFIG_NO_READ, .psize = 2, .dfu_vid = 0x0483, .dfu_pid = 0xDF11 };
    d.identity = (struct usb_identity){ .manufacturer = "maker", .product = "product", .uid = uid };
    memset(&d.main, 0, sizeof d.main);
    d.main.memory = (struct serve_dfu){ .session = &d.guard.session, .area = &guard_area, .where = &guard_where, .erase_max_ms = 2000,
                                        .startable = boot_starts(d.guard.verdict) };
    main_dfu_init(&d.main, &d.config, &d.identity, d.now_ms);
    bus_open(&d.usbd, &d.identity, &dfu_function, &d.main.dfu);
    bus_configure();
    d.block = 2;
}

/* A reset is a reset wherever it leads: here, into the same personality. */
static void restart(void)
{
    guard_restart(&d.guard);
    guard_check(&d.guard);
    start();
}

static void poll(void)
{
    struct serve_dfu *m = &d.main.memory;

    dfu_poll(&d.main.dfu, d.now_ms);
    session_poll(&d.guard.session, d.now_ms);
    guard_check(&d.guard);
    if (d.guard.flash.dead) {
        restart();
        return;
    }
    FUZZ_CHECK(!m->startable || session_active(&d.guard.session) || boot_starts(d.guard.verdict));
    if (!dfu_leaves(&d.main.dfu) && (dfu_idle_ms(&d.main.dfu) < IDLE_EXIT_MS || !m->startable)) return;
    FUZZ_CHECK(!d.guard.flash.running && boot_starts(d.guard.verdict));
    restart();
}

static void settle(void)
{
    for (unsigned i = 0; i < SETTLE_POLLS && d.main.dfu.outcome == DFU_PENDING; i++) poll();
    poll();
}

/* --- the script ---------------------------------------------------------------------------------------------------------- */

static uint8_t ask_status(void)
{
    uint8_t reply[BUS_REPLY_MAX] = { 0 };
    size_t n = 0;

    if (!bus_control(0xA1, GETSTATUS, 0, 0, NULL, 6, reply, &n)) return 0;
    FUZZ_CHECK(n == 6);
    return reply[4];
}

/* As every client does it: GETSTATUS, wait, GETSTATUS. */
static void follow(void)
{
    (void)ask_status();
    settle();
    (void)ask_status();
}

static void download(uint16_t block, const uint8_t *p, size_t n)
{
    if (n == 0) d.guard.may_seal = true;        /* "leave" */
    (void)bus_control(0x21, DNLOAD, block, 0, p, (uint16_t)n, NULL, NULL);
}

static void command(uint8_t code, uint32_t address)
{
    uint8_t bytes[5] = { code };

    store_le32(bytes + 1, address);
    download(0, bytes, sizeof bytes);
    follow();
}

static uint32_t take_address(struct input *in)
{
    uint32_t offset = take16(in);

    return offset < 0x8000U ? GUARD_BASE + offset : take32(in);
}

static void op_transfer(struct input *in)
{
    uint8_t reply[BUS_REPLY_MAX];
    size_t n;

    d.guard.may_seal = true;            /* perhaps a "leave" */
    bus_transfer(in, reply, &n);
    guard_hear(&d.guard, reply, n);
}

static void op_standard(struct input *in) { bus_standard(in); }

static void op_broken_off(struct input *in)
{
    d.guard.may_seal = true;
    bus_broken_off(in);
}

static void op_event(struct input *in) { bus_event(in); }

static void op_poll(struct input *in)
{
    for (unsigned i = take8(in); i != 0; i--) poll();
}

static void op_time(struct input *in)
{
    uint8_t t = take8(in);

    d.now_ms += t < 128U ? t : (t - 127U) * 250U;
    settle();
}

static void op_status(struct input *in)
{
    (void)in;
    (void)ask_status();
}

static void op_small(struct input *in)
{
    static const uint8_t requests[] = { CLRSTATUS, ABORT, DETACH };
    uint8_t reply[BUS_REPLY_MAX], which = take8(in);
    size_t n = 0;

    if (which % 4U == 3U) (void)bus_control(0xA1, GETSTATE, 0, 0, NULL, 1, reply, &n);
    else (void)bus_control(0x21, requests[which % 4U], which >> 2, 0, NULL, 0, NULL, NULL);
}

static void op_point(struct input *in) { command(0x21, take_address(in)); }
static void op_erase(struct input *in) { command(0x41, take_address(in)); }

static void op_erase_all(struct input *in)
{
    uint8_t code = 0x41;

    (void)in;
    download(0, &code, 1);
    follow();
}

/* A block of the image that is sent, at the place where a client would put it, or under another number. */
static void op_write(struct input *in)
{
    uint8_t data[DFU_TRANSFER_BYTES], how = take8(in);
    uint32_t offset = (uint32_t)(d.block - 2U) * DFU_TRANSFER_BYTES, bytes = d.guard.image_bytes;
    size_t n = offset < bytes ? bytes - offset : 64U;

    if ((how & 0x80U) != 0) d.block = how & 7U;
    else if ((how & 1U) != 0 && n > how * 4U) n = how * 4U;
    if (n > sizeof data) n = sizeof data;
    memset(data, 0xFF, sizeof data);
    if (offset < bytes) memcpy(data, d.guard.image + offset, n < bytes - offset ? n : bytes - offset);
    download(d.block++, data, n);
    if ((how & 0x40U) == 0) follow();
}

static void op_write_raw(struct input *in)
{
    uint16_t block = (uint16_t)take16(in);
    size_t got;
    const uint8_t *p = take(in, take8(in), &got);

    download(block, p, got);
}

static void op_upload(struct input *in)
{
    uint8_t reply[BUS_REPLY_MAX];
    uint16_t block = (uint16_t)(take8(in) & 7U), length = (uint16_t)take16(in);
    size_t n = 0;

    (void)bus_control(0xA1, UPLOAD, block, 0, NULL, length, reply, &n);
    guard_hear(&d.guard, reply, n);
}

/* Erase all, write all, leave. */
static void op_whole(struct input *in)
{
    op_erase_all(in);
    command(0x21, GUARD_BASE);
    for (d.block = 2; (uint32_t)(d.block - 2U) * DFU_TRANSFER_BYTES < d.guard.image_bytes;) op_write(&(struct input){ NULL, 0 });
}

static void op_leave(struct input *in)
{
    (void)in;
    download(0, NULL, 0);
    follow();
}

static void op_image(struct input *in)
{
    guard_choose_image(&d.guard, take8(in));
    d.block = 2;
}

static void op_fault(struct input *in) { guard_fault(&d.guard, in); }
static void op_cut(struct input *in) { guard_cut(&d.guard, in); }

/* Whatever it was: a client that begins anew can update. */
static void epilogue(void)
{
    guard_heal(&d.guard);
    settle();
    fake_dcd_raise(DCD_RESET);
    bus_configure();
    if (d.guard.flash.protection != 0 || d.main.dfu.state == DFU_MANIFEST) return;
    FUZZ_CHECK(ask_status() == DFU_IDLE);
    guard_choose_image(&d.guard, 0);
    op_whole(&(struct input){ NULL, 0 });
    FUZZ_CHECK(d.guard.verdict.reason == BOOT_START_SEALED && memcmp(d.guard.flash.array, d.guard.image, d.guard.image_bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const ops[])(struct input *in) = { op_transfer, op_standard, op_broken_off, op_event, op_poll, op_time, op_status,
                                                     op_small, op_point, op_erase, op_erase_all, op_write, op_write_raw, op_upload,
                                                     op_whole, op_leave, op_image, op_fault, op_cut };
    struct input in = { p, n };

    guard_open(&d.guard, &in);
    d.now_ms = 0xFFFFF000U;
    start();
    for (unsigned i = 0; i < STEPS_MAX && in.n != 0; i++) ops[take8(&in) % COUNT(ops)](&in);
    epilogue();
    guard_close(&d.guard);
    return 0;
}
