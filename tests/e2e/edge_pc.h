/* SPDX-License-Identifier: MIT */
/* Clients that wait no longer than the real ones do, in virtual time: lrzsz's sb and stm32flash on the COM port. */
#ifndef VCPBOOT_TESTS_EDGE_PC_H
#define VCPBOOT_TESTS_EDGE_PC_H

#include "tests/e2e/dfu_desk.h"

struct edge_pc {
    struct dfu_desk desk;
    bool no_verify;                     /* stm32flash without -v */
    struct { const char *what; unsigned waited_ms, limit_ms; } closest;        /* the wait that came closest to its limit */
};

/* A wait has ended: fails the test if it was too long. */
void edge_waited(struct edge_pc *pc, const char *what, vtime since, unsigned limit_ms);

/* The COM port is there; both end with the device's last answer, the application not started yet. */
void edge_sb(struct edge_pc *pc, const uint8_t *image, size_t n);
/* -w FILE -S 0x08010000 -v -g 0x08010000 */
void edge_stm32flash(struct edge_pc *pc, const uint8_t *image, size_t n);

#endif
