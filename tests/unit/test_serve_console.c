/* SPDX-License-Identifier: MIT */
/* The console: a person's keys, told from everything else that comes over a port; what it shows and does. */
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/mailbox.h"
#include "tests/unit/cm.h"
#include "tests/unit/make_image.h"
#include "tests/unit/serve_rig.h"

#define IMAGE_BYTES 0x3000U
#define QUIET_MS (SERVE_KEY_MS + 50U)

static struct rig rig;
static uint8_t image[IMAGE_BYTES];
static char said[4096];

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, NATIVE_CAP_UPDATE | NATIVE_CAP_READ);
    rig.serve.set.self.dev_id = 0x413;
    rig.serve.set.self.rev_id = 0x1007;
    rig.serve.set.self.flash_kb = 512;
    rig.serve.set.self.boot_version = BOOT_VERSION;
    for (size_t i = 0; i < 12; i++) {
        rig.serve.set.self.uid[i] = (uint8_t)(0x12 + 0x11 * i);
    }
    rig_image(image, IMAGE_BYTES, 7, true);
    rig_run(&rig, QUIET_MS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

/* What the device has said since the last time, after ms more. */
static const char *listen(uint32_t ms)
{
    size_t n;

    rig_run(&rig, ms);
    n = rig.from_n - rig.from_pos;
    assert_true(n < sizeof said);
    memcpy(said, rig.from_device + rig.from_pos, n);
    said[n] = '\0';
    rig_drain(&rig);
    return said;
}

/* A person's key, and what it brings. */
static const char *press(const char *key)
{
    rig_put(&rig, key, strlen(key));
    return listen(QUIET_MS);
}

static bool is_menu(const char *text)
{
    return strncmp(text, " \r\nvcpboot ", 11) == 0 && strcmp(text + strlen(text) - 4, "\r\n> ") == 0;
}

static void open_menu(void)
{
    assert_true(is_menu(press("\r")));
}

static bool leaves(uint8_t request)
{
    uint8_t asked = 0xEE;

    rig_run(&rig, SERVE_REBOOT_MS + 1);
    return serve_leaves(&rig.serve, rig.now_ms, true, &asked) && asked == request;
}

static bool stays(void)
{
    uint8_t asked;

    rig_run(&rig, SERVE_REBOOT_MS + 1);
    return !serve_leaves(&rig.serve, rig.now_ms, true, &asked);
}

static void install(void)
{
    assert_int_equal(rig_update(&rig, image, IMAGE_BYTES).err, UPDATE_OK);
    rig_run(&rig, QUIET_MS);
    rig_drain(&rig);
}

/* --- Enter --------------------------------------------------------------------------------------------------------------- */

TEST(enter_shows_the_menu_in_each_of_its_forms)
{
    static const char *const forms[] = { "\r", "\n", "\r\n" };

    UNUSED_STATE;
    for (size_t i = 0; i < 3; i++) {
        assert_true(is_menu(press(forms[i])));
        assert_string_equal(listen(1000), "");
    }
}

TEST(enter_in_two_packets_shows_one_menu)
{
    UNUSED_STATE;
    rig_put(&rig, "\r", 1);
    rig_run(&rig, 20);
    assert_true(is_menu(press("\n")));
    assert_null(strstr(said + 1, " \r\nvcpboot"));
}

TEST(the_menu_says_which_bootloader_chip_and_application_this_is_and_why_it_stays)
{
    char version[16];

    UNUSED_STATE;
    (void)snprintf(version, sizeof version, "%u.%u.%u", BOOT_VERSION >> 16, BOOT_VERSION >> 8 & 0xFF, BOOT_VERSION & 0xFF);
    assert_string_equal(version, BOOT_VERSION_TEXT);
    open_menu();
    assert_non_null(strstr(said, "vcpboot " BOOT_VERSION_TEXT ": no application\r\n"));
    assert_non_null(strstr(said, "chip 0x10070413, 512 KB, id 12233445566778899AABBCCD\r\n"));
    assert_non_null(strstr(said, "\r\n no application\r\n"));
    install();
    open_menu();
    assert_non_null(strstr(said, ": updated\r\n"));
    assert_non_null(strstr(said, "\r\n vcpboot rig"));
    assert_non_null(strstr(said, ", 12288 bytes\r\n"));
}

TEST(every_reason_to_stay_has_its_words)
{
    UNUSED_STATE;
    for (unsigned reason = BOOT_START_SEALED; reason <= BOOT_STAY_CRASH_LOOP; reason++) {
        rig.serve.reason = (enum boot_reason)reason;
        open_menu();
        assert_null(strstr(said, ": \r\n"));
    }
}

TEST(an_application_without_a_seal_is_called_so)
{
    UNUSED_STATE;
    rig.serve.startable = true;
    open_menu();
    assert_non_null(strstr(said, "\r\n unsealed\r\n"));
}

TEST(the_menu_is_whole_when_the_port_takes_little_at_a_time)
{
    static char whole[sizeof said];
    size_t n = 0;

    UNUSED_STATE;
    install();
    memcpy(whole, press("\r"), sizeof whole);
    rig_put(&rig, "\r", 1);
    for (unsigned i = 0; i < 10000 && n < strlen(whole); i++) {
        rig.room = i % 3;
        n += strlen(listen(1));
        rig.room = 0;
        assert_memory_equal(said, whole + n - strlen(said), strlen(said));
    }
    assert_int_equal(n, strlen(whole));
}

TEST(the_longest_product_fits_and_its_control_characters_are_left_out)
{
    const struct image_recipe recipe = { .base = RIG_BASE, .bytes = IMAGE_BYTES, .seed = 1, .sealed = true,
                                         .product = "\x1B[2Jpppppppppppppppppppppppppp!and more", .info_at = 0x80 };

    UNUSED_STATE;
    make_image(image, &recipe);
    install();
    open_menu();
    assert_non_null(strstr(said, "\r\n [2Jpppppppppppppppppppppppppp! , 12288 bytes\r\n"));
}

/* --- what is no key -------------------------------------------------------------------------------------------------------- */

TEST(bursts_are_not_answered)
{
    static const char *const bursts[] = {
        "AT\r", "ATE1\r\n", "rb\r", "\r\r", "\r\n\r\n", "1\r", "\rAT\r", "\n\r", "+++", "4y", " \r",
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bursts); i++) {
        assert_string_equal(press(bursts[i]), "");
        assert_string_equal(listen(1000), "");
    }
}

