/* SPDX-License-Identifier: MIT */
/* WP over host/lib/hex.c: every function, any content, any length. */
/* Assumptions: span_add and fault_set keep to host.h's contracts, and change nothing of the file, which lies apart from
 * the span and the fault.
 *
 * Three goals are left, of read_record: that high << 4 fits an int (WP knows no bits; high is at most 15), and that the sum of two bytes
 * does (both bounds). Eva proves them: module hex has no such alarm. */
#include "tests/proof/host.h"

#include "host/lib/hex.c"

/*@
  predicate file(struct hex *h) = \valid(h) && \valid_read(h->p + (0 .. h->n - 1)) && h->at <= h->n &&
    \separated(h, h->p + (0 .. h->n - 1));
*/
/*@ assigns \nothing; ensures -1 <= \result <= 15; */
static int digit(uint8_t c);
/*@ assigns \nothing; */
static bool is_space(uint8_t c);
/*@ requires \valid_read(p + (0 .. n - 1)); assigns \nothing; */
bool hex_is(const uint8_t *p, size_t n);
/*@ requires \valid_read(h) && \valid(f); assigns *f; ensures \result != VCPBOOT_OK; */
static int bad(const struct hex *h, struct fault *f, const char *what);
/*@ requires file(h); assigns h->at, h->line; ensures file(h); */
static void skip_space(struct hex *h);
/*@ requires file(h) && \valid(f) && \separated(f, h, h->p + (0 .. h->n - 1)) && h->at < h->n;
    assigns h->at, h->bytes, h->record[0 .. 259], *f;
    ensures file(h);
    ensures \result == VCPBOOT_OK ==> 5 <= h->bytes <= 260 && h->bytes == 5 + h->record[0]; */
static int read_record(struct hex *h, struct fault *f);
/*@ requires \valid_read(h) && h->record[0] <= 255 && \valid(out) && \valid(f) && \separated(out, f, h);
    assigns *out, *f; */
static int take_data(struct hex *h, struct span *out, struct fault *f);
/*@ requires \valid(h) && \valid(out) && \valid(f) && \separated(out, f, h);
    assigns h->segmented, h->base, h->ended, *out, *f; */
static int take_record(struct hex *h, struct span *out, struct fault *f);
/*@ requires \valid_read(p + (0 .. n - 1)) && \valid(out) && \valid(f) && \separated(out, f, p + (0 .. n - 1));
    assigns *out, *f; */
int hex_read(const uint8_t *p, size_t n, struct span *out, struct fault *f);
