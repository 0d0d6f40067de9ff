/* SPDX-License-Identifier: MIT */
/* A device on a desk: wire, native client and YMODEM sender for the tests of the serve. */
#include "tests/unit/serve_rig.h"

#include <stdio.h>
#include <string.h>

#include "image/bytes.h"
#include "tests/unit/cm.h"
#include "tests/unit/make_image.h"
#include "tests/unit/wire.h"

#define ANSWER_MS 20000U
#define YM_ANSWER_MS 20000U
#define BUSY_POLLS 3U                   /* each flash operation */
#define PASSES_PER_MS 10U
#define POLLS_PER_PASS 25U              /* so a word takes about 16 us */

static const struct flash_sector sectors[] = {
    { RIG_BASE, 0x2000 }, { RIG_BASE + 0x2000, 0x2000 }, { RIG_BASE + 0x4000, 0x4000 },
};
static const struct flash_area area = { sectors, 3 };
static const struct seal_area where = { RIG_BASE, RIG_AREA_BYTES, seal_ram_f407, 2 };

/* --- the wire --------------------------------------------------------------------------------------------------------------- */

static size_t wire_read(void *ctx, uint8_t *out, size_t cap)
{
    struct rig *r = ctx;
    size_t n = r->to_n - r->to_pos < cap ? r->to_n - r->to_pos : cap;

    memcpy(out, r->to_device + r->to_pos, n);
    r->to_pos += n;
    if (r->to_pos == r->to_n) {
        r->to_pos = 0;
        r->to_n = 0;
    }
    return n;
}

static size_t wire_write(void *ctx, const uint8_t *p, size_t n)
{
    struct rig *r = ctx;

    assert_true(n <= r->room);
    assert_true(n <= sizeof r->from_device - r->from_n);
    memcpy(r->from_device + r->from_n, p, n);
    r->from_n += n;
    r->room -= n;
    return n;
}

static size_t wire_room(void *ctx)
{
    return ((struct rig *)ctx)->room;
}

void rig_open(struct rig *r, uint32_t capabilities)
{
    struct serve_setup setup = { .session = &r->session, .area = &area, .where = &where, .wire = &r->wire,
                                 .self = { .capabilities = capabilities, .window = 4096 },
                                 .reason = BOOT_STAY_EMPTY, .startable = false };

    memset(r, 0, sizeof *r);
    fake_flash_open(&r->flash, &area);
    r->flash.busy_polls = BUSY_POLLS;
    r->wire = (struct serve_wire){ wire_read, wire_write, wire_room, r };
    r->room = RIG_WIRE_BYTES;
    r->now_ms = 0xFFFFF000U;            /* the clock wraps in mid-test */
    native_rx_init(&r->rx);
    session_init(&r->session, &area, &where, "");
    serve_init(&r->serve, &setup, r->now_ms);
}

void rig_close(struct rig *r)
{
    uint32_t violations = r->flash.violations;

    fake_flash_close(&r->flash);
    assert_int_equal(violations, 0);
}

void rig_run(struct rig *r, uint32_t ms)
{
    while (ms-- > 0) {
        for (unsigned i = 0; i < PASSES_PER_MS; i++) {
            serve_poll(&r->serve, r->now_ms);
            for (unsigned k = 0; k < POLLS_PER_PASS; k++) {
                session_poll(&r->session, r->now_ms);
            }
        }
        r->now_ms++;
    }
}

void rig_put(struct rig *r, const void *p, size_t n)
{
    assert_true(n <= sizeof r->to_device - r->to_n);
    memcpy(r->to_device + r->to_n, p, n);
    r->to_n += n;
}

int rig_get(struct rig *r, uint32_t ms)
{
    while (r->from_pos == r->from_n) {
        if (ms-- == 0) {
            return -1;
        }
        rig_run(r, 1);
    }
    return r->from_device[r->from_pos++];
}

size_t rig_drain(struct rig *r)
{
    size_t n = r->from_n - r->from_pos;

    r->from_n = 0;
    r->from_pos = 0;
    r->room = RIG_WIRE_BYTES;
    return n;
}

/* --- the native client ---------------------------------------------------------------------------------------------------------- */

uint8_t rig_request(struct rig *r, uint8_t type, const void *payload, size_t n)
{
    uint8_t frame[NATIVE_FRAME_MAX];
    size_t bytes = native_encode(frame, sizeof frame, type, ++r->seq, payload, n);

    assert_true(bytes > 0);
    rig_put(r, frame, bytes);
    return r->seq;
}

const struct native_frame *rig_frame(struct rig *r, uint32_t ms)
{
    static struct native_frame frame;

    native_rx_release(&r->rx);
    for (;;) {
        int c = rig_get(r, ms);
        uint8_t byte = (uint8_t)c;

        if (c < 0) {
            return NULL;
        }
        native_rx_feed(&r->rx, &byte, 1, r->now_ms);
        if (native_rx_frame(&r->rx, &frame)) {
            return &frame;
        }
    }
}

const struct native_frame *rig_answer(struct rig *r, uint8_t type, uint8_t seq)
{
    for (;;) {
        const struct native_frame *f = rig_frame(r, ANSWER_MS);

        assert_non_null(f);
        if (f->type == (type | NATIVE_ANSWER) && f->seq == seq) {
            return f;
        }
    }
}

struct native_status rig_ask(struct rig *r, uint8_t type, const void *payload, size_t n)
{
    const struct native_frame *f = rig_answer(r, type, rig_request(r, type, payload, n));
    struct native_status s;

    assert_true(native_get_status(&s, f->payload, f->length));
    return s;
}

