/* SPDX-License-Identifier: MIT */
/* libvcpboot as its users call it, against a device on a pseudo terminal. */
#include "tests/unit/cm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "host/lib/vcpboot.h"
#include "tests/unit/fake_vcp.h"
#include "tests/unit/make_image.h"

#define LENGTH 0x19004U

struct desk {
    char folder[64];
    struct fake_vcp device;
    vcpboot *v;
    uint8_t old[LENGTH], new[LENGTH];
    uint32_t cancel_at;                 /* done bytes at which the progress function cancels; 0: never */
    uint32_t phases;                    /* a bit for each that was reported */
};

static void make(uint8_t *out, uint32_t seed, const char *product, bool sealed)
{
    const struct image_recipe r = {
        .base = FAKE_VCP_BASE, .bytes = LENGTH, .seed = seed, .sealed = sealed, .product = product, .info_at = 0x200,
    };

    make_image(out, &r);
}

static int on_progress(void *user, int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text)
{
    struct desk *k = user;

    (void)rest_ms;
    assert_non_null(text);
    assert_true(done <= total);
    k->phases |= 1U << phase;
    return k->cancel_at != 0 && done >= k->cancel_at;
}

static struct desk *desk_open(void)
{
    struct desk *k = calloc(1, sizeof *k);

    assert_non_null(k);
    (void)snprintf(k->folder, sizeof k->folder, "%s", P_tmpdir "/vcpboot-test-XXXXXX");
    assert_non_null(mkdtemp(k->folder));
    fake_vcp_init(&k->device, k->folder);
    make(k->old, 1, "thing", true);
    make(k->new, 2, "thing", true);
    k->v = vcpboot_new();
    assert_non_null(k->v);
    assert_int_equal(vcpboot_set_port(k->v, k->device.link), VCPBOOT_OK);
    vcpboot_set_progress(k->v, on_progress, k);
    return k;
}

static void desk_end(struct desk *k)
{
    vcpboot_close(k->v);
    fake_vcp_end(&k->device);
}

static void desk_close(struct desk *k)
{
    vcpboot_free(k->v);
    fake_vcp_free(&k->device);
    (void)rmdir(k->folder);
    free(k);
}

static void start_with_old_application(struct desk *k)
{
    fake_flash_load(&k->device.flash, FAKE_VCP_BASE, k->old, LENGTH);
    k->device.application = true;
    fake_vcp_start(&k->device);
}

static int update(struct desk *k, const uint8_t *image, uint32_t flags)
{
    vcpboot_image *loaded;

    assert_int_equal(vcpboot_image_load_memory(k->v, image, LENGTH, "new.bin", &loaded), VCPBOOT_OK);
    int code = vcpboot_update(k->v, loaded, flags);
    vcpboot_image_free(loaded);
    return code;
}

static int verify(struct desk *k, const uint8_t *image)
{
    vcpboot_image *loaded;

    assert_int_equal(vcpboot_image_load_memory(k->v, image, LENGTH, "new.bin", &loaded), VCPBOOT_OK);
    int code = vcpboot_verify(k->v, loaded, 0);
    vcpboot_image_free(loaded);
    return code;
}

static void assert_code(const struct desk *k, int code, int wanted)
{
    if (code != wanted) fail_msg("%d instead of %d: %s", code, wanted, vcpboot_error_message(k->v));
}

static struct vcpboot_report report(const struct desk *k)
{
    struct vcpboot_report r = { .size = sizeof r };

    assert_int_equal(vcpboot_get_report(k->v, &r), VCPBOOT_OK);
    return r;
}

/* --- updates ---------------------------------------------------------------------------------------------------------------- */

TEST(a_running_application_is_replaced_and_the_new_one_is_waited_for)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    start_with_old_application(k);
    assert_code(k, update(k, k->new, 0), VCPBOOT_OK);
    desk_end(k);
    assert_true(k->device.in_application);
    assert_memory_equal(k->device.flash.array, k->new, LENGTH);
    assert_true(k->phases & 1U << VCPBOOT_PHASE_PROGRAM);
    assert_true(k->phases & 1U << VCPBOOT_PHASE_RESTART);
    desk_close(k);
}

