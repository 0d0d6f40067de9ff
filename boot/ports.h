/* SPDX-License-Identifier: MIT */
/* Joins the ports of the bootloader into the one wire that the serve talks to: one port is active at a time. Knows no port by
 * name; compiled for the PC too (docs/SPEC.md "USART1"). */
#ifndef VCPBOOT_PORTS_H
#define VCPBOOT_PORTS_H

#include "boot/serve.h"

#define PORTS 2U

struct port {
    struct serve_wire wire;
    uint32_t window;                    /* image bytes that may be in flight (docs/SPEC.md 5.3) */
};

struct ports {
    const struct port *port;            /* PORTS of them */
    struct port active;                 /* a copy: the serve is given its wire */
    unsigned number;                    /* whose */
};

/* Also the beginning: `port` of a struct that is zero but for its table. */
void ports_use(struct ports *p, unsigned number);
/* To be called while nobody is in the middle of anything: then who speaks has the bootloader. `speaking`: bit n, port n has
 * bytes that nobody has read. The active port comes before the other one. */
void ports_follow(struct ports *p, unsigned speaking);

#endif
