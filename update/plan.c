/* SPDX-License-Identifier: MIT */
/* Which sectors an update writes, and so which offset comes next. */
#include "update/steps.h"

uint32_t plan_first(const struct session *s, size_t index)
{
    return s->area->sector[index].addr - s->where->base;
}

uint32_t plan_end(const struct session *s, size_t index)
{
    return plan_first(s, index) + s->area->sector[index].bytes;
}

size_t plan_sector_of(const struct session *s, uint32_t offset)
{
    size_t index = 0;

    while (index + 1U < s->area->count && offset >= plan_end(s, index))
        index++;
    return index;
}

bool plan_has(const struct session *s, size_t index)
{
    return (s->plan >> index & 1U) != 0;
}

uint32_t plan_all(const struct session *s)
{
    return ((uint32_t)1 << s->area->count) - 1U;    /* at most FLASH_SECTORS_MAX bits */
}

uint32_t plan_reached(const struct session *s)
{
    return ((uint32_t)2 << plan_sector_of(s, plan_data_end(s) - 1U)) - 1U;
}

uint32_t plan_data_end(const struct session *s)
{
    return s->length != SESSION_LENGTH_UNKNOWN ? s->length : s->where->bytes;
}

uint32_t plan_next(const struct session *s, uint32_t offset)
{
    uint32_t end = plan_data_end(s);

    while (offset >= SEAL_HEAD_BYTES && offset < end) {
        size_t index = plan_sector_of(s, offset);

        if (plan_has(s, index))
            return offset;
        offset = plan_end(s, index);
    }
    return offset < end ? offset : end;
}

bool plan_covers(const struct session *s, uint32_t from, uint32_t to)
{
    if (from < SEAL_HEAD_BYTES)
        from = SEAL_HEAD_BYTES;
    while (from < to) {
        size_t index = plan_sector_of(s, from);

        if (!plan_has(s, index))
            return false;
        from = plan_end(s, index);
    }
    return true;
}
