/* SPDX-License-Identifier: MIT */
/* A ring of bytes between a port and who reads or writes it. */
#include "usb/ring.h"

#include <string.h>

uint32_t ring_used(const struct ring *r)
{
    return r->head - r->tail;
}

uint32_t ring_free(const struct ring *r)
{
    return r->bytes - ring_used(r);
}

uint32_t ring_run(const struct ring *r, uint32_t position, uint32_t n)
{
    uint32_t to_end = r->bytes - (position & (r->bytes - 1));

    return n < to_end ? n : to_end;
}

uint8_t *ring_at(const struct ring *r, uint32_t position)
{
    return r->buf + (position & (r->bytes - 1));
}

size_t ring_put(struct ring *r, const uint8_t *p, size_t n)
{
    uint32_t take = ring_free(r) < n ? ring_free(r) : (uint32_t)n;
    uint32_t first = ring_run(r, r->head, take);

    memcpy(ring_at(r, r->head), p, first);
    memcpy(r->buf, p + first, take - first);
    r->head += take;
    return take;
}

size_t ring_get(struct ring *r, uint8_t *out, size_t cap)
{
    uint32_t take = ring_used(r) < cap ? ring_used(r) : (uint32_t)cap;
    uint32_t first = ring_run(r, r->tail, take);

    memcpy(out, ring_at(r, r->tail), first);
    memcpy(out + first, r->buf, take - first);
    r->tail += take;
    return take;
}

void ring_empty(struct ring *r)
{
    r->tail = r->head;
}
