/* SPDX-License-Identifier: MIT */
/* The ART accelerator between the CPU and the flash: prefetch buffer, 64 instruction lines, 8 data lines (RM0090 §3.5.2).
 * Tags only: what a stale line contains is the flash model's business. A line is 16 bytes; line numbers are address / 16. */
#ifndef VCPBOARD_ART_H
#define VCPBOARD_ART_H

#include <stdbool.h>
#include <stdint.h>

#define ART_LINE_BYTES 16U
#define ART_I_LINES 64U
#define ART_D_LINES 8U
#define ART_NO_LINE UINT32_MAX

/* A fully associative set of lines with LRU replacement. */
struct art_set {
    uint32_t tag[ART_I_LINES];
    uint64_t used[ART_I_LINES];         /* use stamp; 0 means empty */
    unsigned ways, last;
    uint64_t stamp;
};

struct art {
    struct art_set icache, dcache;
    bool icen, dcen, prften;
    unsigned latency;
    uint32_t current;                   /* the line in the instruction line buffer */
    uint64_t current_since;             /* cycle at which the CPU entered it: when its prefetch started */
    uint32_t data;                      /* the line in the data buffer, which serves even with DCEN off */
};

void art_reset(struct art *a);
/* Is the line at hand, without asking the flash array? Instruction side: line buffer and I-cache; data side: D-cache. */
bool art_has_code(struct art *a, uint32_t line);
bool art_has_data(struct art *a, uint32_t line);
/* Brings a line in at `cycle`; returns the wait cycles. `*evicted` is the data line that had to go, or ART_NO_LINE. */
unsigned art_fetch(struct art *a, uint32_t line, uint64_t cycle);
unsigned art_load(struct art *a, uint32_t line, uint32_t *evicted);
void art_set_clear(struct art_set *s);
bool art_set_holds(struct art_set *s, uint32_t line);
/* Forgets the line buffers, which no bit of ACR controls: done when the array changes under them. */
void art_drop_buffers(struct art *a);

#endif
