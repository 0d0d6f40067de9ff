/* SPDX-License-Identifier: MIT */
/* The OTG_FS core by itself: registers, FIFOs, SETUP rules, NAKs, stalls, toggles, disabling, clocks. */
/* Sources: RM0090 §34.16, §34.17.6; ES0182 */
#include "tests/board/usb_fixture.h"

#include <string.h>

static const uint8_t get_device[8] = { 0x80, 6, 0, 1, 0, 0, 64, 0 };
static const uint8_t get_config[8] = { 0x80, 6, 0, 2, 0, 0, 9, 0 };

#define PKTSTS(sts) ((sts) >> 17 & 15U)
#define BCNT(sts) ((sts) >> 4 & 0x7FFU)

static uint32_t pop(struct usb_fixture *f) { return reg(f, R_GRXSTSP); }

static void drop_words(struct usb_fixture *f, unsigned words)
{
    while (words-- > 0)
        reg(f, R_DFIFO(0));
}

static void assert_error(struct usb_fixture *f, const char *part, bool fatal)
{
    assert_int_equal(f->chip->guest_errors, 1);
    assert_int_equal(f->chip->fatal_errors, fatal);
    assert_non_null(strstr(f->chip->error, part));
    fake_forget_errors(f->chip);
}

/* Core programmed, bus reset done, endpoint 0 as after the reset handler. */
static struct usb_fixture *ready(void **state)
{
    struct usb_fixture *f = *state;

    dev_init_core(&f->dev);
    dev_connect(&f->dev);
    take_bus(f);
    set_reg(f, R_DIEPCTL(0), 0);
    set_reg(f, R_DOEPCTL(0), B_SNAK);
    set_reg(f, R_DOEPTSIZ(0), STUPCNT3);
    return f;
}

static void activate_bulk(struct usb_fixture *f)
{
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_SD0PID | B_SNAK);
    set_reg(f, R_DOEPCTL(1), 64U | B_USBAEP | 2U << 18 | B_SD0PID | B_SNAK);
}

static void arm_out(struct usb_fixture *f, unsigned packets)
{
    set_reg(f, R_DOEPTSIZ(1), TSIZ(packets, 64 * packets));
    set_reg(f, R_DOEPCTL(1), 64U | B_USBAEP | 2U << 18 | B_EPENA | B_CNAK);
}

static void arm_in(struct usb_fixture *f, unsigned packets, unsigned bytes)
{
    set_reg(f, R_DIEPTSIZ(1), TSIZ(packets, bytes));
    set_reg(f, R_DIEPCTL(1), 64U | B_USBAEP | 2U << 18 | 1U << 22 | B_EPENA | B_CNAK);
}

static void fill(struct usb_fixture *f, unsigned ep, unsigned words, uint32_t first)
{
    for (unsigned i = 0; i < words; i++)
        set_reg(f, R_DFIFO(ep), first + i);
}

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
    struct usb_fixture *f = ready(state);
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

/* --- SETUP ------------------------------------------------------------------------------------------------------------------- */

static void a_setup_is_stacked_and_its_end_when_the_host_moves_on(void **state)
{
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
    const uint8_t data[64] = { 0 };

    set_reg(f, R_GRXFSIZ, 28 + 17);     /* two packets beside the reserve */
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
    struct usb_fixture *f = ready(state);

    set_reg(f, R_GRXFSIZ, 16);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send_setup(f, get_device), WIRE_ACK);
    assert_int_equal(f->chip->guest_errors, 0);
    send_setup(f, get_device);
    assert_error(f, "overrun", true);
}

static void reading_beyond_a_packet_is_fatal(void **state)
{
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);

    send_setup(f, get_device);
    pop(f);
    pop(f);
    assert_error(f, "unread", true);
}

static void a_packet_larger_than_xfrsiz_is_fatal(void **state)
{
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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

static void an_empty_fifo_naks_and_says_ittxfe_unless_snak_is_set(void **state)
{
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);

    activate_bulk(f);
    arm_in(f, 5, 320);
    fill(f, 1, 64, 0);
    assert_int_equal(f->chip->guest_errors, 0);
    fill(f, 1, 1, 0);
    assert_error(f, "overrun", true);
}

static void a_ninth_packet_in_one_tx_fifo_is_fatal(void **state)
{
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);

    activate_bulk(f);
    set_reg(f, R_DIEPTXF(1), TXF(90, 64));
    arm_in(f, 1, 4);
    assert_error(f, "lies in the receive FIFO", true);
    set_reg(f, R_DIEPTXF(1), TXF(100, 64));
    arm_in(f, 1, 4);
    assert_error(f, "overlap", true);
    set_reg(f, R_DIEPTXF(1), TXF(300, 64));
    arm_in(f, 1, 4);
    assert_error(f, "within 320", true);
}

/* --- NAKs, stalls, disabling ----------------------------------------------------------------------------------------------------- */

static void stall_wins_over_nak_and_only_the_application_clears_it(void **state)
{
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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

static void an_out_endpoint_is_disabled_only_under_the_global_nak(void **state)
{
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);
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

/* --- clocks, pins, VBUS ------------------------------------------------------------------------------------------------------------- */

static void a_48_mhz_clock_from_the_hsi_or_off_by_a_percent_answers_nothing(void **state)
{
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);

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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);
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
    struct usb_fixture *f = ready(state);

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
        usb_test(an_empty_fifo_naks_and_says_ittxfe_unless_snak_is_set),
        usb_test(txfe_follows_the_level_that_gahbcfg_asks_for),
        usb_test(writing_the_tx_fifo_before_epena_or_too_much_is_fatal),
        usb_test(a_tx_fifo_overrun_is_fatal),
        usb_test(a_ninth_packet_in_one_tx_fifo_is_fatal),
        usb_test(fifo_areas_that_overlap_or_leave_the_ram_are_fatal),
        usb_test(stall_wins_over_nak_and_only_the_application_clears_it),
        usb_test(the_global_out_nak_takes_effect_when_its_entry_is_popped),
        usb_test(an_out_endpoint_is_disabled_only_under_the_global_nak),
        usb_test(an_in_endpoint_is_disabled_by_snak_and_epdis),
        usb_test(a_bus_reset_deactivates_endpoints_and_clears_little_else),
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
