/* SPDX-License-Identifier: MIT */
/* Time on a running CPU: cycles, SysTick, sleep, skipped wait loops, clocks, resets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "board/load.h"
#include "guest_cases.h"
#include "run_guest.h"

#define TEST(name) static void name(void **state)

static uint32_t cpu_case(struct guest *g, const uint32_t *args, unsigned count)
{
    return guest_run(g, "cpu", args, count);
}

static uint32_t unskipped(struct guest *g, const uint32_t *args, unsigned count)
{
    struct chip_options o = guest_options();

    o.no_skip = true;
    guest_start(g, "cpu", &o, args, count);
    return guest_finish(g);
}

TEST(a_loop_of_two_instructions_in_sram_takes_four_cycles)
{
    struct guest g;

    (void)state;
    assert_in_range(cpu_case(&g, ARGS(CASE_COUNT)), 4000000 - 8, 4000000 + 8);
    guest_end(&g);
}

TEST(systick_interrupts_come_every_reload_plus_one_cycles)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(&g, ARGS(CASE_SYSTICK)), 101);
    assert_in_range(g.words[OUT_A], 1600000 - 8, 1600000 + 8);  /* from the first to the 101st, but for the block under way */
    guest_end(&g);
}

TEST(the_cycle_counter_stands_still_in_sleep_and_time_does_not)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(&g, ARGS(CASE_WFI)), 100);
    assert_in_range(chip_now(g.chip), VTIME_MS(100), VTIME_MS(101));
    assert_true(g.words[OUT_A] < 100 * 60);
    guest_end(&g);
}

TEST(a_masked_interrupt_ends_a_sleep_and_runs_when_it_is_unmasked)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(&g, ARGS(CASE_PRIMASK_WFI)), 1);
    assert_int_equal(g.words[OUT_A], 0);
    guest_end(&g);
}

TEST(skipping_a_poll_loop_changes_no_cycle)
{
    static const uint32_t cases[] = { CASE_POLL, CASE_RAM_POLL };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct guest quick, slow;
        uint32_t args[] = { cases[i], 0 };
        uint32_t a = cpu_case(&quick, args, 2), b = unskipped(&slow, args, 2);

        assert_int_equal(a, b);
        assert_int_equal(quick.words[OUT_A], slow.words[OUT_A]);
        assert_int_equal(chip_cycles(quick.chip), chip_cycles(slow.chip));
        guest_end(&quick);
        guest_end(&slow);
    }
}

TEST(a_poll_loop_that_counts_its_passes_counts_them_all)
{
    struct guest quick, slow;

    (void)state;
    assert_int_equal(cpu_case(&quick, ARGS(CASE_POLL, 1)), unskipped(&slow, ARGS(CASE_POLL, 1)));
    assert_int_equal(chip_cycles(quick.chip), chip_cycles(slow.chip));
    guest_end(&quick);
    guest_end(&slow);
}

TEST(loops_on_the_cycle_counter_are_skipped_to_the_cycle)
{
    static const uint32_t cases[] = { CASE_TIMED_POLL, CASE_TIMED_COUNT, CASE_TIMED_WORK, CASE_TIMED_TICKS };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guest quick, slow;
        uint32_t args[] = { cases[i] };

        assert_int_equal(cpu_case(&quick, args, 1), unskipped(&slow, args, 1));
        assert_int_equal(quick.words[OUT_A], slow.words[OUT_A]);
        assert_int_equal(chip_cycles(quick.chip), chip_cycles(slow.chip));
        guest_end(&quick);
        guest_end(&slow);
    }
}

TEST(the_pll_makes_the_same_cycles_shorter)
{
    struct guest g;
    vtime took;

    (void)state;
    assert_in_range(cpu_case(&g, ARGS(CASE_PLL)), 4000000 - 8, 4000000 + 8);
    took = chip_now(g.chip);            /* 2 ms of crystal, some of PLL, 23.8 ms of counting */
    assert_in_range(took, VTIME_US(25800), VTIME_US(26800));
    assert_int_equal(chip_error_count(g.chip), 0);
    guest_end(&g);
}

TEST(a_software_reset_sets_its_flags_resets_clock_gates_and_keeps_sram)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(&g, ARGS(CASE_SOFT_RESET)), 0x1E000000);
    assert_int_equal(g.words[1], 2);
    assert_int_equal(g.words[OUT_A], 0x00100000);
    guest_end(&g);
}

TEST(bit_band_aliases_reach_single_bits_of_sram_and_registers)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(&g, ARGS(CASE_BITBAND)), 0x120);
    assert_int_equal(g.words[OUT_A], 1);
    assert_int_equal(g.words[OUT_B], 1);
    guest_end(&g);
}

