/* SPDX-License-Identifier: MIT */
/* The device's YMODEM side, with a real session over the fake flash: raw and sealed files, calls, refusals, other clients. */
#include <string.h>

#include "image/bytes.h"
#include "tests/unit/cm.h"
#include "tests/unit/serve_rig.h"

#define FILE_BYTES 0x6A00U              /* a multiple of every block size */

static struct rig rig;
static uint8_t file[RIG_AREA_BYTES + 1024];

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, NATIVE_CAP_UPDATE | NATIVE_CAP_READ);
    rig_image(file, FILE_BYTES, 7, false);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void open_port(void)
{
    serve_opened(&rig.serve, rig.now_ms);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
}

/* What flash must hold: the file, but for the five words of the seal. */
static void assert_sealed_in_flash(size_t n)
{
    const uint8_t *flash = rig.flash.array;

    assert_memory_equal(flash, file, SEAL_AT_MAGIC);
    assert_memory_equal(flash + SEAL_HEAD_BYTES, file + SEAL_HEAD_BYTES, n - SEAL_HEAD_BYTES);
    assert_int_equal(load_le32(flash + SEAL_AT_MAGIC), SEAL_MAGIC);
    assert_int_equal(load_le32(flash + SEAL_AT_LENGTH), (n + 3) / 4 * 4);
    assert_int_equal(load_le32(flash + SEAL_AT_LIFE), LIFE_FRESH);
}

/* Everything the device says within ms, as text. */
static const char *listen(uint32_t ms)
{
    static char text[512];
    size_t n = 0;
    uint32_t until = rig.now_ms + ms;
    int c;

    while ((int32_t)(until - rig.now_ms) > 0 && (c = rig_get(&rig, until - rig.now_ms)) >= 0) {
        if (n < sizeof text - 1) {
            text[n++] = (char)c;
        }
    }
    text[n] = '\0';
    return text;
}

