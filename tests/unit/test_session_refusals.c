/* SPDX-License-Identifier: MIT */
/* update/: what an update refuses, before it begins and on its way, and how it is given up. */
#include <string.h>

#include "image/bytes.h"
#include "tests/unit/update_rig.h"

static uint8_t image[RIG_BYTES];
static struct update_rig rig;

static int open_rig(void **state)
{
    (void)state;
    memset(image, 0xFF, sizeof image);
    rig_image(image, 1);
    rig_open(&rig, "");
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static const struct update_status *status(void)
{
    return session_status(&rig.session);
}

/* Refused with this error, and the flash has not been touched. */
static void refused(enum update_err want, uint32_t length)
{
    assert_int_equal(rig_update(&rig, image, RIG_IMAGE, length, 128), want);
    assert_int_equal(status()->phase, UPDATE_FAILED);
    assert_int_equal(status()->err, want);
    assert_int_equal(rig.flash.ops, 0);
    assert_false(session_active(&rig.session));
}

/* --- refused before anything is touched --------------------------------------------------------------------------- */

TEST(a_length_that_cannot_be_is_refused_at_once)
{
    static const uint32_t bad[] = { 1, 64, 67, RIG_BYTES + 1, 0x80000000U, 0xFFFFFFFFU };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(session_begin(&rig.session, bad[i], SESSION_ALL_SECTORS), UPDATE_E_IMAGE_SIZE);
        assert_false(session_ready(&rig.session));
        assert_int_equal(session_write(&rig.session, 0, image, 64), UPDATE_E_STATE);
    }
}

TEST(an_image_that_is_linked_elsewhere_is_refused)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    store_le32(image + 4, 0x08000101U);
    rig_reseal(image);
    refused(UPDATE_E_IMAGE_VECTORS, RIG_IMAGE);
}

TEST(an_impossible_stack_is_refused)
{
    UNUSED_STATE;
    store_le32(image, 0x20020008U);
    rig_reseal(image);
    refused(UPDATE_E_IMAGE_VECTORS, RIG_IMAGE);
}

TEST(a_blank_head_is_refused)
{
    UNUSED_STATE;
    memset(image, 0xFF, SEAL_HEAD_BYTES);
    refused(UPDATE_E_IMAGE_VECTORS, RIG_IMAGE);
}

TEST(a_malformed_seal_is_refused)
{
    UNUSED_STATE;
    image[SEAL_AT_MAGIC] ^= 1;
    refused(UPDATE_E_IMAGE_SEAL, RIG_IMAGE);
}

TEST(a_seal_that_has_been_used_is_refused)
{
    UNUSED_STATE;
    store_le32(image + SEAL_AT_LIFE, ~LIFE_START_1);
    refused(UPDATE_E_IMAGE_SEAL, RIG_IMAGE);
}

TEST(a_file_that_is_not_as_long_as_its_seal_says_is_refused)
{
    UNUSED_STATE;
    refused(UPDATE_E_IMAGE_SIZE, RIG_IMAGE - 4);
    rig_restart(&rig);
    refused(UPDATE_E_IMAGE_SIZE, RIG_IMAGE + 4);
}

TEST(a_raw_image_must_come_as_a_whole)
{
    UNUSED_STATE;
    rig_raw(image, 4400, NULL);
    session_begin(&rig.session, 4400, 0x3);
    assert_int_equal(session_write(&rig.session, 0, image, 64), UPDATE_E_IMAGE_SEAL);
    assert_int_equal(rig.flash.ops, 0);
}

TEST(a_plan_without_the_first_sector_needs_a_blank_head)
{
    UNUSED_STATE;
    memcpy(rig.flash.array, image, RIG_IMAGE);
    session_begin(&rig.session, RIG_IMAGE, 0x6);
    assert_int_equal(session_write(&rig.session, 0, image, 64), UPDATE_E_STATE);
    assert_int_equal(rig.flash.ops, 0);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
}

/* --- bad manners of the sender ------------------------------------------------------------------------------------ */

TEST(wrong_offsets_and_lengths_are_refused_and_the_update_goes_on)
{
    UNUSED_STATE;
    session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
    assert_int_equal(session_write(&rig.session, 4, image, 64), UPDATE_E_SEQUENCE);
    assert_int_equal(session_write(&rig.session, 0xFFFFFFFCU, image, 64), UPDATE_E_SEQUENCE);
    assert_int_equal(rig_send(&rig, image, 0, 1024, 1024), UPDATE_OK);
    assert_int_equal(session_write(&rig.session, 0, image, 64), UPDATE_E_SEQUENCE);
    assert_int_equal(session_write(&rig.session, 1024, image, 0), UPDATE_E_LENGTH);
    assert_int_equal(session_write(&rig.session, 1024, image, 1028), UPDATE_E_LENGTH);
    assert_int_equal(session_write(&rig.session, 1024, image, 1022), UPDATE_E_LENGTH);
    assert_int_equal(session_write(&rig.session, 1024, image, SIZE_MAX), UPDATE_E_LENGTH);
    assert_int_equal(rig_send(&rig, image, 1024, 4096, 1024), UPDATE_OK);
    assert_int_equal(session_write(&rig.session, 4096, image, 408), UPDATE_E_IMAGE_SIZE);
    assert_int_equal(rig_send(&rig, image, 4096, RIG_IMAGE, 1024), UPDATE_OK);
    assert_int_equal(session_write(&rig.session, RIG_IMAGE, image, 4), UPDATE_E_IMAGE_SIZE);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
}

