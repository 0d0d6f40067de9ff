/* SPDX-License-Identifier: MIT */
#include "bench/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/load.h"
#include "boot/startup.h"
#include "tests/e2e/edge.h"
#include "tests/e2e/edge_pc.h"
#include "tests/unit/make_image.h"

#define APP 0x08010000U
#define APP_OFFSET (APP - FLASH_MAIN_BASE)
#define KIB(n) ((n) * 1024U)
#define APP_BYTES_VE KIB(448)
#define APP_BYTES_VG KIB(960)
#define STACK_END 0x20020000U           /* boot/layout.ld */
#define HANDLER_AT 0x40U                /* make_image's reset vector */
#define BRANCH_TO_ITSELF 0xE7FEU
#define OLD 1U
#define NEW 2U
#define TIMEOUT VTIME_MS(300000)        /* for a hang only */
#define SETTLE VTIME_MS(20)             /* the port has come: the device has nothing left to do */
#define BOOT_TIMEOUT VTIME_MS(100)
#define BOOT_LOOK VTIME_NS(500)

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "vcpboot-bench: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* --- images ----------------------------------------------------------------------------------------------------------------- */

static uint32_t app_bytes(const struct setting *set)
{
    return set->vg ? APP_BYTES_VG : APP_BYTES_VE;
}

/* As large as an application may be. */
static struct vcpboot_image *full_image(const struct setting *set, uint32_t seed)
{
    struct image_recipe recipe = { .base = APP, .bytes = app_bytes(set), .seed = seed };
    struct vcpboot_image *image = NULL;
    struct fault f = { 0 };
    uint8_t *raw = malloc(recipe.bytes);

    if (raw == NULL)
        give_up("the image", "out of memory");
    make_image(raw, &recipe);
    raw[HANDLER_AT] = BRANCH_TO_ITSELF & 0xFFU;
    raw[HANDLER_AT + 1] = BRANCH_TO_ITSELF >> 8;
    if (image_from_memory(&image, raw, recipe.bytes, "full", &f) != 0)
        give_up("the image", f.text);
    free(raw);
    return image;
}

static void seal(const struct setting *set, struct vcpboot_image *image)
{
    struct fault f = { 0 };

    image->sealed = false;
    if (image_seal(image, APP, app_bytes(set), &f) != 0)
        give_up("the image", f.text);
}

static struct vcpboot_image *sealed_image(const struct setting *set, uint32_t seed)
{
    struct vcpboot_image *image = full_image(set, seed);

    seal(set, image);
    return image;
}

/* --- the board -------------------------------------------------------------------------------------------------------------- */

static struct chip_options board(const struct setting *set)
{
    static const char *const timings[] = { [FLASH_TYP] = "typ", [FLASH_MAX] = "max" };

    edge_choose(timings[set->timing], "32");
    return (struct chip_options){ .vg = set->vg, .hse_hz = CHIP_HSE_DEFAULT_HZ, .timing = set->timing, .seed = 1, .log = stderr };
}

static void load(const struct setting *set, struct chip *chip)
{
    struct load_result r;
    char path[512];

    (void)snprintf(path, sizeof path, "%s/vcpboot.elf", set->firmware);
    if (!load_image(chip, path, &r))
        give_up(r.error, "build the preset `firmware` first");
    edge_set_psize(chip);
}

static void put(struct chip *chip, const struct vcpboot_image *image)
{
    (void)flash_probe_write(chip_flash(chip), APP, image->bytes, image->length);
}

/* An application that differs everywhere and does not start: its CRC is wrong. */
static void put_old(const struct setting *set, struct chip *chip)
{
    struct vcpboot_image *old = sealed_image(set, OLD);

    old->bytes[old->length - 1U] ^= 1U;
    put(chip, old);
    image_free(old);
}

static void come_up(const struct setting *set, struct desk *d)
{
    d->latency = VTIME_US(set->latency_us);
    if (!desk_wait_port(d, TIMEOUT) || chip_run_for(d->chip, SETTLE) != CHIP_RUNS)
        give_up("the bootloader", "does not come up");
}

static void start(const struct setting *set, struct desk *d, bool with_old)
{
    struct chip_options o = board(set);

    desk_open(d, &o);
    load(set, d->chip);
    if (with_old)
        put_old(set, d->chip);
    come_up(set, d);
}

/* --- measuring --------------------------------------------------------------------------------------------------------------- */

static void begin(struct measure *m, struct chip *chip, uint64_t bus_bytes)
{
    struct flash_totals t = flash_totals(chip_flash(chip));

    m->took = chip_now(chip);
    m->floor = flash_busy_time(chip_flash(chip));
    m->erases = t.erases;
    m->words = t.words;
    m->bus_bytes = bus_bytes;
}

