/* SPDX-License-Identifier: MIT */
/* A bus that is reset or put to sleep in mid-transfer, a PC that stops reading, sends a byte a second, or does not know when to stop:
 * each for the native protocol, YMODEM and AN3155, on the ARM ELF. */
#include "tests/unit/cm.h"

#include <string.h>

#include "board/usbhost/usbhost.h"
#include "proto/an3155.h"
#include "proto/native.h"
#include "proto/ymodem.h"
#include "tests/e2e/raw_client.h"
#include "tests/e2e/trouble.h"
#include "tests/unit/wire.h"
#include "update/status.h"

#define APP DESK_APP_BASE
#define BYTES 0x14000U                  /* 16 KB of it in the second sector */
#define HALF 0xA000U
#define BEGUN 0x2000U                   /* and a window of 60 KB beyond it does not reach the image's end */
#define TIMEOUT VTIME_MS(60000)
#define START_MS 1000U
#define DRIBBLED 2U                     /* bytes of a frame, one a second: what the other bytes would be changes nothing */

/* One board for all tests: each finds a bootloader that waits and a blank chip. */
static struct desk d;
static struct vcpboot_image *image;
static struct raw client;
static bool waits;                      /* the last test has left the bootloader waiting */

static int open_board(void **state)
{
    const struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 13, .timing = FLASH_FAST, .log = stderr };

    (void)state;
    image = trouble_image(TROUBLE_CONFIRM, BYTES);
    trouble_open(&d, &o);
    return 0;
}

static int close_board(void **state)
{
    (void)state;
    trouble_close(&d);
    image_free(image);
    return 0;
}

static struct usbhost *host(void)
{
    return chip_usbhost(d.chip);
}

static int begin(void **state)
{
    static uint8_t blank[DESK_APP_BYTES];

    (void)state;
    memset(blank, 0xFF, sizeof blank);
    d.listener = NULL;
    assert_true(flash_probe_write(chip_flash(d.chip), APP, blank, sizeof blank));
    if (!waits)
        trouble_power_cycle(&d);
    else
        desk_reopen(&d);
    (void)trouble_reason(&d);
    waits = false;
    return 0;
}

/* The next client, on a port that it opens itself, has the device at once and installs the image. */
static void assert_next_client_is_served(void)
{
    d.listener = NULL;
    desk_reopen(&d);
    trouble_send(&d, image);
    assert_true(trouble_would_start(&d));
    waits = true;
}

static void assert_starts(void)
{
    trouble_forget_starts(&d);
    trouble_run_ms(&d, START_MS);
    assert_int_equal(trouble_starts(&d), 1);
    assert_true(trouble_holds(&d, image));
}

static void assert_nothing_would_start(void)
{
    assert_false(trouble_would_start(&d));
}

/* --- half of an update, by each of them ------------------------------------------------------------------------------------- */

static void native_up_to(uint32_t next)
{
    assert_true(desk_begin_update(&d, image));
    while (d.client.status.next < next) assert_true(d.client.state == CLIENT_BUSY && desk_step(&d));
}

static void native_half(void)
{
    native_up_to(HALF);
}

static void ymodem_half(void)
{
    raw_begin(&client, &d);
    assert_true(ymodem_header(&client, image->length));
    assert_true(ymodem_blocks(&client, image->bytes, image->length, 0, HALF));
}

static void ymodem_whole(void)
{
    assert_true(ymodem_header(&client, image->length));
    assert_true(ymodem_blocks(&client, image->bytes, image->length, 0, image->length));
    assert_true(ymodem_end(&client));
}

static void an3155_half(void)
{
    raw_begin(&client, &d);
    assert_true(an3155_connect(&client));
    assert_true(an3155_erase(&client));
    assert_true(an3155_write(&client, APP, image->bytes, image->length, 0, HALF));
}

/* --- bus reset ------------------------------------------------------------------------------------------------------------------ */

static void reset_bus(void)
{
    unsigned arrivals = d.arrivals;

    usbhost_bus_reset(host());
    for (unsigned i = 0; i < 3000 && d.arrivals == arrivals; i++) trouble_run_ms(&d, 1);
    assert_int_equal(d.arrivals, arrivals + 1);
    assert_nothing_would_start();
}

TEST(after_a_bus_reset_in_mid_update_the_next_one_sends_only_what_is_missing)
{
    struct flash_totals before;

    UNUSED_STATE;
    native_half();
    while (d.client.status.sector == 0) assert_true(d.client.state == CLIENT_BUSY && desk_step(&d));    /* the first one is whole */
    reset_bus();
    client_init(&d.client, 1000);
    before = flash_totals(chip_flash(d.chip));
    trouble_send(&d, image);
    assert_true(flash_totals(chip_flash(d.chip)).words - before.words <= (BYTES - 0x10000U + SEAL_HEAD_BYTES) / 4U);
    assert_true(trouble_would_start(&d));
    waits = true;
}

