/* SPDX-License-Identifier: MIT */
/* Power cuts: the operation that is hit, and what its cells look like afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run_guest.h"

#define TEST(name) static void name(void **state)

/* tests/board/guest/flash.c: erases sector 4 (operation 1), then programs WORDS words (operations 2...). */
#define CASE_PROGRAM 0U
#define CASE_MANY 10U
#define WORDS 20U
#define SECTOR4 0x10000U
#define SECTOR4_WORDS 0x4000U

static uint32_t word_at(struct chip *c, uint32_t off)
{
    const uint8_t *p = flash_cells(chip_flash(c)) + off;

    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t pattern(uint32_t i)
{
    return 0x5A000000U + i;
}

static void start_cut(struct guest *g, uint64_t at_op, enum cut_when when, uint64_t seed)
{
    struct chip_options o = guest_options();

    o.cut = (struct power_cut){ at_op, when };
    o.seed = seed;
    guest_start(g, "flash", &o, ARGS(CASE_MANY, 0x08000000U + SECTOR4, WORDS));
    memset(flash_cells(chip_flash(g->chip)) + SECTOR4, 0x33, SECTOR4_WORDS * 4);
    flash_probe_sync(chip_flash(g->chip));
}

static void run_cut(struct guest *g, uint64_t at_op, enum cut_when when, uint64_t seed)
{
    start_cut(g, at_op, when, seed);
    assert_int_equal(chip_run_for(g->chip, VTIME_MS(10000)), CHIP_POWER_CUT);
}

TEST(a_cut_before_an_operation_leaves_the_word_blank_and_after_it_whole)
{
    struct guest g;

    (void)state;
    run_cut(&g, 1 + 5, CUT_BEFORE, 1);
    assert_int_equal(word_at(g.chip, SECTOR4 + 4 * 3), pattern(3));
    assert_int_equal(word_at(g.chip, SECTOR4 + 4 * 4), UINT32_MAX);
    guest_end(&g);
    run_cut(&g, 1 + 5, CUT_AFTER, 1);
    assert_int_equal(word_at(g.chip, SECTOR4 + 4 * 4), pattern(4));
    assert_int_equal(word_at(g.chip, SECTOR4 + 4 * 5), UINT32_MAX);
    guest_end(&g);
}

TEST(a_torn_word_has_lost_some_of_the_bits_that_were_to_fall_and_no_others)
{
    bool seen_blank = false, seen_whole = false, seen_between = false;

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct guest g;
        uint32_t torn;

        run_cut(&g, 1 + 5, CUT_DURING, seed);
        torn = word_at(g.chip, SECTOR4 + 4 * 4);
        assert_int_equal(torn & pattern(4), pattern(4));        /* bits that stay 1 are 1 */
        assert_int_equal(word_at(g.chip, SECTOR4 + 4 * 3), pattern(3));
        assert_int_equal(word_at(g.chip, SECTOR4 + 4 * 5), UINT32_MAX);
        seen_blank |= torn == UINT32_MAX;
        seen_whole |= torn == pattern(4);
        seen_between |= torn != UINT32_MAX && torn != pattern(4);
        guest_end(&g);
    }
    assert_true(seen_between);
    assert_true(seen_blank || seen_whole);
}

