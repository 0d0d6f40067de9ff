/* SPDX-License-Identifier: MIT */
/* What the PC makes of a file, good or hostile. */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/lib/image_file.h"
#include "host/lib/image_parse.h"
#include "image/bytes.h"
#include "tests/unit/make_image.h"

#define BASE 0x08010000U
#define AREA_BYTES 0x70000U
#define LENGTH 1024U
#define FILE_MAX 8192U
#define ELF_HEADER 52U
#define ELF_PHDR 32U

static const struct image_recipe raw_recipe = { .base = BASE, .bytes = LENGTH, .seed = 5, .product = "thing", .info_at = 0x200 };
static const struct image_recipe sealed_recipe = {
    .base = BASE, .bytes = LENGTH, .seed = 5, .sealed = true, .product = "thing", .info_at = 0x200,
};

/* --- making files ------------------------------------------------------------------------------------------------------- */

static void put_phdr(uint8_t *p, uint32_t offset, uint32_t paddr, uint32_t filesz)
{
    memset(p, 0, ELF_PHDR);
    store_le32(p, 1);                           /* PT_LOAD */
    store_le32(p + 4, offset);
    store_le32(p + 8, paddr);
    store_le32(p + 12, paddr);
    store_le32(p + 16, filesz);
    store_le32(p + 20, filesz);
}

/* An ELF file of two segments: the image's first half and its second half, and one in RAM without content. */
static size_t make_elf(uint8_t *out, const uint8_t *image, uint32_t base)
{
    uint32_t at = ELF_HEADER + 3U * ELF_PHDR, half = LENGTH / 2U;

    memset(out, 0, ELF_HEADER);
    memcpy(out, "\x7F" "ELF\x01\x01\x01", 7);
    store_le16(out + 16, 2);
    store_le16(out + 18, 40);
    store_le32(out + 28, ELF_HEADER);
    store_le16(out + 40, ELF_HEADER);
    store_le16(out + 42, ELF_PHDR);
    store_le16(out + 44, 3);
    put_phdr(out + ELF_HEADER, at + half, base + half, LENGTH - half);
    put_phdr(out + ELF_HEADER + ELF_PHDR, at, base, half);
    put_phdr(out + ELF_HEADER + 2U * ELF_PHDR, 0, 0x20000000U, 0);
    memcpy(out + at, image, LENGTH);
    return at + LENGTH;
}

static size_t put_record(char *out, uint8_t type, uint16_t offset, const uint8_t *p, uint8_t n)
{
    uint8_t sum = (uint8_t)(n + (offset >> 8) + offset + type);
    int at = sprintf(out, ":%02X%04X%02X", n, offset, type);

    for (uint8_t i = 0; i < n; i++) {
        at += sprintf(out + at, "%02X", p[i]);
        sum = (uint8_t)(sum + p[i]);
    }
    at += sprintf(out + at, "%02X\r\n", (uint8_t)(0U - sum));
    return (size_t)at;
}

static size_t make_hex(char *out, const uint8_t *image, uint32_t base)
{
    const uint8_t upper[2] = { (uint8_t)(base >> 24), (uint8_t)(base >> 16) };
    const uint8_t start[4] = { 8, 1, 0, 0x41 };
    size_t n = put_record(out, 4, 0, upper, 2);

    for (uint32_t at = 0; at < LENGTH; at += 16U) n += put_record(out + n, 0, (uint16_t)(base + at), image + at, 16);
    n += put_record(out + n, 5, 0, start, 4);
    return n + put_record(out + n, 1, 0, NULL, 0);
}

/* --- asking ------------------------------------------------------------------------------------------------------------------- */

static int load(const void *p, size_t n, const char *name, struct fault *f)
{
    struct vcpboot_image *image;
    int code = image_from_memory(&image, p, n, name, f);

    if (code == VCPBOOT_OK) {
        code = image_seal(image, BASE, AREA_BYTES, f);
        image_free(image);
    } else {
        assert_null(image);
    }
    return code;
}

