/* SPDX-License-Identifier: MIT */
/* update/: a client that erases and writes by address, as AN3155 and DfuSe have it. */
#include <string.h>

#include "image/bytes.h"
#include "tests/unit/update_rig.h"

#define ALL 0x7U                        /* the rig's three sectors */
#define BLOCK 256U

static uint8_t image[RIG_BYTES];
static struct update_rig rig;

static int open_rig(void **state)
{
    (void)state;
    memset(image, 0xFF, sizeof image);
    rig_image(image, 1);
    rig_open(&rig, "");
    session_open(&rig.session);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static enum update_phase phase(void)
{
    return session_status(&rig.session)->phase;
}

static enum update_err erase(uint32_t sectors)
{
    enum update_err err = session_erase(&rig.session, sectors);

    if (err == UPDATE_OK) rig_poll(&rig);
    return err;
}

static enum update_err put(uint32_t offset, const uint8_t *p, size_t n)
{
    enum update_err err = session_put(&rig.session, offset, p, n);

    if (err == UPDATE_OK) rig_poll(&rig);
    return err != UPDATE_OK ? err : session_status(&rig.session)->err;
}

static enum update_err put_image(uint32_t from, uint32_t to)
{
    enum update_err err = UPDATE_OK;

    for (uint32_t at = from; at < to && err == UPDATE_OK && !rig.flash.dead; at += BLOCK)
        err = put(at, image + at, to - at < BLOCK ? to - at : BLOCK);
    return err;
}

static void raw_image(uint32_t n)
{
    memset(image, 0xFF, sizeof image);
    rig_raw(image, n, "pump");
}

/* --- committed --------------------------------------------------------------------------------------------------------- */

TEST(a_sealed_image_is_committed_with_its_last_block)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE - BLOCK), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_PROGRAMMING);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
    assert_int_equal(put_image(RIG_IMAGE - BLOCK, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_DONE);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
}

TEST(a_sealed_image_may_come_from_its_end)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    for (uint32_t at = RIG_IMAGE / BLOCK * BLOCK; ; at -= BLOCK) {
        assert_int_equal(phase(), UPDATE_PROGRAMMING);
        assert_int_equal(put(at, image + at, RIG_IMAGE - at < BLOCK ? RIG_IMAGE - at : BLOCK), UPDATE_OK);
        if (at == 0) break;
    }
    assert_int_equal(phase(), UPDATE_DONE);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
}

TEST(a_sealed_image_with_a_hole_waits_for_what_is_missing)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, 1024), UPDATE_OK);
    assert_int_equal(put_image(1024 + BLOCK, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_PROGRAMMING);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
    assert_int_equal(put_image(1024, 1024 + BLOCK), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_DONE);
}

TEST(a_sealed_image_that_ends_in_ones_is_not_committed_before_its_end)
{
    UNUSED_STATE;
    memset(image + RIG_IMAGE - 2 * BLOCK, 0xFF, 2 * BLOCK);
    rig_reseal(image);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE - BLOCK), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_PROGRAMMING);
    assert_int_equal(put_image(RIG_IMAGE - BLOCK, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_DONE);
}

TEST(a_raw_image_is_as_long_as_what_was_written_since_its_sectors_were_erased)
{
    UNUSED_STATE;
    raw_image(RIG_IMAGE);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE), UPDATE_OK);
    raw_image(1000);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, 1000), UPDATE_OK);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_int_equal(load_le32(rig.flash.array + SEAL_AT_LENGTH), 1000);
}

TEST(a_raw_image_may_come_sector_by_sector_from_its_end)
{
    UNUSED_STATE;
    raw_image(RIG_IMAGE);
    for (size_t i = rig_area.count; i-- > 0;) {
        uint32_t from = rig_area.sector[i].addr - RIG_BASE, to = from + rig_area.sector[i].bytes;

        assert_int_equal(erase(1U << i), UPDATE_OK);
        assert_int_equal(put_image(from, to < RIG_IMAGE ? to : RIG_IMAGE), UPDATE_OK);
    }
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_int_equal(load_le32(rig.flash.array + SEAL_AT_LENGTH), RIG_IMAGE);
}

TEST(a_raw_image_is_committed_only_when_the_client_says_so)
{
    UNUSED_STATE;
    raw_image(RIG_IMAGE);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_PROGRAMMING);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_DONE);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
}