TEST(after_a_bus_reset_in_mid_file_ymodem_begins_anew)
{
    UNUSED_STATE;
    ymodem_half();
    reset_bus();
    ymodem_whole();
    assert_starts();
}

TEST(after_a_bus_reset_in_mid_write_an3155_begins_anew)
{
    UNUSED_STATE;
    an3155_half();
    reset_bus();
    assert_true(an3155_connect(&client));
    assert_true(an3155_erase(&client));
    assert_true(an3155_write(&client, APP, image->bytes, image->length, 0, image->length));
    assert_true(an3155_go(&client, APP));
    assert_starts();
}

/* --- suspend and resume ------------------------------------------------------------------------------------------------------------- */

static void sleep_for_ms(unsigned ms)
{
    usbhost_suspend(host());
    trouble_run_ms(&d, ms);
    assert_true(usbhost_suspended(host()));
    usbhost_resume(host());
}

TEST(an_update_goes_on_after_a_short_sleep_of_the_bus)
{
    UNUSED_STATE;
    native_half();
    sleep_for_ms(1000);
    assert_int_equal(desk_run(&d, TIMEOUT), CLIENT_DONE);
    assert_true(trouble_holds(&d, image));
    assert_true(trouble_would_start(&d));
    waits = true;
}

TEST(an_update_that_a_long_sleep_has_ended_is_told_so_and_the_next_one_works)
{
    UNUSED_STATE;
    native_half();
    sleep_for_ms(5500);                 /* longer than the device's patience of 5 s, shorter than the PC's */
    assert_int_equal(desk_run(&d, TIMEOUT), CLIENT_FAILED);
    assert_int_equal(d.client.failure, CLIENT_E_REFUSED);
    assert_int_equal(d.client.status.err, UPDATE_E_STATE);
    assert_nothing_would_start();
    trouble_send(&d, image);
    assert_true(trouble_would_start(&d));
    waits = true;
}

TEST(ymodem_goes_on_after_a_sleep_of_the_bus)
{
    UNUSED_STATE;
    ymodem_half();
    sleep_for_ms(2000);
    assert_true(ymodem_blocks(&client, image->bytes, image->length, HALF, image->length));
    assert_true(ymodem_end(&client));
    assert_starts();
}

TEST(an3155_goes_on_after_a_sleep_of_the_bus)
{
    UNUSED_STATE;
    an3155_half();
    sleep_for_ms(2000);
    assert_true(an3155_write(&client, APP, image->bytes, image->length, HALF, image->length));
    assert_true(an3155_go(&client, APP));
    assert_starts();
}

/* --- a PC that stops reading ---------------------------------------------------------------------------------------------------------- */

TEST(an_update_waits_for_a_pc_that_stops_reading_and_goes_on_when_it_reads_again)
{
    UNUSED_STATE;
    native_half();
    usbhost_cdc_set_reading(host(), false);
    trouble_run_ms(&d, 2000);
    usbhost_cdc_set_reading(host(), true);
    assert_int_equal(desk_run(&d, TIMEOUT), CLIENT_DONE);
    assert_true(trouble_holds(&d, image));
    assert_true(trouble_would_start(&d));
    waits = true;
}

/* So often, or until nothing more has been taken for a tenth of a second. */
static void say_often(const uint8_t *p, size_t n, unsigned times)
{
    for (unsigned idle_ms = 0; idle_ms < 100 && times > 0; idle_ms++) {
        for (; times > 0 && usbhost_cdc_room(host()) >= n; times--, idle_ms = 0)
            assert_int_equal(usbhost_cdc_write(host(), p, n), n);
        trouble_run_ms(&d, 1);
    }
}

/* More than the device has room for, answers and questions; whoever opens the port next hears none of them. */
static void ask_without_reading(const uint8_t *question, size_t n)
{
    raw_begin(&client, &d);
    usbhost_cdc_set_reading(host(), false);
    say_often(question, n, 100000);
    assert_true(usbhost_cdc_pending(host()) != 0);      /* it has stopped taking */
    raw_end(&client);
    assert_next_client_is_served();
}

TEST(a_pc_that_asks_and_never_reads_blocks_nobody_but_itself_by_the_native_protocol)
{
    uint8_t hello[32];
    size_t n = native_encode(hello, sizeof hello, NATIVE_HELLO, 1, NULL, 0);

    UNUSED_STATE;
    ask_without_reading(hello, n);
}

