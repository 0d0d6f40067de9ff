/* SPDX-License-Identifier: MIT */
/* The PC's session core against the bootloader's serve. */
#include "tests/unit/cm.h"
#include "tests/unit/client_rig.h"

#include <stdlib.h>
#include <string.h>

#include "image/seal.h"
#include "update/status.h"

#define LENGTH 0x19004U                 /* into the fourth sector */
#define UPDATE_MS 120000U

struct bench { struct client_rig rig; uint8_t image[CLIENT_RIG_BYTES]; struct plan plan; };

static struct bench *bench_open(uint32_t seed)
{
    struct bench *b = calloc(1, sizeof *b);

    assert_non_null(b);
    client_rig_open(&b->rig);
    client_rig_image(b->image, LENGTH, seed);
    return b;
}

static void bench_close(struct bench *b)
{
    client_rig_close(&b->rig);
    free(b);
}

static void start(struct bench *b)
{
    const struct client_update what = { b->image, LENGTH, b->plan.sectors };

    client_update(&b->rig.client, b->rig.now_ms, &what);
}

static enum client_state update(struct bench *b)
{
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    b->rig.client.sent_bytes = 0;
    start(b);
    return client_rig_run(&b->rig, UPDATE_MS);
}

static void assert_installed(const struct bench *b) { assert_memory_equal(b->rig.flash.array, b->image, LENGTH); }

/* Runs until at least `bytes` of the update are programmed. */
static void run_until_done_bytes(struct bench *b, uint32_t bytes)
{
    for (uint32_t ms = 0; ms < UPDATE_MS && client_done_bytes(&b->rig.client) < bytes; ms++) {
        assert_int_equal(b->rig.client.state, CLIENT_BUSY);
        client_rig_step(&b->rig);
    }
    assert_true(client_done_bytes(&b->rig.client) >= bytes);
}

/* --- requests ------------------------------------------------------------------------------------------------------------ */

TEST(hello_tells_what_the_device_is)
{
    struct bench *b = bench_open(1);
    const struct native_hello *h = &b->rig.client.hello;

    UNUSED_STATE;
    client_hello(&b->rig.client, b->rig.now_ms, 1);
    assert_int_equal(client_rig_run(&b->rig, 100), CLIENT_DONE);
    assert_int_equal(h->mode, 0);
    assert_int_equal(h->app_base, CLIENT_RIG_BASE);
    assert_int_equal(h->app_bytes, CLIENT_RIG_BYTES);
    assert_int_equal(h->sectors, 4);
    assert_int_equal(h->sector_kb[3], 64);
    bench_close(b);
}

TEST(a_silent_wire_fails_after_the_last_try_and_not_before)
{
    struct bench *b = bench_open(1);

    UNUSED_STATE;
    b->rig.to_device.cut = true;
    client_hello(&b->rig.client, b->rig.now_ms, 3);
    assert_int_equal(client_rig_run(&b->rig, 2990), CLIENT_BUSY);
    assert_int_equal(client_rig_run(&b->rig, 20), CLIENT_FAILED);
    assert_int_equal(b->rig.client.failure, CLIENT_E_SILENT);
    bench_close(b);
}

TEST(a_request_that_is_lost_is_sent_again)
{
    struct bench *b = bench_open(1);

    UNUSED_STATE;
    b->rig.to_device.cut = true;
    client_hello(&b->rig.client, b->rig.now_ms, 3);
    assert_int_equal(client_rig_run(&b->rig, 500), CLIENT_BUSY);
    b->rig.to_device.cut = false;
    assert_int_equal(client_rig_run(&b->rig, 600), CLIENT_DONE);
    bench_close(b);
}

TEST(the_answer_to_an_earlier_request_is_not_taken_for_this_one)
{
    struct bench *b = bench_open(1);
    uint8_t late[NATIVE_FRAME_MAX], payload[12] = { 0 };

    UNUSED_STATE;
    b->rig.to_device.cut = true;
    client_digest(&b->rig.client, b->rig.now_ms, LENGTH);
    size_t n = native_encode(late, sizeof late, NATIVE_DIGEST | NATIVE_ANSWER, (uint8_t)(b->rig.client.seq - 1U), payload, sizeof payload);
    client_input(&b->rig.client, late, n, b->rig.now_ms);
    assert_int_equal(b->rig.client.state, CLIENT_BUSY);
    bench_close(b);
}

