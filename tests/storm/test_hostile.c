/* SPDX-License-Identifier: MIT */
/* Every command that takes an address or a length, at every edge, on the ARM ELF: nothing is read but what docs/SPEC.md allows, nothing
 * written outside of the application, no option byte changed that was not asked for. (DfuSe's addresses: e2e.firmware_dfu.) */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/periph/flash.h"
#include "image/bytes.h"
#include "proto/native.h"
#include "tests/storm/storm.h"
#include "tests/unit/wire.h"
#include "update/status.h"

#define APP_END (APP_BASE + APP_BYTES)
#define ACK 0x79U
#define NACK 0x1FU
#define ANSWER_MS 50U
#define DENIED UPDATE_E_DENIED

static const uint32_t addresses[] = {
    APP_BASE - 256, APP_BASE - 4, APP_BASE - 1, APP_BASE, APP_BASE + 1, APP_BASE + 4, APP_BASE + 64, APP_END - 256, APP_END - 255,
    APP_END - 4, APP_END - 1, APP_END, APP_END + 1, APP_END + 4, 0, 1, 4, 0x00010000, 0x7FFFFFFC, 0x80000000, 0xFFFFFF00, 0xFFFFFFFC,
    0xFFFFFFFF, 0x08000000, 0x08000040, 0x08003FFC, 0x08004000, 0x08008000, 0x0800C000, 0x0800FFFF, 0x08080000, 0x080FFFFC, 0x88010000,
    0x1FFEC000, 0x1FFF0000, 0x1FFF77DC, 0x1FFF77DD, 0x1FFF77DE, 0x1FFF77DF, 0x1FFF77E0, 0x1FFF7800, 0x1FFF7A00, 0x1FFF7A0F, 0x1FFF7A10,
    0x1FFF7A20, 0x1FFF7A22, 0x1FFF7A24, 0x1FFFBFFF, 0x1FFFC000, 0x1FFFC008, 0x1FFFC00F, 0x1FFFC010, 0x10000000, 0x1000FFFC, 0x20000000,
    0x2001FFFC, 0x20020000, 0x40023800, 0x40023C00, 0x40023C14, 0x50000000, 0xE000ED08,
};

static const struct { uint32_t first, bytes; } readable[] = {
    { APP_BASE, APP_BYTES }, { 0x1FFF77DE, 2 }, { 0x1FFF7A10, 20 }, { 0x1FFFC000, 16 },
};

/* In 64 bits, where nothing wraps. */
static bool inside(uint64_t first, uint64_t bytes, uint64_t at, uint64_t n)
{
    return at >= first && at + n <= first + bytes;
}

static bool may_be_read(uint32_t at, uint32_t n)
{
    for (size_t i = 0; i < COUNT(readable); i++)
        if (inside(readable[i].first, readable[i].bytes, at, n)) return true;
    return false;
}

static struct storm *begin(const char *name)
{
    struct storm *s = calloc(1, sizeof *s);

    assert_non_null(s);
    for (unsigned i = 0; i < scene_count; i++) {
        if (strcmp(scenes[i].name, name) != 0) continue;
        assert_true(scene_open(s, &scenes[i], false));
        judge_prepare(s);
        s->calm = true;
        return s;
    }
    fail_msg("no scene \"%s\"", name);
    return NULL;
}

/* Bootloader, settings, system memory, OTP, option bytes: as they were; nothing came back that may not; the board is content. */
static void end(struct storm *s)
{
    judge_lower(s);
    assert_string_equal(s->bad, "");
    assert_string_equal(chip_last_error(s->pc.chip), "");
    scene_close(s);
    free(s);
}

static const uint8_t *cells(struct storm *s)
{
    return flash_cells(chip_flash(s->pc.chip)) + APP_OFFSET;
}

static uint64_t operations(struct storm *s)
{
    struct flash_totals t = flash_totals(chip_flash(s->pc.chip));

    return t.erases + t.words;
}

