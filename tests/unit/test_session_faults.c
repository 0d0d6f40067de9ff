/* SPDX-License-Identifier: MIT */
/* update/ over a flash that fails, lies, or loses its power at every single operation. */
#include <string.h>

#include "tests/unit/update_rig.h"

static uint8_t old_image[RIG_IMAGE], new_image[RIG_IMAGE];
static struct update_rig rig;

/* A chip that runs the old image. */
static int open_rig(void **state)
{
    (void)state;
    rig_image(old_image, 1);
    rig_image(new_image, 2);
    rig_open(&rig, "pump");
    fake_flash_load(&rig.flash, RIG_BASE, old_image, sizeof old_image);
    assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static enum update_err update(const uint8_t *image)
{
    return rig_update(&rig, image, RIG_IMAGE, RIG_IMAGE, 1024);
}

/* Operations of an update from the old to the new image. */
static uint32_t count_ops(void)
{
    uint32_t ops;

    assert_int_equal(update(new_image), UPDATE_OK);
    ops = rig.flash.ops;
    assert_true(ops > 1000);
    return ops;
}

static void put_old_back(void)
{
    rig_restart(&rig);
    memset(rig.flash.array, 0xFF, RIG_BYTES);
    fake_flash_load(&rig.flash, RIG_BASE, old_image, sizeof old_image);
}

/* Whatever starts is a whole image. */
static void check_what_starts(void)
{
    if (rig_boot(&rig) <= BOOT_START_UNSEALED)
        assert_true(rig_holds(&rig, old_image, RIG_IMAGE) || rig_holds(&rig, new_image, RIG_IMAGE));
}

TEST(a_power_cut_at_any_operation_leaves_a_whole_image_or_none_and_the_next_update_works)
{
    uint32_t ops = count_ops();

    UNUSED_STATE;
    for (uint32_t seed = 0; seed < 3; seed++) {
        for (uint32_t cut = 1; cut <= ops; cut++) {
            put_old_back();
            rig.flash.cut_at = cut;
            rig.flash.seed = seed * 1000003U + cut;
            update(new_image);
            assert_true(rig.flash.dead);
            check_what_starts();
            if (cut > 1 && cut < ops)
                assert_false(rig_boot(&rig) <= BOOT_START_UNSEALED);
            rig_restart(&rig);
            assert_int_equal(update(new_image), UPDATE_OK);
            assert_true(rig_holds(&rig, new_image, RIG_IMAGE));
            assert_int_equal(rig_boot(&rig), BOOT_START_SEALED);
        }
    }
}

TEST(a_second_cut_during_the_repair_does_no_more_harm_than_the_first)
{
    uint32_t ops = count_ops();

    UNUSED_STATE;
    for (uint32_t cut = 1; cut <= ops; cut += 7) {
        put_old_back();
        rig.flash.cut_at = cut;
        rig.flash.seed = cut;
        update(new_image);
        rig_restart(&rig);
        rig.flash.cut_at = 1 + cut * 31 % ops;
        rig.flash.seed = ~cut;
        update(new_image);
        check_what_starts();
        rig_restart(&rig);
        assert_int_equal(update(new_image), UPDATE_OK);
        assert_true(rig_holds(&rig, new_image, RIG_IMAGE));
    }
}

TEST(a_failure_at_any_operation_is_reported_with_its_address_and_nothing_starts)
{
    uint32_t ops = count_ops();

    UNUSED_STATE;
    for (uint32_t at = 1; at <= ops; at += at < 20 || at > ops - 20 ? 1 : 17) {
        const struct update_status *st = session_status(&rig.session);
        struct fake_op op;

        put_old_back();
        rig.flash.fail_at = at;
        rig.flash.fail_result = FLASH_E_FAILED;
        update(new_image);
        op = rig.flash.log[at - 1];
        assert_int_equal(rig.flash.ops, at);
        assert_int_equal(st->phase, UPDATE_FAILED);
        assert_int_equal(st->err, op.kind == FAKE_ERASE ? UPDATE_E_ERASE : UPDATE_E_PROGRAM);
        assert_int_equal(st->fault_addr, op.addr);
        assert_int_equal(st->fault_sr, 0x80);
        assert_false(session_active(&rig.session));
        if (at > 1)
            assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
        else
            assert_true(rig_holds(&rig, old_image, RIG_IMAGE));
    }
}

TEST(each_kind_of_failure_has_its_error)
{
    static const struct { enum flash_result result; enum update_err err; } cases[] = {
        { FLASH_E_PROTECTED, UPDATE_E_PROTECTED }, { FLASH_E_TIMEOUT, UPDATE_E_BUSY },
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (uint32_t at = 1; at <= 2; at++) {      /* an erase, a word */
            put_old_back();
            rig.flash.fail_at = at;
            rig.flash.fail_result = cases[i].result;
            assert_int_equal(update(new_image), cases[i].err);
        }
    }
}

TEST(a_word_that_reads_back_wrong_is_an_error_though_the_flash_said_nothing)
{
    uint32_t ops = count_ops();

    UNUSED_STATE;
    for (uint32_t at = 1; at <= ops; at += at < 20 || at > ops - 20 ? 1 : 17) {
        struct fake_op op;

        put_old_back();
        rig.flash.lie_at = at;
        rig.flash.seed = at;
        update(new_image);
        op = rig.flash.log[at - 1];
        if (op.kind == FAKE_PROGRAM) {
            assert_int_equal(session_status(&rig.session)->err, UPDATE_E_PROGRAM);
            assert_int_equal(session_status(&rig.session)->fault_addr, op.addr);
        } else {
            assert_int_equal(session_status(&rig.session)->phase, UPDATE_FAILED);
        }
        assert_false(rig_boot(&rig) <= BOOT_START_UNSEALED);
    }
}

TEST(an_erase_that_leaves_the_old_head_ends_the_update_before_anything_else_is_touched)
{
    UNUSED_STATE;
    rig.flash.lie_at = 1;
    assert_int_equal(update(new_image), UPDATE_E_ERASE);
    assert_int_equal(rig.flash.ops, 1);
}

TEST(after_a_failure_a_new_beginning_works)
{
    UNUSED_STATE;
    rig.flash.fail_at = 100;
    rig.flash.fail_result = FLASH_E_FAILED;
    assert_int_equal(update(new_image), UPDATE_E_PROGRAM);
    assert_int_equal(update(new_image), UPDATE_OK);
    assert_int_equal(session_status(&rig.session)->err, UPDATE_OK);
    assert_true(rig_holds(&rig, new_image, RIG_IMAGE));
}

TEST(data_that_do_not_come_leave_the_bootloader_in_charge)
{
    UNUSED_STATE;
    for (uint32_t n = 1024; n < RIG_IMAGE; n += 1024) {
        put_old_back();
        session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
        rig_send(&rig, new_image, 0, n, 1024);
        for (unsigned i = 0; i < 1000; i++)
            session_poll(&rig.session, i * 1000U);
        assert_int_equal(rig_boot(&rig), BOOT_STAY_EMPTY);
    }
}

static void protect(uint32_t sectors)
{
    session_protect(&rig.session, sectors, 0);
    assert_true(session_active(&rig.session));
    assert_false(session_ready(&rig.session));
    rig_poll(&rig);
    assert_false(session_active(&rig.session));
}

TEST(a_protected_sector_refuses_an_update_before_anything_is_erased)
{
    UNUSED_STATE;
    for (uint32_t sectors = 1; sectors < 8; sectors++) {
        protect(sectors);
        assert_int_equal(flash_protected(&rig_area), sectors);
        assert_int_equal(update(new_image), UPDATE_E_PROTECTED);
    }
    assert_int_equal(rig.flash.erases, 0);
    assert_true(rig_holds(&rig, old_image, RIG_IMAGE));
    protect(0);
    assert_int_equal(update(new_image), UPDATE_OK);
    assert_int_equal(rig.flash.protections, 8);
}

TEST(protected_sectors_that_an_update_leaves_alone_do_no_harm)
{
    UNUSED_STATE;
    protect(4);
    session_begin(&rig.session, RIG_IMAGE, 3);
    assert_int_equal(rig_send(&rig, new_image, 0, rig_area.sector[2].addr - RIG_BASE, 1024), UPDATE_OK);
    assert_int_equal(rig.flash.erases, 2);
}

TEST(protected_sectors_behind_the_image_do_no_harm)
{
    static uint8_t raw[RIG_BYTES];
    uint32_t n = rig_area.sector[2].addr - RIG_BASE;

    UNUSED_STATE;
    rig_raw(raw, n, "pump");
    protect(4);
    assert_int_equal(rig_update(&rig, raw, n, n, 1024), UPDATE_OK);
    protect(2);
    assert_int_equal(rig_update(&rig, raw, n, n, 1024), UPDATE_E_PROTECTED);
}

TEST(an_update_is_dropped_by_a_change_of_the_protection_and_begins_anew_while_it_is_written)
{
    UNUSED_STATE;
    session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS);
    session_protect(&rig.session, 4, 0);
    assert_int_equal(session_status(&rig.session)->phase, UPDATE_IDLE);
    assert_int_equal(session_begin(&rig.session, RIG_IMAGE, SESSION_ALL_SECTORS), UPDATE_OK);
    assert_false(session_ready(&rig.session));
    rig_poll(&rig);
    assert_int_equal(flash_protected(&rig_area), 4);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(a_power_cut_at_any_operation_leaves_a_whole_image_or_none_and_the_next_update_works),
        RIGGED(a_second_cut_during_the_repair_does_no_more_harm_than_the_first),
        RIGGED(a_failure_at_any_operation_is_reported_with_its_address_and_nothing_starts),
        RIGGED(each_kind_of_failure_has_its_error),
        RIGGED(a_word_that_reads_back_wrong_is_an_error_though_the_flash_said_nothing),
        RIGGED(an_erase_that_leaves_the_old_head_ends_the_update_before_anything_else_is_touched),
        RIGGED(after_a_failure_a_new_beginning_works),
        RIGGED(data_that_do_not_come_leave_the_bootloader_in_charge),
        RIGGED(a_protected_sector_refuses_an_update_before_anything_is_erased),
        RIGGED(protected_sectors_that_an_update_leaves_alone_do_no_harm),
        RIGGED(protected_sectors_behind_the_image_do_no_harm),
        RIGGED(an_update_is_dropped_by_a_change_of_the_protection_and_begins_anew_while_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
