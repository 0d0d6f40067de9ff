/* SPDX-License-Identifier: MIT */
/* proto/native.c: both ends, against the vectors and against every way in which a stream can be cut, glued, bent and shuffled. */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/native.h"

struct sample { uint8_t bytes[NATIVE_FRAME_MAX]; size_t n; };

static struct sample make(uint8_t type, uint8_t seq, size_t payload)
{
    struct sample s;
    uint8_t p[NATIVE_PAYLOAD_MAX] = { 0 };

    for (size_t i = 0; i < payload; i++)
        p[i] = (uint8_t)(i * 7U + seq);
    s.n = native_encode(s.bytes, sizeof s.bytes, type, seq, p, payload);
    assert_int_equal(s.n, payload + 12);
    return s;
}

/* Takes the frame that must be there, checks that it is `make(type, seq, payload)`, releases it. */
static void expect(struct native_rx *rx, uint8_t type, uint8_t seq, size_t payload)
{
    struct native_frame f;

    assert_true(native_rx_frame(rx, &f));
    assert_int_equal(f.type, type);
    assert_int_equal(f.seq, seq);
    assert_int_equal(f.length, payload);
    for (size_t i = 0; i < payload; i++)
        assert_int_equal(f.payload[i], (uint8_t)(i * 7U + seq));
    native_rx_release(rx);
}

/* Feeds everything; counts the frames that come out. */
static unsigned count_frames(struct native_rx *rx, const uint8_t *p, size_t n)
{
    struct native_frame f;
    unsigned frames = 0;

    while (n > 0 || native_rx_frame(rx, &f)) {
        size_t took = native_rx_feed(rx, p, n, 0);

        p += took;
        n -= took;
        while (native_rx_frame(rx, &f)) {
            frames++;
            native_rx_release(rx);
        }
    }
    return frames;
}

/* --- vectors ------------------------------------------------------------------------------------------------------ */

static size_t read_hex(const char *text, uint8_t *out)
{
    char *end;
    size_t n = 0;

    for (;;) {
        unsigned long v = strtoul(text, &end, 16);

        if (end == text)
            return n;
        out[n++] = (uint8_t)v;
        text = end;
    }
}

static void check_vector(uint8_t type, uint8_t seq, const uint8_t *payload, size_t n, const uint8_t *wire, size_t wire_n)
{
    uint8_t out[NATIVE_FRAME_MAX];
    struct native_rx rx;
    struct native_frame f;

    assert_int_equal(native_encode(out, sizeof out, type, seq, payload, n), wire_n);
    assert_memory_equal(out, wire, wire_n);
    native_rx_init(&rx);
    assert_int_equal(native_rx_feed(&rx, wire, wire_n, 0), wire_n);
    assert_true(native_rx_frame(&rx, &f));
    assert_int_equal(f.type, type);
    assert_int_equal(f.seq, seq);
    assert_int_equal(f.length, n);
    if (n > 0)
        assert_memory_equal(f.payload, payload, n);
}

TEST(every_vector_is_written_and_read_byte_for_byte)
{
    FILE *f = fopen(VECTORS "/native.txt", "r");
    uint8_t payload[NATIVE_PAYLOAD_MAX], wire[NATIVE_FRAME_MAX], at[2] = { 0, 0 };
    size_t n = 0, wire_n;
    char line[256];
    unsigned vectors = 0;

    UNUSED_STATE;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "frame ", 6) == 0) {
            assert_int_equal(read_hex(line + 6, at), 2);
            n = 0;
        } else if (strncmp(line, "payload ", 8) == 0) {
            n += read_hex(line + 8, payload + n);
        } else if (strncmp(line, "header ", 7) == 0) {
            assert_int_equal(read_hex(line + 7, wire), 8);
        } else if (strncmp(line, "trailer ", 8) == 0) {
            memcpy(wire + 8, payload, n);
            wire_n = 8 + n + read_hex(line + 8, wire + 8 + n);
            check_vector(at[0], at[1], payload, n, wire, wire_n);
            vectors++;
        }
    }
    fclose(f);
    assert_int_equal(vectors, 11);
}

/* --- cut and glued ------------------------------------------------------------------------------------------------ */

TEST(a_frame_may_be_split_at_every_byte)
{
    struct sample s = make(NATIVE_BEGIN, 9, 68);
    struct native_rx rx;

    UNUSED_STATE;
    native_rx_init(&rx);
    for (size_t cut = 0; cut <= s.n; cut++) {
        assert_int_equal(native_rx_feed(&rx, s.bytes, cut, 0), cut);
        assert_int_equal(native_rx_feed(&rx, s.bytes + cut, s.n - cut, 200), s.n - cut);
        expect(&rx, NATIVE_BEGIN, 9, 68);
        assert_true(native_rx_empty(&rx));
    }
    assert_int_equal(rx.damaged, 0);
}

