/* SPDX-License-Identifier: MIT */
/* A polled CDC-ACM device stack against the OTG_FS registers, and the host's other end. */
/* Sources: RM0090 §34.17.5, §34.17.6; CDC-ACM descriptors as STM32CubeF4 has them */
#include "tests/board/usb_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTG 0x50000000U
#define RX_WORDS 96U
#define BULK_IN 1U
#define BULK_OUT 1U
#define NOTIFY 2U
#define STEP_TIME VTIME_US(5)

static const uint8_t device_desc[18] = { 18, 1, 0x00, 0x02, 2, 2, 0, 64, 0x83, 0x04, 0x40, 0x57, 0x00, 0x02, 1, 2, 3, 1 };

const uint8_t usb_config_desc[USB_CONFIG_DESC_BYTES] = {
    9, 2, 67, 0, 2, 1, 0, 0xC0, 50,
    9, 4, 0, 0, 1, 2, 2, 1, 0,
    5, 0x24, 0, 0x10, 0x01,
    5, 0x24, 1, 0, 1,
    4, 0x24, 2, 2,
    5, 0x24, 6, 0, 1,
    7, 5, 0x82, 3, 8, 0, 0x10,
    9, 4, 1, 0, 2, 10, 0, 0, 0,
    7, 5, 0x01, 2, 64, 0, 0,
    7, 5, 0x81, 2, 64, 0, 0,
};

static const uint8_t string0[] = { 4, 3, 0x09, 0x04 };
static const uint8_t string1[] = { 8, 3, 'M', 0, 'a', 0, 'k', 0 };
static const uint8_t string2[] = { 8, 3, 'V', 0, 'C', 0, 'P', 0 };
static const uint8_t string3[] = { 10, 3, '1', 0, '2', 0, '3', 0, '4', 0 };
static const struct { const uint8_t *d; size_t bytes; } strings[] = {
    { string0, sizeof string0 }, { string1, sizeof string1 }, { string2, sizeof string2 }, { string3, sizeof string3 },
};

/* --- registers ---------------------------------------------------------------------------------------------------------- */

static uint32_t rd(struct usb_dev *d, uint32_t off) { return fake_read32(d->chip, OTG + off); }
static void wr(struct usb_dev *d, uint32_t off, uint32_t value) { fake_write32(d->chip, OTG + off, value); }

uint32_t reg(struct usb_fixture *f, uint32_t off) { return fake_read32(f->chip, OTG + off); }
void set_reg(struct usb_fixture *f, uint32_t off, uint32_t value) { fake_write32(f->chip, OTG + off, value); }

static void wait_clear(struct usb_dev *d, uint32_t off, uint32_t bits)
{
    for (int i = 0; i < 1000 && (rd(d, off) & bits); i++)
        fake_run(d->chip, VTIME_NS(50));
    assert_int_equal(rd(d, off) & bits, 0);
}

static void flush_tx(struct usb_dev *d, unsigned fifo)
{
    wr(d, R_GRSTCTL, fifo << 6 | 1U << 5);
    wait_clear(d, R_GRSTCTL, 1U << 5);
}

/* Within a step no time passes, so the flush is asked for and its end awaited at the next step. */
static void flush_tx_now(struct usb_dev *d, unsigned fifo)
{
    wr(d, R_GRSTCTL, fifo << 6 | 1U << 5);
}

/* --- control endpoint ----------------------------------------------------------------------------------------------------- */

static void arm_out0(struct usb_dev *d)
{
    wr(d, R_DOEPTSIZ(0), STUPCNT3 | TSIZ(1, 64));
    wr(d, R_DOEPCTL(0), B_EPENA | B_CNAK);
}

static void write_fifo(struct usb_dev *d, unsigned ep, const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 4) {
        uint32_t word = 0;

        for (size_t b = 0; b < 4 && i + b < bytes; b++)
            word |= (uint32_t)p[i + b] << (8 * b);
        wr(d, R_DFIFO(ep), word);
    }
}

static void send_packet(struct usb_dev *d, unsigned ep, const uint8_t *p, size_t bytes)
{
    uint32_t keep = rd(d, R_DIEPCTL(ep)) & 0x03CCFFFFU & ~(1U << 16);

    wr(d, R_DIEPTSIZ(ep), TSIZ(1, bytes));
    wr(d, R_DIEPCTL(ep), keep | B_EPENA | B_CNAK);
    write_fifo(d, ep, p, bytes);
}

static void next_in0(struct usb_dev *d)
{
    size_t bytes = d->tx0_bytes < d->packet0 ? d->tx0_bytes : d->packet0;

    send_packet(d, 0, d->tx0, bytes);
    d->tx0 += bytes;
    d->tx0_bytes -= bytes;
    d->tx0_zlp = d->tx0_zlp && bytes == d->packet0;
}

