/* SPDX-License-Identifier: MIT */
/* The virtual host against a polled device stack on the OTG_FS registers. */
/* Sources: USB 2.0 §5.8.4, §8.6, §9; Linux cdc-acm.c for what a tty does */
#include "tests/board/usb_fixture.h"

#include <string.h>

#include "board/usbhost/urb.h"

static uint8_t pattern(size_t i) { return (uint8_t)(i * 7U + i / 256U); }

static void fill_pattern(uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = pattern(i);
}

/* --- enumeration ---------------------------------------------------------------------------------------------------------- */

static void the_host_enumerates_a_cdc_device_and_reads_its_identity(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    assert_true(f->info.cdc_acm);
    assert_int_equal(f->info.vid, 0x0483);
    assert_int_equal(f->info.pid, 0x5740);
    assert_string_equal(f->info.manufacturer, "Mak");
    assert_string_equal(f->info.product, "VCP");
    assert_string_equal(f->info.serial, "1234");
    assert_int_equal(f->dev.resets, 2);
    assert_int_equal(f->dev.line_state, 0);
    assert_int_equal(f->dev.line_coding[1] << 8 | f->dev.line_coding[0], 9600);
    assert_int_equal(usbhost_violations(f->host), 0);
    assert_int_equal(f->chip->guest_errors, 0);
}

static void a_device_with_an_8_byte_control_endpoint_enumerates_too(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t desc[18];

    memcpy(desc, f->dev.device_desc, sizeof desc);
    desc[7] = 8;
    f->dev.device_desc = desc;
    f->dev.packet0 = 8;
    enumerate(f);
    assert_string_equal(f->info.product, "VCP");
    assert_int_equal(usbhost_violations(f->host), 0);
}

static void a_device_that_sets_its_address_late_is_given_up_after_four_tries(void **state)
{
    struct usb_fixture *f = *state;

    f->dev.late_address = true;
    dev_start(&f->dev);
    run_ms(f, 2000);
    assert_int_equal(f->configured, 0);
    assert_int_equal(f->dev.resets, 8);
    assert_non_null(strstr(f->report, "given up"));
}

static void a_device_that_never_answers_its_setups_costs_five_seconds_a_try(void **state)
{
    struct usb_fixture *f = *state;

    f->dev.mute_control = true;
    dev_start(&f->dev);
    run_ms(f, 4900);
    assert_int_equal(usbhost_violations(f->host), 0);
    run_ms(f, 300);
    assert_int_equal(usbhost_violations(f->host), 1);
    assert_non_null(strstr(f->report, "no end within 5 s"));
}

static void a_soft_disconnect_is_seen_and_the_device_enumerated_again(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    set_reg(f, R_DCTL, 2);
    run_ms(f, 1);
    assert_int_equal(f->gone, 1);
    assert_false(usbhost_configured(f->host));
    run_ms(f, 100);
    set_reg(f, R_DCTL, 0);
    run_ms(f, 90);
    assert_int_equal(f->dev.resets, 2);                     /* debounce: 100 ms */
    run_ms(f, 400);
    assert_int_equal(f->configured, 2);
}

static void unplugging_and_a_bus_reset_end_the_configuration(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    usbhost_unplug(f->host);
    run_ms(f, 1);
    assert_int_equal(f->gone, 1);
    usbhost_replug(f->host);
    run_ms(f, 500);
    assert_int_equal(f->configured, 2);
    usbhost_bus_reset(f->host);
    run_ms(f, 400);
    assert_int_equal(f->gone, 2);
    assert_int_equal(f->configured, 3);
}

static void a_chip_reset_makes_the_device_leave(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    dev_stop(&f->dev);
    fake_reset(f->chip, RESET_SOFTWARE);
    run_ms(f, 1);
    assert_int_equal(f->gone, 1);
    dev_start(&f->dev);
    run_ms(f, 500);
    assert_int_equal(f->configured, 2);
}

static void a_device_of_another_class_is_reported_as_such(void **state)
{
    static const uint8_t vendor[25] = { 9, 2, 25, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 1, 0xFF, 0, 0, 0, 7, 5, 0x81, 2, 64, 0, 0 };
    struct usb_fixture *f = *state;

    f->dev.config_desc = vendor;
    f->dev.config_bytes = sizeof vendor;
    enumerate(f);
    assert_false(f->info.cdc_acm);
    assert_int_equal(usbhost_violations(f->host), 0);
}

