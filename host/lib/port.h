/* SPDX-License-Identifier: MIT */
/* A serial port, a clock and a nap: all that libvcpboot asks of the operating system. port_posix.c implements it. */
#ifndef VCPBOOT_PORT_H
#define VCPBOOT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/fault.h"

struct port;

enum port_result {
    PORT_OK,
    PORT_GONE,                          /* no such port (any more): worth another look */
    PORT_BUSY,                          /* somebody else has it */
    PORT_DENIED,
    PORT_FAILED,                        /* not a serial port, out of memory... */
};

/* Opens path for this process alone, raw, 8N1, DTR up. Never blocks. On failure f has the sentence. */
enum port_result port_open(struct port **out, const char *path, struct fault *f);
/* Throws away what was not sent: a close must not wait for a device that takes nothing. NULL is allowed. */
void port_close(struct port *p);
/* Neither blocks. Bytes moved, 0 if none now, -1 if the port is gone. */
long port_read(struct port *p, uint8_t *out, size_t cap);
long port_write(struct port *p, const uint8_t *in, size_t n);
/* Until bytes can be read (or, if asked, written), the port is gone, or timeout_ms have passed. */
void port_wait(struct port *p, bool to_write, uint32_t timeout_ms);

/* Opens at 1200 baud and closes with DTR down: the agreed sign for an application to enter the bootloader. */
enum port_result port_touch(const char *path, struct fault *f);

uint32_t port_now_ms(void);             /* monotonic, wraps */
void port_sleep_ms(uint32_t ms);

/* Another process that has path open: its name and number in out. False if none is known. */
bool port_holder(const char *path, char *out, size_t cap);

#endif
