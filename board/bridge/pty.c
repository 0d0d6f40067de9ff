/* SPDX-License-Identifier: MIT */
/* The pty: who has it open, with which settings, and the bytes both ways.
 *
 * Open and close are levels (POLLHUP on the master) plus a wake-up by inotify, which also remembers an opening that is over
 * before anybody looked, and a closing behind which the next one has opened it already. Settings are compared before each delivery of data, and every 2 ms while open. */
/* Sources: Linux drivers/tty/pty.c, n_tty.c; inotify(7); symlink(2), rename(2); tty_ioctl(4) */
#include "board/bridge/pty.h"

#include <asm/termbits.h>               /* struct termios2: any baud rate as a number. <termios.h> must stay out. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/xalloc.h"

#define TICK_OPEN VTIME_MS(2)
#define TICK_NO_INOTIFY VTIME_MS(10)    /* without it, closed ptys have to be looked at */
#define CHUNK 1024U
#define OUT_MAX 4096U
#define FRESH_BAUD 9600U

struct pty {
    struct chip *chip;
    struct pty_client client;
    int master;
    char name[64];
    char link[PATH_MAX];
    struct chip_fd master_fd, notify_fd;
    struct sched_event tick;
    unsigned users;                     /* how often it is open, as far as inotify told */
    unsigned own_opens, own_closes;     /* of what inotify will tell, our own part */
    bool open, hung_up;                 /* hung_up: the slave is closed, what it wrote last is still being delivered */
    struct termios2 last;
    uint8_t out[OUT_MAX];               /* for the reader, when the kernel's buffer is full */
    size_t out_bytes;
    bool stalled;                       /* pty_write() took less than it was given */
};

/* --- settings ---------------------------------------------------------------------------------------------------------- */

static bool read_settings(const struct pty *p, struct termios2 *t)
{
    return ioctl(p->master, TCGETS2, t) == 0;
}

static struct line_format format_of(const struct termios2 *t)
{
    static const uint8_t sizes[] = { 5, 6, 7, 8 };
    struct line_format f = { .baud = t->c_ospeed, .stop_bits = t->c_cflag & CSTOPB ? 2 : 1 };

    f.data_bits = sizes[(t->c_cflag & CSIZE) / CS6];
    if (t->c_cflag & PARENB)
        f.parity = t->c_cflag & PARODD ? LINE_PARITY_ODD : LINE_PARITY_EVEN;
    if ((t->c_cflag & CBAUD) == B0)
        f.baud = 0;
    return f;
}

static bool line_differs(const struct termios2 *a, const struct termios2 *b)
{
    return a->c_ospeed != b->c_ospeed || ((a->c_cflag ^ b->c_cflag) & (CBAUD | CSIZE | CSTOPB | PARENB | PARODD)) != 0;
}

/* --- open, closed -------------------------------------------------------------------------------------------------------- */

static bool no_slave(const struct pty *p)
{
    struct pollfd q = { .fd = p->master, .events = 0 };

    return poll(&q, 1, 0) > 0 && (q.revents & POLLHUP);
}

/* What has happened since the last look. */
struct openings {
    bool any;
    bool anew;                          /* ... behind a moment in which nobody had it open */
};

static void count_opening(struct pty *p, uint32_t mask, struct openings *seen)
{
    unsigned *own = mask & IN_OPEN ? &p->own_opens : &p->own_closes;

    if (*own > 0) {                     /* which of several is ours does not matter */
        (*own)--;
    } else if (mask & IN_OPEN) {
        seen->anew = seen->anew || p->users == 0;
        seen->any = true;
        p->users++;
    } else if (p->users > 0) {
        p->users--;
    }
}

static struct openings drain_notifications(struct pty *p)
{
    char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    struct openings seen = { false, false };
    ssize_t n;

    if (p->notify_fd.fd < 0)
        return seen;
    while ((n = read(p->notify_fd.fd, buf, sizeof buf)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)(buf + at);

            count_opening(p, e->mask, &seen);
            at += (ssize_t)(sizeof *e + e->len);
        }
    }
    return seen;
}

