/* SPDX-License-Identifier: MIT */
/* The application on its way back to the PC: what is sent, when it is refused, and who else may have the port. */
#include <string.h>

#include "boot/serve_parts.h"
#include "image/bytes.h"
#include "tests/unit/cm.h"
#include "tests/unit/serve_rig.h"

#define FILE_BYTES 0x2A04U

static struct rig rig;
static uint8_t file[RIG_AREA_BYTES];

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, NATIVE_CAP_UPDATE | NATIVE_CAP_READ);
    return 0;
}

static int setup_without_reading(void **state)
{
    (void)state;
    rig_open(&rig, NATIVE_CAP_UPDATE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void install(uint32_t n, bool sealed)
{
    rig_image(file, n, 3, sealed);
    memcpy(rig.flash.array, file, n);
}

/* A key: alone on the wire. */
static void key(uint8_t byte)
{
    rig_put(&rig, &byte, 1);
    rig_run(&rig, SERVE_KEY_MS + 1);
}

static void say(uint8_t byte)
{
    rig_put(&rig, &byte, 1);
}

/* Reads a block into data; returns its number, or -1 if something else came. */
static int get_block(uint8_t *data, size_t *bytes)
{
    int start = rig_get(&rig, 300), number;
    uint16_t crc = 0;

    if (start != YM_SOH && start != YM_STX) {
        return -1;
    }
    *bytes = start == YM_SOH ? 128 : YM_BLOCK_MAX;
    number = rig_get(&rig, 1);
    assert_int_equal(number ^ rig_get(&rig, 1), 0xFF);
    for (size_t i = 0; i < *bytes + 2; i++) {
        uint8_t byte = (uint8_t)rig_get(&rig, 1);

        crc = ym_crc16(crc, &byte, 1);
        if (i < *bytes) {
            data[i] = byte;
        }
    }
    assert_int_equal(crc, 0);
    return number;
}

/* The receiver's part behind its first call: all that comes, ended by the batch's end. Returns the size that the header names. */
static size_t receive(uint8_t *out)
{
    uint8_t block[YM_BLOCK_MAX];
    size_t n, size = 0, got = 0;

    assert_int_equal(get_block(block, &n), 0);
    for (const uint8_t *p = block + strlen((char *)block) + 1; *p >= '0' && *p <= '9'; p++) {
        size = size * 10 + *p - '0';
    }
    say(YM_ACK);
    say(YM_CRC);
    while (got < size) {
        assert_int_equal(get_block(block, &n), (got / YM_BLOCK_MAX + 1) & 0xFF);
        n = size - got < n ? size - got : n;
        memcpy(out + got, block, n);
        got += n;
        say(YM_ACK);
    }
    assert_int_equal(rig_get(&rig, 200), YM_EOT);
    say(YM_ACK);
    say(YM_CRC);
    assert_int_equal(get_block(block, &n), 0);
    assert_int_equal(block[0], 0);
    rig_run(&rig, 10);
    return size;
}

static const char *listen(uint32_t ms)
{
    static char text[512];
    size_t n = 0;
    int c;

    while (n < sizeof text - 1 && (c = rig_get(&rig, ms)) >= 0) {
        text[n++] = (char)c;
    }
    text[n] = '\0';
    return text;
}

TEST(a_sealed_image_comes_back_as_long_as_its_seal_says)
{
    static uint8_t back[RIG_AREA_BYTES];

    UNUSED_STATE;
    install(FILE_BYTES, true);
    key(YM_CRC);
    assert_int_equal(receive(back), FILE_BYTES);
    assert_memory_equal(back, file, FILE_BYTES);
    key(YM_CRC);                        /* and once more */
    assert_int_equal(receive(back), FILE_BYTES);
    assert_int_equal(rig_update(&rig, file, FILE_BYTES).phase, UPDATE_DONE);
}

TEST(of_an_unsealed_image_the_whole_area_comes_back)
{
    static uint8_t back[RIG_AREA_BYTES];

    UNUSED_STATE;
    install(FILE_BYTES, false);
    key(YM_CRC);
    assert_int_equal(receive(back), RIG_AREA_BYTES);
    assert_memory_equal(back, rig.flash.array, RIG_AREA_BYTES);
}

TEST(of_an_image_with_a_damaged_seal_too)
{
    static uint8_t back[RIG_AREA_BYTES];

    UNUSED_STATE;
    install(FILE_BYTES, true);
    store_le32(rig.flash.array + SEAL_AT_LENGTH, RIG_AREA_BYTES + 4);
    key(YM_CRC);
    assert_int_equal(receive(back), RIG_AREA_BYTES);
}

TEST(a_receiver_that_streams_gets_every_block_without_a_word)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    key(YM_STREAM);
    rig_run(&rig, 10);
    assert_int_equal(rig_drain(&rig), 133);
    say(YM_STREAM);
    rig_run(&rig, 10);
    assert_int_equal(rig_drain(&rig), 11 * 1029 + 1);
    say(YM_ACK);
    say(YM_STREAM);
    rig_run(&rig, 300);
    assert_int_equal(rig_drain(&rig), 133);
    rig_hello(&rig);
}

static void refused(const char *sentence)
{
    const char *said;

    key(YM_CRC);
    said = listen(900);
    assert_memory_equal(said, "\030\030", 2);
    assert_non_null(strstr(said, sentence));
    rig_hello(&rig);
}

TEST(without_an_application_the_receiver_is_cancelled_and_told_why)
{
    UNUSED_STATE;
    refused("\r\nvcpboot: image is missing\r\n");
}

TEST(where_reading_is_not_allowed_the_receiver_is_cancelled_and_told_why)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    refused("\r\nvcpboot: image may not be read\r\n");
}