/* --- AN3155 ---------------------------------------------------------------------------------------------------------------------- */

/* A part of a command with its checksum; the device's first byte. */
static unsigned part(struct storm *s, uint8_t *p, size_t n, uint8_t sum)
{
    p[n] = an3155_checksum(sum, p, n);
    pc_forget(&s->pc);
    pc_write(&s->pc, p, n + 1);
    assert_true(pc_wait_bytes(&s->pc, 1, ANSWER_MS));
    return *pc_unread_at(&s->pc);
}

static unsigned command(struct storm *s, uint8_t code)
{
    uint8_t p[2] = { code };

    return part(s, p, 1, 0xFF);
}

static unsigned address(struct storm *s, uint32_t a)
{
    uint8_t p[5] = { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a };

    return part(s, p, 4, 0);
}

static void read_at(struct storm *s, uint32_t a, uint32_t n)
{
    uint8_t count[2] = { (uint8_t)(n - 1) };
    bool want = may_be_read(a, n), got;

    assert_int_equal(command(s, 0x11), ACK);
    got = address(s, a) == ACK && part(s, count, 1, 0xFF) == ACK;
    if (got != want) fail_msg("read of %u bytes at 0x%08X: %s", (unsigned)n, (unsigned)a, got ? "answered" : "refused");
    if (got) {
        assert_true(pc_wait_bytes(&s->pc, n + 1, ANSWER_MS));
        if (a >= APP_BASE && a < APP_END) assert_memory_equal(pc_unread_at(&s->pc) + 1, cells(s) + (a - APP_BASE), n);
    }
    assert_true(pause_ms(s, 1));
    assert_int_equal(pc_unread(&s->pc), got ? n + 1 : 1);       /* and not a byte more */
}

TEST(an3155_reads_nothing_but_the_windows_of_the_spec)
{
    static const uint32_t lengths[] = { 1, 2, 4, 5, 16, 20, 255, 256 };
    struct storm *s = begin("serial, application");

    UNUSED_STATE;
    assert_true(an_connect(s));
    for (size_t i = 0; i < COUNT(addresses); i++)
        for (size_t k = 0; k < COUNT(lengths); k++) read_at(s, addresses[i], lengths[k]);
    end(s);
}

static void write_at(struct storm *s, uint32_t a, uint32_t n)
{
    uint8_t p[1 + 256 + 1] = { (uint8_t)(n - 1) };
    bool want = inside(APP_BASE, APP_BYTES, a, n) && a % 4 == 0 && n % 4 == 0, got;

    memset(p + 1, 0xA5, n);             /* over the same again it can be written */
    assert_int_equal(command(s, 0x31), ACK);
    got = address(s, a) == ACK && part(s, p, 1 + n, 0) == ACK;
    if (got != want) fail_msg("write of %u bytes at 0x%08X: %s", (unsigned)n, (unsigned)a, got ? "accepted" : "refused");
}

static unsigned erase(struct storm *s, const uint16_t *sectors, unsigned n)
{
    uint8_t p[2 + 2 * 40 + 1] = { 0, (uint8_t)(n - 1) };

    for (unsigned i = 0; i < n; i++) {
        p[2 + 2 * i] = (uint8_t)(sectors[i] >> 8);
        p[3 + 2 * i] = (uint8_t)sectors[i];
    }
    assert_int_equal(command(s, 0x44), ACK);
    return part(s, p, 2 + 2 * n, 0);
}

TEST(an3155_writes_nowhere_but_into_the_application)
{
    static const uint32_t lengths[] = { 1, 3, 4, 8, 64, 252, 255, 256 };
    struct storm *s = begin("serial, empty");

    UNUSED_STATE;
    assert_true(an_connect(s));
    assert_int_equal(erase(s, (const uint16_t[]){ 4, 5, 6, 7 }, 4), ACK);
    for (size_t i = 0; i < COUNT(addresses); i++)
        for (size_t k = 0; k < COUNT(lengths); k++) write_at(s, addresses[i], lengths[k]);
    end(s);
}

