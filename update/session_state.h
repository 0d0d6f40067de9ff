/* SPDX-License-Identifier: MIT */
/* The shape of a session: the engine's own, here so that its owner can allocate it. */
#ifndef VCPBOOT_SESSION_STATE_H
#define VCPBOOT_SESSION_STATE_H

#include <stdalign.h>

/* What the next poll does. */
enum session_step {
    STEP_NONE,                          /* no update */
    STEP_WAIT,                          /* for a block, or for the end */
    STEP_BLANK,                         /* looks whether anything must be erased at all */
    STEP_ERASE,
    STEP_WRITE,                         /* programs what is in `block` */
    STEP_FIND,                          /* raw image: looks for its info block */
    STEP_CRC,
    STEP_PRODUCT,
    STEP_COMMIT,                        /* the head, its first word last */
    STEP_BY_ADDRESS,                    /* what a client asked for by address is done */
};

struct session {
    const struct flash_area *area;
    const struct seal_area *where;
    const char *product;
    struct update_status status;

    enum session_step step;
    bool flying;                        /* a flash operation is under way */
    bool orphan;                        /* ... of an update that was given up: its result does not matter */
    uint32_t words_before;              /* flash_words() when the update began */

    uint32_t plan;                      /* a bit for each sector of which data come */
    uint32_t length;                    /* of the image; SESSION_LENGTH_UNKNOWN until a seal or the end tells */
    bool open;                          /* begun without a length: the sender may fill up its last block */
    bool finishing;                     /* all data are in */
    bool by_address;                    /* begun by session_open */
    uint32_t to_erase;                  /* ... a bit for each sector that is still to be erased */
    uint32_t top;                       /* ... end of what was written */
    uint32_t sector_end;                /* offset at which the sectors end that are ready to be programmed */

    uint8_t head_bytes[SEAL_HEAD_BYTES];
    struct seal_head head;
    struct seal_info seal;

    uint32_t blank_to;                  /* offset up to which the area was blank at the beginning, as far as it has been looked at */
    uint32_t cursor;                    /* offset: search, CRC; how far it is: commit */
    uint32_t block_at;                  /* offset of block[0] */
    uint32_t block_pos, block_bytes;    /* progress within the block */
    alignas(4) uint8_t block[SESSION_BLOCK_MAX];
};

#endif