TEST(a_frame_may_come_byte_by_byte)
{
    struct sample s = make(NATIVE_DATA, 1, NATIVE_PAYLOAD_MAX);
    struct native_rx rx;
    struct native_frame f;

    UNUSED_STATE;
    native_rx_init(&rx);
    for (size_t i = 0; i < s.n; i++) {
        assert_false(native_rx_frame(&rx, &f));
        assert_int_equal(native_rx_feed(&rx, s.bytes + i, 1, 0), 1);
    }
    expect(&rx, NATIVE_DATA, 1, NATIVE_PAYLOAD_MAX);
}

TEST(frames_in_one_piece_come_out_one_by_one)
{
    struct sample a = make(NATIVE_HELLO, 1, 0), b = make(NATIVE_DATA, 2, 1028), c = make(NATIVE_FINISH, 3, 0);
    uint8_t glued[3 * NATIVE_FRAME_MAX];
    struct native_rx rx;
    size_t n = a.n + b.n + c.n, at;

    UNUSED_STATE;
    memcpy(glued, a.bytes, a.n);
    memcpy(glued + a.n, b.bytes, b.n);
    memcpy(glued + a.n + b.n, c.bytes, c.n);
    native_rx_init(&rx);
    at = native_rx_feed(&rx, glued, n, 0);
    assert_int_equal(at, a.n);
    assert_int_equal(native_rx_feed(&rx, glued + at, n - at, 0), 0);
    expect(&rx, NATIVE_HELLO, 1, 0);
    at += native_rx_feed(&rx, glued + at, n - at, 0);
    expect(&rx, NATIVE_DATA, 2, 1028);
    at += native_rx_feed(&rx, glued + at, n - at, 0);
    expect(&rx, NATIVE_FINISH, 3, 0);
    assert_int_equal(at, n);
}

TEST(frames_keep_the_order_and_the_number_in_which_they_come)
{
    struct sample a = make(NATIVE_DATA, 1, 12), b = make(NATIVE_DATA, 2, 12);
    const struct sample *order[] = { &b, &a, &a, &b, &b };
    struct native_rx rx;

    UNUSED_STATE;
    native_rx_init(&rx);
    for (size_t i = 0; i < COUNT(order); i++) {
        native_rx_feed(&rx, order[i]->bytes, order[i]->n, 0);
        expect(&rx, NATIVE_DATA, order[i]->bytes[3], 12);
    }
}

/* --- damaged ------------------------------------------------------------------------------------------------------ */

TEST(every_flipped_bit_is_noticed_and_the_next_frame_is_found)
{
    struct sample good = make(NATIVE_DATA, 5, 24), next = make(NATIVE_FINISH, 6, 0);

    UNUSED_STATE;
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        struct sample bad = good;
        struct native_rx rx;
        struct native_frame f;

        bad.bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        native_rx_init(&rx);
        assert_int_equal(native_rx_feed(&rx, bad.bytes, bad.n, 0), bad.n);
        assert_false(native_rx_frame(&rx, &f));
        assert_int_equal(native_rx_feed(&rx, next.bytes, next.n, 0), next.n);
        expect(&rx, NATIVE_FINISH, 6, 0);
    }
}

TEST(a_frame_cut_short_anywhere_does_not_swallow_the_next_two)
{
    struct sample first = make(NATIVE_DATA, 5, 40), next = make(NATIVE_BEGIN, 6, 68);

    UNUSED_STATE;
    for (size_t cut = 0; cut < first.n; cut++) {
        uint8_t wire[256];
        struct native_rx rx;

        memcpy(wire, first.bytes, cut);
        memcpy(wire + cut, next.bytes, next.n);
        memcpy(wire + cut + next.n, next.bytes, next.n);
        native_rx_init(&rx);
        assert_int_equal(count_frames(&rx, wire, cut + 2 * next.n), 2);
    }
}

TEST(a_frame_inside_a_damaged_frame_is_found_in_what_is_held)
{
    struct sample inner = make(NATIVE_HELLO, 3, 0), outer = make(NATIVE_DATA, 4, 200);
    struct native_rx rx;

    UNUSED_STATE;
    memcpy(outer.bytes + 50, inner.bytes, inner.n);     /* which also spoils the outer CRC */
    memcpy(outer.bytes + 100, inner.bytes, inner.n);
    native_rx_init(&rx);
    assert_int_equal(native_rx_feed(&rx, outer.bytes, outer.n, 0), outer.n);
    expect(&rx, NATIVE_HELLO, 3, 0);
    expect(&rx, NATIVE_HELLO, 3, 0);
    assert_true(rx.damaged > 0);
    assert_true(native_rx_empty(&rx));
}

