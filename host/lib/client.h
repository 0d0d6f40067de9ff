/* SPDX-License-Identifier: MIT */
/* The PC's end of the native protocol, sans-IO: bytes in, bytes out, time as an argument (docs/SPEC.md section 5).
 *
 * One request at a time, or one update (BEGIN, DATA ..., FINISH). Start it, then move bytes until client_state is no longer
 * CLIENT_BUSY: hand what client_output gives to the wire, what comes from the wire to client_input, and call client_tick at
 * client_deadline at the latest. Knows no port and no clock. */
#ifndef VCPBOOT_CLIENT_H
#define VCPBOOT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/info.h"
#include "proto/native.h"

#define CLIENT_DIGESTS_MAX 25U          /* the head and 24 sectors */
#define CLIENT_REQUEST_MAX 68U          /* BEGIN */
#define CLIENT_ERASE_MAX_MS 60000U      /* what a device may claim for an erase: every call must end. The chip's longest is 4 s */

enum client_state { CLIENT_IDLE, CLIENT_BUSY, CLIENT_DONE, CLIENT_FAILED };

enum client_failure {
    CLIENT_E_NONE,
    CLIENT_E_SILENT,                    /* no answer, after all repetitions */
    CLIENT_E_REFUSED,                   /* client.status says why */
    CLIENT_E_GARBLED,                   /* an answer whose content cannot be */
    CLIENT_E_STALLED,                   /* the device answers, but nothing moves any more */
};

/* What an update sends. The bytes must outlive it. */
struct client_update {
    const uint8_t *image;               /* sealed */
    uint32_t length;
    uint32_t sectors;                   /* a bit for each sector to be sent */
};

/* The stream of DATA frames. */
struct client_transfer {
    struct client_update what;
    uint32_t acked;                     /* the device expects this offset next, as far as we know */
    uint32_t sent;                      /* the next offset to send */
    uint32_t probe_until;               /* after a rewind: until this is acknowledged the window is short */
    uint32_t moved_ms;                  /* when something last moved: an offset, a sector, a phase */
    uint32_t heard_ms;                  /* when the last STATUS came */
    uint32_t nudged_ms;                 /* when we last sent again because of silence */
};

/* Allocated by the owner. Fields are the client's own; those below "results" may be read. */
struct client {
    struct native_rx rx;
    uint8_t frame[NATIVE_FRAME_MAX];    /* being handed out */
    size_t frame_bytes, frame_at;
    uint8_t request[CLIENT_REQUEST_MAX];
    size_t request_bytes;
    uint8_t type, seq;                  /* of the request whose answer is awaited */
    uint8_t step;
    unsigned tries_left;
    uint32_t reply_ms;                  /* an answer takes at most so long */
    uint32_t asked_ms;
    struct client_transfer transfer;

    /* --- results --- */
    enum client_state state;
    enum client_failure failure;
    bool hello_known;
    struct native_hello hello;
    uint8_t entries[INFO_ENTRIES_MAX];  /* what hello.entries points to */
    uint32_t digest[CLIENT_DIGESTS_MAX];        /* the head's, then one for each sector */
    size_t digests;
    struct native_status status;        /* the last one */
    const uint8_t *read_bytes;          /* valid until the next call */
    size_t read_count;
    uint32_t sent_bytes;                /* data bytes handed out since client_init, repetitions included */
};

void client_init(struct client *c, uint32_t reply_ms);

/* Requests. tries: how often it is sent in all. A request that is under way is forgotten. */
void client_hello(struct client *c, uint32_t now_ms, unsigned tries);
void client_digest(struct client *c, uint32_t now_ms, uint32_t image_bytes);
void client_abort(struct client *c, uint32_t now_ms);
void client_reboot(struct client *c, uint32_t now_ms, uint8_t what);
void client_read(struct client *c, uint32_t now_ms, uint32_t offset, uint32_t n);
/* Needs a hello whose sectors hold the image: plan_make has said so. BEGIN, DATA, FINISH; CLIENT_DONE means that the device has committed. */
void client_update(struct client *c, uint32_t now_ms, const struct client_update *what);

/* Takes bytes from the wire, all of them. */
void client_input(struct client *c, const uint8_t *in, size_t n, uint32_t now_ms);
/* Writes at most cap bytes for the wire; returns how many, 0 if there is nothing to send now. */
size_t client_output(struct client *c, uint8_t *out, size_t cap, uint32_t now_ms);
void client_tick(struct client *c, uint32_t now_ms);
/* How many ms from now client_tick wants to be called at the latest. */
uint32_t client_wait_ms(const struct client *c, uint32_t now_ms);

/* Of an update: data bytes in all, and how many of them are programmed. */
uint32_t client_total_bytes(const struct client *c);
uint32_t client_done_bytes(const struct client *c);

/* The bytes of [from, to) that lie in the sectors of the bitmap; sizes as hello has them. */
uint32_t client_planned_bytes(const struct native_hello *h, uint32_t sectors, uint32_t from, uint32_t to);

#endif
