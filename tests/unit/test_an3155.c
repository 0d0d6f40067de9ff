/* SPDX-License-Identifier: MIT */
/* proto/an3155.c: every command whole and byte by byte, every wrong byte, lists longer than any buffer. */
#include "tests/unit/cm.h"

#include <string.h>

#include "proto/an3155.h"

static struct an3155 an;

static int setup(void **state)
{
    (void)state;
    memset(&an, 0xA5, sizeof an);
    an_init(&an);
    return 0;
}

/* Feeds until an event waits; fails if bytes are left over or the event is another one. */
static void expect(const void *bytes, size_t n, enum an_event event)
{
    assert_int_equal(an_feed(&an, bytes, n), n);
    assert_int_equal(an.event, event);
}

static void command(enum an_command c, enum an_event event)
{
    uint8_t frame[] = { an_codes[c], (uint8_t)~an_codes[c] };

    expect(frame, sizeof frame, event);
    assert_int_equal(an.command, c);
    an_answer(&an, true);
}

static void address(uint32_t at, enum an_event event)
{
    uint8_t frame[] = { (uint8_t)(at >> 24), (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at, 0 };

    frame[4] = frame[0] ^ frame[1] ^ frame[2] ^ frame[3];
    expect(frame, sizeof frame, event);
    assert_int_equal(an.address, at);
    an_answer(&an, true);
}

static void at_rest(void)
{
    assert_int_equal(an.event, AN_NONE);
    command(AN_GET, AN_WHOLE);
}

TEST(the_commands_have_the_bytes_of_the_application_note)
{
    static const uint8_t codes[] = { 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92 };
    unsigned known = 0;

    UNUSED_STATE;
    assert_memory_equal(an_codes, codes, sizeof codes);
    for (unsigned byte = 0; byte < 256; byte++) known += an_known((uint8_t)byte);
    assert_int_equal(known, AN_COMMANDS);
}

TEST(commands_without_anything_behind_them_are_whole_at_once)
{
    UNUSED_STATE;
    command(AN_GET, AN_WHOLE);
    command(AN_GET_VERSION, AN_WHOLE);
    command(AN_GET_ID, AN_WHOLE);
    command(AN_READOUT_PROTECT, AN_WHOLE);
    at_rest();
}

TEST(an_unprotect_wants_a_second_answer_and_nothing_else)
{
    UNUSED_STATE;
    command(AN_WRITE_UNPROTECT, AN_COMMAND);
    assert_int_equal(an.event, AN_WHOLE);
    assert_int_equal(an.sectors, 0);
    an_answer(&an, true);
    command(AN_READOUT_UNPROTECT, AN_COMMAND);
    assert_int_equal(an.event, AN_WHOLE);
    an_answer(&an, true);
    at_rest();
}

TEST(a_read_has_an_address_and_a_length)
{
    UNUSED_STATE;
    for (unsigned count = 0; count < AN_BLOCK_MAX; count++) {
        uint8_t frame[] = { (uint8_t)count, (uint8_t)~count };

        command(AN_READ, AN_COMMAND);
        address(0x08010203, AN_ADDRESS);
        expect(frame, 2, AN_WHOLE);
        assert_int_equal(an.count, count);
        an_answer(&an, true);
    }
    at_rest();
}

TEST(a_go_has_an_address)
{
    UNUSED_STATE;
    command(AN_GO, AN_COMMAND);
    address(0xFFFFFFFF, AN_WHOLE);
    at_rest();
}

static void write_block(size_t n)
{
    uint8_t frame[1 + AN_BLOCK_MAX + 1];
    uint8_t sum = 0;

    frame[0] = (uint8_t)(n - 1);
    for (size_t i = 1; i <= n; i++) frame[i] = (uint8_t)(7 * i);
    for (size_t i = 0; i <= n; i++) sum ^= frame[i];
    frame[n + 1] = sum;
    command(AN_WRITE, AN_COMMAND);
    address(0x08010000, AN_ADDRESS);
    expect(frame, n + 2, AN_WHOLE);
    assert_int_equal(an.count, n - 1);
    assert_memory_equal(an.data, frame + 1, n);
    an_answer(&an, true);
}

TEST(a_write_has_an_address_and_from_1_to_256_bytes)
{
    UNUSED_STATE;
    for (size_t n = 1; n <= AN_BLOCK_MAX; n++) write_block(n);
    at_rest();
}

TEST(an_erase_has_a_list_of_two_byte_numbers)
{
    UNUSED_STATE;
    command(AN_ERASE, AN_COMMAND);
    expect("\x00\x02\x00\x04\x00\x1F\x00\x20\x39", 9, AN_WHOLE);
    assert_int_equal(an.count, 2);
    assert_int_equal(an.sectors, 0x80000010U);
    an_answer(&an, true);
    command(AN_ERASE, AN_COMMAND);
    expect("\x00\x00\x01\x04\x05", 5, AN_WHOLE);        /* 0x0104 is not sector 4 */
    assert_int_equal(an.sectors, 0);
    an_answer(&an, true);
    at_rest();
}

TEST(the_special_erases_have_no_list)
{
    UNUSED_STATE;
    for (unsigned count = AN_ERASE_SPECIAL; count <= AN_ERASE_ALL; count++) {
        uint8_t frame[] = { (uint8_t)(count >> 8), (uint8_t)count, (uint8_t)(count >> 8 ^ count) };

        command(AN_ERASE, AN_COMMAND);
        expect(frame, sizeof frame, AN_WHOLE);
        assert_int_equal(an.count, count);
        an_answer(&an, true);
    }
    at_rest();
}

TEST(the_longest_list_is_taken_to_its_end)
{
    uint32_t items = AN_ERASE_SPECIAL;          /* the count on the wire is one less */
    uint8_t sum = 0xFF ^ 0xEF;

    UNUSED_STATE;
    command(AN_ERASE, AN_COMMAND);
    expect("\xFF\xEF", 2, AN_NONE);
    for (uint32_t i = 0; i < items; i++) {
        uint8_t item[] = { (uint8_t)(i >> 8), (uint8_t)i };

        sum ^= item[0] ^ item[1];
        expect(item, 2, AN_NONE);
    }
    expect(&sum, 1, AN_WHOLE);
    assert_int_equal(an.sectors, 0xFFFFFFFFU);
    an_answer(&an, true);
    at_rest();
}

TEST(a_write_protect_has_a_list_of_one_byte_numbers)
{
    UNUSED_STATE;
    command(AN_WRITE_PROTECT, AN_COMMAND);
    expect("\x02\x04\x07\x25\x24", 5, AN_WHOLE);
    assert_int_equal(an.sectors, 0x90);
    an_answer(&an, true);
    at_rest();
}

/* --- wrong bytes --------------------------------------------------------------------------------------------------------- */

TEST(a_wrong_complement_is_bad_and_the_next_command_is_good)
{
    UNUSED_STATE;
    for (unsigned c = 0; c < AN_COMMANDS; c++) {
        for (unsigned wrong = 0; wrong < 256; wrong++) {
            uint8_t frame[] = { an_codes[c], (uint8_t)wrong };

            if ((frame[0] ^ frame[1]) == 0xFF) continue;
            expect(frame, 2, AN_BAD);
            an_answer(&an, false);
        }
    }
    at_rest();
}

TEST(an_unknown_command_is_bad_with_its_complement_too)
{
    UNUSED_STATE;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t frame[] = { (uint8_t)c, (uint8_t)~c };

        if (c == AN_INIT || an_known((uint8_t)c)) continue;
        expect(frame, 2, AN_BAD);
        an_answer(&an, false);
    }
    at_rest();
}

