/* SPDX-License-Identifier: MIT */
/* A flash that is broken on request, as a program meets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "board/periph/flash_fault.h"
#include "run_guest.h"

#define TEST(name) static void name(void **state)

/* tests/board/guest/flash.c */
enum { CASE_PROGRAM, CASE_ERASE, CASE_CR_STALL, CASE_LOAD_STALL, CASE_FETCH_STALL, CASE_NO_PG = 7 };
enum { OUT_SR = 16 };
enum { SR_PGSERR = 1 << 7, SR_ERRORS = 0xF2 };

#define WORD 0x08010000U
#define PSIZE_X32 2U

static void start(struct guest *g, const uint32_t *args, unsigned count, const struct flash_fault *fault)
{
    struct chip_options o = guest_options();

    guest_start(g, "flash", &o, args, count);
    assert_true(flash_add_fault(chip_flash(g->chip), fault));
}

static uint32_t word_at(struct guest *g, uint32_t address)
{
    uint32_t v;

    memcpy(&v, flash_cells(chip_flash(g->chip)) + (address - 0x08000000U), sizeof v);
    return v;
}

/* Programs zeros into WORD. */
static uint32_t program_with(const struct flash_fault *fault, struct guest *g)
{
    start(g, ARGS(CASE_PROGRAM, WORD, 0, 4, PSIZE_X32), fault);
    return guest_finish(g);
}

TEST(a_weak_word_keeps_its_ones_and_no_flag_tells)
{
    struct guest g;

    (void)state;
    assert_int_equal(program_with(&(struct flash_fault){ FLASH_FAULT_WEAK_WORD, WORD, 0 }, &g), UINT32_MAX);
    assert_int_equal(g.words[OUT_SR], 0);
    guest_end(&g);
    assert_int_equal(program_with(&(struct flash_fault){ FLASH_FAULT_WEAK_WORD, WORD, 0x8001 }, &g), 0x8001);
    guest_end(&g);
    assert_int_equal(program_with(&(struct flash_fault){ FLASH_FAULT_WEAK_WORD, WORD + 4, 0 }, &g), 0);
    guest_end(&g);
}

TEST(a_stuck_cell_is_zero_at_once_and_after_an_erase)
{
    struct guest g;

    (void)state;
    start(&g, ARGS(CASE_ERASE, 4, PSIZE_X32), &(struct flash_fault){ FLASH_FAULT_STUCK_ZERO, WORD + 8, 0x10 });
    assert_int_equal(word_at(&g, WORD + 8), ~0x10U);
    (void)guest_finish(&g);
    assert_int_equal(g.words[OUT_SR], 0);
    assert_int_equal(word_at(&g, WORD + 8), ~0x10U);
    assert_int_equal(word_at(&g, WORD + 4), UINT32_MAX);
    guest_end(&g);
}

static void erase_sector_4(struct guest *g, uint64_t broken_sector)
{
    start(g, ARGS(CASE_ERASE, 4, PSIZE_X32), &(struct flash_fault){ FLASH_FAULT_NO_ERASE, broken_sector, 0 });
    memset(flash_cells(chip_flash(g->chip)) + 0x10000, 0x33, 0x10000);
    flash_probe_sync(chip_flash(g->chip));
    (void)guest_finish(g);
    assert_int_equal(g->words[OUT_SR], 0);
}

TEST(a_sector_that_cannot_be_erased_holds_what_it_held)
{
    struct guest g;

    (void)state;
    erase_sector_4(&g, 4);
    assert_int_equal(word_at(&g, WORD), 0x33333333);
    assert_int_equal(word_at(&g, 0x0801FFFC), 0x33333333);
    guest_end(&g);
    erase_sector_4(&g, 5);
    assert_int_equal(word_at(&g, WORD), UINT32_MAX);
    guest_end(&g);
}