TEST(a_raw_image_goes_into_a_blank_device)
{
    struct desk *k = desk_open();
    uint8_t raw[LENGTH];

    UNUSED_STATE;
    make(raw, 2, "thing", false);
    fake_vcp_start(&k->device);
    assert_code(k, update(k, raw, 0), VCPBOOT_OK);
    desk_end(k);
    assert_memory_equal(k->device.flash.array, k->new, LENGTH);
    desk_close(k);
}

TEST(an_application_that_answers_nothing_is_asked_away_all_the_same)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    k->device.deaf_application = true;
    start_with_old_application(k);
    assert_code(k, update(k, k->new, 0), VCPBOOT_OK);
    desk_end(k);
    assert_memory_equal(k->device.flash.array, k->new, LENGTH);
    desk_close(k);
}

TEST(the_same_image_again_writes_nothing)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    start_with_old_application(k);
    assert_code(k, update(k, k->old, 0), VCPBOOT_OK);
    assert_int_equal(report(k).up_to_date, 1);
    assert_int_equal(report(k).sent_bytes, 0);
    desk_end(k);
    assert_true(k->device.in_application);
    desk_close(k);
}

TEST(a_port_that_vanishes_is_found_again_and_the_update_goes_on)
{
    static const uint32_t at[] = { 100, 5000, 30000, 70000, 100000 };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(at); i++) {
        struct desk *k = desk_open();
        k->device.unplug_after_bytes = at[i];
        fake_vcp_start(&k->device);
        assert_code(k, update(k, k->new, 0), VCPBOOT_OK);
        assert_true(report(k).sent_bytes < 2U * LENGTH);
        desk_end(k);
        assert_memory_equal(k->device.flash.array, k->new, LENGTH);
        desk_close(k);
    }
}

TEST(a_device_that_loses_its_power_is_found_again_and_the_update_goes_on)
{
    UNUSED_STATE;
    for (uint32_t op = 1; op < 26000U; op += 5003U) {
        struct desk *k = desk_open();
        fake_flash_load(&k->device.flash, FAKE_VCP_BASE, k->old, LENGTH);
        k->device.boot_resets_at_op = op;
        fake_vcp_start(&k->device);
        assert_code(k, update(k, k->new, 0), VCPBOOT_OK);
        assert_int_equal(report(k).resumes, 1);
        desk_end(k);
        assert_memory_equal(k->device.flash.array, k->new, LENGTH);
        desk_close(k);
    }
}

TEST(a_cancelled_update_goes_on_with_the_next)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    start_with_old_application(k);
    k->cancel_at = LENGTH / 2U;
    assert_code(k, update(k, k->new, 0), VCPBOOT_E_CANCELLED);
    assert_non_null(strstr(vcpboot_error_message(k->v), "stays in the bootloader"));
    k->cancel_at = 0;
    assert_code(k, update(k, k->new, 0), VCPBOOT_OK);
    assert_true(report(k).sent_bytes <= LENGTH - 0x8000U);
    desk_end(k);
    assert_memory_equal(k->device.flash.array, k->new, LENGTH);
    desk_close(k);
}

TEST(a_cancellation_before_the_call_ends_it_at_once_and_only_that_call)
{
    struct desk *k = desk_open();
    struct vcpboot_info info = { .size = sizeof info };

    UNUSED_STATE;
    fake_vcp_start(&k->device);
    vcpboot_cancel(k->v);
    assert_code(k, vcpboot_get_info(k->v, &info), VCPBOOT_E_CANCELLED);
    assert_code(k, vcpboot_get_info(k->v, &info), VCPBOOT_OK);
    desk_end(k);
    desk_close(k);
}

/* --- refusals ---------------------------------------------------------------------------------------------------------------- */

