/* SPDX-License-Identifier: MIT */
/* The flash's invariants. */
#include "tests/fuzz/guard.h"

#include <string.h>

#include "image/bytes.h"
#include "image/info.h"
#include "tests/unit/make_image.h"

#define SECRET 0x91E7C25EU              /* each word of the installed image's body */
#define BODY 0x100U                     /* behind head and info block */
#define INFO_AT 0x80U

static const struct flash_sector sectors[] = {
    { GUARD_BASE, 1024 }, { GUARD_BASE + 1024U, 2048 }, { GUARD_BASE + 3072U, 1024 },
};
const struct flash_area guard_area = { sectors, COUNT(sectors) };
const struct seal_area guard_where = { GUARD_BASE, GUARD_BYTES, seal_ram_f407, 2 };

/* docs/SPEC.md section 11, as whole words. */
static const struct flash_sector windows[] = { { 0x1FFF77DCU, 4 }, { 0x1FFF7A10U, 20 }, { 0x1FFFC000U, 16 } };

/* --- images ------------------------------------------------------------------------------------------------------------- */

enum { IMAGES = 8, IMAGE_BAD_CRC = 5 };

static const struct image_recipe recipes[IMAGES] = {
    { .base = GUARD_BASE, .bytes = 2500, .seed = 1, .sealed = true, .product = GUARD_PRODUCT, .info_at = INFO_AT },
    { .base = GUARD_BASE, .bytes = GUARD_BYTES, .seed = 2, .sealed = true, .product = GUARD_PRODUCT, .info_at = INFO_AT, .flags = 1 },
    { .base = GUARD_BASE, .bytes = 2500, .seed = 3, .product = GUARD_PRODUCT, .info_at = INFO_AT },
    { .base = GUARD_BASE, .bytes = 1400, .seed = 4, .sealed = true, .product = "other", .info_at = INFO_AT },
    { .base = GUARD_BASE, .bytes = 1027, .seed = 5 },
    { .base = GUARD_BASE, .bytes = 2500, .seed = 6, .sealed = true, .product = GUARD_PRODUCT, .info_at = INFO_AT },
    { .base = GUARD_BASE, .bytes = 68, .seed = 7, .sealed = true },
    { .base = GUARD_BASE + 0x8000U, .bytes = 2500, .seed = 8, .product = GUARD_PRODUCT, .info_at = INFO_AT },
};

void guard_choose_image(struct guard *g, uint8_t which)
{
    static uint8_t images[IMAGES][GUARD_BYTES];
    static bool made;

    if (!made) {
        for (size_t i = 0; i < IMAGES; i++) make_image(images[i], &recipes[i]);
        images[IMAGE_BAD_CRC][2000] ^= 1;
        made = true;
    }
    g->image = images[which % IMAGES];
    g->image_bytes = recipes[which % IMAGES].bytes;
}

/* --- what is installed ------------------------------------------------------------------------------------------------------- */

static void put_secret_image(uint8_t *out, bool sealed, uint8_t flags)
{
    const struct image_recipe recipe = { .base = GUARD_BASE, .bytes = GUARD_BYTES, .seed = 9, .sealed = sealed, .flags = flags,
                                         .product = GUARD_PRODUCT, .info_at = INFO_AT };

    make_image(out, &recipe);
    for (uint32_t at = BODY; at < GUARD_BYTES; at += 4U) store_le32(out + at, SECRET);
    if (sealed) store_le32(out + SEAL_AT_CRC, make_image_crc(out, GUARD_BYTES));
}

static void install(struct guard *g, uint8_t what, struct input *in)
{
    uint8_t *p = g->installed;
    const uint8_t *head;
    size_t got;

    memset(p, 0xFF, GUARD_BYTES);
    switch (what) {
    case 0: break;
    case 1: put_secret_image(p, true, 0); break;
    case 2: put_secret_image(p, false, 0); break;
    case 3:
        put_secret_image(p, true, 0);
        p[GUARD_BYTES - 1U] ^= 1;
        break;
    case 4:                             /* a head out of the input, over a body */
        put_secret_image(p, true, 0);
        head = take(in, SEAL_HEAD_BYTES, &got);
        if (got != 0) memcpy(p, head, got);
        break;
    case 5:                             /* three starts, none confirmed */
        put_secret_image(p, true, SEAL_FLAG_CONFIRMS);
        store_le32(p + SEAL_AT_LIFE, LIFE_FRESH & ~(LIFE_START_1 | LIFE_START_2 | LIFE_START_3));
        break;
    case 6:                             /* an update that was cut off right in front of its commit */
        memcpy(p + SEAL_HEAD_BYTES, g->image + SEAL_HEAD_BYTES, g->image_bytes - SEAL_HEAD_BYTES);
        break;
    default: memset(p + SEAL_HEAD_BYTES, 0, GUARD_BYTES - SEAL_HEAD_BYTES); break;
    }
    memcpy(g->flash.array, p, GUARD_BYTES);
    g->verdict = guard_boot(g);
}

/* --- rules for every operation -------------------------------------------------------------------------------------------- */

static bool head_blank(const struct fake_flash *f)
{
    for (size_t i = 0; i < SEAL_HEAD_BYTES; i++)
        if (f->array[i] != 0xFF) return false;
    return true;
}

/* Called before the array changes: nothing but the first sector's erase and the commit may happen while a head stands there, and the
 * initial SP is the last word of all. */
