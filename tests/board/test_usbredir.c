/* SPDX-License-Identifier: MIT */
/* The usbredir bridge, from a virtual machine's end of the socket down to the device's endpoints. */
/* Sources: usbredir protocol 0.7, whose guest's side libusbredirparser plays here */
#include "tests/board/redir_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "board/bridge/usbredir_priv.h"

/* --- coming and going ---------------------------------------------------------------------------------------------------------- */

static void the_device_is_announced_with_its_interfaces_and_endpoints(void **state)
{
    struct redir_fixture *r = announced(state);

    assert_int_equal(r->device.speed, usb_redir_speed_full);
    assert_int_equal(r->device.vendor_id, 0x0483);
    assert_int_equal(r->device.product_id, 0x5740);
    assert_int_equal(r->device.device_version_bcd, 0x0200);
    assert_int_equal(r->interfaces.interface_count, 2);
    assert_int_equal(r->interfaces.interface_class[0], 2);
    assert_int_equal(r->interfaces.interface_class[1], 10);
    assert_int_equal(r->endpoints.type[0x01], usb_redir_type_bulk);
    assert_int_equal(r->endpoints.type[0x11], usb_redir_type_bulk);
    assert_int_equal(r->endpoints.type[0x12], usb_redir_type_interrupt);
    assert_int_equal(r->endpoints.max_packet_size[0x12], 8);
    assert_int_equal(r->endpoints.interface[0x11], 1);
    assert_int_equal(r->endpoints.type[0x02], usb_redir_type_invalid);
    assert_int_equal(r->usb->dev.configuration, 0);     /* that is the peer's to set */
}

static void without_a_peer_the_device_sees_no_host(void **state)
{
    struct redir_fixture *r = *state;

    dev_start(&r->usb->dev);
    redir_spin(r, 500);
    assert_int_equal(r->usb->dev.resets, 0);
}

static void the_pull_up_makes_the_device_leave_and_come_back_as_what_it_is_then(void **state)
{
    static const uint8_t dfu[18] = { 18, 1, 0x00, 0x02, 0, 0, 0, 64, 0x83, 0x04, 0x11, 0xDF, 0x00, 0x22, 1, 2, 3, 1 };
    struct redir_fixture *r = configured(state);

    set_reg(r->usb, R_DCTL, 2);
    redir_spin_until(r, &r->disconnects, 1);
    r->usb->dev.device_desc = dfu;
    set_reg(r->usb, R_DCTL, 0);
    redir_spin_until(r, &r->connects, 2);
    assert_int_equal(r->device.product_id, 0xDF11);
}

static void a_pulled_cable_is_a_disconnect_and_the_next_connection_works(void **state)
{
    struct redir_fixture *r = configured(state);

    usbredir_plug(r->bridge, false);
    redir_spin_until(r, &r->disconnects, 1);
    redir_spin(r, 300);
    assert_int_equal(r->connects, 1);
    usbredir_plug(r->bridge, true);
    redir_spin_until(r, &r->connects, 2);
    set_configuration(r, 2);
    get_descriptor(r, 3, 1);
    assert_int_equal(answer_to(r, 3)->bytes, 18);
}

static void a_peer_that_hangs_up_may_come_back(void **state)
{
    struct redir_fixture *r = configured(state);

    bulk(r, 2, IN1, NULL, 128);
    redir_spin(r, 5);
    peer_hang_up(r);
    redir_spin(r, 50);
    peer_listen(r);
    redir_spin_until(r, &r->connects, 2);
    set_configuration(r, 3);
}

static void a_peer_that_talks_nonsense_is_hung_up_on_and_the_next_one_served(void **state)
{
    struct redir_fixture *r = configured(state);
    uint8_t nonsense[256];

    memset(nonsense, 0xFF, sizeof nonsense);
    assert_int_equal(send(r->fd, nonsense, sizeof nonsense, MSG_NOSIGNAL), sizeof nonsense);
    for (int i = 0; i < 50; i++) {
        fake_poll(r->usb->chip, 0);
        run_ms(r->usb, 1);
    }
    peer_hang_up(r);
    peer_listen(r);
    redir_spin_until(r, &r->connects, 2);
}

/* --- descriptors ---------------------------------------------------------------------------------------------------------------- */

static const uint8_t two_settings[] = {
    9, 2, 48, 0, 1, 1, 0, 0x80, 50,
    9, 4, 0, 0, 1, 0xFF, 1, 0, 0, 7, 5, 0x81, 2, 64, 0, 0,
    9, 4, 0, 1, 2, 0xFF, 2, 0, 0, 7, 5, 0x82, 3, 16, 0, 5, 7, 5, 0x03, 2, 32, 0, 0,
};

