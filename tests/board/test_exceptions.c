/* SPDX-License-Identifier: MIT */
/* Interrupts on a running CPU. The trail has a nibble for each thing in the order in which it happened: 1 and 2 are the
 * beginning and the end of irq0, 3 is irq1, 4 irq2, 5 SVCall, 6 PendSV, E and F thread mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "guest_cases.h"
#include "run_guest.h"

#define TEST(name) static void name(void **state)

static uint32_t cpu_case(uint32_t which, struct guest *g)
{
    return guest_run(g, "cpu", &which, 1);
}

static void assert_trail(uint32_t which, uint32_t trail)
{
    struct guest g;

    assert_int_equal(cpu_case(which, &g), trail);
    assert_int_equal(chip_error_count(g.chip), 0);
    guest_end(&g);
}

TEST(a_more_urgent_interrupt_nests)
{
    (void)state;
    assert_trail(CASE_NEST, 0x132F);
}

TEST(an_equally_urgent_interrupt_waits_and_is_tail_chained)
{
    (void)state;
    assert_trail(CASE_SAME_PRIORITY, 0x123F);
}

TEST(pending_interrupts_run_by_priority_then_by_number)
{
    (void)state;
    assert_trail(CASE_ORDER, 0x3124);
}

TEST(basepri_holds_back_the_less_urgent)
{
    (void)state;
    assert_trail(CASE_BASEPRI, 0x3E12F);
}

TEST(faultmask_holds_back_every_interrupt)
{
    (void)state;
    assert_trail(CASE_FAULTMASK, 0xE12);
}

TEST(a_subpriority_does_not_nest)
{
    (void)state;
    assert_trail(CASE_SUBPRIORITY, 0x123F);
}

TEST(a_tail_chained_handler_starts_sooner_than_an_entered_one)
{
    struct guest g;
    uint32_t gap = cpu_case(CASE_TAIL_CHAIN, &g);

    (void)state;
    assert_in_range(gap, 6, 21);        /* a return and an entry would be 22 and more */
    guest_end(&g);
}

TEST(svc_from_the_process_stack_runs_pendsv_behind_it_and_comes_back)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(CASE_PSP, &g), 0x56);
    assert_int_equal(g.words[OUT_A], 0xFFFFFFFDU);
    assert_int_equal(g.words[OUT_B], 1);
    guest_end(&g);
}

TEST(a_misaligned_stack_is_padded_and_restored)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(CASE_ALIGN, &g), 0x56);
    assert_int_equal(g.words[OUT_A], 0xFFFFFFF9U);
    assert_int_equal(g.words[OUT_B], 1);
    guest_end(&g);
}

TEST(floating_point_registers_survive_nested_handlers)
{
    struct guest g;

    (void)state;
    (void)guest_run(&g, "fpu", ARGS(0));
    assert_int_equal(g.words[16], 100);
    assert_int_equal(g.words[17], 1);
    guest_end(&g);
}

TEST(sleep_on_exit_never_returns_to_thread_mode)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    guest_start(&g, "cpu", &o, ARGS(CASE_SLEEP_ON_EXIT));
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(100)), CHIP_RUNS);
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_more_urgent_interrupt_nests),
        cmocka_unit_test(an_equally_urgent_interrupt_waits_and_is_tail_chained),
        cmocka_unit_test(pending_interrupts_run_by_priority_then_by_number),
        cmocka_unit_test(basepri_holds_back_the_less_urgent),
        cmocka_unit_test(faultmask_holds_back_every_interrupt),
        cmocka_unit_test(a_subpriority_does_not_nest),
        cmocka_unit_test(a_tail_chained_handler_starts_sooner_than_an_entered_one),
        cmocka_unit_test(svc_from_the_process_stack_runs_pendsv_behind_it_and_comes_back),
        cmocka_unit_test(a_misaligned_stack_is_padded_and_restored),
        cmocka_unit_test(floating_point_registers_survive_nested_handlers),
        cmocka_unit_test(sleep_on_exit_never_returns_to_thread_mode),
    };

    return cmocka_run_group_tests_name("exceptions", tests, NULL, NULL);
}