TEST(a_burst_in_packets_is_not_answered_either)
{
    UNUSED_STATE;
    for (const char *p = "AT\r"; *p != '\0'; p++) {
        rig_put(&rig, p, 1);
        assert_string_equal(listen(SERVE_KEY_MS - 10), "");
    }
    assert_string_equal(listen(1000), "");
}

TEST(enter_right_behind_a_frame_is_not_answered)
{
    UNUSED_STATE;
    rig_hello(&rig);
    assert_string_equal(press("\r"), "");
    open_menu();
}

TEST(keys_mean_nothing_before_the_menu_is_shown)
{
    UNUSED_STATE;
    rig.serve.startable = true;
    for (const char *p = "1234rdsy"; *p != '\0'; p++) {
        char key[2] = { *p, '\0' };

        assert_string_equal(press(key), "");
    }
    assert_true(stays());
    assert_int_equal(rig.flash.protections, 0);
}

/* Three ways for somebody else to have spoken. */
TEST(keys_mean_nothing_when_anybody_else_has_spoken_since)
{
    UNUSED_STATE;
    open_menu();
    press("AT\r");
    assert_true((press("r"), stays()));
    open_menu();
    rig_hello(&rig);
    listen(QUIET_MS);
    assert_true((press("r"), stays()));
    open_menu();
    serve_opened(&rig.serve, rig.now_ms);
    assert_true((press("r"), stays()));
}

TEST(keys_mean_nothing_a_minute_after_the_last_one)
{
    UNUSED_STATE;
    open_menu();
    listen(SERVE_MENU_MS - 2 * QUIET_MS);
    assert_non_null(strstr(press("1"), "YMODEM"));
    listen(SERVE_MENU_MS + 1000);
    assert_true((press("r"), stays()));
}

TEST(an_unknown_key_is_not_answered_and_closes_the_menu)
{
    UNUSED_STATE;
    open_menu();
    assert_string_equal(press("x"), "");
    assert_true((press("r"), stays()));
}

TEST(the_console_is_silent_while_an_update_is_under_way)
{
    uint8_t payload[SEAL_HEAD_BYTES + 4];
    uint32_t operations;

    UNUSED_STATE;
    memcpy(payload, image, SEAL_HEAD_BYTES);
    memset(payload + SEAL_HEAD_BYTES, 0xFF, 4);
    assert_int_equal(rig_ask(&rig, NATIVE_BEGIN, payload, sizeof payload).err, UPDATE_OK);
    rig_run(&rig, 100);
    operations = rig.flash.ops;
    for (unsigned i = 0; i < 3; i++) {
        assert_null(strstr(press("\r"), "vcpboot"));
        assert_null(strstr(press("4"), "protection"));
        press("y");
    }
    assert_int_equal(rig.flash.ops, operations);
}

TEST(the_console_is_silent_while_an_update_by_address_stands_open_though_its_client_is_quiet)
{
    UNUSED_STATE;
    session_open(&rig.session);
    assert_string_equal(press("\r"), "");
}