static void assert_refused(const void *p, size_t n, const char *because)
{
    struct fault f = { .code = 0 };

    assert_int_equal(load(p, n, "x.bin", &f), VCPBOOT_E_IMAGE);
    if (!strstr(f.text, because)) fail_msg("\"%s\" does not say \"%s\"", f.text, because);
}

static void assert_loads_as(const void *p, size_t n, const uint8_t *wanted)
{
    struct vcpboot_image *image;
    struct fault f;

    assert_int_equal(image_from_memory(&image, p, n, "x", &f), VCPBOOT_OK);
    assert_int_equal(image_seal(image, BASE, AREA_BYTES, &f), VCPBOOT_OK);
    assert_int_equal(image->length, LENGTH);
    assert_memory_equal(image->bytes, wanted, LENGTH);
    assert_string_equal(image->product, "thing");
    image_free(image);
}

/* --- good files ------------------------------------------------------------------------------------------------------------- */

TEST(a_raw_bin_an_elf_a_hex_and_a_sealed_bin_all_end_as_the_same_image)
{
    uint8_t raw[LENGTH], sealed[LENGTH], elf[FILE_MAX];
    char hex[FILE_MAX];

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    make_image(sealed, &sealed_recipe);
    assert_loads_as(raw, LENGTH, sealed);
    assert_loads_as(sealed, LENGTH, sealed);
    assert_loads_as(elf, make_elf(elf, raw, BASE), sealed);
    assert_loads_as(hex, make_hex(hex, raw, BASE), sealed);
}

TEST(a_length_that_is_no_multiple_of_four_is_filled_up_with_ff)
{
    uint8_t raw[LENGTH];
    struct vcpboot_image *image;
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    assert_int_equal(image_from_memory(&image, raw, LENGTH - 3U, "x", &f), VCPBOOT_OK);
    assert_int_equal(image_seal(image, BASE, AREA_BYTES, &f), VCPBOOT_OK);
    assert_int_equal(image->length, LENGTH);
    assert_int_equal(load_le32(image->bytes + SEAL_AT_LENGTH), LENGTH);
    assert_memory_equal(image->bytes + LENGTH - 3U, "\xFF\xFF\xFF", 3);
    image_free(image);
}

TEST(an_info_block_whose_last_zeros_are_cut_off_names_the_product)
{
    static const uint8_t block[] = { 'V', 'C', 'P', 'B', 'I', 'N', 'F', 'O', 12, 0, 1, 0, 1, 0, 5, 0, 't', 'h', 'i', 'n', 'g' };
    struct image_recipe recipe = { .base = BASE, .bytes = LENGTH, .seed = 5 };
    uint8_t raw[LENGTH];
    struct vcpboot_image *image;
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &recipe);
    memcpy(raw + 0x100, block, sizeof block);
    assert_int_equal(image_from_memory(&image, raw, 0x100 + sizeof block, "x", &f), VCPBOOT_OK);
    assert_string_equal(image->product, "thing");
    image_free(image);
}

TEST(a_gap_between_hex_records_reads_as_erased_flash)
{
    uint8_t raw[LENGTH];
    char hex[FILE_MAX];
    struct span s = { .bytes = NULL };
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    size_t n = put_record(hex, 4, 0, (const uint8_t[]){ 0x08, 0x01 }, 2);
    n += put_record(hex + n, 0, 0x0000, raw, 4);
    n += put_record(hex + n, 0, 0x0010, raw, 4);
    n += put_record(hex + n, 1, 0, NULL, 0);
    assert_int_equal(hex_read((const uint8_t *)hex, n, &s, &f), VCPBOOT_OK);
    assert_int_equal(span_allocate(&s, &f), VCPBOOT_OK);
    assert_int_equal(hex_read((const uint8_t *)hex, n, &s, &f), VCPBOOT_OK);
    assert_int_equal(s.end - s.first, 0x14);
    for (size_t i = 4; i < 0x10; i++) assert_int_equal(s.bytes[i], 0xFF);
    span_free(&s);
}

