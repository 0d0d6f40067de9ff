/* SPDX-License-Identifier: MIT */
/* What a broken flash does instead: looked at when an operation starts, and when the cells have changed. */
#include "board/periph/flash_fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board/periph/flash_internal.h"
#include "board/xalloc.h"

static const struct { const char *name; enum flash_fault_kind kind; bool has_at; } names[] = {
    { "stuck-busy", FLASH_FAULT_STUCK_BUSY, true },   { "refused", FLASH_FAULT_REFUSED, true },
    { "weak-word", FLASH_FAULT_WEAK_WORD, true },     { "stuck-zero", FLASH_FAULT_STUCK_ZERO, true },
    { "no-erase", FLASH_FAULT_NO_ERASE, true },       { "stale-flags", FLASH_FAULT_STALE_FLAGS, false },
};

bool flash_fault_parse(const char *text, struct flash_fault *fault)
{
    size_t length = strcspn(text, "@");
    const char *at = text[length] == '@' ? text + length + 1 : NULL;
    char *end;

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) != length || strncmp(names[i].name, text, length) != 0)
            continue;
        *fault = (struct flash_fault){ .kind = names[i].kind };
        if (!names[i].has_at)
            return at == NULL;
        if (at == NULL || at[0] < '0' || at[0] > '9')
            return false;
        errno = 0;
        fault->at = strtoull(at, &end, 0);
        return *end == '\0' && errno == 0;
    }
    return false;
}

static bool is_cell_fault(const struct flash_fault *fault)
{
    return fault->kind == FLASH_FAULT_WEAK_WORD || fault->kind == FLASH_FAULT_STUCK_ZERO;
}

static bool is_possible(const struct flash *f, const struct flash_fault *fault)
{
    if (is_cell_fault(fault))
        return fault->at % 4 == 0 && fault->at >= FLASH_MAIN_BASE && fault->at - FLASH_MAIN_BASE < f->main_bytes;
    if (fault->kind == FLASH_FAULT_NO_ERASE)
        return fault->at < f->sectors;
    return fault->kind == FLASH_FAULT_STALE_FLAGS || fault->at != 0;
}

bool flash_add_fault(struct flash *f, const struct flash_fault *fault)
{
    struct broken *b = &f->broken[f->broken_count];

    if (f->broken_count == FLASH_FAULTS_MAX || !is_possible(f, fault))
        return false;
    *b = (struct broken){ .fault = *fault };
    if (fault->bits == 0)
        b->fault.bits = UINT32_MAX;
    if (is_cell_fault(fault))
        b->held = flash_word_get(flash_cell_at(f, (uint32_t)fault->at));
    f->broken_count++;
    flash_fault_settle(f);
    return true;
}

void flash_clear_faults(struct flash *f)
{
    for (unsigned i = 0; i < f->broken_count; i++)
        free(f->broken[i].kept);
    f->broken_count = 0;
}

/* What the erase of a sector that cannot be erased must leave. */
static void keep_sector(struct flash *f, struct broken *b)
{
    bool meant = f->op.kind == OP_MASS || (f->op.kind == OP_SECTOR && flash_sector_of(f->op.address) == b->fault.at);

    if (!meant || b->kept != NULL)
        return;
    b->kept_at = flash_sector_base((unsigned)b->fault.at);
    b->kept_bytes = flash_sector_bytes((unsigned)b->fault.at);
    b->kept = xcalloc(1, b->kept_bytes);
    memcpy(b->kept, flash_cell_at(f, b->kept_at), b->kept_bytes);
}

bool flash_fault_begin(struct flash *f, uint64_t number)
{
    bool ends = true;

    for (unsigned i = 0; i < f->broken_count; i++) {
        struct broken *b = &f->broken[i];

        if (b->fault.kind == FLASH_FAULT_NO_ERASE)
            keep_sector(f, b);
        if (b->fault.kind == FLASH_FAULT_STUCK_BUSY && b->fault.at == number)
            ends = false;
    }
    return ends;
}

bool flash_fault_refuses(const struct flash *f, uint64_t number)
{
    for (unsigned i = 0; i < f->broken_count; i++)
        if (f->broken[i].fault.kind == FLASH_FAULT_REFUSED && f->broken[i].fault.at == number)
            return true;
    return false;
}

uint32_t flash_fault_reset_flags(const struct flash *f)
{
    for (unsigned i = 0; i < f->broken_count; i++)
        if (f->broken[i].fault.kind == FLASH_FAULT_STALE_FLAGS)
            return SR_RC_W1 & ~SR_EOP;
    return 0;
}

/* A weak cell that was 1 at the last look still is; one that is stuck never is. An erase of weak cells works. */
static void settle_word(struct flash *f, struct broken *b)
{
    uint32_t address = (uint32_t)b->fault.at, now = flash_word_get(flash_cell_at(f, address)), settled;

    settled = b->fault.kind == FLASH_FAULT_WEAK_WORD ? now | (b->held & b->fault.bits) : now & ~b->fault.bits;
    b->held = settled;
    if (settled == now)
        return;
    flash_word_put(flash_cell_at(f, address), settled);
    flash_cells_changed(f, address, 4);
}

static void settle_sector(struct flash *f, struct broken *b)
{
    if (b->kept == NULL)
        return;
    memcpy(flash_cell_at(f, b->kept_at), b->kept, b->kept_bytes);
    flash_cells_changed(f, b->kept_at, b->kept_bytes);
    free(b->kept);
    b->kept = NULL;
}

void flash_fault_settle(struct flash *f)
{
    for (unsigned i = 0; i < f->broken_count; i++) {
        struct broken *b = &f->broken[i];

        if (is_cell_fault(&b->fault))
            settle_word(f, b);
        else
            settle_sector(f, b);
    }
}
