/* SPDX-License-Identifier: MIT */
/* What is thrown for: numbers with a liking for edges, images that are whole or nearly so. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "image/bytes.h"
#include "tests/storm/storm.h"
#include "tests/unit/make_image.h"

#define BRANCH_TO_ITSELF 0xE7FEU        /* b . (ARMv7-M, encoding T2) */
#define FLAG_CONFIRMS 0x10U             /* in the format word */

uint32_t upto(struct storm *s, uint32_t n)
{
    return rng_word(&s->rng) % n;
}

bool chance(struct storm *s, uint32_t n)
{
    return !s->calm && upto(s, n) == 0;
}

void noise(struct storm *s, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)rng_word(&s->rng);
}

void tell(const struct storm *s, const char *format, ...)
{
    va_list ap;

    if (!s->trace) return;
    va_start(ap, format);
    fprintf(stderr, "%10.3f ms  ", (double)chip_now(s->pc.chip) / (double)VTIME_MS(1));
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
}

unsigned patience_ms(const struct storm *s)
{
    return s->scene->timing == FLASH_FAST ? 60 : 4500;  /* four sectors at the typical times */
}

bool pause_us(struct storm *s, uint32_t us)
{
    return pc_run(&s->pc, VTIME_US(us));
}

bool pause_ms(struct storm *s, uint32_t ms)
{
    return pc_run(&s->pc, VTIME_MS(ms));
}

/* --- numbers ---------------------------------------------------------------------------------------------------------------- */

static uint32_t near(struct storm *s, uint32_t edge)
{
    static const int32_t steps[] = { 0, 0, 0, -1, 1, -4, 4, -256, 256, -1024, 1024, -2048, 64 };

    return edge + (uint32_t)steps[upto(s, sizeof steps / sizeof *steps)];
}

uint32_t hostile_address(struct storm *s)
{
    static const uint32_t edges[] = {
        APP_BASE, APP_BASE, APP_BASE + APP_BYTES, 0x08020000, 0x08040000, 0x08060000, 0, 0xFFFFFFFF, 0x80000000, 0x08000000, 0x08004000,
        0x0800C000, 0x08100000, 0x10000000, 0x1FFF0000, 0x1FFF7800, 0x1FFF7A10, 0x1FFFC000, 0x1FFFC008, 0x20000000, 0x20020000,
        0x40023C00, 0x40023C14, 0xE000ED0C, 0x88010000, 0x0C010000,
    };

    if (chance(s, 3)) return APP_BASE + 4 * upto(s, APP_BYTES / 4);
    return chance(s, 12) ? rng_word(&s->rng) : near(s, edges[upto(s, sizeof edges / sizeof *edges)]);
}

uint32_t hostile_number(struct storm *s)
{
    static const uint32_t edges[] = {
        0, 4, 64, 68, 256, 1024, 0x10000, 0x30000, APP_BYTES, 0x80000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF0000, 0xF7FF0000, 0xFFF90000,
    };

    return chance(s, 2) ? upto(s, APP_BYTES) : near(s, edges[upto(s, sizeof edges / sizeof *edges)]);
}

/* --- images ----------------------------------------------------------------------------------------------------------------- */

static uint32_t image_bytes(struct storm *s, bool honest)
{
    if (chance(s, honest ? 64 : 24)) return 0x10000U + 4 * upto(s, 0x400);     /* two sectors */
    return 68 + 4 * (chance(s, 4) ? upto(s, 1200) : upto(s, 60));
}

static void spoil(struct storm *s)
{
    static const uint8_t words[] = { 0, 4, 0x1C, 0x20, 0x24, 0x28, 0x34 };
    uint8_t at = words[upto(s, sizeof words)];
    uint32_t old = load_le32(s->image + at);

    switch (upto(s, 4)) {
    case 0: s->image[64 + upto(s, s->image_n - 64)] ^= (uint8_t)(1U << upto(s, 8)); break;
    case 1: store_le32(s->image + at, old ^ 1U << upto(s, 32)); break;
    case 2: store_le32(s->image + at, at < 8 ? hostile_address(s) : hostile_number(s)); break;
    default: store_le32(s->image + at, 0xFFFFFFFFU); break;
    }
    if (chance(s, 2)) store_le32(s->image + 0x24, make_image_crc(s->image, s->image_n));
}

/* A loop, and noise behind it: it can start, and does nothing. */
void new_image(struct storm *s, bool honest)
{
    struct image_recipe r = { .base = APP_BASE, .seed = rng_word(&s->rng) };

    r.bytes = s->image_n = image_bytes(s, honest);
    r.sealed = honest || !chance(s, 4);
    if (chance(s, 3) && r.bytes >= 256) {
        r.product = "a product of the storm";
        r.info_at = 128;
    }
    make_image(s->image, &r);
    store_le16(s->image + 64, BRANCH_TO_ITSELF);
    if (!r.sealed) {
        s->image_n -= chance(s, 3) ? upto(s, 3) : 0;
    } else {
        if (chance(s, 2)) store_le32(s->image + 0x28, load_le32(s->image + 0x28) | FLAG_CONFIRMS);
        store_le32(s->image + 0x24, make_image_crc(s->image, s->image_n));
    }
    if (!honest && chance(s, 3)) spoil(s);
    tell(s, "image: %u bytes, %s, reset vector %08X", (unsigned)s->image_n, r.sealed ? "sealed" : "raw",
         (unsigned)load_le32(s->image + 4));
}