TEST(a_torn_erase_reads_as_before_or_blank_or_like_noise_or_as_a_mixture_of_these)
{
    bool seen[TORN_LOOKS] = { false };

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct guest g;
        unsigned old = 0, blank = 0;
        enum torn_look look;

        run_cut(&g, 1, CUT_DURING, seed);
        for (uint32_t i = 0; i < SECTOR4_WORDS; i++) {
            old += word_at(g.chip, SECTOR4 + 4 * i) == 0x33333333;
            blank += word_at(g.chip, SECTOR4 + 4 * i) == UINT32_MAX;
            assert_int_equal(flash_unstable(chip_flash(g.chip))[SECTOR4 / 4 + i], UINT32_MAX);
        }
        assert_int_equal(word_at(g.chip, SECTOR4 + SECTOR4_WORDS * 4), UINT32_MAX);
        assert_int_equal(flash_unstable(chip_flash(g.chip))[SECTOR4 / 4 + SECTOR4_WORDS], 0);
        guest_end(&g);
        look = old == SECTOR4_WORDS ? TORN_OLD : blank == SECTOR4_WORDS ? TORN_BLANK : old + blank < 4 ? TORN_NOISE : TORN_MIXED;
        if (look == TORN_MIXED) {
            assert_in_range(old, SECTOR4_WORDS / 4, SECTOR4_WORDS / 2);
            assert_in_range(blank, SECTOR4_WORDS / 4, SECTOR4_WORDS / 2);
        }
        seen[look] = true;
    }
    for (unsigned look = 0; look < TORN_LOOKS; look++)
        assert_true(seen[look]);
}

TEST(the_same_seed_tears_the_same_way)
{
    struct guest a, b;

    (void)state;
    run_cut(&a, 1, CUT_DURING, 9);
    run_cut(&b, 1, CUT_DURING, 9);
    assert_memory_equal(flash_cells(chip_flash(a.chip)), flash_cells(chip_flash(b.chip)), 0x80000);
    assert_int_equal(chip_now(a.chip), chip_now(b.chip));
    guest_end(&a);
    guest_end(&b);
}

TEST(a_cut_beyond_the_last_operation_never_comes)
{
    struct guest g;

    (void)state;
    start_cut(&g, 1 + WORDS + 1, CUT_DURING, 1);
    assert_int_equal(guest_finish(&g), 0);
    assert_int_equal(flash_totals(chip_flash(g.chip)).erases, 1);
    assert_int_equal(flash_totals(chip_flash(g.chip)).words, WORDS);
    guest_end(&g);
}

TEST(after_a_power_cycle_the_same_chip_runs_again_with_other_ram)
{
    struct guest g;
    uint8_t before[256];

    (void)state;
    run_cut(&g, 4, CUT_DURING, 3);
    memcpy(before, chip_ram(g.chip, 0x20008000, sizeof before), sizeof before);
    chip_power_cycle(g.chip);
    assert_memory_not_equal(before, chip_ram(g.chip, 0x20008000, sizeof before), sizeof before);
    guest_put_args(&g, ARGS(CASE_MANY, 0x08000000U + SECTOR4, WORDS));
    assert_int_equal(guest_finish(&g), 0);
    assert_int_equal(word_at(g.chip, SECTOR4 + 4 * (WORDS - 1)), pattern(WORDS - 1));
    guest_end(&g);
}

/* What the CPU reads, past the D-cache, which is off after a reset. */
static uint32_t read_word(struct chip *c, uint32_t off)
{
    uint64_t cycles = 0;

    flash_load(chip_flash(c), FLASH_MAIN_BASE + off, 4, &cycles);
    return word_at(c, off);
}

static bool reads_alike(struct chip *c, uint32_t off, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        if (read_word(c, off + 4 * i) != read_word(c, off + 4 * i))
            return false;
    return true;
}

TEST(undecided_cells_read_as_they_are_at_some_power_ons_and_like_noise_at_others_until_they_are_erased)
{
    struct chip_options o = guest_options();
    struct guest g;
    unsigned quiet = 0;

    (void)state;
    o.cut = (struct power_cut){ 1, CUT_DURING };
    o.unstable_bits = true;
    guest_start(&g, "flash", &o, ARGS(CASE_MANY, 0x08000000U + SECTOR4, WORDS));
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(10000)), CHIP_POWER_CUT);
    for (unsigned i = 0; i < 20; i++) {
        chip_power_cycle(g.chip);
        quiet += reads_alike(g.chip, SECTOR4, SECTOR4_WORDS);
    }
    assert_in_range(quiet, 4, 16);
    guest_put_args(&g, ARGS(CASE_MANY, 0x08000000U + SECTOR4, WORDS));
    (void)guest_finish(&g);
    for (unsigned i = 0; i < 20; i++) {
        chip_power_cycle(g.chip);
        assert_true(reads_alike(g.chip, SECTOR4, SECTOR4_WORDS));
    }
    assert_int_equal(read_word(g.chip, SECTOR4 + 4 * WORDS), UINT32_MAX);
    guest_end(&g);
}

