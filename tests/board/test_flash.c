/* SPDX-License-Identifier: MIT */
/* The flash as a program in SRAM meets it: times, errors, stalls, caches, options. */
/* Sources: RM0090 §3; DS8626 tables 39-42 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "run_guest.h"

#define TEST(name) static void name(void **state)

/* tests/board/guest/flash.c */
enum { CASE_PROGRAM, CASE_ERASE, CASE_CR_STALL, CASE_LOAD_STALL, CASE_FETCH_STALL, CASE_DCACHE, CASE_WRONG_KEY, CASE_NO_PG,
       CASE_IRQ, CASE_OPTIONS, CASE_MANY, CASE_STALE_DATA, CASE_BUSY_VECTOR, CASE_MASS, CASE_STALE_CODE,
       CASE_OPTIONS_LOCKED, CASE_WRONG_OPTKEY };
enum { OUT_SR = 16, OUT_CYCLES, OUT_A, OUT_B };
enum { SR_WRPERR = 1 << 4, SR_PGPERR = 1 << 6, SR_PGSERR = 1 << 7 };

#define FREE_WORD 0x08010000U
#define HSI_MHZ 16U
#define POLL_CYCLES 64U                 /* what the program itself may add to an operation's time */

static uint32_t run(struct guest *g, const struct chip_options *o, const uint32_t *args, unsigned count)
{
    guest_start(g, "flash", o, args, count);
    return guest_finish(g);
}

static void assert_took_us(const struct guest *g, uint64_t us)
{
    uint64_t cycles = g->words[OUT_CYCLES];

    if (cycles < us * HSI_MHZ || cycles > us * HSI_MHZ + POLL_CYCLES)
        fail_msg("%llu cycles, expected %llu us", (unsigned long long)cycles, (unsigned long long)us);
}

TEST(a_word_is_programmed_in_the_typical_time_at_every_width)
{
    static const struct { uint32_t width, psize, want; } rows[] = {
        { 1, 0, 0xFFFFFF78 }, { 2, 1, 0xFFFF5678 }, { 4, 2, 0x12345678 },
    };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct guest g;

        assert_int_equal(guest_run(&g, "flash", ARGS(CASE_PROGRAM, FREE_WORD, 0x12345678, rows[i].width, rows[i].psize)),
                         rows[i].want);
        assert_int_equal(g.words[OUT_SR], 0);
        assert_took_us(&g, 16);
        guest_end(&g);
    }
}

TEST(the_maximum_and_the_fast_timing_are_what_they_say)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    o.timing = FLASH_MAX;
    (void)run(&g, &o, ARGS(CASE_PROGRAM, FREE_WORD, 0, 4, 2));
    assert_took_us(&g, 100);
    guest_end(&g);
    (void)run(&g, &o, ARGS(CASE_ERASE, 5, 2));
    assert_took_us(&g, 2000000);
    guest_end(&g);
    o.timing = FLASH_FAST;
    (void)run(&g, &o, ARGS(CASE_ERASE, 5, 2));
    assert_took_us(&g, 100);
    guest_end(&g);
}

TEST(each_sector_size_takes_its_time_by_parallelism)
{
    static const struct { uint32_t sector, psize, ms; } rows[] = {
        { 1, 0, 400 }, { 1, 1, 300 }, { 1, 2, 250 }, { 4, 0, 1200 }, { 4, 1, 700 }, { 4, 2, 550 },
        { 7, 0, 2000 }, { 7, 1, 1300 }, { 7, 2, 1000 },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct guest g;

        assert_int_equal(guest_run(&g, "flash", ARGS(CASE_ERASE, rows[i].sector, rows[i].psize)) & 1U << 16, 0);
        assert_took_us(&g, rows[i].ms * 1000);
        assert_int_equal(flash_totals(chip_flash(g.chip)).erases, 1);
        guest_end(&g);
    }
}

TEST(an_erase_leaves_ones_in_its_sector_and_the_neighbours_alone)
{
    struct chip_options o = guest_options();
    struct guest g;
    uint8_t *cells;

    (void)state;
    guest_start(&g, "flash", &o, ARGS(CASE_ERASE, 4, 2));
    cells = flash_cells(chip_flash(g.chip));
    memset(cells + 0xC000, 0x5A, 0x24000 - 0xC000);
    flash_probe_sync(chip_flash(g.chip));
    (void)guest_finish(&g);
    assert_int_equal(cells[0xFFFF], 0x5A);
    for (uint32_t i = 0x10000; i < 0x20000; i++)
        assert_int_equal(cells[i], 0xFF);
    assert_int_equal(cells[0x20000], 0x5A);
    guest_end(&g);
}

