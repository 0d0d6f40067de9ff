/* SPDX-License-Identifier: MIT */
/* The bridge between a cmocka test and a guest program. */
#include "run_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "board/load.h"

#define ARGS_ADDRESS 0x2001F000U
#define TIME_LIMIT VTIME_MS(60000)

struct chip_options guest_options(void)
{
    return (struct chip_options){ .hse_hz = CHIP_HSE_DEFAULT_HZ, .seed = 1, .tolerant = true, .result_bkpt = true };
}

static uint32_t *guest_words(struct guest *g)
{
    return (uint32_t *)(void *)chip_ram(g->chip, ARGS_ADDRESS, sizeof g->words);
}

void guest_put_args(struct guest *g, const uint32_t *args, unsigned count)
{
    memset(guest_words(g), 0, sizeof g->words);
    memcpy(guest_words(g), args, count * sizeof *args);
}

void guest_start(struct guest *g, const char *program, const struct chip_options *o, const uint32_t *args, unsigned count)
{
    char path[512];
    struct load_result r;

    (void)snprintf(path, sizeof path, "%s/%s.elf", GUEST_DIR, program);
    g->chip = chip_new(o);
    if (!load_image(g->chip, path, &r))
        fail_msg("%s (build the preset `firmware` first)", r.error);
    chip_power_cycle(g->chip);
    guest_put_args(g, args, count);
}

uint32_t guest_finish(struct guest *g)
{
    enum chip_end end = chip_run_for(g->chip, TIME_LIMIT);

    if (end != CHIP_RESULT)
        fail_msg("the guest program gave no result (end %d): %s", (int)end, chip_last_error(g->chip));
    memcpy(g->words, guest_words(g), sizeof g->words);
    return chip_result(g->chip);
}

uint32_t guest_run(struct guest *g, const char *program, const uint32_t *args, unsigned count)
{
    struct chip_options o = guest_options();

    guest_start(g, program, &o, args, count);
    return guest_finish(g);
}

void guest_end(struct guest *g)
{
    chip_free(g->chip);
}
