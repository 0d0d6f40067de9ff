/* SPDX-License-Identifier: MIT */
/* proto/ymodem.c: the dialogues in tests/vectors, whole and split at every byte, and the limits of patience. */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ymodem.h"

#define TICK_MS 10U

/* A receiver with its owner's ear and its sender's ear. */
struct rig {
    struct ym ym;
    uint32_t now_ms;
    size_t chunk;                       /* bytes given at once */
    uint8_t said[64];
    size_t said_n;
};

static void start(struct rig *r, uint32_t now_ms, size_t chunk)
{
    memset(r, 0xEE, sizeof *r);         /* ym_init must not lean on what was there */
    r->now_ms = now_ms;
    r->chunk = chunk;
    r->said_n = 0;
    ym_init(&r->ym, now_ms);
}

static void listen(struct rig *r)
{
    r->said_n += ym_output(&r->ym, r->said + r->said_n, sizeof r->said - r->said_n);
}

static enum ym_event event(struct rig *r)
{
    const uint8_t *block;
    size_t n;

    return ym_poll(&r->ym, &block, &n);
}

static size_t block_bytes(struct rig *r)
{
    const uint8_t *block = NULL;
    size_t n = 0;

    assert_int_equal(ym_poll(&r->ym, &block, &n), YM_BLOCK);
    assert_non_null(block);
    return n;
}

static void put(struct rig *r, const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t k = n < r->chunk ? n : r->chunk, took = ym_feed(&r->ym, p, k, r->now_ms);

        if (took == 0)
            fail_msg("%zu bytes were not taken", n);
        p += took;
        n -= took;
    }
    listen(r);
}

static void wait_ms(struct rig *r, uint32_t ms)
{
    for (uint32_t t = 0; t < ms; t += TICK_MS) {
        r->now_ms += TICK_MS;
        ym_tick(&r->ym, r->now_ms);
    }
    listen(r);
}

/* Exactly these bytes have been said since the last time. */
static void expect_said(struct rig *r, const uint8_t *p, size_t n)
{
    listen(r);
    assert_int_equal(r->said_n, n);
    if (n > 0)
        assert_memory_equal(r->said, p, n);
    r->said_n = 0;
}

static void expect_bytes(struct rig *r, const char *bytes)
{
    expect_said(r, (const uint8_t *)bytes, strlen(bytes));
}

static void put_block(struct rig *r, uint8_t number, const uint8_t *data, size_t size)
{
    uint8_t wire[3 + YM_BLOCK_MAX + 2];
    uint16_t crc = 0;

    wire[0] = size == 128 ? YM_SOH : YM_STX;
    wire[1] = number;
    wire[2] = (uint8_t)~number;
    memcpy(wire + 3, data, size);
    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)(crc ^ data[i] << 8);
        for (int k = 0; k < 8; k++)
            crc = (uint16_t)((crc & 0x8000U) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    wire[3 + size] = (uint8_t)(crc >> 8);
    wire[4 + size] = (uint8_t)crc;
    put(r, wire, size + 5);
}

static void put_header(struct rig *r, const void *text, size_t n)
{
    uint8_t data[128] = { 0 };

    memcpy(data, text, n);
    put_block(r, 0, data, sizeof data);
}

static void begin_file(struct rig *r)
{
    start(r, 0, 4096);
    put_header(r, "f\0" "100000", 8);
    ym_accept(&r->ym);
    expect_bytes(r, "\006C");
}

/* --- the dialogues ------------------------------------------------------------------------------------------------ */

/* hex, hex*count, "text" */
static size_t read_bytes(const char *p, uint8_t *out)
{
    size_t n = 0;

    for (;;) {
        unsigned long byte, count = 1;
        char *end;

        p += strspn(p, " \r\n");
        if (*p == '\0')
            return n;
        if (*p == '"') {
            for (p++; *p != '"'; p++)
                out[n++] = (uint8_t)*p;
            p++;
            continue;
        }
        byte = strtoul(p, &end, 16);
        assert_true(end != p);
        if (*end == '*')
            count = strtoul(end + 1, &end, 10);
        memset(out + n, (int)byte, count);
        n += count;
        p = end;
    }
}

