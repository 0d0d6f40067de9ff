/* SPDX-License-Identifier: MIT */
/* The device's native side, with a real session over the fake flash: whole updates, and every way to get one wrong. */
#include <string.h>

#include "image/bytes.h"
#include "tests/unit/cm.h"
#include "tests/unit/serve_rig.h"

#define ALL_CAPS (NATIVE_CAP_UPDATE | NATIVE_CAP_READ)
#define IMAGE_BYTES 0x7000U             /* reaches into every sector */

static struct rig rig;
static uint8_t image[RIG_AREA_BYTES];

static int setup(void **state)
{
    (void)state;
    rig_open(&rig, ALL_CAPS);
    rig_image(image, IMAGE_BYTES, 1, true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_close(&rig);
    return 0;
}

static void begin_payload(uint8_t out[SEAL_HEAD_BYTES + 4], uint32_t sectors)
{
    memcpy(out, image, SEAL_HEAD_BYTES);
    store_le32(out + SEAL_HEAD_BYTES, sectors);
}

static void begin(uint32_t sectors)
{
    uint8_t payload[SEAL_HEAD_BYTES + 4];

    begin_payload(payload, sectors);
    assert_int_equal(rig_ask(&rig, NATIVE_BEGIN, payload, sizeof payload).err, UPDATE_OK);
}

static void send_data(uint32_t offset, size_t n)
{
    uint8_t payload[NATIVE_PAYLOAD_MAX];

    store_le32(payload, offset);
    memcpy(payload + 4, image + offset, n);
    rig_request(&rig, NATIVE_DATA, payload, n + 4);
}

/* Runs for ms and counts the frames of a type, optionally with an error code. */
static unsigned count_frames(uint8_t type, int err, uint32_t ms)
{
    const struct native_frame *f;
    uint32_t until = rig.now_ms + ms;
    unsigned n = 0;

    while ((int32_t)(until - rig.now_ms) >= 0 && (f = rig_frame(&rig, until - rig.now_ms)) != NULL) {
        n += f->type == type && (err < 0 || f->payload[0] == err);
    }
    return n;
}

static void assert_installed(void)
{
    assert_memory_equal(rig.flash.array, image, IMAGE_BYTES);
}

/* --- HELLO ------------------------------------------------------------------------------------------------------------------ */

TEST(hello_describes_a_blank_device)
{
    struct native_hello h = rig_hello(&rig);

    UNUSED_STATE;
    assert_int_equal(h.status, UPDATE_OK);
    assert_int_equal(h.version, NATIVE_VERSION);
    assert_int_equal(h.mode, 0);
    assert_int_equal(h.reason, BOOT_STAY_EMPTY);
    assert_int_equal(h.capabilities, ALL_CAPS);
    assert_int_equal(h.app_base, RIG_BASE);
    assert_int_equal(h.app_bytes, RIG_AREA_BYTES);
    assert_int_equal(h.data_max, NATIVE_DATA_MAX);
    assert_int_equal(h.sectors, 3);
    assert_int_equal(h.sector_kb[0], 8);
    assert_int_equal(h.sector_kb[2], 16);
    assert_int_equal(h.image_bytes, 0);
    assert_int_equal(h.entries_bytes, 0);
}

TEST(hello_describes_the_installed_image_after_an_update)
{
    struct native_hello h;
    char text[16];

    UNUSED_STATE;
    assert_int_equal(rig_update(&rig, image, IMAGE_BYTES).phase, UPDATE_DONE);
    h = rig_hello(&rig);
    assert_int_equal(h.reason, BOOT_START_SEALED);
    assert_int_equal(h.image_bytes, IMAGE_BYTES);
    assert_int_equal(h.image_crc, load_le32(image + SEAL_AT_CRC));
    assert_int_equal(h.life, LIFE_FRESH);
    info_text(h.entries, h.entries_bytes, INFO_PRODUCT, text, sizeof text);
    assert_string_equal(text, "vcpboot rig");
}

/* --- whole updates ----------------------------------------------------------------------------------------------------------- */

TEST(an_update_installs_the_image_byte_for_byte)
{
    struct native_status s = rig_update(&rig, image, IMAGE_BYTES);

    UNUSED_STATE;
    assert_int_equal(s.err, UPDATE_OK);
    assert_int_equal(s.phase, UPDATE_DONE);
    assert_int_equal(s.next, IMAGE_BYTES);
    assert_installed();
    assert_true(serve_startable(&rig.serve));
}

TEST(a_second_update_replaces_the_first)
{
    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    rig_image(image, IMAGE_BYTES, 2, true);
    assert_int_equal(rig_update(&rig, image, IMAGE_BYTES).phase, UPDATE_DONE);
    assert_installed();
}

TEST(sectors_that_are_right_need_not_be_sent_again)
{
    const struct native_frame *f;
    uint32_t digest[3];
    uint8_t payload[4];
    uint32_t operations;

    UNUSED_STATE;
    store_le32(payload, IMAGE_BYTES);
    rig_update(&rig, image, IMAGE_BYTES);
    f = rig_answer(&rig, NATIVE_DIGEST, rig_request(&rig, NATIVE_DIGEST, payload, 4));
    assert_int_equal(f->length, 8 + 3 * 4);
    assert_int_equal(f->payload[0], UPDATE_OK);
    for (size_t i = 0; i < 3; i++) {
        digest[i] = load_le32(f->payload + 8 + 4 * i);
    }
    rig_close(&rig);
    rig_open(&rig, ALL_CAPS);
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < 0x4000; at += 0x40) {
        send_data(at, 0x40);            /* two sectors are in, then the PC dies */
    }
    rig_run(&rig, 3000);
    rig_drain(&rig);
    f = rig_answer(&rig, NATIVE_DIGEST, rig_request(&rig, NATIVE_DIGEST, payload, 4));
    assert_int_equal(load_le32(f->payload + 8), digest[0]);
    assert_int_equal(load_le32(f->payload + 12), digest[1]);
    assert_int_not_equal(load_le32(f->payload + 16), digest[2]);
    operations = rig.flash.ops;
    begin(4);
    for (uint32_t at = 0x4000; at < IMAGE_BYTES; at += 0x400) {
        send_data(at, 0x400);
    }
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).phase, UPDATE_DONE);
    assert_installed();
    assert_true(rig.flash.ops - operations <= (IMAGE_BYTES - 0x4000) / 4 + SEAL_HEAD_WORDS + 1);
}