TEST(another_products_image_is_refused_unless_forced)
{
    struct desk *k = desk_open();
    uint8_t other[LENGTH];

    UNUSED_STATE;
    make(other, 3, "gadget", true);
    start_with_old_application(k);
    assert_code(k, update(k, other, 0), VCPBOOT_E_IMAGE);
    assert_non_null(strstr(vcpboot_error_message(k->v), "gadget"));
    assert_non_null(strstr(vcpboot_error_message(k->v), "thing"));
    assert_code(k, update(k, other, VCPBOOT_FORCE), VCPBOOT_OK);
    desk_end(k);
    assert_memory_equal(k->device.flash.array, other, LENGTH);
    desk_close(k);
}

TEST(an_image_linked_elsewhere_is_refused_and_the_application_runs_on)
{
    struct desk *k = desk_open();
    uint8_t elsewhere[LENGTH];
    const struct image_recipe r = { .base = 0x08000000U, .bytes = LENGTH, .seed = 4 };

    UNUSED_STATE;
    make_image(elsewhere, &r);
    start_with_old_application(k);
    assert_code(k, update(k, elsewhere, 0), VCPBOOT_E_IMAGE);
    struct vcpboot_info info = { .size = sizeof info };
    assert_code(k, vcpboot_get_info(k->v, &info), VCPBOOT_OK);
    assert_int_equal(info.mode, VCPBOOT_MODE_APPLICATION);
    desk_end(k);
    assert_int_equal(k->device.flash.ops, 0);
    assert_memory_equal(k->device.flash.array, k->old, LENGTH);
    desk_close(k);
}

TEST(an_application_that_does_not_come_back_is_a_failure_unless_nobody_waits)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    k->device.no_application = true;
    fake_vcp_start(&k->device);
    assert_int_equal(vcpboot_set_timeouts(k->v, 0, 1000), VCPBOOT_OK);
    assert_code(k, update(k, k->new, 0), VCPBOOT_E_NO_APPLICATION);
    desk_end(k);
    assert_memory_equal(k->device.flash.array, k->new, LENGTH);
    desk_close(k);
}

TEST(an_application_that_ignores_the_touch_is_reported)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    k->device.ignores_touch = true;
    start_with_old_application(k);
    assert_int_equal(vcpboot_set_timeouts(k->v, 0, 1500), VCPBOOT_OK);
    assert_code(k, update(k, k->new, 0), VCPBOOT_E_LOST);
    assert_non_null(strstr(vcpboot_error_message(k->v), "1200"));
    desk_end(k);
    assert_true(k->device.touches > 0);
    assert_memory_equal(k->device.flash.array, k->old, LENGTH);
    desk_close(k);
}

TEST(a_port_that_somebody_holds_and_one_that_is_not_there_have_their_own_codes)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    fake_vcp_start(&k->device);
    int other = open(k->device.link, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(flock(other, LOCK_EX), 0);
    assert_code(k, vcpboot_open(k->v), VCPBOOT_E_BUSY);
    (void)close(other);
    assert_code(k, vcpboot_open(k->v), VCPBOOT_OK);
    assert_int_equal(vcpboot_set_port(k->v, "/nonexistent/ttyACM0"), VCPBOOT_OK);
    assert_code(k, vcpboot_open(k->v), VCPBOOT_E_NO_DEVICE);
    assert_int_equal(vcpboot_set_port(k->v, "/dev/null"), VCPBOOT_OK);
    assert_code(k, vcpboot_open(k->v), VCPBOOT_E_FAILED);
    desk_end(k);
    desk_close(k);
}

/* --- the other calls ------------------------------------------------------------------------------------------------------------ */

TEST(verify_tells_the_same_from_another_and_returns_to_the_application)
{
    struct desk *k = desk_open();

    UNUSED_STATE;
    start_with_old_application(k);
    assert_code(k, verify(k, k->old), VCPBOOT_OK);
    assert_code(k, verify(k, k->new), VCPBOOT_E_DIFFERS);
    desk_end(k);
    assert_true(k->device.in_application);
    assert_memory_equal(k->device.flash.array, k->old, LENGTH);
    desk_close(k);
}