static void check_event(struct rig *r, const char *want)
{
    static const char *const names[] = { "NONE", "FILE", "BLOCK", "END", "DONE", "CANCELLED" };
    enum ym_event e = event(r);
    char have[128];

    if (e == YM_FILE && r->ym.file.has_size)
        snprintf(have, sizeof have, "FILE %s %u", r->ym.file.name, (unsigned)r->ym.file.size);
    else if (e == YM_FILE)
        snprintf(have, sizeof have, "FILE %s -", r->ym.file.name);
    else if (e == YM_BLOCK)
        snprintf(have, sizeof have, "BLOCK %zu", block_bytes(r));
    else
        snprintf(have, sizeof have, "%s", names[e]);
    assert_string_equal(have, want);
}

static void answer(struct rig *r, const char *word)
{
    if (strcmp(word, "accept") == 0)
        ym_accept(&r->ym);
    else if (strcmp(word, "taken") == 0)
        ym_taken(&r->ym);
    else if (strcmp(word, "reject") == 0)
        ym_reject(&r->ym);
    else
        fail_msg("OWNER: %s?", word);
}

static void play_line(struct rig *r, char *line)
{
    uint8_t bytes[2048];

    line[strcspn(line, "\r\n")] = '\0';
    if (strncmp(line, "PC: ", 4) == 0)
        put(r, bytes, read_bytes(line + 4, bytes));
    else if (strncmp(line, "DEV:", 4) == 0)
        expect_said(r, bytes, read_bytes(line + 4, bytes));
    else if (strncmp(line, "EVENT: ", 7) == 0)
        check_event(r, line + 7);
    else if (strncmp(line, "OWNER: ", 7) == 0)
        answer(r, line + 7);
    else if (strcmp(line, "CALL: G") == 0)
        r->ym.streaming = true;
    else if (strncmp(line, "WAIT: ", 6) == 0)
        wait_ms(r, (uint32_t)strtoul(line + 6, NULL, 10));
    else
        assert_true(line[0] == '#' || line[0] == '\0');
}

static void play(const char *name, size_t chunk, uint32_t now_ms)
{
    char path[512], line[8192];
    struct rig r;
    FILE *f;

    snprintf(path, sizeof path, VECTORS "/ymodem-%s.txt", name);
    f = fopen(path, "r");
    assert_non_null(f);
    start(&r, now_ms, chunk);
    while (fgets(line, sizeof line, f) != NULL)
        play_line(&r, line);
    fclose(f);
}

TEST(every_dialogue_runs_as_it_is_written_in_pieces_of_any_size)
{
    static const char *const names[] = { "sb", "teraterm", "two-eots", "retransmit", "cancel", "cancel-in-junk", "cancel-once",
                                         "two-files", "empty-batch", "refused", "refused-at-eot", "early-eot", "extraputty",
                                         "xmodem", "xmodem-1k", "xmodem-refused", "g", "g-damaged" };
    static const size_t chunks[] = { 1, 2, 3, 64, 131, 4096 };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t k = 0; k < COUNT(chunks); k++)
            play(names[i], chunks[k], k % 2 != 0 ? 0xFFFFFFF0U : 5);      /* time may wrap */
}

/* --- the header --------------------------------------------------------------------------------------------------- */

TEST(a_size_may_be_missing_huge_or_followed_by_anything)
{
    static const struct { const char *text; size_t n; bool has; uint32_t size; } cases[] = {
        { "f", 1, false, 0 },
        { "f\0", 2, false, 0 },
        { "f\0 ", 3, false, 0 },
        { "f\0x12", 5, false, 0 },
        { "f\0" "0", 3, true, 0 },
        { "f\0" "458752 123 0", 14, true, 458752 },
        { "f\0" "458752\0", 9, true, 458752 },
        { "f\0" "4294967295", 12, true, 0xFFFFFFFFU },
        { "f\0" "4294967296", 12, true, 0xFFFFFFFFU },
        { "f\0" "99999999999999999999", 22, true, 0xFFFFFFFFU },
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig r;

        start(&r, 0, 4096);
        put_header(&r, cases[i].text, cases[i].n);
        assert_int_equal(event(&r), YM_FILE);
        assert_int_equal(r.ym.file.has_size, cases[i].has);
        assert_int_equal(r.ym.file.size, cases[i].size);
    }
}

