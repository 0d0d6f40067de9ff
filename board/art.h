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
};

void art_reset(struct art *a);
/* Can the line be executed without asking the flash array: from the line buffer or the I-cache? */
bool art_has_code(const struct art *a, uint32_t line);
/* Brings a line in at `cycle`; returns the wait cycles. */
unsigned art_fetch(struct art *a, uint32_t line, uint64_t cycle);
/* A data read that the D-cache does not serve: makes room for the line if DCEN is on and returns its slot, or ART_D_LINES. */
unsigned art_load_miss(struct art *a, uint32_t line);
/* The slot that holds the line, or the number of ways. */
unsigned art_slot(const struct art_set *s, uint32_t line);
/* The same, and the line counts as just used. */
unsigned art_touch(struct art_set *s, uint32_t line);
void art_set_clear(struct art_set *s);
/* Forgets the instruction line buffer, which no bit of ACR controls: done when the array changes under it. */
void art_drop_buffer(struct art *a);

#endif
