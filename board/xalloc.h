/* SPDX-License-Identifier: MIT */
/* Memory for the board's models: zeroed, and never NULL. A board that cannot be built has nothing to report but that. */
#ifndef VCPBOARD_XALLOC_H
#define VCPBOARD_XALLOC_H

#include <stddef.h>
#include <stdlib.h>

#define XALLOC_BLOCKS_MAX 64U

void *xcalloc(size_t n, size_t size);
/* Page-aligned, because the CPU maps it into the guest's address space; bytes is a multiple of the page size. Not zeroed. */
void *aligned_xalloc(size_t bytes);

/* What is allocated while a log is set: all the memory that a chip's state is in (board/snapshot.c). */
struct xalloc_block { void *p; size_t bytes; };
struct xalloc_log {
    struct xalloc_block block[XALLOC_BLOCKS_MAX];
    size_t count;
};
/* Notes this thread's allocations in `log` from now on, NULL: nowhere. Returns the log before. */
struct xalloc_log *xalloc_note(struct xalloc_log *log);

#endif