TEST(a_name_without_an_end_is_cut_and_has_no_size)
{
    uint8_t data[128];
    struct rig r;

    UNUSED_STATE;
    memset(data, '7', sizeof data);
    start(&r, 0, 4096);
    put_block(&r, 0, data, sizeof data);
    assert_int_equal(event(&r), YM_FILE);
    assert_int_equal(strlen(r.ym.file.name), YM_NAME_MAX - 1);
    assert_false(r.ym.file.has_size);
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

TEST(numbers_wrap_and_the_256th_block_is_not_a_header)
{
    uint8_t data[128];
    struct rig r;

    UNUSED_STATE;
    begin_file(&r);
    for (unsigned i = 1; i <= 600; i++) {
        memset(data, (int)(i & 0xFFU), sizeof data);
        put_block(&r, (uint8_t)i, data, sizeof data);
        assert_int_equal(block_bytes(&r), 128);
        ym_taken(&r.ym);
        expect_bytes(&r, "\006");
    }
    assert_int_equal(r.ym.received, 600 * 128);
}

TEST(blocks_behind_the_end_of_the_file_are_acknowledged_and_dropped)
{
    uint8_t data[128] = { 0 };
    struct rig r;

    UNUSED_STATE;
    start(&r, 0, 4096);
    put_header(&r, "f\0" "128", 5);
    ym_accept(&r.ym);
    put_block(&r, 1, data, 128);
    ym_taken(&r.ym);
    put_block(&r, 2, data, 128);
    assert_int_equal(event(&r), YM_NONE);
    expect_bytes(&r, "\006C\006\006");
    put(&r, (const uint8_t *)"\004", 1);
    assert_int_equal(event(&r), YM_END);
}

TEST(no_byte_is_taken_while_an_event_waits_and_nothing_is_said)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 0, 4096);
    put_header(&r, "f\0" "128", 5);
    assert_int_equal(ym_feed(&r.ym, (const uint8_t *)"\030\030", 2, 0), 0);
    wait_ms(&r, 120000);
    expect_bytes(&r, "");
    assert_int_equal(event(&r), YM_FILE);
    ym_accept(&r.ym);
    expect_bytes(&r, "\006C");
    wait_ms(&r, 2990);                  /* the minutes of waiting are not held against the sender */
    expect_bytes(&r, "");
}

TEST(an_owner_who_does_not_tick_while_an_event_waits_makes_no_silence_either)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 0, 4096);
    put_header(&r, "f\0" "128", 5);
    r.now_ms += 60000;
    ym_accept(&r.ym);
    wait_ms(&r, 2990);
    expect_bytes(&r, "\006C");
}

TEST(every_flipped_bit_of_a_block_is_complained_about)
{
    uint8_t wire[133] = { YM_SOH, 1, 0xFE };
    uint16_t crc;

    UNUSED_STATE;
    for (size_t i = 3; i < 131; i++)
        wire[i] = (uint8_t)(i | 0x80U);
    crc = ym_crc16(0, wire + 3, 128);
    wire[131] = (uint8_t)(crc >> 8);
    wire[132] = (uint8_t)crc;
    for (size_t bit = 0; bit < 8 * sizeof wire; bit++) {
        struct rig r;

        begin_file(&r);
        wire[bit / 8] ^= (uint8_t)(1U << bit % 8);
        put(&r, wire, sizeof wire);
        assert_int_equal(event(&r), YM_NONE);
        wait_ms(&r, 1200);
        expect_bytes(&r, "\025");
        wire[bit / 8] ^= (uint8_t)(1U << bit % 8);
        put(&r, wire, sizeof wire);
        assert_int_equal(block_bytes(&r), 128);
    }
}

