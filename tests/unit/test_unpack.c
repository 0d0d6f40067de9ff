/* SPDX-License-Identifier: MIT */
/* The unpacker against scripts/pack-updater, the other end of the format: each input is packed by the one, unpacked by the other. */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/unpack.h"
#include "image/bytes.h"

#define BYTES_MAX 3000U
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
    static uint8_t packed[2U * BYTES_MAX], out[BYTES_MAX + 1U];
    FILE *f = fopen("unpack.in", "wb");
    size_t bytes;

    assert_non_null(f);
    assert_int_equal(fwrite(in, 1, n, f), n);
    fclose(f);
    assert_int_equal(system(PACK_UPDATER " unpack.in unpack.packed"), 0);
    bytes = read_file("unpack.packed", packed, sizeof packed);
    assert_true(bytes >= 7);
    assert_int_equal(load_le32(packed), n);
    memset(out, GUARD, sizeof out);
    unpack(out, packed);
    assert_memory_equal(out, in, n);
    assert_int_equal(out[n], GUARD);
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
    there_and_back(in, sizeof in);
}

TEST(a_long_run_takes_a_few_bytes)
{
    static uint8_t in[1000];

    UNUSED_STATE;
    memset(in, 0xFF, sizeof in);
    assert_true(there_and_back(in, sizeof in) < 64);
}

TEST(a_program_with_calls_comes_back)
{
    uint8_t in[3000];
    uint32_t x = 7;

    UNUSED_STATE;
    for (size_t i = 0; i + 6 <= sizeof in; i += 6) {
        /* BL to one of four places, forward or back, and an instruction of 16 bits */
        uint32_t distance = 1000U * (next_random(&x) % 4U) - (uint32_t)i / 2;

        store_le16(in + i, (uint16_t)(0xF000U | (distance >> 11 & 0x7FFU)));
        store_le16(in + i + 2, (uint16_t)(0xF800U | (distance & 0x7FFU)));
        store_le16(in + i + 4, (uint16_t)(0x4600U | (next_random(&x) & 0x03U)));
    }
    assert_true(there_and_back(in, sizeof in) < sizeof in / 4);
}

TEST(an_odd_length_and_half_a_call_at_the_end_come_back)
{
    static const uint8_t in[] = { 0x00, 0xF0, 0x01, 0xF8, 0x00, 0xF0, 0x00, 0xF0, 0x07, 0xF8, 0x00, 0xF0, 0x01 };

    UNUSED_STATE;
    for (size_t n = 1; n <= sizeof in; n++) there_and_back(in, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_byte_comes_back),
        cmocka_unit_test(bytes_that_cannot_be_packed_come_back),
        cmocka_unit_test(a_long_run_takes_a_few_bytes),
        cmocka_unit_test(a_program_with_calls_comes_back),
        cmocka_unit_test(an_odd_length_and_half_a_call_at_the_end_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
