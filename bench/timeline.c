/* SPDX-License-Identifier: MIT */
#include "bench/timeline.h"

#include <string.h>

#include "board/usbhost/usbhost.h"

/* --- noting ------------------------------------------------------------------------------------------------------------------- */

/* Data bytes that the device has taken: handed out, and neither with the program nor in the PC's driver. */
static uint64_t taken(const struct desk *d)
{
    uint64_t held = usbhost_cdc_pending(chip_usbhost(d->chip)) + (d->out_bytes - d->out_at);

    return d->client.sent_bytes > held ? d->client.sent_bytes - held : 0;
}

static struct slice *slice_now(struct timeline *t)
{
    size_t at = (size_t)((chip_now(t->chip) - t->began) / TIMELINE_SLICE);

    if (at >= TIMELINE_SLICES)
        at = TIMELINE_SLICES - 1U;
    if (at >= t->slices)
        t->slices = at + 1U;
    return &t->slice[at];
}

void timeline_begin(struct timeline *t, const struct desk *d)
{
    memset(t, 0, sizeof *t);
    t->chip = d->chip;
    t->began = chip_now(d->chip);
    t->bus_bytes = d->bus_bytes;
    t->busy = flash_busy_time(chip_flash(d->chip));
    t->words = t->first_words = flash_totals(chip_flash(d->chip)).words;
    t->first_taken = taken(d);
}

void timeline_look(struct timeline *t, const struct desk *d)
{
    struct slice *s = slice_now(t);
    vtime busy = flash_busy_time(chip_flash(d->chip));
    uint64_t words = flash_totals(chip_flash(d->chip)).words;
    uint64_t got = taken(d) - t->first_taken, done = (words - t->first_words) * 4U;

    s->bus_bytes += (uint32_t)(d->bus_bytes - t->bus_bytes);
    s->waiting_bytes = got > done ? (uint32_t)(got - done) : 0;
    if (words != t->words)
        s->programming += busy - t->busy;
    else
        s->erasing += busy - t->busy;
    t->bus_bytes = d->bus_bytes;
    t->busy = busy;
    t->words = words;
}

void timeline_end(struct timeline *t, const struct desk *d)
{
    timeline_look(t, d);
    t->ended = chip_now(d->chip);
}

/* --- drawing ------------------------------------------------------------------------------------------------------------------ */

#define WIDTH 960.0
#define LEFT 120.0
#define RIGHT 24.0
#define TOP 56.0
#define LANE 84.0
#define GAP 22.0
#define AXIS 40.0
#define BUS_SCALE 12160.0               /* bytes in a slice: 19 packets of 64 bytes in each frame of 1 ms, USB 2.0 §5.8.4 */
#define RING_SCALE 65536.0              /* boot/main.c, RX_RING_BYTES */
#define COLOUR_BUS "#4c78a8"
#define COLOUR_RING "#72b7b2"
#define COLOUR_ERASE "#e45756"
#define COLOUR_PROGRAM "#54a24b"
#define COLOUR_REST "#eeca3b"

enum lane { LANE_BUS, LANE_RING, LANE_FLASH, LANES };

static double lane_top(enum lane l)
{
    return TOP + (LANE + GAP) * (double)l;
}

static double x_of(const struct timeline *t, vtime at)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (double)at / (double)(t->ended - t->began);
}

static double slice_x(const struct timeline *t, size_t i)
{
    vtime at = (vtime)i * TIMELINE_SLICE;

    return x_of(t, at < t->ended - t->began ? at : t->ended - t->began);
}