/* --- data --------------------------------------------------------------------------------------------------------------------- */

static void bytes_go_out_and_come_back_in_order(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t data[5000];

    fill_pattern(data, sizeof data);
    f->dev.echo = true;
    enumerate(f);
    open_port(f);
    assert_int_equal(usbhost_cdc_write(f->host, data, sizeof data), sizeof data);
    run_ms(f, 100);
    assert_int_equal(f->dev.rx_bytes, sizeof data);
    assert_memory_equal(f->dev.rx, data, sizeof data);
    assert_int_equal(f->got_bytes, sizeof data);
    assert_memory_equal(f->got, data, sizeof data);
    assert_int_equal(f->chip->guest_errors, 0);
}

/* The controller by itself, before a device that takes everything. */
struct stub { unsigned out_packets, in_tokens; uint16_t frames; };

static enum wire_reply stub_out(void *self, uint8_t address, uint8_t endpoint, const struct wire_packet *p)
{
    struct stub *s = self;

    (void)address;
    (void)endpoint;
    s->out_packets += p->bytes == 64;
    return WIRE_ACK;
}

static enum wire_reply stub_in(void *self, uint8_t address, uint8_t endpoint, struct wire_packet *p)
{
    struct stub *s = self;

    (void)address;
    (void)endpoint;
    (void)p;
    s->in_tokens++;
    return WIRE_NAK;
}

static void stub_sof(void *self, uint16_t frame)
{
    struct stub *s = self;

    s->frames = frame;
}

static void on_frame(void *owner) { (void)owner; }
static void on_complete(void *owner, enum urb_status status, size_t done)
{
    (void)owner;
    (void)status;
    (void)done;
}

static void exactly_19_bulk_packets_of_64_bytes_fit_into_a_frame(void **state)
{
    struct usb_fixture *f = *state;
    struct stub stub = { .out_packets = 0 };
    const struct wire_device dev = { .self = &stub, .out = stub_out, .sof = stub_sof };
    static uint8_t data[64 * 1000];
    struct bus bus = { .frame_begins = on_frame };
    struct urb_pipe pipe;

    bus_init(&bus, f->chip, &dev);
    urb_pipe_init(&pipe, &bus, 1, 0x01, 64, 0);
    pipe.complete = on_complete;
    bus_start(&bus);
    urb_submit(&pipe, data, sizeof data);
    fake_run(f->chip, VTIME_MS(1) + VTIME_NS(54200));       /* SOF 35 bits, then 616: 77 bytes, Table 5-9's 64 + 13 */
    assert_int_equal(stub.out_packets, 0);
    fake_run(f->chip, VTIME_NS(100));
    assert_int_equal(stub.out_packets, 1);
    fake_run_until(f->chip, VTIME_US(10999));
    assert_int_equal(stub.frames, 10);
    assert_int_equal(stub.out_packets, 190);
    urb_cancel(&pipe);
    bus_free(&bus);
}

static void an_endpoint_that_naks_is_asked_again_in_every_frame_and_after_a_change(void **state)
{
    struct usb_fixture *f = *state;
    struct stub stub = { .in_tokens = 0 };
    const struct wire_device dev = { .self = &stub, .in = stub_in, .sof = stub_sof };
    struct bus bus = { .frame_begins = on_frame };
    struct urb_pipe pipe;
    uint8_t data[64];

    bus_init(&bus, f->chip, &dev);
    urb_pipe_init(&pipe, &bus, 1, 0x81, 64, 0);
    pipe.complete = on_complete;
    bus_start(&bus);
    urb_submit(&pipe, data, sizeof data);
    fake_run(f->chip, VTIME_US(10500));
    assert_int_equal(stub.in_tokens, 10);
    bus_endpoint_changed(&bus);
    fake_run(f->chip, VTIME_US(12));
    assert_int_equal(stub.in_tokens, 11);
    urb_cancel(&pipe);
    bus_free(&bus);
}

