/* SPDX-License-Identifier: MIT */
/* The OTG_FS core by itself: SETUP rules and both FIFOs. */
/* Sources: RM0090 §34.16.4, §34.17.6; ES0182 */
#include "tests/board/usb_hand.h"

/* --- SETUP ------------------------------------------------------------------------------------------------------------------- */

static void a_setup_is_stacked_and_its_end_when_the_host_moves_on(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;
    uint32_t sts;

    assert_int_equal(send_setup(f, get_device), WIRE_ACK);
    assert_int_equal(reg(f, R_DOEPTSIZ(0)) >> 29, 2);
    sts = pop(f);
    assert_int_equal(PKTSTS(sts), 6);
    assert_int_equal(BCNT(sts), 8);
    assert_int_equal(reg(f, R_DFIFO(0)), 0x01000680);
    assert_int_equal(reg(f, R_DFIFO(0)), 0x00400000);
    assert_int_equal(reg(f, R_GINTSTS) & B_RXFLVL, 0);      /* "SETUP done" is not there yet */
    assert_int_equal(ask_in(f, 0, &p), WIRE_NAK);
    assert_int_equal(PKTSTS(reg(f, R_GRXSTSR)), 4);
    assert_int_equal(reg(f, R_DOEPINT(0)) & B_STUP, 0);
    assert_int_equal(PKTSTS(pop(f)), 4);
    assert_int_equal(reg(f, R_DOEPINT(0)) & B_STUP, B_STUP);
}

static void a_setup_gets_through_nak_and_stall_and_clears_the_stall(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    set_reg(f, R_DIEPCTL(0), B_STALL);
    set_reg(f, R_DOEPCTL(0), B_STALL | B_SNAK);
    assert_int_equal(ask_in(f, 0, &p), WIRE_STALL);
    assert_int_equal(send_out(f, 0, true, NULL, 0), WIRE_STALL);
    assert_int_equal(send_setup(f, get_device), WIRE_ACK);
    assert_int_equal(reg(f, R_DIEPCTL(0)) & B_STALL, 0);
    assert_int_equal(ask_in(f, 0, &p), WIRE_NAK);
}

static void three_setups_in_a_row_give_three_packets_and_one_end(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    for (int i = 0; i < 3; i++)
        assert_int_equal(send_setup(f, i < 2 ? get_device : get_config), WIRE_ACK);
    assert_int_equal(reg(f, R_DOEPTSIZ(0)) >> 29, 0);       /* not restored by the core */
    ask_in(f, 0, &p);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(PKTSTS(pop(f)), 6);
        drop_words(f, 2);
    }
    assert_int_equal(PKTSTS(pop(f)), 4);
    assert_int_equal(reg(f, R_GINTSTS) & B_RXFLVL, 0);
    assert_int_equal(reg(f, R_DOEPINT(0)) & 1U << 6, 0);
    send_setup(f, get_device);
    assert_int_equal(reg(f, R_DOEPINT(0)) & 1U << 6, 1U << 6);      /* a fourth: B2BSTUP */
}

static void popping_the_end_of_setup_disables_out_endpoint_0(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    send_setup(f, get_device);
    pop(f);
    drop_words(f, 2);
    set_reg(f, R_DOEPTSIZ(0), STUPCNT3 | TSIZ(1, 64));
    set_reg(f, R_DOEPCTL(0), B_EPENA | B_CNAK);             /* too early: warned of, and undone by the pop */
    assert_error(f, "SETUP-done", false);
    ask_in(f, 0, &p);
    pop(f);
    assert_int_equal(reg(f, R_DOEPCTL(0)) & B_EPENA, 0);
    assert_int_equal(send_out(f, 0, true, NULL, 0), WIRE_NAK);
}

