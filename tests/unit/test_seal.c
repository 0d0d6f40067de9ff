/* SPDX-License-Identifier: MIT */
/* image/seal.c: which heads pass and which do not, and that what is applied parses again. */
#include "tests/unit/cm.h"

#include "image/seal.h"
#include "tests/unit/make_image.h"

#define BASE 0x08010000U
#define AREA 458752U

static const struct seal_area area = { BASE, AREA, seal_ram_f407, 2 };

static void load(struct seal_head *h, bool sealed)
{
    static uint8_t image[1024];
    const struct image_recipe r = { .base = BASE, .bytes = sizeof image, .sealed = sealed, .product = "pump", .info_at = 512, .flags = 1 };

    make_image(image, &r);
    seal_head_load(h, image);
}

static enum seal_kind kind_with(uint32_t at, uint32_t word)
{
    struct seal_head h;
    struct seal_info info;

    load(&h, true);
    h.word[at / 4] = word;
    seal_parse(&info, &h, &area);
    return info.kind;
}

TEST(a_sealed_head_tells_all_its_fields)
{
    struct seal_head h;
    struct seal_info info;

    UNUSED_STATE;
    load(&h, true);
    seal_parse(&info, &h, &area);
    assert_int_equal(info.kind, SEAL_PRESENT);
    assert_int_equal(info.length, 1024);
    assert_int_equal(info.crc, h.word[SEAL_AT_CRC / 4]);
    assert_int_equal(info.life, LIFE_FRESH);
    assert_int_equal(info.flags, SEAL_FLAG_CONFIRMS);
    assert_int_equal(info.info_offset, 512);
}

TEST(five_zero_words_are_a_raw_image)
{
    struct seal_head h;
    struct seal_info info;

    UNUSED_STATE;
    load(&h, false);
    seal_parse(&info, &h, &area);
    assert_int_equal(info.kind, SEAL_NONE);
    assert_int_equal(info.length, 0);
}

TEST(a_blank_first_word_is_nothing_whatever_follows)
{
    UNUSED_STATE;
    assert_int_equal(kind_with(0, 0xFFFFFFFFU), SEAL_BLANK);
}

TEST(a_single_reserved_word_that_is_not_zero_is_malformed)
{
    static const uint32_t at[] = { SEAL_AT_MAGIC, SEAL_AT_LENGTH, SEAL_AT_CRC, SEAL_AT_FORMAT, SEAL_AT_LIFE };
    struct seal_head h;
    struct seal_info info;

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(at); i++) {
        load(&h, false);
        h.word[at[i] / 4] = 1;
        seal_parse(&info, &h, &area);
        assert_int_equal(info.kind, SEAL_MALFORMED);
    }
}

TEST(every_damaged_magic_is_malformed)
{
    UNUSED_STATE;
    for (unsigned bit = 0; bit < 32; bit++)
        assert_int_equal(kind_with(SEAL_AT_MAGIC, SEAL_MAGIC ^ 1U << bit), SEAL_MALFORMED);
}

TEST(the_length_must_be_whole_words_between_a_head_with_a_word_and_the_area)
{
    static const uint32_t bad[] = { 0, 4, 64, 67, 1023, 1025, AREA + 1, AREA + 4, 0x80000000U, 0xFFFFFFFCU, 0xFFFFFFFFU };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(kind_with(SEAL_AT_LENGTH, bad[i]), SEAL_MALFORMED);
    assert_int_equal(kind_with(SEAL_AT_LENGTH, AREA), SEAL_PRESENT);
}

TEST(the_shortest_image_is_a_head_and_one_word)
{
    struct seal_head h;
    struct seal_info info;

    UNUSED_STATE;
    load(&h, true);
    h.word[SEAL_AT_LENGTH / 4] = SEAL_MIN_BYTES;
    h.word[SEAL_AT_FORMAT / 4] = SEAL_FORMAT;
    seal_parse(&info, &h, &area);
    assert_int_equal(info.kind, SEAL_PRESENT);
}

TEST(another_format_is_malformed)
{
    UNUSED_STATE;
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 0), SEAL_MALFORMED);
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 2), SEAL_MALFORMED);
}

TEST(the_info_block_must_stand_behind_the_head_and_within_the_image)
{
    UNUSED_STATE;
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 1U | 0U << 12), SEAL_PRESENT);
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 1U | 15U << 12), SEAL_MALFORMED);
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 1U | 16U << 12), SEAL_PRESENT);
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 1U | 255U << 12), SEAL_PRESENT);
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 1U | 256U << 12), SEAL_MALFORMED);
    assert_int_equal(kind_with(SEAL_AT_FORMAT, 1U | 0xFFFFFU << 12), SEAL_MALFORMED);
}

static bool vectors(uint32_t sp, uint32_t reset, uint32_t limit)
{
    struct seal_head h = { { sp, reset } };

    return seal_vectors_ok(&h, &area, limit);
}

