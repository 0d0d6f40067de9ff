/* SPDX-License-Identifier: MIT */
/* FLASH: the memory array, its interface registers, and what the CPU sees of it through the ART accelerator. */
#ifndef VCPBOARD_PERIPH_FLASH_H
#define VCPBOARD_PERIPH_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip.h"
#include "board/fault.h"

#define FLASH_MAIN_BASE 0x08000000U
#define FLASH_SYS_BASE 0x1FFF0000U      /* system memory, OTP, lock bytes, unique ID */
#define FLASH_SYS_BYTES 0x8000U
#define FLASH_OPT_BASE 0x1FFFC000U      /* the memory view of the option bytes */
#define FLASH_OPT_BYTES 0x1000U

struct flash;

enum flash_timing { FLASH_TYP, FLASH_MAX, FLASH_FAST };

struct flash_options {
    enum flash_timing timing;
    struct power_cut cut;
    bool unstable_bits;                 /* undecided bits read differently at times (fault.h) */
    uint64_t seed;
    void (*power_fails)(struct chip *c);                /* the cut has come; returns, and the chip ends the run */
    void (*latency_changed)(struct chip *c);
    void (*level_regressed)(struct chip *c);            /* RDP level 1 to 0: the backup SRAM is erased with the flash */
    void (*code_changed)(struct chip *c, uint32_t address, uint32_t bytes);     /* bytes that the CPU may have decoded */
};

struct flash *flash_new(struct chip *c, const struct flash_options *o);
void flash_free(struct flash *f);

/* --- the array, as a programmer's probe sees it ------------------------------------------------------------------- */
uint8_t *flash_cells(struct flash *f);                  /* main memory, flash_bytes() of it */
uint32_t flash_bytes(const struct flash *f);
/* Writes an image; main flash or system memory. False if the range is not inside one of them. */
bool flash_probe_write(struct flash *f, uint32_t address, const uint8_t *data, size_t bytes);
/* After cells were written directly: brings the CPU's view in line. */
void flash_probe_sync(struct flash *f);
/* What main memory holds, and which bits of each word are undecided since an operation on it was torn (fault.h). unstable:
 * flash_bytes() / 4 words; NULL: none. As if the power had been cut there: to be followed by chip_power_cycle. */
void flash_set_state(struct flash *f, const uint8_t *cells, const uint32_t *unstable);
const uint32_t *flash_unstable(const struct flash *f);
/* The option bytes as OPTCR shows them (lock and start bits ignored); takes effect at the next reset. */
void flash_set_options(struct flash *f, uint32_t optcr);
uint32_t flash_get_options(const struct flash *f);      /* the same, as they are now */
bool flash_has_factory_options(const struct flash *f);
bool flash_wdg_sw(const struct flash *f);               /* option WDG_SW: 0 starts the IWDG at every reset */

/* --- what happened to it, for tests ---------------------------------------------------------------------------------- */
#define FLASH_LINE_BYTES 16U            /* what one access reads: 128 bits, RM0090 §3.5.2 */

/* Of each line of main memory: has the CPU seen what it held, before it was erased? */
enum flash_seen { FLASH_SEEN_LOADED = 1, FLASH_SEEN_FETCHED = 2, FLASH_SEEN_ERASED = 4 };
/* From now on the lines are marked; seen: flash_bytes() / FLASH_LINE_BYTES bytes, the caller's, zeroed; NULL: no longer. */
void flash_note_reads(struct flash *f, uint8_t *seen);

/* An operation on main memory begins. Erases: `address` is the sector's, `bytes` its size. Programming: a store of that width. */
struct flash_operation {
    bool erase;
    uint32_t address, bytes, value;
};
void flash_note_operations(struct flash *f, void (*begins)(void *owner, const struct flash_operation *op), void *owner);

/* --- the CPU's side -------------------------------------------------------------------------------------------------- */
/* Host memory that the CPU's flash ranges are mapped to: FLASH_MAIN_BASE, FLASH_SYS_BASE or FLASH_OPT_BASE. */
uint8_t *flash_view(struct flash *f, uint32_t base);
/* One basic block is fetched / one data load or store is made. Waits are added to *cycles. The address is the canonical
 * one, never the alias at 0. They stall while the array is busy (RM0090 §3.6), unless the accelerator has the line. */
void flash_fetch(struct flash *f, uint32_t address, uint32_t bytes, uint64_t *cycles);
void flash_load(struct flash *f, uint32_t address, unsigned bytes, uint64_t *cycles);
void flash_store(struct flash *f, uint32_t address, unsigned bytes, uint64_t value);

unsigned flash_latency(const struct flash *f);
bool flash_busy(const struct flash *f);

/* --- power ------------------------------------------------------------------------------------------------------------ */
void flash_power_off(struct flash *f);                  /* tears what is under way */
void flash_power_on(struct flash *f);
bool flash_restless(const struct flash *f);             /* undecided bits read differently each time, since this power-on */

struct flash_totals {
    uint64_t erases, words;             /* started since the board began; across power cycles */
};
struct flash_totals flash_totals(const struct flash *f);
vtime flash_busy_time(const struct flash *f);           /* how long BSY has been set since the board began */
/* Another cut than the one it was made with: a test that decides on the way. */
void flash_set_cut(struct flash *f, struct power_cut cut);

#endif
