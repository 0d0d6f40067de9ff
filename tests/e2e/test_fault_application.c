/* SPDX-License-Identifier: MIT */
/* Applications that crash, watchdogs that run, and a supply that comes and goes, under the ARM ELF. */
#include "tests/unit/cm.h"

#include <string.h>

#include "boot/decide.h"
#include "image/bytes.h"
#include "tests/e2e/trouble.h"

#define APP DESK_APP_BASE
#define SMALL 8192U
#define TWO_SECTORS 0x14000U
#define FACTORY 0x00FFAAECU             /* FLASH_OPTCR of a new chip (RM0090 §3.9.10) */
#define WDG_SW (1U << 5)
#define LSI_FASTEST_HZ 47000U           /* DS8626 §5.3.9: the reset default of 512 ms becomes 348 */
#define SHORTEST_WATCHDOG_MS (4096U * 4U * 1000U / LSI_FASTEST_HZ)
#define APPLICATIONS_SHARE_MS 300U      /* sdk/README.md: an application must feed a running watchdog from its first 300 ms on */
#define POWER_ONS 20U
#define UNANSWERED_STARTS (LIFE_START_1 | LIFE_START_2 | LIFE_START_3)

static struct chip_options fast(uint64_t seed)
{
    return (struct chip_options){ .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = seed, .timing = FLASH_FAST, .unstable_bits = true,
                                  .log = stderr };
}

/* A board that is switched on with this application in it. */
static struct vcpboot_image *open_with(struct desk *d, enum trouble what, uint32_t bytes, const struct chip_options *o)
{
    struct vcpboot_image *image = trouble_image(what, bytes);

    trouble_open(d, o);
    trouble_install(d, image);
    return image;
}

static uint32_t life(struct desk *d)
{
    return trouble_word(d, APP + SEAL_AT_LIFE);
}

static void assert_updates(struct desk *d)
{
    struct vcpboot_image *good = trouble_image(TROUBLE_CONFIRM, SMALL);

    trouble_send(d, good);
    assert_true(trouble_would_start(d));
    image_free(good);
}

/* --- crashes ------------------------------------------------------------------------------------------------------------------ */

/* For the board a HardFault is an error of the program: here one that is wanted. */
static void close_board(struct desk *d, bool crashed)
{
    if (!crashed) {
        trouble_close(d);
        return;
    }
    assert_non_null(strstr(chip_last_error(d->chip), "HardFault"));
    trouble_check_usb_and_lower_sectors(d);
    desk_close(d);
}

static void assert_given_up_after_three_starts(enum trouble what)
{
    const struct chip_options o = fast(1);
    struct desk d;
    struct vcpboot_image *image = open_with(&d, what, SMALL, &o);

    assert_int_equal(trouble_reason(&d), BOOT_STAY_CRASH_LOOP);
    assert_int_equal(life(&d), ~UNANSWERED_STARTS);
    assert_true(trouble_holds(&d, image));
    trouble_run_ms(&d, 1000);
    assert_int_equal(d.arrivals, 1);
    assert_updates(&d);
    image_free(image);
    close_board(&d, what == TROUBLE_CRASH);
}

TEST(an_application_that_crashes_at_once_is_given_up_after_three_starts_and_can_be_updated)
{
    UNUSED_STATE;
    assert_given_up_after_three_starts(TROUBLE_CRASH);
}

TEST(an_application_that_its_watchdog_resets_is_given_up_after_three_starts_and_the_bootloader_is_not_bitten)
{
    UNUSED_STATE;
    assert_given_up_after_three_starts(TROUBLE_WATCHDOG);
}

/* A reset stops the watchdog (RM0090 §21.3), and the only way into the bootloader is a reset. */
TEST(a_watchdog_of_the_shortest_period_that_an_application_leaves_running_does_not_bite_the_bootloader)
{
    const struct chip_options o = fast(2);
    struct desk d;
    struct vcpboot_image *image = open_with(&d, TROUBLE_WATCHDOG_AND_ENTER, SMALL, &o);

    UNUSED_STATE;
    assert_int_equal(trouble_reason(&d), BOOT_STAY_REQUESTED);
    trouble_run_ms(&d, 1000);
    assert_int_equal(d.arrivals, 1);
    assert_updates(&d);
    image_free(image);
    trouble_close(&d);
}