/* Every part of every command with one bit of each of its bytes flipped, in turn. */
TEST(a_wrong_checksum_is_bad_and_the_next_command_is_good)
{
    static const struct { enum an_command c; bool address; const char *bytes; size_t n; } parts[] = {
        { AN_READ, false, "\x08\x01\x00\x00\x09", 5 }, { AN_READ, true, "\x0F\xF0", 2 },
        { AN_WRITE, false, "\x08\x01\x00\x00\x09", 5 }, { AN_WRITE, true, "\x03\x01\x02\x03\x04\x07", 6 },
        { AN_GO, false, "\x08\x01\x00\x00\x09", 5 }, { AN_ERASE, false, "\x00\x00\x00\x04\x04", 5 },
        { AN_ERASE, false, "\xFF\xFF\x00", 3 }, { AN_WRITE_PROTECT, false, "\x00\x04\x04", 3 },
    };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(parts); i++) {
        uint8_t frame[8];

        memcpy(frame, parts[i].bytes, parts[i].n);
        frame[parts[i].n - 1] ^= 0x10;
        command(parts[i].c, AN_COMMAND);
        if (parts[i].address) address(0x08010000, AN_ADDRESS);
        expect(frame, parts[i].n, AN_BAD);
        an_answer(&an, false);
        at_rest();
    }
}

TEST(a_refused_part_is_followed_by_a_command)
{
    UNUSED_STATE;
    expect("\x11\xEE", 2, AN_COMMAND);
    an_answer(&an, false);
    at_rest();
    command(AN_WRITE, AN_COMMAND);
    expect("\x08\x00\x00\x00\x08", 5, AN_ADDRESS);
    an_answer(&an, false);
    at_rest();
}

TEST(the_init_byte_is_one_only_where_a_command_may_begin)
{
    UNUSED_STATE;
    expect("\x7F", 1, AN_START);
    an_answer(&an, true);
    expect("\x7F", 1, AN_START);
    an_answer(&an, false);
    expect("\x31\x7F", 2, AN_BAD);
    an_answer(&an, false);
    command(AN_GO, AN_COMMAND);
    address(0x7F7F7F7F, AN_WHOLE);
    at_rest();
}

/* --- pieces ---------------------------------------------------------------------------------------------------------------- */

