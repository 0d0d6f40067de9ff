/* SPDX-License-Identifier: MIT */
/* Frames of the native protocol: coding and decoding, sans-IO, for both ends (docs/SPEC.md section 5). */
#ifndef VCPBOOT_NATIVE_H
#define VCPBOOT_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NATIVE_SYNC0 0xA5U
#define NATIVE_SYNC1 0x56U
#define NATIVE_HEADER_BYTES 8U
#define NATIVE_TRAILER_BYTES 4U
#define NATIVE_DATA_MAX 1024U
#define NATIVE_PAYLOAD_MAX 1028U
#define NATIVE_FRAME_MAX (NATIVE_HEADER_BYTES + NATIVE_PAYLOAD_MAX + NATIVE_TRAILER_BYTES)
#define NATIVE_GAP_MS 250U
#define NATIVE_VERSION 1U
#define NATIVE_ANSWER 0x80U             /* set in the type of an answer */

enum native_type {
    NATIVE_HELLO = 0x01,
    NATIVE_DIGEST = 0x02,
    NATIVE_BEGIN = 0x03,
    NATIVE_DATA = 0x04,
    NATIVE_FINISH = 0x05,
    NATIVE_ABORT = 0x06,
    NATIVE_REBOOT = 0x07,
    NATIVE_READ = 0x08,
};

#define NATIVE_CAP_UPDATE 0x1U
#define NATIVE_CAP_READ 0x2U
#define NATIVE_CAP_DFU 0x4U
#define NATIVE_CAP_ROM 0x8U

#define NATIVE_STATUS_BYTES 12U
#define NATIVE_HELLO_BYTES 68U          /* before the sector sizes and the info entries */

struct native_frame {
    uint8_t type, seq;
    uint16_t length;
    const uint8_t *payload;
};

/* --- receiving ------------------------------------------------------------------------------------------------------ */
struct native_rx {
    uint8_t buf[NATIVE_FRAME_MAX];
    uint16_t have;                      /* bytes in buf */
    uint16_t checked;                   /* bytes already in the running CRC: the CRC is taken as bytes arrive, not in one go */
    uint32_t crc;
    bool whole;                         /* buf holds a good frame */
    uint32_t last_ms;                   /* when the last byte came */
    uint32_t damaged;                   /* frames given up so far */
};
void native_rx_init(struct native_rx *rx);
/* Takes bytes until a frame is whole; returns how many it took (fewer than n only when a frame is whole). After a damaged
 * frame it looks again behind its first byte, inside what it holds. */
size_t native_rx_feed(struct native_rx *rx, const uint8_t *in, size_t n, uint32_t now_ms);
/* Gives up a half frame after NATIVE_GAP_MS and looks again inside what it holds. */
void native_rx_tick(struct native_rx *rx, uint32_t now_ms);
/* The whole frame, if there is one; the payload stays valid until native_rx_release. */
bool native_rx_frame(const struct native_rx *rx, struct native_frame *out);
void native_rx_release(struct native_rx *rx);
bool native_rx_empty(const struct native_rx *rx);       /* nothing held: not within a frame */

/* --- sending -------------------------------------------------------------------------------------------------------- */
/* Writes a whole frame to out (cap bytes) and returns its length; 0 if it does not fit or the payload is too long.
 * payload may already stand in its place, at out + NATIVE_HEADER_BYTES. */
size_t native_encode(uint8_t *out, size_t cap, uint8_t type, uint8_t seq, const uint8_t *payload, size_t n);

/* --- payloads that both ends know: to and from bytes ------------------------------------------------------------------- */
struct native_status { uint8_t err, phase, sector; uint32_t next, done; };
struct native_hello {
    uint8_t status, version, mode, reason;
    uint32_t capabilities, boot_version;
    uint16_t dev_id, rev_id;
    uint32_t app_base, app_bytes;
    uint16_t data_max, flash_kb;
    uint32_t window, erase_max_ms, idle_exit_ms;
    uint32_t image_bytes, image_crc, life;
    uint8_t uid[12];
    uint8_t sectors;
    uint16_t sector_kb[24];
    const uint8_t *entries;             /* the installed image's info entries */
    size_t entries_bytes;
};
void native_put_status(uint8_t out[NATIVE_STATUS_BYTES], const struct native_status *s);
bool native_get_status(struct native_status *s, const uint8_t *p, size_t n);
/* Returns the payload's length, 0 if it does not fit. */
size_t native_put_hello(uint8_t *out, size_t cap, const struct native_hello *h);
/* Checks every length inside; h->entries points into p. */
bool native_get_hello(struct native_hello *h, const uint8_t *p, size_t n);

#endif