/* A bulk IN endpoint that NAKs is asked again and again, and that costs the other direction two packets a frame. */
static void beside_a_polled_in_endpoint_bulk_out_reaches_17_packets_a_frame(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t data[16384];
    size_t before;

    fill_pattern(data, sizeof data);
    f->dev.out_packets = 256;
    f->dev.step_time = VTIME_US(2);
    enumerate(f);
    open_port(f);
    usbhost_cdc_write(f->host, data, sizeof data);
    run_ms(f, 2);
    before = f->dev.rx_bytes;
    run_ms(f, 8);
    assert_in_range(f->dev.rx_bytes - before, 8 * 17 * 64, 8 * 18 * 64);
    run_ms(f, 20);
    assert_memory_equal(f->dev.rx, data, sizeof data);
}

static void a_naking_endpoint_costs_few_events(void **state)
{
    struct usb_fixture *f = *state;
    uint64_t before;

    f->dev.hold_out = true;
    enumerate(f);
    open_port(f);
    usbhost_cdc_write(f->host, (const uint8_t *)"x", 1);
    run_ms(f, 2);
    dev_stop(&f->dev);
    before = f->chip->sched.armed_count;
    run_ms(f, 100);
    assert_in_range(f->chip->sched.armed_count - before, 100, 1200);
}

static void replies_around_the_packet_size_arrive_at_once_with_a_zero_length_packet(void **state)
{
    static const size_t sizes[] = { 1, 63, 64, 65, 127, 128, 129 };
    struct usb_fixture *f = *state;
    uint8_t data[256];

    fill_pattern(data, sizeof data);
    enumerate(f);
    open_port(f);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        f->got_bytes = 0;
        dev_send(&f->dev, data, sizes[i]);
        run_ms(f, 3);
        assert_int_equal(f->got_bytes, sizes[i]);
        assert_memory_equal(f->got, data, sizes[i]);
    }
}

static void without_the_zero_length_packet_64_bytes_are_held_back(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t data[128];

    fill_pattern(data, sizeof data);
    f->dev.skip_zlp = true;
    enumerate(f);
    open_port(f);
    dev_send(&f->dev, data, 64);
    run_ms(f, 50);
    assert_int_equal(f->got_bytes, 0);                      /* the request for 128 bytes still waits */
    dev_send(&f->dev, data, 64);
    run_ms(f, 3);
    assert_int_equal(f->got_bytes, 128);
}

static void a_closed_port_fetches_nothing(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    dev_send(&f->dev, "hello", 5);
    run_ms(f, 20);
    assert_int_equal(f->got_bytes, 0);
    open_port(f);
    run_ms(f, 3);
    assert_int_equal(f->got_bytes, 5);
}

static void with_reading_off_the_device_is_throttled_without_loss(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t data[2000];

    fill_pattern(data, sizeof data);
    enumerate(f);
    open_port(f);
    usbhost_cdc_set_reading(f->host, false);
    dev_send(&f->dev, data, sizeof data);
    run_ms(f, 50);
    assert_true(f->got_bytes <= 128);
    usbhost_cdc_set_reading(f->host, true);
    run_ms(f, 20);
    assert_int_equal(f->got_bytes, sizeof data);
    assert_memory_equal(f->got, data, sizeof data);
}

static void a_device_that_holds_out_packets_stops_the_queue_and_nothing_is_lost(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t data[20000];

    fill_pattern(data, sizeof data);
    f->dev.hold_out = true;
    enumerate(f);
    open_port(f);
    assert_int_equal(usbhost_cdc_write(f->host, data, sizeof data), 16384);
    run_ms(f, 50);
    assert_int_equal(f->dev.rx_bytes, 0);
    assert_int_equal(usbhost_cdc_pending(f->host), 16384);
    f->dev.hold_out = false;
    run_ms(f, 50);
    assert_int_equal(f->dev.rx_bytes, 16384);
    assert_memory_equal(f->dev.rx, data, 16384);
    assert_int_equal(usbhost_cdc_pending(f->host), 0);
}

static void a_lost_handshake_either_way_neither_loses_nor_doubles_a_byte(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t data[3000];

    fill_pattern(data, sizeof data);
    f->dev.echo = true;
    enumerate(f);
    open_port(f);
    usbhost_lose_handshakes(f->host, 0x81, 2);
    usbhost_cdc_write(f->host, data, 1000);
    run_ms(f, 20);
    usbhost_lose_handshakes(f->host, 0x01, 2);
    usbhost_cdc_write(f->host, data + 1000, 2000);
    run_ms(f, 50);
    assert_int_equal(f->dev.rx_bytes, sizeof data);
    assert_memory_equal(f->dev.rx, data, sizeof data);
    assert_int_equal(f->got_bytes, sizeof data);
    assert_memory_equal(f->got, data, sizeof data);
}

