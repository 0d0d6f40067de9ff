/* SPDX-License-Identifier: MIT */
/* The bootloader's USART1 on the virtual board: silent and unseen until a 0x7F has come, then a port at the rate of that byte. */
/* Sources: docs/SPEC.md "USART1"; AN3155 §3.1 */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/bridge/line.h"
#include "board/chip_run.h"
#include "board/load.h"
#include "board/periph/gpio.h"
#include "board/periph/usart.h"
#include "board/usbhost/usbhost.h"
#include "boot/config.h"
#include "boot/serve.h"
#include "proto/an3155.h"
#include "proto/native.h"
#include "tests/e2e/edge.h"

#define SYNC 0x7F
#define AF_USART1 7
#define PIN_TX 9
#define HEARD_MAX 4096U
#define READY_MAX_MS 3000U              /* the boot decision, the updater, the PC's patience */

struct ear { uint8_t bytes[HEARD_MAX]; size_t n; };

struct rig {
    struct chip *chip;
    struct ear line, vcp;
    struct line_end end;
    struct line_format format;          /* what the PC sends */
    struct line_format told;            /* how the chip's last frame came */
    struct line_sender sender;
    bool configured;
};

static void listen(struct ear *e, const uint8_t *p, size_t n)
{
    assert_true(n <= HEARD_MAX - e->n);
    memcpy(e->bytes + e->n, p, n);
    e->n += n;
}

static void on_frame(void *self, uint8_t byte, const struct line_format *sent_as)
{
    struct rig *r = self;

    listen(&r->line, &byte, 1);
    r->told = *sent_as;
}

static void on_sent(void *owner)
{
    (void)owner;
}

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct rig *r = owner;

    r->configured = info->cdc_acm;
    usbhost_cdc_open(chip_usbhost(r->chip));
    usbhost_cdc_set_reading(chip_usbhost(r->chip), true);
}

static void on_gone(void *owner)
{
    (void)owner;
}

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    listen(&((struct rig *)owner)->vcp, data, bytes);
}

static void run(struct rig *r, vtime t)
{
    assert_int_equal(chip_run_for(r->chip, t), CHIP_RUNS);
}

static void load(struct rig *r, uint32_t policy)
{
    struct load_result result;
    uint8_t *cells = flash_cells(chip_flash(r->chip));

    assert_true(load_image(r->chip, FIRMWARE_DIR "/vcpboot.elf", &result));
    memcpy(cells + CONFIG_OFFSET + offsetof(struct config, policy), &policy, sizeof policy);
    edge_set_psize(r->chip);
    flash_probe_sync(chip_flash(r->chip));
}

static struct rig *rig_new(uint32_t policy)
{
    struct rig *r = calloc(1, sizeof *r);
    struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 7, .usb_cable = true, .log = stderr };
    const struct usbhost_client client = { .owner = r, .configured = on_configured, .gone = on_gone, .received = on_received };

    assert_non_null(r);
    edge_set_timing(&o);
    r->chip = chip_new(&o);
    r->format = (struct line_format){ 115200, 8, 1, LINE_PARITY_EVEN };
    r->end = (struct line_end){ .self = r, .frame = on_frame };
    line_sender_init(&r->sender, chip_sched(r->chip), on_sent, r);
    usart_connect(chip_usart(r->chip, 1), &r->end);
    usbhost_set_client(chip_usbhost(r->chip), &client);
    load(r, policy);
    for (unsigned ms = 0; ms < READY_MAX_MS && !r->configured; ms += 10) run(r, VTIME_MS(10));
    assert_true(r->configured);
    return r;
}

static void rig_free(struct rig *r)
{
    assert_string_equal(chip_last_error(r->chip), "");
    usart_connect(chip_usart(r->chip, 1), NULL);
    line_sender_stop(&r->sender);
    chip_free(r->chip);
    free(r);
}

static void say(struct rig *r, uint8_t byte)
{
    line_send(&r->sender, usart_end(chip_usart(r->chip, 1)), byte, &r->format);
    while (line_sending(&r->sender)) run(r, sched_next(chip_sched(r->chip)) - chip_now(r->chip) + 1);
}

static void rest(struct rig *r, unsigned frames)
{
    run(r, line_bits_time(&r->format, 11U * frames));
}

static bool drives_tx(const struct rig *r)
{
    return gpio_function(chip_gpio(r->chip), GPIO_A, PIN_TX) != -1 || gpio_output(chip_gpio(r->chip), GPIO_A, PIN_TX) != GPIO_FLOATING;
}

/* Is it one frame, whole, that answers HELLO? */
static bool is_hello(const struct ear *e, uint8_t seq)
{
    struct native_rx rx;
    struct native_frame f;

    native_rx_init(&rx);
    return native_rx_feed(&rx, e->bytes, e->n, 0) == e->n && native_rx_frame(&rx, &f) && f.type == (NATIVE_HELLO | NATIVE_ANSWER) &&
           f.seq == seq;
}

