/* SPDX-License-Identifier: MIT */
/* The mailbox: four words that only agree with each other if somebody meant them. */
#include "boot/mailbox.h"

#include "image/crc32.h"

static uint32_t checksum(const struct mailbox *m)
{
    return crc32_word(crc32_word(crc32_word(CRC32_INIT, m->magic), m->request), m->inverse);
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