TEST(an3155_erases_no_bootloader_no_settings_and_no_body_behind_a_head)
{
    static const struct { uint16_t sector[4]; unsigned n, answer; } lists[] = {
        { { 0 }, 1, NACK }, { { 1 }, 1, NACK }, { { 2 }, 1, NACK }, { { 3 }, 1, NACK }, { { 4, 3 }, 2, NACK }, { { 4, 5, 6, 0 }, 4, NACK },
        { { 7, 1, 4 }, 3, NACK }, { { 5 }, 1, NACK }, { { 5, 6, 7 }, 3, NACK }, { { 7 }, 1, NACK },
        { { 8 }, 1, ACK }, { { 0x0100 }, 1, ACK }, { { 31, 32, 0x8001, 0xFFEF }, 4, ACK },      /* there are no such sectors */
    };
    static const uint8_t special[] = { 0xFE, 0xFD, 0xFC, 0xF0, 0x00 };
    struct storm *s = begin("serial, application");

    UNUSED_STATE;
    assert_true(an_connect(s));
    for (size_t i = 0; i < COUNT(lists); i++) {
        unsigned answer = erase(s, lists[i].sector, lists[i].n);

        if (answer != lists[i].answer) fail_msg("list %zu: answer 0x%02X", i, answer);
    }
    for (size_t i = 0; i < COUNT(special) - 1; i++) {
        uint8_t p[3] = { 0xFF, special[i] };

        assert_int_equal(command(s, 0x44), ACK);
        assert_int_equal(part(s, p, 2, 0), NACK);
    }
    assert_true(judge_whole(cells(s)));
    assert_int_equal(operations(s), s->erases_before + s->words_before);
    end(s);
}

TEST(an3155_goes_to_the_application_only)
{
    struct storm *s = begin("serial, application");

    UNUSED_STATE;
    assert_true(an_connect(s));
    for (size_t i = 0; i < COUNT(addresses); i++) {
        if (addresses[i] == APP_BASE || addresses[i] == 0x08000000) continue;
        assert_int_equal(command(s, 0x21), ACK);
        if (address(s, addresses[i]) != NACK) fail_msg("goes to 0x%08X", (unsigned)addresses[i]);
    }
    assert_true(s->pc.there);
    end(s);
}

TEST(an3155_protects_the_applications_sectors_and_no_other_and_never_the_reading)
{
    uint8_t list[] = { 8, 0, 1, 2, 3, 5, 8, 11, 31, 255, 0 };
    struct storm *s = begin("serial, empty");
    uint32_t before = s->options;

    UNUSED_STATE;
    assert_true(an_connect(s));
    assert_int_equal(command(s, 0x82), NACK);
    assert_int_equal(command(s, 0x63), ACK);
    assert_int_equal(part(s, list, sizeof list - 1, 0), ACK);
    assert_int_equal(flash_get_options(chip_flash(s->pc.chip)), before & ~(1U << 21));
    assert_true(pc_wait_arrival(&s->pc, s->pc.arrivals, 3000) && pc_open(&s->pc) && an_connect(s) && an_unprotect(s));
    assert_int_equal(flash_get_options(chip_flash(s->pc.chip)), before);
    end(s);
}

/* --- native ---------------------------------------------------------------------------------------------------------------------------- */

static int ask(struct storm *s, uint8_t type, const uint32_t *words, size_t n)
{
    uint8_t payload[16];

    for (size_t i = 0; i < n; i++) store_le32(payload + 4 * i, words[i]);
    pc_forget(&s->pc);
    assert_true(native_say(s, type, payload, 4 * n, true));
    return native_hear(s, type, 200);
}