TEST(its_own_bytes_sent_back_and_junk_are_no_answer)
{
    struct bench *b = bench_open(1);
    uint8_t echo[NATIVE_FRAME_MAX];
    static const uint8_t junk[] = "AT\r\r\nOK\r\n\xA5\x56\x81";

    UNUSED_STATE;
    client_hello(&b->rig.client, b->rig.now_ms, 2);
    size_t n = client_output(&b->rig.client, echo, sizeof echo, b->rig.now_ms);
    client_input(&b->rig.client, echo, n, b->rig.now_ms);
    client_input(&b->rig.client, junk, sizeof junk, b->rig.now_ms);
    assert_int_equal(b->rig.client.state, CLIENT_BUSY);
    assert_int_equal(client_rig_run(&b->rig, 1500), CLIENT_DONE);       /* the second try is understood in spite of the junk */
    bench_close(b);
}

TEST(an_answer_with_an_impossible_content_is_garbled)
{
    struct bench *b = bench_open(1);
    uint8_t frame[NATIVE_FRAME_MAX], payload[7] = { 0 };

    UNUSED_STATE;
    client_digest(&b->rig.client, b->rig.now_ms, LENGTH);
    size_t n = native_encode(frame, sizeof frame, NATIVE_DIGEST | NATIVE_ANSWER, b->rig.client.seq, payload, sizeof payload);
    client_input(&b->rig.client, frame, n, b->rig.now_ms);
    assert_int_equal(b->rig.client.state, CLIENT_FAILED);
    assert_int_equal(b->rig.client.failure, CLIENT_E_GARBLED);
    bench_close(b);
}

TEST(more_digests_than_a_flash_has_sectors_are_garbled)
{
    struct bench *b = bench_open(1);
    uint8_t frame[NATIVE_FRAME_MAX], payload[4U + 4U * (CLIENT_DIGESTS_MAX + 1U)] = { 0 };

    UNUSED_STATE;
    client_digest(&b->rig.client, b->rig.now_ms, LENGTH);
    size_t n = native_encode(frame, sizeof frame, NATIVE_DIGEST | NATIVE_ANSWER, b->rig.client.seq, payload, sizeof payload);
    client_input(&b->rig.client, frame, n, b->rig.now_ms);
    assert_int_equal(b->rig.client.state, CLIENT_FAILED);
    bench_close(b);
}

TEST(read_gives_the_bytes_that_are_in_the_flash)
{
    struct bench *b = bench_open(1);

    UNUSED_STATE;
    fake_flash_load(&b->rig.flash, CLIENT_RIG_BASE, b->image, LENGTH);
    client_read(&b->rig.client, b->rig.now_ms, 1001, 1024);
    assert_int_equal(client_rig_run(&b->rig, 1000), CLIENT_DONE);
    assert_int_equal(b->rig.client.read_count, 1024);
    assert_memory_equal(b->rig.client.read_bytes, b->image + 1001, 1024);
    bench_close(b);
}

/* --- updates -------------------------------------------------------------------------------------------------------------- */

TEST(over_a_good_wire_every_byte_is_sent_once)
{
    struct bench *b = bench_open(1);

    UNUSED_STATE;
    assert_int_equal(update(b), CLIENT_DONE);
    assert_installed(b);
    assert_int_equal(b->rig.client.sent_bytes, LENGTH - SEAL_HEAD_BYTES);
    assert_int_equal(client_done_bytes(&b->rig.client), client_total_bytes(&b->rig.client));
    bench_close(b);
}

