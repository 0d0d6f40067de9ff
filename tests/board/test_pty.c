/* SPDX-License-Identifier: MIT */
/* The pty bridge, from a program's open() down to the device's endpoints. */
/* Sources: Linux cdc-acm.c: what opening, setting and closing a tty sends to the device */
#include "tests/board/usb_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "board/bridge/pty.h"
#include "board/bridge/vcp.h"

struct pty_fixture {
    struct usb_fixture *usb;
    struct vcp_bridge *bridge;
    char dir[32], link[64];
};

static int setup(void **state)
{
    struct pty_fixture *p = calloc(1, sizeof *p);
    void *usb = NULL;

    usb_setup(&usb);
    p->usb = usb;
    snprintf(p->dir, sizeof p->dir, "/tmp/vcpXXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->link, sizeof p->link, "%s/port", p->dir);
    p->bridge = vcp_bridge_new(p->usb->chip, p->usb->host, p->link);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct pty_fixture *p = *state;
    void *usb = p->usb;
    int result;

    vcp_bridge_free(p->bridge);
    result = usb_teardown(&usb);
    unlink(p->link);
    if (rmdir(p->dir) != 0)
        result = -1;
    free(p);
    return result;
}

#define pty_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* Virtual time and polls in turn, as the board's main loop runs them. */
static void spin(struct pty_fixture *p, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        fake_poll(p->usb->chip, 0);
        run_ms(p->usb, 1);
    }
    fake_poll(p->usb->chip, 0);
}