static const uint32_t numbers[] = {
    0, 1, 3, 4, 60, 64, 67, 68, 1023, 1024, 1025, 0xFFFF, 0x10000, APP_BYTES - 1024, APP_BYTES - 4, APP_BYTES - 1, APP_BYTES, APP_BYTES + 1,
    APP_BYTES + 4, 0x7FFFFFFF, 0x80000000, 0xF7FF0000, 0xFFF90000, 0xFFFEFFFF, 0xFFFF0000, 0xFFFFC000, 0xFFFFFC00, 0xFFFFFFFC, 0xFFFFFFFF,
};

TEST(native_reads_and_digests_the_application_and_nothing_beside_it)
{
    struct storm *s = begin("serial, application");

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        bool whole = numbers[i] >= 68 && numbers[i] <= APP_BYTES && numbers[i] % 4 == 0;

        assert_int_equal(ask(s, NATIVE_DIGEST, &numbers[i], 1), whole ? UPDATE_OK : UPDATE_E_RANGE);
        for (size_t k = 0; k < COUNT(numbers); k++) {
            const uint32_t words[] = { numbers[i], numbers[k] };
            bool fits = words[1] >= 1 && words[1] <= 1024 && inside(0, APP_BYTES, words[0], words[1]);

            assert_int_equal(ask(s, NATIVE_READ, words, 2), fits ? UPDATE_OK : UPDATE_E_RANGE);
        }
    }
    end(s);
}

/* The old application stays: what cannot be is refused before anything is erased. */
TEST(native_begins_no_update_of_a_length_that_cannot_be)
{
    struct storm *s = begin("serial, application");
    uint8_t payload[68];

    UNUSED_STATE;
    memcpy(payload, s->installed.p, 64);
    store_le32(payload + 64, 0xF);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        if (numbers[i] >= 68 && numbers[i] <= APP_BYTES && numbers[i] % 4 == 0) continue;
        store_le32(payload + 0x20, numbers[i]);
        pc_forget(&s->pc);
        assert_true(native_say(s, NATIVE_BEGIN, payload, sizeof payload, true));
        assert_true(native_hear(s, NATIVE_BEGIN, 200) > 0);
    }
    assert_true(judge_whole(cells(s)));
    assert_int_equal(operations(s), s->erases_before + s->words_before);
    end(s);
}

TEST(native_data_go_where_the_update_is_and_nowhere_else)
{
    struct storm *s = begin("serial, application");
    uint8_t payload[68], data[4 + 1024];

    UNUSED_STATE;
    new_image(s, true);
    memcpy(payload, s->image, 64);
    store_le32(payload + 64, 0xF);
    pc_forget(&s->pc);
    assert_true(native_say(s, NATIVE_BEGIN, payload, sizeof payload, true));
    assert_int_equal(native_hear(s, NATIVE_BEGIN, 200), UPDATE_OK);
    memset(data, 0, sizeof data);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        store_le32(data, numbers[i]);
        assert_true(native_say(s, NATIVE_DATA, data, sizeof data, true));
    }
    assert_true(pc_wait_sent(&s->pc, 500) && pause_ms(s, 20));
    assert_memory_equal(cells(s) + 0x10000, s->installed.p + 0x10000, s->installed.n - 0x10000);
    for (uint32_t at = 0; at < 0x10000; at += 4) assert_int_equal(load_le32(cells(s) + at), 0xFFFFFFFF);
    end(s);
}

/* --- YMODEM ------------------------------------------------------------------------------------------------------------------------------- */

TEST(ymodem_takes_no_file_of_a_size_that_cannot_be)
{
    static const char *const sizes[] = { "1", "67", "458753", "458756", "2147483648", "4294967295", "4294967296", "4294967364",
                                         "99999999999999999999" };
    struct storm *s = begin("serial, application");

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_true(pc_line(&s->pc, 115200, false) && pc_line(&s->pc, 115200, true));
        if (!ymodem_refused(s, sizes[i])) fail_msg("a file of %s bytes was not refused", sizes[i]);
    }
    assert_int_equal(operations(s), s->erases_before + s->words_before);
    end(s);
}

