/* SPDX-License-Identifier: MIT */
/* What a person sees: one progress line on a terminal, plain lines in a pipe. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "host/cli/cli.h"

#define BAR_CELLS_MAX 40U
#define BESIDE_THE_BAR 59U              /* columns for text, percent, rate and rest */
#define COLUMNS_DEFAULT 80U
#define LINE_MAX_BYTES 256U

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000U + (uint64_t)t.tv_nsec / 1000000U;
}

void show_init(struct show *s, bool json)
{
    *s = (struct show){ .json = json, .terminal = !json && isatty(STDOUT_FILENO), .phase = -1 };
}

/* A text may name a product as the device gives it: no control character reaches the terminal. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F) *text = '?';
}

/* A bar that is full stays; what was only a phase gives way to what comes. */
static void end_line(struct show *s)
{
    if (s->open_line) fputs(s->bar ? "\n" : "\r\033[K", stdout);
    s->open_line = s->bar = false;
}

void show_say(struct show *s, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (s->json) return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    clean(text);
    end_line(s);
    puts(text);
}

int show_failure(struct show *s, int code, const char *message)
{
    char text[1024];

    if (s->json) {
        json_open_result(code, message);
        json_close();
        return code;
    }
    (void)snprintf(text, sizeof text, "%s", message);
    clean(text);
    end_line(s);
    (void)fflush(stdout);
    fprintf(stderr, "vcpboot: %s\n", text);
    return code;
}

/* --- progress ---------------------------------------------------------------------------------------------------------- */

static uint32_t percent(uint32_t done, uint32_t total) { return total ? (uint32_t)((uint64_t)done * 100U / total) : 0; }

static uint32_t columns(void)
{
    struct winsize w;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col != 0 ? w.ws_col : COLUMNS_DEFAULT;
}

static void draw_bar(char *out, uint32_t done, uint32_t total)
{
    uint32_t room = columns(), cells = room > BESIDE_THE_BAR + 4U ? room - BESIDE_THE_BAR : 4U;
    uint32_t full;

    if (cells > BAR_CELLS_MAX) cells = BAR_CELLS_MAX;
    full = total ? (uint32_t)((uint64_t)done * cells / total) : 0;
    memset(out, '#', full);
    memset(out + full, '.', cells - full);
    out[cells] = '\0';
}

static uint32_t rate_kb_s(struct show *s, uint32_t done)
{
    uint64_t now = now_ms();

    if (s->first_ms == 0 || done < s->first_done) {
        s->first_ms = now;
        s->first_done = done;
    }
    uint64_t took = now - s->first_ms;
    return took ? (uint32_t)((uint64_t)(done - s->first_done) * 1000U / 1024U / took) : 0;
}

static void draw(struct show *s, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text)
{
    char bar[BAR_CELLS_MAX + 1U], line[LINE_MAX_BYTES];

    if (s->bar && total == 0) end_line(s);
    s->bar = total != 0;
    if (total == 0) {
        (void)snprintf(line, sizeof line, "%s...", text);
    } else {
        draw_bar(bar, done, total);
        int n = snprintf(line, sizeof line, "%-25.25s [%s] %3u %%  %3u KB/s", text, bar, (unsigned)percent(done, total),
                         (unsigned)rate_kb_s(s, done));
        if (n > 0 && (size_t)n < sizeof line && rest_ms != VCPBOOT_REST_UNKNOWN)
            (void)snprintf(line + n, sizeof line - (size_t)n, "  %u s left", (unsigned)((rest_ms + 999U) / 1000U));
    }
    clean(line);
    printf("\r%.*s\033[K", (int)columns() - 1, line);   /* a full line would wrap, and the next \r not come back */
    (void)fflush(stdout);
    s->open_line = true;
}

/* Erasing and programming take turns by sector: for a reader of lines they are one phase. */
static bool is_news(struct show *s, int32_t phase, uint32_t done, uint32_t total)
{
    uint32_t tenth = percent(done, total) / 10U;
    bool streaming = phase == VCPBOOT_PHASE_ERASE || phase == VCPBOOT_PHASE_PROGRAM;
    bool was_streaming = s->phase == VCPBOOT_PHASE_ERASE || s->phase == VCPBOOT_PHASE_PROGRAM;
    bool news = (phase != s->phase && !(streaming && was_streaming)) || (total != 0 && tenth != s->tenth);

    s->phase = phase;
    if (total != 0) s->tenth = tenth;
    return news;
}

static void print_line(struct show *s, int32_t phase, uint32_t done, uint32_t total, const char *text)
{
    if (phase == VCPBOOT_PHASE_FIND || !is_news(s, phase, done, total)) return;
    if (total == 0) printf("%s\n", text);
    else printf("%s, %u %%\n", text, (unsigned)percent(done, total));
    (void)fflush(stdout);
}

static void print_json(int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text)
{
    json_open("progress");
    json_text("phase", vcpboot_phase_name(phase));
    json_number("done", done);
    json_number("total", total);
    if (rest_ms != VCPBOOT_REST_UNKNOWN) json_number("rest_ms", rest_ms);
    json_text("text", text);
    json_close();
}

int show_progress(void *user, int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text)
{
    struct show *s = user;

    if (s->json) print_json(phase, done, total, rest_ms, text);
    else if (s->terminal) draw(s, done, total, rest_ms, text);
    else print_line(s, phase, done, total, text);
    return 0;
}
