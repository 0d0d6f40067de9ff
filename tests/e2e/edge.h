/* SPDX-License-Identifier: MIT */
/* The edge at which the C tests run the chip: how slow its flash is, and how many bits it programs at once.
 *
 * Chosen by the environment (scripts/edges sets it): VCPBOOT_TEST_TIMING is typ or max, VCPBOOT_TEST_PSIZE is 8, 16 or 32. What is
 * not set is as the test and the firmware's build have it. */
#ifndef VCPBOOT_TESTS_EDGE_H
#define VCPBOOT_TESTS_EDGE_H

#include "board/chip_run.h"

/* Instead of the environment. NULL: the firmware's own. */
void edge_choose(const char *timing, const char *psize);
/* Before chip_new(). */
void edge_set_timing(struct chip_options *o);
/* After an image was loaded: if it has a config block, its PSIZE becomes the chosen one. */
void edge_set_psize(struct chip *c);
/* 8, 16 or 32, as the bootloader in the chip's flash has it. */
unsigned edge_psize(struct chip *c);
/* How many flash operations a word takes there. */
unsigned edge_pieces(struct chip *c);

#endif