/* --- no reading ------------------------------------------------------------------------------------------------------------------------------ */

TEST(where_reading_is_not_allowed_no_protocol_reads)
{
    static const char *const calls[] = { "C", "G", "\r2" };      /* YMODEM, YMODEM-g, the menu's upload */
    static const uint8_t rom = 3;
    struct storm *s = begin("serial, application, no-read");

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const uint32_t words[] = { numbers[i], 4 };

        assert_int_equal(ask(s, NATIVE_READ, words, 2), DENIED);
        assert_int_equal(ask(s, NATIVE_DIGEST, words, 1), DENIED);
    }
    pc_forget(&s->pc);
    assert_true(native_say(s, NATIVE_REBOOT, &rom, 1, true));
    assert_int_equal(native_hear(s, NATIVE_REBOOT, 200), DENIED);
    assert_true(an_connect(s));
    assert_int_equal(command(s, 0x11), NACK);
    for (size_t i = 0; i < COUNT(calls); i++) {
        assert_true(pc_line(&s->pc, 115200, false) && pc_line(&s->pc, 115200, true) && pause_ms(s, 105));
        for (const char *k = calls[i]; *k != '\0'; k++) press(s, (uint8_t)*k);
        assert_true(pc_unread(&s->pc) >= 4);
        assert_memory_equal(pc_unread_at(&s->pc), "\x18\x18\x18\x18", 4);
    }
    end(s);
}

TEST(where_reading_is_not_allowed_dfuse_uploads_nothing)
{
    static const uint16_t blocks[] = { 1, 2, 3, 225, 226, 0x7FFF, 0xFFFF };
    struct storm *s = begin("DfuSe, application, no-read");

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(blocks); i++) {
        assert_false(pc_request(&s->pc, 0xA1, 2, blocks[i], 0, NULL, 2048));
        assert_true(pc_request(&s->pc, 0x21, 4, 0, 0, NULL, 0));
    }
    end(s);
}

TEST(dfuse_uploads_blocks_of_the_application_and_none_beside_it)
{
    static const uint16_t blocks[] = { 2, 3, 224, 225, 226, 227, 0x0FFF, 0x7FFF, 0x8002, 0xFFFF };
    struct storm *s = begin("DfuSe, application");

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(blocks); i++) {
        uint32_t at = (blocks[i] - 2U) * 2048U;
        bool fits = at < APP_BYTES, got = pc_request(&s->pc, 0xA1, 2, blocks[i], 0, NULL, 2048);

        if (got != fits) fail_msg("block %u: %s", blocks[i], got ? "uploaded" : "refused");
        if (fits) assert_memory_equal(s->pc.reply, cells(s) + at, 2048);
        assert_true(pc_request(&s->pc, 0x21, fits ? 6 : 4, 0, 0, NULL, 0));
    }
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an3155_reads_nothing_but_the_windows_of_the_spec),
        cmocka_unit_test(an3155_writes_nowhere_but_into_the_application),
        cmocka_unit_test(an3155_erases_no_bootloader_no_settings_and_no_body_behind_a_head),
        cmocka_unit_test(an3155_goes_to_the_application_only),
        cmocka_unit_test(an3155_protects_the_applications_sectors_and_no_other_and_never_the_reading),
        cmocka_unit_test(native_reads_and_digests_the_application_and_nothing_beside_it),
        cmocka_unit_test(native_begins_no_update_of_a_length_that_cannot_be),
        cmocka_unit_test(native_data_go_where_the_update_is_and_nowhere_else),
        cmocka_unit_test(ymodem_takes_no_file_of_a_size_that_cannot_be),
        cmocka_unit_test(where_reading_is_not_allowed_no_protocol_reads),
        cmocka_unit_test(where_reading_is_not_allowed_dfuse_uploads_nothing),
        cmocka_unit_test(dfuse_uploads_blocks_of_the_application_and_none_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
