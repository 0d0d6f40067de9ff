/* SPDX-License-Identifier: MIT */
/* Eva over host/lib/hex.c: any content. */
/* Assumptions: the file has at most FILE_BYTES; span_add reads the bytes it is given; fault_set is the printf it looks like.
 *
 * The alarms that are left are false. They are accesses in bounds, and loop invariants that Eva uses without showing them: module hex_wp
 * proves each for any length. What Eva adds is that nothing is read that was never written, and no overflow in the digits. */
#include "host/lib/image_parse.h"
#include "tests/proof/any.h"

#define FILE_BYTES 4096U

/*@ requires n == 0 || \valid_read(p + (0 .. n - 1));
    assigns *s \from addr, n;
    assigns \result; */
int span_add(struct span *s, uint64_t addr, const uint8_t *p, size_t n, struct fault *f);

int fault_set(struct fault *f, int code, const char *format, ...)
{
    (void)format;
    f->code = code;
    return code;
}

int main(void)
{
    static uint8_t file[FILE_BYTES];
    static struct fault f;
    struct span s = { 0 };
    size_t n = any_upto(FILE_BYTES);

    any_bytes(file, sizeof file);
    (void)hex_is(file, n);
    (void)hex_read(file, n, &s, &f);
    return 0;
}