/* --- a watchdog by option byte -------------------------------------------------------------------------------------------------- */

TEST(a_watchdog_that_runs_from_reset_bites_neither_the_unpacking_nor_an_update_with_the_fastest_lsi_and_the_slowest_flash)
{
    const struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .lsi_hz = LSI_FASTEST_HZ, .seed = 3, .timing = FLASH_MAX,
                                    .log = stderr };
    uint8_t dirty[TWO_SECTORS] = { 0 };
    struct vcpboot_image *image = trouble_image(TROUBLE_CONFIRM, TWO_SECTORS);
    struct desk d;

    UNUSED_STATE;
    trouble_open(&d, &o);
    flash_set_options(chip_flash(d.chip), FACTORY & ~WDG_SW);
    chip_power_cycle(d.chip);
    assert_int_equal(trouble_reason(&d), BOOT_STAY_EMPTY);
    assert_true(flash_probe_write(chip_flash(d.chip), APP + SEAL_HEAD_BYTES, dirty, sizeof dirty));
    d.look = VTIME_MS(1);
    trouble_update(&d, image);
    assert_int_equal(d.arrivals, 1);
    assert_int_equal(flash_totals(chip_flash(d.chip)).erases, 2);
    image_free(image);
    trouble_close(&d);
}

TEST(the_decision_over_the_largest_image_leaves_the_application_its_share_of_the_shortest_watchdog)
{
    struct chip_options o = fast(4);
    struct vcpboot_image *image;
    unsigned ms = 0;
    struct desk d;

    UNUSED_STATE;
    o.lsi_hz = LSI_FASTEST_HZ;
    image = open_with(&d, TROUBLE_CONFIRM, DESK_APP_BYTES, &o);
    flash_set_options(chip_flash(d.chip), FACTORY & ~WDG_SW);
    chip_power_cycle(d.chip);
    while (trouble_starts(&d) == 0 && ms < SHORTEST_WATCHDOG_MS) {
        trouble_run_ms(&d, 1);
        ms++;
    }
    print_message("the application starts within %u ms\n", ms);
    assert_int_equal(trouble_starts(&d), 1);
    assert_true(SHORTEST_WATCHDOG_MS - ms >= APPLICATIONS_SHARE_MS);
    image_free(image);
    trouble_close(&d);
}

/* --- brown-outs ------------------------------------------------------------------------------------------------------------------- */

static uint32_t next_random(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525U + 1013904223U;
    return (*state >> 8) % below;
}

/* The supply comes for at most that long, again and again. */
static void brown_out(struct desk *d, unsigned times, uint32_t at_most_us, uint32_t *random)
{
    for (unsigned i = 0; i < times; i++) {
        trouble_power_cycle(d);
        assert_int_equal(chip_run_for(d->chip, VTIME_US(next_random(random, at_most_us))), CHIP_RUNS);
    }
}

TEST(a_supply_that_fails_again_and_again_in_mid_decision_changes_nothing_and_in_the_end_the_application_starts)
{
    const struct chip_options o = fast(5);
    struct flash_totals t;
    struct desk d;
    struct vcpboot_image *image = open_with(&d, TROUBLE_IDLE, DESK_APP_BYTES, &o);
    uint32_t random = 5;

    UNUSED_STATE;
    brown_out(&d, 100, 3000, &random);          /* before the CRC over the image is done: no start, and none is counted */
    t = flash_totals(chip_flash(d.chip));
    assert_int_equal(t.erases + t.words, 0);
    assert_int_equal(life(&d), LIFE_FRESH);
    trouble_power_cycle(&d);
    trouble_run_ms(&d, 50);
    assert_int_equal(trouble_starts(&d), 1);
    assert_int_equal(life(&d), ~LIFE_START_1);
    image_free(image);
    trouble_close(&d);
}

TEST(a_supply_that_fails_again_and_again_in_mid_unpacking_changes_nothing_and_in_the_end_the_bootloader_answers)
{
    const struct chip_options o = fast(6);
    struct flash_totals t;
    uint32_t random = 6;
    struct desk d;

    UNUSED_STATE;
    trouble_open(&d, &o);
    brown_out(&d, 8, 500000, &random);
    t = flash_totals(chip_flash(d.chip));
    assert_int_equal(t.erases + t.words, 0);
    trouble_power_cycle(&d);
    assert_int_equal(trouble_reason(&d), BOOT_STAY_EMPTY);
    trouble_close(&d);
}