/* boot/updater_start.c has painted it. */
static unsigned stack_used(struct chip *chip)
{
    const uint8_t *stack = chip_ram(chip, STACK_END - STACK_BYTES, STACK_BYTES);
    const uint32_t paint = STACK_PAINT;
    unsigned unused = 0;

    while (unused < STACK_BYTES && memcmp(stack + unused, &paint, sizeof paint) == 0)
        unused += sizeof paint;
    return unused != 0 ? STACK_BYTES - unused : 0;
}

static void end(struct measure *m, struct chip *chip, uint64_t bus_bytes, const struct vcpboot_image *image)
{
    struct flash_totals t = flash_totals(chip_flash(chip));

    m->took = chip_now(chip) - m->took;
    m->floor = flash_busy_time(chip_flash(chip)) - m->floor;
    m->erases = t.erases - m->erases;
    m->words = t.words - m->words;
    m->bus_bytes = bus_bytes - m->bus_bytes;
    m->image_bytes = image->length;
    m->stack_bytes = stack_used(chip);
}

/* From the first HELLO to the answer that the image is committed, or to the insight that it is there already. */
static void update(struct desk *d, const struct vcpboot_image *image, struct measure *m, struct timeline *line)
{
    vtime until = chip_now(d->chip) + TIMEOUT;
    struct plan plan;

    begin(m, d->chip, d->bus_bytes);
    if (line != NULL)
        timeline_begin(line, d);
    if (!desk_plan(d, image, &plan))
        give_up("native update", "the device does not begin");
    if (!plan.same)
        desk_begin_planned(d, image, &plan);
    while (d->client.state == CLIENT_BUSY && chip_now(d->chip) < until && desk_step(d))
        if (line != NULL)
            timeline_look(line, d);
    if (d->client.state != CLIENT_DONE)
        give_up("native update", "it fails");
    if (line != NULL)
        timeline_end(line, d);
    end(m, d->chip, d->bus_bytes, image);
}

/* --- native ------------------------------------------------------------------------------------------------------------------- */

static void native(const struct setting *set, bool with_old, struct measure *out, struct timeline *line)
{
    struct vcpboot_image *image = sealed_image(set, NEW);
    struct desk d;

    start(set, &d, with_old);
    update(&d, image, out, line);
    desk_close(&d);
    image_free(image);
}

static void full(const struct setting *set, struct measure *out, struct timeline *line)
{
    native(set, true, out, line);
}

static void blank(const struct setting *set, struct measure *out, struct timeline *line)
{
    native(set, false, out, line);
}

/* An update, and another one of the same image as `change` leaves it. */
static void again(const struct setting *set, void (*change)(struct vcpboot_image *), struct measure *out, struct timeline *line)
{
    struct vcpboot_image *image = sealed_image(set, NEW);
    struct measure first;
    struct desk d;

    start(set, &d, false);
    update(&d, image, &first, NULL);
    change(image);
    seal(set, image);
    update(&d, image, out, line);
    desk_close(&d);
    image_free(image);
}

static void change_nothing(struct vcpboot_image *image)
{
    (void)image;
}

static void change_last_sector(struct vcpboot_image *image)
{
    image->bytes[image->length - KIB(64)] ^= 0x55U;
}

/* A function near the beginning has grown by four bytes: everything behind it has moved. */
static void change_early(struct vcpboot_image *image)
{
    const uint32_t at = KIB(2);

    memmove(image->bytes + at + 4, image->bytes + at, image->length - at - 4U);
}

static void same(const struct setting *set, struct measure *out, struct timeline *line)
{
    again(set, change_nothing, out, line);
}

static void one_sector(const struct setting *set, struct measure *out, struct timeline *line)
{
    again(set, change_last_sector, out, line);
}

static void early_change(const struct setting *set, struct measure *out, struct timeline *line)
{
    again(set, change_early, out, line);
}

/* The power fails when half of the image is programmed. Measured is the update after that. */
static void resume(const struct setting *set, struct measure *out, struct timeline *line)
{
    struct vcpboot_image *image = sealed_image(set, NEW);
    struct desk d;

    start(set, &d, true);
    if (!desk_begin_update(&d, image))
        give_up("native update", "the device does not begin");
    while (client_done_bytes(&d.client) < client_total_bytes(&d.client) / 2U)
        if (!desk_step(&d))
            give_up("native update", "it fails before its half");
    chip_power_cut(d.chip);
    chip_power_cycle(d.chip);
    desk_attach(&d, d.chip);
    come_up(set, &d);
    update(&d, image, out, line);
    desk_close(&d);
    image_free(image);
}

/* --- the standard protocols ------------------------------------------------------------------------------------------------ */

