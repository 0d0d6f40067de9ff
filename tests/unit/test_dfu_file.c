/* SPDX-License-Identifier: MIT */
/* What the PC makes of .dfu files: plain ones with a suffix, and ST's DfuSe container. */
#include "tests/unit/cm.h"

#include <string.h>

#include "host/lib/image_file.h"
#include "host/lib/image_parse.h"
#include "image/bytes.h"
#include "tests/unit/make_image.h"
#include "tests/unit/wire.h"

#define BASE 0x08010000U
#define AREA_BYTES 0x70000U
#define LENGTH 1024U
#define FILE_MAX 4096U
#define PREFIX 11U
#define TARGET 274U
#define ELEMENT 8U
#define SUFFIX 16U
#define FIRST_TARGET PREFIX
#define FIRST_ELEMENT (PREFIX + TARGET)

/* --- making files ------------------------------------------------------------------------------------------------------- */

static size_t put_suffix(uint8_t *file, size_t n, uint16_t version)
{
    const uint8_t start[] = { 0xFF, 0xFF, 0x11, 0xDF, 0x83, 0x04, (uint8_t)version, (uint8_t)(version >> 8), 'U', 'F', 'D', SUFFIX };

    memcpy(file + n, start, sizeof start);
    store_le32(file + n + sizeof start, dfu_suffix_crc(file, n + sizeof start));
    return n + SUFFIX;
}

static size_t put_element(uint8_t *out, uint32_t addr, const uint8_t *p, uint32_t n)
{
    store_le32(out, addr);
    store_le32(out + 4, n);
    memcpy(out + ELEMENT, p, n);
    return ELEMENT + n;
}

/* One target, the image in two elements, the second half first. Without the suffix. */
static size_t make_dfuse(uint8_t *file, const uint8_t *image, uint32_t base)
{
    uint32_t half = LENGTH / 2U;
    size_t n = FIRST_ELEMENT;

    memset(file, 0, FIRST_ELEMENT);
    memcpy(file, "DfuSe\x01\0\0\0\0\x01", PREFIX);
    memcpy(file + FIRST_TARGET, "Target", 6);
    n += put_element(file + n, base + half, image + half, half);
    n += put_element(file + n, base, image, half);
    store_le32(file + FIRST_TARGET + 266U, (uint32_t)n - FIRST_ELEMENT);
    store_le32(file + FIRST_TARGET + 270U, 2);
    store_le32(file + 6, (uint32_t)n);
    return n;
}

static void make_raw(uint8_t *raw)
{
    const struct image_recipe recipe = { .base = BASE, .bytes = LENGTH, .seed = 5, .product = "thing", .info_at = 0x200 };

    make_image(raw, &recipe);
}

/* A good DfuSe file, its length without the suffix to *n. */
static uint8_t *good_dfuse(size_t *n)
{
    static uint8_t file[FILE_MAX];
    uint8_t raw[LENGTH];

    make_raw(raw);
    *n = make_dfuse(file, raw, BASE);
    return file;
}

/* --- asking ------------------------------------------------------------------------------------------------------------- */

static void assert_refused_as(const void *p, size_t n, const char *name, const char *because)
{
    struct vcpboot_image *image;
    struct fault f = { .code = 0 };
    int code = image_from_memory(&image, p, n, name, &f);

    if (code == VCPBOOT_OK) {
        code = image_check(image, BASE, AREA_BYTES, &f);
        image_free(image);
    }
    assert_int_equal(code, VCPBOOT_E_IMAGE);
    if (!strstr(f.text, because)) fail_msg("\"%s\" does not say \"%s\"", f.text, because);
}

static void assert_refused(const void *p, size_t n, const char *because)
{
    assert_refused_as(p, n, "x.dfu", because);
}

static void assert_dfuse_refused(uint8_t *file, size_t n, const char *because)
{
    assert_refused(file, put_suffix(file, n, 0x011A), because);
}

static void assert_loads_as(const void *p, size_t n, const uint8_t *wanted, bool base_known)
{
    struct vcpboot_image *image;
    struct fault f;

    assert_int_equal(image_from_memory(&image, p, n, "x.dfu", &f), VCPBOOT_OK);
    assert_int_equal(image->base_known, base_known);
    assert_int_equal(image_check(image, BASE, AREA_BYTES, &f), VCPBOOT_OK);
    assert_int_equal(image->length, LENGTH);
    assert_memory_equal(image->bytes, wanted, LENGTH);
    assert_string_equal(image->product, "thing");
    image_free(image);
}

