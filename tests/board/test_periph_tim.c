/* SPDX-License-Identifier: MIT */
/* TIM2-TIM7 as up-counters, and the arithmetic of clock edges that every timed model stands on. */
/* Sources: RM0090 §18.3, §18.4, §20.4, §7.2 */
#include "board/periph/ticks.h"
#include "tests/board/periph_fixture.h"

#define TIM(n) (0x40000000U + 0x400U * ((n) - 2U))
#define CR1(n) TIM(n)
#define CEN 1U
#define UDIS 2U
#define URS 4U
#define OPM 8U
#define ARPE 0x80U
#define DIER(n) (TIM(n) + 0x0CU)
#define SR(n) (TIM(n) + 0x10U)
#define EGR(n) (TIM(n) + 0x14U)
#define CNT(n) (TIM(n) + 0x24U)
#define PSC(n) (TIM(n) + 0x28U)
#define ARR(n) (TIM(n) + 0x2CU)
#define RCC_CFGR 0x40023808U

static void a_tick_time_holds_exactly_that_many_ticks(void **state)
{
    static const uint32_t rates[] = { 1, 3, 17000, 32768, 16000000, 41999999, 84000000, 168000000 };
    static const uint64_t counts[] = { 0, 1, 2, 4095, 65536, 999999, 4294967296 };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            vtime t = ticks_time(counts[k], rates[i]);

            if (t == VTIME_NEVER)       /* 2^32 periods of a clock of 1 or 3 Hz */
                continue;
            assert_true(ticks_in(t, rates[i]) == counts[k]);
            if (t != 0)
                assert_true(ticks_in(t - 1, rates[i]) == counts[k] - 1);
        }
    assert_true(ticks_time(1, 0) == VTIME_NEVER);
    assert_true(ticks_time(UINT64_MAX, 1000000) == VTIME_NEVER);
    assert_true(ticks_time(32000, 32000) == VTIME_MS(1000));
}

/* Loads the prescaler by UG without raising UIF. */
static void set_up(struct fixture *f, unsigned n, uint32_t psc, uint32_t arr)
{
    fake_write32(f->chip, CR1(n), URS);
    fake_write32(f->chip, PSC(n), psc);
    fake_write32(f->chip, ARR(n), arr);
    fake_write32(f->chip, EGR(n), 1);
    fake_write32(f->chip, CR1(n), CEN | URS);
}

static void every_timer_counts_up_to_its_reload_and_raises_its_interrupt(void **state)
{
    static const unsigned irq[] = { 28, 29, 30, 50, 54, 55 };
    struct fixture *f = *state;

    for (unsigned n = 2; n <= 7; n++) {
        fake_write32(f->chip, DIER(n), 1);
        set_up(f, n, 15, 999);                          /* 1 MHz, 1 ms */
        fake_run(f->chip, VTIME_US(999));
        assert_int_equal(fake_read32(f->chip, CNT(n)), 999);
        assert_int_equal(fake_read32(f->chip, SR(n)), 0);
        assert_false(f->chip->irq_level[irq[n - 2]]);
        fake_run(f->chip, VTIME_US(1));
        assert_int_equal(fake_read32(f->chip, CNT(n)), 0);
        assert_int_equal(fake_read32(f->chip, SR(n)), 1);
        assert_true(f->chip->irq_level[irq[n - 2]]);
        fake_write32(f->chip, SR(n), 0);
        assert_false(f->chip->irq_level[irq[n - 2]]);
        fake_write32(f->chip, CR1(n), 0);
        fake_run(f->chip, VTIME_MS(10));
        assert_int_equal(fake_read32(f->chip, CNT(n)), 0);
    }
    assert_no_errors(f);
}

static void the_prescaler_waits_for_the_next_update(void **state)
{
    struct fixture *f = *state;

    set_up(f, 3, 0, 15999);
    fake_write32(f->chip, PSC(3), 15);
    fake_run(f->chip, VTIME_US(100));
    assert_int_equal(fake_read32(f->chip, CNT(3)), 1600);
    fake_run(f->chip, VTIME_US(900));                   /* the update */
    fake_run(f->chip, VTIME_US(100));
    assert_int_equal(fake_read32(f->chip, CNT(3)), 100);
}

static void the_reload_is_immediate_unless_it_is_preloaded(void **state)
{
    struct fixture *f = *state;

    set_up(f, 3, 15, 999);
    fake_write32(f->chip, ARR(3), 499);
    fake_run(f->chip, VTIME_US(500));
    assert_int_equal(fake_read32(f->chip, SR(3)), 1);
    fake_write32(f->chip, SR(3), 0);
    fake_write32(f->chip, CR1(3), CEN | ARPE);
    fake_write32(f->chip, ARR(3), 99);
    fake_run(f->chip, VTIME_US(499));
    assert_int_equal(fake_read32(f->chip, SR(3)), 0);
    fake_run(f->chip, VTIME_US(1));
    assert_int_equal(fake_read32(f->chip, SR(3)), 1);
    fake_write32(f->chip, SR(3), 0);
    fake_run(f->chip, VTIME_US(100));
    assert_int_equal(fake_read32(f->chip, SR(3)), 1);
}

