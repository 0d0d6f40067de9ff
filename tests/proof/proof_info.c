/* SPDX-License-Identifier: MIT */
/* WP over image/info.c: every function, any bytes, any length. */
/* Assumptions: load_le16 is p[0] + 256 * p[1] (tests/unit/test_bytes.c tries all), padded rounds up to the next multiple of 4 (skipped by
 * WP, whose provers know no bits), memcpy does as C11 says; places do not overlap; images are shorter than 4 GB - 4.
 *
 * One goal is left: that what info_text copies lies apart from where it goes. It lies inside the entries (info_entry returns
 * entries + at + 4), which lie apart by info_text's own precondition; WP does not carry that through the pointer. */
#include "image/info.h"

/*@ requires n <= 65535; assigns \nothing; ensures n <= \result <= n + 3; */
static size_t padded(size_t n);
/*@ requires n == 0 || \valid_read(p + (0 .. n - 1));
    assigns \nothing;
    ensures \result == 0 || (4 <= \result <= n && 4 + p[2] + 256 * p[3] <= \result); */
static size_t entry_bytes(const uint8_t *p, size_t n);
/*@ requires \valid_read(header + (0 .. 11)); assigns \nothing; ensures \result <= INFO_ENTRIES_MAX; */
static size_t header_entries(const uint8_t header[INFO_HEADER_BYTES]);
/*@ requires n == 0 || \valid_read(entries + (0 .. n - 1)); assigns \nothing; */
static bool entries_whole(const uint8_t *entries, size_t n);
/*@ requires n == 0 || \valid_read(p + (0 .. n - 1)); assigns \nothing;
    ensures \result <= INFO_ENTRIES_MAX && (\result == 0 || offset + INFO_HEADER_BYTES + \result <= n); */
size_t info_check(const uint8_t *p, size_t n, uint32_t offset);
/*@ requires n == 0 || \valid_read(p + (0 .. n - 1)); requires n <= UINT32_MAX - 4; assigns \nothing;
    ensures \result < n || \result == 0; */
uint32_t info_find(const uint8_t *p, size_t n);
/*@ requires n == 0 || \valid_read(entries + (0 .. n - 1)); requires \valid(len);
    requires n == 0 || \separated(len, entries + (0 .. n - 1));
    assigns *len; 
    ensures \result == \null || *len == 0 || \valid_read(\result + (0 .. *len - 1)); */
const uint8_t *info_entry(const uint8_t *entries, size_t n, uint16_t type, size_t *len);
/*@ requires n == 0 || \valid_read(entries + (0 .. n - 1)); requires cap == 0 || \valid(out + (0 .. cap - 1));
    requires n == 0 || cap == 0 || \separated(out + (0 .. cap - 1), entries + (0 .. n - 1));
    assigns out[0 .. cap - 1]; ensures cap == 0 || \result < cap; */
size_t info_text(const uint8_t *entries, size_t n, uint16_t type, char *out, size_t cap);
/*@ requires n == 0 || \valid_read(entries + (0 .. n - 1)); assigns \nothing; */
uint8_t info_flags(const uint8_t *entries, size_t n);

#include "image/info.c"