TEST(junk_before_a_block_is_purged_with_it)
{
    uint8_t data[128] = { 0 };
    struct rig r;

    UNUSED_STATE;
    begin_file(&r);
    put(&r, (const uint8_t *)"AT\r", 3);
    put_block(&r, 1, data, 128);        /* within the purge: lost, but asked for again */
    assert_int_equal(event(&r), YM_NONE);
    wait_ms(&r, 200);
    expect_bytes(&r, "\025");
    put_block(&r, 1, data, 128);
    assert_int_equal(event(&r), YM_BLOCK);
}

/* --- patience ----------------------------------------------------------------------------------------------------- */

TEST(it_calls_once_a_second_for_a_minute_and_then_only_listens)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 0, 4096);
    for (unsigned i = 0; i < 60; i++) {
        wait_ms(&r, 1000);
        expect_bytes(&r, "C");
    }
    wait_ms(&r, 100000);
    expect_bytes(&r, "");
    put_header(&r, "f\0" "128", 5);
    assert_int_equal(event(&r), YM_FILE);
}

TEST(a_sender_that_falls_silent_in_the_middle_is_given_up)
{
    uint8_t data[128] = { 0 };
    struct rig r;

    UNUSED_STATE;
    begin_file(&r);
    put_block(&r, 1, data, 128);
    ym_taken(&r.ym);
    wait_ms(&r, TICK_MS);
    expect_bytes(&r, "\006");
    for (unsigned i = 0; i < 3; i++) {
        wait_ms(&r, 10000);
        expect_bytes(&r, "\025");
    }
    wait_ms(&r, 10000);
    expect_bytes(&r, "\030\030\030\030");
    wait_ms(&r, 200);
    assert_int_equal(event(&r), YM_CANCELLED);
}

TEST(ten_errors_in_a_row_end_it)
{
    uint8_t bad[133] = { YM_SOH, 1, 0xFE, 1, 2, 3 };
    struct rig r;

    UNUSED_STATE;
    begin_file(&r);
    for (unsigned i = 0; i < 9; i++) {
        put(&r, bad, sizeof bad);
        wait_ms(&r, 200);
        expect_bytes(&r, "\025");
    }
    put(&r, bad, sizeof bad);
    wait_ms(&r, 200);
    expect_bytes(&r, "\030\030\030\030");
    wait_ms(&r, 200);
    assert_int_equal(event(&r), YM_CANCELLED);
}

TEST(a_good_block_forgives_the_errors_before_it)
{
    uint8_t bad[133] = { YM_SOH, 1, 0xFE, 1, 2, 3 }, data[128] = { 0 };
    struct rig r;

    UNUSED_STATE;
    begin_file(&r);
    for (uint8_t block = 1; block < 4; block++) {
        for (unsigned i = 0; i < 9; i++) {
            put(&r, bad, sizeof bad);
            wait_ms(&r, 200);
        }
        expect_bytes(&r, "\025\025\025\025\025\025\025\025\025");
        put_block(&r, block, data, 128);
        ym_taken(&r.ym);
        expect_bytes(&r, "\006");
    }
}

TEST(a_sender_that_vanishes_behind_its_last_eot_has_delivered)
{
    static const uint8_t cans[] = { YM_CAN, YM_CAN };
    uint8_t data[128] = { 0 };

    UNUSED_STATE;
    for (int cancels = 0; cancels < 2; cancels++) {
        struct rig r;

        start(&r, 0, 4096);
        put_header(&r, "f\0" "128", 5);
        ym_accept(&r.ym);
        put_block(&r, 1, data, 128);
        ym_taken(&r.ym);
        put(&r, (const uint8_t *)"\004", 1);
        ym_accept(&r.ym);
        if (cancels != 0)
            put(&r, cans, sizeof cans);
        else
            wait_ms(&r, 13000);
        assert_int_equal(event(&r), YM_DONE);
    }
}

