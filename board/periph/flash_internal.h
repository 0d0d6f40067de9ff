/* SPDX-License-Identifier: MIT */
/* The flash model from inside: shared by its registers (flash.c), its operations (flash_op.c) and its memory (flash_mem.c). */
#ifndef VCPBOARD_PERIPH_FLASH_INTERNAL_H
#define VCPBOARD_PERIPH_FLASH_INTERNAL_H

#include "board/art.h"
#include "board/periph/flash.h"
#include "board/periph/flash_fault.h"

/* RM0090 §3.9.5 */
#define SR_EOP (1U << 0)
#define SR_OPERR (1U << 1)
#define SR_WRPERR (1U << 4)
#define SR_PGAERR (1U << 5)
#define SR_PGPERR (1U << 6)
#define SR_PGSERR (1U << 7)
#define SR_BSY (1U << 16)
#define SR_RC_W1 (SR_EOP | SR_OPERR | SR_WRPERR | SR_PGAERR | SR_PGPERR | SR_PGSERR)

/* RM0090 §3.9.6 */
#define CR_PG (1U << 0)
#define CR_SER (1U << 1)
#define CR_MER (1U << 2)
#define CR_SNB(cr) (((cr) >> 3) & 0xFU)
#define CR_PSIZE(cr) (((cr) >> 8) & 3U)
#define CR_STRT (1U << 16)
#define CR_EOPIE (1U << 24)
#define CR_ERRIE (1U << 25)
#define CR_LOCK (1U << 31)
#define CR_WRITABLE 0x0301037FU         /* everything defined but LOCK */

/* RM0090 §3.9.10 */
#define OPTCR_OPTLOCK (1U << 0)
#define OPTCR_OPTSTRT (1U << 1)
#define OPTCR_WDG_SW (1U << 5)
#define OPTCR_RDP(o) (((o) >> 8) & 0xFFU)
#define OPTCR_NWRP(o) (((o) >> 16) & 0xFFFU)
#define OPTCR_NWRP_MASK 0x0FFF0000U
#define OPTCR_FIELDS 0x0FFFFFECU
#define RDP_LEVEL0 0xAAU
#define RDP_LEVEL2 0xCCU

#define OTP_BASE 0x1FFF7800U            /* 16 blocks of 32 bytes, RM0090 §3.8 */
#define OTP_BLOCK_BYTES 32U
#define OTP_BLOCKS 16U
#define OTP_LOCK_BASE 0x1FFF7A00U
#define UID_BASE 0x1FFF7A10U            /* RM0090 §39.1 */
#define SIZE_BASE 0x1FFF7A22U           /* RM0090 §39.2 */

enum op_kind { OP_NONE, OP_PROGRAM, OP_SECTOR, OP_MASS, OP_OPTIONS };

struct op {
    enum op_kind kind;
    uint32_t address;                   /* OP_PROGRAM: of the store; erases: first byte */
    uint32_t bytes;                     /* store width, or bytes to erase */
    uint32_t value;
    vtime start, end;
    struct sched_event done, cut;
    bool cut_after;
};

struct key {
    unsigned step;                      /* keys accepted so far */
    bool dead;                          /* a wrong key came: locked until the next reset */
};

/* One fault on request, and what it has to remember. */
struct broken {
    struct flash_fault fault;
    uint32_t held;                      /* cell faults: the word at the last look */
    uint8_t *kept;                      /* NO_ERASE, while the erase is under way: the sector */
    uint32_t kept_at, kept_bytes;
};

struct flash {
    struct chip *chip;
    struct flash_options o;
    struct periph regs;
    struct art art;
    struct op op;
    struct key key, optkey;
    uint32_t sr, cr, optcr;
    uint32_t options;                   /* what the option bytes hold; effective for nWRP */
    unsigned sectors;
    uint32_t main_bytes;
    uint8_t *cells, *view;              /* main flash, then the 32 KB from FLASH_SYS_BASE */
    uint8_t *option_view;
    uint32_t *unstable;                 /* per word of main flash: bits that a torn operation has left undecided */
    uint8_t dline[ART_D_LINES][ART_LINE_BYTES];
    uint32_t odd_line, odd_lines;       /* lines whose view shows stale D-cache content for the load under way */
    bool *stale_code;                   /* per line of main flash: changed while the I-cache held it */
    bool any_stale_code, powered;
    bool restless;                      /* since this power-on undecided bits read differently each time */
    struct rng noise;                   /* ... as this says */
    struct flash_totals totals;
    vtime busy;                         /* of the operations that are over */
    uint8_t *seen;                      /* the caller's: see flash_note_reads */
    void (*begins)(void *owner, const struct flash_operation *op);
    void *begins_owner;
    struct broken broken[FLASH_FAULTS_MAX];
    unsigned broken_count;
};

/* flash_mem.c */
void flash_mem_init(struct flash *f);
void flash_mem_free(struct flash *f);
uint8_t *flash_cell_at(struct flash *f, uint32_t address);     /* NULL if the address is not flash; never crosses a region */
/* Marks for flash_note_reads. */
void flash_seen_erased(struct flash *f, uint32_t address, uint32_t bytes);
void flash_cells_changed(struct flash *f, uint32_t address, uint32_t bytes);
void flash_refresh_option_view(struct flash *f);
void flash_reset_icache(struct flash *f);
void flash_cache_write_through(struct flash *f, uint32_t address, uint32_t value, unsigned bytes);
uint32_t flash_word_get(const uint8_t *p);
void flash_word_put(uint8_t *p, uint32_t v);

/* flash_op.c */
unsigned flash_sector_of(uint32_t address);
uint32_t flash_sector_base(unsigned sector);
uint32_t flash_sector_bytes(unsigned sector);
void flash_start_erase(struct flash *f);
void flash_start_program(struct flash *f, uint32_t address, uint32_t value, unsigned bytes);
void flash_start_options(struct flash *f);
void flash_op_init(struct flash *f);
void flash_tear(struct flash *f);       /* a reset or a power loss meets the operation under way */

/* flash_fault.c */
bool flash_fault_begin(struct flash *f, uint64_t number);       /* f->op, operation `number`, has begun; false: it never ends */
bool flash_fault_refuses(const struct flash *f, uint64_t number);
void flash_fault_settle(struct flash *f);                       /* the cells may have changed: the broken ones think otherwise */
uint32_t flash_fault_reset_flags(const struct flash *f);        /* FLASH_SR behind a reset */

/* flash.c */
void flash_error(struct flash *f, uint32_t flags);
void flash_update_irq(struct flash *f);

#endif
