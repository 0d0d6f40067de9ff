/* SPDX-License-Identifier: MIT */
/* Starts of the chip over given cells, executed once for everything that they read. */
#include "tests/sweep/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "board/load.h"
#include "board/usbhost/usbhost.h"

#define SETTINGS_OFFSET 0x4000U
#define LIFE_END (SEAL_AT_LIFE + 4U)
#define MOOD_TRIES 64U

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "cut_sweep: %s: %s\n", what, why);
    exit(2);
}

/* --- readings --------------------------------------------------------------------------------------------------------------- */

static bool decided(const struct cells *c, uint32_t line)
{
    uint32_t any = 0;

    for (uint32_t i = 0; i < FLASH_LINE_BYTES / 4U; i++)
        any |= c->unstable[line * (FLASH_LINE_BYTES / 4U) + i];
    return any == 0;
}

bool readings_take(struct readings *r, const uint8_t seen[WORLD_LINES], const struct cells *c)
{
    r->count = 0;
    for (uint32_t i = 0; i < WORLD_LINES; i++)
        if ((seen[i] & (FLASH_SEEN_LOADED | FLASH_SEEN_FETCHED)) != 0 && !decided(c, i))
            return false;
    r->line = calloc(WORLD_LINES, sizeof *r->line);
    if (r->line == NULL)
        give_up("readings", "out of memory");
    for (uint32_t i = 0; i < WORLD_LINES; i++) {
        if ((seen[i] & (FLASH_SEEN_LOADED | FLASH_SEEN_FETCHED)) == 0)
            continue;
        r->line[r->count].at = i;
        memcpy(r->line[r->count++].bytes, c->bytes + i * FLASH_LINE_BYTES, FLASH_LINE_BYTES);
    }
    return true;
}

bool readings_fit(const struct readings *r, const struct cells *c)
{
    for (size_t i = r->count; i-- > 0;)         /* from the top: there the cells differ first */
        if (memcmp(c->bytes + r->line[i].at * FLASH_LINE_BYTES, r->line[i].bytes, FLASH_LINE_BYTES) != 0 ||
            !decided(c, r->line[i].at))
            return false;
    return true;
}

void readings_free(struct readings *r)
{
    free(r->line);
    r->line = NULL;
}

/* --- the installed state ---------------------------------------------------------------------------------------------------- */

static struct vcpboot_image *load(const char *folder, const char *name, bool seal)
{
    struct vcpboot_image *image = NULL;
    struct fault f = { 0 };
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (image_from_file(&image, path, &f) != 0 || (seal && image_seal(image, DESK_APP_BASE, DESK_APP_BYTES, &f) != 0))
        give_up(path, "no image (build the preset `firmware` first)");
    return image;
}

/* As in the field: the old application got there by an update, has started and confirmed itself. */
static void install(struct world *w, const char *vcpboot)
{
    struct chip_options o = { .hse_hz = CHIP_HSE_DEFAULT_HZ, .timing = FLASH_FAST, .seed = 1, .unstable_bits = true };
    struct load_result r;
    uint8_t settings[WORLD_APP - SETTINGS_OFFSET];

    desk_open(&w->desk, &o);
    if (!load_image(w->desk.chip, vcpboot, &r))
        give_up(vcpboot, r.error);
    for (size_t i = 0; i < sizeof settings; i++)
        settings[i] = (uint8_t)(i * 7U + i / 251U);
    flash_probe_write(chip_flash(w->desk.chip), FLASH_MAIN_BASE + SETTINGS_OFFSET, settings, sizeof settings);
    if (!desk_update(&w->desk, w->old) || chip_run_for(w->desk.chip, VTIME_MS(100)) != CHIP_RUNS)
        give_up("the old application", "could not be installed");
    cells_of(&w->installed, w->desk.chip);
}

/* A chip without power whose next power-on has the mood that is wanted. */
static void keep_off(struct world *w, enum mood mood)
{
    struct chip *c = w->desk.chip;

    for (unsigned i = 0; i < MOOD_TRIES; i++) {
        chip_power_cut(c);
        w->off[mood] = chip_snapshot_new();
        if (!chip_save(c, w->off[mood]))
            give_up("the board", "cannot be saved");
        chip_power_cycle(c);
        if (flash_restless(chip_flash(c)) == (mood == MOOD_RESTLESS))
            return;
        chip_snapshot_free(w->off[mood]);
    }
    give_up("the board", "has only one mood");
}

void world_own_marks(struct world *w)
{
    w->seen = mmap(NULL, WORLD_LINES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w->seen == MAP_FAILED)
        give_up("shared memory", "there is none");
}