TEST(a_raw_file_is_sealed_and_started)
{
    uint8_t asked = 9;

    UNUSED_STATE;
    open_port();
    assert_true(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
    assert_sealed_in_flash(FILE_BYTES);
    assert_true(serve_startable(&rig.serve));
    rig_run(&rig, 10);
    assert_false(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
    rig_run(&rig, SERVE_YM_REBOOT_MS);
    assert_true(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
    assert_int_equal(asked, 0);
}

TEST(small_blocks_and_a_length_that_fits_none_work_too)
{
    UNUSED_STATE;
    open_port();
    assert_true(rig_ymodem(&rig, file, 0x1235, 0x1235, 128));
    assert_sealed_in_flash(0x1235);
}

TEST(a_file_without_a_size_is_taken_with_its_padding)
{
    UNUSED_STATE;
    open_port();
    assert_true(rig_ymodem(&rig, file, FILE_BYTES, -1, 128));
    assert_sealed_in_flash(FILE_BYTES);
}

TEST(a_sealed_file_is_taken_as_it_is)
{
    UNUSED_STATE;
    rig_image(file, FILE_BYTES, 7, true);
    open_port();
    assert_true(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
    assert_memory_equal(rig.flash.array, file, FILE_BYTES);
}

TEST(calls_begin_a_second_after_an_opening_and_end_after_a_minute)
{
    UNUSED_STATE;
    rig_run(&rig, 5000);
    assert_int_equal(rig_drain(&rig), 0);       /* nobody has opened the port */
    serve_opened(&rig.serve, rig.now_ms);
    rig_run(&rig, 1000);
    assert_int_equal(rig_drain(&rig), 0);
    rig_run(&rig, 1);
    assert_int_equal(rig_drain(&rig), 1);
    rig_run(&rig, 58500);
    assert_int_equal(rig_drain(&rig), 58);
    rig_run(&rig, 20000);
    assert_int_equal(rig_drain(&rig), 1);
    serve_opened(&rig.serve, rig.now_ms);
    assert_int_equal(rig_get(&rig, 1001), YM_CRC);
}

TEST(calls_end_as_soon_as_somebody_else_speaks)
{
    UNUSED_STATE;
    open_port();
    rig_put(&rig, "AT\r\n", 4);
    rig_run(&rig, 5000);
    assert_int_equal(rig_drain(&rig), 0);
    serve_opened(&rig.serve, rig.now_ms);
    rig_hello(&rig);
    rig_run(&rig, 5000);
    assert_int_equal(rig_drain(&rig), 0);
}

static void refused(long size, const char *sentence)
{
    const char *said;
    uint32_t operations = rig.flash.ops;

    open_port();
    assert_false(rig_ymodem(&rig, file, FILE_BYTES, size, 1024));
    rig_put(&rig, "\x18\x18\x18\x18\x08\x08\x08\x08", 8);   /* sb says goodbye in its way */
    said = listen(900);
    assert_non_null(strstr(said, sentence));
    assert_true(strstr(said, "\r\nvcpboot: ") > strrchr(said, YM_CAN));
    assert_int_equal(rig.flash.ops, operations);
}

TEST(a_file_that_is_too_big_is_refused_with_a_sentence)
{
    UNUSED_STATE;
    refused(RIG_AREA_BYTES + 1, "size does not fit");
    refused(0, "size does not fit");
    refused(2147483647, "size does not fit");
}

TEST(a_file_that_is_linked_elsewhere_is_refused_with_both_addresses)
{
    UNUSED_STATE;
    store_le32(file + 4, 0x08000189);
    refused(FILE_BYTES, "image does not run at 0x08010000: stack 0x20020000, reset vector 0x08000189");
}

TEST(a_damaged_seal_is_refused)
{
    UNUSED_STATE;
    rig_image(file, FILE_BYTES, 7, true);
    store_le32(file + SEAL_AT_FORMAT, 0x80000001);
    refused(FILE_BYTES, "seal");
}

TEST(after_a_refusal_the_right_file_goes_through)
{
    UNUSED_STATE;
    store_le32(file + 4, 0x08000189);
    refused(FILE_BYTES, "vector");
    rig_image(file, FILE_BYTES, 7, false);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 500), YM_CRC);       /* without a new opening */
    assert_true(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
    assert_sealed_in_flash(FILE_BYTES);
}

TEST(a_wrong_crc_at_the_end_is_refused_and_nothing_starts)
{
    uint8_t asked = 0;

    UNUSED_STATE;
    rig_image(file, FILE_BYTES, 7, true);
    file[0x3000] ^= 1;
    open_port();
    assert_false(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
    assert_non_null(strstr(listen(900), "CRC"));
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
    assert_false(serve_leaves(&rig.serve, rig.now_ms + 10000, true, &asked));
    assert_false(serve_startable(&rig.serve));
    file[0x3000] ^= 1;
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 500), YM_CRC);
    assert_true(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
    assert_memory_equal(rig.flash.array, file, FILE_BYTES);
}

TEST(a_sender_that_cancels_ends_the_update)
{
    UNUSED_STATE;
    open_port();
    assert_false(rig_ymodem(&rig, file, 1024, FILE_BYTES, 1024));       /* its EOT comes far too early: a NAK */
    rig_put(&rig, "\x18\x18", 2);
    rig_run(&rig, 1000);
    assert_false(session_active(&rig.session));
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
}

TEST(a_slow_flash_delays_the_acknowledgements_and_nothing_else)
{
    UNUSED_STATE;
    rig.flash.busy_polls = 200;
    open_port();
    assert_true(rig_ymodem(&rig, file, 0x1400, 0x1400, 1024));
    assert_sealed_in_flash(0x1400);
}

TEST(a_flash_that_fails_ends_the_transfer_with_a_sentence)
{
    UNUSED_STATE;
    rig.flash.fail_at = 20;
    rig.flash.fail_result = FLASH_E_FAILED;
    open_port();
    assert_false(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
    assert_non_null(strstr(listen(900), "could not be written"));
    assert_false(serve_startable(&rig.serve));
}

TEST(a_vector_beyond_the_end_of_a_file_without_a_size_is_named_at_its_end)
{
    UNUSED_STATE;
    store_le32(file + 4, RIG_BASE + 0x7001);
    open_port();
    assert_false(rig_ymodem(&rig, file, 0x1000, -1, 128));
    assert_non_null(strstr(listen(900), "reset vector 0x08017001"));
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
}

TEST(what_was_not_said_in_one_opening_is_not_said_in_the_next)
{
    uint8_t block[133] = { YM_SOH, 0, 0xFF };

    UNUSED_STATE;
    open_port();
    rig.room = 0;
    rig_put(&rig, block, sizeof block); /* an empty batch: its ACK finds no room */
    rig_run(&rig, 20);
    serve_opened(&rig.serve, rig.now_ms);
    rig_drain(&rig);
    rig_run(&rig, 900);
    assert_int_equal(rig_drain(&rig), 0);
    open_port();
    store_le32(file + 4, 0x08000189);
    assert_false(rig_ymodem(&rig, file, 1024, FILE_BYTES, 1024));
    rig.room = 20;                      /* not enough for the sentence */
    rig_run(&rig, 900);
    serve_opened(&rig.serve, rig.now_ms);
    rig_drain(&rig);
    rig_run(&rig, 900);
    assert_int_equal(rig_drain(&rig), 0);
}

TEST(a_sender_that_dies_makes_room_for_a_native_client_by_opening_again)
{
    uint8_t stx = YM_STX;

    UNUSED_STATE;
    open_port();
    assert_false(rig_ymodem(&rig, file, 1024, FILE_BYTES, 1024));       /* its EOT comes far too early */
    rig_put(&rig, &stx, 1);
    rig_run(&rig, 10);
    serve_opened(&rig.serve, rig.now_ms);
    rig_drain(&rig);
    rig_image(file, FILE_BYTES, 8, true);
    assert_int_equal(rig_update(&rig, file, FILE_BYTES).phase, UPDATE_DONE);
}

TEST(a_stray_soh_holds_nobody_up_for_long)
{
    uint8_t soh = YM_SOH;

    UNUSED_STATE;
    open_port();
    rig_put(&rig, &soh, 1);
    rig_run(&rig, SERVE_HEADER_MS + 1);
    rig_hello(&rig);
    serve_opened(&rig.serve, rig.now_ms);
    rig_put(&rig, &soh, 1);
    rig_run(&rig, 5000);
    assert_int_equal(rig_drain(&rig), 0);       /* somebody has spoken: no call */
}

TEST(an_empty_batch_is_acknowledged_and_changes_nothing)
{
    uint8_t block[133] = { YM_SOH, 0, 0xFF };
    uint8_t asked = 0;

    UNUSED_STATE;
    open_port();
    rig_put(&rig, block, sizeof block);
    assert_int_equal(rig_get(&rig, 100), YM_ACK);
    rig_run(&rig, 2000);
    assert_false(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
    assert_int_equal(rig.flash.ops, 0);
}

/* --- every sender's habits -------------------------------------------------------------------------------------------------- */

/* tests/vectors/ymodem-*.txt has them byte by byte. */
static const struct { const char *name; struct rig_habit habit; } senders[] = {
    { "sb, minicom", { .header = 128, .block = 128, .pad = YM_PAD } },
    { "sb -k", { .header = 128, .block = 1024, .tail = true, .pad = YM_PAD } },
    { "Tera Term", { .typed = "rb\r", .header = 1024, .block = 1024, .pad = YM_PAD } },
    { "ExtraPuTTY", { .header = 128, .block = 1024, .eot_twice = true } },
    { "no size", { .header = 128, .block = 1024, .tail = true, .sizeless = true, .pad = YM_PAD } },
    { "every block twice", { .header = 128, .block = 128, .doubles = true, .pad = YM_PAD } },
    { "sx", { .block = 128, .pad = YM_PAD } },
    { "sx -k", { .block = 1024, .tail = true, .pad = YM_PAD } },
    { "YMODEM-g", { .header = 128, .block = 1024, .streams = true, .pad = YM_PAD } },
};

/* Opens the port and waits for the call that this sender answers. */
static void wait_for_call(const struct rig_habit *habit)
{
    int call;

    serve_opened(&rig.serve, rig.now_ms);
    do {
        call = rig_get(&rig, SERVE_CALL_MS + 1);
        assert_true(call == YM_CRC || call == YM_STREAM);
    } while (habit->streams && call != YM_STREAM);
}

TEST(every_senders_sealed_file_is_committed)
{
    UNUSED_STATE;
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
        uint8_t asked = 9;

        rig_close(&rig);
        rig_open(&rig, NATIVE_CAP_UPDATE);
        rig_image(file, FILE_BYTES - 1000, 7, true);    /* fills none of the block sizes */
        wait_for_call(&senders[i].habit);
        if (!rig_send(&rig, file, FILE_BYTES - 1000, &senders[i].habit)) {
            fail_msg("%s was cancelled", senders[i].name);
        }
        assert_memory_equal(rig.flash.array, file, FILE_BYTES - 1000);
        rig_run(&rig, SERVE_YM_REBOOT_MS + 1);
        assert_true(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
    }
}

TEST(every_senders_wrong_file_is_refused_with_a_sentence_before_anything_is_erased)
{
    UNUSED_STATE;
    rig_image(file, FILE_BYTES, 7, false);
    store_le32(file + 4, 0x08000189);
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
        wait_for_call(&senders[i].habit);
        if (rig_send(&rig, file, FILE_BYTES, &senders[i].habit)) {
            fail_msg("%s got through", senders[i].name);
        }
        if (strstr(listen(900), "reset vector 0x08000189\r\n") == NULL) {
            fail_msg("%s heard no sentence", senders[i].name);
        }
        assert_int_equal(rig.flash.ops, 0);
    }
}

TEST(of_two_files_the_first_is_committed)
{
    static const char second[128] = "second.bin\0" "128";
    uint8_t block[133] = { YM_SOH, 0, 0xFF };
    const struct rig_habit habit = { .header = 128, .block = 1024, .pad = YM_PAD };
    uint8_t asked = 9;
    uint16_t crc = ym_crc16(0, (const uint8_t *)second, sizeof second);

    UNUSED_STATE;
    memcpy(block + 3, second, sizeof second);
    block[131] = (uint8_t)(crc >> 8);
    block[132] = (uint8_t)crc;
    wait_for_call(&habit);
    assert_true(rig_send_file(&rig, file, FILE_BYTES, &habit));
    rig_put(&rig, block, sizeof block);
    assert_non_null(strstr(listen(100), "\030\030"));
    assert_sealed_in_flash(FILE_BYTES);
    rig_run(&rig, SERVE_YM_REBOOT_MS + 1);
    assert_true(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
}

TEST(a_raw_file_by_xmodem_is_sealed_with_its_padding)
{
    const struct rig_habit sx = { .block = 128, .pad = YM_PAD };

    UNUSED_STATE;
    memset(file + FILE_BYTES - 100, YM_PAD, 100);
    wait_for_call(&sx);
    assert_true(rig_send(&rig, file, FILE_BYTES - 100, &sx));
    assert_sealed_in_flash(FILE_BYTES);
}

TEST(from_the_thirty_first_on_every_other_call_is_for_ymodem_g)
{
    UNUSED_STATE;
    serve_opened(&rig.serve, rig.now_ms);
    for (unsigned i = 0; i < SERVE_CALLS; i++) {
        int call = rig_get(&rig, SERVE_CALL_MS + 1);

        assert_int_equal(call, i >= 30 && i % 2 == 0 ? YM_STREAM : YM_CRC);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_raw_file_is_sealed_and_started, setup, teardown),
        cmocka_unit_test_setup_teardown(small_blocks_and_a_length_that_fits_none_work_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_without_a_size_is_taken_with_its_padding, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sealed_file_is_taken_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_begin_a_second_after_an_opening_and_end_after_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_end_as_soon_as_somebody_else_speaks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_too_big_is_refused_with_a_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_linked_elsewhere_is_refused_with_both_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_seal_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_refusal_the_right_file_goes_through, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_crc_at_the_end_is_refused_and_nothing_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sender_that_cancels_ends_the_update, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_flash_delays_the_acknowledgements_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flash_that_fails_ends_the_transfer_with_a_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_vector_beyond_the_end_of_a_file_without_a_size_is_named_at_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_not_said_in_one_opening_is_not_said_in_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sender_that_dies_makes_room_for_a_native_client_by_opening_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stray_soh_holds_nobody_up_for_long, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_batch_is_acknowledged_and_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(every_senders_sealed_file_is_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_senders_wrong_file_is_refused_with_a_sentence_before_anything_is_erased, setup, teardown),
        cmocka_unit_test_setup_teardown(of_two_files_the_first_is_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_raw_file_by_xmodem_is_sealed_with_its_padding, setup, teardown),
        cmocka_unit_test_setup_teardown(from_the_thirty_first_on_every_other_call_is_for_ymodem_g, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
