/* SPDX-License-Identifier: MIT */
/* Timing and programming width of the C tests' chips. */
/* Sources: docs/SPEC.md section 4 */
#include "tests/e2e/edge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/config.h"

#define AT_PSIZE (CONFIG_OFFSET + offsetof(struct config, psize))

static const char *chosen_timing, *chosen_psize;
static bool chosen;

static unsigned index_of(const char *what, const char *text, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(names[i], text) == 0) return i;
    fprintf(stderr, "%s=%s is unknown\n", what, text);
    abort();
}

void edge_choose(const char *timing, const char *psize)
{
    chosen_timing = timing;
    chosen_psize = psize;
    chosen = true;
}

static void take_environment(void)
{
    if (!chosen) edge_choose(getenv("VCPBOOT_TEST_TIMING"), getenv("VCPBOOT_TEST_PSIZE"));
}

void edge_set_timing(struct chip_options *o)
{
    static const char *const names[] = { [FLASH_TYP] = "typ", [FLASH_MAX] = "max" };

    take_environment();
    if (chosen_timing != NULL) o->timing = (enum flash_timing)index_of("VCPBOOT_TEST_TIMING", chosen_timing, names, 2);
}

static const uint8_t *config_block(struct chip *c)
{
    const uint8_t *block = flash_cells(chip_flash(c)) + CONFIG_OFFSET;
    const uint32_t magic = CONFIG_MAGIC;

    return memcmp(block, &magic, sizeof magic) == 0 ? block : NULL;
}

void edge_set_psize(struct chip *c)
{
    static const char *const names[] = { "8", "16", "32" };     /* in the order of the field's values */

    take_environment();
    if (chosen_psize == NULL || config_block(c) == NULL) return;
    flash_cells(chip_flash(c))[AT_PSIZE] = (uint8_t)index_of("VCPBOOT_TEST_PSIZE", chosen_psize, names, 3);
    flash_probe_sync(chip_flash(c));
}

unsigned edge_psize(struct chip *c)
{
    return 8U << flash_cells(chip_flash(c))[AT_PSIZE];
}

unsigned edge_pieces(struct chip *c)
{
    return 32U / edge_psize(c);
}
