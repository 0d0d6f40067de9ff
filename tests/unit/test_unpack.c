/* SPDX-License-Identifier: MIT */
/* The unpacker against scripts/pack-updater, the other end of the format: each input is packed by the one, unpacked by the other. */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/unpack.h"
#include "image/bytes.h"

#define BYTES_MAX 32768U
#define GUARD 0x5AU

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525U + 1013904223U;
    return *x >> 8;
}

static size_t read_file(const char *path, uint8_t *out, size_t cap)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(out, 1, cap, f);
    fclose(f);
    return n;
}

/* Packs `in`, unpacks it, compares; returns the packed bytes. */
static size_t there_and_back(const uint8_t *in, size_t n)
{
    static struct unpacker unpacker;
    static uint8_t histories[UNPACK_HISTORIES];
    static uint8_t packed[2U * BYTES_MAX], out[BYTES_MAX + 3U];
    size_t even = (n + 1U) & ~(size_t)1;        /* programs are halfwords: the packer makes the last one whole */
    FILE *f = fopen("unpack.in", "wb");
    size_t bytes;
    uint32_t whole, at;

    assert_non_null(f);
    assert_int_equal(fwrite(in, 1, n, f), n);
    fclose(f);
    assert_int_equal(system(PACK_UPDATER " unpack.in unpack.packed"), 0);
    bytes = read_file("unpack.packed", packed, sizeof packed);
    assert_true(bytes >= 7);
    memset(out, GUARD, sizeof out);
    memset(&unpacker, GUARD, sizeof unpacker);  /* RAM is what the application has left there */
    memset(histories, GUARD, sizeof histories);
    whole = unpack_start(&unpacker, histories, packed);
    assert_true(whole == even || whole == even + 2U);   /* if it ends like half an instruction */
    for (at = 0; at < whole;) at = unpack_instruction(&unpacker, out, at);
    assert_in_range(at, even, whole);
    assert_memory_equal(out, in, n);
    assert_int_equal(out[whole], GUARD);
    return bytes;
}

TEST(a_single_byte_comes_back)
{
    UNUSED_STATE;
    there_and_back((const uint8_t *)"x", 1);
}

TEST(bytes_that_cannot_be_packed_come_back)
{
    uint8_t in[3000];
    uint32_t x = 1;

    UNUSED_STATE;
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)next_random(&x);
    assert_true(there_and_back(in, sizeof in) < sizeof in + sizeof in / 16);
}

TEST(a_long_run_takes_a_few_bytes)
{
    static uint8_t in[12000];           /* long enough for the sum of the forecasts to reach its limit */

    UNUSED_STATE;
    assert_true(there_and_back(in, sizeof in) < 64);
    memset(in, 0xF7, sizeof in);  /* nearly all ones, but no call */
    assert_true(there_and_back(in, sizeof in) < 64);
}

TEST(a_program_of_few_instructions_takes_a_quarter)
{
    static const uint16_t halfwords[] = { 0x4601, 0x6823, 0xD1FB, 0xB570 };
    uint8_t in[3000];
    uint32_t x = 7;

    UNUSED_STATE;
    for (size_t i = 0; i < sizeof in; i += 2) store_le16(in + i, halfwords[next_random(&x) % 4U]);
    assert_true(there_and_back(in, sizeof in) < sizeof in / 4);
}

TEST(long_instructions_and_what_only_looks_like_them_come_back)
{
    /* MOVW, then a second halfword that might be a first one; at last one half of an instruction, and one byte more. */
    static const uint8_t in[] = { 0x40, 0xF2, 0x01, 0xF8, 0x40, 0xF2, 0x01, 0xF8, 0x70,
                                  0x47, 0x40, 0xF2, 0x01, 0xF8, 0x40, 0xF2, 0x70 };

    UNUSED_STATE;
    for (size_t n = 1; n <= sizeof in; n++) there_and_back(in, n);
}

TEST(the_updater_itself_comes_back)
{
    static uint8_t in[BYTES_MAX];
    size_t n;

    UNUSED_STATE;
    if (access(UPDATER, R_OK) != 0) skip();     /* the firmware has not been built */
    n = read_file(UPDATER, in, sizeof in);
    assert_in_range(n, 4096, sizeof in - 1U);
    assert_true(there_and_back(in, n) < n * 3 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_byte_comes_back),
        cmocka_unit_test(bytes_that_cannot_be_packed_come_back),
        cmocka_unit_test(a_long_run_takes_a_few_bytes),
        cmocka_unit_test(a_program_of_few_instructions_takes_a_quarter),
        cmocka_unit_test(long_instructions_and_what_only_looks_like_them_come_back),
        cmocka_unit_test(the_updater_itself_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