TEST(no_more_than_the_window_is_ever_in_flight)
{
    struct bench *b = bench_open(1);
    size_t frames = CLIENT_RIG_WINDOW / NATIVE_DATA_MAX;

    UNUSED_STATE;
    assert_int_equal(update(b), CLIENT_DONE);
    assert_true(b->rig.to_device.most <= CLIENT_RIG_WINDOW + (frames + 2U) * (NATIVE_FRAME_MAX - NATIVE_DATA_MAX));
    assert_true(b->rig.to_device.most > CLIENT_RIG_WINDOW / 2U);       /* and the window is used */
    bench_close(b);
}

TEST(over_a_bad_wire_the_update_ends_whole_all_the_same)
{
    UNUSED_STATE;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct bench *b = bench_open(seed);
        client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
        b->rig.to_device.random = b->rig.to_pc.random = seed;
        b->rig.to_device.bad_one_in = 12000U;
        b->rig.to_pc.bad_one_in = seed % 3U == 0 ? 60U : 400U;
        start(b);
        assert_int_equal(client_rig_run(&b->rig, 600000), CLIENT_DONE);
        assert_installed(b);
        bench_close(b);
    }
}

TEST(a_lost_frame_costs_about_a_window_and_not_the_update)
{
    struct bench *b = bench_open(3);
    uint8_t lost[4096];

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    start(b);
    run_until_done_bytes(b, 20000);
    b->rig.client.sent_bytes = 0;
    uint32_t rest = LENGTH - b->rig.client.transfer.sent;
    (void)client_output(&b->rig.client, lost, sizeof lost, b->rig.now_ms);
    assert_int_equal(client_rig_run(&b->rig, UPDATE_MS), CLIENT_DONE);
    assert_installed(b);
    assert_true(b->rig.client.sent_bytes <= rest + 3U * CLIENT_RIG_WINDOW);
    bench_close(b);
}

TEST(only_the_sectors_that_differ_are_sent)
{
    struct bench *b = bench_open(4);

    UNUSED_STATE;
    assert_int_equal(update(b), CLIENT_DONE);
    fake_flash_load(&b->rig.flash, CLIENT_RIG_BASE + 0x8000, (const uint8_t[]){ 0, 0, 0, 0 }, 4);
    assert_int_equal(update(b), CLIENT_DONE);
    assert_int_equal(b->plan.sectors, 0x5);     /* the first goes along: its head is not blank */
    assert_int_equal(b->rig.client.sent_bytes, 0x4000 - SEAL_HEAD_BYTES + 0x8000);
    assert_installed(b);
    bench_close(b);
}

TEST(what_is_installed_already_has_an_empty_plan)
{
    struct bench *b = bench_open(5);

    UNUSED_STATE;
    assert_int_equal(update(b), CLIENT_DONE);
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    assert_true(b->plan.same);
    assert_true(b->plan.startable);
    bench_close(b);
}

TEST(an_image_that_differs_in_its_head_alone_is_not_the_same)
{
    struct bench *b = bench_open(5);

    UNUSED_STATE;
    fake_flash_load(&b->rig.flash, CLIENT_RIG_BASE, b->image, LENGTH);
    fake_flash_load(&b->rig.flash, CLIENT_RIG_BASE + 8U, (const uint8_t[]){ 0x41, 0, 1, 8 }, 4);
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    assert_false(b->plan.same);
    assert_int_equal(b->plan.sectors, 0x1);
    bench_close(b);
}

TEST(a_revoked_image_is_the_same_but_is_written_again)
{
    struct bench *b = bench_open(5);

    UNUSED_STATE;
    fake_flash_load(&b->rig.flash, CLIENT_RIG_BASE, b->image, LENGTH);
    fake_flash_load(&b->rig.flash, CLIENT_RIG_BASE + SEAL_AT_LIFE, (const uint8_t[]){ 0xFF, 0xFF, 0xFE, 0xFF }, 4);
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    assert_true(b->plan.same);
    assert_false(b->plan.startable);
    assert_int_equal(b->plan.sectors, 0x1);
    bench_close(b);
}

