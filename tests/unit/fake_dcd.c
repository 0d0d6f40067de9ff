/* SPDX-License-Identifier: MIT */
/* The fake controller and the PC behind it. */
#include "tests/unit/fake_dcd.h"

#include <string.h>

#include "tests/unit/cm.h"

struct fake_dcd fake_dcd;

static unsigned number(uint8_t address)
{
    unsigned ep = address & ~DCD_IN;

    assert_in_range(ep, 0, FAKE_ENDPOINTS - 1);
    return ep;
}

static void raise_data(enum dcd_event_type type, uint8_t ep, const uint8_t *p, size_t n)
{
    struct dcd_event e = { .type = type, .ep = ep, .n = (uint16_t)n, .data = p };

    fake_dcd.event(fake_dcd.owner, &e);
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

static void connect(bool on)
{
    fake_dcd.connected = on;
}

static void set_address(uint8_t address)
{
    fake_dcd.address = address;
    fake_dcd.address_before_status = !fake_dcd.in[0].sending;
}

static void open(uint8_t address, enum dcd_transfer_type type, uint16_t packet_bytes)
{
    unsigned ep = number(address);

    assert_int_not_equal(ep, 0);
    assert_int_equal(packet_bytes, type == DCD_BULK ? 64 : 8);
    if ((address & DCD_IN) != 0) fake_dcd.in[ep] = (struct fake_in){ .open = true };
    else fake_dcd.out[ep] = (struct fake_out){ .open = true };
}

static void close(uint8_t address)
{
    unsigned ep = number(address);

    if ((address & DCD_IN) != 0) fake_dcd.in[ep] = (struct fake_in){ .open = false };
    else fake_dcd.out[ep] = (struct fake_out){ .open = false };
}

static void arm(uint8_t ep, uint16_t packets)
{
    struct fake_out *o = &fake_dcd.out[number(ep)];

    assert_true(o->open);
    assert_false(o->armed);
    assert_in_range(packets, 1, ep == 0 ? 1 : DCD_ARM_MAX);
    o->armed = true;
    o->packets = packets;
}

static void send(uint8_t ep, const uint8_t *p, size_t n)
{
    struct fake_in *i = &fake_dcd.in[number(ep)];

    assert_true(i->open);
    assert_false(i->sending);
    assert_in_range(n, 0, ep == 0 ? DCD_PACKET_BYTES : DCD_SEND_MAX);
    if (n != 0) memcpy(i->sent, p, n);
    i->n = n;
    i->sending = true;
    i->sends++;
}

static void cancel(uint8_t ep)
{
    fake_dcd.in[number(ep)].sending = false;
    fake_dcd.cancels++;
}

static void stall(uint8_t address, bool on)
{
    unsigned ep = number(address);

    if (ep == 0) {
        assert_true(on);
        fake_dcd.in[0].stalled = fake_dcd.out[0].stalled = true;
    } else if ((address & DCD_IN) != 0) {
        fake_dcd.in[ep].stalled = on;
        fake_dcd.in[ep].stalls_cleared += !on;
    } else {
        fake_dcd.out[ep].stalled = on;
        fake_dcd.out[ep].stalls_cleared += !on;
    }
}

const struct dcd fake_dcd_table = {
    .connect = connect, .set_address = set_address, .open = open, .close = close,
    .arm = arm, .send = send, .cancel = cancel, .stall = stall,
};

/* --- the PC ----------------------------------------------------------------------------------------------------------- */

void fake_dcd_init(dcd_event_fn *event, void *owner)
{
    memset(&fake_dcd, 0, sizeof fake_dcd);
    fake_dcd.event = event;
    fake_dcd.owner = owner;
    fake_dcd.in[0].open = fake_dcd.out[0].open = true;
}

void fake_dcd_raise(enum dcd_event_type type)
{
    if (type == DCD_RESET) {            /* the hardware closes what was open, before the stack hears of it */
        for (unsigned ep = 1; ep < FAKE_ENDPOINTS; ep++) {
            fake_dcd.in[ep] = (struct fake_in){ .open = false };
            fake_dcd.out[ep] = (struct fake_out){ .open = false };
        }
        fake_dcd.in[0] = (struct fake_in){ .open = true };
        fake_dcd.out[0] = (struct fake_out){ .open = true };
        fake_dcd.address = 0;
    }
    raise_data(type, 0, NULL, 0);
}

void fake_setup(const uint8_t setup[8])
{
    fake_dcd.in[0].sending = fake_dcd.in[0].stalled = false;    /* as the core does it at a SETUP */
    fake_dcd.out[0].armed = fake_dcd.out[0].stalled = false;
    raise_data(DCD_SETUP, 0, setup, 8);
}

bool fake_out_packet(uint8_t ep, const uint8_t *p, size_t n)
{
    struct fake_out *o = &fake_dcd.out[number(ep)];
    uint8_t nothing = 0;

    if (!o->open || !o->armed || o->stalled) return false;
    raise_data(DCD_OUT, ep, p != NULL ? p : &nothing, n);
    if (--o->packets == 0 || n < DCD_PACKET_BYTES) {
        o->armed = false;
        raise_data(DCD_OUT_DONE, ep, NULL, 0);
    }
    return true;
}

int fake_in_transfer(uint8_t ep, uint8_t out[DCD_SEND_MAX])
{
    struct fake_in *i = &fake_dcd.in[number(ep)];
    size_t n = i->n;

    if (!i->open || !i->sending || i->stalled) return -1;
    memcpy(out, i->sent, n);
    i->sending = false;
    raise_data(DCD_IN_DONE, ep, NULL, 0);
    return (int)n;
}

/* IN data stage: packets until a short one or wLength, then an empty OUT packet. */
static bool data_in(size_t length, uint8_t *reply, size_t *n)
{
    uint8_t packet[DCD_SEND_MAX];
    int got;

    *n = 0;
    do {
        if (fake_dcd.in[0].stalled) return false;
        got = fake_in_transfer(0, packet);
        assert_int_not_equal(got, -1);  /* a NAK here would last for ever */
        assert_true(*n + (size_t)got <= length);
        memcpy(reply + *n, packet, (size_t)got);
        *n += (size_t)got;
    } while (got == (int)DCD_PACKET_BYTES && *n < length);
    assert_true(fake_out_packet(0, NULL, 0));
    return true;
}

static bool data_out(const uint8_t *data, size_t length)
{
    uint8_t packet[DCD_SEND_MAX];

    for (size_t at = 0; at < length;) {
        size_t n = length - at < DCD_PACKET_BYTES ? length - at : DCD_PACKET_BYTES;

        if (fake_dcd.out[0].stalled) return false;
        assert_true(fake_out_packet(0, data + at, n));
        at += n;
    }
    if (fake_dcd.in[0].stalled) return false;
    assert_int_equal(fake_in_transfer(0, packet), 0);
    return true;
}

bool fake_control(const uint8_t setup[8], const uint8_t *data, uint8_t *reply, size_t *n)
{
    size_t length = (size_t)setup[6] | (size_t)setup[7] << 8;

    fake_setup(setup);
    if (length != 0 && (setup[0] & 0x80U) != 0) return data_in(length, reply, n);
    return data_out(data, length);
}
