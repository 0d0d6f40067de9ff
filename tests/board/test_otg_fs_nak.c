/* SPDX-License-Identifier: MIT */
/* The OTG_FS core by itself: NAKs, stalls, toggles, disabling, bus reset. */
/* Sources: RM0090 §34.16.4, §34.17.5, §34.17.6 */
#include "tests/board/usb_hand.h"

static void stall_wins_over_nak_and_only_the_application_clears_it(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    activate_bulk(f);
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_STALL | B_SNAK);
    assert_int_equal(ask_in(f, 1, &p), WIRE_STALL);
    send_setup(f, get_device);
    assert_int_equal(ask_in(f, 1, &p), WIRE_STALL);
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_SD0PID);
    assert_int_equal(ask_in(f, 1, &p), WIRE_NAK);
}

static void the_global_out_nak_takes_effect_when_its_entry_is_popped(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const uint8_t data[64] = { 0 };

    activate_bulk(f);
    arm_out(f, 2);
    set_reg(f, R_DCTL, 1U << 9);
    assert_int_equal(reg(f, R_DCTL) & 8U, 8);
    assert_int_equal(send_out(f, 1, false, data, 4), WIRE_NAK);
    assert_int_equal(reg(f, R_GINTSTS) & B_GONAKEFF, 0);
    assert_int_equal(PKTSTS(pop(f)), 1);
    assert_int_equal(reg(f, R_GINTSTS) & B_GONAKEFF, B_GONAKEFF);
    set_reg(f, R_DCTL, 1U << 10);
    assert_int_equal(reg(f, R_GINTSTS) & B_GONAKEFF, 0);
    assert_int_equal(send_out(f, 1, false, data, 4), WIRE_ACK);
}

static void the_global_in_nak_holds_back_what_is_ready(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    activate_bulk(f);
    arm_in(f, 1, 4);
    fill(f, 1, 1, 0);
    set_reg(f, R_DCTL, 1U << 7);
    assert_int_equal(reg(f, R_GINTSTS) & 1U << 6, 1U << 6);
    assert_int_equal(ask_in(f, 1, &p), WIRE_NAK);
    set_reg(f, R_DCTL, 1U << 8);
    assert_int_equal(reg(f, R_GINTSTS) & 1U << 6, 0);
    assert_int_equal(ask_in(f, 1, &p), WIRE_ACK);
}

static void the_toggle_is_set_by_sd0pid_and_sd1pid_only(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    activate_bulk(f);
    arm_in(f, 1, 0);
    assert_int_equal(ask_in(f, 1, &p), WIRE_ACK);
    assert_int_equal(reg(f, R_DIEPCTL(1)) & 1U << 16, 1U << 16);
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_STALL);
    assert_int_equal(reg(f, R_DIEPCTL(1)) & 1U << 16, 1U << 16);
    activate_bulk(f);
    assert_int_equal(reg(f, R_DIEPCTL(1)) & 1U << 16, 0);
    set_reg(f, R_DOEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 29);
    assert_int_equal(reg(f, R_DOEPCTL(1)) & 1U << 16, 1U << 16);
}

static void an_out_endpoint_is_disabled_only_under_the_global_nak(void **state)
{
    struct usb_fixture *f = by_hand(state);

    activate_bulk(f);
    arm_out(f, 2);
    set_reg(f, R_DCTL, 1U << 9);
    set_reg(f, R_DOEPCTL(1), 64U | B_USBAEP | 2U << 18 | B_EPDIS | B_SNAK);
    assert_error(f, "before GONAKEFF", false);
    assert_int_equal(reg(f, R_DOEPINT(1)) & B_EPDISD, 0);
    pop(f);
    assert_int_equal(reg(f, R_DOEPINT(1)) & B_EPDISD, B_EPDISD);
    assert_int_equal(reg(f, R_DOEPCTL(1)) & (B_EPENA | B_EPDIS), 0);
}

static void an_in_endpoint_is_disabled_by_snak_and_epdis(void **state)
{
    struct usb_fixture *f = by_hand(state);

    activate_bulk(f);
    arm_in(f, 1, 64);
    assert_int_equal(reg(f, R_DIEPINT(1)) & 1U << 6, 0);
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_SNAK);
    assert_int_equal(reg(f, R_DIEPINT(1)) & 1U << 6, 1U << 6);
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_EPDIS | B_SNAK);
    assert_int_equal(reg(f, R_DIEPINT(1)) & B_EPDISD, B_EPDISD);
    assert_int_equal(reg(f, R_DIEPCTL(1)) & (B_EPENA | B_EPDIS), 0);
    set_reg(f, R_DIEPINT(1), B_EPDISD);
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_EPDIS | B_SNAK);
    assert_int_equal(reg(f, R_DIEPINT(1)) & B_EPDISD, 0);   /* it was not enabled */
}

static void a_bus_reset_deactivates_endpoints_and_clears_little_else(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);

    activate_bulk(f);
    set_reg(f, R_DCFG, 3U | 9U << 4);
    w->reset(w->self, true);
    assert_int_equal(reg(f, R_GINTSTS) & (B_USBRST | B_ENUMDNE), B_USBRST);
    w->reset(w->self, false);
    assert_int_equal(reg(f, R_GINTSTS) & B_ENUMDNE, B_ENUMDNE);
    assert_int_equal(reg(f, R_DSTS) & 6U, 6);
    assert_int_equal(reg(f, R_DIEPCTL(1)) & B_USBAEP, 0);
    assert_int_equal(reg(f, R_DIEPCTL(0)) & B_USBAEP, B_USBAEP);
    assert_int_equal(w->setup(w->self, 0, 0, get_device), WIRE_NOTHING);    /* DCFG.DAD is the firmware's to clear */
    set_reg(f, R_DCFG, 3);
    assert_int_equal(w->setup(w->self, 0, 0, get_device), WIRE_ACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        usb_test(stall_wins_over_nak_and_only_the_application_clears_it),
        usb_test(the_global_out_nak_takes_effect_when_its_entry_is_popped),
        usb_test(the_global_in_nak_holds_back_what_is_ready),
        usb_test(the_toggle_is_set_by_sd0pid_and_sd1pid_only),
        usb_test(an_out_endpoint_is_disabled_only_under_the_global_nak),
        usb_test(an_in_endpoint_is_disabled_by_snak_and_epdis),
        usb_test(a_bus_reset_deactivates_endpoints_and_clears_little_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