/* Runs for ms, which is less than the clock's reports take; the last report's status. */
static struct native_status last_report(uint32_t ms)
{
    struct native_status s = { .err = 0xFF };
    const struct native_frame *f;
    uint32_t until = rig.now_ms + ms;

    while ((int32_t)(until - rig.now_ms) > 0 && (f = rig_frame(&rig, until - rig.now_ms)) != NULL) {
        assert_int_equal(f->type, NATIVE_DATA | NATIVE_ANSWER);
        native_get_status(&s, f->payload, f->length);
    }
    return s;
}

TEST(a_report_comes_after_every_8_kb)
{
    UNUSED_STATE;
    begin(4);                           /* the third sector is larger than that */
    for (uint32_t at = 0x4000; at < 0x6C00; at += 0x400) {
        send_data(at, 0x400);
    }
    assert_int_equal(last_report(240).next, 0x6400);    /* the report at the sector's first block, and 8 KB more */
}

TEST(a_report_comes_when_a_sector_begins)
{
    UNUSED_STATE;
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < 0x2000; at += 0x40) {
        send_data(at, 0x40);
    }
    rig_run(&rig, 300);
    rig_drain(&rig);
    send_data(0x2000, 0x40);
    assert_int_equal(last_report(100).sector, 1);
}

TEST(a_report_comes_four_times_a_second_while_nothing_happens)
{
    UNUSED_STATE;
    begin(7);
    rig_run(&rig, 300);
    rig_drain(&rig);
    assert_in_range(count_frames(NATIVE_DATA | NATIVE_ANSWER, UPDATE_OK, 1000), 3, 5);
}

TEST(finish_is_answered_as_soon_as_it_is_over_and_then_there_is_silence)
{
    uint32_t since;

    UNUSED_STATE;
    assert_int_equal(rig_update(&rig, image, IMAGE_BYTES).phase, UPDATE_DONE);
    rig_run(&rig, 1000);
    assert_int_equal(rig_drain(&rig), 0);
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < IMAGE_BYTES; at += 0x40) {
        send_data(at, 0x40);
    }
    rig_run(&rig, 1000);
    since = rig.now_ms;
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).phase, UPDATE_DONE);
    assert_true(rig.now_ms - since < 100);
}

TEST(finish_that_is_repeated_before_it_is_over_is_answered_once)
{
    UNUSED_STATE;
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < IMAGE_BYTES; at += 0x40) {
        send_data(at, 0x40);
    }
    rig_run(&rig, 2000);
    rig.flash.busy_polls = 10000;
    rig_request(&rig, NATIVE_FINISH, NULL, 0);
    rig_request(&rig, NATIVE_FINISH, NULL, 0);
    assert_int_equal(count_frames(NATIVE_FINISH | NATIVE_ANSWER, UPDATE_OK, 3000), 1);
    assert_installed();
}

