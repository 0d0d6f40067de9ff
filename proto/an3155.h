/* SPDX-License-Identifier: MIT */
/* AN3155 (ST's USART bootloader protocol), the device's end, sans-IO: bytes in; commands, addresses and data out, one at a time.
 * Knows no flash: the owner decides every answer and sends it (docs/SPEC.md "AN3155"). */
/* Sources: ST AN3155 Rev 20; reference client: stm32flash */
#ifndef VCPBOOT_AN3155_H
#define VCPBOOT_AN3155_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AN_INIT 0x7FU
#define AN_ACK 0x79U
#define AN_NACK 0x1FU
#define AN_VERSION 0x31U                /* of the protocol: 3.1 */
#define AN_BLOCK_MAX 256U
#define AN_ERASE_ALL 0xFFFFU            /* count of an Extended Erase */
#define AN_ERASE_SPECIAL 0xFFF0U        /* from here on a count is no count: no list follows */

/* In the order in which Get names them. */
enum an_command {
    AN_GET, AN_GET_VERSION, AN_GET_ID, AN_READ, AN_GO, AN_WRITE, AN_ERASE, AN_WRITE_PROTECT, AN_WRITE_UNPROTECT,
    AN_READOUT_PROTECT, AN_READOUT_UNPROTECT,
    AN_COMMANDS
};

/* What stands in front of the owner. Each must be answered: nothing more is taken until then. */
enum an_event {
    AN_NONE,                            /* feed more */
    AN_START,                           /* 0x7F where a command might begin */
    AN_BAD,                             /* junk, or a wrong complement or checksum: to be NACKed */
    AN_COMMAND,                         /* a known command, of which more is to come */
    AN_ADDRESS,                         /* its address, and still more is to come */
    AN_WHOLE,                           /* the last part is in: time to act */
};

/* State; the owner allocates it. Fields are the machine's own except those marked. */
struct an3155 {
    uint8_t event, stage, path, head;
    uint8_t sum;                        /* read, of what is AN_BAD: not 0 if it is damaged, 0 if only the command is unknown */
    uint8_t command;                    /* read: enum an_command */
    uint32_t have, want, number;
    uint32_t address;                   /* read */
    uint32_t count;                     /* read, as on the wire: one less than there are bytes or sectors */
    uint32_t sectors;                   /* read: a bit for each sector of the list; numbers from 32 on are passed over */
    uint8_t data[AN_BLOCK_MAX];         /* read: of a Write */
};

/* Also: drops half a frame. */
void an_init(struct an3155 *a);
/* Returns bytes taken: all, unless an event waits for its answer. */
size_t an_feed(struct an3155 *a, const uint8_t *in, size_t n);
/* The owner has answered, ok: by an ACK. Then the rest of the command is expected, if there is one; otherwise the next command. */
void an_answer(struct an3155 *a, bool ok);
/* Between commands: nothing is here but perhaps half of one's two bytes. */
bool an_between(const struct an3155 *a);
/* A command's first byte? */
bool an_known(uint8_t byte);
/* The byte of each command. */
extern const uint8_t an_codes[AN_COMMANDS];

#endif