static void begin_in0(struct usb_dev *d, const uint8_t *p, size_t bytes)
{
    size_t asked = (size_t)d->setup[6] | (size_t)d->setup[7] << 8;

    d->tx0 = p;
    d->tx0_bytes = bytes < asked ? bytes : asked;
    d->tx0_zlp = bytes < asked;
    next_in0(d);
}

static void status_in(struct usb_dev *d)
{
    d->tx0_bytes = 0;
    d->tx0_zlp = false;
    send_packet(d, 0, NULL, 0);
}

static void stall0(struct usb_dev *d)
{
    wr(d, R_DIEPCTL(0), (rd(d, R_DIEPCTL(0)) & 3U) | B_STALL);
    wr(d, R_DOEPCTL(0), B_STALL);
}

static void arm_bulk_out(struct usb_dev *d)
{
    if (d->hold_out || d->configuration == 0)
        return;
    wr(d, R_DOEPTSIZ(BULK_OUT), TSIZ(d->out_packets, 64U * d->out_packets));
    wr(d, R_DOEPCTL(BULK_OUT), 64U | B_USBAEP | 2U << 18 | B_EPENA | B_CNAK);
    d->out_armed = true;
}

static void configure(struct usb_dev *d)
{
    d->configuration = d->setup[2];
    wr(d, R_DIEPCTL(BULK_IN), 64U | B_USBAEP | 2U << 18 | BULK_IN << 22 | B_SD0PID | B_SNAK);
    wr(d, R_DIEPCTL(NOTIFY), 8U | B_USBAEP | 3U << 18 | NOTIFY << 22 | B_SD0PID | B_SNAK);
    wr(d, R_DOEPCTL(BULK_OUT), 64U | B_USBAEP | 2U << 18 | B_SD0PID | B_SNAK);
    arm_bulk_out(d);
    status_in(d);
}

static void get_descriptor(struct usb_dev *d)
{
    unsigned type = d->setup[3], index = d->setup[2];

    if (type == 1)
        begin_in0(d, d->device_desc, 18);
    else if (type == 2)
        begin_in0(d, d->config_desc, d->config_bytes);
    else if (type == 3 && index < sizeof strings / sizeof strings[0])
        begin_in0(d, strings[index].d, strings[index].bytes);
    else
        stall0(d);
}

static void standard_request(struct usb_dev *d)
{
    static const uint8_t zero[2];

    switch (d->setup[1]) {
    case 0:
        begin_in0(d, zero, 2);
        break;
    case 5:
        d->pending_address = d->setup[2];
        if (!d->late_address)
            wr(d, R_DCFG, 3U | (uint32_t)d->setup[2] << 4);
        status_in(d);
        break;
    case 6:
        get_descriptor(d);
        break;
    case 9:
        configure(d);
        break;
    case 1:
        if (d->setup[4] & 0x80U)
            wr(d, R_DIEPCTL(d->setup[4] & 3U), 64U | B_USBAEP | 2U << 18 | (d->setup[4] & 3U) << 22 | B_SD0PID | B_SNAK);
        status_in(d);
        break;
    case 3:
        status_in(d);
        break;
    default:
        stall0(d);
        break;
    }
}

static void class_request(struct usb_dev *d)
{
    switch (d->setup[1]) {
    case 0x20:
        d->out0_pending = true;
        break;
    case 0x21:
        begin_in0(d, d->line_coding, 7);
        break;
    case 0x22:
        d->line_state = d->setup[2];
        d->line_states++;
        status_in(d);
        break;
    case 0x23:
        d->break_ms = (uint16_t)(d->setup[2] | d->setup[3] << 8);
        status_in(d);
        break;
    default:
        stall0(d);
        break;
    }
}

static void on_setup(struct usb_dev *d)
{
    d->setups++;
    if (d->mute_control)
        return;
    d->out0_pending = false;
    arm_out0(d);
    if ((d->setup[0] & 0x60U) == 0x20U)
        class_request(d);
    else
        standard_request(d);
}

/* --- receive FIFO ----------------------------------------------------------------------------------------------------------- */

static void read_fifo(struct usb_dev *d, uint8_t *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 4) {
        uint32_t word = rd(d, R_DFIFO(0));

        for (size_t b = 0; b < 4 && i + b < bytes; b++)
            to[i + b] = (uint8_t)(word >> (8 * b));
    }
}

static void take_out(struct usb_dev *d, unsigned ep, size_t bytes)
{
    uint8_t packet[64];

    read_fifo(d, packet, bytes);
    if (ep == 0) {
        if (d->out0_pending && bytes == 7) {
            memcpy(d->line_coding, packet, 7);
            d->line_codings++;
        }
        return;
    }
    if (d->rx_bytes + bytes <= sizeof d->rx) {
        memcpy(d->rx + d->rx_bytes, packet, bytes);
        d->rx_bytes += bytes;
    }
}