TEST(a_block_that_ends_within_a_word_is_filled_up)
{
    UNUSED_STATE;
    raw_image(1001);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put(0, image, 1001), UPDATE_OK);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_int_equal(load_le32(rig.flash.array + SEAL_AT_LENGTH), 1004);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
}

TEST(a_block_that_ends_within_a_word_of_the_head_waits_like_the_rest_of_it)
{
    uint8_t zeros[6] = { 0 };

    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put(1024, image + 1024, BLOCK), UPDATE_OK);
    assert_int_equal(put(0, zeros, sizeof zeros), UPDATE_OK);
    assert_int_equal(session_peek(&rig.session, 4), 0xFFFF0000U);
    assert_int_equal(put_image(0, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_DONE);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
}

TEST(the_product_of_a_sealed_image_is_checked_with_its_last_block)
{
    UNUSED_STATE;
    rig_close(&rig);
    rig_open(&rig, "valve");
    session_open(&rig.session);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE), UPDATE_E_IMAGE_PRODUCT);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
}

/* --- not committed -------------------------------------------------------------------------------------------------------- */

TEST(a_finish_before_the_sealed_length_is_in_is_refused_and_may_be_repeated)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, 1024), UPDATE_OK);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_SEQUENCE);
    assert_int_equal(put_image(1024, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_DONE);
}

TEST(a_finish_of_a_damaged_sealed_image_fails)
{
    UNUSED_STATE;
    image[2000] ^= 1;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(phase(), UPDATE_PROGRAMMING);
    assert_int_equal(rig_finish(&rig), UPDATE_E_IMAGE_CRC);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
}

TEST(a_finish_without_a_head_is_refused)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(BLOCK, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_IMAGE_VECTORS);
}

TEST(a_finish_of_nothing_is_refused)
{
    UNUSED_STATE;
    assert_int_equal(session_finish(&rig.session), UPDATE_E_IMAGE_VECTORS);
    assert_int_equal(rig.flash.ops, 0);
}

TEST(an_update_that_is_dropped_leaves_nothing_that_starts)
{
    UNUSED_STATE;
    raw_image(RIG_IMAGE);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE), UPDATE_OK);
    session_abort(&rig.session);
    rig_poll(&rig);
    assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
    session_open(&rig.session);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_IMAGE_VECTORS);
}

TEST(erasing_the_first_sector_again_forgets_its_head)
{
    UNUSED_STATE;
    raw_image(RIG_IMAGE);
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, RIG_IMAGE), UPDATE_OK);
    assert_int_equal(erase(1), UPDATE_OK);
    assert_int_equal(session_peek(&rig.session, 0), 0xFFFFFFFFU);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_IMAGE_VECTORS);
}

/* --- the head goes first ----------------------------------------------------------------------------------------------------- */

TEST(nothing_changes_before_the_old_head_is_gone)
{
    UNUSED_STATE;
    fake_flash_load(&rig.flash, RIG_BASE, image, RIG_IMAGE);
    assert_int_equal(erase(2), UPDATE_E_STATE);
    assert_int_equal(put(0, image, BLOCK), UPDATE_E_STATE);
    assert_int_equal(put(4096, image, BLOCK), UPDATE_E_STATE);
    assert_int_equal(rig.flash.ops, 0);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
}

TEST(sectors_are_erased_in_ascending_order_and_the_others_stay)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    assert_int_equal(erase(0x5), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 2);
    assert_int_equal(rig.flash.log[0].addr, rig_area.sector[0].addr);
    assert_int_equal(rig.flash.log[1].addr, rig_area.sector[2].addr);
    assert_int_equal(flash_read(rig_area.sector[1].addr), 0);
}

TEST(sectors_that_do_not_exist_are_passed_over)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    assert_int_equal(erase(0xFFFFFFF8U), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 0);
    assert_int_equal(erase(0xFFFFFFFFU), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 3);
}

/* --- reads, ranges, errors ----------------------------------------------------------------------------------------------------- */

TEST(what_was_written_is_read_back_the_held_back_head_included)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put_image(0, 1024), UPDATE_OK);
    for (uint32_t at = 0; at < 1024; at += 4)
        assert_int_equal(session_peek(&rig.session, at), load_le32(image + at));
    assert_int_equal(flash_read(RIG_BASE), 0xFFFFFFFFU);
}

TEST(the_old_head_is_read_as_long_as_it_is_there)
{
    UNUSED_STATE;
    fake_flash_load(&rig.flash, RIG_BASE, image, RIG_IMAGE);
    assert_int_equal(session_peek(&rig.session, 0), load_le32(image));
}