static void three_lost_handshakes_in_a_row_end_in_a_bus_reset(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    open_port(f);
    usbhost_lose_handshakes(f->host, 0x01, 3);
    usbhost_cdc_write(f->host, (const uint8_t *)"abc", 3);
    run_ms(f, 500);
    assert_non_null(strstr(f->report, "no answer to three tries"));
    assert_int_equal(f->gone, 1);
    assert_int_equal(f->configured, 2);
}

static void a_stalled_bulk_endpoint_is_cleared_and_goes_on(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    open_port(f);
    dev_send(&f->dev, "1", 1);          /* the toggle is DATA1 from here on */
    run_ms(f, 2);
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_STALL | B_SNAK);
    run_ms(f, 5);
    assert_non_null(strstr(f->report, "0x81: STALL"));
    dev_send(&f->dev, "on", 2);
    run_ms(f, 5);
    assert_int_equal(f->got_bytes, 3);
    assert_memory_equal(f->got, "1on", 3);
}

static void latency_between_requests_slows_a_transfer_down(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t data[1280 * 4];

    fill_pattern(data, sizeof data);
    f->dev.out_packets = 8;
    usbhost_set_latency(f->host, 10000);
    enumerate(f);
    open_port(f);
    usbhost_cdc_write(f->host, data, sizeof data);
    run_ms(f, 25);
    assert_in_range(f->dev.rx_bytes, 1280 * 2, 1280 * 3);
    run_ms(f, 25);
    assert_int_equal(f->dev.rx_bytes, sizeof data);
}

/* --- control --------------------------------------------------------------------------------------------------------------------- */

static void line_coding_control_lines_and_break_reach_the_device(void **state)
{
    struct usb_fixture *f = *state;
    const struct usbhost_line_coding lc = { .baud = 1200, .stop_bits = 2, .parity = 2, .data_bits = 7 };
    static const uint8_t expected[7] = { 0xB0, 0x04, 0, 0, 2, 2, 7 };

    enumerate(f);
    open_port(f);
    assert_int_equal(f->dev.line_state, 3);
    usbhost_cdc_set_line_coding(f->host, &lc);
    usbhost_cdc_send_break(f->host, 250);
    usbhost_cdc_set_control_lines(f->host, false, true);
    run_ms(f, 5);
    assert_memory_equal(f->dev.line_coding, expected, 7);
    assert_int_equal(f->dev.break_ms, 250);
    assert_int_equal(f->dev.line_state, 2);
}

static void data_wait_until_the_device_has_answered_for_the_line(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    open_port(f);
    f->dev.mute_control = true;
    usbhost_cdc_set_control_lines(f->host, false, false);
    assert_int_equal(usbhost_cdc_write(f->host, (const uint8_t *)"x", 1), 1);
    run_ms(f, 4900);
    assert_int_equal(f->dev.rx_bytes, 0);
    run_ms(f, 200);                     /* the request has timed out: nothing holds the data any more */
    assert_int_equal(f->dev.rx_bytes, 1);
}

struct answer { enum usbhost_result result; uint8_t data[64]; size_t bytes; unsigned calls; };

static void take_answer(void *owner, enum usbhost_result result, const uint8_t *data, size_t bytes)
{
    struct answer *a = owner;

    a->result = result;
    a->bytes = bytes < sizeof a->data ? bytes : sizeof a->data;
    memcpy(a->data, data, a->bytes);
    a->calls++;
}

