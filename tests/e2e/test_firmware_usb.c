/* SPDX-License-Identifier: MIT */
/* The bootloader's and the demo application's USB on the virtual board, against a PC that does what PCs do to a device: late,
 * lost, reset, unplugged, asleep. Polled use of hal/stm32f4/otg_fs.c in the one, interrupt use in the other. */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/chip_run.h"
#include "board/load.h"
#include "board/usbhost/usbhost.h"
#include "boot/startup.h"
#include "proto/native.h"
#include "tests/e2e/edge.h"

#define RAM_END 0x20020000U
#define RECEIVED_MAX 65536U

struct rig {
    struct chip *chip;
    struct usbhost *host;
    uint8_t received[RECEIVED_MAX];
    size_t n;
    unsigned configured, gone;
    unsigned controls, stalls;          /* results of usbhost_control() */
};

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct rig *r = owner;

    r->configured++;
    assert_int_equal(info->vid, 0x0483);
    assert_int_equal(info->pid, 0x5740);
    assert_true(info->cdc_acm);
}

static void on_gone(void *owner)
{
    ((struct rig *)owner)->gone++;
}

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    struct rig *r = owner;

    assert_true(bytes <= RECEIVED_MAX - r->n);
    memcpy(r->received + r->n, data, bytes);
    r->n += bytes;
}

static void load(struct rig *r, const char *name)
{
    char spec[512];
    struct load_result result;

    (void)snprintf(spec, sizeof spec, "%s/%s", FIRMWARE_DIR, name);
    if (!load_image(r->chip, spec, &result)) fail_msg("%s", result.error);
    edge_set_psize(r->chip);
}

static void run_ms(struct rig *r, unsigned ms)
{
    assert_int_equal(chip_run_for(r->chip, VTIME_MS(ms)), CHIP_RUNS);
}

static void wait_configured(struct rig *r, unsigned times)
{
    for (unsigned i = 0; i < 300 && r->configured < times; i++) run_ms(r, 10);
    assert_int_equal(r->configured, times);
    usbhost_cdc_open(r->host);
    usbhost_cdc_set_control_lines(r->host, true, true);
    run_ms(r, 5);
}

static struct rig *rig_new(const char *application)
{
    struct rig *r = calloc(1, sizeof *r);
    struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 7, .usb_cable = true, .log = stderr };
    struct usbhost_client client = { .owner = r, .configured = on_configured, .gone = on_gone, .received = on_received };

    assert_non_null(r);
    edge_set_timing(&o);
    r->chip = chip_new(&o);
    r->host = chip_usbhost(r->chip);
    load(r, "vcpboot.elf");
    if (application != NULL) load(r, application);
    usbhost_set_client(r->host, &client);
    wait_configured(r, 1);
    return r;
}

/* However rough it was: no violation of USB, and nothing that silicon gives no meaning to. */
static void rig_free(struct rig *r)
{
    assert_int_equal(usbhost_violations(r->host), 0);
    assert_string_equal(chip_last_error(r->chip), "");
    chip_free(r->chip);
    free(r);
}

static void say(struct rig *r, const uint8_t *p, size_t n)
{
    while (n != 0) {
        size_t taken = usbhost_cdc_write(r->host, p, n);

        p += taken;
        n -= taken;
        if (n != 0) run_ms(r, 1);
    }
}

static void wait_bytes(struct rig *r, size_t n)
{
    for (unsigned i = 0; i < 2000 && r->n < n; i++) run_ms(r, 1);
    assert_int_equal(r->n, n);
}

/* The bootloader: HELLO, and an answer that fits. Returns its length. */
static size_t hello(struct rig *r, uint8_t seq)
{
    uint8_t frame[64];
    size_t n = native_encode(frame, sizeof frame, NATIVE_HELLO, seq, NULL, 0);
    struct native_rx rx;
    struct native_frame answer;

    r->n = 0;
    say(r, frame, n);
    for (unsigned i = 0; i < 2000 && r->n < NATIVE_HEADER_BYTES; i++) run_ms(r, 1);
    assert_true(r->n >= NATIVE_HEADER_BYTES);
    wait_bytes(r, NATIVE_HEADER_BYTES + (size_t)r->received[4] + (size_t)r->received[5] * 256U + NATIVE_TRAILER_BYTES);
    native_rx_init(&rx);
    (void)native_rx_feed(&rx, r->received, r->n, 0);
    assert_true(native_rx_frame(&rx, &answer));
    assert_int_equal(answer.type, NATIVE_HELLO | NATIVE_ANSWER);
    assert_int_equal(answer.seq, seq);
    return r->n;
}