TEST(an_answer_waits_until_there_is_room_for_it)
{
    UNUSED_STATE;
    rig.room = 100;
    rig_request(&rig, NATIVE_HELLO, NULL, 0);
    rig_run(&rig, 500);
    assert_int_equal(rig_drain(&rig), 0);
    assert_non_null(rig_answer(&rig, NATIVE_HELLO, rig.seq));
}

TEST(hello_in_mid_update_leaves_the_busy_flash_alone)
{
    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    rig.flash.busy_polls = 100000;      /* the erase takes 400 ms */
    begin(7);
    rig_run(&rig, 2);
    assert_int_equal(rig_hello(&rig).image_bytes, 0);
    rig.flash.busy_polls = 0;
    rig_run(&rig, 1000);
    assert_int_equal(rig.flash.violations, 0);
}

TEST(a_flash_error_is_reported_with_its_address_and_register)
{
    struct native_status s = { 0 };
    const struct native_frame *f;

    UNUSED_STATE;
    begin(7);
    rig.flash.fail_at = rig.flash.ops + 3;
    rig.flash.fail_result = FLASH_E_FAILED;
    for (uint32_t at = SEAL_HEAD_BYTES; at < 0x1000; at += 0x40) {
        send_data(at, 0x40);
    }
    while (s.err == UPDATE_OK && (f = rig_frame(&rig, 200)) != NULL) {
        native_get_status(&s, f->payload, f->length);
    }
    assert_int_equal(s.err, UPDATE_E_PROGRAM);
    assert_int_equal(s.phase, UPDATE_FAILED);
    assert_int_equal(s.next, RIG_BASE + SEAL_HEAD_BYTES + 8);
    assert_int_equal(s.done, 0x80);
    rig_run(&rig, 1000);
    assert_int_equal(rig_drain(&rig), 0);       /* the rest of the window gets no answers */
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).err, UPDATE_E_PROGRAM);
}

TEST(a_pc_that_does_not_read_loses_nothing)
{
    uint8_t payload[NATIVE_PAYLOAD_MAX];

    UNUSED_STATE;
    begin(7);
    rig.room = 30;                      /* less than a frame of any size that matters */
    for (uint32_t at = SEAL_HEAD_BYTES; at < IMAGE_BYTES; at += 0x40) {
        store_le32(payload, at);
        memcpy(payload + 4, image + at, 0x40);
        rig_request(&rig, NATIVE_DATA, payload, 0x44);
    }
    rig_run(&rig, 2000);
    rig_drain(&rig);
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).phase, UPDATE_DONE);
    assert_installed();
}

/* --- hostile frames ------------------------------------------------------------------------------------------------------------ */

TEST(damaged_frames_are_never_answered)
{
    uint8_t frame[64];
    size_t n = native_encode(frame, sizeof frame, NATIVE_HELLO, 9, NULL, 0);

    UNUSED_STATE;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        rig_put(&rig, frame, n);
        rig_run(&rig, 2000);
        frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(rig_drain(&rig), 0);
    }
    rig_hello(&rig);
}

TEST(our_own_words_sent_back_by_an_echo_are_ignored)
{
    static const uint8_t types[] = { NATIVE_HELLO, NATIVE_BEGIN, NATIVE_DATA, NATIVE_REBOOT };

    UNUSED_STATE;
    for (size_t i = 0; i < sizeof types; i++) {
        rig_request(&rig, types[i] | NATIVE_ANSWER, image, 12);
    }
    rig_run(&rig, 500);
    assert_int_equal(rig_drain(&rig), 0);
}

TEST(every_request_of_a_wrong_length_is_refused)
{
    static const struct { uint8_t type; size_t n; } wrong[] = {
        { NATIVE_HELLO, 1 }, { NATIVE_DIGEST, 3 }, { NATIVE_DIGEST, 5 }, { NATIVE_BEGIN, 67 }, { NATIVE_BEGIN, 0 },
        { NATIVE_FINISH, 4 }, { NATIVE_ABORT, 1 }, { NATIVE_REBOOT, 0 }, { NATIVE_REBOOT, 2 }, { NATIVE_READ, 7 }, { NATIVE_READ, 9 },
    };

    UNUSED_STATE;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(rig_ask(&rig, wrong[i].type, image, wrong[i].n).err, UPDATE_E_LENGTH);
    }
    begin(7);
    for (size_t n = 0; n < 12; n++) {
        if (n < 8 || n % 4 != 0) {
            assert_int_equal(rig_ask(&rig, NATIVE_DATA, image, n).err, UPDATE_E_LENGTH);
        }
    }
}

