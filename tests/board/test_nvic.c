/* SPDX-License-Identifier: MIT */
/* The exception model alone: who preempts whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/nvic.h"

#define TEST(name) static void name(void **state)
#define IRQ(n) (EXC_IRQ0 + (n))

static const struct exc_masks open;

static struct nvic fresh(void)
{
    struct nvic n = { .prigroup = 0 };

    nvic_reset(&n);
    for (unsigned i = 0; i < 4; i++) {
        nvic_enable(&n, IRQ(i), true);
        nvic_set_priority(&n, IRQ(i), (uint8_t)(0x40 + 0x10 * i));
    }
    return n;
}

TEST(a_disabled_interrupt_stays_pending)
{
    struct nvic n = fresh();

    (void)state;
    nvic_pend(&n, IRQ(10), true);
    assert_int_equal(nvic_next(&n, &open), EXC_NONE);
    nvic_enable(&n, IRQ(10), true);
    assert_int_equal(nvic_next(&n, &open), IRQ(10));
}

TEST(the_lower_number_wins_among_equal_priorities)
{
    struct nvic n = fresh();

    (void)state;
    nvic_set_priority(&n, IRQ(1), 0x40);
    nvic_pend(&n, IRQ(1), true);
    nvic_pend(&n, IRQ(0), true);
    assert_int_equal(nvic_next(&n, &open), IRQ(0));
}

TEST(only_a_higher_priority_preempts)
{
    struct nvic n = fresh();

    (void)state;
    nvic_pend(&n, IRQ(2), true);
    nvic_activate(&n, IRQ(2));
    nvic_pend(&n, IRQ(3), true);
    assert_int_equal(nvic_next(&n, &open), EXC_NONE);
    nvic_pend(&n, IRQ(1), true);
    assert_int_equal(nvic_next(&n, &open), IRQ(1));
    nvic_deactivate(&n, IRQ(2));
    nvic_pend(&n, IRQ(1), false);
    assert_int_equal(nvic_next(&n, &open), IRQ(3));
}

TEST(subpriority_orders_but_does_not_preempt)
{
    struct nvic n = fresh();

    (void)state;
    nvic_set_prigroup(&n, 5);           /* bits 7:6 are the group */
    nvic_set_priority(&n, IRQ(0), 0x50);
    nvic_set_priority(&n, IRQ(1), 0x40);
    nvic_pend(&n, IRQ(0), true);
    nvic_pend(&n, IRQ(1), true);
    assert_int_equal(nvic_next(&n, &open), IRQ(1));
    nvic_activate(&n, IRQ(0));
    assert_int_equal(nvic_next(&n, &open), EXC_NONE);
}

TEST(the_masks_hold_back_what_they_should)
{
    struct nvic n = fresh();
    struct exc_masks primask = { .primask = true }, faultmask = { .faultmask = true }, basepri = { .basepri = 0x50 };

    (void)state;
    nvic_pend(&n, IRQ(1), true);        /* priority 0x50 */
    assert_int_equal(nvic_next(&n, &primask), EXC_NONE);
    assert_int_equal(nvic_next(&n, &basepri), EXC_NONE);
    nvic_pend(&n, IRQ(0), true);        /* priority 0x40 */
    assert_int_equal(nvic_next(&n, &basepri), IRQ(0));
    nvic_pend(&n, EXC_HARDFAULT, true);
    assert_int_equal(nvic_next(&n, &primask), EXC_HARDFAULT);
    assert_int_equal(nvic_next(&n, &faultmask), EXC_NONE);
    nvic_pend(&n, EXC_NMI, true);
    assert_int_equal(nvic_next(&n, &faultmask), EXC_NMI);
}

TEST(primask_does_not_keep_an_interrupt_from_ending_a_sleep)
{
    struct nvic n = fresh();
    struct exc_masks primask = { .primask = true }, basepri = { .primask = true, .basepri = 0x10 };

    (void)state;
    nvic_pend(&n, IRQ(0), true);
    assert_true(nvic_wakes(&n, &primask));
    assert_false(nvic_wakes(&n, &basepri));
}

TEST(a_line_that_stays_high_pends_again_when_its_handler_returns)
{
    struct nvic n = fresh();

    (void)state;
    nvic_line(&n, 0, true);
    nvic_activate(&n, IRQ(0));
    assert_int_equal(nvic_next(&n, &open), EXC_NONE);
    nvic_deactivate(&n, IRQ(0));
    assert_int_equal(nvic_next(&n, &open), IRQ(0));
    nvic_activate(&n, IRQ(0));
    nvic_line(&n, 0, false);
    nvic_deactivate(&n, IRQ(0));
    assert_int_equal(nvic_next(&n, &open), EXC_NONE);
}

TEST(a_line_that_falls_before_it_is_served_stays_pending)
{
    struct nvic n = fresh();

    (void)state;
    nvic_line(&n, 0, true);
    nvic_line(&n, 0, false);
    assert_int_equal(nvic_next(&n, &open), IRQ(0));
}

TEST(registers_set_and_clear_by_bit_and_priorities_have_four_bits)
{
    struct nvic n = fresh();
    uint32_t v;

    (void)state;
    assert_true(nvic_write(&n, 0x108, 1U << 3, UINT32_MAX));    /* ISER2: line 67, OTG_FS */
    assert_true(nvic_read(&n, 0x188, &v));
    assert_int_equal(v, 1U << 3);
    assert_true(nvic_write(&n, 0x188, 1U << 3, UINT32_MAX));
    assert_true(nvic_read(&n, 0x108, &v));
    assert_int_equal(v, 0);
    assert_true(nvic_write(&n, 0x440, 0xFF000000U, 0xFF000000U));
    assert_true(nvic_read(&n, 0x440, &v));
    assert_int_equal(v, 0xF0000000U);
    assert_true(nvic_write(&n, 0x10C, UINT32_MAX, UINT32_MAX)); /* no such lines */
    assert_true(nvic_read(&n, 0x10C, &v));
    assert_int_equal(v, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disabled_interrupt_stays_pending),
        cmocka_unit_test(the_lower_number_wins_among_equal_priorities),
        cmocka_unit_test(only_a_higher_priority_preempts),
        cmocka_unit_test(subpriority_orders_but_does_not_preempt),
        cmocka_unit_test(the_masks_hold_back_what_they_should),
        cmocka_unit_test(primask_does_not_keep_an_interrupt_from_ending_a_sleep),
        cmocka_unit_test(a_line_that_stays_high_pends_again_when_its_handler_returns),
        cmocka_unit_test(a_line_that_falls_before_it_is_served_stays_pending),
        cmocka_unit_test(registers_set_and_clear_by_bit_and_priorities_have_four_bits),
    };

    return cmocka_run_group_tests_name("nvic", tests, NULL, NULL);
}