TEST(after_a_cut_in_the_commit_only_the_head_is_written)
{
    struct bench *b = bench_open(6);

    UNUSED_STATE;
    fake_flash_load(&b->rig.flash, CLIENT_RIG_BASE + SEAL_HEAD_BYTES, b->image + SEAL_HEAD_BYTES, LENGTH - SEAL_HEAD_BYTES);
    assert_int_equal(update(b), CLIENT_DONE);
    assert_int_equal(b->plan.sectors, 0);
    assert_int_equal(b->rig.client.sent_bytes, 0);
    assert_int_equal(b->rig.flash.erases, 0);
    assert_installed(b);
    bench_close(b);
}

TEST(a_client_that_was_killed_is_followed_by_one_that_goes_on)
{
    struct bench *b = bench_open(7);

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    start(b);
    run_until_done_bytes(b, 0x4000 + 0x4000 + 0x2000);
    client_init(&b->rig.client, 1000);
    assert_int_equal(update(b), CLIENT_DONE);
    assert_int_equal(b->plan.sectors & 0x3U, 0);
    assert_true(b->rig.client.sent_bytes <= LENGTH - 0x8000);
    assert_installed(b);
    bench_close(b);
}

TEST(a_device_that_was_reset_in_mid_update_is_noticed_and_can_be_resumed)
{
    struct bench *b = bench_open(8);

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    start(b);
    run_until_done_bytes(b, 0x6000);
    client_rig_restart_device(&b->rig);
    assert_int_equal(client_rig_run(&b->rig, 20000), CLIENT_FAILED);
    assert_int_equal(b->rig.client.failure, CLIENT_E_REFUSED);
    assert_int_equal(b->rig.client.status.err, UPDATE_E_STATE);
    client_init(&b->rig.client, 1000);
    assert_int_equal(update(b), CLIENT_DONE);
    assert_installed(b);
    bench_close(b);
}

TEST(a_device_that_falls_silent_is_given_up_in_bounded_time)
{
    struct bench *b = bench_open(9);

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    start(b);
    run_until_done_bytes(b, 0x6000);
    b->rig.to_pc.cut = true;
    assert_int_equal(client_rig_run(&b->rig, CLIENT_RIG_ERASE_MAX_MS + 6000U), CLIENT_FAILED);
    assert_int_equal(b->rig.client.failure, CLIENT_E_SILENT);
    bench_close(b);
}

TEST(a_device_that_claims_an_endless_erase_is_given_up_all_the_same)
{
    struct bench *b = bench_open(9);

    UNUSED_STATE;
    b->rig.serve.set.self.erase_max_ms = UINT32_MAX / 2U;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    start(b);
    run_until_done_bytes(b, 0x6000);
    b->rig.to_pc.cut = true;
    assert_int_equal(client_rig_run(&b->rig, CLIENT_ERASE_MAX_MS + 6000U), CLIENT_FAILED);
    assert_int_equal(b->rig.client.failure, CLIENT_E_SILENT);
    bench_close(b);
}

TEST(the_last_data_frame_may_be_lost_so_that_finish_comes_too_early)
{
    struct bench *b = bench_open(13);
    uint8_t lost[NATIVE_FRAME_MAX];

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    start(b);
    while (LENGTH - b->rig.client.transfer.sent > NATIVE_DATA_MAX) {
        assert_int_equal(b->rig.client.state, CLIENT_BUSY);
        client_rig_step_with_room(&b->rig, NATIVE_FRAME_MAX - 16U);
    }
    while (b->rig.client.frame_at != b->rig.client.frame_bytes)
        client_rig_step_with_room(&b->rig, b->rig.client.frame_bytes - b->rig.client.frame_at);
    while (client_output(&b->rig.client, lost, 1, b->rig.now_ms) == 0) client_rig_step_with_room(&b->rig, 0);
    (void)client_output(&b->rig.client, lost, b->rig.client.frame_bytes - b->rig.client.frame_at, b->rig.now_ms);
    assert_int_equal(b->rig.client.transfer.sent, LENGTH);
    assert_int_equal(client_rig_run(&b->rig, 20000), CLIENT_DONE);
    assert_installed(b);
    bench_close(b);
}