TEST(the_initial_sp_may_equal_the_end_of_either_ram)
{
    UNUSED_STATE;
    assert_true(vectors(0x20020000U, BASE + 0x101U, 1024));
    assert_true(vectors(0x20000400U, BASE + 0x101U, 1024));
    assert_true(vectors(0x10010000U, BASE + 0x101U, 1024));
    assert_true(vectors(0x10000400U, BASE + 0x101U, 1024));
}

TEST(the_initial_sp_must_be_in_ram_and_8_aligned)
{
    static const uint32_t bad[] = { 0, 8, 0x200003F8U, 0x20020008U, 0x2001FFFCU, 0x20010001U, 0x100003F8U, 0x10010008U,
                                    0x08020000U, 0x40000000U, 0xFFFFFFF8U, 0xFFFFFFFFU };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(vectors(bad[i], BASE + 0x101U, 1024));
}

TEST(the_reset_vector_must_be_odd_and_behind_the_head_within_the_limit)
{
    static const uint32_t bad[] = { BASE + 0x100U, BASE + 1U, BASE + 0x3FU, BASE + 1025U, BASE - 1U, 1U, 0U, 0x08000101U,
                                    0xFFFFFFFFU, BASE + AREA + 1U };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(vectors(0x20020000U, bad[i], 1024));
    assert_true(vectors(0x20020000U, BASE + 0x41U, 1024));
    assert_true(vectors(0x20020000U, BASE + 1023U, 1024));
    assert_true(vectors(0x20020000U, BASE + AREA - 1U, AREA));
}

TEST(a_limit_beyond_the_area_fits_nothing)
{
    UNUSED_STATE;
    assert_false(vectors(0x20020000U, BASE + 0x101U, AREA + 4U));
    assert_false(vectors(0x20020000U, BASE - 1U, 0xFFFFFFFFU));
}

TEST(the_crc_leaves_out_itself_and_the_life_word_only)
{
    UNUSED_STATE;
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(seal_word_counts(i), i != 9 && i != 13);
}

TEST(an_applied_seal_is_the_one_that_the_spec_describes)
{
    struct seal_head raw, sealed;

    UNUSED_STATE;
    load(&raw, false);
    load(&sealed, true);
    seal_apply(&raw, 1024, sealed.word[SEAL_AT_CRC / 4], SEAL_FLAG_CONFIRMS, 512);
    assert_memory_equal(&raw, &sealed, sizeof raw);
}

TEST(each_unconfirmed_start_takes_the_next_bit_and_the_fourth_finds_none)
{
    uint32_t life = LIFE_FRESH;

    UNUSED_STATE;
    assert_int_equal(seal_next_start(life), LIFE_START_1);
    life &= ~seal_next_start(life);
    assert_int_equal(seal_next_start(life), LIFE_START_2);
    life &= ~seal_next_start(life);
    assert_int_equal(seal_next_start(life), LIFE_START_3);
    life &= ~seal_next_start(life);
    assert_int_equal(seal_next_start(life), 0);
}

TEST(confirmed_and_revoked_are_cleared_bits)
{
    UNUSED_STATE;
    assert_false(seal_confirmed(LIFE_FRESH));
    assert_false(seal_revoked(LIFE_FRESH));
    assert_true(seal_confirmed(~LIFE_CONFIRMED));
    assert_false(seal_revoked(~LIFE_CONFIRMED));
    assert_true(seal_revoked(~LIFE_REVOKED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_head_tells_all_its_fields),
        cmocka_unit_test(five_zero_words_are_a_raw_image),
        cmocka_unit_test(a_blank_first_word_is_nothing_whatever_follows),
        cmocka_unit_test(a_single_reserved_word_that_is_not_zero_is_malformed),
        cmocka_unit_test(every_damaged_magic_is_malformed),
        cmocka_unit_test(the_length_must_be_whole_words_between_a_head_with_a_word_and_the_area),
        cmocka_unit_test(the_shortest_image_is_a_head_and_one_word),
        cmocka_unit_test(another_format_is_malformed),
        cmocka_unit_test(the_info_block_must_stand_behind_the_head_and_within_the_image),
        cmocka_unit_test(the_initial_sp_may_equal_the_end_of_either_ram),
        cmocka_unit_test(the_initial_sp_must_be_in_ram_and_8_aligned),
        cmocka_unit_test(the_reset_vector_must_be_odd_and_behind_the_head_within_the_limit),
        cmocka_unit_test(a_limit_beyond_the_area_fits_nothing),
        cmocka_unit_test(the_crc_leaves_out_itself_and_the_life_word_only),
        cmocka_unit_test(an_applied_seal_is_the_one_that_the_spec_describes),
        cmocka_unit_test(each_unconfirmed_start_takes_the_next_bit_and_the_fourth_finds_none),
        cmocka_unit_test(confirmed_and_revoked_are_cleared_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