static void only_the_current_setting_of_an_interface_counts(void **state)
{
    uint8_t alternates[REDIR_INTERFACES] = { 0 };
    struct redir_info i;
    uint8_t device[18] = { 18, 1 };

    (void)state;
    redir_info_read(&i, device, two_settings, sizeof two_settings, alternates);
    assert_int_equal(i.interfaces.interface_count, 1);
    assert_int_equal(i.interfaces.interface_subclass[0], 1);
    assert_int_equal(i.endpoints.type[0x11], usb_redir_type_bulk);
    assert_int_equal(i.endpoints.type[0x12], usb_redir_type_invalid);
    alternates[0] = 1;
    redir_info_read(&i, device, two_settings, sizeof two_settings, alternates);
    assert_int_equal(i.interfaces.interface_subclass[0], 2);
    assert_int_equal(i.endpoints.type[0x11], usb_redir_type_invalid);
    assert_int_equal(i.endpoints.type[0x12], usb_redir_type_interrupt);
    assert_int_equal(i.endpoints.interval[0x12], 5);
    assert_int_equal(i.endpoints.max_packet_size[0x03], 32);
}

static void a_configuration_cut_anywhere_or_with_a_length_of_zero_is_read_as_far_as_it_goes(void **state)
{
    const uint8_t alternates[REDIR_INTERFACES] = { 0 };
    const uint8_t device[18] = { 18, 1 };
    uint8_t zero[12];
    struct redir_info i;

    (void)state;
    for (size_t bytes = 0; bytes < sizeof two_settings; bytes++) {
        uint8_t *cut = malloc(bytes > 0 ? bytes : 1);   /* its own block, so that ASan sees a byte too far */

        memcpy(cut, two_settings, bytes);
        redir_info_read(&i, device, cut, bytes, alternates);
        assert_int_equal(i.interfaces.interface_count, bytes >= 18 ? 1 : 0);
        free(cut);
    }
    memcpy(zero, two_settings, sizeof zero);
    zero[9] = 0;
    redir_info_read(&i, device, zero, sizeof zero, alternates);
    assert_int_equal(i.interfaces.interface_count, 0);
}

/* --- requests ------------------------------------------------------------------------------------------------------------------- */

static void a_control_request_brings_the_descriptor(void **state)
{
    struct redir_fixture *r = announced(state);
    const struct reply *a;

    get_descriptor(r, 7, 1);
    a = answer_to(r, 7);
    assert_int_equal(a->status, usb_redir_success);
    assert_int_equal(a->bytes, 18);
    assert_memory_equal(a->data, r->usb->dev.device_desc, 18);
}

static void a_refused_control_request_is_a_stall(void **state)
{
    struct redir_fixture *r = announced(state);

    get_descriptor(r, 7, 6);
    assert_int_equal(answer_to(r, 7)->status, usb_redir_stall);
}

static void an_alternate_setting_that_the_device_refuses_is_a_stall(void **state)
{
    struct usb_redir_set_alt_setting_header h = { .interface = 1, .alt = 3 };
    struct redir_fixture *r = configured(state);

    usbredirparser_send_set_alt_setting(r->parser, 7, &h);
    assert_int_equal(answer_to(r, 7)->status, usb_redir_stall);
    assert_int_equal(answer_to(r, 7)->bytes, 3);
}

static void a_request_that_is_too_long_is_refused_and_the_next_one_served(void **state)
{
    struct usb_redir_control_packet_header h = { .endpoint = 0x80, .request = 6, .requesttype = 0x80, .value = 0x100,
                                                 .length = 0xFFFF };
    struct redir_fixture *r = announced(state);

    usbredirparser_send_control_packet(r->parser, 7, &h, NULL, 0);
    assert_int_equal(answer_to(r, 7)->status, usb_redir_inval);
    get_descriptor(r, 8, 1);
    assert_int_equal(answer_to(r, 8)->status, usb_redir_success);
}

static void after_every_configuration_requests_are_served(void **state)
{
    struct redir_fixture *r = configured(state);

    for (uint64_t id = 10; id < 20; id += 2) {
        set_configuration(r, id);
        get_descriptor(r, id + 1, 1);
        assert_int_equal(answer_to(r, id + 1)->status, usb_redir_success);
    }
}