TEST(a_refused_operation_sets_pgserr_and_does_nothing)
{
    struct guest g;

    (void)state;
    assert_int_equal(program_with(&(struct flash_fault){ FLASH_FAULT_REFUSED, 1, 0 }, &g), UINT32_MAX);
    assert_int_equal(g.words[OUT_SR], SR_PGSERR);
    guest_end(&g);
    assert_int_equal(program_with(&(struct flash_fault){ FLASH_FAULT_REFUSED, 2, 0 }, &g), 0);
    guest_end(&g);
}

TEST(an_operation_that_never_ends_hangs_whoever_touches_the_array_until_a_reset)
{
    static const uint32_t cases[] = { CASE_CR_STALL, CASE_LOAD_STALL, CASE_FETCH_STALL };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guest g;
        vtime before;

        start(&g, ARGS(cases[i]), &(struct flash_fault){ FLASH_FAULT_STUCK_BUSY, 1, 0 });
        before = chip_now(g.chip);
        assert_int_equal(chip_run_for(g.chip, VTIME_MS(60000)), CHIP_RUNS);
        assert_true(chip_now(g.chip) - before < VTIME_MS(60001));       /* the board itself does not hang */
        assert_true(flash_busy(chip_flash(g.chip)));
        chip_power_cycle(g.chip);
        assert_false(flash_busy(chip_flash(g.chip)));
        guest_put_args(&g, ARGS(CASE_LOAD_STALL));
        (void)guest_finish(&g);                                         /* its second operation: that one ends */
        guest_end(&g);
    }
}

TEST(stale_flags_stand_after_every_reset_until_they_are_cleared)
{
    struct guest g;

    (void)state;
    start(&g, ARGS(CASE_PROGRAM, WORD, 0, 4, PSIZE_X32), &(struct flash_fault){ .kind = FLASH_FAULT_STALE_FLAGS });
    chip_power_cycle(g.chip);
    guest_put_args(&g, ARGS(CASE_PROGRAM, WORD, 0, 4, PSIZE_X32));
    (void)guest_finish(&g);
    assert_int_equal(g.words[OUT_SR] & SR_ERRORS, SR_ERRORS);
    guest_end(&g);
}

TEST(faults_are_named_and_only_what_can_be_is_accepted)
{
    static const char *const wrong[] = { "", "weak-word", "weak-word@", "weak-word@x", "weak-word@1x", "stale-flags@1", "weak",
                                         "no-erase@-1", "weak-words@1" };
    struct flash_fault fault;
    struct guest g;

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(flash_fault_parse(wrong[i], &fault));
    assert_true(flash_fault_parse("stuck-zero@0x08010040", &fault));
    assert_int_equal(fault.kind, FLASH_FAULT_STUCK_ZERO);
    assert_int_equal(fault.at, 0x08010040);
    assert_true(flash_fault_parse("stale-flags", &fault));
    start(&g, ARGS(CASE_NO_PG), &fault);
    assert_false(flash_add_fault(chip_flash(g.chip), &(struct flash_fault){ FLASH_FAULT_NO_ERASE, 8, 0 }));
    assert_false(flash_add_fault(chip_flash(g.chip), &(struct flash_fault){ FLASH_FAULT_WEAK_WORD, WORD + 1, 0 }));
    assert_false(flash_add_fault(chip_flash(g.chip), &(struct flash_fault){ FLASH_FAULT_WEAK_WORD, 0x08080000, 0 }));
    assert_false(flash_add_fault(chip_flash(g.chip), &(struct flash_fault){ FLASH_FAULT_STUCK_BUSY, 0, 0 }));
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weak_word_keeps_its_ones_and_no_flag_tells),
        cmocka_unit_test(a_stuck_cell_is_zero_at_once_and_after_an_erase),
        cmocka_unit_test(a_sector_that_cannot_be_erased_holds_what_it_held),
        cmocka_unit_test(a_refused_operation_sets_pgserr_and_does_nothing),
        cmocka_unit_test(an_operation_that_never_ends_hangs_whoever_touches_the_array_until_a_reset),
        cmocka_unit_test(stale_flags_stand_after_every_reset_until_they_are_cleared),
        cmocka_unit_test(faults_are_named_and_only_what_can_be_is_accepted),
    };

    return cmocka_run_group_tests_name("flash_fault", tests, NULL, NULL);
}
