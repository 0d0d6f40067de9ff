/* SPDX-License-Identifier: MIT */
#include "bench/table.h"

#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1.01
#define LINE_MAX 256

struct row {
    char name[32], chip[8], timing[8];
    unsigned latency_us;
    unsigned long image_bytes, erases, words, bus_bytes;
    double seconds, floor;
};

static const char *timing_of(const struct setting *set)
{
    return set->timing == FLASH_MAX ? "max" : "typ";
}

static const char *chip_of(const struct setting *set)
{
    return set->vg ? "vg" : "ve";
}

static double seconds(vtime t)
{
    return (double)t / (double)VTIME_MS(1000);
}

static unsigned latency_of(const struct scenario *s, const struct setting *set)
{
    return s->by_latency ? set->latency_us : 0;
}

void table_head(FILE *out)
{
    fprintf(out, "%-13s %-4s %-6s %10s %8s %6s %7s %9s %8s %8s %6s %6s\n", "scenario", "chip", "timing", "latency us", "image", "erases",
            "words", "USB bytes", "seconds", "floor", "ratio", "stack");
}

void table_row(FILE *out, const struct scenario *s, const struct setting *set, const struct measure *m)
{
    fprintf(out, "%-13s %-4s %-6s %10u %8lu %6lu %7lu %9lu %8.4f %8.4f ", s->name, chip_of(set), timing_of(set), latency_of(s, set),
            (unsigned long)m->image_bytes, (unsigned long)m->erases, (unsigned long)m->words, (unsigned long)m->bus_bytes,
            seconds(m->took), seconds(m->floor));
    if (m->floor == 0)
        fprintf(out, "%6s", "-");
    else
        fprintf(out, "%6.3f", (double)m->took / (double)m->floor);
    fprintf(out, " %6u\n", m->stack_bytes);
}

void table_json(FILE *out, const struct scenario *s, const struct setting *set, const struct measure *m)
{
    fprintf(out,
            "{\"scenario\":\"%s\",\"chip\":\"%s\",\"timing\":\"%s\",\"latency_us\":%u,\"image_bytes\":%lu,\"erases\":%lu,\"words\":%lu,"
            "\"usb_bytes\":%lu,\"stack_bytes\":%u,\"seconds\":%.6f,\"floor_seconds\":%.6f,\"ratio\":",
            s->name, chip_of(set), timing_of(set), latency_of(s, set), (unsigned long)m->image_bytes, (unsigned long)m->erases,
            (unsigned long)m->words, (unsigned long)m->bus_bytes, m->stack_bytes, seconds(m->took), seconds(m->floor));
    if (m->floor == 0)
        fprintf(out, "null}\n");
    else
        fprintf(out, "%.4f}\n", (double)m->took / (double)m->floor);
}

static bool read_row(const char *line, struct row *r)
{
    return sscanf(line, "%31s %7s %7s %u %lu %lu %lu %lu %lf %lf", r->name, r->chip, r->timing, &r->latency_us, &r->image_bytes, &r->erases,
                  &r->words, &r->bus_bytes, &r->seconds, &r->floor) == 10;
}

static bool find_row(const char *path, const struct scenario *s, const struct setting *set, struct row *r)
{
    FILE *file = fopen(path, "r");
    char line[LINE_MAX];
    bool found = false;

    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = read_row(line, r) && strcmp(r->name, s->name) == 0 && strcmp(r->chip, chip_of(set)) == 0 &&
                strcmp(r->timing, timing_of(set)) == 0 && r->latency_us == latency_of(s, set);
    fclose(file);
    return found;
}

bool table_holds(const char *path, const struct scenario *s, const struct setting *set, const struct measure *m)
{
    const char *const where = s->name;
    struct row r;

    if (!find_row(path, s, set, &r)) {
        fprintf(stderr, "%s, %s, %s, %u us: no such row in %s\n", where, chip_of(set), timing_of(set), latency_of(s, set), path);
        return false;
    }
    if (m->erases == r.erases && m->words == r.words && seconds(m->took) <= r.seconds * TOLERANCE)
        return true;
    fprintf(stderr, "%s, %s, %s, %u us: %lu erases, %lu words, %.4f s; %s has %lu, %lu, %.4f s\n", where, chip_of(set), timing_of(set),
            latency_of(s, set), (unsigned long)m->erases, (unsigned long)m->words, seconds(m->took), path, r.erases, r.words, r.seconds);
    return false;
}
