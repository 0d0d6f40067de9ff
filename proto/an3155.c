/* SPDX-License-Identifier: MIT */
/* AN3155's parts of commands. All of them are alike: a head, perhaps as many items as the head says, and a checksum. */
/* Sources: ST AN3155 Rev 20 section 3; stm32flash stm32.c (which waits for an ACK behind each part) */
#include "proto/an3155.h"

enum stage {
    ST_COMMAND,                         /* in a path: nothing more is to come */
    ST_ADDRESS,
    ST_LENGTH,
    ST_BLOCK,                           /* items of one byte: data, or the sectors to be protected */
    ST_LIST,                            /* items of two bytes */
    ST_NOTHING,                         /* nothing but a second answer */
};

/* Commands and lengths are followed by their complement, everything else by the XOR of all its bytes. */
static const struct part { uint8_t head, sum; } parts[] = {
    [ST_COMMAND] = { 1, 0xFF }, [ST_ADDRESS] = { 4, 0 }, [ST_LENGTH] = { 1, 0xFF },
    [ST_BLOCK] = { 1, 0 }, [ST_LIST] = { 2, 0 }, [ST_NOTHING] = { 0, 0 },
};

const uint8_t an_codes[AN_COMMANDS] = { 0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x44, 0x63, 0x73, 0x82, 0x92 };

/* What follows a command: the next stage in the low four bits, the one after it above. The last entry: unknown commands. */
#define PATH(next, then) ((next) | (then) << 4)
static const uint8_t paths[AN_COMMANDS + 1] = {
    [AN_READ] = PATH(ST_ADDRESS, ST_LENGTH),
    [AN_GO] = PATH(ST_ADDRESS, ST_COMMAND),
    [AN_WRITE] = PATH(ST_ADDRESS, ST_BLOCK),
    [AN_ERASE] = PATH(ST_LIST, ST_COMMAND),
    [AN_WRITE_PROTECT] = PATH(ST_BLOCK, ST_COMMAND),
    [AN_WRITE_UNPROTECT] = PATH(ST_NOTHING, ST_COMMAND),
    [AN_READOUT_UNPROTECT] = PATH(ST_NOTHING, ST_COMMAND),
};

static uint8_t find(uint32_t code)
{
    uint8_t i = 0;

    while (i < AN_COMMANDS && an_codes[i] != code)
        i++;
    return i;
}

static void enter(struct an3155 *a, unsigned path)
{
    const struct part *part = &parts[path & 0xFU];

    a->stage = (uint8_t)(path & 0xFU);
    a->path = (uint8_t)(path >> 4);
    a->event = a->stage == ST_NOTHING ? AN_WHOLE : AN_NONE;
    a->sum = part->sum;
    a->head = part->head;
    a->want = part->head + 1U;
    a->have = 0;
    a->number = 0;
    a->sectors = 0;
}

static void take_head(struct an3155 *a)
{
    if (a->stage == ST_ADDRESS) {
        a->address = a->number;
        return;
    }
    a->count = a->number;
    if (a->stage >= ST_BLOCK && a->count < AN_ERASE_SPECIAL)
        a->want = a->head * (a->count + 2U) + 1U;
    else if (a->stage == ST_COMMAND && a->count == AN_INIT)
        a->event = AN_START;
}

/* A list may claim more sectors than any buffer would hold: a bit is kept of each. */
static void take_item(struct an3155 *a, uint8_t byte)
{
    uint32_t number = a->stage == ST_LIST ? a->number & 0xFFFFU : byte;

    if (a->stage == ST_BLOCK)
        a->data[a->have - 2U] = byte;
    if (a->have % a->head == 0 && number < 32U)
        a->sectors |= (uint32_t)1 << number;
}

static void judge(struct an3155 *a)
{
    if (a->stage == ST_COMMAND) {
        a->command = find(a->count);
        a->path = paths[a->command];
    }
    if (a->sum != 0 || a->command == AN_COMMANDS)
        a->event = AN_BAD;
    else if (a->path == 0)
        a->event = AN_WHOLE;
    else
        a->event = a->stage == ST_COMMAND ? AN_COMMAND : AN_ADDRESS;
}

static void take(struct an3155 *a, uint8_t byte)
{
    a->sum ^= byte;
    a->number = a->number << 8 | byte;
    a->have++;
    if (a->have == a->head)
        take_head(a);
    else if (a->have == a->want)
        judge(a);
    else if (a->have > a->head)
        take_item(a, byte);
}

void an_init(struct an3155 *a)
{
    enter(a, ST_COMMAND);
}

size_t an_feed(struct an3155 *a, const uint8_t *in, size_t n)
{
    size_t taken = 0;

    while (taken < n && a->event == AN_NONE)
        take(a, in[taken++]);
    return taken;
}

void an_answer(struct an3155 *a, bool ok)
{
    enter(a, ok ? a->path : ST_COMMAND);
}

bool an_between(const struct an3155 *a)
{
    return a->stage == ST_COMMAND && a->event == AN_NONE;
}

bool an_known(uint8_t byte)
{
    return find(byte) < AN_COMMANDS;
}
