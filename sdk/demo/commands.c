/* SPDX-License-Identifier: MIT */
/* What the demo answers: a line in, a line out. */
#include "sdk/demo/demo.h"

#include <string.h>

#include "image/crc32.h"
#include "image/seal.h"
#include "sdk/vcpboot_app.h"

#define BYTES_MAX 4096U

struct text { char at[DEMO_LINE_MAX + 16]; size_t n; };

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);

    if (n <= sizeof t->at - t->n) {
        memcpy(t->at + t->n, s, n);
        t->n += n;
    }
}

static void put_hex(struct text *t, uint32_t v)
{
    char digits[11] = "0x";

    for (unsigned i = 0; i < 8; i++) {
        digits[2 + i] = "0123456789ABCDEF"[v >> (28 - 4 * i) & 0xFU];
    }
    digits[10] = '\0';
    put(t, digits);
}

static void send(struct text *t)
{
    put(t, "\r\n");
    demo_send(t->at, t->n);
}

static void say(const char *s)
{
    struct text t = { .n = 0 };

    put(&t, s);
    send(&t);
}

static void on_version(const char *argument)
{
    (void)argument;
    say("demo " DEMO_VERSION);
}

static void on_echo(const char *argument)
{
    say(argument);
}

static void on_info(const char *argument)
{
    uint32_t base = DEMO_REG32(SCB_VTOR);
    struct text t = { .n = 0 };

    (void)argument;
    put(&t, "reset ");
    put_hex(&t, DEMO_REG32(RCC_CSR));
    put(&t, " vtor ");
    put_hex(&t, base);
    put(&t, DEMO_REG32(base + SEAL_AT_MAGIC) == SEAL_MAGIC ? " sealed life " : " unsealed life ");
    put_hex(&t, DEMO_REG32(base + SEAL_AT_LIFE));
    put(&t, demo_fpu_errors() == 0 ? " fpu ok" : " fpu broken");
    send(&t);
}

static void on_sum(const char *argument)
{
    struct text t = { .n = 0 };

    (void)argument;
    put(&t, "sum ");
    put_hex(&t, crc32_bytes(CRC32_INIT, demo_table, DEMO_TABLE_BYTES));
    send(&t);
}

/* A reply of exactly that many bytes, in one piece: 63, 64 and 65 are the ones that go wrong elsewhere. */
static void on_bytes(const char *argument)
{
    char piece[64];
    uint32_t left = 0;

    while (*argument >= '0' && *argument <= '9' && left <= BYTES_MAX) {
        left = left * 10 + (uint32_t)(*argument++ - '0');
    }
    if (left < 2 || left > BYTES_MAX) {
        say("bytes N: 2 to 4096");
        return;
    }
    while (left > 0) {
        size_t n = left < sizeof piece ? left : sizeof piece;

        memset(piece, 'x', sizeof piece);
        for (size_t i = 0; i < n; i++) {
            if (left - i == 2) { piece[i] = '\r'; }
            if (left - i == 1) { piece[i] = '\n'; }
        }
        demo_send(piece, n);
        left -= (uint32_t)n;
    }
}

static void on_confirm(const char *argument)
{
    (void)argument;
    switch (vcpboot_confirm()) {
    case VCPBOOT_OK: say("confirmed"); break;
    case VCPBOOT_UNSEALED: say("not sealed"); break;
    default: say("not confirmed"); break;
    }
}

static void on_boot(const char *argument)
{
    (void)argument;
    say("entering the bootloader");
    demo_enter_bootloader();
}

/* An undefined instruction: UsageFault, escalated to HardFault, and from there a reset (startup.c). */
static void on_crash(const char *argument)
{
    (void)argument;
    __builtin_trap();
}

static const struct command { const char *name; void (*run)(const char *argument); } commands[] = {
    { "version", on_version }, { "echo", on_echo }, { "info", on_info }, { "sum", on_sum }, { "bytes", on_bytes },
    { "confirm", on_confirm }, { "boot", on_boot }, { "crash", on_crash },
};

void demo_command(const char *line)
{
    size_t n = strcspn(line, " ");

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strlen(commands[i].name) == n && memcmp(commands[i].name, line, n) == 0) {
            commands[i].run(line[n] == ' ' ? line + n + 1 : line + n);
            return;
        }
    }
    say("? version, echo TEXT, info, sum, bytes N, confirm, boot, crash");
}