static void a_setup_in_the_data_stage_leaves_the_old_packet_in_the_fifo(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    send_setup(f, get_device);
    ask_in(f, 0, &p);
    set_reg(f, R_DIEPTSIZ(0), TSIZ(1, 8));
    set_reg(f, R_DIEPCTL(0), B_EPENA | B_CNAK);
    fill(f, 0, 2, 0x11111111);
    send_setup(f, get_config);                              /* the host gave up the first request */
    assert_int_equal(ask_in(f, 0, &p), WIRE_NAK);
    assert_int_equal(reg(f, R_DTXFSTS(0)), 14);
    set_reg(f, R_DIEPTSIZ(0), TSIZ(1, 8));
    set_reg(f, R_DIEPCTL(0), B_EPENA | B_CNAK);
    fill(f, 0, 2, 0x22222222);
    assert_int_equal(ask_in(f, 0, &p), WIRE_ACK);
    assert_int_equal(p.data[0], 0x11);                      /* stale: nobody flushed */
    assert_true(p.data1);
}

static void a_flush_removes_what_a_setup_left_behind(void **state)
{
    struct usb_fixture *f = by_hand(state);

    set_reg(f, R_DIEPTSIZ(0), TSIZ(1, 8));
    set_reg(f, R_DIEPCTL(0), B_EPENA | B_CNAK);
    fill(f, 0, 2, 1);
    assert_int_equal(reg(f, R_DTXFSTS(0)), 14);
    set_reg(f, R_GRSTCTL, 1U << 5);
    assert_int_equal(reg(f, R_GRSTCTL) & 1U << 5, 1U << 5);
    fake_run(f->chip, VTIME_US(1));
    assert_int_equal(reg(f, R_GRSTCTL) & 1U << 5, 0);
    assert_int_equal(reg(f, R_DTXFSTS(0)), 16);
}

static void the_address_counts_after_the_status_stage(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);
    static const uint8_t set_address[8] = { 0, 5, 9, 0, 0, 0, 0, 0 };
    struct wire_packet p;

    send_setup(f, set_address);
    set_reg(f, R_DCFG, 3U | 9U << 4);
    ask_in(f, 0, &p);
    set_reg(f, R_DIEPTSIZ(0), TSIZ(1, 0));
    set_reg(f, R_DIEPCTL(0), B_EPENA | B_CNAK);
    assert_int_equal(ask_in(f, 0, &p), WIRE_ACK);           /* still at address 0 */
    assert_int_equal(p.bytes, 0);
    assert_int_equal(w->setup(w->self, 0, 0, get_device), WIRE_NOTHING);
    assert_int_equal(w->setup(w->self, 9, 0, get_device), WIRE_ACK);
}

/* --- OUT ---------------------------------------------------------------------------------------------------------------------- */

static void an_out_endpoint_naks_until_armed_and_after_its_transfer(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const uint8_t data[64] = { 1, 2, 3 };
    uint32_t sts;

    activate_bulk(f);
    assert_int_equal(send_out(f, 1, false, data, 5), WIRE_NAK);
    arm_out(f, 1);
    assert_int_equal(send_out(f, 1, false, data, 5), WIRE_ACK);
    assert_int_equal(send_out(f, 1, true, data, 5), WIRE_NAK);
    assert_int_equal(reg(f, R_DOEPCTL(1)) & B_NAKSTS, B_NAKSTS);
    sts = pop(f);
    assert_int_equal(PKTSTS(sts), 2);
    assert_int_equal(BCNT(sts), 5);
    assert_int_equal(reg(f, R_DFIFO(0)), 0x00030201);
    assert_int_equal(reg(f, R_DOEPTSIZ(1)) & 0x7FFFF, 64);  /* XFRSIZ counts whole packets read */
    reg(f, R_DFIFO(0));
    assert_int_equal(reg(f, R_DOEPTSIZ(1)) & 0x7FFFF, 59);
    assert_int_equal(reg(f, R_DOEPINT(1)) & B_XFRC, 0);
    assert_int_equal(PKTSTS(pop(f)), 3);
    assert_int_equal(reg(f, R_DOEPINT(1)) & B_XFRC, 1);
    assert_int_equal(reg(f, R_DOEPCTL(1)) & B_EPENA, 0);
}

