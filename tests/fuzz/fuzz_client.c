/* SPDX-License-Identifier: MIT */
/* The PC's end of the native protocol against a hostile device: any answer, at any time, to any request. */
#include <string.h>

#include "host/lib/client.h"
#include "host/lib/plan.h"
#include "image/bytes.h"
#include "image/seal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/make_image.h"

#define BASE 0x08010000U
#define IMAGE_BYTES 5000U
#define STEPS_MAX 300U
#define START_MS 0xFFFFF000U
#define SILENCE_MS 120000U              /* so long after the last word nobody waits any more */
#define OUTPUTS_MAX 40000U              /* the image byte by byte, in frames of four bytes */

static struct pc {
    struct client client;
    struct native_rx wire;              /* what a device would read */
    uint32_t now_ms;
    uint32_t sectors;                   /* of the update */
} pc;

static const uint8_t *image(void)
{
    static const struct image_recipe recipe = { .base = BASE, .bytes = IMAGE_BYTES, .seed = 1, .sealed = true, .product = "client",
                                                .info_at = 0x80 };
    static uint8_t bytes[IMAGE_BYTES];

    if (bytes[0x1C] == 0) make_image(bytes, &recipe);
    return bytes;
}

/* --- what the client may say --------------------------------------------------------------------------------------------- */

/* Such a layout cannot be. What a device gets that claims it is its own affair, as long as it is a part of the image. */
static bool has_empty_sector(const struct native_hello *h)
{
    bool empty = false;

    for (size_t i = 0; i < h->sectors; i++) empty = empty || h->sector_kb[i] == 0;
    return empty;
}

/* A device that asks for what lies within a word gets it, too. */
static void check_data(const struct native_frame *f)
{
    uint32_t offset = load_le32(f->payload), n = f->length - 4U;

    FUZZ_CHECK(f->length > 4U && n <= NATIVE_DATA_MAX && offset >= SEAL_HEAD_BYTES);
    FUZZ_CHECK(offset <= IMAGE_BYTES && n <= IMAGE_BYTES - offset && memcmp(f->payload + 4, image() + offset, n) == 0);
    FUZZ_CHECK(has_empty_sector(&pc.client.hello) ||
               client_planned_bytes(&pc.client.hello, pc.sectors, offset, offset + n) == n);
}

static void check_frame(const struct native_frame *f)
{
    static const uint16_t lengths[] = { 0, 0, 4, SEAL_HEAD_BYTES + 4U, 0, 0, 0, 1, 8 };

    FUZZ_CHECK(f->type >= NATIVE_HELLO && f->type <= NATIVE_READ);
    if (f->type == NATIVE_DATA) check_data(f);
    else FUZZ_CHECK(f->length == lengths[f->type]);
}

/* Takes what the client has to say, whole frames only: a wire loses nothing here. */
static void op_output(struct input *in)
{
    uint8_t bytes[300];
    size_t cap = take8(in) + 1U, n, at;
    struct native_frame f;

    for (unsigned i = 0; (n = client_output(&pc.client, bytes, cap, pc.now_ms)) != 0; i++) {
        FUZZ_CHECK(n <= cap && i < OUTPUTS_MAX);
        for (at = 0; at < n;) {
            at += native_rx_feed(&pc.wire, bytes + at, n - at, pc.now_ms);
            if (!native_rx_frame(&pc.wire, &f)) continue;
            check_frame(&f);
            native_rx_release(&pc.wire);
        }
    }
    FUZZ_CHECK(pc.wire.damaged == 0);
}

/* --- what it is asked for ------------------------------------------------------------------------------------------------ */

static void start_update(uint32_t sectors)
{
    const struct client_update what = { image(), IMAGE_BYTES, sectors };
    uint32_t room = 0;

    for (size_t i = 0; pc.client.hello_known && i < pc.client.hello.sectors; i++) room += pc.client.hello.sector_kb[i] * 1024U;
    if (room < IMAGE_BYTES) return;
    pc.sectors = sectors;
    client_update(&pc.client, pc.now_ms, &what);
}

/* As link.c does it: only when all of the last frame is out, so that the wire carries whole frames. */
static void op_request(struct input *in)
{
    struct client *c = &pc.client;
    uint8_t what = take8(in);

    if (c->frame_at != c->frame_bytes) return;
    switch (what % 6U) {
    case 0: client_hello(c, pc.now_ms, 1U + what / 64U); break;
    case 1: client_digest(c, pc.now_ms, IMAGE_BYTES); break;
    case 2: client_abort(c, pc.now_ms); break;
    case 3: client_reboot(c, pc.now_ms, what); break;
    case 4: client_read(c, pc.now_ms, take16(in), 1U + take16(in) % NATIVE_DATA_MAX); break;
    default: start_update(take8(in)); break;
    }
}

