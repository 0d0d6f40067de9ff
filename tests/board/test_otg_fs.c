/* SPDX-License-Identifier: MIT */
/* The OTG_FS core by itself: registers, clocks, pins and VBUS, suspend. */
/* Sources: RM0090 §34.5.2, §34.16, Table 204; ES0182 */
#include "tests/board/usb_hand.h"

/* --- registers ------------------------------------------------------------------------------------------------------------ */

static void registers_have_the_manual_s_reset_values(void **state)
{
    struct usb_fixture *f = *state;
    static const struct { uint32_t off, value; } table[] = {
        { 0x000, 0x00010000 }, { 0x004, 0 }, { 0x008, 0 }, { 0x00C, 0x00000A40 }, { 0x010, 0x80000000 }, { 0x014, 0x04000020 },
        { 0x018, 0 }, { 0x01C, 0 }, { 0x024, 0x00000200 }, { 0x028, 0x00000200 }, { 0x02C, 0x00080200 }, { 0x038, 0 },
        { 0x03C, 0x00001200 }, { 0x040, 0x4F54281A }, { 0x048, 0x229DCD20 }, { 0x100, 0x02000400 }, { 0x104, 0x02000200 },
        { 0x10C, 0x02000200 }, { 0x800, 0x02200000 }, { 0x804, 0 }, { 0x808, 0x10 }, { 0x810, 0 }, { 0x814, 0 }, { 0x818, 0 },
        { 0x81C, 0 }, { 0x828, 0x17D7 }, { 0x82C, 0x05B8 }, { 0x834, 0 }, { 0x900, 0x8000 }, { 0x920, 0 }, { 0x908, 0x80 },
        { 0x968, 0x80 }, { 0x910, 0 }, { 0xB00, 0x8000 }, { 0xB20, 0 }, { 0xB08, 0x80 }, { 0xB10, 0 }, { 0xE00, 0 },
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(reg(f, table[i].off), table[i].value);
    dev_init_core(&f->dev);
    fake_reset(f->chip, RESET_SOFTWARE);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(reg(f, table[i].off), table[i].value);
    assert_int_equal(f->chip->guest_errors, 0);
}

static void an_access_that_is_no_word_is_fatal(void **state)
{
    struct usb_fixture *f = *state;

    fake_read(f->chip, 0x50000014, 2);
    assert_error(f, "32 bits only", true);
    fake_write(f->chip, 0x50000008, 1, 1);
    assert_error(f, "32 bits only", true);
}

static void a_host_mode_register_raises_mode_mismatch(void **state)
{
    struct usb_fixture *f = *state;

    assert_int_equal(reg(f, 0x440), 0);
    assert_int_equal(reg(f, R_GINTSTS) & 2U, 2);
    set_reg(f, R_GINTSTS, 2);
    assert_int_equal(reg(f, R_GINTSTS) & 2U, 0);
}

static void an_unknown_register_is_reported(void **state)
{
    struct usb_fixture *f = *state;

    reg(f, 0x060);
    assert_int_equal(f->chip->unmodelled, 1);
    set_reg(f, 0x980, 1);
    assert_int_equal(f->chip->unmodelled, 2);
    set_reg(f, 0x13C, 0);               /* drivers clear fifteen FIFO sizes */
    assert_int_equal(f->chip->unmodelled, 2);
}

static void dcfg_reads_its_old_value_once_after_a_write(void **state)
{
    struct usb_fixture *f = *state;

    set_reg(f, R_DCFG, 3U | 5U << 4);
    assert_int_equal(reg(f, R_DCFG), 0x02200000);
    assert_int_equal(reg(f, R_DCFG), 0x02200053);
}

static void a_core_reset_takes_time_and_keeps_gccfg(void **state)
{
    struct usb_fixture *f = *state;

    set_reg(f, R_GCCFG, B_PWRDWN);
    set_reg(f, R_GINTMSK, 0x10);
    set_reg(f, R_GRSTCTL, 1);
    assert_int_equal(reg(f, R_GRSTCTL), 1);                 /* CSRST, not AHBIDL */
    fake_run(f->chip, VTIME_US(2));
    assert_int_equal(reg(f, R_GRSTCTL), 0x80000000);
    assert_int_equal(reg(f, R_GINTMSK), 0);
    assert_int_equal(reg(f, R_GCCFG), B_PWRDWN);
}

static void the_interrupt_line_follows_status_and_both_masks(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);

    set_reg(f, R_GINTMSK, B_SOF);
    w->sof(w->self, 7);
    assert_false(f->chip->irq_level[67]);
    set_reg(f, R_GAHBCFG, 1);
    assert_true(f->chip->irq_level[67]);
    set_reg(f, R_GINTSTS, B_SOF);
    assert_false(f->chip->irq_level[67]);
    assert_int_equal(reg(f, R_DSTS) >> 8, 7);
}