static void a_reset_readdresses_the_device_and_requests_wait_for_it(void **state)
{
    struct redir_fixture *r = configured(state);
    unsigned resets = r->usb->dev.resets;

    usbredirparser_send_reset(r->parser);
    get_descriptor(r, 7, 1);
    assert_int_equal(answer_to(r, 7)->status, usb_redir_success);
    assert_true(r->usb->dev.resets > resets);
    assert_int_equal(r->disconnects, 0);
    set_configuration(r, 8);
}

static void a_device_that_does_not_come_back_from_a_reset_is_gone(void **state)
{
    struct redir_fixture *r = configured(state);

    usbredirparser_send_reset(r->parser);
    get_descriptor(r, 7, 1);
    redir_spin(r, 2);
    set_reg(r->usb, R_DCTL, 2);
    redir_spin(r, 1500);
    assert_int_equal(r->disconnects, 0);
    redir_spin_until(r, &r->disconnects, 1);
    assert_int_equal(answer_to(r, 7)->status, usb_redir_ioerror);
}

/* --- data ------------------------------------------------------------------------------------------------------------------------ */

static void bulk_out_arrives_in_packets_whatever_its_length(void **state)
{
    struct redir_fixture *r = configured(state);
    uint8_t data[1280];

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7U);
    bulk(r, 2, OUT1, data, sizeof data);
    bulk(r, 3, OUT1, data, 65);
    assert_int_equal(answer_to(r, 2)->bytes, sizeof data);
    assert_int_equal(answer_to(r, 3)->status, usb_redir_success);
    redir_spin(r, 2);
    assert_int_equal(r->usb->dev.rx_bytes, sizeof data + 65);
    assert_memory_equal(r->usb->dev.rx, data, sizeof data);
}

static void bulk_in_ends_with_a_short_packet_a_zero_length_one_or_full(void **state)
{
    static const struct { size_t sent; size_t got[2]; } cases[] = { { 63, { 63, 0 } }, { 64, { 64, 0 } }, { 65, { 65, 0 } },
                                                                  { 128, { 128, 0 } }, { 130, { 128, 2 } } };
    struct redir_fixture *r = configured(state);
    uint8_t data[130];
    uint64_t id = 10;

    memset(data, 'x', sizeof data);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++, id += 2) {
        bulk(r, id, IN1, NULL, 128);
        dev_send(&r->usb->dev, data, cases[i].sent);
        assert_int_equal(answer_to(r, id)->bytes, cases[i].got[0]);
        if (cases[i].sent < 128)
            continue;
        bulk(r, id + 1, IN1, NULL, 128);        /* the rest, or the ZLP after two full packets */
        assert_int_equal(answer_to(r, id + 1)->bytes, cases[i].got[1]);
    }
}

static void a_cancelled_request_is_answered_so_and_the_next_one_gets_the_data(void **state)
{
    struct redir_fixture *r = configured(state);

    bulk(r, 2, IN1, NULL, 128);
    bulk(r, 3, IN1, NULL, 128);
    redir_spin(r, 5);
    usbredirparser_send_cancel_data_packet(r->parser, 2);
    assert_int_equal(answer_to(r, 2)->status, usb_redir_cancelled);
    dev_send(&r->usb->dev, "hello", 5);
    assert_int_equal(answer_to(r, 3)->bytes, 5);
    assert_memory_equal(answer_to(r, 3)->data, "hello", 5);
}

static void a_cancelled_control_request_makes_room_for_the_next_one(void **state)
{
    struct redir_fixture *r = configured(state);

    r->usb->dev.mute_control = true;
    get_descriptor(r, 7, 1);
    redir_spin(r, 20);
    get_descriptor(r, 8, 1);
    r->usb->dev.mute_control = false;
    usbredirparser_send_cancel_data_packet(r->parser, 7);
    assert_int_equal(answer_to(r, 7)->status, usb_redir_cancelled);
    assert_int_equal(answer_to(r, 8)->status, usb_redir_success);
}

static void as_many_requests_as_uhci_queues_are_taken(void **state)
{
    struct redir_fixture *r = configured(state);

    for (uint64_t id = 100; id < 500; id++)
        bulk(r, id, IN1, NULL, 64);
    redir_spin(r, 20);
    assert_int_equal(r->answers, 1);            /* SET_CONFIGURATION's */
    dev_send(&r->usb->dev, "x", 1);
    assert_int_equal(answer_to(r, 100)->bytes, 1);
}

