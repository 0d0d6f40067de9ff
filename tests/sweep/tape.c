/* SPDX-License-Identifier: MIT */
/* Flash operations noted and played back. The board's own model (board/fault.h) says what a torn one leaves. */
#include "tests/sweep/tape.h"

#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"

#define OPERATIONS_FIRST 4096U

static void begins(void *owner, const struct flash_operation *op)
{
    struct tape *t = owner;

    if (t->count == t->room) {
        t->room = t->room == 0 ? OPERATIONS_FIRST : 2 * t->room;
        t->op = realloc(t->op, t->room * sizeof *t->op);
        if (t->op == NULL)
            abort();
    }
    t->op[t->count++] = *op;
}

void cells_of(struct cells *out, struct chip *c)
{
    memcpy(out->bytes, flash_cells(chip_flash(c)), sizeof out->bytes);
    memcpy(out->unstable, flash_unstable(chip_flash(c)), sizeof out->unstable);
}

void tape_record(struct tape *t, struct chip *c)
{
    memset(t, 0, sizeof *t);
    cells_of(&t->before, c);
    flash_note_operations(chip_flash(c), begins, t);
}

void tape_stop(struct chip *c)
{
    flash_note_operations(chip_flash(c), NULL, NULL);
}

void tape_free(struct tape *t)
{
    free(t->op);
    t->op = NULL;
    t->count = t->room = 0;
}

static uint32_t at_of(const struct flash_operation *op)
{
    return op->address - FLASH_MAIN_BASE;
}

/* What the word is to become, that a store of any width goes to. */
static uint32_t target(const struct flash_operation *op, uint32_t old)
{
    unsigned shift = 8U * (op->address % 4U);
    uint32_t lanes = (uint32_t)(((1ULL << 8U * op->bytes) - 1U) << shift);

    return old & (op->value << shift | ~lanes);
}

void cells_apply(struct cells *c, const struct flash_operation *op)
{
    uint32_t at = at_of(op);

    if (op->erase) {
        memset(c->bytes + at, 0xFF, op->bytes);
        memset(c->unstable + at / 4U, 0, op->bytes);
    } else {
        at -= at % 4U;
        store_le32(c->bytes + at, target(op, load_le32(c->bytes + at)));
        c->unstable[at / 4U] &= target(op, UINT32_MAX);
    }
}

static void put(struct cells *c, uint32_t at, struct torn_word t)
{
    store_le32(c->bytes + at, t.value);
    c->unstable[at / 4U] |= t.unstable;
}

void cells_tear(struct cells *c, const struct flash_operation *op, unsigned way, uint64_t seed)
{
    static const uint32_t fallen[TAPE_TORN_WAYS] = { UINT32_MAX / 2U, UINT32_MAX / 8U, UINT32_MAX / 8U * 7U, UINT32_MAX };
    struct rng r = rng_stream(seed, way);
    uint32_t at = at_of(op);

    if (op->erase) {
        for (uint32_t i = 0; i < op->bytes; i += 4U)
            put(c, at + i, torn_erase(&r, (enum torn_look)way, load_le32(c->bytes + at + i)));
    } else {
        uint32_t old = load_le32(c->bytes + at - at % 4U);

        put(c, at - at % 4U, torn_program(&r, old, target(op, old), fallen[way]));
    }
}