TEST(programming_without_an_erase_ands)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    guest_start(&g, "flash", &o, ARGS(CASE_PROGRAM, FREE_WORD, 0x0FF0F00F, 4, 2));
    memcpy(flash_cells(chip_flash(g.chip)) + 0x10000, "\x78\x56\x34\x12", 4);
    flash_probe_sync(chip_flash(g.chip));
    assert_int_equal(guest_finish(&g), 0x12345678 & 0x0FF0F00F);
    assert_int_equal(g.words[OUT_SR], 0);
    guest_end(&g);
}

TEST(a_store_whose_width_is_not_psize_sets_pgperr)
{
    static const struct { uint32_t width, psize; } rows[] = { { 1, 2 }, { 2, 2 }, { 4, 0 }, { 2, 0 }, { 4, 1 } };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct guest g;

        assert_int_equal(guest_run(&g, "flash", ARGS(CASE_PROGRAM, FREE_WORD, 0, rows[i].width, rows[i].psize)), UINT32_MAX);
        assert_int_equal(g.words[OUT_SR], SR_PGPERR);
        assert_int_equal(flash_totals(chip_flash(g.chip)).words, 0);
        guest_end(&g);
    }
}

TEST(an_unaligned_store_sets_pgperr)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_PROGRAM, FREE_WORD + 2, 0, 4, 2)), UINT32_MAX);
    assert_int_equal(g.words[OUT_SR], SR_PGPERR);
    guest_end(&g);
}

TEST(a_store_without_pg_sets_both_sequence_and_parallelism_errors)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_NO_PG, 0x200)), UINT32_MAX);
    assert_int_equal(g.words[OUT_SR], SR_PGSERR | SR_PGPERR);
    assert_int_equal(g.words[OUT_A], 0x80000000U);      /* CR ignored what came while it was locked */
    assert_int_equal(g.words[OUT_B], 0);                /* the flags went when ones were written to them */
    guest_end(&g);
}

TEST(sectors_that_do_not_exist_and_system_memory_set_wrperr)
{
    struct guest g;

    (void)state;
    (void)guest_run(&g, "flash", ARGS(CASE_ERASE, 8, 2));       /* a 512 KB part ends with sector 7 */
    assert_int_equal(g.words[OUT_SR], SR_WRPERR);
    guest_end(&g);
    (void)guest_run(&g, "flash", ARGS(CASE_PROGRAM, 0x1FFF0000, 0, 4, 2));
    assert_int_equal(g.words[OUT_SR], SR_WRPERR);
    guest_end(&g);
}

TEST(the_larger_part_has_twelve_sectors)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    o.vg = true;
    (void)run(&g, &o, ARGS(CASE_ERASE, 11, 2));
    assert_int_equal(g.words[OUT_SR], 0);
    assert_took_us(&g, 1000000);
    guest_end(&g);
}

TEST(a_mass_erase_takes_eight_seconds_and_everything)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    guest_start(&g, "flash", &o, ARGS(CASE_MASS));
    memset(flash_cells(chip_flash(g.chip)) + 0x60000, 0, 4);
    flash_probe_sync(chip_flash(g.chip));
    assert_int_equal(guest_finish(&g), UINT32_MAX);
    assert_true(chip_now(g.chip) >= VTIME_MS(8000) && chip_now(g.chip) < VTIME_MS(8001));
    assert_int_equal(flash_cells(chip_flash(g.chip))[0], 0xFF);
    guest_end(&g);
}

TEST(a_mass_erase_refuses_while_any_sector_is_protected)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    guest_start(&g, "flash", &o, ARGS(CASE_MASS));
    flash_set_options(chip_flash(g.chip), 0x007FAAEC);
    (void)guest_finish(&g);
    assert_int_equal(g.words[OUT_SR], SR_WRPERR);
    guest_end(&g);
}