TEST(reboot_read_and_info_do_what_they_say)
{
    struct desk *k = desk_open();
    struct vcpboot_info info = { .size = sizeof info };
    uint8_t back[3000];

    UNUSED_STATE;
    start_with_old_application(k);
    assert_code(k, vcpboot_reboot(k->v, VCPBOOT_TO_BOOTLOADER, 0), VCPBOOT_OK);
    assert_code(k, vcpboot_get_info(k->v, &info), VCPBOOT_OK);
    assert_int_equal(info.mode, VCPBOOT_MODE_BOOTLOADER);
    assert_string_equal(info.product, "thing");
    assert_int_equal(info.image_bytes, LENGTH);
    assert_code(k, vcpboot_read(k->v, 77, back, sizeof back), VCPBOOT_OK);
    assert_memory_equal(back, k->old + 77, sizeof back);
    assert_code(k, vcpboot_reboot(k->v, VCPBOOT_TO_APPLICATION, 0), VCPBOOT_OK);
    assert_code(k, vcpboot_get_info(k->v, &info), VCPBOOT_OK);
    assert_int_equal(info.mode, VCPBOOT_MODE_APPLICATION);
    desk_end(k);
    desk_close(k);
}

TEST(a_bootloader_without_the_other_loaders_is_not_asked_for_them)
{
    struct desk *k = desk_open();
    struct vcpboot_info info = { .size = sizeof info };

    UNUSED_STATE;
    start_with_old_application(k);
    assert_code(k, vcpboot_reboot(k->v, VCPBOOT_TO_DFU, 0), VCPBOOT_E_REFUSED);
    assert_non_null(strstr(vcpboot_error_message(k->v), "DfuSe"));
    assert_code(k, vcpboot_reboot(k->v, VCPBOOT_TO_ROM, 0), VCPBOOT_E_REFUSED);
    assert_non_null(strstr(vcpboot_error_message(k->v), "system loader"));
    assert_code(k, vcpboot_reboot(k->v, 4, 0), VCPBOOT_E_USAGE);
    assert_code(k, vcpboot_get_info(k->v, &info), VCPBOOT_OK);
    assert_int_equal(info.mode, VCPBOOT_MODE_BOOTLOADER);
    desk_end(k);
    desk_close(k);
}

TEST(a_caller_with_a_shorter_struct_gets_no_more_than_it_has_room_for)
{
    struct desk *k = desk_open();
    struct vcpboot_report r;

    UNUSED_STATE;
    memset(&r, 0x5A, sizeof r);
    r.size = 8;
    assert_int_equal(vcpboot_get_report(k->v, &r), VCPBOOT_OK);
    assert_int_equal(r.sent_bytes, 0x5A5A5A5A);
    r.size = 0;
    assert_int_equal(vcpboot_get_report(k->v, &r), VCPBOOT_E_USAGE);
    desk_close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_application_is_replaced_and_the_new_one_is_waited_for),
        cmocka_unit_test(a_raw_image_goes_into_a_blank_device),
        cmocka_unit_test(an_application_that_answers_nothing_is_asked_away_all_the_same),
        cmocka_unit_test(the_same_image_again_writes_nothing),
        cmocka_unit_test(a_port_that_vanishes_is_found_again_and_the_update_goes_on),
        cmocka_unit_test(a_device_that_loses_its_power_is_found_again_and_the_update_goes_on),
        cmocka_unit_test(a_cancelled_update_goes_on_with_the_next),
        cmocka_unit_test(a_cancellation_before_the_call_ends_it_at_once_and_only_that_call),
        cmocka_unit_test(another_products_image_is_refused_unless_forced),
        cmocka_unit_test(an_image_linked_elsewhere_is_refused_and_the_application_runs_on),
        cmocka_unit_test(an_application_that_does_not_come_back_is_a_failure_unless_nobody_waits),
        cmocka_unit_test(an_application_that_ignores_the_touch_is_reported),
        cmocka_unit_test(a_port_that_somebody_holds_and_one_that_is_not_there_have_their_own_codes),
        cmocka_unit_test(verify_tells_the_same_from_another_and_returns_to_the_application),
        cmocka_unit_test(reboot_read_and_info_do_what_they_say),
        cmocka_unit_test(a_bootloader_without_the_other_loaders_is_not_asked_for_them),
        cmocka_unit_test(a_caller_with_a_shorter_struct_gets_no_more_than_it_has_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
