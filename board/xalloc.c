/* SPDX-License-Identifier: MIT */
/* Memory for the board's models, and the list of it from which a whole chip can be saved. */
#include "board/xalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define ALIGNMENT 4096U

static _Thread_local struct xalloc_log *log_under_way;

static void *kept(void *p, size_t bytes)
{
    struct xalloc_log *log = log_under_way;

    if (p == NULL || (log != NULL && log->count == XALLOC_BLOCKS_MAX)) {
        fputs("vcpboard: out of memory\n", stderr);
        abort();
    }
    if (log != NULL)
        log->block[log->count++] = (struct xalloc_block){ p, bytes };
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    return kept(calloc(n, size), n * size);
}

void *aligned_xalloc(size_t bytes)
{
    return kept(aligned_alloc(ALIGNMENT, bytes), bytes);
}

struct xalloc_log *xalloc_note(struct xalloc_log *log)
{
    struct xalloc_log *before = log_under_way;

    log_under_way = log;
    return before;
}
