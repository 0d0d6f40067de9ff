/* SPDX-License-Identifier: MIT */
/* A desk (tests/e2e/desk.h) on which the power can be gone at any operation of a recorded update, many thousand times.
 *
 * What makes it fast is that nothing here is random: a run is a function of what it reads. A start of the chip that has read the
 * same lines of the flash, holding the same, has come to the same state; so that state is kept and put back instead of being
 * computed again (the unpacking of the updater alone is 0.4 s). What a start has read, the board says (flash_note_reads). */
#ifndef VCPBOOT_TESTS_WORLD_H
#define VCPBOOT_TESTS_WORLD_H

#include "tests/e2e/desk.h"
#include "tests/sweep/tape.h"

#define WORLD_LINES (TAPE_FLASH_BYTES / FLASH_LINE_BYTES)
#define WORLD_STARTS 16U
#define WORLD_APP 0x10000U              /* offset of the application in flash */

/* How the undecided cells behave at the power-on after the cut (board/fault.h). */
enum mood { MOOD_QUIET, MOOD_RESTLESS, MOODS };

struct line { uint32_t at; uint8_t bytes[FLASH_LINE_BYTES]; };

/* What a run has read, and what it was. */
struct readings {
    struct line *line;
    size_t count;
};

struct start {                          /* a kept start: up to the answer to HELLO */
    enum mood mood;
    struct readings read;
    struct chip_snapshot *chip;
    struct desk desk;
    size_t reused;
};

struct world {
    struct desk desk;
    struct vcpboot_image *old, *new, *raw;      /* sealed, sealed, the new one as the linker made it */
    struct cells installed;             /* vcpboot, settings, and the old application, confirmed */
    struct chip_snapshot *off[MOODS];   /* without power, with the mood of the next power-on */
    struct start start[WORLD_STARTS];
    size_t starts, ran;                 /* starts kept; starts that were executed */
    uint8_t *seen;                      /* by the run under way; WORLD_LINES of them, in memory shared with child processes */
    const char *firmware;               /* folder of the ARM ELF files */
};

/* vcpboot: the bootloader's ELF, NULL for the one in `firmware`. Exits with a message if a file is missing. */
void world_open(struct world *w, const char *firmware, const char *vcpboot);
void world_close(struct world *w);
/* For a process that goes on alone with a world that it has inherited. */
void world_own_marks(struct world *w);
/* The installed state, in the bootloader, HELLO answered. */
bool world_ready(struct world *w);

/* Power on over these cells, up to the answer to HELLO. False: nobody answers. */
bool world_start(struct world *w, const struct cells *c, enum mood mood);
/* Has anything of the application been executed since then? */
bool world_started_application(const struct world *w);
/* Does the flash read as this image now, the life word aside? */
bool world_holds(struct world *w, const struct vcpboot_image *image);
/* Bootloader and settings as they were? */
bool world_lower_intact(struct world *w);

/* The readings of the run under way: what was seen, as these cells held it. readings_fit: would another run have read the same? A
 * line with undecided bits never fits; a run that has read one is taken by nobody else: false, and nothing is taken. */
bool readings_take(struct readings *r, const uint8_t seen[WORLD_LINES], const struct cells *c);
bool readings_fit(const struct readings *r, const struct cells *c);
void readings_free(struct readings *r);

#endif
