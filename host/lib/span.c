/* SPDX-License-Identifier: MIT */
/* Pieces of an image with their addresses, put together in one run of bytes. */
#include "host/lib/span.h"

#include <stdlib.h>
#include <string.h>

static int copy_in(struct span *s, uint64_t addr, const uint8_t *p, size_t n, struct fault *f)
{
    size_t at = (size_t)(addr - s->first);

    for (size_t i = 0; i < n; i++) {
        if (s->used[at + i] && s->bytes[at + i] != p[i])
            return fault_set(f, VCPBOOT_E_IMAGE,
                             "The file gives the byte at 0x%08llX twice, with different values: build it afresh.",
                             (unsigned long long)(addr + i));
        s->bytes[at + i] = p[i];
        s->used[at + i] = 1;
    }
    return VCPBOOT_OK;
}

int span_add(struct span *s, uint64_t addr, const uint8_t *p, size_t n, struct fault *f)
{
    if (n == 0) return VCPBOOT_OK;
    if (addr > UINT32_MAX || n > (uint64_t)UINT32_MAX + 1U - addr)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The file has data beyond the 32-bit address space: it is damaged, or not for this chip.");
    if (s->bytes) return copy_in(s, addr, p, n, f);
    if (!s->any || addr < s->first) s->first = (uint32_t)addr;
    if (!s->any || addr + n > s->end) s->end = addr + n;
    s->any = true;
    return VCPBOOT_OK;
}

int span_allocate(struct span *s, struct fault *f)
{
    if (!s->any) return fault_set(f, VCPBOOT_E_IMAGE, "The file holds no data: build it afresh.");
    if (s->end - s->first > SPAN_BYTES_MAX)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The file's data reach from 0x%08X to 0x%08llX, which is more than any flash of this series: "
                         "keep only the application in it (objcopy's --only-section or --remove-section).",
                         (unsigned)s->first, (unsigned long long)(s->end - 1U));
    size_t n = (size_t)(s->end - s->first);
    s->bytes = malloc(n);
    s->used = calloc(n, 1);
    if (!s->bytes || !s->used) {
        span_free(s);
        return fault_set(f, VCPBOOT_E_FAILED, "There is not enough memory for the file.");
    }
    memset(s->bytes, SPAN_GAP, n);
    return VCPBOOT_OK;
}

void span_free(struct span *s)
{
    free(s->bytes);
    free(s->used);
    s->bytes = s->used = NULL;
}