static size_t request(uint8_t out[64], uint8_t seq)
{
    return native_encode(out, 64, NATIVE_HELLO, seq, NULL, 0);
}

static void hello(struct rig *r, uint8_t seq)
{
    uint8_t frame[64];
    size_t n = request(frame, seq);

    r->line.n = 0;
    for (size_t i = 0; i < n; i++) say(r, frame[i]);
    rest(r, 120);
}

static void assert_synchronised(struct rig *r, uint8_t seq)
{
    hello(r, seq);
    assert_true(is_hello(&r->line, seq));
    assert_int_equal(gpio_function(chip_gpio(r->chip), GPIO_A, PIN_TX), AF_USART1);
    assert_int_equal(r->told.parity, LINE_PARITY_EVEN);
    assert_int_equal(r->told.data_bits, 8);
    assert_in_range(r->told.baud, r->format.baud - r->format.baud / 50, r->format.baud + r->format.baud / 50);
}

TEST(the_rate_of_every_0x7f_is_found_again_and_again)
{
    static const uint32_t bauds[] = { 1200, 115200, 2400, 57600, 9600, 38400, 19200, 4800, 115200, 57600, 1200, 57600 };
    struct rig *r = rig_new(CONFIG_USART1);

    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(bauds); i++) {
        r->format.baud = bauds[i];
        run(r, VTIME_US(1) * (i * 7));
        say(r, SYNC);
        assert_synchronised(r, (uint8_t)i);
    }
    assert_int_equal(r->vcp.n, 0);
    rig_free(r);
}

/* Whenever it comes: the main loop is at another place each time, and the USB's frames move along. */
TEST(the_fastest_0x7f_is_found_whenever_it_comes)
{
    struct rig *r = rig_new(CONFIG_USART1);

    UNUSED_STATE;
    for (unsigned i = 0; i < 200; i++) {
        r->format.baud = i % 2 == 0 ? 115200 : 57600;
        run(r, VTIME_NS(1730) * (1 + i * i % 577));
        say(r, SYNC);
        rest(r, 3);
        assert_in_range(usart_format(chip_usart(r->chip, 1)).baud, r->format.baud / 100 * 98, r->format.baud / 100 * 102);
    }
    rig_free(r);
}

TEST(without_a_0x7f_it_says_nothing_and_leaves_pa9_alone)
{
    static const uint8_t junk[] = { 0x00, 0x55, 0xFF, 0x0F, 0xAA, 0xFE, 0xA5, 0x1F, 'A', 'T', '\r' };
    static const uint32_t bauds[] = { 115200, 57600, 9600, 1200, 300 };
    struct rig *r = rig_new(CONFIG_USART1);

    UNUSED_STATE;
    assert_false(drives_tx(r));
    for (size_t b = 0; b < COUNT(bauds); b++) {
        r->format.baud = bauds[b];
        for (size_t i = 0; i < COUNT(junk); i++) {
            say(r, junk[i]);
            assert_false(drives_tx(r));
            if (i % 2 == 0) rest(r, 2);
            assert_false(drives_tx(r));
        }
        run(r, VTIME_MS(20));
    }
    assert_int_equal(r->line.n, 0);
    r->format.baud = 57600;
    say(r, SYNC);
    assert_synchronised(r, 1);
    rig_free(r);
}

/* Low, high, low, high, in tenths of a bit, then two bits at rest or not. */
static void wave(struct rig *r, const unsigned tenths[4], bool then)
{
    const struct line_end *end = usart_end(chip_usart(r->chip, 1));

    for (unsigned i = 0; i < 4; i++) {
        end->level(end->self, i % 2 != 0);
        run(r, line_bits_time(&r->format, tenths[i]) / 10);
    }
    end->level(end->self, then);
    run(r, line_bits_time(&r->format, 2));
    end->level(end->self, true);
    run(r, VTIME_MS(12));
}

/* Where a bit is long beside the time between two looks. */
TEST(only_the_shape_of_a_0x7f_counts_as_one)
{
    static const unsigned others[][4] = {
        { 10, 70, 20, 20 }, { 10, 70, 13, 20 }, { 10, 30, 10, 40 }, { 20, 60, 10, 20 }, { 30, 70, 10, 20 }, { 10, 60, 10, 20 },
        { 10, 80, 10, 20 }, { 10, 90, 10, 20 }, { 70, 10, 10, 20 }, { 10, 120, 20, 20 }, { 900, 70, 10, 20 }, { 10, 70, 5, 20 },
    };
    static const unsigned right[4] = { 10, 70, 10, 20 }, short_stop[4] = { 10, 70, 10, 10 };
    static const uint32_t bauds[] = { 1200, 9600 };

    UNUSED_STATE;
    for (size_t b = 0; b < COUNT(bauds); b++) {
        struct rig *r = rig_new(CONFIG_USART1);

        r->format.baud = bauds[b];
        for (size_t i = 0; i < COUNT(others); i++) {
            wave(r, others[i], true);
            assert_false(drives_tx(r));
        }
        wave(r, short_stop, false);
        assert_false(drives_tx(r));
        wave(r, right, true);
        assert_true(drives_tx(r));
        rig_free(r);
    }
}