static void a_transfer_of_several_packets_ends_when_all_or_a_short_one_came(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const uint8_t data[64] = { 0 };

    activate_bulk(f);
    arm_out(f, 2);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_ACK);
    assert_int_equal(send_out(f, 1, true, data, 64), WIRE_ACK);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_NAK);
    pop(f), drop_words(f, 16);
    pop(f), drop_words(f, 16);
    assert_int_equal(PKTSTS(pop(f)), 3);
    arm_out(f, 4);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_ACK);
    assert_int_equal(send_out(f, 1, true, data, 0), WIRE_ACK);
    assert_int_equal(reg(f, R_DOEPTSIZ(1)) >> 19, 2);
    pop(f), drop_words(f, 16);
    assert_int_equal(BCNT(pop(f)), 0);
    assert_int_equal(PKTSTS(pop(f)), 3);
}

static void a_repeated_out_packet_is_acknowledged_and_dropped(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const uint8_t data[64] = { 0 };

    activate_bulk(f);
    arm_out(f, 2);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_ACK);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_ACK);
    assert_int_equal(reg(f, R_DOEPTSIZ(1)) >> 19, 1);
    pop(f), drop_words(f, 16);
    assert_int_equal(reg(f, R_GINTSTS) & B_RXFLVL, 0);
    assert_int_equal(send_out(f, 1, true, data, 64), WIRE_ACK);
}

static void a_full_receive_fifo_naks_data_and_still_takes_setups(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const uint8_t data[64] = { 0 };

    set_reg(f, R_GRXFSIZ, 54);          /* two packets of 17 words, and ten of reserve: a third does not fit */
    activate_bulk(f);
    arm_out(f, 8);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_ACK);
    assert_int_equal(send_out(f, 1, true, data, 64), WIRE_ACK);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_NAK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_setup(f, get_device), WIRE_ACK);
    assert_int_equal(f->chip->guest_errors, 0);
    pop(f), drop_words(f, 16);
    assert_int_equal(send_out(f, 1, false, data, 64), WIRE_ACK);
}

static void more_setups_than_the_fifo_holds_are_a_fatal_overrun(void **state)
{
    struct usb_fixture *f = by_hand(state);

    set_reg(f, R_GRXFSIZ, 16);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send_setup(f, get_device), WIRE_ACK);
    assert_int_equal(f->chip->guest_errors, 0);
    send_setup(f, get_device);
    assert_error(f, "overrun", true);
}

static void reading_beyond_a_packet_is_fatal(void **state)
{
    struct usb_fixture *f = by_hand(state);

    reg(f, R_DFIFO(0));
    assert_error(f, "beyond the packet", true);
    send_setup(f, get_device);
    pop(f);
    drop_words(f, 2);
    assert_int_equal(f->chip->guest_errors, 0);
    reg(f, R_DFIFO(0));
    assert_error(f, "beyond the packet", true);
}

static void popping_a_status_over_unread_data_is_fatal(void **state)
{
    struct usb_fixture *f = by_hand(state);

    send_setup(f, get_device);
    pop(f);
    pop(f);
    assert_error(f, "unread", true);
}

static void a_packet_larger_than_xfrsiz_is_fatal(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const uint8_t data[64] = { 0 };

    activate_bulk(f);
    set_reg(f, R_DOEPTSIZ(1), TSIZ(1, 8));
    set_reg(f, R_DOEPCTL(1), 64U | B_USBAEP | 2U << 18 | B_EPENA | B_CNAK);
    send_out(f, 1, false, data, 9);
    assert_error(f, "XFRSIZ has 8 left", true);
}

/* --- IN ------------------------------------------------------------------------------------------------------------------------ */

static void xfrsiz_falls_when_written_and_pktcnt_when_acknowledged(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    activate_bulk(f);
    arm_in(f, 2, 70);
    fill(f, 1, 15, 0);
    assert_int_equal(ask_in(f, 1, &p), WIRE_NAK);           /* not whole yet */
    fill(f, 1, 1, 15);
    assert_int_equal(reg(f, R_DIEPTSIZ(1)), TSIZ(2, 6));
    assert_int_equal(ask_in(f, 1, &p), WIRE_ACK);
    assert_int_equal(p.bytes, 64);
    assert_int_equal(p.data[60], 15);
    assert_int_equal(reg(f, R_DIEPTSIZ(1)), TSIZ(1, 6));
    fill(f, 1, 2, 100);
    assert_int_equal(ask_in(f, 1, &p), WIRE_ACK);
    assert_int_equal(p.bytes, 6);
    assert_true(p.data1);
    assert_int_equal(reg(f, R_DIEPINT(1)) & B_XFRC, 1);
    assert_int_equal(reg(f, R_DIEPCTL(1)) & B_EPENA, 0);
}

