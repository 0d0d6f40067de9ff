/* SPDX-License-Identifier: MIT */
/* What the bootloader says to a person: sentences with gaps, filled in, kept until the port has room for them. */
/* The gaps: %m the insert, %b the application's base, %s and %r stack and reset vector of the file that came by YMODEM, %c chip, %k its
 * flash in KB, %i its unique id; of the installed image %p product, %v version, %l length (serve_native_describe brings them). */
#include "boot/serve_parts.h"

#define HEX 16U
#define DECIMAL 10U
#define ENTRY_MAX 31U                   /* SPEC 2.1 */

static void put_format(struct serve *s, const char *format, const char *insert);

static void put_char(struct serve *s, char c)
{
    if (s->text.bytes < sizeof s->text.out) {
        s->text.out[s->text.bytes++] = (uint8_t)c;
    }
}

static void put_number(struct serve *s, uint32_t v, uint32_t base, unsigned digits)
{
    char reversed[10];
    unsigned n = 0;

    do {
        reversed[n++] = "0123456789ABCDEF"[v % base];
        v /= base;
    } while (v != 0 || n < digits);
    while (n > 0) {
        put_char(s, reversed[--n]);
    }
}

static void put_word(struct serve *s, uint32_t v)
{
    put_char(s, '0');
    put_char(s, 'x');
    put_number(s, v, HEX, 8);
}

/* A maker's words. No control characters: they are not for the terminal to obey. */
static void put_entry(struct serve *s, uint16_t type)
{
    size_t n = 0;
    const uint8_t *p = info_entry(s->set.self.entries, s->set.self.entries_bytes, type, &n);

    for (size_t i = 0; p != NULL && i < n && i < ENTRY_MAX; i++) {
        if (p[i] >= ' ') {
            put_char(s, (char)p[i]);
        }
    }
}

static void put_uid(struct serve *s)
{
    for (size_t i = 0; i < sizeof s->set.self.uid; i++) {
        put_number(s, s->set.self.uid[i], HEX, 2);
    }
}

static void put_gap(struct serve *s, char gap, const char *insert)
{
    const struct native_hello *h = &s->set.self;

    switch (gap) {
    case 'b': put_word(s, s->set.where->base); break;
    case 'c': put_word(s, (uint32_t)h->rev_id << 16 | h->dev_id); break;
    case 'i': put_uid(s); break;
    case 'k': put_number(s, h->flash_kb, DECIMAL, 1); break;
    case 'l': put_number(s, h->image_bytes, DECIMAL, 1); break;
    case 'p': put_entry(s, INFO_PRODUCT); break;
    case 'r': put_word(s, s->ymodem.reset); break;
    case 's': put_word(s, s->ymodem.sp); break;
    case 'v': put_entry(s, INFO_VERSION); break;
    default: put_format(s, insert, ""); break;
    }
}

/* An insert has no insert: at most two deep. */
static void put_format(struct serve *s, const char *format, const char *insert)
{
    for (; *format != '\0'; format++) {
        if (*format == '%') {
            put_gap(s, *++format, insert);
        } else {
            put_char(s, *format);
        }
    }
}

void serve_say(struct serve *s, const char *format, const char *insert)
{
    put_format(s, format, insert);
}

void serve_text_drop(struct serve *s)
{
    s->text.bytes = 0;
    s->text.sent = 0;
}

void serve_text_poll(struct serve *s)
{
    struct serve_text *t = &s->text;
    size_t n = t->bytes - t->sent, room = serve_room(s);

    if (n > room) {
        n = room;
    }
    serve_send(s, t->out + t->sent, n);
    t->sent += n;
    if (t->sent == t->bytes) {
        serve_text_drop(s);
    }
}