TEST(a_reopened_port_hears_nothing_of_an_old_menu)
{
    UNUSED_STATE;
    rig.room = 20;
    press("\r");
    assert_int_equal(strlen(said), 20);
    serve_opened(&rig.serve, rig.now_ms);
    assert_string_equal(listen(500), "");
}

/* --- echo -------------------------------------------------------------------------------------------------------------------- */

/* A tty sends back all that it gets, in portions of `portion` bytes or in lines (0), with gap_ms between them; for so many portions
 * at most. Returns how many bytes the device has said. */
static size_t echo(size_t portion, uint32_t gap_ms, unsigned portions)
{
    static char back[65536];
    size_t n = strlen(strcpy(back, press("\r"))), at = 0;

    while (at < n && portions-- > 0) {
        size_t end = at + 1;

        while (end < n && (portion != 0 ? end - at < portion : back[end - 1] != '\n')) {
            end++;
        }
        rig_put(&rig, back + at, end - at);
        at = end;
        n += strlen(strcpy(back + n, listen(gap_ms)));
    }
    return n + strlen(listen(1000));
}

TEST(the_menu_sent_back_by_a_tty_in_echo_mode_chooses_nothing_and_brings_no_other)
{
    static const uint32_t gaps_ms[] = { 1, 20, SERVE_KEY_MS + 1, 1000 };
    size_t once;

    UNUSED_STATE;
    install();
    once = strlen(press("\r"));
    for (size_t portion = 3; portion <= 80; portion++) {
        for (size_t i = 0; i < COUNT(gaps_ms); i++) {
            assert_int_equal(echo(portion % 80, gaps_ms[i], 1000), once);
            assert_int_equal(rig.serve.console.state, CONSOLE_CLOSED);
        }
    }
    assert_true(stays());
    assert_int_equal(rig.flash.protections, 0);
}

/* In ones and twos, and so slowly, the ends of lines are taken for Enter; but only for that. */
TEST(an_echo_in_single_bytes_brings_menus_but_chooses_nothing)
{
    UNUSED_STATE;
    install();
    for (size_t portion = 1; portion <= 2; portion++) {
        echo(portion, SERVE_KEY_MS + 1, 600);
        assert_true(stays());
    }
    assert_int_equal(rig.flash.protections, 0);
}

TEST(the_question_sent_back_in_echo_mode_is_no_yes)
{
    static char question[64];

    UNUSED_STATE;
    for (size_t portion = 1; portion < 8; portion++) {
        open_menu();
        strcpy(question, press("4"));
        for (size_t at = 0; at < strlen(question); at += portion) {
            char part[8] = { 0 };

            strncpy(part, question + at, portion);
            press(part);
        }
    }
    assert_int_equal(rig.flash.protections, 0);
}

/* --- the choices --------------------------------------------------------------------------------------------------------------- */

TEST(download_calls_a_ymodem_sender_and_takes_its_file)
{
    UNUSED_STATE;
    rig_image(image, IMAGE_BYTES, 9, false);
    open_menu();
    assert_string_equal(listen(3000), "");
    assert_string_equal(press("1"), " send by YMODEM\r\n> ");
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
    assert_true(rig_ymodem(&rig, image, IMAGE_BYTES, IMAGE_BYTES, 1024));
    assert_true(serve_startable(&rig.serve));
}

TEST(upload_waits_for_a_receiver_and_sends_the_application)
{
    UNUSED_STATE;
    install();
    open_menu();
    assert_string_equal(press("2"), " receive by YMODEM\r\n> ");
    rig_put(&rig, "C", 1);
    assert_int_equal(rig_get(&rig, 1000), YM_SOH);
    assert_int_equal(rig_get(&rig, 1000), 0);
}

TEST(upload_of_nothing_is_refused_in_words)
{
    UNUSED_STATE;
    open_menu();
    press("2");
    assert_non_null(strstr(listen(5000), "image is missing"));
}

TEST(execute_starts_an_application_or_says_that_there_is_none)
{
    UNUSED_STATE;
    open_menu();
    assert_string_equal(press("3"), " no application\r\n> ");
    assert_true(stays());
    install();
    open_menu();
    press("3");
    assert_true(leaves(MAILBOX_NONE));
}

TEST(reboot_resets_whatever_is_installed)
{
    UNUSED_STATE;
    open_menu();
    press("r");
    assert_true(leaves(MAILBOX_NONE));
}

TEST(d_asks_for_the_dfuse_personality)
{
    UNUSED_STATE;
    open_menu();
    press("d");
    assert_true(leaves(MAILBOX_DFU));
}