/* On a board with a full old image, with the raw file that the linker made. */
static void standard(const struct setting *set, void (*client)(struct edge_pc *pc, const struct vcpboot_image *image, struct measure *m),
                     struct measure *out)
{
    struct vcpboot_image *image = full_image(set, NEW);
    struct chip_options o = board(set);
    struct edge_pc pc = { .no_verify = false };

    o.usb_cable = true;
    dfu_desk_attach(&pc.desk, chip_new(&o), false);
    load(set, pc.desk.chip);
    put_old(set, pc.desk.chip);
    pc.desk.latency = VTIME_US(set->latency_us);
    if (!dfu_desk_wait(&pc.desk, 1) || chip_run_for(pc.desk.chip, SETTLE) != CHIP_RUNS)
        give_up("the bootloader", "does not come up");
    client(&pc, image, out);
    dfu_desk_close(&pc.desk);
    image_free(image);
}

static void sb(struct edge_pc *pc, const struct vcpboot_image *image, struct measure *m)
{
    begin(m, pc->desk.chip, pc->desk.bus_bytes);
    edge_sb(pc, image->bytes, image->length);
    end(m, pc->desk.chip, pc->desk.bus_bytes, image);
}

static void stm32flash(struct edge_pc *pc, const struct vcpboot_image *image, struct measure *m)
{
    begin(m, pc->desk.chip, pc->desk.bus_bytes);
    edge_stm32flash(pc, image->bytes, image->length);
    end(m, pc->desk.chip, pc->desk.bus_bytes, image);
}

static void dfu_util(struct edge_pc *pc, const struct vcpboot_image *image, struct measure *m)
{
    dfu_desk_reboot(&pc->desk, 2);
    if (!dfu_desk_wait(&pc->desk, 2) || chip_run_for(pc->desk.chip, SETTLE) != CHIP_RUNS)
        give_up("the DfuSe personality", "does not come up");
    begin(m, pc->desk.chip, pc->desk.bus_bytes);
    (void)dfu_write_image(&pc->desk, APP, image->bytes, image->length);
    (void)dfu_leave(&pc->desk);
    end(m, pc->desk.chip, pc->desk.bus_bytes, image);
}

static void ymodem(const struct setting *set, struct measure *out, struct timeline *line)
{
    (void)line;
    standard(set, sb, out);
}

static void an3155(const struct setting *set, struct measure *out, struct timeline *line)
{
    (void)line;
    standard(set, stm32flash, out);
}

static void dfuse(const struct setting *set, struct measure *out, struct timeline *line)
{
    (void)line;
    standard(set, dfu_util, out);
}

/* --- reset to application --------------------------------------------------------------------------------------------------- */

static void boot(const struct setting *set, struct measure *out, struct timeline *line)
{
    struct vcpboot_image *image = sealed_image(set, NEW);
    struct chip_options o = board(set);
    struct chip *chip = chip_new(&o);
    uint8_t *seen = calloc(flash_bytes(chip_flash(chip)) / FLASH_LINE_BYTES, 1);
    const uint8_t *handler = seen + (APP_OFFSET + HANDLER_AT) / FLASH_LINE_BYTES;

    (void)line;
    if (seen == NULL)
        give_up("boot", "out of memory");
    load(set, chip);
    put(chip, image);
    flash_note_reads(chip_flash(chip), seen);
    begin(out, chip, 0);
    while ((*handler & FLASH_SEEN_FETCHED) == 0)
        if (chip_now(chip) - out->took > BOOT_TIMEOUT || chip_run_for(chip, BOOT_LOOK) != CHIP_RUNS)
            give_up("boot", "the application does not start");
    end(out, chip, 0, image);
    flash_note_reads(chip_flash(chip), NULL);
    free(seen);
    chip_free(chip);
    image_free(image);
}

const struct scenario scenarios[] = {
    { "full", "a whole image over another one", true, full },
    { "same", "the same image once more", true, same },
    { "one-sector", "one byte in the last sector has changed", true, one_sector },
    { "early-change", "all behind a change near the beginning has moved", true, early_change },
    { "resume", "after a power cut at half", true, resume },
    { "blank", "a chip as from the factory", true, blank },
    { "ymodem-1k", "sb -k, from opening the port to the last ACK", true, ymodem },
    { "an3155", "stm32flash -w -v -g, from opening the port to the ACK of Go", true, an3155 },
    { "dfuse", "dfu-util -s :leave -D, from the first request to the last", true, dfuse },
    { "boot", "from reset to the application's first instruction", false, boot },
};
const size_t scenarios_count = sizeof scenarios / sizeof *scenarios;

const struct scenario *scenario_named(const char *name)
{
    for (size_t i = 0; i < scenarios_count; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    return NULL;
}
