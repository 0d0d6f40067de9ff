/* SPDX-License-Identifier: MIT */
/* usb/cdc.c under usb/usbd.c: the stream each way, its flow control, and the class requests. */
#include "tests/unit/cm.h"

#include <string.h>

#include "tests/unit/fake_dcd.h"
#include "usb/cdc_state.h"
#include "usb/usbd.h"

#define RX_BYTES 256U
#define TX_BYTES 1024U

static const uint8_t uid[USB_UID_BYTES] = { 0 };
static const struct usb_identity identity = { .vid = 1, .pid = 2, .manufacturer = "m", .product = "p", .uid = uid };

struct rig {
    struct usbd usbd;
    struct cdc cdc;
    uint8_t rx[RX_BYTES], tx[TX_BYTES];
};

static bool set(uint8_t type, uint8_t request, uint8_t value)
{
    const uint8_t setup[8] = { type, request, value, 0, 0, 0, 0, 0 };

    return fake_control(setup, NULL, NULL, NULL);
}

static struct cdc *rig_new(bool configured)
{
    static struct rig r;

    memset(&r, 0, sizeof r);
    cdc_init(&r.cdc, r.rx, sizeof r.rx, r.tx, sizeof r.tx);
    usbd_init(&r.usbd, &fake_dcd_table, &identity, &cdc_function, &r.cdc);
    fake_dcd_init(usbd_event, &r.usbd);
    fake_dcd_raise(DCD_RESET);
    if (configured) assert_true(set(0x00, 9, 1));
    return &r.cdc;
}

/* Bytes that tell their position. */
static void fill(uint8_t *p, size_t n, unsigned from)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)((from + i) * 7U + (from + i) / 256U);
}

static void expect(const uint8_t *p, size_t n, unsigned from)
{
    uint8_t want[2048];

    fill(want, n, from);
    assert_memory_equal(p, want, n);
}

TEST(the_endpoints_open_with_the_configuration_and_close_without)
{
    struct cdc *c = rig_new(false);

    UNUSED_STATE;
    assert_false(cdc_configured(c));
    assert_true(set(0x00, 9, 1));
    assert_true(cdc_configured(c));
    assert_true(fake_dcd.out[1].open && fake_dcd.in[1].open && fake_dcd.in[2].open);
    assert_true(fake_dcd.out[1].armed);
    assert_true(set(0x00, 9, 0));
    assert_false(cdc_configured(c));
    assert_false(fake_dcd.out[1].open || fake_dcd.in[1].open || fake_dcd.in[2].open);
}

TEST(input_is_armed_for_as_many_packets_as_the_ring_has_room_for)
{
    struct cdc *c = rig_new(true);
    uint8_t packet[64], out[RX_BYTES];

    UNUSED_STATE;
    assert_int_equal(fake_dcd.out[1].packets, RX_BYTES / 64);
    fill(packet, 1, 0);
    assert_true(fake_out_packet(1, packet, 1)); /* one byte: now only three packets have room */
    assert_int_equal(fake_dcd.out[1].packets, 3);
    for (unsigned i = 0; i < 3; i++) {
        fill(packet, 64, 1 + 64 * i);
        assert_true(fake_out_packet(1, packet, 64));
    }
    assert_false(fake_out_packet(1, packet, 64));       /* NAK: 63 bytes are free */
    assert_int_equal(cdc_readable(c), 193);
    assert_int_equal(cdc_read(c, out, 1), 1);
    expect(out, 1, 0);
    assert_true(fake_dcd.out[1].armed);         /* 64 bytes are free */
    assert_int_equal(fake_dcd.out[1].packets, 1);
    assert_int_equal(cdc_read(c, out, sizeof out), 192);
    expect(out, 192, 1);
}

TEST(nothing_is_lost_or_turned_round_when_the_reader_is_slow)
{
    struct cdc *c = rig_new(true);
    uint8_t packet[64], out[64];
    unsigned sent = 0, got = 0, random = 1;

    UNUSED_STATE;
    for (unsigned round = 0; round < 20000; round++) {
        size_t n;

        random = random * 1664525U + 1013904223U;
        n = (random >> 16) % 65;
        fill(packet, n, sent);
        if (fake_out_packet(1, packet, n)) sent += (unsigned)n;
        n = cdc_read(c, out, (random >> 8) % 65);
        expect(out, n, got);
        got += (unsigned)n;
        assert_int_equal(cdc_readable(c), sent - got);
    }
    assert_true(got > 300000);          /* it never came to a stop */
}

TEST(an_empty_packet_from_the_pc_is_taken_and_means_nothing)
{
    struct cdc *c = rig_new(true);

    UNUSED_STATE;
    assert_true(fake_out_packet(1, NULL, 0));
    assert_int_equal(cdc_readable(c), 0);
    assert_true(fake_dcd.out[1].armed);
}