TEST(pulses_shorter_than_a_bit_at_the_fastest_rate_are_noise)
{
    static const unsigned right[4] = { 10, 70, 10, 20 };
    struct rig *r = rig_new(CONFIG_USART1);

    UNUSED_STATE;
    for (unsigned i = 0; i < 50; i++) {
        r->format.baud = 140000 + 4321 * i;
        wave(r, right, true);
        assert_false(drives_tx(r));
    }
    rig_free(r);
}

static void vcp_hello(struct rig *r, uint8_t seq)
{
    uint8_t frame[64];
    size_t n = request(frame, seq);

    r->vcp.n = 0;
    r->line.n = 0;
    assert_int_equal(usbhost_cdc_write(chip_usbhost(r->chip), frame, n), n);
    run(r, VTIME_MS(20));
    assert_true(is_hello(&r->vcp, seq));
    assert_int_equal(r->line.n, 0);
}

/* Looks are far apart while a digest is made, and what began in between cannot be judged as well: a rate may be found in junk. */
TEST(junk_beside_a_busy_vcp_does_no_lasting_harm)
{
    struct rig *r = rig_new(CONFIG_USART1);
    const uint8_t all[] = { 0, 0, 7, 0 };       /* 448 KB */
    uint8_t frame[64];
    uint32_t random = 1;

    UNUSED_STATE;
    for (unsigned i = 0; i < 400; i++) {
        size_t n = native_encode(frame, sizeof frame, NATIVE_DIGEST, (uint8_t)i, all, sizeof all);

        if (i % 16 == 0) assert_int_equal(usbhost_cdc_write(chip_usbhost(r->chip), frame, n), n);
        r->line.n = r->vcp.n = 0;
        random = random * 1664525U + 1013904223U;
        r->format.baud = 4800U << i % 5;
        say(r, (uint8_t)(random >> 24));
        run(r, VTIME_US(1) * (random >> 24));
    }
    run(r, VTIME_MS(SERVE_HEADER_MS + 2 * NATIVE_GAP_MS));       /* what the junk may look like the beginning of is given up then */
    r->format.baud = 57600;
    say(r, SYNC);
    assert_synchronised(r, 1);
    vcp_hello(r, 2);
    rig_free(r);
}

TEST(a_0x7f_at_the_present_rate_disturbs_no_answer)
{
    struct rig *r = rig_new(CONFIG_USART1);
    uint8_t frame[64];
    size_t n = request(frame, 7);

    UNUSED_STATE;
    say(r, SYNC);
    assert_synchronised(r, 1);
    r->line.n = 0;
    for (size_t i = 0; i < n; i++) say(r, frame[i]);
    rest(r, 20);
    assert_in_range(r->line.n, 5, 60);          /* in the middle of its words */
    say(r, SYNC);
    rest(r, 120);
    assert_int_equal(r->line.bytes[--r->line.n], AN_ACK);       /* behind them, for the 0x7F */
    assert_true(is_hello(&r->line, 7));
    rig_free(r);
}

TEST(a_new_rate_does_not_get_the_rest_of_an_old_answer)
{
    struct rig *r = rig_new(CONFIG_USART1);
    uint8_t frame[64];
    size_t n = request(frame, 1);

    UNUSED_STATE;
    r->format.baud = 1200;
    say(r, SYNC);
    rest(r, 2);
    for (size_t i = 0; i < n; i++) say(r, frame[i]);
    rest(r, 10);
    assert_in_range(r->line.n, 5, 15);
    r->format.baud = 57600;
    say(r, SYNC);
    r->line.n = 0;
    run(r, VTIME_MS(100));
    assert_int_equal(r->line.n, 1);     /* of AN3155, for the 0x7F */
    assert_int_equal(r->line.bytes[0], AN_ACK);
    assert_synchronised(r, 2);
    rig_free(r);
}