static void an_endpoint_register_read_amid_a_packet_corrupts_it(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    activate_bulk(f);
    arm_in(f, 1, 8);
    fill(f, 1, 1, 1);
    reg(f, R_DIEPTSIZ(1));
    fill(f, 1, 1, 2);
    assert_error(f, "ES0182", false);
    assert_int_equal(ask_in(f, 1, &p), WIRE_ACK);
    assert_int_equal(p.data[4], 0xFD);
}

static void without_a_handshake_the_same_packet_goes_out_again(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);
    struct wire_packet p;

    activate_bulk(f);
    arm_in(f, 1, 4);
    fill(f, 1, 1, 0x44332211);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w->in(w->self, 0, 1, &p), WIRE_ACK);
        assert_false(p.data1);
        assert_int_equal(p.data[3], 0x44);
        if (i < 2)
            w->in_done(w->self, 1, false);
    }
    assert_int_equal(reg(f, R_DIEPINT(1)) & B_XFRC, 0);
    w->in_done(w->self, 1, true);
    assert_int_equal(reg(f, R_DIEPINT(1)) & B_XFRC, 1);
    arm_in(f, 1, 4);
    fill(f, 1, 1, 1);
    assert_int_equal(w->in(w->self, 0, 1, &p), WIRE_ACK);
    assert_true(p.data1);
}

static void a_lost_handshake_on_endpoint_0_is_a_timeout_condition(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);
    struct wire_packet p;

    set_reg(f, R_DIEPTSIZ(0), TSIZ(1, 4));
    set_reg(f, R_DIEPCTL(0), B_EPENA | B_CNAK);
    fill(f, 0, 1, 1);
    assert_int_equal(w->in(w->self, 0, 0, &p), WIRE_ACK);
    w->in_done(w->self, 0, false);
    assert_int_equal(reg(f, R_DIEPINT(0)) & (1U << 3 | B_XFRC), 1U << 3);
}

static void an_empty_fifo_naks_and_says_ittxfe_unless_snak_is_set(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    activate_bulk(f);
    assert_int_equal(ask_in(f, 1, &p), WIRE_NAK);
    assert_int_equal(reg(f, R_DIEPINT(1)) & 1U << 4, 0);
    arm_in(f, 1, 4);
    assert_int_equal(ask_in(f, 1, &p), WIRE_NAK);
    assert_int_equal(reg(f, R_DIEPINT(1)) & 1U << 4, 1U << 4);
}

static void txfe_follows_the_level_that_gahbcfg_asks_for(void **state)
{
    struct usb_fixture *f = by_hand(state);

    activate_bulk(f);
    set_reg(f, R_DAINTMSK, 2);
    set_reg(f, R_DIEPEMPMSK, 2);
    set_reg(f, R_GAHBCFG, 0);           /* half empty */
    assert_int_equal(reg(f, R_DAINT), 2);
    arm_in(f, 4, 256);
    fill(f, 1, 32, 0);
    assert_int_equal(reg(f, R_DIEPINT(1)) & 0x80, 0x80);    /* 32 of 64 */
    fill(f, 1, 16, 0);
    assert_int_equal(reg(f, R_DIEPINT(1)) & 0x80, 0);
    assert_int_equal(reg(f, R_GINTSTS) & B_IEPINT, 0);
    set_reg(f, R_GAHBCFG, 1U << 7);     /* empty */
    assert_int_equal(reg(f, R_DIEPINT(1)) & 0x80, 0);
    assert_int_equal(reg(f, R_DTXFSTS(1)), 16);
}

static void writing_the_tx_fifo_before_epena_or_too_much_is_fatal(void **state)
{
    struct usb_fixture *f = by_hand(state);

    activate_bulk(f);
    fill(f, 1, 1, 0);
    assert_error(f, "before EPENA", true);
    arm_in(f, 1, 4);
    fill(f, 1, 1, 0);
    assert_int_equal(f->chip->guest_errors, 0);
    fill(f, 1, 1, 0);
    assert_error(f, "more than XFRSIZ", true);
}