struct native_hello rig_hello(struct rig *r)
{
    const struct native_frame *f = rig_answer(r, NATIVE_HELLO, rig_request(r, NATIVE_HELLO, NULL, 0));
    struct native_hello h;

    assert_true(native_get_hello(&h, f->payload, f->length));
    return h;
}

struct native_status rig_update(struct rig *r, const uint8_t *image, size_t n)
{
    uint8_t payload[NATIVE_PAYLOAD_MAX];
    struct native_status s;

    memcpy(payload, image, SEAL_HEAD_BYTES);
    store_le32(payload + SEAL_HEAD_BYTES, 7);
    s = rig_ask(r, NATIVE_BEGIN, payload, SEAL_HEAD_BYTES + 4);
    if (s.err != UPDATE_OK) {
        return s;
    }
    for (size_t at = SEAL_HEAD_BYTES; at < n;) {
        size_t bytes = n - at < NATIVE_DATA_MAX ? n - at : NATIVE_DATA_MAX;

        store_le32(payload, (uint32_t)at);
        memcpy(payload + 4, image + at, bytes);
        rig_request(r, NATIVE_DATA, payload, bytes + 4);
        at += bytes;
        while (r->to_n - r->to_pos > RIG_WIRE_BYTES / 2) {
            rig_run(r, 1);
        }
    }
    return rig_ask(r, NATIVE_FINISH, NULL, 0);
}

/* --- images ------------------------------------------------------------------------------------------------------------------------ */

void rig_image(uint8_t *image, uint32_t n, uint32_t seed, bool sealed)
{
    struct image_recipe recipe = { .base = RIG_BASE, .bytes = n, .seed = seed, .sealed = sealed, .product = "vcpboot rig",
                                   .info_at = 0x80 };

    make_image(image, &recipe);
}

/* --- the YMODEM sender ------------------------------------------------------------------------------------------------------------- */

static void put_block(struct rig *r, uint8_t number, const uint8_t *p, size_t n, size_t block, uint8_t pad)
{
    uint8_t frame[YMODEM_FRAME_MAX];

    rig_put(r, frame, ymodem_frame(frame, number, p, n, block, pad));
}

/* Waits for ACK, passing over 'C'. */
static bool acked(struct rig *r)
{
    int c;

    do {
        c = rig_get(r, YM_ANSWER_MS);
    } while (c == YM_CRC);
    return c == YM_ACK;
}

bool rig_ymodem(struct rig *r, const uint8_t *file, size_t n, long size, size_t block)
{
    char name[128] = "image.bin";
    size_t name_n = 10;
    uint8_t number = 0;
    uint8_t eot = YM_EOT;

    if (size >= 0) {
        name_n += (size_t)snprintf(name + 10, sizeof name - 10, "%ld", size);
    }
    put_block(r, number++, (const uint8_t *)name, name_n, 128, 0);
    if (!acked(r)) {
        return false;
    }
    for (size_t at = 0; at < n; at += block) {
        put_block(r, number++, file + at, n - at < block ? n - at : block, block, YM_PAD);
        if (!acked(r)) {
            return false;
        }
    }
    rig_put(r, &eot, 1);
    if (!acked(r)) {
        return false;
    }
    put_block(r, 0, NULL, 0, 128, 0);
    return acked(r);
}

/* Waits for the answer to a block, if this sender cares. */
static bool went_well(struct rig *r, const struct rig_habit *habit)
{
    return habit->streams || acked(r);
}

static bool send_header(struct rig *r, size_t n, const struct rig_habit *habit)
{
    char name[128] = "image.bin";
    int size_n = habit->sizeless ? 0 : snprintf(name + 10, sizeof name - 10, "%zu", n);

    put_block(r, 0, (const uint8_t *)name, 10 + (size_t)size_n, habit->header, 0);
    return went_well(r, habit);
}

static bool send_blocks(struct rig *r, const uint8_t *file, size_t n, const struct rig_habit *habit)
{
    uint8_t number = 1;
    size_t at = 0;

    while (at < n) {
        size_t block = habit->tail && n - at <= 896 ? 128 : habit->block;

        for (int time = 0; time <= habit->doubles; time++) {
            put_block(r, number, file + at, n - at < block ? n - at : block, block, habit->pad);
            if (!went_well(r, habit)) {
                return false;
            }
        }
        number++;
        at += block;
        rig_run(r, habit->streams);
    }
    return true;
}

bool rig_send_file(struct rig *r, const uint8_t *file, size_t n, const struct rig_habit *habit)
{
    uint8_t eot = YM_EOT;

    if (habit->typed != NULL) {
        rig_put(r, habit->typed, strlen(habit->typed));
        rig_run(r, 1000);
        rig_drain(r);
    }
    if (habit->header != 0 && !send_header(r, n, habit)) {
        return false;
    }
    if (!send_blocks(r, file, n, habit)) {
        return false;
    }
    for (int time = 0; time <= habit->eot_twice; time++) {
        int c;

        rig_put(r, &eot, 1);
        do {
            c = rig_get(r, YM_ANSWER_MS);
        } while (c == YM_CRC || c == YM_STREAM);
        if (c != YM_ACK) {
            return false;
        }
    }
    return true;
}

bool rig_send(struct rig *r, const uint8_t *file, size_t n, const struct rig_habit *habit)
{
    if (!rig_send_file(r, file, n, habit)) {
        return false;
    }
    if (habit->header == 0) {
        return true;
    }
    put_block(r, 0, NULL, 0, habit->header, 0);
    return went_well(r, habit);
}
