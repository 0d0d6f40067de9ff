/* SPDX-License-Identifier: MIT */
/* Eva over proto/native_payload.c: any payload, any HELLO. */
/* Assumptions: none beyond the buffers' sizes: payloads of at most NATIVE_PAYLOAD_MAX bytes. */
#include "proto/native.h"
#include "tests/proof/any.h"

static uint8_t wire[NATIVE_PAYLOAD_MAX], out[NATIVE_PAYLOAD_MAX], entries[INT16_MAX];

static void decode(void)
{
    static struct native_status status;
    static struct native_hello hello;
    size_t n = any_upto(NATIVE_PAYLOAD_MAX);

    any_bytes(wire, sizeof wire);
    if (native_get_status(&status, wire, n)) native_put_status(out, &status);
    //@ split wire[67];
    (void)native_get_hello(&hello, wire, n);
}

static void encode(void)
{
    static struct native_hello hello;

    any_bytes((uint8_t *)&hello, sizeof hello);
    hello.sectors = any_u8();
    hello.entries = entries;
    hello.entries_bytes = any_upto(sizeof entries);
    //@ split hello.sectors;
    (void)native_put_hello(out, any_upto(sizeof out), &hello);
}

int main(void)
{
    decode();
    encode();
    return 0;
}