void world_open(struct world *w, const char *firmware, const char *vcpboot)
{
    char path[512];

    memset(w, 0, sizeof *w);
    w->firmware = firmware;
    w->old = load(firmware, "demo-1.0.0.elf", true);
    w->new = load(firmware, "demo-2.0.0.elf", true);
    w->raw = load(firmware, "demo-2.0.0.elf", false);
    world_own_marks(w);
    snprintf(path, sizeof path, "%s/vcpboot.elf", firmware);
    install(w, vcpboot != NULL ? vcpboot : path);
    keep_off(w, MOOD_QUIET);
    keep_off(w, MOOD_RESTLESS);
}

void world_close(struct world *w)
{
    for (size_t i = 0; i < w->starts; i++) {
        chip_snapshot_free(w->start[i].chip);
        readings_free(&w->start[i].read);
    }
    for (unsigned i = 0; i < MOODS; i++)
        chip_snapshot_free(w->off[i]);
    desk_close(&w->desk);
    image_free(w->old);
    image_free(w->new);
    image_free(w->raw);
    munmap(w->seen, WORLD_LINES);
}

bool world_ready(struct world *w)
{
    return world_start(w, &w->installed, MOOD_QUIET) && desk_enter_bootloader(&w->desk);
}

/* --- starts ----------------------------------------------------------------------------------------------------------------- */

/* A free one, or the one that was of least use. */
static struct start *room_for_start(struct world *w)
{
    struct start *least = &w->start[0];

    if (w->starts < WORLD_STARTS) {
        w->start[w->starts].chip = chip_snapshot_new();
        return &w->start[w->starts++];
    }
    for (size_t i = 1; i < w->starts; i++)
        if (w->start[i].reused < least->reused)
            least = &w->start[i];
    readings_free(&least->read);
    return least;
}

static void keep_start(struct world *w, const struct cells *c, enum mood mood)
{
    struct readings read;
    struct start *s;

    if (usbhost_asks(chip_usbhost(w->desk.chip)) || !readings_take(&read, w->seen, c))
        return;
    s = room_for_start(w);
    (void)chip_save(w->desk.chip, s->chip);
    s->mood = mood;
    s->desk = w->desk;
    s->reused = 0;
    s->read = read;
}

static void mark(struct world *w, const struct readings *r)
{
    for (size_t i = 0; i < r->count; i++)
        w->seen[r->line[i].at] |= FLASH_SEEN_LOADED;
}

static bool reuse(struct world *w, const struct cells *c, enum mood mood)
{
    for (size_t i = 0; i < w->starts; i++) {
        struct start *s = &w->start[i];

        if (s->mood != mood || !readings_fit(&s->read, c))
            continue;
        w->desk = s->desk;
        chip_restore(w->desk.chip, s->chip);
        flash_set_state(chip_flash(w->desk.chip), c->bytes, c->unstable);
        flash_note_reads(chip_flash(w->desk.chip), w->seen);
        mark(w, &s->read);
        s->reused++;
        return true;
    }
    return false;
}

static bool execute(struct world *w, const struct cells *c, enum mood mood)
{
    struct chip *chip = w->desk.chip;

    chip_restore(chip, w->off[mood]);
    flash_set_state(chip_flash(chip), c->bytes, c->unstable);
    flash_note_reads(chip_flash(chip), w->seen);
    w->desk.port = false;
    w->desk.out_at = w->desk.out_bytes = 0;
    client_init(&w->desk.client, DESK_REPLY_MS);
    chip_power_cycle(chip);
    return desk_hello(&w->desk);
}

bool world_start(struct world *w, const struct cells *c, enum mood mood)
{
    bool alive;

    memset(w->seen, 0, WORLD_LINES);
    if (reuse(w, c, mood))
        return true;
    w->ran++;
    alive = execute(w, c, mood);
    if (alive && w->desk.client.hello.mode == 0)
        keep_start(w, c, mood);
    return alive;
}

/* --- questions -------------------------------------------------------------------------------------------------------------- */

bool world_started_application(const struct world *w)
{
    for (uint32_t i = WORLD_APP / FLASH_LINE_BYTES; i < WORLD_LINES; i++)
        if ((w->seen[i] & FLASH_SEEN_FETCHED) != 0)
            return true;
    return false;
}

bool world_holds(struct world *w, const struct vcpboot_image *image)
{
    const uint8_t *app = flash_cells(chip_flash(w->desk.chip)) + WORLD_APP;

    return memcmp(app, image->bytes, SEAL_AT_LIFE) == 0 &&
           memcmp(app + LIFE_END, image->bytes + LIFE_END, image->length - LIFE_END) == 0;
}

bool world_lower_intact(struct world *w)
{
    return memcmp(flash_cells(chip_flash(w->desk.chip)), w->installed.bytes, WORLD_APP) == 0;
}