TEST(unknown_requests_are_answered)
{
    UNUSED_STATE;
    assert_int_equal(rig_ask(&rig, 0x00, NULL, 0).err, UPDATE_E_UNKNOWN);
    assert_int_equal(rig_ask(&rig, 0x09, NULL, 0).err, UPDATE_E_UNKNOWN);
    assert_int_equal(rig_ask(&rig, 0x7F, image, 1028).err, UPDATE_E_UNKNOWN);
}

TEST(data_sent_twice_are_passed_over_without_a_complaint)
{
    UNUSED_STATE;
    begin(7);
    for (unsigned i = 0; i < 3; i++) {
        send_data(0x40, 0x40);
    }
    send_data(0x80, 0x40);
    rig_run(&rig, 100);
    assert_int_equal(count_frames(NATIVE_DATA | NATIVE_ANSWER, UPDATE_E_SEQUENCE, 1000), 0);
    assert_int_equal(session_status(&rig.session)->next, 0xC0);
}

TEST(data_out_of_order_is_reported_once_and_the_update_goes_on)
{
    struct native_status s;
    const struct native_frame *f;

    UNUSED_STATE;
    begin(7);
    send_data(0x40, 0x40);
    rig_run(&rig, 100);
    rig_drain(&rig);
    for (uint32_t at = 0xC0; at < 0x800; at += 0x40) {
        send_data(at, 0x40);            /* 0x80 got lost */
    }
    f = rig_frame(&rig, 200);
    assert_non_null(f);
    native_get_status(&s, f->payload, f->length);
    assert_int_equal(s.err, UPDATE_E_SEQUENCE);
    assert_int_equal(s.next, 0x80);
    assert_int_equal(count_frames(NATIVE_DATA | NATIVE_ANSWER, UPDATE_E_SEQUENCE, 2000), 0);
    send_data(0x80, 0x40);
    send_data(0x100, 0x40);
    assert_int_equal(count_frames(NATIVE_DATA | NATIVE_ANSWER, UPDATE_E_SEQUENCE, 2000), 1);    /* another gap, another report */
    for (uint32_t at = 0xC0; at < IMAGE_BYTES; at += 0x40) {
        send_data(at, 0x40);
    }
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).phase, UPDATE_DONE);
    assert_installed();
}

TEST(data_outside_of_the_image_is_never_taken)
{
    static const uint32_t offsets[] = { 0, 0x41, IMAGE_BYTES, RIG_AREA_BYTES, 0x7FFFFFFC, 0xFFFFFFFC };
    uint8_t payload[8];

    UNUSED_STATE;
    begin(7);
    memset(payload, 0, sizeof payload);
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        store_le32(payload, offsets[i]);
        rig_request(&rig, NATIVE_DATA, payload, 8);
        rig_run(&rig, 10);
    }
    for (uint32_t at = SEAL_HEAD_BYTES; at < IMAGE_BYTES; at += 0x40) {
        send_data(at, 0x40);
    }
    store_le32(payload, IMAGE_BYTES);
    rig_request(&rig, NATIVE_DATA, payload, 8); /* one word too many */
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).phase, UPDATE_DONE);
    assert_installed();
    assert_int_equal(load_le32(rig.flash.array + IMAGE_BYTES), 0xFFFFFFFFU);
}

TEST(data_without_an_update_is_refused_once)
{
    UNUSED_STATE;
    for (unsigned i = 0; i < 20; i++) {
        send_data(0x40, 0x40);
    }
    assert_int_equal(count_frames(NATIVE_DATA | NATIVE_ANSWER, UPDATE_E_STATE, 2000), 1);
    rig_hello(&rig);                    /* a client that talks sense in between is told again */
    assert_int_equal(rig_ask(&rig, NATIVE_DATA, image, 12).err, UPDATE_E_STATE);
    assert_int_equal(rig.flash.ops, 0);
}

TEST(finish_without_an_update_or_without_data_commits_nothing)
{
    struct native_status s = rig_ask(&rig, NATIVE_FINISH, NULL, 0);

    UNUSED_STATE;
    assert_int_equal(s.err, UPDATE_E_STATE);
    begin(7);
    s = rig_ask(&rig, NATIVE_FINISH, NULL, 0);
    assert_int_not_equal(s.err, UPDATE_OK);
    assert_int_not_equal(s.phase, UPDATE_DONE);
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
}

TEST(finish_asked_twice_is_answered_twice)
{
    UNUSED_STATE;
    assert_int_equal(rig_update(&rig, image, IMAGE_BYTES).phase, UPDATE_DONE);
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).phase, UPDATE_DONE);
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).err, UPDATE_OK);
}

