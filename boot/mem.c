/* SPDX-License-Identifier: MIT */
/* The functions of the C library that the bootloader uses: the four that GCC calls on its own (GCC manual, "Standards"), and
 * strlen. */
/* Built without LTO and without loop-to-call conversion: memset must not become a call of memset. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Words while both sides allow it: ring buffers are copied here, a packet at a time. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;

    if ((((uintptr_t)d | (uintptr_t)s) & 3U) == 0) {
        for (; n >= 4; n -= 4, d += 4, s += 4) *(uint32_t *)(void *)d = *(const uint32_t *)(const void *)s;
    }
    while (n-- != 0) *d++ = *s++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;

    if (d <= s) return memcpy(to, from, n); /* ascending, in steps no wider than an aligned distance */
    while (n-- != 0) d[n] = s[n];
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *d = to;

    while (n-- != 0) *d++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;

    for (; n != 0; n--, p++, q++) {
        if (*p != *q) return *p - *q;
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n] != '\0') n++;
    return n;
}
