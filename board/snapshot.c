/* SPDX-License-Identifier: MIT */
/* A chip as it is, kept and put back in place: every pointer into it stays good, since all of it returns to where it was. */
#include "board/chip_internal.h"

#include <string.h>

#define COMPARE_PAGE 4096U

struct chip_snapshot {
    struct cpu_context *cpu;
    uint8_t *copy;
    size_t bytes;
};

struct chip_snapshot *chip_snapshot_new(void)
{
    return xcalloc(1, sizeof(struct chip_snapshot));
}

void chip_snapshot_free(struct chip_snapshot *s)
{
    if (s == NULL)
        return;
    cpu_context_free(s->cpu);
    free(s->copy);
    free(s);
}

static size_t bytes_of(const struct chip *c)
{
    size_t bytes = 0;

    for (size_t i = 0; i < c->memory->count; i++)
        bytes += c->memory->block[i].bytes;
    return bytes;
}

bool chip_save(struct chip *c, struct chip_snapshot *s)
{
    uint8_t *to;

    if (c->usbhost != NULL && usbhost_asks(c->usbhost))
        return false;                   /* a request is allocated for its time only: it would be gone */
    if (s->copy == NULL) {
        s->bytes = bytes_of(c);
        s->copy = xcalloc(1, s->bytes);
        s->cpu = cpu_context_new(c->cpu);
    }
    cpu_context_save(c->cpu, s->cpu);
    to = s->copy;
    for (size_t i = 0; i < c->memory->count; to += c->memory->block[i++].bytes)
        memcpy(to, c->memory->block[i].p, c->memory->block[i].bytes);
    return true;
}

void chip_restore(struct chip *c, const struct chip_snapshot *s)
{
    const uint8_t *from = s->copy;

    cpu_context_restore(c->cpu, s->cpu);
    for (size_t i = 0; i < c->memory->count; from += c->memory->block[i++].bytes) {
        const struct xalloc_block *b = &c->memory->block[i];

        if (!cpu_keeps(c->cpu, b->p, from))
            memcpy(b->p, from, b->bytes);
    }
}

static void compare_block(const struct cpu *cpu, const uint8_t *now, const uint8_t *then, size_t bytes,
                          void (*differs)(void *owner, const uint8_t *now, const uint8_t *then, size_t bytes), void *owner)
{
    size_t at = 0;

    while (at < bytes) {
        size_t page = bytes - at < COMPARE_PAGE ? bytes - at : COMPARE_PAGE, run = 0;

        if (at % COMPARE_PAGE == 0 && memcmp(now + at, then + at, page) == 0) {
            at += page;
            continue;
        }
        while (at + run < bytes && now[at + run] != then[at + run])
            run++;
        if (run != 0 && !cpu_caches(cpu, now + at))
            differs(owner, now + at, then + at, run);
        at += run + 1;
    }
}

bool chip_compare(struct chip *c, const struct chip_snapshot *s,
                  void (*differs)(void *owner, const uint8_t *now, const uint8_t *then, size_t bytes), void *owner)
{
    const uint8_t *then = s->copy;
    bool same_instant = cpu_context_same(c->cpu, s->cpu);

    for (size_t i = 0; i < c->memory->count; then += c->memory->block[i++].bytes) {
        const struct xalloc_block *b = &c->memory->block[i];

        if (b->p == c)
            same_instant &= memcmp(c, then, b->bytes) == 0;
        else if (!cpu_caches(c->cpu, b->p))
            compare_block(c->cpu, b->p, then, b->bytes, differs, owner);
    }
    return same_instant;
}