TEST(begin_again_starts_from_the_head)
{
    UNUSED_STATE;
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < 0x3000; at += 0x40) {
        send_data(at, 0x40);
    }
    rig.flash.busy_polls = 500;         /* something is always under way */
    rig_run(&rig, 100);
    rig.flash.busy_polls = 3;
    rig_image(image, IMAGE_BYTES, 3, true);
    assert_int_equal(rig_update(&rig, image, IMAGE_BYTES).phase, UPDATE_DONE);
    assert_installed();
}

TEST(bad_images_are_refused_before_anything_is_erased)
{
    static const struct { size_t at; uint32_t word; uint8_t err; } bad[] = {
        { SEAL_AT_MAGIC, 0, UPDATE_E_IMAGE_SEAL },
        { SEAL_AT_LENGTH, RIG_AREA_BYTES + 4, UPDATE_E_IMAGE_SIZE },
        { SEAL_AT_LENGTH, 0xFFFFFFFC, UPDATE_E_IMAGE_SIZE },
        { SEAL_AT_LENGTH, 0, 0 },
        { SEAL_AT_LENGTH, IMAGE_BYTES - 1, 0 },
        { 0, 0x20030000, UPDATE_E_IMAGE_VECTORS },
        { 4, 0x08000101, UPDATE_E_IMAGE_VECTORS },
        { 4, RIG_BASE + IMAGE_BYTES + 1, UPDATE_E_IMAGE_VECTORS },
        { SEAL_AT_LIFE, LIFE_FRESH & ~LIFE_START_1, UPDATE_E_IMAGE_SEAL },
        { SEAL_AT_FORMAT, 2, UPDATE_E_IMAGE_SEAL },
    };
    uint8_t payload[SEAL_HEAD_BYTES + 4];
    uint32_t operations;

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    operations = rig.flash.ops;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct native_status s;

        begin_payload(payload, 7);
        store_le32(payload + bad[i].at, bad[i].word);
        s = rig_ask(&rig, NATIVE_BEGIN, payload, sizeof payload);
        assert_int_not_equal(s.err, UPDATE_OK);
        if (bad[i].err != 0) {
            assert_int_equal(s.err, bad[i].err);
        }
        send_data(0x40, 0x40);
        rig_run(&rig, 100);
    }
    assert_int_equal(rig.flash.ops, operations);
    assert_true(serve_startable(&rig.serve));
    assert_int_equal(rig_hello(&rig).image_bytes, IMAGE_BYTES);
}

TEST(a_raw_head_is_refused)
{
    uint8_t payload[SEAL_HEAD_BYTES + 4];

    UNUSED_STATE;
    rig_image(image, IMAGE_BYTES, 1, false);
    begin_payload(payload, 7);
    assert_int_equal(rig_ask(&rig, NATIVE_BEGIN, payload, sizeof payload).err, UPDATE_E_IMAGE_SEAL);
    rig_run(&rig, 100);
    assert_int_equal(rig.flash.ops, 0);
}

TEST(an_image_whose_crc_is_wrong_is_not_committed)
{
    struct native_status s;

    UNUSED_STATE;
    image[IMAGE_BYTES - 1] ^= 0x10;
    s = rig_update(&rig, image, IMAGE_BYTES);
    assert_int_equal(s.err, UPDATE_E_IMAGE_CRC);
    assert_int_equal(s.phase, UPDATE_FAILED);
    assert_int_equal(load_le32(rig.flash.array), 0xFFFFFFFFU);
    assert_false(serve_startable(&rig.serve));
}

TEST(abort_leaves_no_application_and_room_for_the_next)
{
    struct native_status s;

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < 0x2000; at += 0x40) {
        send_data(at, 0x40);
    }
    s = rig_ask(&rig, NATIVE_ABORT, NULL, 0);
    assert_int_equal(s.err, UPDATE_OK);
    assert_int_equal(s.phase, UPDATE_IDLE);
    assert_false(serve_startable(&rig.serve));
    assert_int_equal(rig_hello(&rig).reason, BOOT_STAY_EMPTY);
    assert_int_equal(rig_update(&rig, image, IMAGE_BYTES).phase, UPDATE_DONE);
    assert_installed();
}

/* --- READ, DIGEST, REBOOT ----------------------------------------------------------------------------------------------------------- */

TEST(read_returns_the_application_at_any_offset)
{
    static const struct { uint32_t offset, n; } parts[] = { { 0, 1 }, { 1, 1023 }, { 0x6FFF, 1 }, { 0x1FFD, 7 }, { 5, 1024 } };
    uint8_t payload[8];

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const struct native_frame *f;

        store_le32(payload, parts[i].offset);
        store_le32(payload + 4, parts[i].n);
        f = rig_answer(&rig, NATIVE_READ, rig_request(&rig, NATIVE_READ, payload, 8));
        assert_int_equal(f->length, 4 + parts[i].n);
        assert_int_equal(f->payload[0], UPDATE_OK);
        assert_memory_equal(f->payload + 4, image + parts[i].offset, parts[i].n);
    }
}