static void check_operation(struct fake_flash *f, const struct fake_op *op)
{
    const struct guard *g = (struct guard *)f;
    uint32_t offset = op->addr - f->base;

    if (op->kind == FAKE_PROGRAM && offset == SEAL_AT_MAGIC) FUZZ_CHECK(g->session.seal.kind == SEAL_PRESENT || g->may_seal);
    if (op->kind == FAKE_PROTECT) FUZZ_CHECK(g->may_protect);
    else if (op->kind == FAKE_PROGRAM && offset < SEAL_HEAD_BYTES) FUZZ_CHECK(load_le32(f->array) == 0xFFFFFFFFU);
    else FUZZ_CHECK((op->kind == FAKE_ERASE && offset == 0) || head_blank(f));
}

/* --- opening ------------------------------------------------------------------------------------------------------------- */

void guard_open(struct guard *g, struct input *in)
{
    uint8_t what = take8(in), policy = take8(in);

    memset(g, 0, sizeof *g);
    fake_flash_open(&g->flash, &guard_area);
    g->flash.on_begin = check_operation;
    g->flash.windows = windows;
    g->flash.window_count = COUNT(windows);
    guard_choose_image(g, what >> 3 & 7U);
    install(g, what & 7U, in);
    g->readable = (policy & 1U) == 0;
    g->product = (policy & 2U) != 0 ? GUARD_PRODUCT : "";
    if ((policy & 4U) != 0) g->flash.protection = policy >> 5;
    g->flash.busy_polls = policy >> 3 & 3U;
    session_init(&g->session, &guard_area, &guard_where, g->product);
}

void guard_close(struct guard *g)
{
    fake_flash_close(&g->flash);
}

void guard_restart(struct guard *g)
{
    unsigned busy_polls = g->flash.busy_polls;

    fake_flash_restart(&g->flash);
    g->flash.busy_polls = busy_polls;
    g->checked_ops = UINT32_MAX;
    memset(&g->session, 0xEE, sizeof g->session);
    session_init(&g->session, &guard_area, &guard_where, g->product);
}

/* --- faults -------------------------------------------------------------------------------------------------------------- */

void guard_fault(struct guard *g, struct input *in)
{
    static const enum flash_result results[] = { FLASH_E_FAILED, FLASH_E_PROTECTED, FLASH_E_TIMEOUT };
    uint8_t how = take8(in);
    uint32_t at = g->flash.ops + 1U + take8(in);

    if ((how & 3U) == 3U) g->flash.lie_at = at;
    else g->flash.fail_at = at;
    g->flash.fail_result = results[(how & 3U) % COUNT(results)];
    g->flash.busy_polls = how >> 2 & 15U;
}

void guard_cut(struct guard *g, struct input *in)
{
    g->flash.cut_at = g->flash.ops + 1U + take16(in) % 1200U;
    g->flash.seed = take8(in);
}

void guard_heal(struct guard *g)
{
    g->flash.fail_at = g->flash.lie_at = g->flash.cut_at = 0;
    g->flash.busy_polls = 1;
}

/* --- what starts ---------------------------------------------------------------------------------------------------------- */

struct boot_verdict guard_boot(const struct guard *g)
{
    struct boot_facts f = { .require_seal = false };
    struct seal_head h;

    seal_head_load(&h, g->flash.array);
    seal_parse(&f.seal, &h, &guard_where);
    f.vectors_ok = seal_vectors_ok(&h, &guard_where, f.seal.kind == SEAL_PRESENT ? f.seal.length : GUARD_BYTES);
    f.crc_ok = f.seal.kind == SEAL_PRESENT && make_image_crc(g->flash.array, f.seal.length) == f.seal.crc;
    return boot_decide(&f);
}

/* Does the block to which the seal points name the product? */
static bool names(const struct guard *g, const char *product)
{
    uint32_t at = (load_le32(g->flash.array + SEAL_AT_FORMAT) >> 12) * 4U;
    size_t n = info_check(g->flash.array, GUARD_BYTES, at);
    char name[64];

    (void)info_text(g->flash.array + at + INFO_HEADER_BYTES, n, INFO_PRODUCT, name, sizeof name);
    return n != 0 && strcmp(name, product) == 0;
}

/* A seal tells what is whole. Without one only what stood there before can be, untouched. */
static void check_start(const struct guard *g)
{
    bool untouched = memcmp(g->flash.array, g->installed, GUARD_BYTES) == 0;

    if (!boot_starts(g->verdict) || untouched) return;
    FUZZ_CHECK(g->verdict.reason == BOOT_START_SEALED);
    FUZZ_CHECK(g->product[0] == '\0' || names(g, g->product));
}

void guard_check(struct guard *g)
{
    FUZZ_CHECK(g->flash.violations == 0);
    if (g->flash.ops == g->checked_ops) return;
    g->checked_ops = g->flash.ops;
    g->verdict = guard_boot(g);
    check_start(g);
}

/* This file is not instrumented (CMakeLists.txt): the fuzzer must not learn the secret from the comparison and say it itself. */
static bool is_secret(uint64_t told)
{
    for (unsigned turn = 0; turn < 32U; turn += 8U) {
        uint32_t word = SECRET << turn | (uint32_t)((uint64_t)SECRET >> (32U - turn));
        if (told == ((uint64_t)word << 32 | word)) return true;
    }
    return false;
}

void guard_hear(struct guard *g, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n && !g->readable; i++) {
        g->told = g->told >> 8 | (uint64_t)p[i] << 56;
        FUZZ_CHECK(!is_secret(g->told));
    }
}