TEST(a_stream_must_not_run_out_of_the_area)
{
    UNUSED_STATE;
    rig_raw(image, RIG_BYTES, NULL);
    session_begin(&rig.session, SESSION_LENGTH_UNKNOWN, SESSION_ALL_SECTORS);
    assert_int_equal(rig_send(&rig, image, 0, RIG_BYTES, 1024), UPDATE_OK);
    assert_int_equal(session_write(&rig.session, RIG_BYTES, image, 4), UPDATE_E_IMAGE_SIZE);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
}

TEST(nothing_follows_a_block_that_ends_within_a_word)
{
    UNUSED_STATE;
    rig_raw(image, 4400, NULL);
    session_begin(&rig.session, SESSION_LENGTH_UNKNOWN, SESSION_ALL_SECTORS);
    assert_int_equal(rig_send(&rig, image, 0, 127, 127), UPDATE_OK);
    assert_int_equal(session_write(&rig.session, 127, image + 127, 1), UPDATE_E_LENGTH);
}

TEST(an_end_that_comes_too_early_is_refused_and_the_update_goes_on)
{
    UNUSED_STATE;
    session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_SEQUENCE);
    rig_send(&rig, image, 0, 1024, 1024);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_SEQUENCE);
    assert_int_equal(rig_send(&rig, image, 1024, RIG_IMAGE, 1024), UPDATE_OK);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
}

TEST(without_a_beginning_there_is_neither_data_nor_an_end)
{
    UNUSED_STATE;
    assert_false(session_ready(&rig.session));
    assert_false(session_active(&rig.session));
    assert_int_equal(session_write(&rig.session, 0, image, 64), UPDATE_E_STATE);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_STATE);
    assert_int_equal(session_poll(&rig.session, 0), UPDATE_IDLE);
}

TEST(data_behind_the_end_are_refused)
{
    UNUSED_STATE;
    session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
    rig_send(&rig, image, 0, RIG_IMAGE, 1024);
    assert_int_equal(session_finish(&rig.session), UPDATE_OK);
    assert_int_equal(session_finish(&rig.session), UPDATE_E_STATE);
    assert_int_equal(session_write(&rig.session, RIG_IMAGE, image, 4), UPDATE_E_STATE);
    rig_poll(&rig);
    assert_int_equal(status()->phase, UPDATE_DONE);
}

/* --- giving up ---------------------------------------------------------------------------------------------------- */

TEST(an_aborted_update_never_writes_a_head)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    for (unsigned polls = 5; polls < 4000; polls += 61) {
        rig_restart(&rig);
        rig.flash.busy_polls = 2;
        session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
        for (unsigned i = 0; i < polls; i++) {
            uint32_t next = status()->next;

            if (session_ready(&rig.session) && next < 4096)
                session_write(&rig.session, next, image + next, 64);
            session_poll(&rig.session, 0);
        }
        session_abort(&rig.session);
        rig_poll(&rig);
        assert_int_equal(status()->phase, UPDATE_IDLE);
        assert_false(session_active(&rig.session));
        assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
        assert_int_equal(session_write(&rig.session, 0, image, 64), UPDATE_E_STATE);
    }
}

TEST(an_abort_waits_for_the_operation_that_runs)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    rig.flash.busy_polls = 10;
    session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
    session_write(&rig.session, 0, image, 1024);
    session_poll(&rig.session, 0);
    session_abort(&rig.session);
    assert_true(session_active(&rig.session));
    rig_poll(&rig);
    assert_false(session_active(&rig.session));
}

TEST(a_new_beginning_waits_for_what_the_old_update_left_running)
{
    UNUSED_STATE;
    memset(rig.flash.array, 0, RIG_BYTES);
    rig.flash.busy_polls = 10;
    session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
    session_write(&rig.session, 0, image, 1024);
    session_poll(&rig.session, 0);
    assert_int_equal(session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS), UPDATE_OK);
    assert_false(session_ready(&rig.session));
    assert_int_equal(session_write(&rig.session, 0, image, 1024), UPDATE_E_STATE);
    rig_poll(&rig);
    assert_true(session_ready(&rig.session));
    assert_int_equal(rig_send(&rig, image, 0, RIG_IMAGE, 1024), UPDATE_OK);
    assert_int_equal(rig_finish(&rig), UPDATE_OK);
    assert_true(rig_holds(&rig, image, RIG_IMAGE));
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(a_length_that_cannot_be_is_refused_at_once),
        RIGGED(an_image_that_is_linked_elsewhere_is_refused),
        RIGGED(an_impossible_stack_is_refused),
        RIGGED(a_blank_head_is_refused),
        RIGGED(a_malformed_seal_is_refused),
        RIGGED(a_seal_that_has_been_used_is_refused),
        RIGGED(a_file_that_is_not_as_long_as_its_seal_says_is_refused),
        RIGGED(a_raw_image_must_come_as_a_whole),
        RIGGED(a_plan_without_the_first_sector_needs_a_blank_head),
        RIGGED(wrong_offsets_and_lengths_are_refused_and_the_update_goes_on),
        RIGGED(a_stream_must_not_run_out_of_the_area),
        RIGGED(nothing_follows_a_block_that_ends_within_a_word),
        RIGGED(an_end_that_comes_too_early_is_refused_and_the_update_goes_on),
        RIGGED(without_a_beginning_there_is_neither_data_nor_an_end),
        RIGGED(data_behind_the_end_are_refused),
        RIGGED(an_aborted_update_never_writes_a_head),
        RIGGED(an_abort_waits_for_the_operation_that_runs),
        RIGGED(a_new_beginning_waits_for_what_the_old_update_left_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