/* --- clocks, pins, VBUS ------------------------------------------------------------------------------------------------------------- */

static void a_48_mhz_clock_from_the_hsi_or_off_by_a_percent_answers_nothing(void **state)
{
    struct usb_fixture *f = by_hand(state);

    f->chip->clocks.pll48_from_hse = false;
    assert_int_equal(send_setup(f, get_device), WIRE_NOTHING);
    assert_error(f, "from the HSI", false);
    f->chip->clocks.pll48_from_hse = true;
    f->chip->clocks.pll48_hz = 48480000;
    assert_int_equal(send_setup(f, get_device), WIRE_NOTHING);
    assert_error(f, "0.25 %", false);
    f->chip->clocks.pll48_hz = 48100000;
    assert_int_equal(send_setup(f, get_device), WIRE_ACK);
}

static void a_slow_ahb_or_a_short_turnaround_answers_nothing(void **state)
{
    struct usb_fixture *f = by_hand(state);
    struct wire_packet p;

    f->chip->clocks.hclk_hz = 14000000;
    assert_int_equal(send_setup(f, get_device), WIRE_NOTHING);
    assert_error(f, "14.2 MHz", false);
    f->chip->clocks.hclk_hz = 24000000;     /* Table 204: 8 */
    assert_int_equal(send_setup(f, get_device), WIRE_ACK);
    assert_int_equal(ask_in(f, 0, &p), WIRE_NOTHING);
    assert_error(f, "this AHB clock needs 8", false);
    f->chip->clocks.hclk_hz = 32000000;
    assert_int_equal(ask_in(f, 0, &p), WIRE_NAK);
}

static void stopped_clocks_leave_the_device_visible_and_dead(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);

    f->chip->gates[0x34 / 4] &= ~(1U << 7);
    assert_true(w->attached(w->self));
    assert_int_equal(send_setup(f, get_device), WIRE_NOTHING);
    assert_error(f, "OTGFSEN", false);
}

static bool no_pins(void *owner) { return *(const bool *)owner; }

static void the_device_shows_only_with_power_session_pins_and_no_soft_disconnect(void **state)
{
    struct usb_fixture *f = *state;
    const struct wire_device *w = otg_fs_wire(f->otg);
    bool pins = false;

    set_reg(f, R_GCCFG, B_PWRDWN);
    assert_false(w->attached(w->self));                     /* PA9 is not wired */
    set_reg(f, R_GCCFG, B_PWRDWN | B_VBUSBSEN);
    assert_false(w->attached(w->self));
    otg_fs_set_vbus(f->otg, true);
    assert_true(w->attached(w->self));
    otg_fs_set_vbus(f->otg, false);
    assert_int_equal(reg(f, R_GOTGINT), 4);                 /* SEDET */
    set_reg(f, R_GCCFG, B_PWRDWN | B_NOVBUSSENS);
    assert_true(w->attached(w->self));
    assert_int_equal(reg(f, R_GOTGCTL) & 1U << 19, 1U << 19);
    set_reg(f, R_DCTL, 2);
    assert_false(w->attached(w->self));
    set_reg(f, R_DCTL, 0);
    otg_fs_set_pins_source(f->otg, no_pins, &pins);
    assert_false(w->attached(w->self));
    pins = true;
    assert_true(w->attached(w->self));
    set_reg(f, R_GUSBCFG, 1U << 30);                        /* FDMOD: 25 ms */
    assert_false(w->attached(w->self));
    run_ms(f, 24);
    assert_false(w->attached(w->self));
    run_ms(f, 2);
    assert_true(w->attached(w->self));
}

