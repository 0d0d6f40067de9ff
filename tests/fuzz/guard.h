/* SPDX-License-Identifier: MIT */
/* A flash with a session, and what must hold for it whatever anybody says to the device: nothing outside of the application area is
 * touched, the head goes first and comes last, nothing starts that is not whole, nothing is read that the policy keeps. */
/* Sources: docs/DESIGN.md "The commit"; docs/SPEC.md sections 2.2, 10 and 11 */
#ifndef VCPBOOT_FUZZ_GUARD_H
#define VCPBOOT_FUZZ_GUARD_H

#include "boot/decide.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake_flash.h"
#include "update/session.h"

#define GUARD_BASE 0x08010000U
#define GUARD_BYTES 4096U               /* 1 + 2 + 1 KB: small, so that a script comes round it */
#define GUARD_PRODUCT "fuzz"

extern const struct flash_area guard_area;
extern const struct seal_area guard_where;

struct guard {
    struct fake_flash flash;            /* first: its hook knows nothing else */
    struct session session;
    bool readable;                      /* policy */
    bool may_protect;                   /* somebody has said the words that change the option bytes */
    bool may_seal;                      /* ... or those that end a transfer: a raw image is sealed by nothing else */
    uint8_t installed[GUARD_BYTES];     /* what was in flash in the beginning */
    const char *product;                /* that an image must name */
    const uint8_t *image;               /* what the client sends */
    uint32_t image_bytes;
    uint64_t told;                      /* the last eight bytes that the device has said */
    uint32_t checked_ops;               /* as of when: */
    struct boot_verdict verdict;        /* of guard_boot */
};

/* Two bytes of input say what is installed, what is sent, and what the policy is. */
void guard_open(struct guard *g, struct input *in);
void guard_close(struct guard *g);
/* Power is back, or the device has reset: only the flash is as it was. */
void guard_restart(struct guard *g);

/* From the script: the next image to send; an operation that fails, lies, stays busy; a power cut. */
void guard_choose_image(struct guard *g, uint8_t which);
void guard_fault(struct guard *g, struct input *in);
void guard_cut(struct guard *g, struct input *in);
/* Nothing fails any more. */
void guard_heal(struct guard *g);

/* What the bootloader would say at a reset, the CRC computed bit by bit. */
struct boot_verdict guard_boot(const struct guard *g);
/* To be called behind every step. Brings the verdict up to date. */
void guard_check(struct guard *g);
/* To be called with all that the device says. */
void guard_hear(struct guard *g, const uint8_t *p, size_t n);

#endif
