/* SPDX-License-Identifier: MIT */
/* The PC's end of the USB. The fake controller checks that the stack keeps to usb/dcd.h. */
#include "tests/fuzz/bus.h"

#include <string.h>

#include "image/bytes.h"

#define DATA_MAX 4096U

void bus_open(struct usbd *u, const struct usb_identity *id, const struct usbd_function *fn, void *self)
{
    usbd_init(u, &fake_dcd_table, id, fn, self);
    fake_dcd_init(usbd_event, u);
    usbd_connect(u, true);
    fake_dcd_raise(DCD_RESET);
}

bool bus_control(uint8_t type, uint8_t request, uint16_t value, uint16_t index, const uint8_t *data, uint16_t length, uint8_t *reply,
                 size_t *n)
{
    uint8_t setup[8] = { type, request };

    store_le16(setup + 2, value);
    store_le16(setup + 4, index);
    store_le16(setup + 6, length);
    return fake_control(setup, data, reply, n);
}

void bus_configure(void)
{
    FUZZ_CHECK(bus_control(0x00, 5, 9, 0, NULL, 0, NULL, NULL));
    FUZZ_CHECK(bus_control(0x00, 9, 1, 0, NULL, 0, NULL, NULL));
}

static void take_setup(struct input *in, uint8_t setup[8])
{
    size_t got;
    const uint8_t *p = take(in, 8, &got);

    memset(setup, 0, 8);
    if (got != 0) memcpy(setup, p, got);
}

void bus_transfer(struct input *in, uint8_t *reply, size_t *n)
{
    static uint8_t data[0x10000];
    uint8_t setup[8];
    size_t length, got;
    const uint8_t *p;

    take_setup(in, setup);
    length = load_le16(setup + 6);
    *n = 0;
    if ((setup[0] & USB_REQUEST_IN) == 0) {
        p = take(in, length < DATA_MAX ? length : DATA_MAX, &got);
        memset(data, 0, length);
        if (got != 0) memcpy(data, p, got);
    }
    (void)fake_control(setup, data, reply, n);
}

void bus_standard(struct input *in)
{
    static const uint8_t recipients[] = { 0, 1, 2, 3 };
    uint8_t reply[BUS_REPLY_MAX], what = take8(in), request = take8(in) % 13U;
    uint16_t value = (uint16_t)take16(in), index = (uint16_t)take16(in);
    bool reads = request == 0 || request == 6 || request == 8 || request == 10 || request == 12;
    uint8_t type = (uint8_t)((reads ? 0x80U : 0) ^ (what & 0x80U));
    size_t n = 0;

    (void)bus_control(type | recipients[what & 3U], request, value, index, NULL, (type & 0x80U) != 0 ? what >> 2 & 31U : 0, reply, &n);
}

/* The SETUP, then packets in no good order. */
void bus_broken_off(struct input *in)
{
    uint8_t setup[8], packets, answer[DCD_SEND_MAX];

    take_setup(in, setup);
    packets = take8(in);
    fake_setup(setup);
    for (unsigned i = 0; i < (packets >> 6) + 1U; i++, packets = (uint8_t)(packets << 1)) {
        size_t got;
        const uint8_t *p = take(in, take8(in) % (DCD_PACKET_BYTES + 1U), &got);

        if ((packets & 1U) != 0) (void)fake_out_packet(0, p, got);
        else (void)fake_in_transfer(0, answer);
    }
}

void bus_event(struct input *in)
{
    static const enum dcd_event_type types[] = { DCD_RESET, DCD_SUSPEND, DCD_RESUME };

    fake_dcd_raise(types[take8(in) % COUNT(types)]);
}