/* The demo: a line, and the line that answers it. */
static void ask(struct rig *r, const char *line, const char *want)
{
    r->n = 0;
    say(r, (const uint8_t *)line, strlen(line));
    wait_bytes(r, strlen(want));
    assert_memory_equal(r->received, want, strlen(want));
}

static void count_result(void *owner, enum usbhost_result result, const uint8_t *data, size_t bytes)
{
    struct rig *r = owner;

    (void)data;
    (void)bytes;
    assert_int_not_equal(result, USBHOST_FAILED);
    r->controls++;
    r->stalls += result == USBHOST_STALL;
}

static void control(struct rig *r, const uint8_t setup[8], const uint8_t *data)
{
    unsigned before = r->controls;

    assert_true(usbhost_control(r->host, setup, data, r, count_result));
    for (unsigned i = 0; i < 100 && r->controls == before; i++) run_ms(r, 1);
    assert_int_equal(r->controls, before + 1);
}

TEST(the_bootloader_is_configured_and_answers_without_a_complaint_of_the_board)
{
    struct rig *r = rig_new(NULL);

    UNUSED_STATE;
    for (unsigned i = 0; i < 20; i++) (void)hello(r, (uint8_t)i);
    rig_free(r);
}

TEST(unsupported_requests_are_stalled_in_less_than_two_frames)
{
    static const uint8_t refused[][8] = {
        { 0x80, 6, 0, 6, 0, 0, 10, 0 }, { 0x80, 6, 0xEE, 3, 0, 0, 18, 0 }, { 0x80, 6, 0, 15, 0, 0, 5, 0 },
        { 0x00, 3, 1, 0, 0, 0, 0, 0 }, { 0xC0, 1, 0, 0, 4, 0, 16, 0 }, { 0x21, 0x24, 0, 0, 0, 0, 0, 0 },
    };
    struct rig *r = rig_new(NULL);

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(refused); i++) {
        assert_true(usbhost_control(r->host, refused[i], NULL, r, count_result));
        run_ms(r, 2);
        assert_int_equal(r->stalls, i + 1);
    }
    (void)hello(r, 1);
    rig_free(r);
}

/* SET_CONFIGURATION, SET_ADDRESS and endpoint halts aside: what they do to the port is their purpose. */
static bool harmless(const uint8_t s[8])
{
    return (s[0] & 0x60U) != 0 || (s[0] & 0x80U) != 0 || (s[1] != 9 && s[1] != 5 && s[1] != 3 && s[1] != 1);
}

TEST(any_control_request_ends_and_the_stream_goes_on)
{
    struct rig *r = rig_new(NULL);
    uint32_t random = 1;
    uint8_t data[256] = { 0 };

    UNUSED_STATE;
    for (unsigned round = 0; round < 600; round++) {
        uint8_t s[8];

        for (size_t i = 0; i < sizeof s; i++) {
            random = random * 1664525U + 1013904223U;
            s[i] = (uint8_t)(random >> 24);
        }
        s[1] &= 0x3FU;
        s[7] = 0;                       /* at most 255 bytes */
        if (round % 2 == 0) s[0] &= 0x83U;
        if (round % 3 == 0) s[4] = s[5] = 0;
        if (harmless(s)) control(r, s, data);
        if (round % 100 == 0) (void)hello(r, (uint8_t)round);
    }
    assert_true(r->stalls < r->controls);
    (void)hello(r, 9);
    rig_free(r);
}

/* Not on endpoint 0 OUT: once the packet is in, the core NAKs its repetition (RM0090 §35.13.7, "Generic non-isochronous OUT",
 * step 3), and to arm it for that alone would clear the NAK under the next SETUP. Such a request is given up by the PC. */
static const uint8_t lossy_endpoints[] = { 0x01, 0x81, 0x80 };

TEST(lost_handshakes_neither_lose_nor_double_a_byte)
{
    struct rig *r = rig_new(NULL);
    size_t usual = hello(r, 0);

    UNUSED_STATE;
    for (unsigned i = 0; i < 40; i++) {
        usbhost_lose_handshakes(r->host, lossy_endpoints[i % COUNT(lossy_endpoints)], 1 + i % 2);
        control(r, (const uint8_t[8]){ 0x80, 6, 0, 2, 0, 0, 0xFF, 0 }, NULL);
        assert_int_equal(hello(r, (uint8_t)i), usual);
    }
    rig_free(r);
}

