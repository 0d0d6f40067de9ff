/* SPDX-License-Identifier: MIT */
/* The PC's side of the desk: moves bytes between the client and the virtual USB host. */
#include "tests/e2e/desk.h"

#include <string.h>

#include "board/usbhost/usbhost.h"
#include "host/lib/plan.h"
#include "tests/e2e/edge.h"

#define PORT_TIMEOUT VTIME_MS(15000)
#define UPDATE_TIMEOUT VTIME_MS(120000)        /* 448 KB at x8 and the longest times: 46 s of words, 14 s of erases */
#define TOUCH_BAUD 1200U

static uint32_t now_ms(const struct desk *d)
{
    return (uint32_t)(chip_now(d->chip) / VTIME_MS(1));
}

static void open_port(struct desk *d)
{
    usbhost_cdc_open(chip_usbhost(d->chip));
    usbhost_cdc_set_reading(chip_usbhost(d->chip), true);
    usbhost_cdc_set_control_lines(chip_usbhost(d->chip), true, true);
}

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct desk *d = owner;

    d->port = info->cdc_acm;
    if (!d->port)
        return;
    d->arrivals++;
    open_port(d);
}

static void on_gone(void *owner)
{
    struct desk *d = owner;

    d->port = false;
    d->out_bytes = d->out_at = 0;
}

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    struct desk *d = owner;

    if (d->listener != NULL)
        d->listener(d->listener_owner, data, bytes);
    else
        client_input(&d->client, data, bytes, now_ms(d));
}

void desk_open(struct desk *d, const struct chip_options *o)
{
    struct chip_options with_cable = *o;

    with_cable.usb_cable = true;
    edge_set_timing(&with_cable);
    desk_attach(d, chip_new(&with_cable));
}

void desk_attach(struct desk *d, struct chip *chip)
{
    const struct usbhost_client pc = { .owner = d, .configured = on_configured, .gone = on_gone, .received = on_received };

    memset(d, 0, sizeof *d);
    d->chip = chip;
    client_init(&d->client, DESK_REPLY_MS);
    usbhost_set_client(chip_usbhost(chip), &pc);
}

void desk_close(struct desk *d)
{
    chip_free(d->chip);
}

static void give_out(struct desk *d)
{
    for (;;) {
        if (d->out_at == d->out_bytes) {
            d->out_at = 0;
            d->out_bytes = client_output(&d->client, d->out, sizeof d->out, now_ms(d));
        }
        size_t took = usbhost_cdc_write(chip_usbhost(d->chip), d->out + d->out_at, d->out_bytes - d->out_at);
        d->out_at += took;
        if (took == 0)
            return;
    }
}

bool desk_step(struct desk *d)
{
    if (chip_run_for(d->chip, d->look != 0 ? d->look : DESK_LOOK) != CHIP_RUNS)
        return false;
    client_tick(&d->client, now_ms(d));
    if (d->port)
        give_out(d);
    return true;
}

bool desk_wait_port(struct desk *d, vtime timeout)
{
    vtime end = chip_now(d->chip) + timeout;

    while (!d->port)
        if (chip_now(d->chip) >= end || !desk_step(d))
            return false;
    return true;
}

enum client_state desk_run(struct desk *d, vtime timeout)
{
    vtime end = chip_now(d->chip) + timeout;

    while (d->client.state == CLIENT_BUSY)
        if (chip_now(d->chip) >= end || !d->port || !desk_step(d))
            return d->client.state;
    return d->client.state;
}

bool desk_hello(struct desk *d)
{
    if (!desk_wait_port(d, PORT_TIMEOUT))
        return false;
    client_hello(&d->client, now_ms(d), 3);
    return desk_run(d, PORT_TIMEOUT) == CLIENT_DONE;
}

void desk_reopen(struct desk *d)
{
    usbhost_cdc_set_control_lines(chip_usbhost(d->chip), false, false);
    usbhost_cdc_close(chip_usbhost(d->chip));
    d->out_bytes = d->out_at = 0;
    client_init(&d->client, DESK_REPLY_MS);
    open_port(d);
}

static bool wait_gone(struct desk *d)
{
    vtime end = chip_now(d->chip) + PORT_TIMEOUT;

    while (d->port)
        if (chip_now(d->chip) >= end || !desk_step(d))
            return false;
    return true;
}

bool desk_enter_bootloader(struct desk *d)
{
    const struct usbhost_line_coding touch = { .baud = TOUCH_BAUD, .data_bits = 8 };

    usbhost_cdc_set_line_coding(chip_usbhost(d->chip), &touch);
    usbhost_cdc_set_control_lines(chip_usbhost(d->chip), false, false);
    return wait_gone(d) && desk_hello(d) && d->client.hello.mode == 0;
}

bool desk_begin_update(struct desk *d, const struct vcpboot_image *image)
{
    struct client_update what = { .image = image->bytes, .length = image->length };
    struct plan plan;

    if (!desk_hello(d) || d->client.hello.mode != 0)
        return false;
    client_digest(&d->client, now_ms(d), image->length);
    if (desk_run(d, PORT_TIMEOUT) != CLIENT_DONE ||
        !plan_make(&plan, &d->client.hello, image->bytes, image->length, d->client.digest, d->client.digests))
        return false;
    what.sectors = plan.sectors;
    client_update(&d->client, now_ms(d), &what);
    return true;
}

void desk_begin_reboot(struct desk *d)
{
    client_reboot(&d->client, now_ms(d), 0);
}

bool desk_update(struct desk *d, const struct vcpboot_image *image)
{
    if (!desk_begin_update(d, image) || desk_run(d, UPDATE_TIMEOUT) != CLIENT_DONE)
        return false;
    desk_begin_reboot(d);
    return desk_run(d, PORT_TIMEOUT) == CLIENT_DONE && wait_gone(d) && desk_hello(d) && d->client.hello.mode == 1;
}
