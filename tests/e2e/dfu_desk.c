/* SPDX-License-Identifier: MIT */
/* The PC's side: control requests on the virtual USB host, one after the other. */
/* Sources: DFU 1.1 §6; AN3156; dfu-util 0.11, dfuse.c (order of requests, what it takes for a failure) */
#include "tests/e2e/dfu_desk.h"

#include "tests/unit/cm.h"

#include <stdio.h>
#include <string.h>

#include "board/load.h"
#include "image/bytes.h"
#include "proto/native.h"
#include "tests/e2e/edge.h"
#include "update/status.h"

#define OUT_CLASS_INTERFACE 0x21U
#define IN_CLASS_INTERFACE 0xA1U
#define SET_ADDRESS 0x21U
#define ERASE_PAGE 0x41U
#define LOOK VTIME_US(100)
#define FINE_LOOK VTIME_US(10)          /* where it is measured */
#define ANSWER VTIME_MS(100)            /* whatever the flash does */

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct dfu_desk *d = owner;

    d->enumerated++;
    d->info = *info;
    d->there = true;
}

static void on_gone(void *owner)
{
    ((struct dfu_desk *)owner)->there = false;
}

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    struct dfu_desk *d = owner;

    assert_true(bytes <= sizeof d->serial_in - d->serial_bytes);
    memcpy(d->serial_in + d->serial_bytes, data, bytes);
    d->serial_bytes += bytes;
    d->bus_bytes += bytes;
}

void dfu_desk_load(struct dfu_desk *d, const char *name)
{
    char spec[512];
    struct load_result r;

    (void)snprintf(spec, sizeof spec, "%s/%s", FIRMWARE_DIR, name);
    if (!load_image(d->chip, spec, &r)) fail_msg("%s (build the preset `firmware` first)", r.error);
    edge_set_psize(d->chip);
}

void dfu_desk_attach(struct dfu_desk *d, struct chip *chip, bool there)
{
    const struct usbhost_client pc = { .owner = d, .configured = on_configured, .gone = on_gone, .received = on_received };

    memset(d, 0, sizeof *d);
    d->chip = chip;
    d->there = there;
    usbhost_set_client(chip_usbhost(chip), &pc);
}

void dfu_desk_open(struct dfu_desk *d, const char *application, const struct chip_options *o)
{
    struct chip_options options = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 3, .log = stderr };

    if (o != NULL) options = *o;
    options.usb_cable = true;
    edge_set_timing(&options);
    dfu_desk_attach(d, chip_new(&options), false);
    dfu_desk_load(d, "vcpboot.elf");
    if (application != NULL) dfu_desk_load(d, application);
}

void dfu_desk_close(struct dfu_desk *d)
{
    assert_int_equal(usbhost_violations(chip_usbhost(d->chip)), 0);
    assert_string_equal(chip_last_error(d->chip), "");
    chip_free(d->chip);
}

void dfu_desk_run_ms(struct dfu_desk *d, unsigned ms)
{
    assert_int_equal(chip_run_for(d->chip, VTIME_MS(ms)), CHIP_RUNS);
}

void dfu_desk_look(struct dfu_desk *d)
{
    assert_int_equal(chip_run_for(d->chip, d->latency != 0 ? FINE_LOOK : LOOK), CHIP_RUNS);
}

void dfu_desk_think(struct dfu_desk *d)
{
    if (d->latency != 0) assert_int_equal(chip_run_for(d->chip, d->latency), CHIP_RUNS);
}

bool dfu_desk_wait(struct dfu_desk *d, unsigned n)
{
    for (unsigned i = 0; i < 1000 && d->enumerated < n; i++) {
        if (chip_run_for(d->chip, VTIME_MS(10)) != CHIP_RUNS) return false;
    }
    return d->enumerated >= n;
}

void dfu_desk_reboot(struct dfu_desk *d, uint8_t request)
{
    struct usbhost *h = chip_usbhost(d->chip);
    uint8_t frame[32];
    size_t n = native_encode(frame, sizeof frame, NATIVE_REBOOT, 1, &request, 1);

    usbhost_cdc_open(h);
    usbhost_cdc_set_control_lines(h, true, true);
    dfu_desk_run_ms(d, 5);
    d->serial_bytes = 0;
    assert_int_equal(usbhost_cdc_write(h, frame, n), n);
    for (unsigned i = 0; i < 100 && d->serial_bytes < NATIVE_HEADER_BYTES + 1; i++) dfu_desk_run_ms(d, 1);
    assert_int_equal(d->serial_in[NATIVE_HEADER_BYTES], UPDATE_OK);
}

