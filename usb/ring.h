/* SPDX-License-Identifier: MIT */
/* A ring of bytes between a port and who reads or writes it. Whoever allocates it sets buf and bytes, a power of two. */
#ifndef VCPBOOT_RING_H
#define VCPBOOT_RING_H

#include <stddef.h>
#include <stdint.h>

/* Free-running positions: used = head - tail, also across the wrap, because the size is a power of two. */
struct ring { uint8_t *buf; uint32_t bytes, head, tail; };

uint32_t ring_used(const struct ring *r);
uint32_t ring_free(const struct ring *r);
/* The longest run at `position` that does not wrap, at most n, and where it begins. */
uint32_t ring_run(const struct ring *r, uint32_t position, uint32_t n);
uint8_t *ring_at(const struct ring *r, uint32_t position);
/* Both return what they took or gave: less than asked when the ring is full or empty. */
size_t ring_put(struct ring *r, const uint8_t *p, size_t n);
size_t ring_get(struct ring *r, uint8_t *out, size_t cap);
void ring_empty(struct ring *r);

#endif