/* --- good files --------------------------------------------------------------------------------------------------------- */

TEST(the_suffix_that_dfu_suffix_writes_is_checked_and_cut_off)
{
    /* dfu-suffix 0.11: -v 0483 -p df11 -a, on the nine bytes in front */
    static const uint8_t file[] = { '1', '2', '3', '4', '5', '6', '7', '8', '9', 0xFF, 0xFF, 0x11, 0xDF, 0x83, 0x04, 0x00, 0x01,
                                    0x55, 0x46, 0x44, 0x10, 0x8B, 0x1E, 0x39, 0x39 };
    struct fault f;
    size_t content = 0;

    UNUSED_STATE;
    assert_true(dfu_is(file, sizeof file));
    assert_false(dfuse_is(file, sizeof file));
    assert_int_equal(dfu_check_suffix(file, sizeof file, &content, &f), VCPBOOT_OK);
    assert_int_equal(content, 9);
}

TEST(the_container_that_dfuse_pack_writes_is_read)
{
    /* dfuse-pack of dfu-util 0.11: -b 0x08010000:ABCDEFGH; its length counts the suffix */
    static const uint8_t prefix[] = { 'D', 'f', 'u', 'S', 'e', 1, 0x3D, 1, 0, 0, 1, 'T', 'a', 'r', 'g', 'e', 't', 0, 1, 0, 0, 0,
                                      'S', 'T', '.', '.', '.' };
    static const uint8_t rest[] = { 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 8, 8, 0, 0, 0, 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H',
                                    0x00, 0x00, 0x11, 0xDF, 0x83, 0x04, 0x1A, 0x01, 0x55, 0x46, 0x44, 0x10, 0xB1, 0x91, 0xA3, 0x1E };
    uint8_t file[PREFIX + TARGET + ELEMENT + 8U + SUFFIX] = { 0 };
    struct span s = { .bytes = NULL };
    struct fault f;
    size_t content = 0;

    UNUSED_STATE;
    memcpy(file, prefix, sizeof prefix);
    memcpy(file + sizeof file - sizeof rest, rest, sizeof rest);
    assert_int_equal(dfu_check_suffix(file, sizeof file, &content, &f), VCPBOOT_OK);
    assert_int_equal(dfuse_read(file, content, &s, &f), VCPBOOT_OK);
    assert_int_equal(s.first, BASE);
    assert_int_equal(s.end, BASE + 8U);
}

TEST(a_plain_dfu_and_a_dfuse_file_are_the_image_they_hold)
{
    uint8_t raw[LENGTH], file[FILE_MAX];

    UNUSED_STATE;
    make_raw(raw);
    memcpy(file, raw, LENGTH);
    assert_loads_as(file, put_suffix(file, LENGTH, 0x0100), raw, false);
    assert_loads_as(file, put_suffix(file, make_dfuse(file, raw, BASE), 0x011A), raw, true);
}

TEST(a_raw_image_without_a_suffix_is_no_dfu_file_unless_its_name_says_so)
{
    uint8_t raw[LENGTH];
    struct vcpboot_image *image;
    struct fault f;

    UNUSED_STATE;
    make_raw(raw);
    memcpy(raw + LENGTH - 8U, "UFD\x11", 4);
    assert_int_equal(image_from_memory(&image, raw, LENGTH, "x.bin", &f), VCPBOOT_OK);
    image_free(image);
    assert_refused(raw, LENGTH, "not what its name says");
}

/* --- refusals ----------------------------------------------------------------------------------------------------------- */

TEST(every_truncation_and_every_flipped_bit_of_a_dfu_file_is_refused)
{
    size_t n;
    uint8_t *file = good_dfuse(&n);

    UNUSED_STATE;
    n = put_suffix(file, n, 0x011A);
    for (size_t i = 0; i < n; i++) assert_refused(file, i, ": ");
    for (size_t bit = 0; bit < 8U * n; bit++) {
        file[bit / 8U] ^= (uint8_t)(1U << bit % 8U);
        assert_refused(file, n, ": ");
        file[bit / 8U] ^= (uint8_t)(1U << bit % 8U);
    }
}

