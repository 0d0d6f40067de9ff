/* SPDX-License-Identifier: MIT */
/* proto/ymodem_send.c: what a receiver gets for what it says, with the receiver of proto/ymodem.c as the one who reads it. */
#include "tests/unit/cm.h"

#include <string.h>

#include "proto/ymodem_send.h"

#define START 0x08010000U
#define GAP_MS 5U
#define LAST_GAP_MS 250U

static uint8_t wire[YM_WIRE_MAX];

/* The file: each word says where it stands. */
static uint32_t word_at(uint32_t at)
{
    return at * 2654435761U;
}

struct rig { struct ym_sender y; uint32_t now_ms; };

static void start(struct rig *r, uint32_t size)
{
    memset(r, 0xEE, sizeof *r);         /* init must not lean on what was there */
    r->now_ms = 0xFFFFFFF0U;            /* time wraps in mid-test */
    ym_send_init(&r->y, START, size, r->now_ms);
}

static size_t said_at_once(struct rig *r)
{
    return ym_send_output(&r->y, wire, word_at, r->now_ms);
}

static size_t said(struct rig *r)
{
    r->now_ms += GAP_MS;
    return said_at_once(r);
}

static void hear(struct rig *r, const char *bytes)
{
    size_t n = strlen(bytes);

    assert_int_equal(ym_send_feed(&r->y, (const uint8_t *)bytes, n, r->now_ms), n);
}

static void expect_block(struct rig *r, uint8_t number, size_t bytes)
{
    assert_int_equal(said(r), bytes + 5);
    assert_int_equal(wire[0], bytes == 128 ? YM_SOH : YM_STX);
    assert_int_equal(wire[1], number);
    assert_int_equal(wire[2], (uint8_t)~number);
    assert_int_equal(ym_crc16(0, wire + 3, bytes + 2), 0);
}

static void expect_eot(struct rig *r)
{
    assert_int_equal(said(r), 1);
    assert_int_equal(wire[0], YM_EOT);
}

/* Up to the first block of data. */
static void begin(struct rig *r, uint32_t size)
{
    start(r, size);
    hear(r, "C");
    expect_block(r, 0, 128);
    hear(r, "\006C");
    expect_block(r, 1, 1024);
}

TEST(a_file_goes_out_as_header_blocks_eot_and_empty_header)
{
    static const uint32_t sizes[] = { 68, 128, 1020, 1024, 1028, 4096, 458752 };

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint32_t blocks = (sizes[i] + 1023) / 1024;
        struct rig r;

        begin(&r, sizes[i]);
        for (uint32_t k = 2; k <= blocks; k++) {
            hear(&r, "\006");
            expect_block(&r, (uint8_t)k, 1024);
        }
        hear(&r, "\006");
        expect_eot(&r);
        hear(&r, "\006C");
        r.now_ms += LAST_GAP_MS - GAP_MS;
        expect_block(&r, 0, 128);
        assert_int_equal(wire[3], 0);
        assert_true(ym_send_over(&r.y));
        assert_int_equal(said(&r), 0);
    }
}

/* Hands everything to a receiver, and its answers back. Returns the bytes that came, each compared. */
static uint32_t receive(struct rig *r, struct ym *ym)
{
    uint32_t got = 0;

    for (unsigned pass = 0; pass < 5000 && !ym_send_over(&r->y); pass++) {
        size_t n = said(r), taken = 0, len = 0;
        const uint8_t *block = NULL;
        uint8_t answer[16];

        while (taken < n || ym_poll(ym, &block, &len) != YM_NONE) {
            enum ym_event event;

            taken += ym_feed(ym, wire + taken, n - taken, r->now_ms);
            event = ym_poll(ym, &block, &len);
            for (size_t i = 0; event == YM_BLOCK && i < len; i++, got++)
                assert_int_equal(block[i], (uint8_t)(word_at(START + (got & ~3U)) >> (8 * (got & 3U))));
            if (event == YM_BLOCK)
                ym_taken(ym);
            else
                ym_accept(ym);
            if (event == YM_DONE)
                break;
        }
        n = ym_output(ym, answer, sizeof answer);
        ym_send_feed(&r->y, answer, n, r->now_ms);
    }
    return got;
}

TEST(a_receiver_gets_name_size_and_every_byte_with_and_without_acknowledgements)
{
    UNUSED_STATE;
    for (int streaming = 0; streaming < 2; streaming++) {
        struct rig r;
        struct ym ym;

        start(&r, 300004);              /* more than 256 blocks: their numbers wrap */
        ym_init(&ym, r.now_ms);
        ym.streaming = streaming != 0;
        hear(&r, streaming != 0 ? "G" : "C");
        assert_int_equal(receive(&r, &ym), 300004);
        assert_true(ym_send_over(&r.y));
        assert_string_equal(ym.file.name, YM_SEND_NAME);
        assert_true(ym.file.has_size);
        assert_int_equal(ym.file.size, 300004);
    }
}