static void a_halted_endpoint_stalls_until_the_peer_clears_it(void **state)
{
    struct usb_redir_control_packet_header clear = { .request = 1, .requesttype = 0x02, .index = IN1 };
    struct redir_fixture *r = configured(state);

    bulk(r, 2, IN1, NULL, 64);
    dev_send(&r->usb->dev, "a", 1);             /* an odd number of packets: the toggle has to go back to DATA0 */
    assert_int_equal(answer_to(r, 2)->status, usb_redir_success);
    set_reg(r->usb, R_DIEPCTL(1), reg(r->usb, R_DIEPCTL(1)) | B_STALL);
    bulk(r, 3, IN1, NULL, 64);
    assert_int_equal(answer_to(r, 3)->status, usb_redir_stall);
    usbredirparser_send_control_packet(r->parser, 4, &clear, NULL, 0);
    assert_int_equal(answer_to(r, 4)->status, usb_redir_success);
    bulk(r, 5, IN1, NULL, 64);
    dev_send(&r->usb->dev, "b", 1);
    assert_int_equal(answer_to(r, 5)->status, usb_redir_success);
    assert_memory_equal(answer_to(r, 5)->data, "b", 1);
}

static void a_request_for_an_endpoint_that_is_not_there_is_refused(void **state)
{
    struct redir_fixture *r = configured(state);

    bulk(r, 2, 0x83, NULL, 64);
    assert_int_equal(answer_to(r, 2)->status, usb_redir_inval);
}

static void an_interrupt_endpoint_is_polled_while_the_peer_receives(void **state)
{
    struct usb_redir_start_interrupt_receiving_header start = { .endpoint = NOTIFY_IN };
    struct usb_redir_stop_interrupt_receiving_header stop = { .endpoint = NOTIFY_IN };
    struct redir_fixture *r = configured(state);

    usbredirparser_send_start_interrupt_receiving(r->parser, 0, &start);
    redir_spin_until(r, &r->receiving, 1);
    for (unsigned i = 1; i <= 2; i++) {
        set_reg(r->usb, R_DIEPTSIZ(2), TSIZ(1, 4));
        set_reg(r->usb, R_DIEPCTL(2), reg(r->usb, R_DIEPCTL(2)) | B_EPENA | B_CNAK);
        set_reg(r->usb, R_DFIFO(2), 0x04030201);
        redir_spin_until(r, &r->answers, 1 + i);
        assert_int_equal(r->replies[i].bytes, 4);
        assert_memory_equal(r->replies[i].data, "\1\2\3\4", 4);
    }
    usbredirparser_send_stop_interrupt_receiving(r->parser, 0, &stop);
    redir_spin_until(r, &r->receiving, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        redir_test(the_device_is_announced_with_its_interfaces_and_endpoints),
        redir_test(without_a_peer_the_device_sees_no_host),
        redir_test(the_pull_up_makes_the_device_leave_and_come_back_as_what_it_is_then),
        redir_test(a_pulled_cable_is_a_disconnect_and_the_next_connection_works),
        redir_test(a_peer_that_hangs_up_may_come_back),
        redir_test(a_peer_that_talks_nonsense_is_hung_up_on_and_the_next_one_served),
        cmocka_unit_test(only_the_current_setting_of_an_interface_counts),
        cmocka_unit_test(a_configuration_cut_anywhere_or_with_a_length_of_zero_is_read_as_far_as_it_goes),
        redir_test(a_control_request_brings_the_descriptor),
        redir_test(a_refused_control_request_is_a_stall),
        redir_test(an_alternate_setting_that_the_device_refuses_is_a_stall),
        redir_test(a_request_that_is_too_long_is_refused_and_the_next_one_served),
        redir_test(after_every_configuration_requests_are_served),
        redir_test(a_reset_readdresses_the_device_and_requests_wait_for_it),
        redir_test(a_device_that_does_not_come_back_from_a_reset_is_gone),
        redir_test(bulk_out_arrives_in_packets_whatever_its_length),
        redir_test(bulk_in_ends_with_a_short_packet_a_zero_length_one_or_full),
        redir_test(a_cancelled_request_is_answered_so_and_the_next_one_gets_the_data),
        redir_test(a_cancelled_control_request_makes_room_for_the_next_one),
        redir_test(as_many_requests_as_uhci_queues_are_taken),
        redir_test(a_halted_endpoint_stalls_until_the_peer_clears_it),
        redir_test(a_request_for_an_endpoint_that_is_not_there_is_refused),
        redir_test(an_interrupt_endpoint_is_polled_while_the_peer_receives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
