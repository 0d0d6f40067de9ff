/* SPDX-License-Identifier: MIT */
/* Serial ports by termios. */
/* Sources: POSIX.1-2008 termios; Linux tty_ioctl(4), drivers/usb/class/cdc-acm.c */
#include "host/lib/port.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define TOUCH_HOLD_MS 50U               /* the device sees 1200 baud for so long before DTR falls */

struct port {
    int fd;
    bool exclusive;                     /* TIOCEXCL was set */
};

uint32_t port_now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U);
}

void port_sleep_ms(uint32_t ms) { (void)poll(NULL, 0, (int)ms); }

/* --- why it could not be opened ----------------------------------------------------------------------------------------- */

static enum port_result denied(const char *path, struct fault *f)
{
    struct stat st;
    const struct group *group = stat(path, &st) == 0 ? getgrgid(st.st_gid) : NULL;
    const char *name = group && strcmp(group->gr_name, "root") != 0 ? group->gr_name : "dialout";

    (void)fault_set(f, VCPBOOT_E_PERMISSION,
                    "Permission denied on %s: add yourself to the group %s (sudo usermod -aG %s $USER) and log in again, or "
                    "install 60-vcpboot.rules.",
                    path, name, name);
    return PORT_DENIED;
}

static enum port_result busy(const char *path, struct fault *f)
{
    char holder[128];

    if (port_holder(path, holder, sizeof holder))
        (void)fault_set(f, VCPBOOT_E_BUSY, "%s is in use by %s: close that program and try again.", path, holder);
    else
        (void)fault_set(f, VCPBOOT_E_BUSY,
                        "%s is in use by another program: close it and try again ('sudo fuser -v %s' names it).", path, path);
    return PORT_BUSY;
}

static enum port_result open_failed(const char *path, int why, struct fault *f)
{
    switch (why) {
    case EACCES:
    case EPERM: return denied(path, f);
    case EBUSY: return busy(path, f);
    case ENOENT:
    case ENXIO:
    case ENODEV:
    case EIO:
        (void)fault_set(f, VCPBOOT_E_NO_DEVICE,
                        "There is no device on %s: plug it in, and check the name ('vcpboot list' shows what is there).", path);
        return PORT_GONE;
    default:
        (void)fault_set(f, VCPBOOT_E_FAILED, "%s cannot be opened: %s. Is it a serial port?", path, strerror(why));
        return PORT_FAILED;
    }
}

/* --- opening -------------------------------------------------------------------------------------------------------------- */

static int make_raw(int fd, speed_t speed)
{
    struct termios t;

    if (tcgetattr(fd, &t) != 0) return -1;
    cfmakeraw(&t);
    t.c_cflag &= ~(tcflag_t)(CSTOPB | PARENB | CRTSCTS);
    t.c_cflag |= CLOCAL | CREAD | HUPCL;        /* HUPCL: closing lowers DTR, which the touch needs */
    t.c_cc[VMIN] = 1;                           /* with O_NONBLOCK: no data is EAGAIN, and 0 means that the port is gone */
    t.c_cc[VTIME] = 0;
    if (cfsetispeed(&t, speed) != 0 || cfsetospeed(&t, speed) != 0) return -1;
    return tcsetattr(fd, TCSANOW, &t);
}

/* A pseudo terminal keeps TIOCEXCL for as long as its other end lives, even after a holder that was killed. */
static bool is_pty(const char *path)
{
    char real[PATH_MAX];

    return realpath(path, real) && strncmp(real, "/dev/pts/", 9) == 0;
}

static enum port_result give_up(const struct port *p, enum port_result why)
{
    (void)close(p->fd);
    return why;
}

static enum port_result open_fd(struct port *p, const char *path, speed_t speed, struct fault *f)
{
    char holder[128];

    p->exclusive = false;
    p->fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->fd < 0) return open_failed(path, errno, f);
    if (!isatty(p->fd)) return give_up(p, open_failed(path, errno, f));
    /* TIOCEXCL and locks do not stop root, and most terminal programs set neither: two readers would share the answers. */
    if (port_holder(path, holder, sizeof holder)) return give_up(p, busy(path, f));
    if (flock(p->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return give_up(p, busy(path, f));
    if (make_raw(p->fd, speed) != 0) return give_up(p, open_failed(path, errno, f));
    p->exclusive = !is_pty(path) && ioctl(p->fd, TIOCEXCL) == 0;
    (void)tcflush(p->fd, TCIFLUSH);             /* what was said to somebody else */
    return PORT_OK;
}

static void close_fd(struct port *p)
{
    if (p->exclusive) (void)ioctl(p->fd, TIOCNXCL);
    (void)tcflush(p->fd, TCIOFLUSH);            /* cdc_acm would wait up to 30 s for unsent data */
    (void)close(p->fd);
}

enum port_result port_open(struct port **out, const char *path, struct fault *f)
{
    struct port *p = calloc(1, sizeof *p);

    *out = NULL;
    if (!p) {
        (void)fault_set(f, VCPBOOT_E_FAILED, "There is not enough memory.");
        return PORT_FAILED;
    }
    enum port_result r = open_fd(p, path, B115200, f);
    if (r == PORT_OK) *out = p;
    else free(p);
    return r;
}

void port_close(struct port *p)
{
    if (!p) return;
    close_fd(p);
    free(p);
}

enum port_result port_touch(const char *path, struct fault *f)
{
    struct port p;
    int dtr = TIOCM_DTR;
    enum port_result r = open_fd(&p, path, B1200, f);

    if (r != PORT_OK) return r;
    port_sleep_ms(TOUCH_HOLD_MS);
    (void)ioctl(p.fd, TIOCMBIC, &dtr);          /* a pty has no DTR; its close says the same */
    close_fd(&p);
    return PORT_OK;
}

/* --- moving bytes ------------------------------------------------------------------------------------------------------- */

static bool try_again(int why) { return why == EAGAIN || why == EWOULDBLOCK || why == EINTR; }

long port_read(struct port *p, uint8_t *out, size_t cap)
{
    ssize_t n = read(p->fd, out, cap);

    if (n > 0) return (long)n;
    return n < 0 && try_again(errno) ? 0 : -1;
}

long port_write(struct port *p, const uint8_t *in, size_t n)
{
    ssize_t done = write(p->fd, in, n);

    if (done >= 0) return (long)done;
    return try_again(errno) ? 0 : -1;
}

void port_wait(struct port *p, bool to_write, uint32_t timeout_ms)
{
    struct pollfd one = { .fd = p->fd, .events = (short)(POLLIN | (to_write ? POLLOUT : 0)) };

    (void)poll(&one, 1, (int)timeout_ms);
}