TEST(bytes_behind_the_end_are_left_for_the_next_client)
{
    uint8_t data[128] = { 0 };
    struct rig r;

    UNUSED_STATE;
    start(&r, 0, 4096);
    put_block(&r, 0, data, sizeof data);
    assert_int_equal(event(&r), YM_DONE);
    assert_int_equal(ym_feed(&r.ym, (const uint8_t *)"\245\126", 2, 0), 0);
}

TEST(an_answer_without_a_question_changes_nothing)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 0, 4096);
    ym_accept(&r.ym);
    ym_taken(&r.ym);
    expect_bytes(&r, "");
    assert_false(r.ym.in_batch);
}

TEST(what_does_not_fit_into_one_piece_of_output_comes_in_the_next)
{
    struct rig r;
    uint8_t byte[2];

    UNUSED_STATE;
    start(&r, 0, 4096);
    put_header(&r, "f\0" "128", 5);
    ym_accept(&r.ym);
    assert_int_equal(ym_output(&r.ym, byte, 1), 1);
    assert_int_equal(byte[0], YM_ACK);
    assert_int_equal(ym_output(&r.ym, byte, 1), 1);
    assert_int_equal(byte[0], YM_CRC);
    assert_int_equal(ym_output(&r.ym, byte, 1), 0);
}

TEST(random_bytes_never_overflow_nor_hang)
{
    uint32_t random = 7;
    struct rig r;

    UNUSED_STATE;
    start(&r, 0, 4096);
    for (unsigned i = 0; i < 300000; i++) {
        uint8_t byte;

        random = random * 1664525U + 1013904223U;
        byte = (uint8_t)(random >> 29 == 0 ? random >> 24 & 7U : random >> 24);
        ym_feed(&r.ym, &byte, 1, r.now_ms);
        if (random % 97U == 0)
            wait_ms(&r, 250);
        r.said_n = 0;
        if (event(&r) == YM_DONE || event(&r) == YM_CANCELLED)
            ym_init(&r.ym, r.now_ms);
        else if (event(&r) == YM_BLOCK)
            ym_taken(&r.ym);
        else if (event(&r) != YM_NONE)
            ym_accept(&r.ym);
        assert_true(r.ym.have < sizeof r.ym.buf);
    }
}

TEST(crc16_gives_the_check_value_of_xmodem)
{
    UNUSED_STATE;
    assert_int_equal(ym_crc16(0, (const uint8_t *)"123456789", 9), 0x31C3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dialogue_runs_as_it_is_written_in_pieces_of_any_size),
        cmocka_unit_test(a_size_may_be_missing_huge_or_followed_by_anything),
        cmocka_unit_test(a_name_without_an_end_is_cut_and_has_no_size),
        cmocka_unit_test(numbers_wrap_and_the_256th_block_is_not_a_header),
        cmocka_unit_test(blocks_behind_the_end_of_the_file_are_acknowledged_and_dropped),
        cmocka_unit_test(no_byte_is_taken_while_an_event_waits_and_nothing_is_said),
        cmocka_unit_test(an_owner_who_does_not_tick_while_an_event_waits_makes_no_silence_either),
        cmocka_unit_test(every_flipped_bit_of_a_block_is_complained_about),
        cmocka_unit_test(junk_before_a_block_is_purged_with_it),
        cmocka_unit_test(it_calls_once_a_second_for_a_minute_and_then_only_listens),
        cmocka_unit_test(a_sender_that_falls_silent_in_the_middle_is_given_up),
        cmocka_unit_test(ten_errors_in_a_row_end_it),
        cmocka_unit_test(a_good_block_forgives_the_errors_before_it),
        cmocka_unit_test(a_sender_that_vanishes_behind_its_last_eot_has_delivered),
        cmocka_unit_test(bytes_behind_the_end_are_left_for_the_next_client),
        cmocka_unit_test(an_answer_without_a_question_changes_nothing),
        cmocka_unit_test(what_does_not_fit_into_one_piece_of_output_comes_in_the_next),
        cmocka_unit_test(random_bytes_never_overflow_nor_hang),
        cmocka_unit_test(crc16_gives_the_check_value_of_xmodem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
