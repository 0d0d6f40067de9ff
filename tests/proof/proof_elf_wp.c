/* SPDX-License-Identifier: MIT */
/* WP over host/lib/elf.c: every function, any content, any length. */
/* Assumptions: span_add and fault_set keep to host.h's contracts, and change nothing of the file, which lies apart from
 * the span and the fault; load_le32 and load_le16 read what bytes.h says. */
#include "tests/proof/host.h"

#include "host/lib/elf.c"

/*@
  predicate file(struct elf *e) = \valid_read(e) && \object_pointer(e->p) && \valid_read(e->p + (0 .. e->n - 1));
  predicate programs(struct elf *e) = e->phoff + e->phnum * 32 <= e->n;
  predicate sections(struct elf *e) = e->shnum == 0 || e->shoff + e->shnum * 40 <= e->n;
*/
/*@ requires \valid_read(p + (0 .. n - 1)); assigns \nothing; ensures \result ==> n >= 4; */
bool elf_is(const uint8_t *p, size_t n);
/*@ requires \valid(f); assigns *f; ensures \result != VCPBOOT_OK; */
static int truncated(struct fault *f);
/*@ requires \valid_read(e) && count * size <= UINT64_MAX; assigns \nothing;
    ensures \result ==> offset + count * size <= e->n; */
static bool fits(const struct elf *e, uint64_t offset, uint64_t count, uint64_t size);
/*@ requires file(e) && \valid(e) && \valid(f) && \separated(e, f, e->p + (0 .. e->n - 1));
    assigns e->phoff, e->shoff, e->phnum, e->shnum, *f;
    ensures \result == VCPBOOT_OK ==> programs(e) && sections(e); */
static int read_header(struct elf *e, struct fault *f);
/*@ requires file(e) && sections(e) && \valid(s) && \separated(s, e, e->p + (0 .. e->n - 1));
    requires s->offset + s->filesz <= e->n;
    assigns *s;
    ensures s->offset + s->filesz <= e->n; */
static void leave_out_headers(const struct elf *e, struct segment *s);
/*@ requires \object_pointer(p) && \valid_read(p + (0 .. n - 1)) && \valid(out) && \valid(f) && \separated(out, f, p + (0 .. n - 1));
    assigns *out, *f; */
int elf_read(const uint8_t *p, size_t n, struct span *out, struct fault *f);
