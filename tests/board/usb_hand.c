/* SPDX-License-Identifier: MIT */
/* Firmware's and host's single steps. */
/* Sources: RM0090 §34.17.5, §34.17.6 */
#include "tests/board/usb_hand.h"

#include <string.h>

#define BULK_CTL (64U | B_USBAEP | 2U << 18)

const uint8_t get_device[8] = { 0x80, 6, 0, 1, 0, 0, 64, 0 };
const uint8_t get_config[8] = { 0x80, 6, 0, 2, 0, 0, 9, 0 };

struct usb_fixture *by_hand(void **state)
{
    struct usb_fixture *f = *state;
    const struct wire_device *w = otg_fs_wire(f->otg);

    dev_init_core(&f->dev);
    dev_connect(&f->dev);
    usbhost_unplug(f->host);
    run_ms(f, 30);                      /* FDMOD's 25 ms too */
    w->reset(w->self, true);
    run_ms(f, 10);
    w->reset(w->self, false);
    set_reg(f, R_GINTSTS, B_USBRST | B_ENUMDNE | B_USBSUSP | B_ESUSP | B_SRQINT);
    set_reg(f, R_DCFG, 3);
    set_reg(f, R_DIEPCTL(0), 0);
    set_reg(f, R_DOEPCTL(0), B_SNAK);
    set_reg(f, R_DOEPTSIZ(0), STUPCNT3);
    return f;
}

void activate_bulk(struct usb_fixture *f)
{
    set_reg(f, R_DIEPCTL(1), BULK_CTL | 1U << 22 | B_SD0PID | B_SNAK);
    set_reg(f, R_DOEPCTL(1), BULK_CTL | B_SD0PID | B_SNAK);
}

void arm_out(struct usb_fixture *f, unsigned packets)
{
    set_reg(f, R_DOEPTSIZ(1), TSIZ(packets, 64 * packets));
    set_reg(f, R_DOEPCTL(1), BULK_CTL | B_EPENA | B_CNAK);
}

void arm_in(struct usb_fixture *f, unsigned packets, unsigned bytes)
{
    set_reg(f, R_DIEPTSIZ(1), TSIZ(packets, bytes));
    set_reg(f, R_DIEPCTL(1), BULK_CTL | 1U << 22 | B_EPENA | B_CNAK);
}

void fill(struct usb_fixture *f, unsigned ep, unsigned words, uint32_t first)
{
    for (unsigned i = 0; i < words; i++)
        set_reg(f, R_DFIFO(ep), first + i);
}

uint32_t pop(struct usb_fixture *f)
{
    return reg(f, R_GRXSTSP);
}

void drop_words(struct usb_fixture *f, unsigned words)
{
    while (words-- > 0)
        reg(f, R_DFIFO(0));
}

enum wire_reply send_setup(struct usb_fixture *f, const uint8_t packet[8])
{
    const struct wire_device *w = otg_fs_wire(f->otg);

    return w->setup(w->self, 0, 0, packet);
}

enum wire_reply send_out(struct usb_fixture *f, unsigned ep, bool data1, const void *data, size_t bytes)
{
    const struct wire_device *w = otg_fs_wire(f->otg);
    struct wire_packet p = { .data1 = data1, .bytes = bytes };

    if (bytes > 0)
        memcpy(p.data, data, bytes);
    return w->out(w->self, 0, (uint8_t)ep, &p);
}

enum wire_reply ask_in(struct usb_fixture *f, unsigned ep, struct wire_packet *p)
{
    const struct wire_device *w = otg_fs_wire(f->otg);
    enum wire_reply reply = w->in(w->self, 0, (uint8_t)ep, p);

    if (reply == WIRE_ACK)
        w->in_done(w->self, (uint8_t)ep, true);
    return reply;
}

void assert_error(struct usb_fixture *f, const char *part, bool fatal)
{
    assert_int_equal(f->chip->guest_errors, 1);
    assert_int_equal(f->chip->fatal_errors, fatal);
    assert_non_null(strstr(f->chip->error, part));
    fake_forget_errors(f->chip);
}
