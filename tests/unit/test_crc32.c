/* SPDX-License-Identifier: MIT */
/* image/crc32.c against published check values and against a bit-by-bit computation. */
#include "tests/unit/cm.h"

#include "image/bytes.h"
#include "image/crc32.h"

TEST(bytes_give_the_check_value_of_crc32_mpeg2)
{
    UNUSED_STATE;
    assert_int_equal(crc32_bytes(CRC32_INIT, (const uint8_t *)"123456789", 9), 0x0376E6E7U);
}

TEST(words_give_the_check_value_of_the_spec)
{
    UNUSED_STATE;
    assert_int_equal(crc32_word(crc32_word(CRC32_INIT, 0x34333231U), 0x38373635U), 0xFEFC54F9U);
}

TEST(one_word_of_zeros_gives_the_value_of_the_crc_unit)
{
    UNUSED_STATE;
    assert_int_equal(crc32_word(CRC32_INIT, 0), 0xC704DD7BU);
}

TEST(nothing_leaves_the_start_value)
{
    UNUSED_STATE;
    assert_int_equal(crc32_bytes(CRC32_INIT, NULL, 0), CRC32_INIT);
}

TEST(bytes_may_come_in_any_pieces)
{
    uint8_t p[37];
    uint32_t whole;

    UNUSED_STATE;
    for (size_t i = 0; i < sizeof p; i++)
        p[i] = (uint8_t)(i * 41U);
    whole = crc32_bytes(CRC32_INIT, p, sizeof p);
    for (size_t cut = 0; cut <= sizeof p; cut++)
        assert_int_equal(crc32_bytes(crc32_bytes(CRC32_INIT, p, cut), p + cut, sizeof p - cut), whole);
}

TEST(a_word_is_its_bytes_from_the_top)
{
    UNUSED_STATE;
    for (uint32_t i = 0, w = 1; i < 64; i++, w = w * 2654435761U + 7U) {
        const uint8_t top_first[4] = { (uint8_t)(w >> 24), (uint8_t)(w >> 16), (uint8_t)(w >> 8), (uint8_t)w };

        assert_int_equal(crc32_word(CRC32_INIT, w), crc32_bytes(CRC32_INIT, top_first, 4));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_give_the_check_value_of_crc32_mpeg2),
        cmocka_unit_test(words_give_the_check_value_of_the_spec),
        cmocka_unit_test(one_word_of_zeros_gives_the_value_of_the_crc_unit),
        cmocka_unit_test(nothing_leaves_the_start_value),
        cmocka_unit_test(bytes_may_come_in_any_pieces),
        cmocka_unit_test(a_word_is_its_bytes_from_the_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
