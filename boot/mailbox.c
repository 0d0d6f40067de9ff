/* SPDX-License-Identifier: MIT */
/* The mailbox: four words that only agree with each other if somebody meant them. */
#include "boot/mailbox.h"

#include "image/crc32.h"

#define CRC32_POLYNOMIAL 0x04C11DB7U

/* Bit by bit, without the table of image/crc32.c: fast enough for three words, and the boot decision, which is not packed, has no
 * other use for that table. */
static uint32_t crc_of_word(uint32_t crc, uint32_t word)
{
    crc ^= word;
    for (unsigned bit = 0; bit < 32U; bit++)
        crc = crc << 1 ^ ((crc >> 31) != 0 ? CRC32_POLYNOMIAL : 0);
    return crc;
}

static uint32_t checksum(const struct mailbox *m)
{
    return crc_of_word(crc_of_word(crc_of_word(CRC32_INIT, m->magic), m->request), m->inverse);
}

enum mailbox_request mailbox_read(const struct mailbox *m)
{
    if (m->magic != MAILBOX_MAGIC || m->inverse != ~m->request || m->crc != checksum(m))
        return MAILBOX_NONE;
    if (m->request < MAILBOX_BOOTLOADER || m->request > MAILBOX_ROM)
        return MAILBOX_NONE;
    return (enum mailbox_request)m->request;
}

void mailbox_write(struct mailbox *m, enum mailbox_request request)
{
    m->magic = MAILBOX_MAGIC;
    m->request = (uint32_t)request;
    m->inverse = ~m->request;
    m->crc = checksum(m);
}

void mailbox_clear(struct mailbox *m)
{
    *m = (struct mailbox){ 0 };
}