static void pop_rx(struct usb_dev *d)
{
    uint32_t sts = rd(d, R_GRXSTSP);
    unsigned ep = sts & 15U;
    size_t bytes = sts >> 4 & 0x7FFU;

    switch (sts >> 17 & 15U) {
    case 2:
        take_out(d, ep, bytes);
        break;
    case 6:
        read_fifo(d, d->setup, 8);
        break;
    default:
        break;
    }
}

static void out_endpoints(struct usb_dev *d)
{
    uint32_t out0 = rd(d, R_DOEPINT(0)), out1 = rd(d, R_DOEPINT(BULK_OUT));

    if (out0 & B_XFRC) {
        wr(d, R_DOEPINT(0), B_XFRC);
        if (d->out0_pending) {
            d->out0_pending = false;
            status_in(d);
        }
    }
    if (out0 & B_STUP) {
        wr(d, R_DOEPINT(0), B_STUP);
        on_setup(d);
    }
    if (out1 & B_XFRC) {
        wr(d, R_DOEPINT(BULK_OUT), B_XFRC);
        d->out_armed = false;
    }
    if (!d->out_armed)
        arm_bulk_out(d);
}

/* --- bulk IN ------------------------------------------------------------------------------------------------------------------ */

static void next_bulk(struct usb_dev *d)
{
    size_t left = d->tx_bytes - d->tx_sent;
    size_t bytes = left < 64 ? left : 64;

    if (d->tx_busy || d->configuration == 0 || (left == 0 && !d->tx_zlp_due))
        return;
    send_packet(d, BULK_IN, d->tx + d->tx_sent, bytes);
    d->tx_busy = true;
    d->tx_sent += bytes;
    d->tx_zlp_due = bytes == 64 && !d->skip_zlp;
}

static void in_endpoints(struct usb_dev *d)
{
    if (rd(d, R_DIEPINT(0)) & B_XFRC) {
        wr(d, R_DIEPINT(0), B_XFRC);
        if (d->late_address && d->pending_address != 0)
            wr(d, R_DCFG, 3U | (uint32_t)d->pending_address << 4);
        d->pending_address = 0;
        if (d->tx0_bytes > 0 || d->tx0_zlp)
            next_in0(d);
    }
    if (rd(d, R_DIEPINT(BULK_IN)) & B_XFRC) {
        wr(d, R_DIEPINT(BULK_IN), B_XFRC);
        d->tx_busy = false;
    }
    if (d->echo && d->echoed < d->rx_bytes) {
        dev_send(d, d->rx + d->echoed, d->rx_bytes - d->echoed);
        d->echoed = d->rx_bytes;
    }
    next_bulk(d);
}

/* --- bus events ------------------------------------------------------------------------------------------------------------------ */

static void on_reset(struct usb_dev *d)
{
    d->resets++;
    d->configuration = 0;
    d->tx_busy = d->tx_zlp_due = d->out_armed = d->out0_pending = false;
    d->tx_bytes = d->tx_sent = 0;
    d->tx0_bytes = 0;
    d->tx0_zlp = false;
    for (unsigned n = 0; n < 4; n++)
        wr(d, R_DOEPCTL(n), B_SNAK);
    wr(d, R_DCFG, 3U);
    flush_tx_now(d, 0x10);
    wr(d, R_DAINTMSK, 0x000F000FU);
    wr(d, R_DOEPTSIZ(0), STUPCNT3 | TSIZ(1, 64));
}

static void bus_events(struct usb_dev *d, uint32_t sts)
{
    wr(d, R_GINTSTS, sts & (B_USBRST | B_ENUMDNE | B_USBSUSP | B_WKUPINT));
    if (sts & B_USBRST)
        on_reset(d);
    if (sts & B_ENUMDNE)
        wr(d, R_DIEPCTL(0), d->packet0 == 64 ? 0U : d->packet0 == 32 ? 1U : d->packet0 == 16 ? 2U : 3U);
    if (sts & B_USBSUSP)
        d->suspends++;
    if (sts & B_WKUPINT)
        d->resumes++;
}

static void dev_step(void *self)
{
    struct usb_dev *d = self;
    uint32_t sts = rd(d, R_GINTSTS);

    sched_after(&d->chip->sched, &d->step, d->step_time);
    bus_events(d, sts);
    while (rd(d, R_GINTSTS) & B_RXFLVL)
        pop_rx(d);
    out_endpoints(d);
    in_endpoints(d);
}