TEST(a_segment_record_moves_the_base_by_sixteen_bytes)
{
    static const char hex[] = ":020000020801F3\n:0400100001020304E2\n:00000001FF\n";
    struct span s = { .bytes = NULL };
    struct fault f;

    UNUSED_STATE;
    assert_int_equal(hex_read((const uint8_t *)hex, sizeof hex - 1U, &s, &f), VCPBOOT_OK);
    assert_int_equal(s.first, 0x8020);
    assert_int_equal(s.end, 0x8024);
}

TEST(an_elf_header_inside_the_first_segment_is_no_part_of_the_image)
{
    uint8_t raw[LENGTH], elf[FILE_MAX], sealed[LENGTH];
    const uint32_t at = 0x200;
    uint8_t *section = elf + at + LENGTH;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    make_image(sealed, &sealed_recipe);
    memset(elf, 0, sizeof elf);
    (void)make_elf(elf, raw, BASE);
    store_le16(elf + 44, 1);
    put_phdr(elf + ELF_HEADER, 0, BASE - at, at + LENGTH);
    memcpy(elf + at, raw, LENGTH);
    store_le32(elf + 32, at + LENGTH);
    store_le16(elf + 46, 40);
    store_le16(elf + 48, 1);
    memset(section, 0, 40);
    store_le32(section + 4, 1);                 /* SHT_PROGBITS */
    store_le32(section + 8, 2);                 /* SHF_ALLOC */
    store_le32(section + 12, BASE);
    store_le32(section + 16, at);
    store_le32(section + 20, LENGTH);
    assert_loads_as(elf, at + LENGTH + 40U, sealed);
}

/* --- files that are refused --------------------------------------------------------------------------------------------------- */

TEST(an_empty_a_tiny_and_a_huge_file_are_refused)
{
    uint8_t raw[LENGTH];
    uint8_t *huge = calloc(1, SPAN_BYTES_MAX + 4U);

    UNUSED_STATE;
    assert_non_null(huge);
    make_image(raw, &raw_recipe);
    assert_refused(raw, 0, "is empty");
    assert_refused(raw, 64, "less than a vector table");
    memcpy(huge, raw, LENGTH);
    assert_refused(huge, SPAN_BYTES_MAX + 4U, "more than any flash");
    assert_refused(huge, AREA_BYTES + 1U, "room for 458752");
    free(huge);
}

TEST(the_sentence_about_a_wrong_link_address_names_both_addresses)
{
    uint8_t raw[LENGTH], elf[FILE_MAX];
    const struct image_recipe elsewhere = { .base = 0x08000000U, .bytes = LENGTH, .seed = 5 };
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &elsewhere);
    assert_refused(raw, LENGTH, "0x08000041");
    assert_refused(raw, LENGTH, "0x08010000");
    size_t n = make_elf(elf, raw, 0x08000000U);
    assert_int_equal(load(elf, n, "x.elf", &f), VCPBOOT_E_IMAGE);
    assert_non_null(strstr(f.text, "linked for 0x08000000"));
    assert_non_null(strstr(f.text, "begins at 0x08010000"));
}

TEST(an_elf_whose_vectors_fit_but_whose_addresses_do_not_is_refused)
{
    uint8_t raw[LENGTH], elf[FILE_MAX];

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    assert_refused(elf, make_elf(elf, raw, 0x08008000U), "linked for 0x08008000");
}

TEST(impossible_vectors_are_refused)
{
    uint8_t raw[LENGTH];

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    store_le32(raw, 0x20020004U);
    assert_refused(raw, LENGTH, "initial stack pointer");
    store_le32(raw, 0x20020008U);
    assert_refused(raw, LENGTH, "initial stack pointer");
    store_le32(raw, 0xFFFFFFFFU);
    assert_refused(raw, LENGTH, "initial stack pointer");
    store_le32(raw, 0x10010000U);               /* the end of CCM is fine */
    store_le32(raw + 4, BASE + 0x40U);
    assert_refused(raw, LENGTH, "even reset vector");
    store_le32(raw + 4, BASE + 0x3FU);
    assert_refused(raw, LENGTH, "outside of its");
    store_le32(raw + 4, BASE + LENGTH + 1U);
    assert_refused(raw, LENGTH, "outside of its");
    store_le32(raw + 4, 0x20000101U);
    assert_refused(raw, LENGTH, "impossible reset vector");
}