TEST(a_suffix_of_another_version_is_refused)
{
    uint8_t file[FILE_MAX];
    size_t n;

    UNUSED_STATE;
    make_raw(file);
    assert_refused(file, put_suffix(file, LENGTH, 0x0200), "version 2.00 of the format, where 1.00");
    assert_refused(file, put_suffix(file, LENGTH, 0x011A), "version 1.1A of the format, where 1.00");
    memcpy(file, good_dfuse(&n), FILE_MAX);
    assert_refused(file, put_suffix(file, n, 0x0100), "version 1.00 of the format, where 1.1A");
    file[5] = 2;
    assert_dfuse_refused(file, n, "version 2 of the format");
}

TEST(a_suffix_alone_holds_no_image)
{
    uint8_t file[SUFFIX];

    UNUSED_STATE;
    assert_refused(file, put_suffix(file, 0, 0x0100), "empty");
}

TEST(an_element_that_is_no_flash_is_refused)
{
    static const uint32_t outside[] = { 0x1FFFC000U, 0x07FFFFFCU, 0x08200000U, 0x081FFFFCU, 0xFFFFFFFCU, 0 };
    size_t n;
    uint8_t *file = good_dfuse(&n);

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(outside); i++) {
        store_le32(file + FIRST_ELEMENT, outside[i]);
        assert_dfuse_refused(file, n, "which is no flash");
    }
}

TEST(a_dfuse_file_for_another_base_is_refused_with_both_addresses)
{
    uint8_t raw[LENGTH], file[FILE_MAX];

    UNUSED_STATE;
    make_raw(raw);
    assert_dfuse_refused(file, make_dfuse(file, raw, 0x08008000U), "linked for 0x08008000");
}

TEST(a_container_that_contradicts_itself_is_refused)
{
    static const struct { size_t at; uint32_t value; const char *because; } bad[] = {
        { FIRST_TARGET + 266U, LENGTH + 2U * ELEMENT + 1U, "ends within a target" },
        { FIRST_TARGET + 266U, 0xFFFFFFFFU, "ends within a target" },
        { FIRST_TARGET + 266U, LENGTH, "ends within an element" },
        { FIRST_TARGET + 270U, 1, "longer than its elements" },
        { FIRST_TARGET + 270U, 3, "ends within an element" },
        { FIRST_TARGET + 270U, 0xFFFFFFFFU, "ends within an element" },
        { FIRST_ELEMENT + 4U, 0xFFFFFFFFU, "ends within an element" },
        { FIRST_ELEMENT + 4U, LENGTH / 2U + 1U, "which is no flash" },          /* the next one's header has moved */
        { FIRST_TARGET, 0x67726174U, "fewer targets" },
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bad); i++) {
        size_t n;
        uint8_t *file = good_dfuse(&n);
        store_le32(file + bad[i].at, bad[i].value);
        assert_dfuse_refused(file, n, bad[i].because);
    }
}

TEST(the_number_of_targets_must_be_right)
{
    size_t n;
    uint8_t *file = good_dfuse(&n);

    UNUSED_STATE;
    file[10] = 2;
    assert_dfuse_refused(file, n, "fewer targets");
    file[10] = 0;
    assert_dfuse_refused(file, n, "behind its last target");
    assert_dfuse_refused(file, PREFIX, "holds no data");
    assert_dfuse_refused(file, PREFIX - 1U, "shorter than its prefix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suffix_that_dfu_suffix_writes_is_checked_and_cut_off),
        cmocka_unit_test(the_container_that_dfuse_pack_writes_is_read),
        cmocka_unit_test(a_plain_dfu_and_a_dfuse_file_are_the_image_they_hold),
        cmocka_unit_test(a_raw_image_without_a_suffix_is_no_dfu_file_unless_its_name_says_so),
        cmocka_unit_test(every_truncation_and_every_flipped_bit_of_a_dfu_file_is_refused),
        cmocka_unit_test(a_suffix_of_another_version_is_refused),
        cmocka_unit_test(a_suffix_alone_holds_no_image),
        cmocka_unit_test(an_element_that_is_no_flash_is_refused),
        cmocka_unit_test(a_dfuse_file_for_another_base_is_refused_with_both_addresses),
        cmocka_unit_test(a_container_that_contradicts_itself_is_refused),
        cmocka_unit_test(the_number_of_targets_must_be_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
