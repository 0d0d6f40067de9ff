/* SPDX-License-Identifier: MIT */
/* JSON for machines: one object on a line. Texts may come from a device or a file name, so nothing is taken for granted. */
/* Sources: RFC 8259; RFC 3629 (UTF-8) */
#include <stdio.h>

#include "host/cli/cli.h"

/* Bytes of the UTF-8 sequence that begins at p, 0 if it is none. Overlong forms and surrogates are none. */
static unsigned sequence(const unsigned char *p)
{
    unsigned n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;

    for (unsigned i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;    /* stops at the terminating zero */
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F)) return 0;
    if ((p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F)) return 0;
    return n;
}

static void quoted(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    putchar('"');
    while (*p) {
        unsigned n = sequence(p);
        if (n == 0) fputs("\\ufffd", stdout);
        else if (*p == '"' || *p == '\\') printf("\\%c", *p);
        else if (*p < 0x20) printf("\\u%04x", *p);
        else (void)fwrite(p, 1, n, stdout);
        p += n ? n : 1;
    }
    putchar('"');
}

void json_open(const char *event) { printf("{\"event\":\"%s\"", event); }

void json_text(const char *name, const char *value)
{
    printf(",\"%s\":", name);
    quoted(value);
}

void json_number(const char *name, uint32_t value) { printf(",\"%s\":%u", name, (unsigned)value); }

void json_bool(const char *name, bool value) { printf(",\"%s\":%s", name, value ? "true" : "false"); }

void json_close(void)
{
    puts("}");
    (void)fflush(stdout);
}

void json_open_result(int code, const char *message)
{
    json_open("result");
    json_bool("ok", code == VCPBOOT_OK);
    json_number("code", (uint32_t)code);
    json_text("message", message);
}