TEST(an_unmodelled_register_is_named_with_its_address_and_section)
{
    struct guest g;

    (void)state;
    (void)cpu_case(&g, ARGS(CASE_UNMODELLED));
    assert_non_null(strstr(chip_last_error(g.chip), "0x40012008"));
    assert_non_null(strstr(chip_last_error(g.chip), "RM0090"));
    guest_end(&g);
}

TEST(backup_sram_needs_its_clock_and_the_write_protection_lifted)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(&g, ARGS(CASE_BACKUP_SRAM)), 0x33333333);
    assert_int_equal(g.words[OUT_A], 0);
    assert_int_equal(g.words[OUT_B], 0);
    assert_non_null(strstr(chip_last_error(g.chip), "without its clock"));
    guest_end(&g);
}

TEST(the_cycle_counter_needs_trcena)
{
    struct guest g;

    (void)state;
    assert_int_equal(cpu_case(&g, ARGS(CASE_NO_TRACE)), 0);
    guest_end(&g);
}

TEST(a_new_image_in_a_chip_that_has_run_is_what_runs)
{
    struct guest g;
    struct load_result r;

    (void)state;
    (void)cpu_case(&g, ARGS(CASE_NEST));
    assert_true(load_image(g.chip, GUEST_DIR "/fault.elf", &r));
    chip_power_cycle(g.chip);
    guest_put_args(&g, ARGS(1));                /* UDF */
    assert_int_equal(guest_finish(&g), 3);      /* HardFault, and no interrupt trail */
    assert_int_equal(g.words[16], 0x10000);
    guest_end(&g);
}

TEST(the_same_input_takes_the_same_cycles_and_another_seed_changes_the_ram)
{
    struct chip_options o = guest_options();
    struct guest a, b, c;
    uint64_t first;

    (void)state;
    guest_start(&a, "cpu", &o, ARGS(CASE_NEST));
    guest_start(&b, "cpu", &o, ARGS(CASE_NEST));
    o.seed = 2;
    guest_start(&c, "cpu", &o, ARGS(CASE_NEST));
    assert_memory_equal(chip_ram(a.chip, 0x20000000, 4096), chip_ram(b.chip, 0x20000000, 4096), 4096);
    assert_memory_not_equal(chip_ram(a.chip, 0x20000000, 4096), chip_ram(c.chip, 0x20000000, 4096), 4096);
    (void)guest_finish(&a);
    (void)guest_finish(&b);
    first = chip_cycles(a.chip);
    assert_int_equal(first, chip_cycles(b.chip));
    guest_end(&a);
    guest_end(&b);
    guest_end(&c);
}

TEST(running_in_small_steps_changes_no_cycle)
{
    struct chip_options o = guest_options();
    struct guest whole, steps;

    (void)state;
    guest_start(&whole, "cpu", &o, ARGS(CASE_SYSTICK));
    guest_start(&steps, "cpu", &o, ARGS(CASE_SYSTICK));
    (void)guest_finish(&whole);
    while (chip_run_for(steps.chip, VTIME_US(37)) == CHIP_RUNS)
        continue;
    assert_int_equal(chip_cycles(whole.chip), chip_cycles(steps.chip));
    guest_end(&whole);
    guest_end(&steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_of_two_instructions_in_sram_takes_four_cycles),
        cmocka_unit_test(systick_interrupts_come_every_reload_plus_one_cycles),
        cmocka_unit_test(the_cycle_counter_stands_still_in_sleep_and_time_does_not),
        cmocka_unit_test(a_masked_interrupt_ends_a_sleep_and_runs_when_it_is_unmasked),
        cmocka_unit_test(skipping_a_poll_loop_changes_no_cycle),
        cmocka_unit_test(a_poll_loop_that_counts_its_passes_counts_them_all),
        cmocka_unit_test(loops_on_the_cycle_counter_are_skipped_to_the_cycle),
        cmocka_unit_test(the_pll_makes_the_same_cycles_shorter),
        cmocka_unit_test(a_software_reset_sets_its_flags_resets_clock_gates_and_keeps_sram),
        cmocka_unit_test(bit_band_aliases_reach_single_bits_of_sram_and_registers),
        cmocka_unit_test(an_unmodelled_register_is_named_with_its_address_and_section),
        cmocka_unit_test(backup_sram_needs_its_clock_and_the_write_protection_lifted),
        cmocka_unit_test(the_cycle_counter_needs_trcena),
        cmocka_unit_test(a_new_image_in_a_chip_that_has_run_is_what_runs),
        cmocka_unit_test(the_same_input_takes_the_same_cycles_and_another_seed_changes_the_ram),
        cmocka_unit_test(running_in_small_steps_changes_no_cycle),
    };

    return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