TEST(a_bus_reset_at_any_time_is_survived)
{
    struct rig *r = rig_new(NULL);
    uint8_t junk[3000];

    UNUSED_STATE;
    memset(junk, 'j', sizeof junk);
    for (unsigned i = 0; i < 12; i++) {
        uint8_t frame[64];

        say(r, junk, 500 + 200 * i);    /* OUT data in the FIFO, and an answer on its way */
        say(r, frame, native_encode(frame, sizeof frame, NATIVE_HELLO, 1, NULL, 0));
        assert_int_equal(chip_run_for(r->chip, VTIME_US(137) * i), CHIP_RUNS);
        usbhost_bus_reset(r->host);
        wait_configured(r, i + 2);
        (void)hello(r, (uint8_t)i);
    }
    assert_int_equal(r->gone, 12);
    rig_free(r);
}

TEST(unplugging_and_sleep_are_survived)
{
    struct rig *r = rig_new(NULL);

    UNUSED_STATE;
    usbhost_suspend(r->host);
    run_ms(r, 50);
    assert_true(usbhost_suspended(r->host));
    usbhost_resume(r->host);
    run_ms(r, 50);
    (void)hello(r, 1);                  /* the same connection */
    assert_int_equal(r->configured, 1);
    usbhost_unplug(r->host);
    run_ms(r, 50);
    usbhost_replug(r->host);
    wait_configured(r, 2);
    (void)hello(r, 2);
    rig_free(r);
}

TEST(a_late_pc_gets_every_answer)
{
    struct rig *r = rig_new(NULL);
    size_t usual = hello(r, 0);

    UNUSED_STATE;
    usbhost_set_latency(r->host, 3000);
    for (unsigned i = 0; i < 20; i++) assert_int_equal(hello(r, (uint8_t)i), usual);
    rig_free(r);
}

TEST(the_stack_keeps_within_its_budget)
{
    struct rig *r = rig_new(NULL);
    const uint8_t *stack = chip_ram(r->chip, RAM_END - STACK_BYTES, STACK_BYTES);
    const uint32_t paint = STACK_PAINT;
    size_t unused = 0;

    UNUSED_STATE;
    for (unsigned i = 0; i < 5; i++) (void)hello(r, (uint8_t)i);
    control(r, (const uint8_t[8]){ 0x80, 6, 0, 2, 0, 0, 0xFF, 0 }, NULL);
    while (unused < STACK_BYTES && memcmp(stack + unused, &paint, sizeof paint) == 0) unused += sizeof paint;
    print_message("stack: %zu of %u bytes used\n", (size_t)STACK_BYTES - unused, STACK_BYTES);
    assert_in_range(unused, 512, STACK_BYTES - 64);     /* a quarter in reserve; and it was painted at all */
    rig_free(r);
}

TEST(the_demo_answers_from_its_interrupt_handler_under_the_same_treatment)
{
    struct rig *r = rig_new("demo-2.0.0.elf");

    UNUSED_STATE;
    for (unsigned i = 0; i < 24; i++) {
        usbhost_lose_handshakes(r->host, lossy_endpoints[i % COUNT(lossy_endpoints)], 1);
        control(r, (const uint8_t[8]){ 0x80, 6, 0, 2, 0, 0, 0xFF, 0 }, NULL);
        ask(r, "version\r\n", "demo 2.0.0\r\n");
    }
    for (unsigned i = 0; i < 6; i++) {
        say(r, (const uint8_t *)"version\r\nversion\r\n", 18);
        assert_int_equal(chip_run_for(r->chip, VTIME_US(91) * i), CHIP_RUNS);
        usbhost_bus_reset(r->host);
        wait_configured(r, i + 2);
        ask(r, "version\r\n", "demo 2.0.0\r\n");
    }
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bootloader_is_configured_and_answers_without_a_complaint_of_the_board),
        cmocka_unit_test(unsupported_requests_are_stalled_in_less_than_two_frames),
        cmocka_unit_test(any_control_request_ends_and_the_stream_goes_on),
        cmocka_unit_test(lost_handshakes_neither_lose_nor_double_a_byte),
        cmocka_unit_test(a_bus_reset_at_any_time_is_survived),
        cmocka_unit_test(unplugging_and_sleep_are_survived),
        cmocka_unit_test(a_late_pc_gets_every_answer),
        cmocka_unit_test(the_stack_keeps_within_its_budget),
        cmocka_unit_test(the_demo_answers_from_its_interrupt_handler_under_the_same_treatment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