TEST(nothing_is_taken_while_an_event_waits)
{
    UNUSED_STATE;
    assert_int_equal(an_feed(&an, (const uint8_t *)"\x31\xCE\x08\x01", 4), 2);
    assert_int_equal(an.event, AN_COMMAND);
    assert_int_equal(an_feed(&an, (const uint8_t *)"\x08\x01", 2), 0);
    an_answer(&an, true);
    assert_int_equal(an_feed(&an, (const uint8_t *)"\x08\x01", 2), 2);
}

/* Feeds a conversation in two pieces, answering everything with ACK; returns what the device saw. */
static size_t events_of(const uint8_t *talk, size_t n, size_t cut, uint8_t *events)
{
    size_t at = 0, seen = 0;

    an_init(&an);
    while (at < n) {
        size_t end = at < cut ? cut : n;

        at += an_feed(&an, talk + at, end - at);
        while (an.event != AN_NONE) {
            events[seen++] = an.event;
            an_answer(&an, true);
        }
    }
    return seen;
}

TEST(a_conversation_may_be_split_at_every_byte)
{
    static const uint8_t talk[] = { 0x7F, 0x00, 0xFF, 0x11, 0xEE, 0x08, 0x01, 0x02, 0x03, 0x08, 0x01, 0xFE,
                                    0x31, 0xCE, 0x08, 0x01, 0, 0, 0x09, 0x03, 1, 2, 3, 4, 0x07,
                                    0x44, 0xBB, 0, 1, 0, 4, 0, 5, 0, 0x63, 0x9C, 1, 4, 5, 0, 0x73, 0x8C,
                                    0x21, 0xDE, 0x08, 0x01, 0, 0, 0x09 };
    static const uint8_t want[] = { AN_START, AN_WHOLE, AN_COMMAND, AN_ADDRESS, AN_WHOLE, AN_COMMAND, AN_ADDRESS, AN_WHOLE,
                                    AN_COMMAND, AN_WHOLE, AN_COMMAND, AN_WHOLE, AN_COMMAND, AN_WHOLE, AN_COMMAND, AN_WHOLE };
    uint8_t events[sizeof talk];

    UNUSED_STATE;
    for (size_t cut = 0; cut <= sizeof talk; cut++) {
        assert_int_equal(events_of(talk, sizeof talk, cut, events), sizeof want);
        assert_memory_equal(events, want, sizeof want);
    }
}

TEST(half_a_frame_is_dropped_by_an_init)
{
    UNUSED_STATE;
    command(AN_WRITE, AN_COMMAND);
    expect("\x08\x01", 2, AN_NONE);
    an_init(&an);
    at_rest();
}

/* A fuzzer of a kind: whatever comes, an event is reached by finitely many bytes and nothing is written beyond the data. */
TEST(junk_never_leaves_the_machine_without_a_way_on)
{
    uint32_t seed = 1;

    UNUSED_STATE;
    for (unsigned i = 0; i < 2000000; i++) {
        uint8_t byte;

        seed = seed * 1664525U + 1013904223U;
        byte = (seed >> 16 & 3U) == 0 ? an_codes[(seed >> 20) % AN_COMMANDS] : (seed >> 16 & 3U) == 1 ? (uint8_t)~an.number
             : (uint8_t)(seed >> 24);
        an_feed(&an, &byte, 1);
        if (an.event != AN_NONE) an_answer(&an, (seed >> 18 & 7U) != 0 && an.event != AN_BAD);
    }
    an_init(&an);
    at_rest();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_commands_have_the_bytes_of_the_application_note, setup),
        cmocka_unit_test_setup(commands_without_anything_behind_them_are_whole_at_once, setup),
        cmocka_unit_test_setup(an_unprotect_wants_a_second_answer_and_nothing_else, setup),
        cmocka_unit_test_setup(a_read_has_an_address_and_a_length, setup),
        cmocka_unit_test_setup(a_go_has_an_address, setup),
        cmocka_unit_test_setup(a_write_has_an_address_and_from_1_to_256_bytes, setup),
        cmocka_unit_test_setup(an_erase_has_a_list_of_two_byte_numbers, setup),
        cmocka_unit_test_setup(the_special_erases_have_no_list, setup),
        cmocka_unit_test_setup(the_longest_list_is_taken_to_its_end, setup),
        cmocka_unit_test_setup(a_write_protect_has_a_list_of_one_byte_numbers, setup),
        cmocka_unit_test_setup(a_wrong_complement_is_bad_and_the_next_command_is_good, setup),
        cmocka_unit_test_setup(an_unknown_command_is_bad_with_its_complement_too, setup),
        cmocka_unit_test_setup(a_wrong_checksum_is_bad_and_the_next_command_is_good, setup),
        cmocka_unit_test_setup(a_refused_part_is_followed_by_a_command, setup),
        cmocka_unit_test_setup(the_init_byte_is_one_only_where_a_command_may_begin, setup),
        cmocka_unit_test_setup(nothing_is_taken_while_an_event_waits, setup),
        cmocka_unit_test_setup(a_conversation_may_be_split_at_every_byte, setup),
        cmocka_unit_test_setup(half_a_frame_is_dropped_by_an_init, setup),
        cmocka_unit_test_setup(junk_never_leaves_the_machine_without_a_way_on, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