static void op_plan(struct input *in)
{
    struct client *c = &pc.client;
    struct plan plan;

    (void)in;
    if (!c->hello_known || c->digests == 0) return;
    if (plan_make(&plan, &c->hello, image(), IMAGE_BYTES, c->digest, c->digests)) FUZZ_CHECK(!plan.startable || plan.same);
}

/* --- what the device says ------------------------------------------------------------------------------------------------ */

static void hear(const uint8_t *p, size_t n)
{
    client_input(&pc.client, p, n, pc.now_ms);
}

static void op_raw(struct input *in)
{
    size_t got;
    const uint8_t *p = take(in, take8(in) % 128U, &got);

    hear(got != 0 ? p : (const uint8_t *)"", got);
}

static void say(uint8_t type, uint8_t seq, const uint8_t *payload, size_t n)
{
    uint8_t frame[NATIVE_FRAME_MAX];

    hear(frame, native_encode(frame, sizeof frame, type, seq, payload, n));
}

/* An answer to what was asked last, with any content. */
static void op_answer(struct input *in)
{
    uint8_t n = take8(in);
    size_t got;
    const uint8_t *p = take(in, n, &got);

    say(pc.client.type | NATIVE_ANSWER, pc.client.seq, p, got);
}

static void op_frame(struct input *in)
{
    uint8_t type = take8(in), seq = take8(in), n = take8(in);
    size_t got;
    const uint8_t *p = take(in, n, &got);

    say(type, seq, p, got);
}

static void op_hello(struct input *in)
{
    uint8_t payload[NATIVE_PAYLOAD_MAX], entries[256];
    struct native_hello h = { .version = NATIVE_VERSION, .app_base = BASE, .app_bytes = 0x4000, .data_max = (uint16_t)take16(in),
                              .window = take16(in), .erase_max_ms = take32(in), .entries = entries };
    size_t got;
    const uint8_t *p;

    h.sectors = take8(in) % 25U;
    for (size_t i = 0; i < h.sectors; i++) h.sector_kb[i] = (uint16_t)take8(in);
    p = take(in, take8(in) & 0xFCU, &got);
    if (got != 0) memcpy(entries, p, got);
    h.entries_bytes = got & ~(size_t)3U;
    say(NATIVE_HELLO | NATIVE_ANSWER, pc.client.seq, payload, native_put_hello(payload, sizeof payload, &h));
}

static void op_status(struct input *in)
{
    uint8_t payload[NATIVE_STATUS_BYTES], how = take8(in);
    struct native_status s = { .err = how & 15U, .phase = take8(in) % 8U, .sector = take8(in), .next = take16(in), .done = take16(in) };
    static const uint8_t types[] = { NATIVE_BEGIN, NATIVE_DATA, NATIVE_FINISH };

    if ((how & 0x80U) != 0) s.next = pc.client.transfer.sent;
    native_put_status(payload, &s);
    say((uint8_t)(types[(how >> 4 & 3U) % 3U] | NATIVE_ANSWER), pc.client.seq, payload, sizeof payload);
}

static void op_read_answer(struct input *in)
{
    uint8_t payload[4U + NATIVE_DATA_MAX] = { 0 };

    payload[4] = take8(in);
    say(NATIVE_READ | NATIVE_ANSWER, pc.client.seq, payload, 4U + (size_t)load_le32(pc.client.request + 4) % (NATIVE_DATA_MAX + 1U));
}

static void op_time(struct input *in)
{
    uint8_t t = take8(in);

    pc.now_ms += t < 128U ? t : (t - 127U) * 100U;
    client_tick(&pc.client, pc.now_ms);
}

static void check(void)
{
    const struct client *c = &pc.client;

    FUZZ_CHECK(client_done_bytes(c) <= client_total_bytes(c) && client_total_bytes(c) <= IMAGE_BYTES);
    FUZZ_CHECK(client_wait_ms(c, pc.now_ms) <= 1000U);
    FUZZ_CHECK(c->digests <= CLIENT_DIGESTS_MAX);
}

/* "Every call ends" (vcpboot.h), whatever the device has promised. */
static void epilogue(void)
{
    for (uint32_t waited = 0; waited < SILENCE_MS; waited += 1000U) {
        op_output(&(struct input){ (const uint8_t *)"\xFF", 1 });
        pc.now_ms += 1000U;
        client_tick(&pc.client, pc.now_ms);
    }
    FUZZ_CHECK(pc.client.state != CLIENT_BUSY);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const ops[])(struct input *in) = { op_output, op_request, op_plan, op_raw, op_answer, op_frame, op_hello, op_status,
                                                     op_read_answer, op_time };
    struct input in = { p, n };

    client_init(&pc.client, 1000);
    native_rx_init(&pc.wire);
    pc.now_ms = START_MS;
    for (unsigned i = 0; i < STEPS_MAX && in.n != 0; i++) {
        ops[take8(&in) % COUNT(ops)](&in);
        check();
    }
    epilogue();
    return 0;
}