void dfu_desk_enter(struct dfu_desk *d, const char *application, const struct chip_options *o)
{
    dfu_desk_open(d, NULL, o);
    assert_true(dfu_desk_wait(d, 1));
    if (application != NULL) dfu_desk_load(d, application);     /* behind the back of the bootloader that is running */
    dfu_desk_reboot(d, 2);
    assert_true(dfu_desk_wait(d, 2));
}

/* --- requests ------------------------------------------------------------------------------------------------------------- */

static void on_answer(void *owner, enum usbhost_result result, const uint8_t *data, size_t bytes)
{
    struct dfu_desk *d = owner;

    d->answers++;
    d->result = result;
    d->reply_bytes = bytes < sizeof d->reply ? bytes : sizeof d->reply;
    memcpy(d->reply, data, d->reply_bytes);
}

bool dfu_control(struct dfu_desk *d, uint8_t type, uint8_t request, uint16_t value, const uint8_t *data, uint16_t n)
{
    const uint8_t setup[8] = { type, request, (uint8_t)value, (uint8_t)(value >> 8), 0, 0, (uint8_t)n, (uint8_t)(n >> 8) };
    unsigned before = d->answers;
    vtime since = chip_now(d->chip);

    assert_true(usbhost_control(chip_usbhost(d->chip), setup, data, d, on_answer));
    while (d->answers == before && chip_now(d->chip) - since <= ANSWER) dfu_desk_look(d);
    assert_int_equal(d->answers, before + 1);
    d->bus_bytes += sizeof setup + (data != NULL ? n : d->reply_bytes);
    dfu_desk_think(d);
    assert_int_not_equal(d->result, USBHOST_FAILED);
    return d->result == USBHOST_OK;
}

struct dfu_answer dfu_get_status(struct dfu_desk *d)
{
    assert_true(dfu_control(d, IN_CLASS_INTERFACE, 3, 0, NULL, 6));
    assert_int_equal(d->reply_bytes, 6);
    return (struct dfu_answer){ d->reply[0], d->reply[4], load_le32(d->reply + 1) & 0xFFFFFFU };
}

bool dfu_dnload(struct dfu_desk *d, uint16_t block, const uint8_t *p, size_t n)
{
    return dfu_control(d, OUT_CLASS_INTERFACE, 1, block, p, (uint16_t)n);
}

int dfu_upload(struct dfu_desk *d, uint16_t block, size_t n)
{
    return dfu_control(d, IN_CLASS_INTERFACE, 2, block, NULL, (uint16_t)n) ? (int)d->reply_bytes : -1;
}

/* --- dfu-util's habits -------------------------------------------------------------------------------------------------------- */

struct dfu_answer dfu_finish(struct dfu_desk *d)
{
    struct dfu_answer a = dfu_get_status(d);

    for (unsigned i = 0; i < 10 && (a.state == DFU_DNBUSY || a.state == DFU_MANIFEST_SYNC); i++) {
        dfu_desk_run_ms(d, a.poll_ms);
        a = dfu_get_status(d);
    }
    assert_true(a.state != DFU_DNBUSY && a.state != DFU_MANIFEST_SYNC);
    return a;
}

struct dfu_answer dfu_command(struct dfu_desk *d, uint8_t code, uint32_t address)
{
    uint8_t command[5] = { code };

    store_le32(command + 1, address);
    assert_true(dfu_dnload(d, 0, command, sizeof command));
    return dfu_finish(d);
}

struct dfu_answer dfu_write_block(struct dfu_desk *d, uint32_t address, const uint8_t *p, size_t n)
{
    struct dfu_answer a = dfu_command(d, SET_ADDRESS, address);

    if (a.state != DFU_DNLOAD_IDLE) return a;
    assert_true(dfu_dnload(d, 2, p, n));
    return dfu_finish(d);
}

struct dfu_answer dfu_write_image(struct dfu_desk *d, uint32_t address, const uint8_t *p, size_t n)
{
    struct dfu_answer a = { 0, DFU_DNLOAD_IDLE, 0 };

    for (uint32_t at = address; at < address + n && a.state == DFU_DNLOAD_IDLE; at += at == DFU_APP ? 0x10000U : 0x20000U)
        a = dfu_command(d, ERASE_PAGE, at);
    for (size_t at = 0; at < n && a.state == DFU_DNLOAD_IDLE; at += DFU_TRANSFER_BYTES)
        a = dfu_write_block(d, address + (uint32_t)at, p + at, n - at < DFU_TRANSFER_BYTES ? n - at : DFU_TRANSFER_BYTES);
    return a;
}

struct dfu_answer dfu_leave(struct dfu_desk *d)
{
    assert_true(dfu_dnload(d, 2, NULL, 0));
    return dfu_finish(d);
}
