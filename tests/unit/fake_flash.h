/* SPDX-License-Identifier: MIT */
/* A flash array behind update/flash.h, for the PC: programming ANDs, erasing takes a whole sector, operations stay busy for a while,
 * and they fail, lie or lose their power when a test says so. One instance at a time is the one that flash_* talk to.
 *
 * Misuse (an address outside, an operation begun or the array read while another one runs) is counted in `violations`; a test
 * that expects good manners checks that it is 0. */
#ifndef VCPBOOT_FAKE_FLASH_H
#define VCPBOOT_FAKE_FLASH_H

#include <stdbool.h>

#include "update/flash.h"

enum fake_op_kind { FAKE_ERASE, FAKE_PROGRAM, FAKE_PROTECT };     /* FAKE_PROTECT: word holds the sectors */
struct fake_op { enum fake_op_kind kind; uint32_t addr, word; };

struct fake_flash {
    const struct flash_area *area;
    uint32_t base, bytes;
    uint8_t *array;
    uint32_t protection;                /* a bit for each sector of the area: erasing and programming fail there */

    /* Settings. Operations are numbered from 1, whatever their kind; 0: never. */
    unsigned busy_polls;                /* polls that answer FLASH_BUSY for each operation */
    uint32_t fail_at;                   /* this operation fails with fail_result; nothing changes */
    enum flash_result fail_result;
    uint32_t lie_at;                    /* this one reports success, and a bit is wrong */
    uint32_t cut_at;                    /* the power fails within this one: it is torn, and the flash is dead */
    uint32_t seed;                      /* how it tears */
    void (*on_begin)(struct fake_flash *f, const struct fake_op *op);
    const struct flash_sector *windows; /* what may be read beside the array, as zeros */
    size_t window_count;

    /* What happened. */
    bool dead;
    uint32_t ops, erases, words, protections, reads, crc_words, violations;
    struct fake_op *log;                /* every operation since open or restart */

    /* Its own. */
    bool running;
    unsigned polls_left;
    struct fake_op op;
    enum flash_result result;
    struct { uint32_t addr; const uint8_t *p; size_t left; } run;       /* words that are still to be begun */
    uint32_t words_begun;               /* since open */
    uint32_t status_register, crc;
    size_t log_cap;
};

/* All ones, no faults; becomes the instance. */
void fake_flash_open(struct fake_flash *f, const struct flash_area *area);
void fake_flash_close(struct fake_flash *f);
/* Power comes back: array and protection stay, faults and counters are cleared. */
void fake_flash_restart(struct fake_flash *f);
/* Puts bytes into the array as a programmer would. */
void fake_flash_load(struct fake_flash *f, uint32_t addr, const uint8_t *p, size_t n);

#endif