TEST(a_pc_that_asks_and_never_reads_blocks_nobody_but_itself_by_an3155)
{
    static const uint8_t get[] = { AN_INIT, 0x00, 0xFF };

    UNUSED_STATE;
    ask_without_reading(get, sizeof get);
}

TEST(a_ymodem_sender_that_never_reads_blocks_nobody_but_itself)
{
    uint8_t block[YMODEM_FRAME_MAX];
    size_t n = ymodem_frame(block, 1, image->bytes, 128, 128, YM_PAD);

    UNUSED_STATE;
    raw_begin(&client, &d);
    assert_true(ymodem_header(&client, image->length));
    usbhost_cdc_set_reading(host(), false);
    say_often(block, n, 3000);          /* the same block: more acknowledgements than the device has room for */
    raw_end(&client);
    assert_next_client_is_served();
}

/* --- a byte a second --------------------------------------------------------------------------------------------------------------------- */

static void dribble(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(usbhost_cdc_write(host(), p + i, 1), 1);
        trouble_run_ms(&d, 1000);
    }
}

/* A frame that stands still for 250 ms is given up: SPEC 5.1. */
TEST(a_native_frame_at_a_byte_a_second_is_never_heard_and_a_whole_one_behind_it_is)
{
    uint8_t frame[64];
    size_t n = native_encode(frame, sizeof frame, NATIVE_HELLO, 7, NULL, 0);

    UNUSED_STATE;
    raw_begin(&client, &d);
    dribble(frame, DRIBBLED);
    assert_int_equal(raw_hear(&client, 1), RAW_SILENCE);
    assert_true(raw_say(&client, frame, n));
    assert_int_equal(raw_hear(&client, 100), NATIVE_SYNC0);
    raw_end(&client);
    assert_next_client_is_served();
}

TEST(an_update_whose_pc_slows_down_to_a_byte_a_second_changes_nothing_more_and_the_next_client_is_served)
{
    uint8_t frame[64];
    const uint8_t data[8] = { SEAL_HEAD_BYTES };
    size_t n = native_encode(frame, sizeof frame, NATIVE_DATA, 7, data, sizeof data);
    struct flash_totals before;

    UNUSED_STATE;
    native_up_to(BEGUN);
    assert_true(d.client.transfer.sent < image->length);        /* the rest and FINISH are not in flight yet */
    d.client.state = CLIENT_DONE;       /* says nothing more of its own */
    trouble_run_ms(&d, 1000);
    before = flash_totals(chip_flash(d.chip));
    assert_true(n >= DRIBBLED);
    dribble(frame, DRIBBLED);
    assert_int_equal(flash_totals(chip_flash(d.chip)).words, before.words);
    assert_nothing_would_start();
    assert_next_client_is_served();
}

TEST(a_ymodem_block_at_a_byte_a_second_is_refused_and_the_next_client_is_served)
{
    uint8_t block[YMODEM_FRAME_MAX];

    UNUSED_STATE;
    raw_begin(&client, &d);
    assert_true(ymodem_header(&client, image->length));
    (void)ymodem_frame(block, 1, image->bytes, YM_BLOCK_MAX, YM_BLOCK_MAX, YM_PAD);
    dribble(block, DRIBBLED);
    assert_nothing_would_start();
    assert_next_client_is_served();
}

TEST(an3155_at_a_byte_a_second_is_slow_and_works)
{
    static const uint8_t init[] = { AN_INIT }, get_id[] = { 0x02, 0xFD };

    UNUSED_STATE;
    raw_begin(&client, &d);
    dribble(init, sizeof init);
    assert_int_equal(raw_hear(&client, 1), AN_ACK);
    dribble(get_id, sizeof get_id);
    assert_int_equal(raw_hear(&client, 1), AN_ACK);
    assert_next_client_is_served();
}

/* --- data after the end ------------------------------------------------------------------------------------------------------------------- */

static void say_junk(void)
{
    uint8_t junk[3000];
    uint32_t random = 9;

    for (size_t i = 0; i < sizeof junk; i++) {
        random = random * 1664525U + 1013904223U;
        junk[i] = (uint8_t)(random >> 24);
    }
    (void)usbhost_cdc_write(host(), junk, sizeof junk);         /* as much of it as the port takes */
}