static void a_counter_beyond_its_reload_runs_all_the_way_round(void **state)
{
    struct fixture *f = *state;

    set_up(f, 3, 15, 999);
    fake_write32(f->chip, CNT(3), 1000);
    fake_run(f->chip, VTIME_US(65536 - 1000));
    assert_int_equal(fake_read32(f->chip, CNT(3)), 0);
    assert_int_equal(fake_read32(f->chip, SR(3)), 0);
    fake_run(f->chip, VTIME_US(1000));
    assert_int_equal(fake_read32(f->chip, SR(3)), 1);
}

static void tim2_counts_in_32_bits_and_tim3_in_16(void **state)
{
    struct fixture *f = *state;

    set_up(f, 2, 0, 0xFFFFFFFF);
    set_up(f, 3, 0, 0xFFFFFFFF);
    assert_int_equal(fake_read32(f->chip, ARR(3)), 0xFFFF);
    fake_run(f->chip, VTIME_MS(10));
    assert_int_equal(fake_read32(f->chip, CNT(2)), 160000);
    assert_int_equal(fake_read32(f->chip, CNT(3)), 160000 & 0xFFFF);
}

static void one_pulse_mode_stops_at_the_update(void **state)
{
    struct fixture *f = *state;

    set_up(f, 6, 15, 99);
    fake_write32(f->chip, CR1(6), CEN | OPM);
    fake_run(f->chip, VTIME_MS(1));
    assert_int_equal(fake_read32(f->chip, CR1(6)), OPM);
    assert_int_equal(fake_read32(f->chip, CNT(6)), 0);
    assert_int_equal(fake_read32(f->chip, SR(6)), 1);
}

static void udis_and_urs_keep_uif_down(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, EGR(4), 1);
    assert_int_equal(fake_read32(f->chip, SR(4)), 1);
    fake_write32(f->chip, SR(4), 0);
    fake_write32(f->chip, CR1(4), URS);
    fake_write32(f->chip, EGR(4), 1);
    assert_int_equal(fake_read32(f->chip, SR(4)), 0);
    set_up(f, 4, 15, 99);
    fake_write32(f->chip, CR1(4), CEN | UDIS);
    fake_run(f->chip, VTIME_MS(1));
    assert_int_equal(fake_read32(f->chip, SR(4)), 0);
}

static void the_timer_clock_is_twice_a_divided_pclk1_and_follows_it(void **state)
{
    struct fixture *f = *state;

    set_up(f, 5, 0, 0xFFFFFFFF);
    fake_run(f->chip, VTIME_MS(1));
    fake_write32(f->chip, RCC_CFGR, 4U << 10);          /* PCLK1 8 MHz, timers 16 MHz */
    fake_run(f->chip, VTIME_MS(1));
    assert_int_equal(fake_read32(f->chip, CNT(5)), 32000);
    fake_write32(f->chip, RCC_CFGR, 5U << 10);          /* 4 MHz, timers 8 MHz */
    fake_run(f->chip, VTIME_MS(1));
    assert_int_equal(fake_read32(f->chip, CNT(5)), 40000);
}

static void channels_and_other_modes_are_reported_but_zeros_are_not(void **state)
{
    struct fixture *f = *state;

    fake_write32(f->chip, TIM(2) + 0x04, 0);            /* CR2, SMCR as libraries clear them */
    fake_write32(f->chip, TIM(2) + 0x08, 0);
    assert_no_errors(f);
    fake_write32(f->chip, TIM(2) + 0x34, 5);            /* CCR1 */
    assert_unmodelled(f, 0x34);
    fake_write32(f->chip, CR1(2), 1U << 4);             /* DIR: down */
    assert_unmodelled(f, 0);
    fake_write32(f->chip, DIER(2), 2);                  /* CC1IE */
    assert_unmodelled(f, 0x0C);
    assert_int_equal(fake_read32(f->chip, TIM(2) + 0x18), 0);
    assert_unmodelled(f, 0x18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_time_holds_exactly_that_many_ticks),
        periph_test(every_timer_counts_up_to_its_reload_and_raises_its_interrupt),
        periph_test(the_prescaler_waits_for_the_next_update),
        periph_test(the_reload_is_immediate_unless_it_is_preloaded),
        periph_test(a_counter_beyond_its_reload_runs_all_the_way_round),
        periph_test(tim2_counts_in_32_bits_and_tim3_in_16),
        periph_test(one_pulse_mode_stops_at_the_update),
        periph_test(udis_and_urs_keep_uif_down),
        periph_test(the_timer_clock_is_twice_a_divided_pclk1_and_follows_it),
        periph_test(channels_and_other_modes_are_reported_but_zeros_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