TEST(what_is_written_leaves_at_once_and_is_sent_when_the_pc_has_it)
{
    struct cdc *c = rig_new(true);
    uint8_t data[10], out[DCD_SEND_MAX];

    UNUSED_STATE;
    fill(data, sizeof data, 0);
    assert_true(cdc_sent(c));
    assert_int_equal(cdc_write(c, data, sizeof data), sizeof data);
    assert_false(cdc_sent(c));
    assert_int_equal(fake_in_transfer(1, out), 10);
    expect(out, 10, 0);
    assert_true(cdc_sent(c));
    assert_int_equal(fake_in_transfer(1, out), -1);
}

TEST(a_reply_of_whole_packets_ends_with_an_empty_one_and_others_do_not)
{
    static const size_t lengths[] = { 1, 63, 64, 65, 127, 128, 129, 448, 512 };
    uint8_t data[512], out[DCD_SEND_MAX];

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct cdc *c = rig_new(true);

        fill(data, lengths[i], 0);
        assert_int_equal(cdc_write(c, data, lengths[i]), lengths[i]);
        assert_int_equal(fake_in_transfer(1, out), lengths[i]);
        if (lengths[i] % 64 == 0) {
            assert_false(cdc_sent(c));
            assert_int_equal(fake_in_transfer(1, out), 0);
        }
        assert_true(cdc_sent(c));
        assert_int_equal(fake_in_transfer(1, out), -1);
    }
}

TEST(no_empty_packet_stands_between_two_pieces_of_a_stream)
{
    struct cdc *c = rig_new(true);
    uint8_t data[600], out[DCD_SEND_MAX];

    UNUSED_STATE;
    fill(data, sizeof data, 0);
    assert_int_equal(cdc_write(c, data, sizeof data), sizeof data);
    assert_int_equal(fake_in_transfer(1, out), 512);    /* the most of one send; the rest follows directly */
    assert_int_equal(fake_in_transfer(1, out), 88);
    expect(out, 88, 512);
    assert_true(cdc_sent(c));
}

TEST(a_full_output_ring_takes_what_fits)
{
    struct cdc *c = rig_new(true);
    uint8_t data[2048], out[DCD_SEND_MAX];
    size_t got = 0;
    int n;

    UNUSED_STATE;
    fill(data, sizeof data, 0);
    assert_int_equal(cdc_write(c, data, 8), 8);         /* in flight */
    assert_int_equal(cdc_write(c, data + 8, 2040), TX_BYTES);
    assert_int_equal(cdc_writable(c), 0);
    assert_int_equal(cdc_write(c, data, 1), 0);
    while ((n = fake_in_transfer(1, out)) >= 0) {
        expect(out, (size_t)n, (unsigned)got);
        got += (size_t)n;
    }
    assert_int_equal(got, 8 + TX_BYTES);
    assert_int_equal(cdc_writable(c), TX_BYTES);
}

TEST(dropped_output_never_reaches_the_pc)
{
    struct cdc *c = rig_new(true);
    uint8_t data[128], out[DCD_SEND_MAX];

    UNUSED_STATE;
    fill(data, sizeof data, 0);
    (void)cdc_write(c, data, 64);
    (void)cdc_write(c, data, 64);
    cdc_drop_output(c);
    assert_true(cdc_sent(c));
    assert_int_equal(fake_dcd.cancels, 1);
    assert_int_equal(fake_in_transfer(1, out), -1);
    cdc_drop_output(c);                 /* nothing in flight: nothing to cancel */
    assert_int_equal(fake_dcd.cancels, 1);
    (void)cdc_write(c, data, 3);
    assert_int_equal(fake_in_transfer(1, out), 3);
}

TEST(what_was_written_before_the_configuration_is_for_nobody)
{
    struct cdc *c = rig_new(false);
    uint8_t out[DCD_SEND_MAX];

    UNUSED_STATE;
    (void)cdc_write(c, (const uint8_t *)"old", 3);
    assert_true(set(0x00, 9, 1));
    assert_int_equal(fake_in_transfer(1, out), -1);
    assert_true(cdc_sent(c));
}

TEST(a_bus_reset_forgets_what_was_in_flight)
{
    struct cdc *c = rig_new(true);
    uint8_t out[DCD_SEND_MAX];

    UNUSED_STATE;
    assert_true(set(0x21, 0x22, 3));
    assert_true(fake_out_packet(1, (const uint8_t *)"in", 2));
    (void)cdc_write(c, (const uint8_t *)"out", 3);
    fake_dcd_raise(DCD_RESET);
    assert_int_equal(cdc_readable(c), 0);
    assert_false(cdc_configured(c));
    assert_false(cdc_dtr(c));
    assert_true(set(0x00, 9, 1));
    assert_int_equal(fake_in_transfer(1, out), -1);
    (void)cdc_write(c, (const uint8_t *)"new", 3);
    assert_int_equal(fake_in_transfer(1, out), 3);
    assert_true(fake_out_packet(1, (const uint8_t *)"in", 2));
    assert_int_equal(cdc_readable(c), 2);
}

