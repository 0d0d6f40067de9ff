/* SPDX-License-Identifier: MIT */
/* RTC: backup registers, the two locks, initialization mode, shadow registers and the calendar. */
/* Sources: RM0090 §26 */
#include "tests/board/periph_fixture.h"

#define RTC 0x40002800U
#define TR (RTC + 0x00U)
#define DR (RTC + 0x04U)
#define CR (RTC + 0x08U)
#define BYPSHAD (1U << 5)
#define ISR (RTC + 0x0CU)
#define INITS (1U << 4)
#define RSF (1U << 5)
#define INITF (1U << 6)
#define INIT (1U << 7)
#define PRER (RTC + 0x10U)
#define WPR (RTC + 0x24U)
#define SSR (RTC + 0x28U)
#define BKP(n) (RTC + 0x50U + 4U * (n))
#define RCC_BDCR 0x40023870U
#define RCC_CSR 0x40023874U
#define PWR_CR 0x40007000U
#define TICKS(n) ((vtime)(n) * 30517579U)       /* a little more than n periods of 32,768 Hz */

static void unlock(struct fixture *f)
{
    fixture_set_dbp(f);
    fake_write32(f->chip, WPR, 0xCA);
    fake_write32(f->chip, WPR, 0x53);
}

static void start_clock(struct fixture *f)
{
    fixture_set_dbp(f);
    fake_write32(f->chip, RCC_BDCR, 1);
    fake_run(f->chip, VTIME_MS(2000));
    fake_write32(f->chip, RCC_BDCR, 1U << 15 | 1U << 8 | 1U);
    unlock(f);
}

static void set_calendar(struct fixture *f, uint32_t dr, uint32_t tr)
{
    fake_write32(f->chip, ISR, INIT);
    fake_run(f->chip, TICKS(2));
    assert_true(fake_read32(f->chip, ISR) & INITF);
    fake_write32(f->chip, TR, tr);
    fake_write32(f->chip, DR, dr);
    fake_write32(f->chip, ISR, 0);
    fake_run(f->chip, TICKS(6));
    assert_true(fake_read32(f->chip, ISR) & RSF);
}

static void a_backup_register_needs_dbp_but_no_clock_and_no_key(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, BKP(0), 0x12345678);
    assert_guest_error(f, "DBP", false);
    assert_int_equal(fake_read32(f->chip, BKP(0)), 0);
    fixture_set_dbp(f);
    for (unsigned i = 0; i < 20; i++)
        fake_write32(f->chip, BKP(i), 0x1000 + i);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(fake_read32(f->chip, BKP(i)), 0x1000 + i);
    assert_no_errors(f);
}

static void backup_registers_survive_resets_but_not_bdrst_or_power_off(void **state)
{
    struct fixture *f = *state;

    fixture_set_dbp(f);
    fake_write32(f->chip, BKP(3), 0xCAFE);
    fixture_reset(f, RESET_SOFTWARE);
    fixture_reset(f, RESET_IWDG);
    fixture_reset(f, RESET_PIN);
    assert_int_equal(fake_read32(f->chip, BKP(3)), 0xCAFE);
    fake_write32(f->chip, BKP(3), 1);                   /* the reset took DBP */
    assert_guest_error(f, "DBP", false);
    fixture_set_dbp(f);
    fake_write32(f->chip, RCC_BDCR, 1U << 16);
    assert_int_equal(fake_read32(f->chip, BKP(3)), 0);
    fake_write32(f->chip, RCC_BDCR, 0);
    fake_write32(f->chip, BKP(3), 0xCAFE);
    fixture_reset(f, RESET_POWER);
    assert_int_equal(fake_read32(f->chip, BKP(3)), 0);
}

