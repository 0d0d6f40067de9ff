/* SPDX-License-Identifier: MIT */
/* vcpboot-bench: how long updates take, in virtual time. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/table.h"

#define EXIT_WORSE 1
#define EXIT_USAGE 2
#define LATENCY_MAX_US 1000000UL

static const char help[] =
    "Usage: vcpboot-bench [OPTION]... [SCENARIO]...\n"
    "Updates the virtual board, PC and board in one process and in virtual time: the same result on every machine. One line for each\n"
    "scenario: flash operations, bytes over USB, time, and the floor: how long the flash itself was busy. Without a scenario: all of\n"
    "docs/PERFORMANCE.md.\n"
    "\n"
    "  --host-latency-us N   from something at the PC's port to the program's reaction (default 1000)\n"
    "  --timing typ|max      the flash's times: DS8626 tables 39 and 40 (default typ)\n"
    "  --chip ve|vg          512 KB or 1 MB (default ve)\n"
    "  --json                one object on a line\n"
    "  --check FILE          fail if a result is worse than its line in FILE: other flash operations, or more than 1% slower\n"
    "  --svg FILE            draw bus, buffer and flash in the course of one native update\n"
    "  --firmware DIR        folder with vcpboot.elf (default " FIRMWARE_DIR ")\n"
    "  --list                the scenarios\n"
    "  --help                this text\n"
    "\n"
    "Exit status: 0; 1 with --check: something is worse; 2 the command line or a file is wrong.\n";

struct wish {
    struct setting set;
    bool json;
    const char *check, *svg;
};

/* What docs/PERFORMANCE.md shows. */
static const struct { const char *name; enum flash_timing timing; bool vg; unsigned latency_us; } whole[] = {
    { "full", FLASH_TYP, false, 125 },        { "full", FLASH_TYP, false, 1000 },       { "full", FLASH_TYP, false, 16000 },
    { "full", FLASH_MAX, false, 1000 },       { "same", FLASH_TYP, false, 1000 },       { "same", FLASH_TYP, false, 16000 },
    { "one-sector", FLASH_TYP, false, 1000 }, { "early-change", FLASH_TYP, false, 1000 }, { "resume", FLASH_TYP, false, 1000 },
    { "blank", FLASH_TYP, false, 1000 },      { "ymodem-1k", FLASH_TYP, false, 125 },   { "ymodem-1k", FLASH_TYP, false, 1000 },
    { "ymodem-1k", FLASH_MAX, false, 1000 },  { "an3155", FLASH_TYP, false, 1000 },     { "an3155", FLASH_MAX, false, 1000 },
    { "dfuse", FLASH_TYP, false, 1000 },      { "dfuse", FLASH_MAX, false, 1000 },      { "boot", FLASH_TYP, false, 0 },
    { "full", FLASH_TYP, true, 1000 },        { "same", FLASH_TYP, true, 1000 },        { "one-sector", FLASH_TYP, true, 1000 },
    { "resume", FLASH_TYP, true, 1000 },      { "ymodem-1k", FLASH_TYP, true, 1000 },   { "boot", FLASH_TYP, true, 0 },
};

static _Noreturn void misused(const char *what, const char *value)
{
    fprintf(stderr, "vcpboot-bench: %s %s; vcpboot-bench --help\n", what, value);
    exit(EXIT_USAGE);
}

static unsigned take_latency(const char *text)
{
    char *end;

    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n == 0 || n > LATENCY_MAX_US)
        misused("--host-latency-us wants 1 to 1000000, not", text);
    return (unsigned)n;
}

static enum flash_timing take_timing(const char *text)
{
    if (strcmp(text, "typ") == 0)
        return FLASH_TYP;
    if (strcmp(text, "max") != 0)
        misused("--timing wants typ or max, not", text);
    return FLASH_MAX;
}

static bool take_chip(const char *text)
{
    if (strcmp(text, "ve") != 0 && strcmp(text, "vg") != 0)
        misused("--chip wants ve or vg, not", text);
    return text[1] == 'g';
}

