/* SPDX-License-Identifier: MIT */
/* A session over the fake flash, small enough to try everything: three sectors, 6 KB. */
#ifndef VCPBOOT_UPDATE_RIG_H
#define VCPBOOT_UPDATE_RIG_H

#include "boot/decide.h"
#include "tests/unit/cm.h"
#include "tests/unit/fake_flash.h"
#include "tests/unit/make_image.h"
#include "update/session.h"

#define RIG_BASE 0x08010000U
#define RIG_BYTES 6144U
#define RIG_IMAGE 4500U                 /* reaches the third sector, leaves some of it */

extern const struct flash_area rig_area;
extern const struct seal_area rig_where;

struct update_rig {
    struct fake_flash flash;
    struct session session;
};

/* Blank flash, operations that stay busy for two polls; every operation is checked against the rule that the head goes first. */
void rig_open(struct update_rig *r, const char *product);
/* Fails the test if the session has misused the flash. */
void rig_close(struct update_rig *r);
/* Power comes back: what RAM held is lost. */
void rig_restart(struct update_rig *r);

/* Polls until the session wants something, is over, or the power is gone. Fails the test if that never happens, or if one poll begins
 * two operations or looks at more words than it may. */
void rig_poll(struct update_rig *r);
/* Sends p[from..to) in blocks of the given size; stops at the first error, and when the power is gone. */
enum update_err rig_send(struct update_rig *r, const uint8_t *p, uint32_t from, uint32_t to, size_t block);
/* Begin, send, finish, poll to the end. Returns the status' error, or what was refused before. */
enum update_err rig_update(struct update_rig *r, const uint8_t *image, uint32_t n, uint32_t length, size_t block);
enum update_err rig_finish(struct update_rig *r);

/* What the bootloader would say to the flash as it stands, the CRC computed bit by bit. */
enum boot_reason rig_boot(const struct update_rig *r);
/* The standard images: sealed, RIG_IMAGE long, product "pump". */
void rig_image(uint8_t *out, uint32_t seed);
/* Raw, n bytes, in a buffer of RIG_BYTES; the rest all ones. product NULL: no info block. */
void rig_raw(uint8_t *out, uint32_t n, const char *product);
/* Makes the CRC of a sealed image right again. */
void rig_reseal(uint8_t *image);
bool rig_holds(const struct update_rig *r, const uint8_t *image, uint32_t n);

#endif
