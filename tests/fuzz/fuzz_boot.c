/* SPDX-License-Identifier: MIT */
/* The boot decision over any flash and any mailbox: seal, vectors, info block, life word, request. */
#include <string.h>

#include "boot/decide.h"
#include "boot/mailbox.h"
#include "image/bytes.h"
#include "image/crc32.h"
#include "image/info.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/make_image.h"

#define BASE 0x08010000U
#define AREA_BYTES 1024U
#define FIX_CRC 1U                      /* flags of the first byte: without them nearly nothing would get past a CRC */
#define FIX_MAILBOX 2U
#define FROM_RECIPE 4U
#define PIN 8U
#define REQUIRE_SEAL 16U

static const struct seal_area where = { BASE, AREA_BYTES, seal_ram_f407, 2 };

/* Exactly as large as it is, so that ASan sees the first byte beyond. */
static uint8_t flash[AREA_BYTES];

static void fill(struct input *in, uint8_t flags)
{
    const struct image_recipe recipe = { .base = BASE, .bytes = AREA_BYTES, .sealed = true, .product = "boot", .info_at = 0x80 };
    size_t got;

    if ((flags & FROM_RECIPE) != 0) make_image(flash, &recipe);
    else memset(flash, 0xFF, sizeof flash);
    while (in->n > 2U) {                /* patches: where, how many, what */
        uint32_t at = take16(in) % AREA_BYTES;
        const uint8_t *p = take(in, take8(in) % 65U, &got);
        if (got > AREA_BYTES - at) got = AREA_BYTES - at;
        if (got != 0) memcpy(flash + at, p, got);
    }
}

/* As boot/boot.c gathers them; the CRC by the table of image/crc32.c. */
static void gather(struct boot_facts *f, uint8_t flags)
{
    struct seal_head head;
    uint32_t crc = CRC32_INIT;

    seal_head_load(&head, flash);
    seal_parse(&f->seal, &head, &where);
    f->vectors_ok = seal_vectors_ok(&head, &where, f->seal.kind == SEAL_PRESENT ? f->seal.length : AREA_BYTES);
    for (uint32_t at = 0; at < f->seal.length; at += 4U)
        if (at >= SEAL_HEAD_BYTES || seal_word_counts(at / 4U)) crc = crc32_word(crc, load_le32(flash + at));
    f->crc_ok = f->seal.kind == SEAL_PRESENT && crc == f->seal.crc;
    f->pin = (flags & PIN) != 0;
    f->require_seal = (flags & REQUIRE_SEAL) != 0;
}

/* Written from docs/SPEC.md section 2.2, not from decide.c. */
static void check_verdict(const struct boot_facts *f)
{
    struct boot_verdict v = boot_decide(f);
    uint32_t sp = load_le32(flash), reset = load_le32(flash + 4), length = load_le32(flash + 0x20), life = load_le32(flash + 0x34);

    FUZZ_CHECK(boot_starts(v) || v.life_bit == 0);
    if (!boot_starts(v)) return;
    FUZZ_CHECK(!f->pin && !f->requested && reset % 2U == 1U && sp % 8U == 0);
    FUZZ_CHECK((sp >= 0x20000400U && sp <= 0x20020000U) || (sp >= 0x10000400U && sp <= 0x10010000U));
    FUZZ_CHECK(reset - 1U >= BASE + 64U && reset - 1U < BASE + AREA_BYTES);
    if (v.reason == BOOT_START_UNSEALED) {
        for (uint32_t at = 0x1C; at <= 0x34; at = at == 0x28 ? 0x34 : at + 4U) FUZZ_CHECK(load_le32(flash + at) == 0);
        FUZZ_CHECK((f->require_seal) == false && v.life_bit == 0);
        return;
    }
    FUZZ_CHECK(memcmp(flash + 0x1C, "VCPB", 4) == 0 && length % 4U == 0 && length >= 68U && length <= AREA_BYTES);
    FUZZ_CHECK(reset - 1U < BASE + length && make_image_crc(flash, length) == load_le32(flash + 0x24));
    FUZZ_CHECK((life & 0x10000U) != 0);
    if ((load_le32(flash + 0x28) >> 4 & 1U) != 0 && (life & 0x100U) != 0)
        FUZZ_CHECK(v.life_bit != 0 && (v.life_bit & life & 7U) == v.life_bit);
}

static void check_info(const struct seal_info *seal)
{
    uint32_t found = info_find(flash, AREA_BYTES);
    uint32_t offsets[] = { found, seal->info_offset };
    char text[32];

    for (size_t i = 0; i < COUNT(offsets); i++) {
        size_t n = info_check(flash, AREA_BYTES, offsets[i]);
        const uint8_t *entries = flash + offsets[i] + INFO_HEADER_BYTES;

        if (n == 0) continue;
        FUZZ_CHECK(n <= INFO_ENTRIES_MAX && offsets[i] + INFO_HEADER_BYTES + n <= AREA_BYTES);
        (void)info_text(entries, n, INFO_PRODUCT, text, sizeof text);
        FUZZ_CHECK(memchr(text, '\0', sizeof text) != NULL);
        (void)info_text(entries, n, INFO_VERSION, text, sizeof text);
        (void)info_flags(entries, n);
    }
    FUZZ_CHECK(found == 0 || info_check(flash, AREA_BYTES, found) != 0);
}

static enum mailbox_request read_mailbox(struct input *in, uint8_t flags)
{
    struct mailbox m = { take32(in), take32(in), take32(in), take32(in) };
    enum mailbox_request request;

    if ((flags & FIX_MAILBOX) != 0) mailbox_write(&m, (enum mailbox_request)m.request);
    request = mailbox_read(&m);
    FUZZ_CHECK(request == MAILBOX_NONE || (m.request == request && m.inverse == ~m.request && request <= MAILBOX_ROM));
    mailbox_clear(&m);
    FUZZ_CHECK(mailbox_read(&m) == MAILBOX_NONE);
    return request;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct input in = { p, n };
    uint8_t flags = take8(&in);
    struct boot_facts f = { .requested = read_mailbox(&in, flags) != MAILBOX_NONE };
    uint32_t length;

    fill(&in, flags);
    length = load_le32(flash + 0x20);
    if ((flags & FIX_CRC) != 0 && length % 4U == 0 && length >= 64U && length <= AREA_BYTES)
        store_le32(flash + 0x24, make_image_crc(flash, length));
    gather(&f, flags);
    check_verdict(&f);
    check_info(&f.seal);
    return 0;
}