/* --- suspend ------------------------------------------------------------------------------------------------------------------------ */

static void an_idle_bus_suspends_after_3_and_6_ms(void **state)
{
    struct usb_fixture *f = by_hand(state);

    fake_run(f->chip, VTIME_US(2990));
    assert_int_equal(reg(f, R_GINTSTS) & B_ESUSP, 0);
    fake_run(f->chip, VTIME_US(20));
    assert_int_equal(reg(f, R_GINTSTS) & (B_ESUSP | B_USBSUSP), B_ESUSP);
    run_ms(f, 2);
    assert_int_equal(reg(f, R_DSTS) & 1U, 0);
    run_ms(f, 1);
    assert_int_equal(reg(f, R_GINTSTS) & B_USBSUSP, B_USBSUSP);
    assert_int_equal(reg(f, R_DSTS) & 1U, 1);
}

static void sofs_keep_the_bus_awake_and_a_resume_wakes_it(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);

    for (uint16_t n = 0; n < 10; n++) {
        w->sof(w->self, n);
        run_ms(f, 1);
    }
    assert_int_equal(reg(f, R_GINTSTS) & (B_ESUSP | B_USBSUSP), 0);
    run_ms(f, 6);
    assert_int_equal(reg(f, R_DSTS) & 1U, 1);
    w->resume(w->self, true);
    assert_int_equal(reg(f, R_GINTSTS) & B_WKUPINT, B_WKUPINT);
    assert_int_equal(reg(f, R_DSTS) & 1U, 0);
}

static void eopf_comes_at_80_percent_of_the_frame(void **state)
{
    struct usb_fixture *f = by_hand(state);
    const struct wire_device *w = otg_fs_wire(f->otg);

    set_reg(f, R_GINTSTS, B_EOPF);
    w->sof(w->self, 1);
    fake_run(f->chip, VTIME_US(799));
    assert_int_equal(reg(f, R_GINTSTS) & B_EOPF, 0);
    fake_run(f->chip, VTIME_US(2));
    assert_int_equal(reg(f, R_GINTSTS) & B_EOPF, B_EOPF);
}

static void remote_wakeup_shorter_than_1_ms_is_reported(void **state)
{
    struct usb_fixture *f = by_hand(state);

    run_ms(f, 7);
    set_reg(f, R_DCTL, 1);
    fake_run(f->chip, VTIME_US(500));
    set_reg(f, R_DCTL, 0);
    assert_error(f, "1 to 15 ms", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        usb_test(registers_have_the_manual_s_reset_values),
        usb_test(an_access_that_is_no_word_is_fatal),
        usb_test(a_host_mode_register_raises_mode_mismatch),
        usb_test(an_unknown_register_is_reported),
        usb_test(dcfg_reads_its_old_value_once_after_a_write),
        usb_test(a_core_reset_takes_time_and_keeps_gccfg),
        usb_test(the_interrupt_line_follows_status_and_both_masks),
        usb_test(a_48_mhz_clock_from_the_hsi_or_off_by_a_percent_answers_nothing),
        usb_test(a_slow_ahb_or_a_short_turnaround_answers_nothing),
        usb_test(stopped_clocks_leave_the_device_visible_and_dead),
        usb_test(the_device_shows_only_with_power_session_pins_and_no_soft_disconnect),
        usb_test(an_idle_bus_suspends_after_3_and_6_ms),
        usb_test(sofs_keep_the_bus_awake_and_a_resume_wakes_it),
        usb_test(eopf_comes_at_80_percent_of_the_frame),
        usb_test(remote_wakeup_shorter_than_1_ms_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