static void wait_for_link(struct pty_fixture *p)
{
    struct stat st;

    if (!p->usb->dev.running)
        dev_start(&p->usb->dev);
    for (int i = 0; i < 100 && lstat(p->link, &st) != 0; i++)
        spin(p, 10);
    assert_int_equal(lstat(p->link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    spin(p, 5);
}

static int open_raw(struct pty_fixture *p, speed_t speed)
{
    int fd = open(p->link, O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct termios t;

    assert_true(fd >= 0);
    assert_int_equal(tcgetattr(fd, &t), 0);
    cfmakeraw(&t);
    cfsetspeed(&t, speed);
    assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
    return fd;
}

static uint32_t baud(const struct pty_fixture *p)
{
    const uint8_t *lc = p->usb->dev.line_coding;

    return (uint32_t)lc[0] | (uint32_t)lc[1] << 8 | (uint32_t)lc[2] << 16 | (uint32_t)lc[3] << 24;
}

/* --- the link ---------------------------------------------------------------------------------------------------------------- */

static void the_link_is_there_only_while_the_device_is_configured(void **state)
{
    struct pty_fixture *p = *state;
    struct stat st;

    assert_int_equal(lstat(p->link, &st), -1);
    wait_for_link(p);
    set_reg(p->usb, R_DCTL, 2);
    spin(p, 2);
    assert_int_equal(lstat(p->link, &st), -1);
    set_reg(p->usb, R_DCTL, 0);
    wait_for_link(p);
}

static void a_stale_link_is_replaced_and_a_file_is_not(void **state)
{
    struct pty_fixture *p = *state;
    struct stat st;
    char target[64];
    ssize_t n;
    FILE *file;

    assert_int_equal(symlink("/nowhere", p->link), 0);
    dev_start(&p->usb->dev);
    spin(p, 500);
    n = readlink(p->link, target, sizeof target);
    assert_true(n > 9 && memcmp(target, "/dev/pts/", 9) == 0);
    usbhost_unplug(p->usb->host);
    spin(p, 2);
    file = fopen(p->link, "w");
    assert_non_null(file);
    fclose(file);
    usbhost_replug(p->usb->host);
    spin(p, 500);
    assert_int_equal(lstat(p->link, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void a_fresh_port_is_in_line_mode_with_echo_at_9600(void **state)
{
    struct pty_fixture *p = *state;
    struct termios t;
    int fd;

    wait_for_link(p);
    fd = open(p->link, O_RDWR | O_NOCTTY);
    assert_int_equal(tcgetattr(fd, &t), 0);
    assert_int_equal(t.c_lflag & (ECHO | ICANON), ECHO | ICANON);
    assert_int_equal(cfgetospeed(&t), B9600);
    close(fd);
}

static void whoever_has_the_port_open_sees_a_hangup_when_the_device_leaves(void **state)
{
    struct pty_fixture *p = *state;
    struct pollfd q = { .events = POLLIN };
    char c;

    wait_for_link(p);
    q.fd = open_raw(p, B115200);
    spin(p, 5);
    dev_stop(&p->usb->dev);
    fake_reset(p->usb->chip, RESET_SOFTWARE);
    spin(p, 2);
    assert_int_equal(poll(&q, 1, 0), 1);
    assert_true(q.revents & POLLHUP);
    assert_true(read(q.fd, &c, 1) <= 0);
    assert_int_equal(write(q.fd, "x", 1), -1);
    assert_int_equal(errno, EIO);
    close(q.fd);
}

/* --- lines and settings ---------------------------------------------------------------------------------------------------------- */

static void opening_raises_dtr_and_rts_and_closing_drops_them(void **state)
{
    struct pty_fixture *p = *state;
    int fd;

    wait_for_link(p);
    assert_int_equal(p->usb->dev.line_state, 0);
    fd = open_raw(p, B115200);
    spin(p, 5);
    assert_int_equal(p->usb->dev.line_state, 3);
    assert_int_equal(baud(p), 115200);
    assert_int_equal(p->usb->dev.line_coding[6], 8);
    close(fd);
    spin(p, 5);
    assert_int_equal(p->usb->dev.line_state, 0);
}

static void a_change_of_speed_while_open_reaches_the_device(void **state)
{
    struct pty_fixture *p = *state;
    struct termios t;
    int fd;

    wait_for_link(p);
    fd = open_raw(p, B9600);
    spin(p, 5);
    assert_int_equal(baud(p), 9600);
    assert_int_equal(tcgetattr(fd, &t), 0);
    cfsetspeed(&t, B57600);
    t.c_cflag |= CSTOPB;
    assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
    spin(p, 6);
    assert_int_equal(baud(p), 57600);
    assert_int_equal(p->usb->dev.line_coding[4], 2);
    close(fd);
}

static void a_1200_baud_touch_within_one_poll_is_seen_whole(void **state)
{
    struct pty_fixture *p = *state;
    unsigned states;

    wait_for_link(p);
    states = p->usb->dev.line_states;
    close(open_raw(p, B1200));
    spin(p, 10);
    assert_int_equal(baud(p), 1200);
    assert_int_equal(p->usb->dev.line_states, states + 2);  /* up and down */
    assert_int_equal(p->usb->dev.line_state, 0);
    close(open_raw(p, B1200));                              /* and again, though nothing has changed */
    spin(p, 10);
    assert_int_equal(p->usb->dev.line_states, states + 4);
}

static void whoever_opens_the_port_right_behind_the_last_user_raises_dtr_anew(void **state)
{
    struct pty_fixture *p = *state;
    unsigned states;
    int fd;

    wait_for_link(p);
    fd = open_raw(p, B115200);
    spin(p, 5);
    states = p->usb->dev.line_states;
    for (unsigned i = 1; i <= 3; i++) {
        close(fd);
        fd = open_raw(p, B115200);      /* nothing was looked at in between */
        spin(p, 10);
        assert_int_equal(p->usb->dev.line_states, states + 2 * i);     /* down and up */
        assert_int_equal(p->usb->dev.line_state, 3);
    }
    close(fd);
}

static void a_second_program_on_an_open_port_changes_nothing(void **state)
{
    struct pty_fixture *p = *state;
    unsigned states;
    int first, second;

    wait_for_link(p);
    first = open_raw(p, B115200);
    spin(p, 5);
    states = p->usb->dev.line_states;
    second = open_raw(p, B115200);
    spin(p, 5);
    close(first);
    spin(p, 5);
    assert_int_equal(p->usb->dev.line_states, states);
    close(second);
    spin(p, 5);
    assert_int_equal(p->usb->dev.line_states, states + 1);
}

static void speed_comes_before_the_data_that_follow_it(void **state)
{
    struct pty_fixture *p = *state;
    int fd;

    wait_for_link(p);
    p->usb->dev.hold_out = true;
    fd = open_raw(p, B19200);
    assert_int_equal(write(fd, "data", 4), 4);
    spin(p, 1);
    assert_int_equal(baud(p), 19200);
    close(fd);
    p->usb->dev.hold_out = false;
    spin(p, 10);
    assert_int_equal(p->usb->dev.rx_bytes, 4);
}

/* --- bytes ------------------------------------------------------------------------------------------------------------------------ */

static void bytes_cross_both_ways(void **state)
{
    struct pty_fixture *p = *state;
    char buf[64];
    int fd;

    p->usb->dev.echo = true;
    wait_for_link(p);
    fd = open_raw(p, B115200);
    assert_int_equal(write(fd, "hello, device", 13), 13);
    spin(p, 10);
    assert_int_equal(p->usb->dev.rx_bytes, 13);
    assert_int_equal(read(fd, buf, sizeof buf), 13);
    assert_memory_equal(buf, "hello, device", 13);
    close(fd);
}

static void data_written_just_before_close_reach_the_device_before_dtr_falls(void **state)
{
    struct pty_fixture *p = *state;
    static const char first[64], last[] = "last words";
    int fd;

    wait_for_link(p);
    p->usb->dev.hold_out = true;        /* the transfer that is armed already takes the first packet */
    fd = open_raw(p, B115200);
    spin(p, 5);
    assert_int_equal(write(fd, first, sizeof first), sizeof first);
    assert_int_equal(write(fd, last, sizeof last), sizeof last);
    close(fd);
    spin(p, 50);
    assert_int_equal(p->usb->dev.rx_bytes, 64);
    assert_int_equal(p->usb->dev.line_state, 3);
    p->usb->dev.hold_out = false;
    spin(p, 20);
    assert_int_equal(p->usb->dev.rx_bytes, 64 + sizeof last);
    assert_string_equal((char *)p->usb->dev.rx + 64, last);
    assert_int_equal(p->usb->dev.line_state, 0);
}

static void a_device_that_never_takes_the_last_data_is_left_after_30_seconds(void **state)
{
    struct pty_fixture *p = *state;
    static const char data[128];
    int fd;

    wait_for_link(p);
    p->usb->dev.hold_out = true;
    fd = open_raw(p, B115200);
    assert_int_equal(write(fd, data, sizeof data), sizeof data);
    close(fd);
    spin(p, 10);
    run_ms(p->usb, 29000);
    assert_int_equal(p->usb->dev.line_state, 3);
    run_ms(p->usb, 1100);
    assert_int_equal(p->usb->dev.line_state, 0);
    assert_int_equal(usbhost_cdc_pending(p->usb->host), 0);
}

static void a_slow_device_throttles_the_writer_and_loses_nothing(void **state)
{
    struct pty_fixture *p = *state;
    static uint8_t data[60000];
    size_t sent = 0;
    int fd;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31U + i / 256U);
    wait_for_link(p);
    p->usb->dev.hold_out = true;
    fd = open_raw(p, B115200);
    for (int i = 0; i < 50; i++) {
        ssize_t n = write(fd, data + sent, sizeof data - sent);

        sent += n > 0 ? (size_t)n : 0;
        spin(p, 2);
    }
    assert_true(sent < sizeof data);    /* the writer is held up */
    assert_true(p->usb->dev.rx_bytes <= 64);
    p->usb->dev.hold_out = false;
    for (int i = 0; i < 500 && p->usb->dev.rx_bytes < sizeof data; i++) {
        ssize_t n = write(fd, data + sent, sizeof data - sent);

        sent += n > 0 ? (size_t)n : 0;
        spin(p, 2);
    }
    assert_int_equal(p->usb->dev.rx_bytes, sizeof data);
    assert_memory_equal(p->usb->dev.rx, data, sizeof data);
    close(fd);
}

static void a_reader_who_lags_throttles_the_device_and_loses_nothing(void **state)
{
    struct pty_fixture *p = *state;
    static uint8_t data[60000], got[60000];
    size_t have = 0;
    int fd;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 13U + i / 256U);
    wait_for_link(p);
    fd = open_raw(p, B115200);
    spin(p, 5);
    dev_send(&p->usb->dev, data, sizeof data);
    spin(p, 200);
    assert_true(p->usb->dev.tx_sent < sizeof data);
    for (int i = 0; i < 2000 && have < sizeof data; i++) {
        ssize_t n = read(fd, got + have, 700);

        have += n > 0 ? (size_t)n : 0;
        spin(p, 1);
    }
    assert_int_equal(have, sizeof data);
    assert_memory_equal(got, data, sizeof data);
    close(fd);
}

static void what_the_last_user_did_not_read_does_not_greet_the_next(void **state)
{
    struct pty_fixture *p = *state;
    char buf[64];
    int fd;

    wait_for_link(p);
    fd = open_raw(p, B115200);
    spin(p, 5);
    dev_send(&p->usb->dev, "old", 3);
    spin(p, 5);
    close(fd);
    spin(p, 5);
    fd = open_raw(p, B115200);
    spin(p, 5);
    assert_int_equal(read(fd, buf, sizeof buf), -1);
    dev_send(&p->usb->dev, "new", 3);
    spin(p, 5);
    assert_int_equal(read(fd, buf, sizeof buf), 3);
    assert_memory_equal(buf, "new", 3);
    close(fd);
}

static void with_nobody_on_the_port_nothing_is_polled_and_nothing_fetched(void **state)
{
    struct pty_fixture *p = *state;
    int fd;

    wait_for_link(p);
    fd = open_raw(p, B115200);
    spin(p, 5);
    close(fd);
    spin(p, 5);
    dev_send(&p->usb->dev, "unheard", 7);
    spin(p, 20);
    assert_true(p->usb->dev.tx_busy);
    assert_int_equal(fake_poll(p->usb->chip, 0), 0);        /* a closed master would be ready for ever */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        pty_test(the_link_is_there_only_while_the_device_is_configured),
        pty_test(a_stale_link_is_replaced_and_a_file_is_not),
        pty_test(a_fresh_port_is_in_line_mode_with_echo_at_9600),
        pty_test(whoever_has_the_port_open_sees_a_hangup_when_the_device_leaves),
        pty_test(opening_raises_dtr_and_rts_and_closing_drops_them),
        pty_test(a_change_of_speed_while_open_reaches_the_device),
        pty_test(a_1200_baud_touch_within_one_poll_is_seen_whole),
        pty_test(whoever_opens_the_port_right_behind_the_last_user_raises_dtr_anew),
        pty_test(a_second_program_on_an_open_port_changes_nothing),
        pty_test(speed_comes_before_the_data_that_follow_it),
        pty_test(bytes_cross_both_ways),
        pty_test(data_written_just_before_close_reach_the_device_before_dtr_falls),
        pty_test(a_device_that_never_takes_the_last_data_is_left_after_30_seconds),
        pty_test(a_slow_device_throttles_the_writer_and_loses_nothing),
        pty_test(a_reader_who_lags_throttles_the_device_and_loses_nothing),
        pty_test(what_the_last_user_did_not_read_does_not_greet_the_next),
        pty_test(with_nobody_on_the_port_nothing_is_polled_and_nothing_fetched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
