/* SPDX-License-Identifier: MIT */
/* The application's side: any packet to vcpboot_answer, any line coding, and what the bootloader reads of vcpboot_enter. */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "boot/mailbox.h"
#include "proto/native.h"
#include "tests/fuzz/fuzz.h"

/* The few addresses that the file touches, each with a cell of its own. */
static struct { uint32_t addr, word; } cells[64];
static jmp_buf after_reset;

static uint32_t *cell(uint32_t addr)
{
    size_t i = 0;

    while (i < COUNT(cells) && cells[i].addr != 0 && cells[i].addr != addr) i++;
    FUZZ_CHECK(i < COUNT(cells));
    cells[i].addr = addr;
    return &cells[i].word;
}

#define VCPBOOT_REG32(address) (*(volatile uint32_t *)cell(address))
#define VCPBOOT_REG16(address) (*(volatile uint16_t *)cell(address))
#define VCPBOOT_REG8(address) (*(volatile uint8_t *)cell(address))
#define VCPBOOT_BARRIER() ((void)0)
#define VCPBOOT_MASK_INTERRUPTS() ((void)0)
#define VCPBOOT_AWAIT_RESET() longjmp(after_reset, 1)

#include "sdk/vcpboot_app.c"

VCPBOOT_INFO("fuzzed", "1.0", VCPBOOT_CONFIRMS);

/* Does a whole HELLO stand at the front, as the PC's own receiver sees it? */
static bool asks(const uint8_t *p, size_t n)
{
    struct native_rx rx;
    struct native_frame f;

    native_rx_init(&rx);
    if (n < 12U) return false;
    (void)native_rx_feed(&rx, p, 12, 0);
    return native_rx_frame(&rx, &f) && f.type == NATIVE_HELLO && f.length == 0;
}

static void check_answer(const uint8_t *out, size_t n, uint8_t seq)
{
    struct native_rx rx;
    struct native_frame f;
    struct native_hello h;

    native_rx_init(&rx);
    FUZZ_CHECK(n == VCPBOOT_ANSWER_BYTES && native_rx_feed(&rx, out, n, 0) == n && native_rx_frame(&rx, &f));
    FUZZ_CHECK(f.type == (NATIVE_HELLO | NATIVE_ANSWER) && f.seq == seq && native_get_hello(&h, f.payload, f.length));
    FUZZ_CHECK(h.mode == MODE_APPLICATION && h.sectors == 0 && h.entries_bytes == VCPBOOT_INFO_ENTRIES_BYTES);
}

static void try_packet(const uint8_t *p, size_t n, size_t cap)
{
    uint8_t *in = malloc(n + 1U), *out = malloc(cap + 1U);     /* so that ASan sees the first byte beyond */
    size_t answer;

    FUZZ_CHECK(in != NULL && out != NULL);
    in = realloc(in, n != 0 ? n : 1U);
    out = realloc(out, cap != 0 ? cap : 1U);
    FUZZ_CHECK(in != NULL && out != NULL);
    if (n != 0) memcpy(in, p, n);
    answer = vcpboot_answer(in, n, out, cap);
    FUZZ_CHECK((answer != 0) == (asks(in, n) && cap >= VCPBOOT_ANSWER_BYTES));
    if (answer != 0) check_answer(out, answer, in[3]);
    free(in);
    free(out);
}

static void op_packet(struct input *in)
{
    size_t cap = take8(in), n = take8(in), got;
    const uint8_t *p = take(in, n, &got);

    try_packet(p, got, cap);
}

/* A frame whose CRCs are right, and perhaps something behind it. */
static void op_frame(struct input *in)
{
    uint8_t packet[NATIVE_FRAME_MAX + 64U], type = take8(in), seq = take8(in), n = take8(in) % 64U;
    size_t got, bytes;
    const uint8_t *p = take(in, n & 31U, &got);

    bytes = native_encode(packet, sizeof packet, type, seq, p, got);
    memset(packet + bytes, 0xA5, n >> 5);
    try_packet(packet, bytes + (n >> 5), VCPBOOT_ANSWER_BYTES);
}

static void op_seal(struct input *in)
{
    *cell(SCB_VTOR) = 0x08010000U;
    *cell(0x08010000U + SEAL_AT_MAGIC) = (take8(in) & 1U) != 0 ? SEAL_MAGIC : take32(in);
    *cell(0x08010000U + SEAL_AT_LENGTH) = take32(in);
}

/* Whatever the line does: only 1200 baud and a fall of DTR lead into the bootloader, and what is left there is believed. */
static void op_line(struct input *in)
{
    uint8_t dtr = take8(in);
    uint32_t baud = take16(in), now_ms = take32(in);
    struct mailbox m;

    if (setjmp(after_reset) != 0) {
        m = (struct mailbox){ *cell(MAILBOX), *cell(MAILBOX + 4U), *cell(MAILBOX + 8U), *cell(MAILBOX + 12U) };
        FUZZ_CHECK(touch.asked && mailbox_read(&m) == MAILBOX_BOOTLOADER);
        memset(&touch, 0, sizeof touch);
        return;
    }
    if ((dtr & 2U) != 0) vcpboot_line_coding(baud);
    if ((dtr & 4U) != 0) FUZZ_CHECK(vcpboot_control_line((dtr & 1U) != 0) == touch.asked);
    vcpboot_poll(now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const ops[])(struct input *in) = { op_packet, op_frame, op_seal, op_line };
    struct input in = { p, n };

    memset(cells, 0, sizeof cells);
    memset(&touch, 0, sizeof touch);
    op_seal(&(struct input){ NULL, 0 });
    for (unsigned i = 0; i < 100U && in.n != 0; i++) ops[take8(&in) % COUNT(ops)](&in);
    return 0;
}
