/* SPDX-License-Identifier: MIT */
/* CRC and DBGMCU: known values, the time a word takes, and what a reset leaves alone. */
/* Sources: RM0090 §4, §38.16; the check value of CRC-32/MPEG-2 (0x0376E6E7 over "123456789") for the polynomial */
#include "tests/board/periph_fixture.h"

#define DR 0x40023000U
#define IDR 0x40023004U
#define CR 0x40023008U
#define DBGMCU 0xE0042000U

static uint32_t crc_of(struct fixture *f, const uint32_t *words, size_t n)
{
    fake_write32(f->chip, CR, 1);
    for (size_t i = 0; i < n; i++)
        fake_write32(f->chip, DR, words[i]);
    return fake_read32(f->chip, DR);
}

/* CRC-32/MPEG-2 a byte at a time: same polynomial, same start, most significant bit first. */
static uint32_t crc_by_bytes(const uint8_t *bytes, size_t n)
{
    uint32_t crc = 0xFFFFFFFF;

    for (size_t i = 0; i < n; i++)
        for (int bit = 7; bit >= 0; bit--) {
            bool top = (crc >> 31) != (bytes[i] >> bit & 1U);

            crc = crc << 1 ^ (top ? 0x04C11DB7U : 0);
        }
    return crc;
}

static void the_reference_itself_has_the_published_check_value(void **state)
{
    (void)state;
    assert_int_equal(crc_by_bytes((const uint8_t *)"123456789", 9), 0x0376E6E7);
}

static void a_word_is_taken_most_significant_byte_first(void **state)
{
    static const uint8_t bytes[] = "12345678ABCDEFGH";
    static const uint32_t words[] = { 0x31323334, 0x35363738, 0x41424344, 0x45464748 };
    struct fixture *f = *state;

    assert_int_equal(crc_of(f, words, 4), crc_by_bytes(bytes, 16));
    assert_int_equal(crc_of(f, words, 2), crc_by_bytes(bytes, 8));      /* CR.RESET starts afresh */
    assert_int_equal(crc_of(f, words, 0), 0xFFFFFFFF);
}

static void a_word_takes_four_ahb_clocks_and_the_next_access_waits(void **state)
{
    struct fixture *f = *state;
    vtime start = f->chip->sched.now;

    fake_write32(f->chip, DR, 1);
    assert_int_equal(f->chip->stalls, 0);
    fake_write32(f->chip, DR, 2);       /* 4 cycles of 62.5 ns, of which the store itself has counted 2 */
    assert_int_equal(f->chip->sched.now - start, VTIME_NS(125));
    (void)fake_read32(f->chip, DR);
    assert_int_equal(f->chip->sched.now - start, VTIME_NS(250));
    (void)fake_read32(f->chip, DR);
    assert_int_equal(f->chip->stalls, 2);
    fake_run(f->chip, VTIME_US(1));
    fake_write32(f->chip, DR, 3);
    assert_int_equal(f->chip->stalls, 2);
    start = f->chip->sched.now;
    fake_run(f->chip, VTIME_NS(62));    /* time has passed: the next access has counted nothing beside it */
    fake_write32(f->chip, DR, 4);
    assert_int_equal(f->chip->sched.now - start, VTIME_NS(250));
}

static void a_narrow_write_to_dr_is_a_fatal_guest_error(void **state)
{
    struct fixture *f = *state;

    fake_write(f->chip, DR, 0x31, 1);
    assert_guest_error(f, "8-bit write", true);
    assert_int_equal(fake_read32(f->chip, DR), 0xFFFFFFFF);
}

static void idr_is_eight_bits_that_cr_reset_leaves_alone(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, IDR, 0x1A5);
    fake_write32(f->chip, CR, 1);
    assert_int_equal(fake_read32(f->chip, IDR), 0xA5);
    fixture_reset(f, RESET_SOFTWARE);
    assert_int_equal(fake_read32(f->chip, IDR), 0);
}

static void dbgmcu_forgets_only_at_power_on(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, DBGMCU + 4, 0xFFFFFFFF);
    fake_write32(f->chip, DBGMCU + 8, 0x1800);
    fake_write32(f->chip, DBGMCU, 0);
    fixture_reset(f, RESET_SOFTWARE);
    fixture_reset(f, RESET_IWDG);
    assert_int_equal(fake_read32(f->chip, DBGMCU), 0x100F6413);
    assert_int_equal(fake_read32(f->chip, DBGMCU + 4), 0xE7);
    assert_int_equal(fake_read32(f->chip, DBGMCU + 8), 0x1800);
    fixture_reset(f, RESET_POWER);
    assert_int_equal(fake_read32(f->chip, DBGMCU + 4), 0);
    assert_int_equal(fake_read32(f->chip, DBGMCU + 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_itself_has_the_published_check_value),
        periph_test(a_word_is_taken_most_significant_byte_first),
        periph_test(a_word_takes_four_ahb_clocks_and_the_next_access_waits),
        periph_test(a_narrow_write_to_dr_is_a_fatal_guest_error),
        periph_test(idr_is_eight_bits_that_cr_reset_leaves_alone),
        periph_test(dbgmcu_forgets_only_at_power_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
