/* SPDX-License-Identifier: MIT */
/* Which ports could be a device? By libserialport. */
#ifndef VCPBOOT_ENUMERATE_H
#define VCPBOOT_ENUMERATE_H

#include <stddef.h>
#include <stdint.h>

#include "host/lib/fault.h"

struct port_entry { char path[256], serial[64], description[128]; };

struct vcpboot_ports {
    uint32_t count;
    struct port_entry entry[];
};

/* Ports of this USB id. On success *out is the caller's, to be freed by free(). */
int enumerate_ports(struct vcpboot_ports **out, uint16_t vid, uint16_t pid, struct fault *f);
/* The same of the ports that are named in a folder like /sys/class/tty; a name that is no port any more is passed over. */
int enumerate_class(const char *folder, struct vcpboot_ports **out, uint16_t vid, uint16_t pid, struct fault *f);
/* The USB serial number of the port at path; "" if it has none (a pty). */
void enumerate_serial_of(const char *path, char *out, size_t cap);

#endif