static void the_other_registers_need_both_keys(void **state)
{
    struct fixture *f = *state;

    fixture_set_dbp(f);
    fake_write32(f->chip, CR, BYPSHAD);
    assert_guest_error(f, "RTC_WPR", false);
    fake_write32(f->chip, WPR, 0x53);
    fake_write32(f->chip, CR, BYPSHAD);
    assert_guest_error(f, "RTC_WPR", false);
    unlock(f);
    fake_write32(f->chip, CR, BYPSHAD);
    assert_int_equal(fake_read32(f->chip, CR), BYPSHAD);
    fixture_reset(f, RESET_SOFTWARE);                   /* the protection is in the backup domain */
    fixture_set_dbp(f);
    fake_write32(f->chip, CR, 0);
    assert_int_equal(fake_read32(f->chip, CR), 0);
    fake_write32(f->chip, WPR, 0xFF);                   /* a wrong key locks again */
    fake_write32(f->chip, CR, BYPSHAD);
    assert_guest_error(f, "RTC_WPR", false);
    fake_write(f->chip, BKP(0), 1, 1);
    assert_guest_error(f, "only words", false);
}

static void without_a_clock_initf_never_comes(void **state)
{
    struct fixture *f = *state;

    unlock(f);
    fake_write32(f->chip, ISR, INIT);
    fake_run(f->chip, VTIME_MS(10000));
    assert_int_equal(fake_read32(f->chip, ISR), INIT | 7);
    fake_write32(f->chip, TR, 0x123456);
    assert_guest_error(f, "initialization mode", false);
}

static void initf_comes_two_rtc_clocks_after_init(void **state)
{
    struct fixture *f = *state;

    start_clock(f);
    fake_write32(f->chip, ISR, INIT);
    fake_run(f->chip, VTIME_US(61));
    assert_false(fake_read32(f->chip, ISR) & INITF);
    fake_run(f->chip, VTIME_US(1));
    assert_true(fake_read32(f->chip, ISR) & INITF);
    assert_int_equal(fake_read32(f->chip, ISR) & 3, 0);        /* no alarm may be written meanwhile */
}

static void the_calendar_counts_over_the_end_of_a_leap_years_february_and_a_year(void **state)
{
    struct fixture *f = *state;

    start_clock(f);
    set_calendar(f, 0x240228 | 3U << 13, 0x235958);  /* Wednesday 2024-02-28, 23:59:58 */
    assert_true(fake_read32(f->chip, ISR) & INITS);
    fake_run(f->chip, VTIME_MS(2001));
    assert_int_equal(fake_read32(f->chip, TR), 0);
    assert_int_equal(fake_read32(f->chip, DR), 0x240229 | 4U << 13);
    fake_run(f->chip, VTIME_MS(86400000));
    (void)fake_read32(f->chip, TR);
    assert_int_equal(fake_read32(f->chip, DR), 0x240301 | 5U << 13);
    set_calendar(f, 0x231231 | 7U << 13, 0x235959);
    fake_run(f->chip, VTIME_MS(1001));
    assert_int_equal(fake_read32(f->chip, TR), 0);
    assert_int_equal(fake_read32(f->chip, DR), 0x240101 | 1U << 13);
}

static void sub_seconds_count_down_from_prediv_s(void **state)
{
    struct fixture *f = *state;

    start_clock(f);
    set_calendar(f, 0x240101 | 1U << 13, 0);
    fake_write32(f->chip, CR, BYPSHAD);
    fake_run(f->chip, VTIME_MS(500));
    assert_in_range(fake_read32(f->chip, SSR), 126, 128);
    fake_run(f->chip, VTIME_MS(501));
    assert_in_range(fake_read32(f->chip, SSR), 253, 255);
    assert_int_equal(fake_read32(f->chip, TR), 1);
}

static void reading_the_time_freezes_the_date_until_it_is_read(void **state)
{
    struct fixture *f = *state;

    start_clock(f);
    set_calendar(f, 0x240131 | 3U << 13, 0x235959);
    assert_int_equal(fake_read32(f->chip, TR), 0x235959);
    fake_run(f->chip, VTIME_MS(1001));
    assert_int_equal(fake_read32(f->chip, TR), 0x235959);      /* still, and so for ever, without a read of DR */
    assert_int_equal(fake_read32(f->chip, DR), 0x240131 | 3U << 13);
    assert_int_equal(fake_read32(f->chip, TR), 0);
    assert_int_equal(fake_read32(f->chip, DR), 0x240201 | 4U << 13);
}