static void a_tx_fifo_overrun_is_fatal(void **state)
{
    struct usb_fixture *f = by_hand(state);

    activate_bulk(f);
    arm_in(f, 5, 320);
    fill(f, 1, 64, 0);
    assert_int_equal(f->chip->guest_errors, 0);
    fill(f, 1, 1, 0);
    assert_error(f, "overrun", true);
}

static void a_ninth_packet_in_one_tx_fifo_is_fatal(void **state)
{
    struct usb_fixture *f = by_hand(state);

    set_reg(f, R_DIEPCTL(1), 4U | B_USBAEP | 2U << 18 | 1U << 22 | B_SD0PID | B_SNAK);
    set_reg(f, R_DIEPTSIZ(1), TSIZ(9, 36));
    set_reg(f, R_DIEPCTL(1), 4U | B_USBAEP | 2U << 18 | 1U << 22 | B_EPENA | B_CNAK);
    fill(f, 1, 8, 0);
    assert_int_equal(f->chip->guest_errors, 0);
    fill(f, 1, 1, 0);
    assert_error(f, "8 packets", true);
}

static void fifo_areas_that_overlap_or_leave_the_ram_are_fatal(void **state)
{
    struct usb_fixture *f = by_hand(state);

    activate_bulk(f);
    arm_in(f, 1, 4);
    set_reg(f, R_DIEPTXF(1), TXF(90, 64));
    fill(f, 1, 1, 0);
    assert_error(f, "lies in the receive FIFO", true);
    set_reg(f, R_DIEPTXF(1), TXF(100, 64));
    fill(f, 1, 1, 0);
    assert_error(f, "overlap", true);
    set_reg(f, R_DIEPTXF(1), TXF(300, 64));
    fill(f, 1, 1, 0);
    assert_error(f, "within 320", true);
    set_reg(f, R_DIEPTXF(1), TXF(200, 4));
    fill(f, 1, 1, 0);
    assert_error(f, "minimum is 16", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        usb_test(a_setup_is_stacked_and_its_end_when_the_host_moves_on),
        usb_test(a_setup_gets_through_nak_and_stall_and_clears_the_stall),
        usb_test(three_setups_in_a_row_give_three_packets_and_one_end),
        usb_test(popping_the_end_of_setup_disables_out_endpoint_0),
        usb_test(a_setup_in_the_data_stage_leaves_the_old_packet_in_the_fifo),
        usb_test(a_flush_removes_what_a_setup_left_behind),
        usb_test(the_address_counts_after_the_status_stage),
        usb_test(an_out_endpoint_naks_until_armed_and_after_its_transfer),
        usb_test(a_transfer_of_several_packets_ends_when_all_or_a_short_one_came),
        usb_test(a_repeated_out_packet_is_acknowledged_and_dropped),
        usb_test(a_full_receive_fifo_naks_data_and_still_takes_setups),
        usb_test(more_setups_than_the_fifo_holds_are_a_fatal_overrun),
        usb_test(reading_beyond_a_packet_is_fatal),
        usb_test(popping_a_status_over_unread_data_is_fatal),
        usb_test(a_packet_larger_than_xfrsiz_is_fatal),
        usb_test(xfrsiz_falls_when_written_and_pktcnt_when_acknowledged),
        usb_test(an_endpoint_register_read_amid_a_packet_corrupts_it),
        usb_test(without_a_handshake_the_same_packet_goes_out_again),
        usb_test(a_lost_handshake_on_endpoint_0_is_a_timeout_condition),
        usb_test(an_empty_fifo_naks_and_says_ittxfe_unless_snak_is_set),
        usb_test(txfe_follows_the_level_that_gahbcfg_asks_for),
        usb_test(writing_the_tx_fifo_before_epena_or_too_much_is_fatal),
        usb_test(a_tx_fifo_overrun_is_fatal),
        usb_test(a_ninth_packet_in_one_tx_fifo_is_fatal),
        usb_test(fifo_areas_that_overlap_or_leave_the_ram_are_fatal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
