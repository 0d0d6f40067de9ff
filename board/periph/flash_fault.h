/* SPDX-License-Identifier: MIT */
/* A flash that is broken on request: cells, sectors, single operations, the controller itself. Power cuts are board/fault.h. */
/* Sources: RM0090 §3.6, §3.9.5; what silicon does of this, and where this is harsher, stands at each kind */
#ifndef VCPBOARD_PERIPH_FLASH_FAULT_H
#define VCPBOARD_PERIPH_FLASH_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct flash;

enum flash_fault_kind {
    /* The at-th operation, counted as a power cut counts them, never ends: BSY stays set until a reset, and whoever reads or fetches
     * from the array waits for ever. No manual knows of it; it stands for a controller whose clock or charge pump has failed. */
    FLASH_FAULT_STUCK_BUSY,
    /* The at-th operation is not done, and PGSERR is set. Silicon does so on a wrong sequence only (§3.9.5), never without a reason. */
    FLASH_FAULT_REFUSED,
    /* Cells of the word at an address stay 1 when programmed, and no flag tells: a worn word. Silicon verifies nothing, either. */
    FLASH_FAULT_WEAK_WORD,
    /* Cells of the word at an address are 0, and no erase brings them back. Worn cells of silicon come back slowly before that. */
    FLASH_FAULT_STUCK_ZERO,
    /* An erase of sector number `at` takes its time, sets no flag, and changes nothing. Silicon would leave a mix. */
    FLASH_FAULT_NO_ERASE,
    /* Every reset leaves all error flags of FLASH_SR set. Silicon clears them (reset value 0, §3.9.5); what it does leave set is
     * what a program itself does wrong before its first operation. */
    FLASH_FAULT_STALE_FLAGS,
};

#define FLASH_FAULTS_MAX 8U

struct flash_fault {
    enum flash_fault_kind kind;
    uint64_t at;                        /* operation, address of a word of main flash, or sector */
    uint32_t bits;                      /* WEAK_WORD, STUCK_ZERO: which cells; 0: all of the word */
};

/* "stuck-busy@N", "refused@N", "weak-word@ADDR", "stuck-zero@ADDR", "no-erase@SECTOR", "stale-flags". False: not one of them. */
bool flash_fault_parse(const char *text, struct flash_fault *fault);

/* From now on. False: no such word or sector on this chip, or too many faults. */
bool flash_add_fault(struct flash *f, const struct flash_fault *fault);
void flash_clear_faults(struct flash *f);               /* the flash is as new; what it holds stays */

#endif