static void any_control_request_can_be_made_and_a_stall_is_told(void **state)
{
    static const uint8_t get_line_coding[8] = { 0xA1, 0x21, 0, 0, 0, 0, 7, 0 };
    static const uint8_t nonsense[8] = { 0xC0, 0x77, 0, 0, 0, 0, 4, 0 };
    struct usb_fixture *f = *state;
    struct answer a = { .calls = 0 };

    enumerate(f);
    assert_true(usbhost_control(f->host, get_line_coding, NULL, &a, take_answer));
    run_ms(f, 5);
    assert_int_equal(a.result, USBHOST_OK);
    assert_int_equal(a.bytes, 7);
    assert_int_equal(a.data[1] << 8 | a.data[0], 9600);
    assert_true(usbhost_control(f->host, nonsense, NULL, &a, take_answer));
    run_ms(f, 5);
    assert_int_equal(a.result, USBHOST_STALL);
    assert_int_equal(a.calls, 2);
}

/* --- suspend ------------------------------------------------------------------------------------------------------------------------ */

static void a_suspended_device_notices_and_goes_on_after_the_resume(void **state)
{
    struct usb_fixture *f = *state;

    enumerate(f);
    open_port(f);
    f->dev.suspends = 0;                /* one came before the first reset, while the host debounced */
    usbhost_suspend(f->host);
    run_ms(f, 10);
    assert_true(usbhost_suspended(f->host));
    assert_int_equal(f->dev.suspends, 1);
    dev_send(&f->dev, "later", 5);
    run_ms(f, 50);
    assert_int_equal(f->got_bytes, 0);
    usbhost_resume(f->host);
    run_ms(f, 40);
    assert_int_equal(f->dev.resumes, 1);
    assert_int_equal(f->got_bytes, 5);
    assert_int_equal(f->gone, 0);
}

static void a_device_that_may_wakes_the_host_up(void **state)
{
    struct usb_fixture *f = *state;
    uint8_t config[67];

    memcpy(config, f->dev.config_desc, sizeof config);
    config[7] |= 0x20;
    f->dev.config_desc = config;
    enumerate(f);
    usbhost_suspend(f->host);
    run_ms(f, 20);
    assert_true(usbhost_suspended(f->host));
    set_reg(f, R_DCTL, 1);
    run_ms(f, 5);
    set_reg(f, R_DCTL, 0);
    run_ms(f, 40);
    assert_false(usbhost_suspended(f->host));
    assert_int_equal(usbhost_violations(f->host), 0);
    assert_int_equal(f->chip->guest_errors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        usb_test(the_host_enumerates_a_cdc_device_and_reads_its_identity),
        usb_test(a_device_with_an_8_byte_control_endpoint_enumerates_too),
        usb_test(a_device_that_sets_its_address_late_is_given_up_after_four_tries),
        usb_test(a_device_that_never_answers_its_setups_costs_five_seconds_a_try),
        usb_test(a_soft_disconnect_is_seen_and_the_device_enumerated_again),
        usb_test(unplugging_and_a_bus_reset_end_the_configuration),
        usb_test(a_chip_reset_makes_the_device_leave),
        usb_test(a_device_of_another_class_is_reported_as_such),
        usb_test(bytes_go_out_and_come_back_in_order),
        usb_test(exactly_19_bulk_packets_of_64_bytes_fit_into_a_frame),
        usb_test(an_endpoint_that_naks_is_asked_again_in_every_frame_and_after_a_change),
        usb_test(beside_a_polled_in_endpoint_bulk_out_reaches_17_packets_a_frame),
        usb_test(a_naking_endpoint_costs_few_events),
        usb_test(replies_around_the_packet_size_arrive_at_once_with_a_zero_length_packet),
        usb_test(without_the_zero_length_packet_64_bytes_are_held_back),
        usb_test(a_closed_port_fetches_nothing),
        usb_test(with_reading_off_the_device_is_throttled_without_loss),
        usb_test(a_device_that_holds_out_packets_stops_the_queue_and_nothing_is_lost),
        usb_test(a_lost_handshake_either_way_neither_loses_nor_doubles_a_byte),
        usb_test(three_lost_handshakes_in_a_row_end_in_a_bus_reset),
        usb_test(a_stalled_bulk_endpoint_is_cleared_and_goes_on),
        usb_test(latency_between_requests_slows_a_transfer_down),
        usb_test(line_coding_control_lines_and_break_reach_the_device),
        usb_test(data_wait_until_the_device_has_answered_for_the_line),
        usb_test(any_control_request_can_be_made_and_a_stall_is_told),
        usb_test(a_suspended_device_notices_and_goes_on_after_the_resume),
        usb_test(a_device_that_may_wakes_the_host_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