TEST(a_seal_that_does_not_fit_is_refused_with_its_reason)
{
    uint8_t image[LENGTH];

    UNUSED_STATE;
    make_image(image, &sealed_recipe);
    assert_refused(image, LENGTH - 4U, "cut off or padded");
    image[LENGTH - 1U] ^= 1;
    assert_refused(image, LENGTH, "checksum");
    image[LENGTH - 1U] ^= 1;
    image[SEAL_AT_LIFE] ^= 1;
    assert_refused(image, LENGTH, "life word");
    image[SEAL_AT_LIFE] ^= 1;
    image[SEAL_AT_FORMAT] ^= 2;
    assert_refused(image, LENGTH, "length or format");
    image[SEAL_AT_FORMAT] ^= 2;
    image[SEAL_AT_MAGIC] ^= 1;
    assert_refused(image, LENGTH, "reserved words");
}

TEST(content_that_is_not_what_the_name_says_is_refused)
{
    uint8_t raw[LENGTH];
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    assert_int_equal(load(raw, LENGTH, "firmware.elf", &f), VCPBOOT_E_IMAGE);
    assert_int_equal(load(raw, LENGTH, "firmware.HEX", &f), VCPBOOT_E_IMAGE);
    assert_int_equal(load(raw, LENGTH, "firmware.bin", &f), VCPBOOT_OK);
}

TEST(every_truncation_of_an_elf_file_is_refused)
{
    uint8_t raw[LENGTH], elf[FILE_MAX];
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    size_t n = make_elf(elf, raw, BASE);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *exact = malloc(cut + 1U);      /* so that a read beyond the end is seen */
        assert_non_null(exact);
        uint8_t *p = exact + 1;
        memcpy(p, elf, cut);
        assert_int_equal(load(p, cut, "x.elf", &f), VCPBOOT_E_IMAGE);
        free(exact);
    }
    assert_int_equal(load(elf, n, "x.elf", &f), VCPBOOT_OK);
}

TEST(every_truncation_of_a_hex_file_is_refused)
{
    uint8_t raw[LENGTH];
    char hex[FILE_MAX];
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    size_t n = make_hex(hex, raw, BASE);
    for (size_t cut = 0; cut + 2U < n; cut++) {         /* the last line's end may be missing */
        char *exact = malloc(cut + 1U);
        assert_non_null(exact);
        memcpy(exact + 1, hex, cut);
        assert_int_equal(load(exact + 1, cut, "x.hex", &f), VCPBOOT_E_IMAGE);
        free(exact);
    }
    assert_int_equal(load(hex, n, "x.hex", &f), VCPBOOT_OK);
}

TEST(every_flipped_bit_of_a_hex_file_is_refused_or_harmless)
{
    uint8_t raw[LENGTH], sealed[LENGTH];
    char hex[FILE_MAX];
    struct fault f;
    size_t passed = 0;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    make_image(sealed, &sealed_recipe);
    size_t n = make_hex(hex, raw, BASE);
    for (size_t bit = 0; bit < 8U * n; bit++) {
        struct vcpboot_image *image;
        hex[bit / 8U] ^= (char)(1U << bit % 8U);
        if (image_from_memory(&image, (const uint8_t *)hex, n, "x.hex", &f) == VCPBOOT_OK) {
            /* Only another letter case or another kind of blank can pass. */
            assert_int_equal(image_seal(image, BASE, AREA_BYTES, &f), VCPBOOT_OK);
            assert_memory_equal(image->bytes, sealed, LENGTH);
            image_free(image);
            passed++;
        }
        hex[bit / 8U] ^= (char)(1U << bit % 8U);
    }
    assert_true(passed < n);
}

TEST(no_flipped_bit_of_an_elf_header_leads_outside_of_the_file)
{
    uint8_t raw[LENGTH], elf[FILE_MAX];
    struct fault f;

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    size_t n = make_elf(elf, raw, BASE);
    for (size_t bit = 0; bit < 8U * (ELF_HEADER + 3U * ELF_PHDR); bit++) {
        uint8_t *exact = malloc(n);
        assert_non_null(exact);
        memcpy(exact, elf, n);
        exact[bit / 8U] ^= (uint8_t)(1U << bit % 8U);
        int code = load(exact, n, "x", &f);
        assert_true(code == VCPBOOT_OK || code == VCPBOOT_E_IMAGE);
        free(exact);
    }
}