TEST(programming_decides_only_the_cells_that_it_makes_0)
{
    struct chip_options o = guest_options();
    uint32_t unstable[0x80000 / 4] = { 0 };
    struct guest g;

    (void)state;
    o.unstable_bits = true;
    guest_start(&g, "flash", &o, ARGS(CASE_PROGRAM, 0x08000000U + SECTOR4 + 2, 0x5678U, 2, 1));
    unstable[SECTOR4 / 4] = UINT32_MAX;
    flash_set_state(chip_flash(g.chip), flash_cells(chip_flash(g.chip)), unstable);
    (void)guest_finish(&g);
    assert_int_equal(flash_unstable(chip_flash(g.chip))[SECTOR4 / 4], 0x5678FFFFU);
    guest_end(&g);
}

TEST(a_restored_chip_goes_on_as_it_did_after_it_was_saved)
{
    struct chip_snapshot *kept = chip_snapshot_new();
    struct guest g;
    uint8_t *first = malloc(0x80000);
    uint64_t cycles;

    (void)state;
    assert_non_null(first);
    start_cut(&g, 0, CUT_DURING, 5);
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(300)), CHIP_RUNS);
    assert_true(chip_save(g.chip, kept));
    assert_int_equal(guest_finish(&g), 0);
    memcpy(first, flash_cells(chip_flash(g.chip)), 0x80000);
    cycles = chip_cycles(g.chip);
    for (unsigned i = 0; i < 3; i++) {
        chip_restore(g.chip, kept);
        assert_true(flash_busy(chip_flash(g.chip)));
        assert_int_equal(word_at(g.chip, SECTOR4), 0x33333333);
        assert_int_equal(guest_finish(&g), 0);
        assert_int_equal(chip_cycles(g.chip), cycles);
        assert_memory_equal(flash_cells(chip_flash(g.chip)), first, 0x80000);
    }
    chip_snapshot_free(kept);
    free(first);
    guest_end(&g);
}

TEST(a_cut_by_hand_tears_what_is_under_way)
{
    struct guest g;
    unsigned undecided = 0;

    (void)state;
    start_cut(&g, 0, CUT_DURING, 5);
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(300)), CHIP_RUNS);
    assert_true(flash_busy(chip_flash(g.chip)));
    chip_power_cut(g.chip);
    assert_int_equal(chip_run_for(g.chip, VTIME_MS(1)), CHIP_POWER_CUT);
    for (uint32_t i = 0; i < SECTOR4_WORDS; i++)
        undecided += flash_unstable(chip_flash(g.chip))[SECTOR4 / 4 + i] == UINT32_MAX;
    assert_int_equal(undecided, SECTOR4_WORDS);
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_before_an_operation_leaves_the_word_blank_and_after_it_whole),
        cmocka_unit_test(a_torn_word_has_lost_some_of_the_bits_that_were_to_fall_and_no_others),
        cmocka_unit_test(a_torn_erase_reads_as_before_or_blank_or_like_noise_or_as_a_mixture_of_these),
        cmocka_unit_test(the_same_seed_tears_the_same_way),
        cmocka_unit_test(a_cut_beyond_the_last_operation_never_comes),
        cmocka_unit_test(after_a_power_cycle_the_same_chip_runs_again_with_other_ram),
        cmocka_unit_test(undecided_cells_read_as_they_are_at_some_power_ons_and_like_noise_at_others_until_they_are_erased),
        cmocka_unit_test(programming_decides_only_the_cells_that_it_makes_0),
        cmocka_unit_test(a_restored_chip_goes_on_as_it_did_after_it_was_saved),
        cmocka_unit_test(a_cut_by_hand_tears_what_is_under_way),
    };

    return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