void dev_init_core(struct usb_dev *d)
{
    wr(d, R_GRSTCTL, 1U);
    wait_clear(d, R_GRSTCTL, 1U);
    wr(d, R_GUSBCFG, 1U << 30 | 6U << 10);
    wr(d, R_DCTL, 2U);
    wr(d, R_GCCFG, B_NOVBUSSENS | B_PWRDWN);
    wr(d, R_DCFG, 3U);
    wr(d, R_GRXFSIZ, RX_WORDS);
    wr(d, R_DIEPTXF0, TXF(RX_WORDS, 16));
    wr(d, R_DIEPTXF(1), TXF(RX_WORDS + 16, 64));
    wr(d, R_DIEPTXF(2), TXF(RX_WORDS + 80, 16));
    flush_tx(d, 0x10);
    wr(d, R_GRSTCTL, 1U << 4);
    wait_clear(d, R_GRSTCTL, 1U << 4);
    wr(d, R_DIEPMSK, 1U);
    wr(d, R_DOEPMSK, 9U);
    wr(d, R_GINTSTS, 0xFFFFFFFFU);
    wr(d, R_GAHBCFG, 1U << 7);
}

void dev_connect(struct usb_dev *d)
{
    wr(d, R_DCTL, 0);
}

void dev_start(struct usb_dev *d)
{
    dev_init_core(d);
    dev_connect(d);
    d->running = true;
    sched_after(&d->chip->sched, &d->step, d->step_time);
}

void dev_stop(struct usb_dev *d)
{
    d->running = false;
    sched_cancel(&d->chip->sched, &d->step);
}

void dev_send(struct usb_dev *d, const void *data, size_t bytes)
{
    assert_true(d->tx_bytes + bytes <= sizeof d->tx);
    memcpy(d->tx + d->tx_bytes, data, bytes);
    d->tx_bytes += bytes;
}

/* --- the host's client -------------------------------------------------------------------------------------------------------------- */

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct usb_fixture *f = owner;

    f->info = *info;
    f->configured++;
}

static void on_gone(void *owner)
{
    struct usb_fixture *f = owner;

    f->gone++;
}

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    struct usb_fixture *f = owner;

    if (f->got_bytes + bytes <= sizeof f->got)
        memcpy(f->got + f->got_bytes, data, bytes);
    f->got_bytes += bytes;
    f->got_pieces++;
}

static void on_report(void *owner, const char *text)
{
    struct usb_fixture *f = owner;

    snprintf(f->report, sizeof f->report, "%s", text);
}

/* --- fixture ---------------------------------------------------------------------------------------------------------------------------- */

int usb_setup(void **state)
{
    struct usb_fixture *f = calloc(1, sizeof *f);
    struct usbhost_options options = { .report = on_report, .report_owner = f };
    struct usbhost_client client = { .owner = f, .configured = on_configured, .gone = on_gone, .received = on_received };

    f->chip = fake_chip_new();
    f->chip->clocks = (struct chip_clocks){ .sysclk_hz = 168000000, .hclk_hz = 168000000, .pclk1_hz = 42000000,
                                            .pclk2_hz = 84000000, .pll48_hz = 48000000, .pll48_from_hse = true };
    f->otg = otg_fs_new(f->chip);
    f->host = usbhost_new(f->chip, otg_fs_wire(f->otg), &options);
    usbhost_set_client(f->host, &client);
    otg_fs_connect_host(f->otg, usbhost_wire(f->host));
    f->dev.chip = f->chip;
    f->dev.step = (struct sched_event){ .fire = dev_step, .owner = &f->dev };
    f->dev.step_time = STEP_TIME;
    f->dev.device_desc = device_desc;
    f->dev.config_desc = usb_config_desc;
    f->dev.config_bytes = sizeof usb_config_desc;
    f->dev.packet0 = 64;
    f->dev.out_packets = 1;
    *state = f;
    return 0;
}

int usb_teardown(void **state)
{
    struct usb_fixture *f = *state;
    unsigned fatal = f->chip->fatal_errors;

    if (fatal != 0)
        fprintf(stderr, "guest error: %s\n", f->chip->error);
    dev_stop(&f->dev);
    usbhost_free(f->host);
    otg_fs_free(f->otg);
    fake_chip_free(f->chip);
    free(f);
    return fatal == 0 ? 0 : -1;
}

void run_ms(struct usb_fixture *f, unsigned ms)
{
    fake_run(f->chip, VTIME_MS(ms));
}

void enumerate(struct usb_fixture *f)
{
    dev_start(&f->dev);
    for (int i = 0; i < 100 && f->configured == 0; i++)
        run_ms(f, 10);
    assert_int_equal(f->configured, 1);
    run_ms(f, 5);                       /* the driver's own first requests */
}

void open_port(struct usb_fixture *f)
{
    usbhost_cdc_open(f->host);
    usbhost_cdc_set_control_lines(f->host, true, true);
    run_ms(f, 2);
}
