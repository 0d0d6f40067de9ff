/* SPDX-License-Identifier: MIT */
/* Memory for the board's models: zeroed, and never NULL. A board that cannot be built has nothing to report but that. */
#ifndef VCPBOARD_XALLOC_H
#define VCPBOARD_XALLOC_H

#include <stdio.h>
#include <stdlib.h>

static inline void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (p == NULL) {
        fputs("vcpboard: out of memory\n", stderr);
        abort();
    }
    return p;
}

/* Page-aligned, because the CPU maps it into the guest's address space; bytes is a multiple of the page size. */
static inline void *aligned_xalloc(size_t bytes)
{
    void *p = aligned_alloc(4096, bytes);

    if (p == NULL) {
        fputs("vcpboard: out of memory\n", stderr);
        abort();
    }
    return p;
}

#endif
