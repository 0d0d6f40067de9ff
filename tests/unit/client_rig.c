/* SPDX-License-Identifier: MIT */
/* Both ends in one process. */
#include "tests/unit/client_rig.h"

#include <string.h>

#include "tests/unit/cm.h"
#include "tests/unit/make_image.h"

#define POLLS_PER_MS 200U
#define WORD_POLLS 2U
#define WIRE_BYTES_PER_MS 1200U         /* USB full speed: 19 packets of 64 bytes a frame */
#define START_MS 0xFFFFF800U            /* the clock wraps in mid-test */
#define REPLY_MS 1000U

static const struct flash_sector sectors[] = {
    { CLIENT_RIG_BASE, 0x4000 }, { CLIENT_RIG_BASE + 0x4000, 0x4000 }, { CLIENT_RIG_BASE + 0x8000, 0x8000 },
    { CLIENT_RIG_BASE + 0x10000, 0x10000 },
};
static const struct flash_area area = { sectors, 4 };
static const struct seal_area where = { CLIENT_RIG_BASE, CLIENT_RIG_BYTES, seal_ram_f407, 2 };

/* --- the wire -------------------------------------------------------------------------------------------------------------- */

static uint32_t next_random(struct pipe *p)
{
    p->random = p->random * 1664525U + 1013904223U;
    return p->random >> 8;
}

static void pipe_put(struct pipe *p, const uint8_t *in, size_t n)
{
    for (size_t i = 0; i < n && !p->cut; i++) {
        uint8_t byte = in[i];
        if (p->bad_one_in && next_random(p) % p->bad_one_in == 0) {
            if (next_random(p) & 1U) continue;
            byte ^= (uint8_t)(1U << (next_random(p) & 7U));
        }
        assert_true(p->n < sizeof p->bytes);
        p->bytes[p->n++] = byte;
    }
    if (p->n > p->most) p->most = p->n;
}

static size_t pipe_take(struct pipe *p, uint8_t *out, size_t cap)
{
    size_t n = p->n < cap ? p->n : cap;

    memcpy(out, p->bytes, n);
    memmove(p->bytes, p->bytes + n, p->n - n);
    p->n -= n;
    return n;
}

static size_t device_read(void *ctx, uint8_t *out, size_t cap) { return pipe_take(&((struct client_rig *)ctx)->to_device, out, cap); }

static size_t device_write(void *ctx, const uint8_t *p, size_t n)
{
    pipe_put(&((struct client_rig *)ctx)->to_pc, p, n);
    return n;
}

static size_t device_room(void *ctx) { return sizeof((struct client_rig *)ctx)->to_pc.bytes - ((struct client_rig *)ctx)->to_pc.n; }

/* --- the device ---------------------------------------------------------------------------------------------------------------- */

static void erases_take_longer(struct fake_flash *f, const struct fake_op *op)
{
    f->busy_polls = op->kind == FAKE_ERASE ? CLIENT_RIG_ERASE_MS * POLLS_PER_MS : WORD_POLLS;
}

static void start_device(struct client_rig *r)
{
    const struct serve_setup setup = {
        .session = &r->session, .area = &area, .where = &where, .wire = &r->wire,
        .self = { .capabilities = NATIVE_CAP_UPDATE | NATIVE_CAP_READ, .window = CLIENT_RIG_WINDOW, .erase_max_ms = CLIENT_RIG_ERASE_MAX_MS,
                  .dev_id = 0x413, .flash_kb = 512 },
        .reason = BOOT_STAY_EMPTY,
    };

    session_init(&r->session, &area, &where, "");
    serve_init(&r->serve, &setup, r->now_ms);
}

void client_rig_open(struct client_rig *r)
{
    memset(r, 0, sizeof *r);
    fake_flash_open(&r->flash, &area);
    r->flash.on_begin = erases_take_longer;
    r->wire = (struct serve_wire){ device_read, device_write, device_room, r };
    r->now_ms = START_MS;
    start_device(r);
    client_init(&r->client, REPLY_MS);
}

void client_rig_close(struct client_rig *r)
{
    uint32_t violations = r->flash.violations;

    fake_flash_close(&r->flash);
    assert_int_equal(violations, 0);
}

void client_rig_restart_device(struct client_rig *r)
{
    fake_flash_restart(&r->flash);
    r->flash.on_begin = erases_take_longer;
    r->to_device.n = r->to_pc.n = 0;
    start_device(r);
}

void client_rig_step(struct client_rig *r)
{
    size_t room = sizeof r->to_device.bytes - r->to_device.n;

    client_rig_step_with_room(r, room < WIRE_BYTES_PER_MS ? room : WIRE_BYTES_PER_MS);
}

void client_rig_step_with_room(struct client_rig *r, size_t room)
{
    uint8_t chunk[WIRE_BYTES_PER_MS];
    size_t n = client_output(&r->client, chunk, room, r->now_ms);

    pipe_put(&r->to_device, chunk, n);
    for (unsigned i = 0; i < POLLS_PER_MS; i++) {
        if (i % 4U == 0) serve_poll(&r->serve, r->now_ms);
        session_poll(&r->session, r->now_ms);
    }
    n = pipe_take(&r->to_pc, chunk, sizeof chunk);
    client_input(&r->client, chunk, n, r->now_ms);
    r->now_ms++;
    r->ran_ms++;
    client_tick(&r->client, r->now_ms);
}

enum client_state client_rig_run(struct client_rig *r, uint32_t ms)
{
    while (ms-- > 0 && r->client.state == CLIENT_BUSY) client_rig_step(r);
    return r->client.state;
}

void client_rig_prepare(struct client_rig *r, const uint8_t *image, uint32_t length, struct plan *plan)
{
    client_hello(&r->client, r->now_ms, 20);
    assert_int_equal(client_rig_run(r, 30000), CLIENT_DONE);
    client_digest(&r->client, r->now_ms, length);
    assert_int_equal(client_rig_run(r, 30000), CLIENT_DONE);
    assert_true(plan_make(plan, &r->client.hello, image, length, r->client.digest, r->client.digests));
}

void client_rig_image(uint8_t *out, uint32_t length, uint32_t seed)
{
    const struct image_recipe recipe = {
        .base = CLIENT_RIG_BASE, .bytes = length, .seed = seed, .sealed = true, .product = "rig", .info_at = 0x200,
    };

    make_image(out, &recipe);
}
