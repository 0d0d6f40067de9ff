/* SPDX-License-Identifier: MIT */
/* Chapter 9, CDC's requests and its stream, over the fake controller. */
#include <string.h>

#include "tests/fuzz/bus.h"
#include "usb/cdc_state.h"
#include "usb/descriptors.h"

#define RING_BYTES 256U
#define STEPS_MAX 300U

static const uint8_t uid[USB_UID_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const struct usb_identity identity = { .vid = 0x0483, .pid = 0x5740, .manufacturer = "STMicroelectronics",
                                              .product = "STM32 Virtual ComPort", .uid = uid };

static struct vcp {
    struct usbd usbd;
    struct cdc cdc;
    uint8_t rx[RING_BYTES], tx[RING_BYTES];
    uint8_t put, got;                   /* the stream is a count: what comes next, PC to device */
    uint8_t wrote, saw;                 /* the same from the device */
    bool put_torn, wrote_torn;          /* a reset or a new configuration has lost an unknown part of it */
} v;

static void tear(void)
{
    v.put_torn = v.wrote_torn = true;
}

static void op_transfer(struct input *in)
{
    uint8_t reply[BUS_REPLY_MAX];
    size_t n;

    bus_transfer(in, reply, &n);
    tear();                             /* perhaps a SET_CONFIGURATION */
}

static void op_standard(struct input *in)
{
    bus_standard(in);
    tear();
}

static void op_broken_off(struct input *in)
{
    bus_broken_off(in);
    tear();
}

static void op_event(struct input *in)
{
    bus_event(in);
    tear();
}

/* CDC's own, as a PC sends them. */
static void op_line(struct input *in)
{
    uint8_t what = take8(in), coding[8], reply[BUS_REPLY_MAX];
    size_t n = 0;

    if ((what & 3U) == 0) {
        for (size_t i = 0; i < sizeof coding; i++) coding[i] = take8(in);
        if (!bus_control(0x21, 0x20, 0, 0, coding, 7, NULL, NULL)) return;
        FUZZ_CHECK(bus_control(0xA1, 0x21, 0, 0, NULL, 7, reply, &n) && n == 7 && memcmp(reply, coding, 7) == 0);
    } else {
        uint32_t rises = cdc_dtr_rises(&v.cdc);
        bool was = cdc_dtr(&v.cdc), dtr = (what & 4U) != 0;

        if (!bus_control(0x21, 0x22, dtr, 0, NULL, 0, NULL, NULL)) return;
        FUZZ_CHECK(cdc_dtr(&v.cdc) == dtr && cdc_dtr_rises(&v.cdc) == rises + (dtr && !was));
    }
}

static void op_out(struct input *in)
{
    uint8_t packet[DCD_PACKET_BYTES];
    size_t n = take8(in) % (DCD_PACKET_BYTES + 1U);

    for (size_t i = 0; i < n; i++) packet[i] = (uint8_t)(v.put + i);
    if (fake_out_packet(VCP_EP_DATA, packet, n)) v.put = (uint8_t)(v.put + n);
}

static void op_in(struct input *in)
{
    uint8_t packet[DCD_SEND_MAX];
    int n = fake_in_transfer(VCP_EP_DATA, packet);

    (void)in;
    for (int i = 0; i < n; i++, v.saw++) {
        if (v.wrote_torn) v.saw = packet[i];
        v.wrote_torn = false;
        FUZZ_CHECK(packet[i] == v.saw);
    }
}

static void op_read(struct input *in)
{
    uint8_t out[RING_BYTES];
    size_t cap = take8(in), n = cdc_read(&v.cdc, out, cap);

    FUZZ_CHECK(n <= cap);
    for (size_t i = 0; i < n; i++, v.got++) {
        if (v.put_torn) v.got = out[i];
        v.put_torn = false;
        FUZZ_CHECK(out[i] == v.got);
    }
}

static void op_write(struct input *in)
{
    uint8_t bytes[RING_BYTES];
    size_t n = take8(in), room = cdc_writable(&v.cdc), took;

    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(v.wrote + i);
    took = cdc_write(&v.cdc, bytes, n);
    FUZZ_CHECK(took == (n < room ? n : room));
    v.wrote = (uint8_t)(v.wrote + took);
}

static void op_drop(struct input *in)
{
    (void)in;
    cdc_drop_output(&v.cdc);
    FUZZ_CHECK(cdc_sent(&v.cdc));
    v.wrote_torn = true;
}

static void op_configure(struct input *in)
{
    (void)in;
    bus_configure();
    tear();
}

/* Whatever it was: after a bus reset the PC finds a working device. */
static void epilogue(void)
{
    uint8_t reply[BUS_REPLY_MAX], byte = 0x42;
    size_t n = 0;

    fake_dcd_raise(DCD_RESET);
    FUZZ_CHECK(bus_control(0x80, 6, 0x0100, 0, NULL, 64, reply, &n) && n == USB_DEVICE_DESCRIPTOR_BYTES);
    bus_configure();
    FUZZ_CHECK(bus_control(0x80, 6, 0x0200, 0, NULL, 255, reply, &n) && n == USB_CONFIG_DESCRIPTOR_BYTES);
    FUZZ_CHECK(cdc_configured(&v.cdc) && fake_out_packet(VCP_EP_DATA, &byte, 1));
    FUZZ_CHECK(cdc_read(&v.cdc, reply, 2) == 1 && reply[0] == 0x42);
    FUZZ_CHECK(cdc_write(&v.cdc, &byte, 1) == 1 && fake_in_transfer(VCP_EP_DATA, reply) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const ops[])(struct input *in) = { op_transfer, op_standard, op_broken_off, op_event, op_line, op_out,
                                                     op_in, op_read, op_write, op_drop, op_configure };
    struct input in = { p, n };

    memset(&v, 0, sizeof v);
    cdc_init(&v.cdc, v.rx, sizeof v.rx, v.tx, sizeof v.tx);
    bus_open(&v.usbd, &identity, &cdc_function, &v.cdc);
    for (unsigned i = 0; i < STEPS_MAX && in.n != 0; i++) ops[take8(&in) % COUNT(ops)](&in);
    epilogue();
    return 0;
}
