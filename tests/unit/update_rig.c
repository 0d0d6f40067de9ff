/* SPDX-License-Identifier: MIT */
/* A session over the fake flash, and the rules that hold for every update, whatever a test does. */
#include "tests/unit/update_rig.h"

#include <string.h>

#include "image/bytes.h"

#define POLLS_MAX 2000000U

static const struct flash_sector sectors[] = {
    { RIG_BASE, 1024 }, { RIG_BASE + 1024U, 2048 }, { RIG_BASE + 3072U, 3072 },
};
const struct flash_area rig_area = { sectors, COUNT(sectors) };
const struct seal_area rig_where = { RIG_BASE, RIG_BYTES, seal_ram_f407, 2 };

static bool head_blank(const struct fake_flash *f)
{
    for (size_t i = 0; i < SEAL_HEAD_BYTES; i++)
        if (f->array[i] != 0xFF)
            return false;
    return true;
}

/* Called before the array changes: nothing but the first sector's erase and the commit may happen while a head stands there, and
 * the initial SP is the last word of all. */
static void check_order(struct fake_flash *f, const struct fake_op *op)
{
    uint32_t offset = op->addr - f->base;

    if (op->kind == FAKE_PROTECT)
        return;
    if (op->kind == FAKE_PROGRAM && offset < SEAL_HEAD_BYTES) {
        if (load_le32(f->array) != 0xFFFFFFFFU)
            fail_msg("offset 0x%X of the head is programmed behind the initial SP", (unsigned)offset);
    } else if (!(op->kind == FAKE_ERASE && offset == 0) && !head_blank(f)) {
        fail_msg("operation at offset 0x%X while a head stands", (unsigned)offset);
    }
}

void rig_open(struct update_rig *r, const char *product)
{
    fake_flash_open(&r->flash, &rig_area);
    r->flash.busy_polls = 2;
    r->flash.on_begin = check_order;
    session_init(&r->session, &rig_area, &rig_where, product);
}

void rig_close(struct update_rig *r)
{
    assert_int_equal(r->flash.violations, 0);
    fake_flash_close(&r->flash);
}

void rig_restart(struct update_rig *r)
{
    const char *product = r->session.product;

    fake_flash_restart(&r->flash);
    memset(&r->session, 0xEE, sizeof r->session);
    session_init(&r->session, &rig_area, &rig_where, product);
}

static void poll_once(struct update_rig *r)
{
    uint32_t ops = r->flash.ops, reads = r->flash.reads, crc_words = r->flash.crc_words;

    session_poll(&r->session, 0);
    assert_true(r->flash.ops - ops <= 1);
    assert_true(r->flash.reads - reads <= 1024 + 160);      /* a step of the search and one info block */
    assert_true(r->flash.crc_words - crc_words <= 1024);
}

void rig_poll(struct update_rig *r)
{
    for (uint32_t i = 0; i < POLLS_MAX; i++) {
        poll_once(r);
        if (session_ready(&r->session) || !session_active(&r->session) || r->flash.dead)
            return;
    }
    fail_msg("the session never came to an end");
}

enum update_err rig_send(struct update_rig *r, const uint8_t *p, uint32_t from, uint32_t to, size_t block)
{
    while (from < to && !r->flash.dead) {
        size_t n = to - from < block ? to - from : block;
        enum update_err err = session_write(&r->session, from, p + from, n);

        if (err != UPDATE_OK)
            return err;
        from += (uint32_t)n;
        rig_poll(r);
        if (session_status(&r->session)->phase == UPDATE_FAILED)
            return session_status(&r->session)->err;
    }
    return UPDATE_OK;
}

enum update_err rig_finish(struct update_rig *r)
{
    enum update_err err = session_finish(&r->session);

    if (err != UPDATE_OK)
        return err;
    rig_poll(r);
    return session_status(&r->session)->err;
}

enum update_err rig_update(struct update_rig *r, const uint8_t *image, uint32_t n, uint32_t length, size_t block)
{
    enum update_err err = session_begin(&r->session, length, SESSION_ALL_SECTORS);

    if (err == UPDATE_OK)
        err = rig_send(r, image, 0, n, block);
    if (err != UPDATE_OK || r->flash.dead)
        return err;
    return rig_finish(r);
}

enum boot_reason rig_boot(const struct update_rig *r)
{
    struct boot_facts f = { .require_seal = false };
    struct seal_head h;

    seal_head_load(&h, r->flash.array);
    seal_parse(&f.seal, &h, &rig_where);
    f.vectors_ok = seal_vectors_ok(&h, &rig_where, f.seal.kind == SEAL_PRESENT ? f.seal.length : RIG_BYTES);
    f.crc_ok = f.seal.kind == SEAL_PRESENT && make_image_crc(r->flash.array, f.seal.length) == f.seal.crc;
    return boot_decide(&f).reason;
}

void rig_image(uint8_t *out, uint32_t seed)
{
    const struct image_recipe recipe = { .base = RIG_BASE, .bytes = RIG_IMAGE, .seed = seed, .sealed = true,
                                         .product = "pump", .info_at = 2000, .flags = SEAL_FLAG_CONFIRMS };

    make_image(out, &recipe);
}

void rig_raw(uint8_t *out, uint32_t n, const char *product)
{
    const struct image_recipe recipe = { .base = RIG_BASE, .bytes = n, .seed = 3, .product = product, .info_at = 2000,
                                         .flags = SEAL_FLAG_CONFIRMS };

    memset(out, 0xFF, RIG_BYTES);
    make_image(out, &recipe);
}

void rig_reseal(uint8_t *image)
{
    store_le32(image + SEAL_AT_CRC, make_image_crc(image, load_le32(image + SEAL_AT_LENGTH)));
}

bool rig_holds(const struct update_rig *r, const uint8_t *image, uint32_t n)
{
    return memcmp(r->flash.array, image, n) == 0;
}
