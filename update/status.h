/* SPDX-License-Identifier: MIT */
/* Error codes and phases of an update, as they go over the wire (docs/SPEC.md sections 5.2 and 5.5). */
#ifndef VCPBOOT_UPDATE_STATUS_H
#define VCPBOOT_UPDATE_STATUS_H

#include <stdint.h>

enum update_err {
    UPDATE_OK = 0,
    UPDATE_E_UNKNOWN = 1,
    UPDATE_E_LENGTH = 2,
    UPDATE_E_STATE = 3,
    UPDATE_E_RANGE = 4,
    UPDATE_E_SEQUENCE = 5,
    UPDATE_E_IMAGE_SIZE = 6,
    UPDATE_E_IMAGE_VECTORS = 7,
    UPDATE_E_IMAGE_SEAL = 8,
    UPDATE_E_IMAGE_CRC = 9,
    UPDATE_E_IMAGE_PRODUCT = 10,
    UPDATE_E_ERASE = 11,
    UPDATE_E_PROGRAM = 12,
    UPDATE_E_PROTECTED = 13,
    UPDATE_E_BUSY = 14,
    UPDATE_E_DENIED = 15,
};

enum update_phase {
    UPDATE_IDLE = 0,
    UPDATE_ERASING = 1,
    UPDATE_PROGRAMMING = 2,
    UPDATE_VERIFYING = 3,
    UPDATE_COMMITTING = 4,
    UPDATE_DONE = 5,
    UPDATE_FAILED = 6,
};

struct update_status {
    enum update_err err;                /* of the update: sticky until the next begin */
    enum update_phase phase;
    uint8_t sector;                     /* index in the application area */
    uint32_t next;                      /* offset expected next */
    uint32_t done;                      /* bytes programmed (or found to be right already) */
    uint32_t fault_addr, fault_sr;      /* after a flash error */
    uint32_t erases, words;             /* flash operations so far: an update's cost, for tests and for people */
};

#endif