static void list(void)
{
    for (size_t i = 0; i < scenarios_count; i++)
        printf("%-13s %s\n", scenarios[i].name, scenarios[i].what);
}

static void draw(const char *path, const struct timeline *line, const struct setting *set, const struct measure *m)
{
    FILE *out = fopen(path, "w");
    char title[160];

    (void)snprintf(title, sizeof title, "%lu KB over USB into the flash: %.2f s, of which the flash needs %.2f s (%s)",
                   (unsigned long)m->image_bytes / 1024UL, (double)m->took / (double)VTIME_MS(1000),
                   (double)m->floor / (double)VTIME_MS(1000), set->timing == FLASH_MAX ? "slowest" : "typical");
    if (out == NULL)
        misused("cannot write", path);
    timeline_draw(line, out, title);
    if (ferror(out) != 0 || fclose(out) != 0)
        misused("cannot write", path);
}

/* False: with --check, it is worse. */
static bool run(const struct wish *w, const struct scenario *s, const struct setting *set)
{
    static struct timeline line;
    struct measure m;

    s->run(set, &m, w->svg != NULL ? &line : NULL);
    if (w->json)
        table_json(stdout, s, set, &m);
    else
        table_row(stdout, s, set, &m);
    fflush(stdout);
    if (w->svg != NULL)
        draw(w->svg, &line, set, &m);
    return w->check == NULL || table_holds(w->check, s, set, &m);
}

static bool run_whole(const struct wish *w)
{
    bool good = true;

    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        const struct setting set = { whole[i].timing, whole[i].vg, whole[i].latency_us, w->set.firmware };

        good &= run(w, scenario_named(whole[i].name), &set);
    }
    return good;
}

static bool run_named(const struct wish *w, char **name, int count)
{
    bool good = true;

    for (int i = 0; i < count; i++)
        if (scenario_named(name[i]) == NULL)
            misused("--list tells the scenarios; there is none named", name[i]);
    for (int i = 0; i < count; i++)
        good &= run(w, scenario_named(name[i]), &w->set);
    return good;
}

static struct wish take_options(int argc, char **argv)
{
    enum { LATENCY = 256, TIMING, CHIP, JSON, CHECK, SVG, FIRMWARE, LIST, HELP };
    static const struct option options[] = {
        { "host-latency-us", required_argument, NULL, LATENCY }, { "timing", required_argument, NULL, TIMING },
        { "chip", required_argument, NULL, CHIP }, { "json", no_argument, NULL, JSON }, { "check", required_argument, NULL, CHECK },
        { "svg", required_argument, NULL, SVG }, { "firmware", required_argument, NULL, FIRMWARE }, { "list", no_argument, NULL, LIST },
        { "help", no_argument, NULL, HELP }, { NULL, 0, NULL, 0 },
    };
    struct wish w = { .set = { .timing = FLASH_TYP, .latency_us = 1000, .firmware = FIRMWARE_DIR } };

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case LATENCY: w.set.latency_us = take_latency(optarg); break;
        case TIMING: w.set.timing = take_timing(optarg); break;
        case CHIP: w.set.vg = take_chip(optarg); break;
        case JSON: w.json = true; break;
        case CHECK: w.check = optarg; break;
        case SVG: w.svg = optarg; break;
        case FIRMWARE: w.set.firmware = optarg; break;
        case LIST: list(); exit(EXIT_SUCCESS);
        case HELP: fputs(help, stdout); exit(EXIT_SUCCESS);
        default: exit(EXIT_USAGE);
        }
    }
    return w;
}

int main(int argc, char **argv)
{
    const struct wish w = take_options(argc, argv);
    bool all = optind == argc;

    if (w.svg != NULL && argc - optind != 1)
        misused("--svg wants one scenario, as in: vcpboot-bench --svg update.svg full", "");
    if (!w.json)
        table_head(stdout);
    return (all ? run_whole(&w) : run_named(&w, argv + optind, argc - optind)) ? EXIT_SUCCESS : EXIT_WORSE;
}