TEST(line_coding_is_stored_whatever_it_says)
{
    struct cdc *c = rig_new(true);
    const uint8_t sets[8] = { 0x21, 0x20, 0, 0, 0, 0, 7, 0 }, gets[8] = { 0xA1, 0x21, 0, 0, 0, 0, 7, 0 };
    const uint8_t touch[7] = { 0xB0, 0x04, 0, 0, 2, 4, 0 };     /* 1200 baud, and data bits that do not exist */
    uint8_t reply[FAKE_REPLY_MAX];
    size_t n;

    UNUSED_STATE;
    assert_true(fake_control(gets, NULL, reply, &n));
    assert_int_equal(n, 7);
    assert_memory_equal(reply, ((const uint8_t[]){ 0x00, 0xC2, 0x01, 0x00, 0, 0, 8 }), 7);
    assert_true(fake_control(sets, touch, NULL, NULL));
    assert_int_equal(cdc_line_coding(c)->baud, 1200);
    assert_int_equal(cdc_line_coding(c)->stop_bits, 2);
    assert_int_equal(cdc_line_coding(c)->parity, 4);
    assert_int_equal(cdc_line_coding(c)->data_bits, 0);
    assert_int_equal(cdc_line_coding_sets(c), 1);
    assert_true(fake_control(gets, NULL, reply, &n));
    assert_memory_equal(reply, touch, 7);
}

TEST(dtr_is_counted_when_it_rises)
{
    struct cdc *c = rig_new(true);

    UNUSED_STATE;
    assert_true(set(0x21, 0x22, 2));    /* RTS alone */
    assert_false(cdc_dtr(c));
    assert_true(set(0x21, 0x22, 3));
    assert_true(set(0x21, 0x22, 1));    /* still up */
    assert_true(cdc_dtr(c));
    assert_int_equal(cdc_dtr_rises(c), 1);
    assert_true(set(0x21, 0x22, 0));
    assert_true(set(0x21, 0x22, 1));
    assert_true(set(0x21, 0x22, 0));
    assert_false(cdc_dtr(c));
    assert_int_equal(cdc_dtr_rises(c), 2);
}

TEST(break_is_acknowledged_and_everything_else_is_stalled)
{
    static const uint8_t refused[][8] = {
        { 0x21, 0x24, 0, 0, 0, 0, 0, 0 },
        { 0x21, 0x00, 0, 0, 0, 0, 0, 0 },       /* SEND_ENCAPSULATED_COMMAND */
        { 0x21, 0x22, 1, 0, 1, 0, 0, 0 },       /* to the data interface */
        { 0x22, 0x22, 1, 0, 0, 0, 0, 0 },       /* to an endpoint */
        { 0x41, 0x22, 1, 0, 0, 0, 0, 0 },       /* a vendor's */
        { 0xA1, 0x22, 1, 0, 0, 0, 1, 0 },       /* in the wrong direction */
        { 0x21, 0x20, 0, 0, 0, 0, 6, 0 },       /* a line coding of six bytes */
        { 0x21, 0x20, 0, 0, 0, 0, 0, 0 },
        { 0x21, 0x20, 0, 0, 1, 0, 7, 0 },
    };
    struct cdc *c = rig_new(true);
    uint8_t nothing[8] = { 0 }, reply[FAKE_REPLY_MAX];
    size_t n;

    UNUSED_STATE;
    assert_true(set(0x21, 0x23, 0xFF));
    assert_true(fake_control((const uint8_t[8]){ 0xA1, 0x21, 0, 0, 0, 0, 7, 0 }, NULL, reply, &n));    /* leaves 7 bytes about */
    for (size_t i = 0; i < COUNT(refused); i++) assert_false(fake_control(refused[i], nothing, reply, &n));
    assert_false(cdc_dtr(c));
    assert_int_equal(cdc_line_coding_sets(c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_endpoints_open_with_the_configuration_and_close_without),
        cmocka_unit_test(input_is_armed_for_as_many_packets_as_the_ring_has_room_for),
        cmocka_unit_test(nothing_is_lost_or_turned_round_when_the_reader_is_slow),
        cmocka_unit_test(an_empty_packet_from_the_pc_is_taken_and_means_nothing),
        cmocka_unit_test(what_is_written_leaves_at_once_and_is_sent_when_the_pc_has_it),
        cmocka_unit_test(a_reply_of_whole_packets_ends_with_an_empty_one_and_others_do_not),
        cmocka_unit_test(no_empty_packet_stands_between_two_pieces_of_a_stream),
        cmocka_unit_test(a_full_output_ring_takes_what_fits),
        cmocka_unit_test(dropped_output_never_reaches_the_pc),
        cmocka_unit_test(what_was_written_before_the_configuration_is_for_nobody),
        cmocka_unit_test(a_bus_reset_forgets_what_was_in_flight),
        cmocka_unit_test(line_coding_is_stored_whatever_it_says),
        cmocka_unit_test(dtr_is_counted_when_it_rises),
        cmocka_unit_test(break_is_acknowledged_and_everything_else_is_stalled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