TEST(otp_programs_once_and_a_locked_block_refuses)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_PROGRAM, 0x1FFF7820, 0x600DF00D, 4, 2)), 0x600DF00D);
    chip_power_cycle(g.chip);
    guest_put_args(&g, ARGS(CASE_PROGRAM, 0x1FFF7A01, 0, 1, 0));        /* lock byte of block 1 */
    assert_int_equal(guest_finish(&g), 0xFFFF00FF);
    chip_power_cycle(g.chip);
    guest_put_args(&g, ARGS(CASE_PROGRAM, 0x1FFF7820, 0, 4, 2));
    assert_int_equal(guest_finish(&g), 0x600DF00D);
    assert_int_equal(g.words[OUT_SR], SR_WRPERR);
    guest_end(&g);
}

TEST(a_wrong_key_is_a_bus_fault_and_locks_until_the_next_reset)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_WRONG_KEY)), 0xBAD00003U);        /* HardFault */
    guest_end(&g);
}

TEST(a_control_write_a_load_and_a_fetch_wait_for_the_end_of_an_erase)
{
    static const uint32_t cases[] = { CASE_CR_STALL, CASE_LOAD_STALL, CASE_FETCH_STALL };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct guest g;
        uint32_t cycles = guest_run(&g, "flash", (const uint32_t[]){ cases[i] }, 1);

        assert_in_range(cycles, 250000 * HSI_MHZ, 250000 * HSI_MHZ + POLL_CYCLES);
        assert_true(g.words[OUT_A] < POLL_CYCLES);      /* and the instruction before did not */
        guest_end(&g);
    }
}

TEST(vectors_and_handlers_in_sram_run_during_an_erase)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_BUSY_VECTOR)), 250);
    guest_end(&g);
}

TEST(the_data_cache_keeps_what_was_written_until_it_is_reset)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_DCACHE)), 1);
    assert_int_equal(g.words[OUT_A], 0xA5A5A5A5U);
    assert_int_equal(g.words[OUT_B], 0);                /* with DCEN off the array is seen */
    assert_int_equal(g.words[OUT_SR], 0);
    guest_end(&g);
}

TEST(an_erase_leaves_stale_data_in_the_data_cache)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_STALE_DATA)), UINT32_MAX);
    assert_int_equal(g.words[OUT_B], 0x12345678);
    guest_end(&g);
}

TEST(code_from_a_stale_instruction_line_is_reported_unless_icrst_was_used)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_STALE_CODE, 1)), 2);
    assert_int_equal(chip_error_count(g.chip), 0);
    guest_end(&g);
    (void)guest_run(&g, "flash", ARGS(CASE_STALE_CODE, 0));
    assert_non_null(strstr(chip_last_error(g.chip), "ICRST"));
    guest_end(&g);
}

TEST(interrupts_come_for_the_end_of_an_operation_and_for_errors)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_IRQ)), 2);
    assert_int_equal(g.words[OUT_A], 1);                /* EOP */
    assert_int_equal(g.words[OUT_B], SR_PGPERR | 2);    /* OPERR too, because ERRIE is set */
    guest_end(&g);
}

TEST(write_protection_is_programmed_through_optcr_and_holds_at_once)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_OPTIONS, 0x00EFAAEC, FREE_WORD)), UINT32_MAX);
    assert_int_equal(g.words[OUT_SR], SR_WRPERR);
    assert_took_us(&g, 350000);
    assert_int_equal(g.words[OUT_A], 0x00EFAAEC);       /* OPTSTRT has cleared itself */
    assert_int_equal(g.words[OUT_B] & 0xFFFU, 0x0EF);
    guest_end(&g);
}

TEST(a_protected_sector_is_not_erased)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    guest_start(&g, "flash", &o, ARGS(CASE_ERASE, 4, 2));
    flash_set_options(chip_flash(g.chip), 0x00EFAAEC);
    memset(flash_cells(chip_flash(g.chip)) + 0x10000, 0x5A, 4);
    flash_probe_sync(chip_flash(g.chip));
    (void)guest_finish(&g);
    assert_int_equal(g.words[OUT_SR], SR_WRPERR);
    assert_int_equal(flash_cells(chip_flash(g.chip))[0x10000], 0x5A);
    guest_end(&g);
}

TEST(option_bytes_do_not_change_while_they_are_locked)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_OPTIONS_LOCKED, 0x00EFAAEC, FREE_WORD)), 0);
    assert_int_equal(g.words[OUT_SR], 0);
    assert_int_equal(g.words[OUT_A], 0x00FFAAED);
    assert_int_equal(flash_get_options(chip_flash(g.chip)), 0x00FFAAEC);
    guest_end(&g);
}

