/* SPDX-License-Identifier: MIT */
/* A pseudo terminal that stands for a serial port: a program on the PC opens LINK as it would open /dev/ttyACM0.
 *
 * The terminal starts as a fresh ttyACM does: the kernel's default settings (echo on, line mode), 9600 baud. The kernel keeps
 * a pty at eight data bits without parity, and tells nobody of tcsendbreak(): those two cannot be seen here. */
/* Sources: Linux drivers/tty/pty.c (POLLHUP while no slave is open, what pty_set_termios keeps); inotify(7); pts(4) */
#ifndef VCPBOARD_BRIDGE_PTY_H
#define VCPBOARD_BRIDGE_PTY_H

#include "board/bridge/line.h"
#include "board/chip.h"

struct pty;

/* Called from the chip's fd polls and events. opened() and closed() alternate; bytes() and settings() come in between. An
 * opening and closing within one look still gives both, with the settings as they were left; so does a closing and opening
 * again, but then bytes() brings what was written before both only behind them. */
struct pty_client {
    void *owner;
    void (*opened)(void *owner, const struct line_format *settings);
    void (*settings)(void *owner, const struct line_format *settings);
    size_t (*room)(void *owner);        /* bytes that bytes() may bring now; 0: call pty_resume() when that changes */
    void (*bytes)(void *owner, const uint8_t *data, size_t bytes);
    void (*drained)(void *owner);       /* pty_write() takes data again */
    void (*closed)(void *owner);        /* all that was written before has been delivered */
};

/* Creates the terminal and, atomically, the symbolic link. NULL after a line on stderr: no pty, or LINK is something that
 * is not a symbolic link. */
struct pty *pty_new(struct chip *c, const char *link, const struct pty_client *client);
/* Whoever has the terminal open gets EIO and a hang-up; the link goes if it is still ours. closed() is not called. */
void pty_free(struct pty *p);

size_t pty_write(struct pty *p, const uint8_t *data, size_t bytes);    /* returns the bytes taken; 0 while closed */
bool pty_full(const struct pty *p);                                    /* the reader lags: drained() will come */
void pty_resume(struct pty *p);                                        /* room() has grown */
const char *pty_name(const struct pty *p);                             /* "/dev/pts/7" */

#endif