TEST(a_block_outside_of_the_area_is_refused)
{
    static const uint32_t bad[] = { RIG_BYTES - 4, RIG_BYTES, RIG_BYTES + 4, 0x80000000U, 0xFFFFFFFCU };

    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(put(bad[i], image, 8), UPDATE_E_RANGE);
    assert_int_equal(put(2, image, 8), UPDATE_E_LENGTH);
    assert_int_equal(put(0, image, 0), UPDATE_E_LENGTH);
    assert_int_equal(put(0, image, SESSION_BLOCK_MAX + 1), UPDATE_E_LENGTH);
    assert_int_equal(put(RIG_BYTES - 8, image, 8), UPDATE_OK);
}

TEST(the_same_block_may_come_twice_but_not_another_one)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put(1024, image + 1024, BLOCK), UPDATE_OK);
    assert_int_equal(put(1024, image + 1024, BLOCK), UPDATE_OK);
    assert_int_equal(put(1024, image + 2048, BLOCK), UPDATE_E_PROGRAM);
    assert_int_equal(put(2048, image + 2048, BLOCK), UPDATE_E_STATE);
}

TEST(an_update_that_has_failed_shows_the_flash_as_it_is)
{
    UNUSED_STATE;
    assert_int_equal(erase(ALL), UPDATE_OK);
    assert_int_equal(put(0, image, BLOCK), UPDATE_OK);
    assert_int_equal(put(BLOCK - 4, image, 4), UPDATE_E_PROGRAM);
    assert_int_equal(session_peek(&rig.session, 0), 0xFFFFFFFFU);
}

TEST(a_power_cut_at_any_operation_leaves_the_old_the_new_or_no_application)
{
    unsigned outcomes[BOOT_STAY_CRASH_LOOP + 1] = { 0 };

    UNUSED_STATE;
    for (uint32_t cut = 1; ; cut++) {
        rig_close(&rig);
        rig_open(&rig, "");
        fake_flash_load(&rig.flash, RIG_BASE, image, RIG_IMAGE);
        rig.flash.cut_at = cut;
        rig.flash.seed = cut;
        session_open(&rig.session);
        if (erase(ALL) == UPDATE_OK && !rig.flash.dead) put_image(0, RIG_IMAGE);
        if (!rig.flash.dead) break;
        rig_restart(&rig);
        outcomes[rig_boot(&rig)]++;
        if (rig_boot(&rig) <= BOOT_START_UNSEALED) assert_true(rig_holds(&rig, image, RIG_IMAGE));
    }
    assert_int_equal(outcomes[BOOT_START_UNSEALED], 0);
    assert_true(outcomes[BOOT_STAY_EMPTY] > 1000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sealed_image_is_committed_with_its_last_block, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_sealed_image_may_come_from_its_end, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_sealed_image_with_a_hole_waits_for_what_is_missing, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_raw_image_is_committed_only_when_the_client_says_so, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_block_that_ends_within_a_word_is_filled_up, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_block_that_ends_within_a_word_of_the_head_waits_like_the_rest_of_it, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(the_product_of_a_sealed_image_is_checked_with_its_last_block, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_finish_before_the_sealed_length_is_in_is_refused_and_may_be_repeated, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_finish_of_a_damaged_sealed_image_fails, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_finish_without_a_head_is_refused, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_finish_of_nothing_is_refused, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(an_update_that_is_dropped_leaves_nothing_that_starts, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(erasing_the_first_sector_again_forgets_its_head, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(nothing_changes_before_the_old_head_is_gone, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(sectors_are_erased_in_ascending_order_and_the_others_stay, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(sectors_that_do_not_exist_are_passed_over, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(what_was_written_is_read_back_the_held_back_head_included, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(the_old_head_is_read_as_long_as_it_is_there, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_block_outside_of_the_area_is_refused, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(the_same_block_may_come_twice_but_not_another_one, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_power_cut_at_any_operation_leaves_the_old_the_new_or_no_application, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_sealed_image_that_ends_in_ones_is_not_committed_before_its_end, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_raw_image_is_as_long_as_what_was_written_since_its_sectors_were_erased, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_raw_image_may_come_sector_by_sector_from_its_end, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(an_update_that_has_failed_shows_the_flash_as_it_is, open_rig, close_rig),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