TEST(a_wrong_option_key_is_a_bus_fault)
{
    struct guest g;

    (void)state;
    assert_int_equal(guest_run(&g, "flash", ARGS(CASE_WRONG_OPTKEY)), 0xBAD00003U);     /* HardFault */
    guest_end(&g);
}

TEST(options_outlive_a_power_cycle_and_a_torn_change_is_old_or_new_or_all_protected)
{
    static const uint32_t outcomes[] = { 0x00FFAAEC, 0x00EFAAEC, 0x0000AAEC };
    unsigned seen = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct chip_options o = guest_options();
        struct guest g;
        unsigned i = 0;

        o.seed = seed;
        guest_start(&g, "flash", &o, ARGS(CASE_OPTIONS, 0x00EFAAEC, FREE_WORD));
        assert_int_equal(chip_run_for(g.chip, VTIME_MS(100)), CHIP_RUNS);
        chip_power_cycle(g.chip);
        while (i < 2 && flash_get_options(chip_flash(g.chip)) != outcomes[i])
            i++;
        assert_int_equal(flash_get_options(chip_flash(g.chip)), outcomes[i]);
        seen |= 1U << i;
        guest_end(&g);
    }
    assert_int_equal(seen, 7);
}

TEST(leaving_read_protection_level_one_erases_everything)
{
    struct chip_options o = guest_options();
    struct guest g;

    (void)state;
    guest_start(&g, "flash", &o, ARGS(CASE_OPTIONS, 0x00FFAAEC, FREE_WORD));
    flash_set_options(chip_flash(g.chip), 0x00FF55EC);
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(16000)), CHIP_RUNS); /* by bytes, as PSIZE is after a reset: 16.35 s */
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(1000)), CHIP_GUEST_FAULT);   /* the program itself is gone */
    for (uint32_t i = 0; i < 0x1000; i++)
        assert_int_equal(flash_cells(chip_flash(g.chip))[i], 0xFF);
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_programmed_in_the_typical_time_at_every_width),
        cmocka_unit_test(the_maximum_and_the_fast_timing_are_what_they_say),
        cmocka_unit_test(each_sector_size_takes_its_time_by_parallelism),
        cmocka_unit_test(an_erase_leaves_ones_in_its_sector_and_the_neighbours_alone),
        cmocka_unit_test(programming_without_an_erase_ands),
        cmocka_unit_test(a_store_whose_width_is_not_psize_sets_pgperr),
        cmocka_unit_test(an_unaligned_store_sets_pgperr),
        cmocka_unit_test(a_store_without_pg_sets_both_sequence_and_parallelism_errors),
        cmocka_unit_test(sectors_that_do_not_exist_and_system_memory_set_wrperr),
        cmocka_unit_test(the_larger_part_has_twelve_sectors),
        cmocka_unit_test(a_mass_erase_takes_eight_seconds_and_everything),
        cmocka_unit_test(a_mass_erase_refuses_while_any_sector_is_protected),
        cmocka_unit_test(otp_programs_once_and_a_locked_block_refuses),
        cmocka_unit_test(a_wrong_key_is_a_bus_fault_and_locks_until_the_next_reset),
        cmocka_unit_test(a_control_write_a_load_and_a_fetch_wait_for_the_end_of_an_erase),
        cmocka_unit_test(vectors_and_handlers_in_sram_run_during_an_erase),
        cmocka_unit_test(the_data_cache_keeps_what_was_written_until_it_is_reset),
        cmocka_unit_test(an_erase_leaves_stale_data_in_the_data_cache),
        cmocka_unit_test(code_from_a_stale_instruction_line_is_reported_unless_icrst_was_used),
        cmocka_unit_test(interrupts_come_for_the_end_of_an_operation_and_for_errors),
        cmocka_unit_test(write_protection_is_programmed_through_optcr_and_holds_at_once),
        cmocka_unit_test(a_protected_sector_is_not_erased),
        cmocka_unit_test(option_bytes_do_not_change_while_they_are_locked),
        cmocka_unit_test(a_wrong_option_key_is_a_bus_fault),
        cmocka_unit_test(options_outlive_a_power_cycle_and_a_torn_change_is_old_or_new_or_all_protected),
        cmocka_unit_test(leaving_read_protection_level_one_erases_everything),
    };

    return cmocka_run_group_tests_name("flash", tests, NULL, NULL);
}