TEST(data_behind_a_finished_update_change_nothing_and_its_reboot_is_heard)
{
    uint8_t frame[1100];
    uint8_t data[NATIVE_DATA_MAX + 4] = { SEAL_HEAD_BYTES };
    size_t n = native_encode(frame, sizeof frame, NATIVE_DATA, 9, data, sizeof data);

    UNUSED_STATE;
    trouble_send(&d, image);
    for (unsigned i = 0; i < 3; i++) assert_int_equal(usbhost_cdc_write(host(), frame, n), n);
    say_junk();
    trouble_run_ms(&d, 300);            /* half a frame at its end is given up */
    desk_begin_reboot(&d);
    assert_int_equal(desk_run(&d, TIMEOUT), CLIENT_DONE);
    assert_starts();
}

TEST(data_behind_the_end_of_a_ymodem_batch_change_nothing_and_the_application_starts)
{
    UNUSED_STATE;
    raw_begin(&client, &d);
    ymodem_whole();
    say_junk();
    assert_starts();
}

TEST(data_behind_eot_instead_of_the_end_of_the_batch_change_nothing_and_the_application_starts)
{
    const uint8_t eot = YM_EOT;
    vtime since;

    UNUSED_STATE;
    raw_begin(&client, &d);
    assert_true(ymodem_header(&client, image->length));
    assert_true(ymodem_blocks(&client, image->bytes, image->length, 0, image->length));
    assert_true(raw_say(&client, &eot, 1));
    assert_true(raw_await(&client, YM_ACK, RAW_PATIENCE_MS));
    since = chip_now(d.chip);
    say_junk();
    trouble_forget_starts(&d);
    for (unsigned i = 0; i < 90 && trouble_starts(&d) == 0; i++) trouble_run_ms(&d, 1000);
    print_message("started %u ms after the end\n", (unsigned)((chip_now(d.chip) - since) / VTIME_MS(1)));
    assert_int_equal(trouble_starts(&d), 1);
    assert_true(trouble_holds(&d, image));
}

TEST(data_behind_go_change_nothing_and_the_application_starts)
{
    UNUSED_STATE;
    raw_begin(&client, &d);
    assert_true(an3155_connect(&client));
    assert_true(an3155_erase(&client));
    assert_true(an3155_write(&client, APP, image->bytes, image->length, 0, image->length));
    assert_true(an3155_go(&client, APP));
    say_junk();
    assert_starts();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(after_a_bus_reset_in_mid_update_the_next_one_sends_only_what_is_missing, begin),
        cmocka_unit_test_setup(after_a_bus_reset_in_mid_file_ymodem_begins_anew, begin),
        cmocka_unit_test_setup(after_a_bus_reset_in_mid_write_an3155_begins_anew, begin),
        cmocka_unit_test_setup(an_update_goes_on_after_a_short_sleep_of_the_bus, begin),
        cmocka_unit_test_setup(an_update_that_a_long_sleep_has_ended_is_told_so_and_the_next_one_works, begin),
        cmocka_unit_test_setup(ymodem_goes_on_after_a_sleep_of_the_bus, begin),
        cmocka_unit_test_setup(an3155_goes_on_after_a_sleep_of_the_bus, begin),
        cmocka_unit_test_setup(an_update_waits_for_a_pc_that_stops_reading_and_goes_on_when_it_reads_again, begin),
        cmocka_unit_test_setup(a_pc_that_asks_and_never_reads_blocks_nobody_but_itself_by_the_native_protocol, begin),
        cmocka_unit_test_setup(a_pc_that_asks_and_never_reads_blocks_nobody_but_itself_by_an3155, begin),
        cmocka_unit_test_setup(a_ymodem_sender_that_never_reads_blocks_nobody_but_itself, begin),
        cmocka_unit_test_setup(a_native_frame_at_a_byte_a_second_is_never_heard_and_a_whole_one_behind_it_is, begin),
        cmocka_unit_test_setup(an_update_whose_pc_slows_down_to_a_byte_a_second_changes_nothing_more_and_the_next_client_is_served, begin),
        cmocka_unit_test_setup(a_ymodem_block_at_a_byte_a_second_is_refused_and_the_next_client_is_served, begin),
        cmocka_unit_test_setup(an3155_at_a_byte_a_second_is_slow_and_works, begin),
        cmocka_unit_test_setup(data_behind_a_finished_update_change_nothing_and_its_reboot_is_heard, begin),
        cmocka_unit_test_setup(data_behind_the_end_of_a_ymodem_batch_change_nothing_and_the_application_starts, begin),
        cmocka_unit_test_setup(data_behind_eot_instead_of_the_end_of_the_batch_change_nothing_and_the_application_starts, begin),
        cmocka_unit_test_setup(data_behind_go_change_nothing_and_the_application_starts, begin),
    };
    return cmocka_run_group_tests_name("fault_wire", tests, open_board, close_board);
}
