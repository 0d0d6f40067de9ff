/* SPDX-License-Identifier: MIT */
/* The PC's side of the desk: moves bytes between the client and the virtual USB host. */
#include "tests/e2e/desk.h"

#include "tests/unit/cm.h"

#include <string.h>

#include "board/usbhost/usbhost.h"
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
    d->out_bytes = d->out_at = d->in_bytes = 0;
}

static void wake_by(struct desk *d, vtime when)
{
    if (when < d->wake)
        d->wake = when;
}

static void on_writable(void *owner)
{
    struct desk *d = owner;

    wake_by(d, chip_now(d->chip) + d->latency);
}

static void keep(struct desk *d, const uint8_t *data, size_t bytes)
{
    assert_true(bytes <= sizeof d->in - d->in_bytes);
    memcpy(d->in + d->in_bytes, data, bytes);
    d->in_bytes += bytes;
    wake_by(d, chip_now(d->chip) + d->latency);
}

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    struct desk *d = owner;

    d->bus_bytes += bytes;
    if (d->listener != NULL)
        d->listener(d->listener_owner, data, bytes);
    else if (d->latency != 0)
        keep(d, data, bytes);
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
    const struct usbhost_client pc = { .owner = d, .configured = on_configured, .gone = on_gone, .received = on_received,
                                       .writable = on_writable };

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
        d->bus_bytes += took;
        if (took == 0)
            return;
    }
}

static void program_runs(struct desk *d)
{
    d->wake = VTIME_NEVER;
    if (d->in_bytes != 0)
        client_input(&d->client, d->in, d->in_bytes, now_ms(d));
    d->in_bytes = 0;
    client_tick(&d->client, now_ms(d));
    if (d->port)
        give_out(d);
}

bool desk_step(struct desk *d)
{
    vtime until = chip_now(d->chip) + (d->look != 0 ? d->look : DESK_LOOK);

    if (d->latency != 0 && d->wake < until)
        until = d->wake;
    if (chip_run_until(d->chip, until) != CHIP_RUNS)
        return false;
    if (d->latency == 0 || chip_now(d->chip) >= d->wake || client_wait_ms(&d->client, now_ms(d)) == 0)
        program_runs(d);
    return true;
}

/* The program has something to say of its own accord. */
static void speak(struct desk *d)
{
    d->wake = chip_now(d->chip);
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
    speak(d);
    return desk_run(d, PORT_TIMEOUT) == CLIENT_DONE;
}

void desk_reopen(struct desk *d)
{
    usbhost_cdc_set_control_lines(chip_usbhost(d->chip), false, false);
    usbhost_cdc_close(chip_usbhost(d->chip));
    d->out_bytes = d->out_at = d->in_bytes = 0;
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

bool desk_plan(struct desk *d, const struct vcpboot_image *image, struct plan *plan)
{
    if (!desk_hello(d) || d->client.hello.mode != 0)
        return false;
    client_digest(&d->client, now_ms(d), image->length);
    speak(d);
    return desk_run(d, PORT_TIMEOUT) == CLIENT_DONE &&
           plan_make(plan, &d->client.hello, image->bytes, image->length, d->client.digest, d->client.digests);
}

void desk_begin_planned(struct desk *d, const struct vcpboot_image *image, const struct plan *plan)
{
    const struct client_update what = { .image = image->bytes, .length = image->length, .sectors = plan->sectors };

    client_update(&d->client, now_ms(d), &what);
    speak(d);
}

bool desk_begin_update(struct desk *d, const struct vcpboot_image *image)
{
    struct plan plan;

    if (!desk_plan(d, image, &plan))
        return false;
    desk_begin_planned(d, image, &plan);
    return true;
}

void desk_begin_reboot(struct desk *d)
{
    client_reboot(&d->client, now_ms(d), 0);
    speak(d);
}

bool desk_update(struct desk *d, const struct vcpboot_image *image)
{
    if (!desk_begin_update(d, image) || desk_run(d, UPDATE_TIMEOUT) != CLIENT_DONE)
        return false;
    desk_begin_reboot(d);
    return desk_run(d, PORT_TIMEOUT) == CLIENT_DONE && wait_gone(d) && desk_hello(d) && d->client.hello.mode == 1;
}