TEST(without_a_place_for_applications_there_is_none)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    rig.serve.set.area = &(const struct flash_area){ NULL, 0 };
    key(YM_CRC);
    assert_non_null(strstr(listen(900), "missing"));
}

TEST(the_device_does_not_answer_the_echo_of_its_own_call)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    serve_opened(&rig.serve, rig.now_ms);
    for (unsigned call = 0; call < 5; call++) {
        assert_int_equal(rig_get(&rig, SERVE_PAUSE_MS + 1), YM_CRC);
        say(YM_CRC);
        rig_run(&rig, SERVE_KEY_MS + 10);
    }
    assert_int_equal(rig.serve.client, SERVE_NOBODY);
}

/* lrzsz's rb: its first call crosses ours, our next one annoys it, and it calls again after a second or three of silence. */
TEST(a_receiver_whose_first_call_crosses_ours_is_heard_at_the_second)
{
    static uint8_t back[RIG_AREA_BYTES];

    UNUSED_STATE;
    install(FILE_BYTES, true);
    serve_opened(&rig.serve, rig.now_ms);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
    say(YM_CRC);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
    assert_int_equal(rig_get(&rig, 3000), -1);
    key(YM_CRC);
    assert_int_equal(receive(back), FILE_BYTES);
}

TEST(a_native_client_takes_the_port_from_a_receiver_that_has_died)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    key(YM_CRC);
    rig_run(&rig, 10);
    say(YM_ACK);
    say(YM_CRC);
    rig_run(&rig, 10);
    rig_drain(&rig);
    rig_image(file, FILE_BYTES, 8, true);
    assert_int_equal(rig_update(&rig, file, FILE_BYTES).phase, UPDATE_DONE);
}

TEST(a_receiver_that_cancels_is_done_with)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    key(YM_CRC);
    rig_run(&rig, 10);
    rig_drain(&rig);
    rig_put(&rig, "\030\030\030\030\010\010\010\010", 8);
    rig_run(&rig, 1000);
    assert_int_equal(rig.serve.client, SERVE_NOBODY);
    assert_int_equal(rig_drain(&rig), 0);
    key(YM_CRC);
    rig_run(&rig, 10);
    assert_int_equal(rig_drain(&rig), 133);
}

