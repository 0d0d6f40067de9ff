/* SPDX-License-Identifier: MIT */
/* boot/mailbox.c: what is written is read, and nothing else is. */
#include "tests/unit/cm.h"

#include <string.h>

#include "boot/mailbox.h"
#include "image/crc32.h"

TEST(what_is_written_is_read)
{
    struct mailbox m;

    UNUSED_STATE;
    for (int r = MAILBOX_BOOTLOADER; r <= MAILBOX_ROM; r++) {
        mailbox_write(&m, (enum mailbox_request)r);
        assert_int_equal(mailbox_read(&m), r);
    }
}

TEST(the_words_are_those_of_the_spec)
{
    /* The CRC comes from the polynomial by another program, over 0x4D504356, 1, 0xFFFFFFFE. */
    static const uint32_t want[4] = { 0x4D504356U, 1U, 0xFFFFFFFEU, 0x19064D93U };
    struct mailbox m;

    UNUSED_STATE;
    mailbox_write(&m, MAILBOX_BOOTLOADER);
    assert_memory_equal(&m, want, sizeof want);
}

TEST(any_flipped_bit_empties_it)
{
    struct mailbox m;

    UNUSED_STATE;
    for (unsigned bit = 0; bit < 128; bit++) {
        uint32_t words[4];

        mailbox_write(&m, MAILBOX_DFU);
        memcpy(words, &m, sizeof words);
        words[bit / 32] ^= 1U << bit % 32;
        memcpy(&m, words, sizeof words);
        assert_int_equal(mailbox_read(&m), MAILBOX_NONE);
    }
}

TEST(an_inverse_that_is_none_empties_it_even_if_the_crc_fits)
{
    struct mailbox m;

    UNUSED_STATE;
    mailbox_write(&m, MAILBOX_BOOTLOADER);
    m.inverse = 1;
    m.crc = crc32_word(crc32_word(crc32_word(CRC32_INIT, m.magic), m.request), m.inverse);
    assert_int_equal(mailbox_read(&m), MAILBOX_NONE);
}

TEST(ram_as_power_on_leaves_it_holds_no_request)
{
    struct mailbox m;

    UNUSED_STATE;
    memset(&m, 0, sizeof m);
    assert_int_equal(mailbox_read(&m), MAILBOX_NONE);
    memset(&m, 0xFF, sizeof m);
    assert_int_equal(mailbox_read(&m), MAILBOX_NONE);
}

TEST(a_request_that_nobody_defined_is_none)
{
    struct mailbox m;

    UNUSED_STATE;
    mailbox_write(&m, (enum mailbox_request)4);
    assert_int_equal(mailbox_read(&m), MAILBOX_NONE);
    mailbox_write(&m, MAILBOX_NONE);
    assert_int_equal(mailbox_read(&m), MAILBOX_NONE);
}

TEST(a_cleared_mailbox_is_empty)
{
    struct mailbox m;

    UNUSED_STATE;
    mailbox_write(&m, MAILBOX_BOOTLOADER);
    mailbox_clear(&m);
    assert_int_equal(mailbox_read(&m), MAILBOX_NONE);
    assert_int_equal(m.magic | m.request | m.inverse | m.crc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_words_are_those_of_the_spec),
        cmocka_unit_test(any_flipped_bit_empties_it),
        cmocka_unit_test(an_inverse_that_is_none_empties_it_even_if_the_crc_fits),
        cmocka_unit_test(ram_as_power_on_leaves_it_holds_no_request),
        cmocka_unit_test(a_request_that_nobody_defined_is_none),
        cmocka_unit_test(a_cleared_mailbox_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