TEST(elf_offsets_and_sizes_that_wrap_around_are_refused)
{
    static const uint32_t hostile[] = { 0xFFFFFFFFU, 0xFFFFFFF0U, 0x80000000U, 0x7FFFFFFFU };
    uint8_t raw[LENGTH], elf[FILE_MAX];
    static const uint32_t fields[] = { 28, 32, ELF_HEADER + 4U, ELF_HEADER + 12U, ELF_HEADER + 16U };

    UNUSED_STATE;
    make_image(raw, &raw_recipe);
    for (size_t i = 0; i < COUNT(fields); i++) {
        for (size_t k = 0; k < COUNT(hostile); k++) {
            struct fault f;
            size_t n = make_elf(elf, raw, BASE);
            store_le32(elf + fields[i], hostile[k]);
            if (fields[i] == 32) {
                store_le16(elf + 46, 40);
                store_le16(elf + 48, 1);
            }
            assert_int_equal(load(elf, n, "x.elf", &f), VCPBOOT_E_IMAGE);
        }
    }
}

TEST(hex_files_that_break_a_rule_are_refused)
{
    char endless[2U * FILE_MAX];

    UNUSED_STATE;
    memset(endless, '0', sizeof endless);
    memcpy(endless, ":FF", 3);
    assert_refused(endless, sizeof endless, "wrong length");
    assert_refused(":0400000001020304F2\n", 19, "no end record");
    assert_refused(":0400000001020304F3\n:00000001FF\n", 32, "checksum");
    assert_refused(":04000000010203F6\n:00000001FF\n", 30, "wrong length");
    assert_refused(":00000001FF\n:0400000001020304F2\n", 32, "after the end record");
    assert_refused(":00000006FA\n:00000001FF\n", 24, "unknown record type");
    assert_refused(":0100000400FB\n:00000001FF\n", 26, "wrong length for its record type");
    assert_refused(":00000001FF\n", 12, "holds no data");
    assert_refused(":0100000001FE\n:0100000002FD\n:00000001FF\n", 40, "twice");
    assert_refused(":0100000001FE\n:02000004FFFFFC\n:0100000001FE\n:00000001FF\n", 56, "reach from 0x00000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raw_bin_an_elf_a_hex_and_a_sealed_bin_all_end_as_the_same_image),
        cmocka_unit_test(a_length_that_is_no_multiple_of_four_is_filled_up_with_ff),
        cmocka_unit_test(an_info_block_whose_last_zeros_are_cut_off_names_the_product),
        cmocka_unit_test(a_gap_between_hex_records_reads_as_erased_flash),
        cmocka_unit_test(a_segment_record_moves_the_base_by_sixteen_bytes),
        cmocka_unit_test(an_elf_header_inside_the_first_segment_is_no_part_of_the_image),
        cmocka_unit_test(an_empty_a_tiny_and_a_huge_file_are_refused),
        cmocka_unit_test(the_sentence_about_a_wrong_link_address_names_both_addresses),
        cmocka_unit_test(an_elf_whose_vectors_fit_but_whose_addresses_do_not_is_refused),
        cmocka_unit_test(impossible_vectors_are_refused),
        cmocka_unit_test(a_seal_that_does_not_fit_is_refused_with_its_reason),
        cmocka_unit_test(content_that_is_not_what_the_name_says_is_refused),
        cmocka_unit_test(every_truncation_of_an_elf_file_is_refused),
        cmocka_unit_test(every_truncation_of_a_hex_file_is_refused),
        cmocka_unit_test(every_flipped_bit_of_a_hex_file_is_refused_or_harmless),
        cmocka_unit_test(no_flipped_bit_of_an_elf_header_leads_outside_of_the_file),
        cmocka_unit_test(elf_offsets_and_sizes_that_wrap_around_are_refused),
        cmocka_unit_test(hex_files_that_break_a_rule_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