TEST(who_asks_for_an_upload_has_a_minute_to_start_the_receiver)
{
    static uint8_t back[RIG_AREA_BYTES];

    UNUSED_STATE;
    install(FILE_BYTES, true);
    serve_opened(&rig.serve, rig.now_ms);
    rig_run(&rig, 1);
    serve_send_wait(&rig.serve);        /* and no sender is called in between */
    rig_run(&rig, 59000);
    assert_int_equal(rig_drain(&rig), 0);
    assert_int_equal(rig.serve.client, SERVE_SENDING);
    say(YM_CRC);
    assert_int_equal(receive(back), FILE_BYTES);
    serve_send_wait(&rig.serve);
    rig_run(&rig, 60001);
    assert_int_equal(rig.serve.client, SERVE_NOBODY);
}

TEST(while_an_update_is_under_way_there_is_nothing_to_send_and_nothing_to_say)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    session_open(&rig.session);
    serve_send_start(&rig.serve, false);
    rig_run(&rig, 500);
    assert_int_equal(rig_drain(&rig), 0);
    assert_int_equal(rig.serve.client, SERVE_NOBODY);
}

TEST(a_sender_is_called_when_the_receiver_has_gone)
{
    static uint8_t back[RIG_AREA_BYTES];

    UNUSED_STATE;
    install(FILE_BYTES, true);
    key(YM_CRC);
    receive(back);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
    assert_true(rig_ymodem(&rig, file, FILE_BYTES, FILE_BYTES, 1024));
}

TEST(a_call_behind_the_closing_block_is_a_new_receivers)
{
    static uint8_t back[RIG_AREA_BYTES];

    UNUSED_STATE;
    install(FILE_BYTES, true);
    for (unsigned time = 0; time < 3; time++) {
        key(YM_CRC);
        assert_int_equal(receive(back), FILE_BYTES);    /* without a last ACK: rb throws away its output when it ends */
        rig_run(&rig, SERVE_ECHO_MS);
    }
}

TEST(a_letter_in_the_middle_of_others_is_no_call)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    rig_put(&rig, "CAT", 3);
    rig_run(&rig, 1000);
    rig_put(&rig, "TAC", 3);
    rig_run(&rig, 1000);
    assert_int_equal(rig_drain(&rig), 0);
}

TEST(nothing_is_sent_while_there_is_no_room)
{
    UNUSED_STATE;
    install(FILE_BYTES, true);
    rig.room = YM_WIRE_MAX - 1;
    key(YM_CRC);
    rig_run(&rig, 100);
    assert_int_equal(rig_drain(&rig), 0);
    rig_run(&rig, 10);
    assert_int_equal(rig_drain(&rig), 133);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sealed_image_comes_back_as_long_as_its_seal_says, setup, teardown),
        cmocka_unit_test_setup_teardown(of_an_unsealed_image_the_whole_area_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(of_an_image_with_a_damaged_seal_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_receiver_that_streams_gets_every_block_without_a_word, setup, teardown),
        cmocka_unit_test_setup_teardown(without_an_application_the_receiver_is_cancelled_and_told_why, setup, teardown),
        cmocka_unit_test_setup_teardown(where_reading_is_not_allowed_the_receiver_is_cancelled_and_told_why, setup_without_reading,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_a_place_for_applications_there_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(the_device_does_not_answer_the_echo_of_its_own_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_receiver_whose_first_call_crosses_ours_is_heard_at_the_second, setup, teardown),
        cmocka_unit_test_setup_teardown(a_native_client_takes_the_port_from_a_receiver_that_has_died, setup, teardown),
        cmocka_unit_test_setup_teardown(a_receiver_that_cancels_is_done_with, setup, teardown),
        cmocka_unit_test_setup_teardown(who_asks_for_an_upload_has_a_minute_to_start_the_receiver, setup, teardown),
        cmocka_unit_test_setup_teardown(while_an_update_is_under_way_there_is_nothing_to_send_and_nothing_to_say, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sender_is_called_when_the_receiver_has_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_call_behind_the_closing_block_is_a_new_receivers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_letter_in_the_middle_of_others_is_no_call, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_sent_while_there_is_no_room, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