TEST(a_line_that_is_held_low_and_then_let_go_locks_nothing_up)
{
    struct rig *r = rig_new(CONFIG_USART1);
    const struct line_end *end = usart_end(chip_usart(r->chip, 1));

    UNUSED_STATE;
    for (unsigned ms = 1; ms < 60; ms += 9) {
        end->level(end->self, false);
        run(r, VTIME_MS(ms));
        end->level(end->self, true);
        run(r, VTIME_MS(20));
        assert_false(drives_tx(r));
    }
    say(r, SYNC);
    assert_synchronised(r, 1);
    rig_free(r);
}

TEST(without_the_policy_bit_no_pin_is_touched)
{
    struct rig *r = rig_new(0);

    UNUSED_STATE;
    usart_connect(chip_usart(r->chip, 1), NULL);
    gpio_set_input(chip_gpio(r->chip), GPIO_A, 10, GPIO_LOW);
    gpio_set_input(chip_gpio(r->chip), GPIO_A, 10, GPIO_FLOATING);
    assert_false(gpio_pin(chip_gpio(r->chip), GPIO_A, 10));     /* nothing pulls it up */
    usart_connect(chip_usart(r->chip, 1), &r->end);
    r->format.baud = 57600;
    say(r, SYNC);
    hello(r, 1);
    assert_int_equal(r->line.n, 0);
    assert_false(drives_tx(r));
    rig_free(r);
}

TEST(with_the_policy_bit_an_open_line_is_pulled_up)
{
    struct rig *r = rig_new(CONFIG_USART1);

    UNUSED_STATE;
    gpio_set_input(chip_gpio(r->chip), GPIO_A, 10, GPIO_LOW);
    run(r, VTIME_MS(1));
    gpio_set_input(chip_gpio(r->chip), GPIO_A, 10, GPIO_FLOATING);
    assert_true(gpio_pin(chip_gpio(r->chip), GPIO_A, 10));
    rig_free(r);
}

TEST(a_byte_with_a_wrong_parity_is_dropped)
{
    struct rig *r = rig_new(CONFIG_USART1);
    uint8_t frame[64];
    size_t n = request(frame, 1);

    UNUSED_STATE;
    say(r, SYNC);
    assert_synchronised(r, 0);
    r->line.n = 0;
    for (size_t i = 0; i < n; i++) {
        r->format.parity = i == 3 ? LINE_PARITY_ODD : LINE_PARITY_EVEN;
        say(r, frame[i]);
    }
    run(r, VTIME_MS(2 * NATIVE_GAP_MS));
    assert_int_equal(r->line.n, 0);
    hello(r, 2);
    assert_true(is_hello(&r->line, 2));
    rig_free(r);
}

TEST(each_port_is_answered_on_its_own)
{
    struct rig *r = rig_new(CONFIG_USART1);

    UNUSED_STATE;
    vcp_hello(r, 1);
    say(r, SYNC);
    for (uint8_t seq = 2; seq < 8; seq = (uint8_t)(seq + 2)) {
        r->vcp.n = 0;
        assert_synchronised(r, seq);
        assert_int_equal(r->vcp.n, 0);
        vcp_hello(r, (uint8_t)(seq + 1));
    }
    rig_free(r);
}

TEST(opening_the_vcp_makes_it_the_active_port)
{
    struct rig *r = rig_new(CONFIG_USART1);

    UNUSED_STATE;
    say(r, SYNC);
    assert_synchronised(r, 1);
    r->line.n = 0;
    usbhost_cdc_set_control_lines(chip_usbhost(r->chip), true, true);
    run(r, VTIME_MS(1500));
    assert_int_equal(r->vcp.n, 1);      /* the call for a YMODEM sender */
    assert_int_equal(r->vcp.bytes[0], 'C');
    assert_int_equal(r->line.n, 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_of_every_0x7f_is_found_again_and_again),
        cmocka_unit_test(the_fastest_0x7f_is_found_whenever_it_comes),
        cmocka_unit_test(without_a_0x7f_it_says_nothing_and_leaves_pa9_alone),
        cmocka_unit_test(only_the_shape_of_a_0x7f_counts_as_one),
        cmocka_unit_test(pulses_shorter_than_a_bit_at_the_fastest_rate_are_noise),
        cmocka_unit_test(junk_beside_a_busy_vcp_does_no_lasting_harm),
        cmocka_unit_test(a_0x7f_at_the_present_rate_disturbs_no_answer),
        cmocka_unit_test(a_new_rate_does_not_get_the_rest_of_an_old_answer),
        cmocka_unit_test(a_line_that_is_held_low_and_then_let_go_locks_nothing_up),
        cmocka_unit_test(without_the_policy_bit_no_pin_is_touched),
        cmocka_unit_test(with_the_policy_bit_an_open_line_is_pulled_up),
        cmocka_unit_test(a_byte_with_a_wrong_parity_is_dropped),
        cmocka_unit_test(each_port_is_answered_on_its_own),
        cmocka_unit_test(opening_the_vcp_makes_it_the_active_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