/* Power cycles until nothing starts any more; how often it did. A torn cell may read differently after each of them, and so give
 * starts back; sooner or later it does not. */
static unsigned starts_left(struct desk *d)
{
    unsigned starts = 0;

    for (unsigned i = 0; i < POWER_ONS; i++) {
        trouble_power_cycle(d);
        flash_set_cut(chip_flash(d->chip), (struct power_cut){ .at_op = 0 });
        assert_int_equal(chip_run_for(d->chip, VTIME_MS(20)), CHIP_RUNS);
        if (trouble_starts(d) == 0)
            return starts;
        starts++;
    }
    fail_msg("the application on trial starts for ever");
    return starts;
}

TEST(a_power_cut_in_the_counting_of_a_start_costs_that_start_at_most_and_a_crash_loop_still_ends)
{
    UNUSED_STATE;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct chip_options o = fast(seed);
        struct vcpboot_image *image;
        struct desk d;
        unsigned left;

        o.cut = (struct power_cut){ 1, (enum cut_when)(seed % 3) };
        image = open_with(&d, TROUBLE_IDLE, SMALL, &o);
        assert_int_equal(chip_run_for(d.chip, VTIME_MS(20)), CHIP_POWER_CUT);
        assert_int_equal(life(&d) | LIFE_START_1, LIFE_FRESH);
        left = starts_left(&d);
        assert_true(left >= 2);
        assert_true(trouble_holds(&d, image));
        image_free(image);
        trouble_close(&d);
    }
}

TEST(a_supply_that_fails_in_every_update_leaves_a_unit_that_the_last_one_mends)
{
    const struct chip_options o = fast(7);
    struct desk d;
    struct vcpboot_image *old = open_with(&d, TROUBLE_WATCHDOG_AND_ENTER, TWO_SECTORS, &o);
    struct vcpboot_image *new = trouble_image(TROUBLE_CONFIRM, TWO_SECTORS + 4U);
    uint32_t random = 7;

    UNUSED_STATE;
    for (unsigned i = 0; i < 4; i++) {
        (void)trouble_reason(&d);
        assert_true(desk_begin_update(&d, new));
        trouble_run_ms(&d, 1 + next_random(&random, 60));
        trouble_power_cycle(&d);
        assert_int_equal(chip_run_for(d.chip, VTIME_MS(5)), CHIP_RUNS);
        if (trouble_starts(&d) != 0)
            assert_true(trouble_holds(&d, old) || trouble_holds(&d, new));
    }
    (void)trouble_reason(&d);
    trouble_send(&d, new);
    assert_true(trouble_would_start(&d));
    image_free(old);
    image_free(new);
    trouble_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_application_that_crashes_at_once_is_given_up_after_three_starts_and_can_be_updated),
        cmocka_unit_test(an_application_that_its_watchdog_resets_is_given_up_after_three_starts_and_the_bootloader_is_not_bitten),
        cmocka_unit_test(a_watchdog_of_the_shortest_period_that_an_application_leaves_running_does_not_bite_the_bootloader),
        cmocka_unit_test(a_watchdog_that_runs_from_reset_bites_neither_the_unpacking_nor_an_update_with_the_fastest_lsi_and_the_slowest_flash),
        cmocka_unit_test(the_decision_over_the_largest_image_leaves_the_application_its_share_of_the_shortest_watchdog),
        cmocka_unit_test(a_supply_that_fails_again_and_again_in_mid_decision_changes_nothing_and_in_the_end_the_application_starts),
        cmocka_unit_test(a_supply_that_fails_again_and_again_in_mid_unpacking_changes_nothing_and_in_the_end_the_bootloader_answers),
        cmocka_unit_test(a_power_cut_in_the_counting_of_a_start_costs_that_start_at_most_and_a_crash_loop_still_ends),
        cmocka_unit_test(a_supply_that_fails_in_every_update_leaves_a_unit_that_the_last_one_mends),
    };
    return cmocka_run_group_tests_name("fault_application", tests, NULL, NULL);
}