/* What the slave had not read when it was closed would greet the next one who opens it; a serial port forgets it. */
static void forget_unread(struct pty *p)
{
    int slave = open(p->name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (slave >= 0) {
        ioctl(slave, TCFLSH, TCIFLUSH);
        close(slave);
        p->own_opens++;
        p->own_closes++;
    }
}

static void update_watch(struct pty *p)
{
    bool listening = p->open && !p->hung_up;    /* a hung-up master is always "ready": only the tick looks at it */
    short events = 0;

    if (p->client.room(p->client.owner) > 0)
        events |= POLLIN;
    if (p->out_bytes > 0)
        events |= POLLOUT;
    p->master_fd.fd = listening ? p->master : -1;
    p->master_fd.events = events;
    if (p->tick.armed)
        return;
    if (p->open)
        sched_after(chip_sched(p->chip), &p->tick, TICK_OPEN);
    else if (p->notify_fd.fd < 0)
        sched_after(chip_sched(p->chip), &p->tick, TICK_NO_INOTIFY);
}

static void report_settings(struct pty *p)
{
    struct termios2 now;
    struct line_format f;

    if (!read_settings(p, &now) || !line_differs(&now, &p->last))
        return;
    p->last = now;
    f = format_of(&now);
    p->client.settings(p->client.owner, &f);
}

static void report_open(struct pty *p)
{
    struct line_format f;

    read_settings(p, &p->last);
    f = format_of(&p->last);
    p->open = true;
    p->client.opened(p->client.owner, &f);
}

static void report_closed(struct pty *p)
{
    p->open = p->hung_up = p->stalled = false;
    p->out_bytes = 0;
    forget_unread(p);
    p->client.closed(p->client.owner);
}

/* A driver drops DTR for whoever closes last and raises it for whoever opens next, however fast that is. What the two wrote
 * cannot be told apart here: it counts as the second one's. */
static void report_reopened(struct pty *p)
{
    report_closed(p);
    report_open(p);
}

/* --- bytes ----------------------------------------------------------------------------------------------------------------- */

/* Delivers what the slave wrote, as far as there is room. true: all of it, and the slave is closed. */
static bool deliver(struct pty *p)
{
    uint8_t buf[CHUNK];

    for (;;) {
        size_t room = p->client.room(p->client.owner);
        ssize_t n;

        if (room == 0)
            return false;
        n = read(p->master, buf, room < sizeof buf ? room : sizeof buf);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EIO;
        p->client.bytes(p->client.owner, buf, (size_t)n);
    }
}

static void flush_out(struct pty *p)
{
    ssize_t n;

    while (p->out_bytes > 0 && (n = write(p->master, p->out, p->out_bytes)) > 0) {
        p->out_bytes -= (size_t)n;
        memmove(p->out, p->out + n, p->out_bytes);
    }
    if (p->out_bytes == 0 && p->stalled) {
        p->stalled = false;
        p->client.drained(p->client.owner);
    }
}

/* The one place where everything is looked at, in the order in which it happened: open, settings, bytes, close. */
static void look(struct pty *p)
{
    struct openings seen = drain_notifications(p);
    bool gone = no_slave(p);
    struct termios2 now;
    bool touched = read_settings(p, &now) && line_differs(&now, &p->last);

    if (!p->open && (!gone || seen.any || touched))
        report_open(p);
    else if (p->open && seen.anew)
        report_reopened(p);
    if (p->open) {
        report_settings(p);
        p->hung_up = gone;
        if (!gone)
            flush_out(p);
        if (deliver(p))
            report_closed(p);
    }
    update_watch(p);
}

static void on_fd(void *owner, short revents)
{
    (void)revents;
    look(owner);
}

static void on_tick(void *owner)
{
    look(owner);
}

size_t pty_write(struct pty *p, const uint8_t *data, size_t bytes)
{
    size_t room = OUT_MAX - p->out_bytes;
    size_t taken = bytes < room ? bytes : room;

    if (!p->open || p->hung_up)
        return 0;
    memcpy(p->out + p->out_bytes, data, taken);
    p->out_bytes += taken;
    p->stalled = false;
    flush_out(p);
    p->stalled = p->out_bytes > 0;
    update_watch(p);
    return taken;
}

bool pty_full(const struct pty *p)
{
    return p->out_bytes > 0;
}

void pty_resume(struct pty *p)
{
    if (p->open)
        sched_after(chip_sched(p->chip), &p->tick, 0);
}

const char *pty_name(const struct pty *p)
{
    return p->name;
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static bool link_is_free(const char *link)
{
    struct stat st;

    if (lstat(link, &st) != 0 || S_ISLNK(st.st_mode))
        return true;
    fprintf(stderr, "vcpboard: %s exists and is not a symbolic link\n", link);
    return false;
}

/* Made under another name and renamed, so that whoever looks finds the old link, no link, or the new one. */
static bool make_link(struct pty *p)
{
    char temporary[PATH_MAX + 24];

    if (!link_is_free(p->link))
        return false;
    snprintf(temporary, sizeof temporary, "%s.%ld.new", p->link, (long)getpid());
    unlink(temporary);
    if (symlink(p->name, temporary) == 0) {
        if (rename(temporary, p->link) == 0)
            return true;
        unlink(temporary);
    }
    fprintf(stderr, "vcpboard: cannot create %s: %s\n", p->link, strerror(errno));
    return false;
}

static void remove_link(const struct pty *p)
{
    char target[PATH_MAX];
    ssize_t n = readlink(p->link, target, sizeof target - 1);

    if (n < 0)
        return;
    target[n] = '\0';
    if (strcmp(target, p->name) == 0)
        unlink(p->link);
}

static void set_fresh_speed(struct pty *p)
{
    struct termios2 t;

    if (!read_settings(p, &t))
        return;
    t.c_cflag = (t.c_cflag & ~(tcflag_t)CBAUD) | B9600;
    t.c_ispeed = t.c_ospeed = FRESH_BAUD;
    ioctl(p->master, TCSETS2, &t);
    read_settings(p, &p->last);
}

static bool open_master(struct pty *p)
{
    int slave;

    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) != 0 || unlockpt(p->master) != 0
        || ptsname_r(p->master, p->name, sizeof p->name) != 0) {
        fprintf(stderr, "vcpboard: no pseudo terminal: %s\n", strerror(errno));
        return false;
    }
    slave = open(p->name, O_RDWR | O_NOCTTY | O_CLOEXEC);   /* only after a first close does the master show POLLHUP */
    if (slave >= 0)
        close(slave);
    set_fresh_speed(p);
    return true;
}

