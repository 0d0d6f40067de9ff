/* SPDX-License-Identifier: MIT */
/* image/info.c: blocks that are whole, blocks that are not, and reading them at every place and length. */
#include "tests/unit/cm.h"

#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "image/info.h"

#define AT 128U

/* A block with product "pump", version "1.2.3" with zeros behind it, an unknown entry, and flags. */
static const uint8_t block[] = {
    'V', 'C', 'P', 'B', 'I', 'N', 'F', 'O', 40, 0, 1, 0,
    1, 0, 4, 0, 'p', 'u', 'm', 'p',
    2, 0, 7, 0, '1', '.', '2', '.', '3', 0, 0, 0,
    0x34, 0x12, 5, 0, 'x', 'x', 'x', 'x', 'x', 0, 0, 0,
    6, 0, 4, 0, 0xA1, 0xFF, 0, 0,
};
#define ENTRIES 40U

static uint8_t image[256];

static int fresh_image(void **state)
{
    (void)state;
    memset(image, 0, sizeof image);
    memcpy(image + AT, block, sizeof block);
    return 0;
}

TEST(a_whole_block_is_found_and_measured)
{
    UNUSED_STATE;
    assert_int_equal(info_find(image, sizeof image), AT);
    assert_int_equal(info_check(image, sizeof image, AT), ENTRIES);
}

TEST(a_block_may_end_with_the_image)
{
    UNUSED_STATE;
    assert_int_equal(info_find(image, AT + sizeof block), AT);
    assert_int_equal(info_find(image, AT + sizeof block - 1), 0);
}

TEST(a_block_in_the_head_or_off_the_word_does_not_count)
{
    UNUSED_STATE;
    memset(image, 0, sizeof image);
    memcpy(image + 8, block, sizeof block);
    assert_int_equal(info_find(image, sizeof image), 0);
    memset(image, 0, sizeof image);
    memcpy(image + 130, block, sizeof block);
    assert_int_equal(info_find(image, sizeof image), 0);
    assert_int_equal(info_check(image, sizeof image, 130), 0);
}

TEST(the_first_whole_block_wins_over_a_broken_one_before_it)
{
    UNUSED_STATE;
    memcpy(image + 64, block, 12);      /* header only: its entries are not entries */
    image[64 + 12] = 1;
    image[64 + 14] = 0xFF;
    assert_int_equal(info_find(image, sizeof image), AT);
}

TEST(every_shortened_copy_is_refused_without_reading_past_it)
{
    UNUSED_STATE;
    for (size_t n = 0; n < sizeof block; n++) {
        uint8_t *p = malloc(n > 0 ? n : 1);     /* exact, so that the sanitizer sees a byte too many */

        assert_non_null(p);
        memcpy(p, block, n);
        assert_int_equal(info_check(p, n, 0), 0);
        free(p);
    }
    assert_int_equal(info_check(block, sizeof block, 0), ENTRIES);
}

TEST(every_offset_is_safe)
{
    static const uint32_t wild[] = { 252, 256, 260, 0x7FFFFFFCU, 0x80000000U, 0xFFFFFFF4U, 0xFFFFFFFCU };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(wild); i++)
        assert_int_equal(info_check(image, sizeof image, wild[i]), 0);
}

TEST(a_wrong_format_an_odd_length_or_too_many_bytes_are_not_a_block)
{
    static uint8_t big[600 + 12];

    UNUSED_STATE;
    image[AT + 10] = 2;
    assert_int_equal(info_check(image, sizeof image, AT), 0);
    image[AT + 10] = 1;
    image[AT + 8] = 38;
    assert_int_equal(info_check(image, sizeof image, AT), 0);
    memcpy(big, block, 12);
    store_le16(big + 8, 516);
    store_le16(big + 14, 512);
    assert_int_equal(info_check(big, sizeof big, 0), 0);
    store_le16(big + 8, 512);
    store_le16(big + 14, 508);
    assert_int_equal(info_check(big, sizeof big, 0), 512);
}

TEST(an_entry_that_runs_past_the_end_takes_the_block_with_it)
{
    UNUSED_STATE;
    image[AT + 12 + 34] = 5;            /* the last entry: one byte more than there is room for */
    assert_int_equal(info_check(image, sizeof image, AT), 0);
    image[AT + 12 + 34] = 0xFF;
    image[AT + 12 + 35] = 0xFF;
    assert_int_equal(info_check(image, sizeof image, AT), 0);
}

TEST(entries_are_read_by_type_and_unknown_ones_passed_over)
{
    char text[32];
    size_t len = 99;

    UNUSED_STATE;
    assert_int_equal(info_text(block + 12, ENTRIES, INFO_PRODUCT, text, sizeof text), 4);
    assert_string_equal(text, "pump");
    assert_int_equal(info_text(block + 12, ENTRIES, INFO_VERSION, text, sizeof text), 5);
    assert_string_equal(text, "1.2.3");
    assert_int_equal(info_flags(block + 12, ENTRIES), 0xA1);
    assert_null(info_entry(block + 12, ENTRIES, INFO_KEY_ID, &len));
    assert_non_null(info_entry(block + 12, ENTRIES, 0x1234, &len));
    assert_int_equal(len, 5);
}

TEST(text_is_cut_to_the_room_there_is_and_always_ends)
{
    char text[4] = "zzz";

    UNUSED_STATE;
    assert_int_equal(info_text(block + 12, ENTRIES, INFO_PRODUCT, text, sizeof text), 3);
    assert_string_equal(text, "pum");
    assert_int_equal(info_text(block + 12, ENTRIES, INFO_SIGNATURE, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(info_text(block + 12, ENTRIES, INFO_PRODUCT, NULL, 0), 0);
}

TEST(flags_of_a_wrong_length_are_no_flags)
{
    uint8_t copy[ENTRIES];

    UNUSED_STATE;
    memcpy(copy, block + 12, ENTRIES);
    copy[34] = 3;
    assert_int_equal(info_flags(copy, ENTRIES), 0);
    assert_int_equal(info_flags(copy, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_whole_block_is_found_and_measured, fresh_image),
        cmocka_unit_test_setup(a_block_may_end_with_the_image, fresh_image),
        cmocka_unit_test_setup(a_block_in_the_head_or_off_the_word_does_not_count, fresh_image),
        cmocka_unit_test_setup(the_first_whole_block_wins_over_a_broken_one_before_it, fresh_image),
        cmocka_unit_test_setup(every_shortened_copy_is_refused_without_reading_past_it, fresh_image),
        cmocka_unit_test_setup(every_offset_is_safe, fresh_image),
        cmocka_unit_test_setup(a_wrong_format_an_odd_length_or_too_many_bytes_are_not_a_block, fresh_image),
        cmocka_unit_test_setup(an_entry_that_runs_past_the_end_takes_the_block_with_it, fresh_image),
        cmocka_unit_test_setup(entries_are_read_by_type_and_unknown_ones_passed_over, fresh_image),
        cmocka_unit_test_setup(text_is_cut_to_the_room_there_is_and_always_ends, fresh_image),
        cmocka_unit_test_setup(flags_of_a_wrong_length_are_no_flags, fresh_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
