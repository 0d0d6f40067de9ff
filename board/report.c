/* SPDX-License-Identifier: MIT */
/* What the board says about its guest: each distinct message once, and traces with their time. */
#include "board/chip_internal.h"

#include <string.h>

#include "board/xalloc.h"

#define REPORTS_MAX 200U                /* a guest that goes wild must not fill the disk */

static bool known(const struct chip *c, const char *text)
{
    for (const struct report_line *l = c->reports; l != NULL; l = l->next) {
        if (strcmp(l->text, text) == 0)
            return true;
    }
    return false;
}

static void remember(struct chip *c, const char *text)
{
    struct report_line *l = xcalloc(1, sizeof *l);
    size_t size = strlen(text) + 1;

    l->text = xcalloc(1, size);
    memcpy(l->text, text, size);
    l->next = c->reports;
    c->reports = l;
    c->report_count++;
}

static void print_time(struct chip *c)
{
    fprintf(c->o.log, "[%12.6f ms] ", (double)chip_now(c) / 1e9);
}

void chip_guest_error(struct chip *c, bool fatal, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (c->report_count < REPORTS_MAX && !known(c, text)) {
        remember(c, text);
        if (c->o.log != NULL) {
            print_time(c);
            fprintf(c->o.log, "%s: %s\n", fatal ? "guest fault" : "guest", text);
        }
    }
    if (fatal && !c->o.tolerant)
        chip_finish(c, CHIP_GUEST_FAULT);
}

bool chip_tracing(struct chip *c, enum trace what)
{
    return c->o.log != NULL && (c->o.trace & (unsigned)what) != 0;
}

void chip_trace(struct chip *c, enum trace what, const char *fmt, ...)
{
    va_list args;

    if (!chip_tracing(c, what))
        return;
    print_time(c);
    va_start(args, fmt);
    (void)vfprintf(c->o.log, fmt, args);
    va_end(args);
    fputc('\n', c->o.log);
}

void chip_unmodelled(struct chip *c, const struct periph *p, uint32_t off, bool write, uint32_t value)
{
    if (write)
        chip_guest_error(c, false, "%s at 0x%08x (%s + 0x%03x) is not modelled: 0x%08x written and dropped; see %s", p->name,
                         (unsigned)(p->base + off), p->name, (unsigned)off, (unsigned)value, p->manual);
    else
        chip_guest_error(c, false, "%s at 0x%08x (%s + 0x%03x) is not modelled: read as 0; see %s", p->name,
                         (unsigned)(p->base + off), p->name, (unsigned)off, p->manual);
}

unsigned chip_error_count(const struct chip *c)
{
    return c->report_count;
}

const char *chip_last_error(const struct chip *c)
{
    return c->reports != NULL ? c->reports->text : "";
}

void report_free(struct chip *c)
{
    while (c->reports != NULL) {
        struct report_line *l = c->reports;

        c->reports = l->next;
        free(l->text);
        free(l);
    }
}