static int watch_opens(const char *name)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (fd >= 0 && inotify_add_watch(fd, name, IN_OPEN | IN_CLOSE) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void close_all(struct pty *p)
{
    if (p->master >= 0)
        close(p->master);
    if (p->notify_fd.fd >= 0)
        close(p->notify_fd.fd);
    free(p);
}

struct pty *pty_new(struct chip *c, const char *link, const struct pty_client *client)
{
    struct pty *p = xcalloc(1, sizeof *p);

    p->chip = c;
    p->client = *client;
    p->master = -1;
    p->notify_fd.fd = -1;
    snprintf(p->link, sizeof p->link, "%s", link);
    if (!open_master(p)) {
        close_all(p);
        return NULL;
    }
    p->notify_fd = (struct chip_fd){ .fd = watch_opens(p->name), .events = POLLIN, .ready = on_fd, .owner = p };
    p->master_fd = (struct chip_fd){ .fd = -1, .ready = on_fd, .owner = p };
    p->tick = (struct sched_event){ .fire = on_tick, .owner = p };
    if (!make_link(p)) {
        close_all(p);
        return NULL;
    }
    chip_watch_fd(c, &p->notify_fd);
    chip_watch_fd(c, &p->master_fd);
    update_watch(p);
    return p;
}

void pty_free(struct pty *p)
{
    if (p == NULL)
        return;
    remove_link(p);
    sched_cancel(chip_sched(p->chip), &p->tick);
    chip_unwatch_fd(p->chip, &p->notify_fd);
    chip_unwatch_fd(p->chip, &p->master_fd);
    close_all(p);
}
