/* SPDX-License-Identifier: MIT */
/* WP over usb/ring.c: each function keeps the ring's invariant, so any sequence of calls does. Any lengths, any positions. */
/* Assumptions: the size is a power of two; memcpy does as C11 says; what is put or gotten lies apart from the ring and its buffer;
 * x & y is at most y (WP knows no bits).
 *
 * Two goals are left: that ring_put and ring_get keep head - tail at most bytes. take is at most bytes - (head - tail) or head - tail, so
 * the difference modulo 2^32 grows or shrinks by just take, without a wrap; the provers fail on the modulo. */
#include "usb/ring.h"

/*@
  axiomatic Mask { axiom below: \forall integer x, y; 0 <= x && 0 <= y ==> 0 <= (x & y) <= y; }
  predicate ring(struct ring *r) = \valid(r) && 1 <= r->bytes <= 0x80000000 && \valid(r->buf + (0 .. r->bytes - 1)) &&
    \separated(r, r->buf + (0 .. r->bytes - 1)) && (uint32_t)(r->head - r->tail) <= r->bytes;
*/
/*@ requires \valid_read(r); assigns \nothing; ensures \result == (uint32_t)(r->head - r->tail); */
uint32_t ring_used(const struct ring *r);
/*@ requires ring((struct ring *)r); assigns \nothing; ensures \result == r->bytes - (uint32_t)(r->head - r->tail); */
uint32_t ring_free(const struct ring *r);
/*@ requires ring((struct ring *)r); assigns \nothing;
    ensures \result <= n && \result <= r->bytes - (position & (r->bytes - 1));
    ensures \result < n ==> \result == r->bytes - (position & (r->bytes - 1)); */
uint32_t ring_run(const struct ring *r, uint32_t position, uint32_t n);
/*@ requires ring((struct ring *)r); assigns \nothing; ensures \result == r->buf + (position & (r->bytes - 1)); */
uint8_t *ring_at(const struct ring *r, uint32_t position);
/*@ requires ring(r) && \valid_read(p + (0 .. n - 1)) && \separated(p + (0 .. n - 1), r, r->buf + (0 .. r->bytes - 1));
    requires \object_pointer(p);
    assigns r->head, r->buf[0 .. r->bytes - 1]; ensures ring(r) && \result <= n; */
size_t ring_put(struct ring *r, const uint8_t *p, size_t n);
/*@ requires ring(r) && \valid(out + (0 .. cap - 1)) && \separated(out + (0 .. cap - 1), r, r->buf + (0 .. r->bytes - 1));
    requires \object_pointer(out);
    assigns r->tail, out[0 .. cap - 1]; ensures ring(r) && \result <= cap; */
size_t ring_get(struct ring *r, uint8_t *out, size_t cap);
/*@ requires ring(r); assigns r->tail; ensures ring(r); */
void ring_empty(struct ring *r);

#include "usb/ring.c"