TEST(read_stays_within_the_application)
{
    static const struct { uint32_t offset, n; } parts[] = {
        { 0, 0 }, { 0, 1025 }, { RIG_AREA_BYTES, 1 }, { RIG_AREA_BYTES - 1, 2 }, { 0xFFFFFFFF, 1 }, { 0xFFFFFFFC, 8 }, { 4, 0xFFFFFFFC },
    };
    uint8_t payload[8];

    UNUSED_STATE;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        store_le32(payload, parts[i].offset);
        store_le32(payload + 4, parts[i].n);
        assert_int_equal(rig_ask(&rig, NATIVE_READ, payload, 8).err, UPDATE_E_RANGE);
    }
}

TEST(read_is_denied_where_the_policy_forbids_it)
{
    uint8_t payload[8] = { 0, 0, 0, 0, 4, 0, 0, 0 };

    UNUSED_STATE;
    rig_close(&rig);
    rig_open(&rig, NATIVE_CAP_UPDATE);
    assert_int_equal(rig_ask(&rig, NATIVE_READ, payload, 8).err, UPDATE_E_DENIED);
}

TEST(read_waits_for_no_update)
{
    uint8_t payload[8] = { 0, 0, 0, 0, 4, 0, 0, 0 };

    UNUSED_STATE;
    begin(7);
    assert_int_equal(rig_ask(&rig, NATIVE_READ, payload, 8).err, UPDATE_E_STATE);
}

TEST(digest_refuses_lengths_that_no_image_has)
{
    static const uint32_t lengths[] = { 0, 4, 67, 69, RIG_AREA_BYTES + 4, 0xFFFFFFFC };
    uint8_t payload[4];

    UNUSED_STATE;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        store_le32(payload, lengths[i]);
        assert_int_equal(rig_ask(&rig, NATIVE_DIGEST, payload, 4).err, UPDATE_E_RANGE);
    }
    store_le32(payload, 0x2004);
    assert_int_equal(rig_answer(&rig, NATIVE_DIGEST, rig_request(&rig, NATIVE_DIGEST, payload, 4))->length, 8 + 2 * 4);
}