/* An area whose height in each slice is value / scale of the lane. */
static void draw_area(const struct timeline *t, FILE *out, enum lane l, const char *colour, double scale,
                      uint32_t (*value)(const struct slice *))
{
    double bottom = lane_top(l) + LANE;

    fprintf(out, "<path fill=\"%s\" d=\"M%.1f %.1f", colour, LEFT, bottom);
    for (size_t i = 0; i < t->slices; i++) {
        double share = value(&t->slice[i]) / scale, y = bottom - LANE * (share < 1.0 ? share : 1.0);

        fprintf(out, "V%.1fH%.1f", y, slice_x(t, i + 1U));
    }
    fprintf(out, "V%.1fZ\"/>\n", bottom);
}

static uint32_t bus_of(const struct slice *s)
{
    return s->bus_bytes;
}

static uint32_t ring_of(const struct slice *s)
{
    return s->waiting_bytes;
}

static const char *colour_of(const struct slice *s)
{
    vtime most = TIMELINE_SLICE / 2U;

    return s->erasing >= most ? COLOUR_ERASE : s->programming >= most ? COLOUR_PROGRAM : COLOUR_REST;
}

/* One block for each run of slices in which the flash does the same. */
static void draw_flash(const struct timeline *t, FILE *out)
{
    for (size_t i = 0, next; i < t->slices; i = next) {
        const char *colour = colour_of(&t->slice[i]);

        for (next = i + 1U; next < t->slices && colour_of(&t->slice[next]) == colour; next++) {}
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", slice_x(t, i), lane_top(LANE_FLASH),
                slice_x(t, next) - slice_x(t, i), LANE, colour);
    }
}

static void draw_label(FILE *out, enum lane l, const char *name, const char *unit)
{
    double middle = lane_top(l) + LANE / 2;

    fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%s</text>\n", LEFT - 12, middle - 2, name);
    fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\" fill=\"#777\" font-size=\"11\">%s</text>\n", LEFT - 12, middle + 14, unit);
    fprintf(out, "<path stroke=\"#ccc\" fill=\"none\" d=\"M%.0f %.1fH%.0f\"/>\n", LEFT, lane_top(l) + LANE + 0.5, WIDTH - RIGHT);
}

static void draw_axis(const struct timeline *t, FILE *out)
{
    double y = lane_top(LANES) - GAP + 18;

    for (unsigned s = 0; VTIME_MS(1000) * (vtime)s <= t->ended - t->began; s++)
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"#777\" font-size=\"11\">%u s</text>\n",
                x_of(t, VTIME_MS(1000) * (vtime)s), y, s);
}

static void draw_legend(FILE *out)
{
    static const struct { const char *colour, *name; } keys[] = {
        { COLOUR_ERASE, "erase" }, { COLOUR_PROGRAM, "program" }, { COLOUR_REST, "compare, verify, commit" },
    };
    double x = LEFT, y = lane_top(LANES) - GAP + 36;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        fprintf(out, "<rect x=\"%.0f\" y=\"%.0f\" width=\"12\" height=\"12\" fill=\"%s\"/>", x, y - 10, keys[i].colour);
        fprintf(out, "<text x=\"%.0f\" y=\"%.0f\" font-size=\"11\">%s</text>\n", x + 18, y, keys[i].name);
        x += 90;
    }
}

void timeline_draw(const struct timeline *t, FILE *out, const char *title)
{
    double height = lane_top(LANES) - GAP + AXIS + 8;

    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"13\">\n",
            WIDTH, height);
    fprintf(out, "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n");
    fprintf(out, "<text x=\"%.0f\" y=\"28\" font-size=\"15\">%s</text>\n", LEFT, title);
    draw_area(t, out, LANE_BUS, COLOUR_BUS, BUS_SCALE, bus_of);
    draw_area(t, out, LANE_RING, COLOUR_RING, RING_SCALE, ring_of);
    draw_flash(t, out);
    draw_label(out, LANE_BUS, "USB", "full: 1.2 MB/s");
    draw_label(out, LANE_RING, "waiting in RAM", "full: 64 KB");
    draw_label(out, LANE_FLASH, "flash", "");
    draw_axis(t, out);
    draw_legend(out);
    fprintf(out, "</svg>\n");
}