TEST(the_length_is_not_believed_before_the_headers_crc)
{
    static const uint8_t lying[8] = { 0xA5, 0x56, 4, 0, 0x04, 0x04, 0x12, 0x34 };
    struct sample next = make(NATIVE_HELLO, 1, 0);
    struct native_rx rx;

    UNUSED_STATE;
    native_rx_init(&rx);
    native_rx_feed(&rx, lying, sizeof lying, 0);
    assert_true(native_rx_empty(&rx));
    native_rx_feed(&rx, next.bytes, next.n, 0);
    expect(&rx, NATIVE_HELLO, 1, 0);
}

TEST(a_payload_that_is_too_long_is_not_waited_for)
{
    uint8_t header[8] = { 0xA5, 0x56, 4, 0, 0x05, 0x04, 0, 0 };
    uint16_t crc = 0;
    struct native_rx rx;

    UNUSED_STATE;
    for (int i = 0; i < 6; i++) {
        crc = (uint16_t)(crc ^ header[i] << 8);
        for (int k = 0; k < 8; k++)
            crc = (uint16_t)((crc & 0x8000U) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    header[6] = (uint8_t)crc;
    header[7] = (uint8_t)(crc >> 8);
    native_rx_init(&rx);
    native_rx_feed(&rx, header, sizeof header, 0);
    assert_true(native_rx_empty(&rx));
}

TEST(junk_between_frames_is_passed_over_byte_by_byte)
{
    struct sample s = make(NATIVE_HELLO, 1, 0);
    struct native_rx rx;

    UNUSED_STATE;
    native_rx_init(&rx);
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t junk[3] = { (uint8_t)byte, (uint8_t)byte, (uint8_t)byte };

        native_rx_feed(&rx, junk, sizeof junk, 0);
        native_rx_feed(&rx, s.bytes, s.n, 0);
        expect(&rx, NATIVE_HELLO, 1, 0);
    }
    assert_true(native_rx_empty(&rx));
}

TEST(a_stream_of_sync_bytes_and_random_bytes_never_hangs_nor_overflows)
{
    static uint8_t noise[65536];
    struct native_rx rx;
    uint32_t random = 1;

    UNUSED_STATE;
    for (unsigned round = 0; round < 8; round++) {
        for (size_t i = 0; i < sizeof noise; i++) {
            random = random * 1664525U + 1013904223U;
            noise[i] = round == 0 ? 0xA5 : round == 1 ? (i % 2 != 0 ? 0x56 : 0xA5) : (uint8_t)(random >> 24);
            if (round > 2 && random >> 28 == 0)
                noise[i] = 0xA5;
        }
        native_rx_init(&rx);
        assert_int_equal(count_frames(&rx, noise, sizeof noise), 0);
        assert_true(rx.have <= sizeof rx.buf);
    }
}

TEST(a_hundred_nested_headers_that_pass_are_all_given_up_in_the_end)
{
    uint8_t wire[NATIVE_FRAME_MAX];
    struct sample header = make(NATIVE_DATA, 1, 1028), next = make(NATIVE_HELLO, 2, 0);
    struct native_rx rx;

    UNUSED_STATE;
    for (size_t i = 0; i + 8 <= sizeof wire; i += 8)
        memcpy(wire + i, header.bytes, 8);
    native_rx_init(&rx);
    native_rx_feed(&rx, wire, sizeof wire, 0);
    native_rx_tick(&rx, NATIVE_GAP_MS);
    assert_true(native_rx_empty(&rx));
    native_rx_feed(&rx, next.bytes, next.n, NATIVE_GAP_MS);
    expect(&rx, NATIVE_HELLO, 2, 0);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

TEST(half_a_frame_is_given_up_after_the_gap_and_not_before)
{
    struct sample s = make(NATIVE_BEGIN, 1, 68);

    UNUSED_STATE;
    for (size_t cut = 1; cut < s.n; cut++) {
        struct native_rx rx;

        native_rx_init(&rx);
        native_rx_feed(&rx, s.bytes, cut, 0xFFFFFFF0U);
        native_rx_tick(&rx, 0xFFFFFFF0U + NATIVE_GAP_MS - 1U);
        assert_false(native_rx_empty(&rx));
        native_rx_tick(&rx, 0xFFFFFFF0U + NATIVE_GAP_MS);
        assert_true(native_rx_empty(&rx));
        native_rx_feed(&rx, s.bytes, s.n, 0);
        expect(&rx, NATIVE_BEGIN, 1, 68);
    }
}

TEST(giving_up_finds_a_whole_frame_in_what_is_held)
{
    struct sample outer = make(NATIVE_DATA, 1, 500), inner = make(NATIVE_ABORT, 2, 0);
    struct native_rx rx;

    UNUSED_STATE;
    native_rx_init(&rx);
    native_rx_feed(&rx, outer.bytes, 100, 0);
    native_rx_feed(&rx, inner.bytes, inner.n, 0);
    native_rx_tick(&rx, NATIVE_GAP_MS);
    expect(&rx, NATIVE_ABORT, 2, 0);
}

TEST(a_whole_frame_waits_for_its_owner_for_ever)
{
    struct sample s = make(NATIVE_HELLO, 1, 0);
    struct native_rx rx;

    UNUSED_STATE;
    native_rx_init(&rx);
    native_rx_feed(&rx, s.bytes, s.n, 0);
    native_rx_tick(&rx, 1000000);
    expect(&rx, NATIVE_HELLO, 1, 0);
}

TEST(half_a_frame_behind_a_whole_one_does_not_age_while_its_owner_is_busy)
{
    struct sample outer = make(NATIVE_DATA, 1, 40), inner = make(NATIVE_HELLO, 2, 0), last = make(NATIVE_BEGIN, 3, 68);
    struct native_rx rx;

    UNUSED_STATE;
    memcpy(outer.bytes + 10, inner.bytes, inner.n);
    memcpy(outer.bytes + 22, last.bytes, 30);
    native_rx_init(&rx);
    assert_int_equal(native_rx_feed(&rx, outer.bytes, outer.n, 0), 52);
    native_rx_tick(&rx, 5000);
    expect(&rx, NATIVE_HELLO, 2, 0);
    native_rx_tick(&rx, 5001);
    native_rx_feed(&rx, last.bytes + 30, last.n - 30, 5002);
    expect(&rx, NATIVE_BEGIN, 3, 68);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

TEST(a_frame_that_does_not_fit_is_not_written)
{
    uint8_t out[NATIVE_FRAME_MAX + 8], p[NATIVE_PAYLOAD_MAX + 1];

    UNUSED_STATE;
    memset(p, 0, sizeof p);
    assert_int_equal(native_encode(out, 15, NATIVE_HELLO, 0, p, 4), 0);
    assert_int_equal(native_encode(out, 16, NATIVE_HELLO, 0, p, 4), 16);
    assert_int_equal(native_encode(out, sizeof out, NATIVE_HELLO, 0, p, NATIVE_PAYLOAD_MAX + 1), 0);
    assert_int_equal(native_encode(out, sizeof out, NATIVE_HELLO, 0, p, (size_t)-1), 0);
}

TEST(a_payload_may_stand_in_its_place_already)
{
    struct sample apart = make(NATIVE_READ, 1, 8), in_place = apart;

    UNUSED_STATE;
    assert_int_equal(native_encode(in_place.bytes, sizeof in_place.bytes, NATIVE_READ, 1, in_place.bytes + 8, 8), apart.n);
    assert_memory_equal(in_place.bytes, apart.bytes, apart.n);
}

TEST(a_status_survives_the_wire)
{
    const struct native_status s = { .err = 12, .phase = 6, .sector = 3, .next = 0x08010400U, .done = 0x12345678U };
    struct native_status back;
    uint8_t p[NATIVE_STATUS_BYTES], again[NATIVE_STATUS_BYTES];
    static const uint8_t want[] = { 12, 6, 3, 0, 0x00, 0x04, 0x01, 0x08, 0x78, 0x56, 0x34, 0x12 };

    UNUSED_STATE;
    native_put_status(p, &s);
    assert_memory_equal(p, want, sizeof want);
    assert_true(native_get_status(&back, p, sizeof p));
    native_put_status(again, &back);
    assert_memory_equal(again, want, sizeof want);
    assert_false(native_get_status(&back, p, sizeof p - 1));
}

static struct native_hello full_hello(const uint8_t *entries, size_t n)
{
    struct native_hello h = { .version = 1, .mode = 1, .reason = 9, .capabilities = 3, .boot_version = 0x010203, .dev_id = 0x413,
                              .rev_id = 0x1007, .app_base = 0x08010000U, .app_bytes = 458752, .data_max = 1024, .flash_kb = 512,
                              .window = 65536, .erase_max_ms = 4000, .idle_exit_ms = 30000, .image_bytes = 430000,
                              .image_crc = 0xCAFEF00DU, .life = 0xFFFFFEFEU, .sectors = 3, .sector_kb = { 64, 128, 128 },
                              .entries = entries, .entries_bytes = n };

    for (uint8_t i = 0; i < 12; i++)
        h.uid[i] = (uint8_t)(0x30 + i);
    return h;
}

TEST(a_hello_survives_the_wire)
{
    static const uint8_t entries[12] = { 1, 0, 4, 0, 'p', 'u', 'm', 'p', 9, 0, 0, 0 };
    struct native_hello h = full_hello(entries, sizeof entries), back;
    uint8_t p[NATIVE_PAYLOAD_MAX], again[NATIVE_PAYLOAD_MAX];
    size_t n = native_put_hello(p, sizeof p, &h);

    UNUSED_STATE;
    assert_int_equal(n, 68 + 8 + 12);   /* three sizes take two words */
    assert_int_equal(p[74] | p[75], 0);
    assert_true(native_get_hello(&back, p, n));
    assert_memory_equal(back.entries, entries, sizeof entries);
    assert_int_equal(back.life, h.life);
    assert_int_equal(back.sector_kb[2], 128);
    assert_int_equal(native_put_hello(again, sizeof again, &back), n);
    assert_memory_equal(again, p, n);
}

TEST(a_hello_that_lies_about_a_length_is_refused)
{
    static const uint8_t entries[12];
    struct native_hello h = full_hello(entries, sizeof entries), back;
    uint8_t p[NATIVE_PAYLOAD_MAX];
    size_t n = native_put_hello(p, sizeof p, &h);

    UNUSED_STATE;
    for (size_t cut = 0; cut < n; cut++)
        assert_false(native_get_hello(&back, p, cut));
    assert_false(native_get_hello(&back, p, n + 4));
    p[64] = 25;
    assert_false(native_get_hello(&back, p, sizeof p));
    p[64] = 3;
    p[66] = 0xFF;
    p[67] = 0xFF;
    assert_false(native_get_hello(&back, p, sizeof p));
}

TEST(a_hello_that_does_not_fit_is_not_written)
{
    static const uint8_t entries[516];
    struct native_hello h = full_hello(entries, 12);
    uint8_t p[NATIVE_PAYLOAD_MAX];

    UNUSED_STATE;
    assert_int_equal(native_put_hello(p, 87, &h), 0);
    h.entries_bytes = 516;
    assert_int_equal(native_put_hello(p, sizeof p, &h), 0);
    h.entries_bytes = 0;
    h.sectors = 25;
    assert_int_equal(native_put_hello(p, sizeof p, &h), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_written_and_read_byte_for_byte),
        cmocka_unit_test(a_frame_may_be_split_at_every_byte),
        cmocka_unit_test(a_frame_may_come_byte_by_byte),
        cmocka_unit_test(frames_in_one_piece_come_out_one_by_one),
        cmocka_unit_test(frames_keep_the_order_and_the_number_in_which_they_come),
        cmocka_unit_test(every_flipped_bit_is_noticed_and_the_next_frame_is_found),
        cmocka_unit_test(a_frame_cut_short_anywhere_does_not_swallow_the_next_two),
        cmocka_unit_test(a_frame_inside_a_damaged_frame_is_found_in_what_is_held),
        cmocka_unit_test(the_length_is_not_believed_before_the_headers_crc),
        cmocka_unit_test(a_payload_that_is_too_long_is_not_waited_for),
        cmocka_unit_test(junk_between_frames_is_passed_over_byte_by_byte),
        cmocka_unit_test(a_stream_of_sync_bytes_and_random_bytes_never_hangs_nor_overflows),
        cmocka_unit_test(a_hundred_nested_headers_that_pass_are_all_given_up_in_the_end),
        cmocka_unit_test(half_a_frame_is_given_up_after_the_gap_and_not_before),
        cmocka_unit_test(giving_up_finds_a_whole_frame_in_what_is_held),
        cmocka_unit_test(a_whole_frame_waits_for_its_owner_for_ever),
        cmocka_unit_test(half_a_frame_behind_a_whole_one_does_not_age_while_its_owner_is_busy),
        cmocka_unit_test(a_frame_that_does_not_fit_is_not_written),
        cmocka_unit_test(a_payload_may_stand_in_its_place_already),
        cmocka_unit_test(a_status_survives_the_wire),
        cmocka_unit_test(a_hello_survives_the_wire),
        cmocka_unit_test(a_hello_that_lies_about_a_length_is_refused),
        cmocka_unit_test(a_hello_that_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