TEST(write_protection_is_turned_on_and_off_by_4_and_y_and_a_reset_into_the_bootloader_follows)
{
    UNUSED_STATE;
    rig.flash.busy_polls = 100000;
    open_menu();
    assert_non_null(strstr(said, " 4 write protection: off\r\n"));
    assert_string_equal(press("4"), " write protection: off, y changes it\r\n> ");
    assert_int_equal(rig.flash.protections, 0);
    press("y");
    assert_int_equal(rig.flash.protection, 7);
    assert_false(leaves(MAILBOX_BOOTLOADER));           /* the option bytes are still being programmed */
    rig_run(&rig, 1000);
    assert_true(leaves(MAILBOX_BOOTLOADER));
    memset(&rig.serve.leave, 0, sizeof rig.serve.leave);        /* as the reset leaves it */
    serve_opened(&rig.serve, rig.now_ms);
    rig.flash.busy_polls = 3;
    open_menu();
    assert_non_null(strstr(said, " 4 write protection: on\r\n"));
    press("4");
    press("y");
    assert_int_equal(rig.flash.protection, 0);
    assert_int_equal(rig.flash.protections, 2);
}

TEST(any_other_key_than_y_leaves_the_protection_alone)
{
    static const char *const others[] = { "n", "Y", "4", "\r", "yy", "AT\r", "\r\n" };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(others); i++) {
        open_menu();
        press("4");
        press(others[i]);
        press("y");
        assert_int_equal(rig.flash.protections, 0);
    }
}

TEST(a_client_that_comes_while_the_protection_changes_is_served_and_not_cut_off)
{
    UNUSED_STATE;
    rig.flash.busy_polls = 100000;
    open_menu();
    press("4");
    press("y");
    rig_hello(&rig);
    assert_int_equal(rig_ask(&rig, NATIVE_ABORT, NULL, 0).err, UPDATE_OK);
    rig_run(&rig, 1000);
    assert_true(stays());
}

TEST(an_open_menu_keeps_the_bootloader_for_a_minute)
{
    UNUSED_STATE;
    open_menu();
    rig_run(&rig, SERVE_MENU_MS - QUIET_MS - 10);
    assert_true(serve_idle_ms(&rig.serve, rig.now_ms) < 10);
    rig_run(&rig, 5000);
    assert_true(serve_idle_ms(&rig.serve, rig.now_ms) > 4000);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(enter_shows_the_menu_in_each_of_its_forms),
        RIGGED(enter_in_two_packets_shows_one_menu),
        RIGGED(the_menu_says_which_bootloader_chip_and_application_this_is_and_why_it_stays),
        RIGGED(every_reason_to_stay_has_its_words),
        RIGGED(an_application_without_a_seal_is_called_so),
        RIGGED(the_menu_is_whole_when_the_port_takes_little_at_a_time),
        RIGGED(the_longest_product_fits_and_its_control_characters_are_left_out),
        RIGGED(bursts_are_not_answered),
        RIGGED(a_burst_in_packets_is_not_answered_either),
        RIGGED(enter_right_behind_a_frame_is_not_answered),
        RIGGED(keys_mean_nothing_before_the_menu_is_shown),
        RIGGED(keys_mean_nothing_when_anybody_else_has_spoken_since),
        RIGGED(keys_mean_nothing_a_minute_after_the_last_one),
        RIGGED(an_unknown_key_is_not_answered_and_closes_the_menu),
        RIGGED(the_console_is_silent_while_an_update_is_under_way),
        RIGGED(the_console_is_silent_while_an_update_by_address_stands_open_though_its_client_is_quiet),
        RIGGED(a_reopened_port_hears_nothing_of_an_old_menu),
        RIGGED(the_menu_sent_back_by_a_tty_in_echo_mode_chooses_nothing_and_brings_no_other),
        RIGGED(an_echo_in_single_bytes_brings_menus_but_chooses_nothing),
        RIGGED(the_question_sent_back_in_echo_mode_is_no_yes),
        RIGGED(download_calls_a_ymodem_sender_and_takes_its_file),
        RIGGED(upload_waits_for_a_receiver_and_sends_the_application),
        RIGGED(upload_of_nothing_is_refused_in_words),
        RIGGED(execute_starts_an_application_or_says_that_there_is_none),
        RIGGED(reboot_resets_whatever_is_installed),
        RIGGED(d_asks_for_the_dfuse_personality),
        RIGGED(write_protection_is_turned_on_and_off_by_4_and_y_and_a_reset_into_the_bootloader_follows),
        RIGGED(any_other_key_than_y_leaves_the_protection_alone),
        RIGGED(a_client_that_comes_while_the_protection_changes_is_served_and_not_cut_off),
        RIGGED(an_open_menu_keeps_the_bootloader_for_a_minute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
