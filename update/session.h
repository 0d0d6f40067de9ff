/* SPDX-License-Identifier: MIT */
/* An update: blocks in, erase/program/verify/commit out, one short step at a time. Knows no protocol.
 *
 * The order is what makes it safe (docs/DESIGN.md "The commit"): the first sector goes first, so that the old application is gone
 * before anything else changes; the head (64 bytes) waits in RAM; it is programmed last, initial SP at the very end. */
#ifndef VCPBOOT_SESSION_H
#define VCPBOOT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/seal.h"
#include "update/flash.h"
#include "update/status.h"

#define SESSION_BLOCK_MAX 1024U         /* most bytes of one session_write: a YMODEM-1K block, a native DATA frame */
#define SESSION_ALL_SECTORS 0xFFFFFFFFU
#define SESSION_LENGTH_UNKNOWN 0U

struct session;                         /* shape below; fields are the session's own */

/* Binds a session to its flash. `area` and `where` must outlive it. where->base is the first sector's address. product: the
 * name that an image must carry, "" for any. */
void session_init(struct session *s, const struct flash_area *area, const struct seal_area *where, const char *product);

/* Starts an update, dropping one that is under way. length: bytes of the image, or SESSION_LENGTH_UNKNOWN (a raw stream).
 * sectors: a bit for each sector of which data will come; the others are taken to be right (the CRC at the end tells).
 * Nothing is touched yet. UPDATE_E_IMAGE_SIZE if the length cannot be. */
enum update_err session_begin(struct session *s, uint32_t length, uint32_t sectors);

/* Room for a block? */
bool session_ready(const struct session *s);
/* Takes n bytes (1..SESSION_BLOCK_MAX) at offset, which must be status.next. Only when session_ready. A block must not cross from
 * a planned sector into one that is not planned. All but the last block of an image are multiples of 4 bytes.
 * The head is checked as soon as its 64 bytes are in (vectors; seal if the magic is there: size, format, and that the life
 * word is fresh): a refusal comes before anything is erased. */
enum update_err session_write(struct session *s, uint32_t offset, const uint8_t *p, size_t n);
/* All data are in: verify the CRC, seal a raw image, check the product, commit. Poll until UPDATE_DONE or UPDATE_FAILED. */
enum update_err session_finish(struct session *s);
/* Gives the update up: an operation that runs is waited for by polls; nothing is committed. */
void session_abort(struct session *s);
/* Write-protects those of the area's sectors whose bits are set, bit 0 = the first, and no others of the area; drops an update
 * that is under way. Not while an operation runs; poll until no longer session_active: flash_protected tells what became of it. */
void session_protect(struct session *s, uint32_t sectors, uint32_t now_ms);

/* --- by address: AN3155, DfuSe ------------------------------------------------------------------------------------------
 * The client erases and writes where it wants, and need not say when it is done. The first sector must be erased first: before
 * its head is gone, nothing else may change. A sealed image is verified and committed as soon as all of its length has been
 * written and its CRC fits; a raw one only by session_finish. A flash error fails the update as always; a refusal (any other
 * error that one of these returns) changes nothing. */

/* The sector that holds an offset of the area. */
size_t plan_sector_of(const struct session *s, uint32_t offset);
/* Starts such an update, dropping one that is under way. Nothing is touched yet. */
void session_open(struct session *s);
/* Erases, in ascending order: a bit for each sector of the area; bits beyond the area are passed over. Only when
 * session_ready; poll until it is again. UPDATE_E_STATE if the old head stays: it would start half overwritten. */
enum update_err session_erase(struct session *s, uint32_t sectors);
/* Programs n bytes (1..SESSION_BLOCK_MAX) at a 4-aligned offset; the head waits in RAM. An end within a word is filled up with
 * ones. Only when session_ready; poll until it is again, or the update is done or has failed. */
enum update_err session_put(struct session *s, uint32_t offset, const uint8_t *p, size_t n);
/* The word at a 4-aligned offset as the client wrote it, the head that waits included. At any time but while an operation runs. */
uint32_t session_peek(const struct session *s, uint32_t offset);

/* Advances by one bounded step (at most one flash operation started, or 4 KB of CRC). Returns the phase. */
enum update_phase session_poll(struct session *s, uint32_t now_ms);
const struct update_status *session_status(const struct session *s);
/* True while the flash or the verification works, or data is expected. */
bool session_active(const struct session *s);

/* Digests as the native protocol wants them (docs/SPEC.md section 5.4). Must not be called while session_active. */
uint32_t session_digest_head(const struct session *s);
uint32_t session_digest_sector(const struct session *s, size_t index, uint32_t length);

/* --- shape ---------------------------------------------------------------------------------------------------------- */
/* The implementer fills this in; it is here so that the owner can allocate it statically. */
#include "update/session_state.h"

#endif