TEST(the_last_block_is_filled_up_with_0x1a_and_the_header_has_no_date)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 1100);
    hear(&r, "C");
    expect_block(&r, 0, 128);
    assert_memory_equal(wire + 3, "application.bin\0" "1100 0 0", 25);
    hear(&r, "\006C");
    expect_block(&r, 1, 1024);
    hear(&r, "\006");
    expect_block(&r, 2, 1024);
    for (size_t i = 76; i < 1024; i++)
        assert_int_equal(wire[3 + i], YM_PAD);
    assert_true(wire[3 + 75] == (uint8_t)(word_at(START + 1096) >> 24));
}

TEST(what_was_not_understood_comes_again)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 2048);
    hear(&r, "C");
    for (const char *again = "CNC"; *again != '\0'; again++) {
        expect_block(&r, 0, 128);
        hear(&r, *again == 'N' ? "\025" : "C");
    }
    expect_block(&r, 0, 128);
    hear(&r, "\006C");
    expect_block(&r, 1, 1024);
    hear(&r, "C");                      /* rb calls again for a first block that it has missed */
    expect_block(&r, 1, 1024);
    hear(&r, "\006");
    expect_block(&r, 2, 1024);
    hear(&r, "C");                      /* but from here on that is a late call */
    assert_int_equal(said(&r), 0);
    hear(&r, "\025");
    expect_block(&r, 2, 1024);
    hear(&r, "\006");
    expect_eot(&r);
    hear(&r, "\025");
    expect_eot(&r);
}

TEST(an_acknowledgement_of_nothing_skips_nothing)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 4096);
    hear(&r, "\006\006");
    assert_int_equal(said(&r), 0);
    hear(&r, "C\006\006");              /* in front of the header */
    expect_block(&r, 0, 128);
    hear(&r, "\006\006C\006");          /* in front of the first block */
    expect_block(&r, 1, 1024);
    hear(&r, "\006\006\006");           /* in front of the second one */
    expect_block(&r, 2, 1024);
}

TEST(a_block_waits_behind_the_answer_and_a_stream_does_not)
{
    struct rig r;

    UNUSED_STATE;
    begin(&r, 4096);
    hear(&r, "\006");
    r.now_ms += GAP_MS - 1;
    assert_int_equal(said_at_once(&r), 0);
    r.now_ms += 1;
    assert_int_equal(said_at_once(&r), 1029);
    start(&r, 4096);
    hear(&r, "G");
    assert_int_equal(said_at_once(&r), 133);
    assert_int_equal(said_at_once(&r), 0);
    hear(&r, "G");
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(said_at_once(&r), 1029);
    assert_int_equal(said_at_once(&r), 1);
    assert_int_equal(said_at_once(&r), 0);
    hear(&r, "\006G");
    r.now_ms += LAST_GAP_MS - 1;        /* rb drops what comes soon behind its call, and would wait for this one for ever */
    assert_int_equal(said_at_once(&r), 0);
    r.now_ms += 1;
    assert_int_equal(said_at_once(&r), 133);
    assert_true(ym_send_over(&r.y));
}

/* rx takes block 0 for a repetition, and waits for block 1 with a NAK. */
TEST(an_xmodem_receiver_gets_the_blocks_too)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 1024);
    hear(&r, "C");
    expect_block(&r, 0, 128);
    hear(&r, "\006");
    assert_int_equal(said(&r), 0);
    hear(&r, "\025");
    expect_block(&r, 1, 1024);
    hear(&r, "\006");
    expect_eot(&r);
    hear(&r, "\006");
    r.now_ms += 60000;
    assert_int_equal(said(&r), 0);
    assert_true(ym_send_over(&r.y));
}

TEST(no_byte_is_taken_that_a_receiver_would_not_say)
{
    UNUSED_STATE;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool known = byte == YM_ACK || byte == YM_NAK || byte == YM_CRC || byte == YM_STREAM;
        uint8_t in[2] = { YM_NAK, (uint8_t)byte };
        struct rig r;

        begin(&r, 4096);
        assert_int_equal(ym_send_feed(&r.y, in, 2, r.now_ms), known ? 2 : 1);
    }
}

TEST(a_receiver_may_think_for_a_minute_and_no_longer)
{
    struct rig r;

    UNUSED_STATE;
    start(&r, 4096);
    r.now_ms += 59000;
    hear(&r, "C");
    expect_block(&r, 0, 128);
    r.now_ms += 59000;
    assert_int_equal(said(&r), 0);
    assert_false(ym_send_over(&r.y));
    r.now_ms += 1000;
    assert_int_equal(said(&r), 0);
    assert_true(ym_send_over(&r.y));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_goes_out_as_header_blocks_eot_and_empty_header),
        cmocka_unit_test(a_receiver_gets_name_size_and_every_byte_with_and_without_acknowledgements),
        cmocka_unit_test(the_last_block_is_filled_up_with_0x1a_and_the_header_has_no_date),
        cmocka_unit_test(what_was_not_understood_comes_again),
        cmocka_unit_test(an_acknowledgement_of_nothing_skips_nothing),
        cmocka_unit_test(a_block_waits_behind_the_answer_and_a_stream_does_not),
        cmocka_unit_test(an_xmodem_receiver_gets_the_blocks_too),
        cmocka_unit_test(no_byte_is_taken_that_a_receiver_would_not_say),
        cmocka_unit_test(a_receiver_may_think_for_a_minute_and_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
