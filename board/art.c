/* SPDX-License-Identifier: MIT */
/* Which flash lines the ART accelerator holds, and what the others cost. */
/* Sources: RM0090 §3.5.1 "Relation between CPU clock frequency and flash memory read time", §3.5.2 "Adaptive real-time
 * memory accelerator": a 128-bit line, LATENCY wait states on a miss, prefetch of the next line on I-Code only. */
#include "board/art.h"

#include <string.h>

unsigned art_slot(const struct art_set *s, uint32_t line)
{
    if (s->used[s->last] != 0 && s->tag[s->last] == line)
        return s->last;
    for (unsigned i = 0; i < s->ways; i++) {
        if (s->used[i] != 0 && s->tag[i] == line)
            return i;
    }
    return s->ways;
}

unsigned art_touch(struct art_set *s, uint32_t line)
{
    unsigned i = art_slot(s, line);

    if (i != s->ways) {
        s->last = i;
        s->used[i] = ++s->stamp;
    }
    return i;
}

static unsigned set_insert(struct art_set *s, uint32_t line)
{
    unsigned victim = 0;

    for (unsigned i = 1; i < s->ways; i++) {
        if (s->used[i] < s->used[victim])
            victim = i;
    }
    s->tag[victim] = line;
    s->used[victim] = ++s->stamp;
    s->last = victim;
    return victim;
}

void art_set_clear(struct art_set *s)
{
    memset(s->used, 0, sizeof s->used);
    s->last = 0;
}

void art_reset(struct art *a)
{
    memset(a, 0, sizeof *a);
    a->icache.ways = ART_I_LINES;
    a->dcache.ways = ART_D_LINES;
    a->current = ART_NO_LINE;
}

void art_drop_buffer(struct art *a)
{
    a->current = ART_NO_LINE;
}

bool art_has_code(const struct art *a, uint32_t line)
{
    return line == a->current || (a->icen && art_slot(&a->icache, line) != a->icache.ways);
}

/* The prefetch of the next line starts when the CPU enters a line, and takes LATENCY + 1 cycles like any read. */
static unsigned prefetch_wait(const struct art *a, uint64_t cycle)
{
    uint64_t elapsed = cycle - a->current_since;

    return elapsed >= a->latency ? 0 : a->latency - (unsigned)elapsed;
}

unsigned art_fetch(struct art *a, uint32_t line, uint64_t cycle)
{
    unsigned wait = 0;

    if (line == a->current)
        return 0;
    if (!a->icen || art_touch(&a->icache, line) == a->icache.ways) {
        bool next = a->current != ART_NO_LINE && line == a->current + 1;

        wait = a->prften && next ? prefetch_wait(a, cycle) : a->latency;
        if (a->icen)
            (void)set_insert(&a->icache, line);
    }
    a->current = line;
    a->current_since = cycle + wait;
    return wait;
}

unsigned art_load_miss(struct art *a, uint32_t line)
{
    return a->dcen ? set_insert(&a->dcache, line) : ART_D_LINES;
}