TEST(the_last_status_may_be_lost)
{
    struct bench *b = bench_open(10);

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    start(b);
    run_until_done_bytes(b, LENGTH - SEAL_HEAD_BYTES - 2048U);
    b->rig.to_pc.cut = true;
    (void)client_rig_run(&b->rig, 1500);
    assert_int_equal(session_status(&b->rig.session)->phase, UPDATE_DONE);
    b->rig.to_pc.cut = false;
    assert_int_equal(client_rig_run(&b->rig, 5000), CLIENT_DONE);
    assert_installed(b);
    bench_close(b);
}

TEST(a_refused_head_ends_the_update_before_anything_is_erased)
{
    struct bench *b = bench_open(11);

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    memset(b->image + 4, 0, 4);                 /* an impossible reset vector */
    start(b);
    assert_int_equal(client_rig_run(&b->rig, 5000), CLIENT_FAILED);
    assert_int_equal(b->rig.client.failure, CLIENT_E_REFUSED);
    assert_int_equal(b->rig.client.status.err, UPDATE_E_IMAGE_VECTORS);
    assert_int_equal(b->rig.flash.ops, 0);
    bench_close(b);
}

TEST(a_flash_error_comes_back_with_its_address)
{
    struct bench *b = bench_open(12);

    UNUSED_STATE;
    client_rig_prepare(&b->rig, b->image, LENGTH, &b->plan);
    b->rig.flash.fail_at = 1000;
    b->rig.flash.fail_result = FLASH_E_FAILED;
    start(b);
    assert_int_equal(client_rig_run(&b->rig, UPDATE_MS), CLIENT_FAILED);
    assert_int_equal(b->rig.client.failure, CLIENT_E_REFUSED);
    assert_int_equal(b->rig.client.status.err, UPDATE_E_PROGRAM);
    assert_int_equal(b->rig.client.status.next, b->rig.flash.log[999].addr);
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_tells_what_the_device_is),
        cmocka_unit_test(a_silent_wire_fails_after_the_last_try_and_not_before),
        cmocka_unit_test(a_request_that_is_lost_is_sent_again),
        cmocka_unit_test(the_answer_to_an_earlier_request_is_not_taken_for_this_one),
        cmocka_unit_test(its_own_bytes_sent_back_and_junk_are_no_answer),
        cmocka_unit_test(an_answer_with_an_impossible_content_is_garbled),
        cmocka_unit_test(more_digests_than_a_flash_has_sectors_are_garbled),
        cmocka_unit_test(read_gives_the_bytes_that_are_in_the_flash),
        cmocka_unit_test(over_a_good_wire_every_byte_is_sent_once),
        cmocka_unit_test(no_more_than_the_window_is_ever_in_flight),
        cmocka_unit_test(over_a_bad_wire_the_update_ends_whole_all_the_same),
        cmocka_unit_test(a_lost_frame_costs_about_a_window_and_not_the_update),
        cmocka_unit_test(only_the_sectors_that_differ_are_sent),
        cmocka_unit_test(what_is_installed_already_has_an_empty_plan),
        cmocka_unit_test(an_image_that_differs_in_its_head_alone_is_not_the_same),
        cmocka_unit_test(a_revoked_image_is_the_same_but_is_written_again),
        cmocka_unit_test(after_a_cut_in_the_commit_only_the_head_is_written),
        cmocka_unit_test(a_client_that_was_killed_is_followed_by_one_that_goes_on),
        cmocka_unit_test(a_device_that_was_reset_in_mid_update_is_noticed_and_can_be_resumed),
        cmocka_unit_test(a_device_that_falls_silent_is_given_up_in_bounded_time),
        cmocka_unit_test(a_device_that_claims_an_endless_erase_is_given_up_all_the_same),
        cmocka_unit_test(the_last_data_frame_may_be_lost_so_that_finish_comes_too_early),
        cmocka_unit_test(the_last_status_may_be_lost),
        cmocka_unit_test(a_refused_head_ends_the_update_before_anything_is_erased),
        cmocka_unit_test(a_flash_error_comes_back_with_its_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