static void a_system_reset_takes_the_shadow_but_not_the_time(void **state)
{
    struct fixture *f = *state;

    start_clock(f);
    set_calendar(f, 0x240131 | 3U << 13, 0x123456);
    assert_int_equal(fake_read32(f->chip, TR), 0x123456);
    fixture_reset(f, RESET_SOFTWARE);
    assert_false(fake_read32(f->chip, ISR) & RSF);
    assert_int_equal(fake_read32(f->chip, TR), 0);
    assert_int_equal(fake_read32(f->chip, DR), 0x2101);
    fake_run(f->chip, TICKS(2));
    assert_true(fake_read32(f->chip, ISR) & RSF);
    assert_int_equal(fake_read32(f->chip, TR), 0x123456);
    assert_int_equal(fake_read32(f->chip, DR), 0x240131 | 3U << 13);
}

static void the_calendar_stands_still_while_its_clock_does(void **state)
{
    struct fixture *f = *state;

    fixture_set_dbp(f);
    fake_write32(f->chip, RCC_BDCR, 1U << 15 | 2U << 8);       /* the LSI, which is not on */
    fake_run(f->chip, VTIME_MS(5000));
    unlock(f);
    fake_write32(f->chip, CR, BYPSHAD);
    assert_int_equal(fake_read32(f->chip, TR), 0);
    fake_write32(f->chip, RCC_CSR, 1);
    fake_run(f->chip, VTIME_MS(3100));                  /* 32,000 Hz over the reset prescalers: 1.024 s */
    assert_int_equal(fake_read32(f->chip, TR), 3);
    fake_write32(f->chip, RCC_CSR, 0);
    fake_run(f->chip, VTIME_MS(5000));
    assert_int_equal(fake_read32(f->chip, TR), 3);
}

static void a_clock_that_comes_back_in_initialization_mode_does_not_start_the_calendar(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, RCC_CSR, 1);
    fixture_set_dbp(f);
    fake_write32(f->chip, RCC_BDCR, 1U << 15 | 2U << 8);
    fake_run(f->chip, VTIME_MS(1));
    unlock(f);
    fake_write32(f->chip, CR, BYPSHAD);
    fake_write32(f->chip, ISR, INIT);
    fake_run(f->chip, TICKS(3));
    fake_write32(f->chip, TR, 0x000010);
    fake_write32(f->chip, RCC_CSR, 0);
    fake_run(f->chip, VTIME_MS(1));
    fake_write32(f->chip, RCC_CSR, 1);
    fake_run(f->chip, VTIME_MS(5000));
    assert_int_equal(fake_read32(f->chip, TR), 0x000010);
    fake_write32(f->chip, ISR, 0);
    fake_run(f->chip, VTIME_MS(1100));
    assert_int_equal(fake_read32(f->chip, TR), 0x000011);
}

static void alarms_and_the_wakeup_timer_are_reported_as_not_modelled(void **state)
{
    struct fixture *f = *state;

    unlock(f);
    fake_write32(f->chip, CR, 1U << 8);
    assert_unmodelled(f, 0x08);
    fake_write32(f->chip, RTC + 0x1CU, 1);
    assert_unmodelled(f, 0x1C);
    fake_write32(f->chip, RTC + 0x1CU, 0);
    fake_write32(f->chip, RTC + 0x40U, 0);
    assert_no_errors(f);
    fake_write32(f->chip, RTC + 0x14U, 5);
    assert_unmodelled(f, 0x14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        periph_test(a_backup_register_needs_dbp_but_no_clock_and_no_key),
        periph_test(backup_registers_survive_resets_but_not_bdrst_or_power_off),
        periph_test(the_other_registers_need_both_keys),
        periph_test(without_a_clock_initf_never_comes),
        periph_test(initf_comes_two_rtc_clocks_after_init),
        periph_test(the_calendar_counts_over_the_end_of_a_leap_years_february_and_a_year),
        periph_test(sub_seconds_count_down_from_prediv_s),
        periph_test(reading_the_time_freezes_the_date_until_it_is_read),
        periph_test(a_system_reset_takes_the_shadow_but_not_the_time),
        periph_test(the_calendar_stands_still_while_its_clock_does),
        periph_test(a_clock_that_comes_back_in_initialization_mode_does_not_start_the_calendar),
        periph_test(alarms_and_the_wakeup_timer_are_reported_as_not_modelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