TEST(reboot_is_answered_before_the_device_leaves)
{
    uint8_t request = 1, asked = 0;

    UNUSED_STATE;
    assert_false(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
    assert_int_equal(rig_ask(&rig, NATIVE_REBOOT, &request, 1).err, UPDATE_OK);
    assert_false(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
    rig_run(&rig, SERVE_REBOOT_MS);
    assert_false(serve_leaves(&rig.serve, rig.now_ms - 1, false, &asked));
    assert_true(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
    assert_int_equal(asked, 1);
    rig_run(&rig, SERVE_REBOOT_MS);
    assert_true(serve_leaves(&rig.serve, rig.now_ms, false, &asked));  /* a PC that never reads holds nobody up */
    rig_request(&rig, NATIVE_HELLO, NULL, 0);
    rig_run(&rig, 500);
    assert_int_equal(rig_drain(&rig), 0);       /* it is as good as gone */
}

TEST(reboot_waits_for_the_flash)
{
    uint8_t request = 0;

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    rig.flash.busy_polls = 50000;
    begin(7);
    rig_run(&rig, 2);
    assert_int_equal(rig_ask(&rig, NATIVE_REBOOT, &request, 1).err, UPDATE_OK);
    assert_false(session_active(&rig.session));
}

TEST(digest_in_mid_update_waits_for_the_flash_and_ends_the_update)
{
    uint8_t payload[4];

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    rig.flash.busy_polls = 50000;
    begin(7);
    rig_run(&rig, 2);
    store_le32(payload, IMAGE_BYTES);
    assert_int_equal(rig_answer(&rig, NATIVE_DIGEST, rig_request(&rig, NATIVE_DIGEST, payload, 4))->payload[0], UPDATE_OK);
    rig_drain(&rig);
    rig_run(&rig, 1000);
    assert_int_equal(rig_drain(&rig), 0);       /* no more reports */
}

TEST(reboot_to_somewhere_unknown_is_refused)
{
    uint8_t request = 4, asked = 0;

    UNUSED_STATE;
    assert_int_equal(rig_ask(&rig, NATIVE_REBOOT, &request, 1).err, UPDATE_E_RANGE);
    rig_run(&rig, 1000);
    assert_false(serve_leaves(&rig.serve, rig.now_ms, true, &asked));
}

/* --- clients that go --------------------------------------------------------------------------------------------------------------- */

static void kill_in_mid_frame(void)
{
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < 0x1000; at += 0x40) {
        send_data(at, 0x40);
    }
    rig.to_n -= 30;
    rig_run(&rig, 200);
    rig_drain(&rig);
}

TEST(a_dead_native_client_makes_room_for_ymodem_within_five_seconds)
{
    UNUSED_STATE;
    kill_in_mid_frame();
    rig_run(&rig, SERVE_SILENCE_MS);
    rig_drain(&rig);
    assert_false(session_active(&rig.session));
    assert_true(rig_ymodem(&rig, image, IMAGE_BYTES, IMAGE_BYTES, 1024));
    assert_installed();
}

TEST(a_port_whose_client_has_gone_calls_the_next_one)
{
    UNUSED_STATE;
    kill_in_mid_frame();
    rig_run(&rig, SERVE_SILENCE_MS);
    rig_drain(&rig);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
}

TEST(frames_of_a_dead_client_that_still_wait_do_not_silence_the_call)
{
    UNUSED_STATE;
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < 0x1000; at += 0x40) {
        send_data(at, 0x40);
    }
    serve_opened(&rig.serve, rig.now_ms);
    rig_drain(&rig);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
}

TEST(a_new_opening_makes_room_at_once)
{
    UNUSED_STATE;
    kill_in_mid_frame();
    serve_opened(&rig.serve, rig.now_ms);
    rig_drain(&rig);
    assert_int_equal(rig_get(&rig, SERVE_CALL_MS + 1), YM_CRC);
    assert_true(rig_ymodem(&rig, image, IMAGE_BYTES, IMAGE_BYTES, 1024));
    assert_installed();
}

TEST(a_new_opening_forgets_the_half_frame_and_the_update)
{
    uint8_t payload[8] = { 0, 0, 0, 0, 4, 0, 0, 0 };
    uint32_t since;

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    assert_true(serve_startable(&rig.serve));
    begin(7);
    rig_request(&rig, NATIVE_DATA, image, 100);
    rig.to_n -= 30;
    rig_run(&rig, 5);
    rig_drain(&rig);
    serve_opened(&rig.serve, rig.now_ms);
    since = rig.now_ms;
    assert_int_equal(rig_answer(&rig, NATIVE_READ, rig_request(&rig, NATIVE_READ, payload, 8))->payload[0], UPDATE_OK);
    assert_true(rig.now_ms - since < 50);
}

TEST(an_erase_that_began_just_before_a_new_opening_is_not_forgotten)
{
    uint8_t payload[SEAL_HEAD_BYTES + 4];

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    begin_payload(payload, 7);
    rig_request(&rig, NATIVE_BEGIN, payload, sizeof payload);
    while (rig.flash.erases == 0) {
        serve_poll(&rig.serve, rig.now_ms);
        for (unsigned i = 0; i < 100 && rig.flash.erases == 0; i++) {
            session_poll(&rig.session, rig.now_ms);
        }
    }
    serve_opened(&rig.serve, rig.now_ms);
    assert_false(serve_startable(&rig.serve));
    rig_run(&rig, 100);
    assert_int_equal(rig_hello(&rig).reason, BOOT_STAY_EMPTY);
}

TEST(what_a_dead_client_left_in_the_ring_is_not_answered_to_the_next)
{
    UNUSED_STATE;
    begin(7);
    rig_run(&rig, 10);
    for (uint32_t at = SEAL_HEAD_BYTES; at < IMAGE_BYTES; at += 0x40) {
        send_data(at, 0x40);
    }
    serve_opened(&rig.serve, rig.now_ms);
    rig_drain(&rig);
    rig_run(&rig, 900);
    assert_int_equal(rig_drain(&rig), 0);
    rig_hello(&rig);
}

TEST(a_busy_flash_does_not_count_as_silence)
{
    UNUSED_STATE;
    begin(7);
    for (uint32_t at = SEAL_HEAD_BYTES; at < IMAGE_BYTES; at += 0x40) {
        send_data(at, 0x40);
    }
    for (unsigned i = 0; i < 20; i++) {
        serve_poll(&rig.serve, rig.now_ms);
        rig.now_ms += 1000;             /* 20 s in which the session gets nowhere */
    }
    assert_int_equal(rig_ask(&rig, NATIVE_FINISH, NULL, 0).phase, UPDATE_DONE);
    assert_installed();
}

TEST(idle_time_runs_only_while_nothing_happens)
{
    UNUSED_STATE;
    rig_run(&rig, 5000);
    assert_int_equal(serve_idle_ms(&rig.serve, rig.now_ms), 5000);
    rig_put(&rig, "x", 1);
    rig_run(&rig, 10);
    assert_in_range(serve_idle_ms(&rig.serve, rig.now_ms), 9, 11);
    begin(7);
    rig_run(&rig, 3000);
    assert_in_range(serve_idle_ms(&rig.serve, rig.now_ms), 0, 1);
    rig_run(&rig, 10000);
    assert_true(serve_idle_ms(&rig.serve, rig.now_ms) > 4000);
}

TEST(random_bytes_do_nothing_to_the_flash)
{
    uint32_t x = 12345;

    UNUSED_STATE;
    rig_update(&rig, image, IMAGE_BYTES);
    for (unsigned round = 0; round < 200; round++) {
        uint8_t junk[512];

        for (size_t i = 0; i < sizeof junk; i++) {
            x = x * 1664525U + 1013904223U;
            junk[i] = (uint8_t)(x >> 24);
            junk[i] = junk[i] < 40 ? NATIVE_SYNC0 : junk[i] < 80 ? NATIVE_SYNC1 : junk[i];
        }
        rig_put(&rig, junk, sizeof junk);
        rig_run(&rig, 50);
        rig_drain(&rig);
    }
    rig_run(&rig, 3000);
    rig_drain(&rig);
    rig_hello(&rig);
    assert_installed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hello_describes_a_blank_device, setup, teardown),
        cmocka_unit_test_setup_teardown(hello_describes_the_installed_image_after_an_update, setup, teardown),
        cmocka_unit_test_setup_teardown(an_update_installs_the_image_byte_for_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_update_replaces_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(sectors_that_are_right_need_not_be_sent_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_report_comes_after_every_8_kb, setup, teardown),
        cmocka_unit_test_setup_teardown(a_report_comes_when_a_sector_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(a_report_comes_four_times_a_second_while_nothing_happens, setup, teardown),
        cmocka_unit_test_setup_teardown(finish_is_answered_as_soon_as_it_is_over_and_then_there_is_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(finish_that_is_repeated_before_it_is_over_is_answered_once, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_waits_until_there_is_room_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(hello_in_mid_update_leaves_the_busy_flash_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flash_error_is_reported_with_its_address_and_register, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pc_that_does_not_read_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_frames_are_never_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_words_sent_back_by_an_echo_are_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(every_request_of_a_wrong_length_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_requests_are_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(data_sent_twice_are_passed_over_without_a_complaint, setup, teardown),
        cmocka_unit_test_setup_teardown(data_out_of_order_is_reported_once_and_the_update_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(data_outside_of_the_image_is_never_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(data_without_an_update_is_refused_once, setup, teardown),
        cmocka_unit_test_setup_teardown(finish_without_an_update_or_without_data_commits_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(finish_asked_twice_is_answered_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(begin_again_starts_from_the_head, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_images_are_refused_before_anything_is_erased, setup, teardown),
        cmocka_unit_test_setup_teardown(a_raw_head_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_image_whose_crc_is_wrong_is_not_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(abort_leaves_no_application_and_room_for_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(read_returns_the_application_at_any_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(read_stays_within_the_application, setup, teardown),
        cmocka_unit_test_setup_teardown(read_is_denied_where_the_policy_forbids_it, setup, teardown),
        cmocka_unit_test_setup_teardown(read_waits_for_no_update, setup, teardown),
        cmocka_unit_test_setup_teardown(digest_refuses_lengths_that_no_image_has, setup, teardown),
        cmocka_unit_test_setup_teardown(reboot_is_answered_before_the_device_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(reboot_waits_for_the_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(digest_in_mid_update_waits_for_the_flash_and_ends_the_update, setup, teardown),
        cmocka_unit_test_setup_teardown(reboot_to_somewhere_unknown_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dead_native_client_makes_room_for_ymodem_within_five_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(a_port_whose_client_has_gone_calls_the_next_one, setup, teardown),
        cmocka_unit_test_setup_teardown(frames_of_a_dead_client_that_still_wait_do_not_silence_the_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_opening_makes_room_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_opening_forgets_the_half_frame_and_the_update, setup, teardown),
        cmocka_unit_test_setup_teardown(an_erase_that_began_just_before_a_new_opening_is_not_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_dead_client_left_in_the_ring_is_not_answered_to_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(a_busy_flash_does_not_count_as_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(idle_time_runs_only_while_nothing_happens, setup, teardown),
        cmocka_unit_test_setup_teardown(random_bytes_do_nothing_to_the_flash, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
