/* SPDX-License-Identifier: MIT */
/* What bus and flash do in the course of an update, in slices of time. */
#ifndef VCPBOOT_BENCH_TIMELINE_H
#define VCPBOOT_BENCH_TIMELINE_H

#include <stdint.h>
#include <stdio.h>

#include "tests/e2e/desk.h"

#define TIMELINE_SLICE VTIME_MS(10)
#define TIMELINE_SLICES 4096U

struct slice {
    uint32_t bus_bytes;                 /* both ways */
    uint32_t waiting_bytes;             /* at its end: taken by the device, and not in the flash yet */
    vtime erasing, programming;         /* so long the flash was busy with it */
};

struct timeline {
    struct chip *chip;
    vtime began, ended;
    uint64_t bus_bytes, words;          /* at the last look */
    vtime busy;
    uint64_t first_taken, first_words;  /* before the update */
    size_t slices;
    struct slice slice[TIMELINE_SLICES];
};

void timeline_begin(struct timeline *t, const struct desk *d);
/* To be called at each step. */
void timeline_look(struct timeline *t, const struct desk *d);
void timeline_end(struct timeline *t, const struct desk *d);
/* One SVG picture; title: one line. */
void timeline_draw(const struct timeline *t, FILE *out, const char *title);

#endif
