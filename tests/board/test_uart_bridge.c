/* SPDX-License-Identifier: MIT */
/* A USART of the chip as a pty: bytes both ways, at the line's pace and in the USART's format. */
/* Sources: RM0090 §30.6 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "board/bridge/uart.h"
#include "tests/board/fake_chip.h"

#define USART1 0x40011000U
#define USART_SR (USART1 + 0x00U)
#define USART_DR (USART1 + 0x04U)
#define USART_BRR (USART1 + 0x08U)
#define USART_CR1 (USART1 + 0x0CU)
#define PE (1U << 0)
#define RXNE (1U << 5)
#define TXE (1U << 7)
#define CR1_8E1 (1U << 13 | 1U << 12 | 1U << 10 | 1U << 3 | 1U << 2)    /* UE, M, PCE, TE, RE */
#define BRR_115200 139U                 /* 16 MHz */
#define FRAME VTIME_US(96)              /* eleven bits */

struct fixture {
    struct chip *chip;
    struct usart *usart;
    struct uart_bridge *bridge;
    char dir[32], link[64];
    int fd;
};

static int open_port(const struct fixture *f, speed_t speed)
{
    int fd = open(f->link, O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct termios t;

    assert_true(fd >= 0);
    assert_int_equal(tcgetattr(fd, &t), 0);
    cfmakeraw(&t);
    cfsetspeed(&t, speed);
    assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
    return fd;
}

static int setup_line(void **state, const struct line_format *format)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->chip = fake_chip_new();
    f->usart = usart_new(f->chip, 1);
    snprintf(f->dir, sizeof f->dir, "/tmp/uartXXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->link, sizeof f->link, "%s/port", f->dir);
    f->bridge = uart_bridge_new(f->chip, f->usart, f->link, format);
    assert_non_null(f->bridge);
    fake_write32(f->chip, USART_BRR, BRR_115200);
    fake_write32(f->chip, USART_CR1, CR1_8E1);
    fake_run(f->chip, VTIME_MS(2));     /* the idle frame that TE sends */
    f->fd = -1;
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_line(state, NULL);
}

static int setup_8n1(void **state)
{
    return setup_line(state, &(struct line_format){ .data_bits = 8, .stop_bits = 1, .parity = LINE_PARITY_NONE });
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->fd >= 0)
        close(f->fd);
    uart_bridge_free(f->bridge);
    usart_free(f->usart);
    fake_chip_free(f->chip);
    if (rmdir(f->dir) != 0)
        return -1;                      /* the link is still there */
    free(f);
    return 0;
}

static void look(struct fixture *f)
{
    fake_poll(f->chip, 0);
    fake_run(f->chip, VTIME_US(1));
}

static void what_the_chip_sends_is_read_from_the_terminal(void **state)
{
    struct fixture *f = *state;
    char buf[8];

    f->fd = open_port(f, B115200);
    look(f);
    for (const char *p = "chip"; *p != '\0'; p++) {
        assert_true(fake_read32(f->chip, USART_SR) & TXE);
        fake_write32(f->chip, USART_DR, (uint8_t)*p);
        fake_run(f->chip, VTIME_US(200));
    }
    look(f);
    assert_int_equal(read(f->fd, buf, sizeof buf), 4);
    assert_memory_equal(buf, "chip", 4);
}

static void what_the_terminal_sends_arrives_frame_by_frame_with_good_parity(void **state)
{
    struct fixture *f = *state;

    f->fd = open_port(f, B115200);
    look(f);
    assert_int_equal(write(f->fd, "\x7F\x01", 2), 2);
    fake_poll(f->chip, 0);
    fake_run(f->chip, FRAME - VTIME_US(2));
    assert_int_equal(fake_read32(f->chip, USART_SR) & RXNE, 0);
    fake_run(f->chip, VTIME_US(4));
    assert_int_equal(fake_read32(f->chip, USART_SR) & (RXNE | 0xFU), RXNE);
    assert_int_equal(fake_read32(f->chip, USART_DR) & 0xFFU, 0x7F);
    fake_run(f->chip, FRAME);
    assert_int_equal(fake_read32(f->chip, USART_DR) & 0xFFU, 0x01);
}

static void another_baud_rate_garbles_the_bytes_both_ways(void **state)
{
    struct fixture *f = *state;
    char c;

    f->fd = open_port(f, B57600);
    look(f);
    fake_write32(f->chip, USART_DR, 'A');
    fake_run(f->chip, VTIME_US(200));
    look(f);
    assert_int_equal(read(f->fd, &c, 1), 1);
    assert_int_not_equal(c, 'A');
    assert_int_equal(write(f->fd, "B", 1), 1);
    fake_poll(f->chip, 0);
    fake_run(f->chip, VTIME_US(400));
    assert_int_not_equal(fake_read32(f->chip, USART_SR) & 0xFU, 0);
}

static void a_line_of_a_given_format_is_another_than_the_usarts(void **state)
{
    struct fixture *f = *state;
    char c;

    f->fd = open_port(f, B115200);
    look(f);
    assert_int_equal(write(f->fd, "\x03", 1), 1);        /* two ones: the stop bit stands where their parity should be 0 */
    fake_poll(f->chip, 0);
    fake_run(f->chip, FRAME);
    assert_int_equal(fake_read32(f->chip, USART_SR) & (RXNE | PE), RXNE | PE);
    fake_write32(f->chip, USART_DR, 'A');
    fake_run(f->chip, VTIME_US(200));
    look(f);
    assert_int_equal(read(f->fd, &c, 1), 1);
    assert_int_not_equal(c, 'A');
}

#define test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_the_chip_sends_is_read_from_the_terminal),
        test(what_the_terminal_sends_arrives_frame_by_frame_with_good_parity),
        test(another_baud_rate_garbles_the_bytes_both_ways),
        cmocka_unit_test_setup_teardown(a_line_of_a_given_format_is_another_than_the_usarts, setup_8n1, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
