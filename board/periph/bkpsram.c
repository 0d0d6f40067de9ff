/* SPDX-License-Identifier: MIT */
/* Backup SRAM: plain memory behind a clock gate and the backup domain's write protection. */
/* Sources: RM0090 §2.3.1, §5.1.2 (backup domain, DBP), §7.3.10 (BKPSRAMEN). */
#include "board/periph/bkpsram.h"

#include <string.h>

#include "board/xalloc.h"

#define BKPSRAM_BYTES 0x1000U
#define RCC_AHB1ENR 0x30U
#define BKPSRAMEN 18U

struct bkpsram {
    struct chip *chip;
    const struct pwr *pwr;
    struct periph regs;
    uint8_t bytes[BKPSRAM_BYTES];
};

static uint32_t bkpsram_read(void *self, uint32_t off, unsigned width)
{
    const struct bkpsram *b = self;
    uint32_t v = 0;

    for (unsigned i = 0; i < width; i++)
        v |= (uint32_t)b->bytes[off + i] << (8 * i);
    return v;
}

static void bkpsram_write(void *self, uint32_t off, uint32_t value, unsigned width)
{
    struct bkpsram *b = self;

    for (unsigned i = 0; i < width && pwr_dbp(b->pwr); i++)
        b->bytes[off + i] = (uint8_t)(value >> (8 * i));
}

/* No battery on this board: the content goes with the power, and nothing else takes it. */
static void bkpsram_reset(void *self, enum reset_cause why)
{
    struct bkpsram *b = self;

    for (unsigned i = 0; i < BKPSRAM_BYTES && why == RESET_POWER; i++)
        b->bytes[i] = (uint8_t)chip_random(b->chip);
}

void bkpsram_erase(struct bkpsram *b)
{
    memset(b->bytes, 0, sizeof b->bytes);
}

struct bkpsram *bkpsram_new(struct chip *c, const struct pwr *pwr)
{
    struct bkpsram *b = xcalloc(1, sizeof *b);

    b->chip = c;
    b->pwr = pwr;
    b->regs = (struct periph){ .name = "BKPSRAM", .manual = "RM0090 §5.1.2", .base = 0x40024000U, .bytes = BKPSRAM_BYTES,
                               .gate_enr = RCC_AHB1ENR, .gate_bit = BKPSRAMEN, .self = b, .read = bkpsram_read,
                               .write = bkpsram_write, .reset = bkpsram_reset };
    chip_attach(c, &b->regs);
    return b;
}

void bkpsram_free(struct bkpsram *b)
{
    free(b);
}
