/* SPDX-License-Identifier: MIT */
/* Intel HEX: as it is, or records whose checksums are made right. */
#include <string.h>

#include "tests/fuzz/file.h"

#define TEXT_MAX 65536U

struct text { uint8_t bytes[TEXT_MAX]; size_t n; };

static void put_byte(struct text *t, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";

    t->bytes[t->n++] = (uint8_t)digits[byte >> 4];
    t->bytes[t->n++] = (uint8_t)digits[byte & 15U];
}

/* Count, offset, type and data out of the input; nothing is added but the checksum. */
static void put_record(struct text *t, struct input *in)
{
    uint8_t count = take8(in), sum = count;
    size_t got;
    const uint8_t *p = take(in, 3U + count, &got);

    t->bytes[t->n++] = ':';
    put_byte(t, count);
    for (size_t i = 0; i < got; i++) {
        put_byte(t, p[i]);
        sum = (uint8_t)(sum + p[i]);
    }
    put_byte(t, (uint8_t)(0U - sum));
    t->bytes[t->n++] = '\n';
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct text t;
    struct input in = { p, n };

    if (n == 0 || p[0] != 0) {
        file_try(p, n, "firmware.hex");
        return 0;
    }
    (void)take8(&in);
    for (t.n = 0; in.n != 0 && t.n < TEXT_MAX - 600U;) put_record(&t, &in);
    memcpy(t.bytes + t.n, ":00000001FF\n", 12);
    file_try(t.bytes, t.n + 12U, "firmware.hex");
    return 0;
}
