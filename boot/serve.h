/* SPDX-License-Identifier: MIT */
/* The device's side of every protocol on the port: bytes in, bytes out, time as an argument; drives one update session.
 * Knows no register and no USB; compiled for the PC too (docs/SPEC.md sections 5 and 6).
 *
 * The owner calls serve_poll and session_poll in turn, as often as it can. */
#ifndef VCPBOOT_SERVE_H
#define VCPBOOT_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/decide.h"
#include "image/info.h"
#include "image/seal.h"
#include "proto/an3155.h"
#include "proto/native.h"
#include "proto/ymodem.h"
#include "proto/ymodem_send.h"
#include "update/session.h"

/* Most bytes that one pass hands to a parser: the CRC over them takes less time than the programming of one word (16 us), so the
 * flash does not wait. With 32 of them a pass took 17 us. */
#define SERVE_CHUNK 16U
#define SERVE_SILENCE_MS 5000U          /* a client that sends nothing for so long in mid-update has gone */
#define SERVE_STATUS_MS 250U            /* SPEC 5.5: at the latest */
#define SERVE_STATUS_BYTES 8192U        /* SPEC 5.5: after so many bytes taken */
#define SERVE_REBOOT_MS 100U            /* from the last answer to leaving the bus: the PC must have read it */
#define SERVE_YM_REBOOT_MS 500U         /* the same after a YMODEM batch: the sender closes the port in peace */
#define SERVE_CALL_MS 1000U             /* 'C': first so long after an opening, then as often */
#define SERVE_CALLS 60U                 /* and so many times; */
#define SERVE_CALLS_ASIDE 30U           /* the last of them by turns 'G' and 'C': a sender of YMODEM-g hears nothing else */
#define SERVE_ECHO_MS 100U              /* a 'C' so shortly behind our own is its echo, or a receiver's who starts just now: */
#define SERVE_PAUSE_MS 5000U            /* so a pause follows the next one; lrzsz's rb calls again after 1 to 3 s of silence */
#define SERVE_HEADER_MS 500U            /* bytes that look like a YMODEM header must become one within this silence */
#define SERVE_TEXT_MAX 640U             /* the longest menu, with the longest product and version */
#define SERVE_MENU_MS 60000U            /* so long after its last key a person is still there */
#define SERVE_KEY_MS 100U               /* a key stands alone: this long nothing before it and nothing behind it */

/* The port. read and write return what they took, never more than asked; room is what write would take now. */
struct serve_wire {
    size_t (*read)(void *ctx, uint8_t *out, size_t cap);
    size_t (*write)(void *ctx, const uint8_t *p, size_t n);
    size_t (*room)(void *ctx);
    void *ctx;
};

/* What does not change while the updater runs. Pointers outlive the serve. */
struct serve_setup {
    struct session *session;            /* already bound to `area` and `where` */
    const struct flash_area *area;
    const struct seal_area *where;
    const struct serve_wire *wire;
    struct native_hello self;           /* template: chip, capabilities, window, times; the rest is filled in for each HELLO */
    enum boot_reason reason;            /* why the bootloader stays */
    bool startable;                     /* there is an application to go back to */
};

enum serve_client {
    SERVE_NOBODY,
    SERVE_NATIVE,                       /* an update is under way */
    SERVE_YMODEM,
    SERVE_SENDING,                      /* a YMODEM receiver */
    SERVE_AN3155,
};

/* State of the native side: serve_native.c. */
struct serve_native {
    uint8_t seq;                        /* of the last BEGIN or DATA: unasked reports carry it */
    bool finishing;                     /* a FINISH waits for its answer */
    uint8_t finish_seq;
    bool told_state;                    /* stray DATA has been answered once: its many successors are not */
    bool told_sequence;                 /* UPDATE_E_SEQUENCE was sent for told_sequence_at */
    uint32_t told_sequence_at;
    bool sequence_due;                  /* ... but there was no room yet */
    enum update_phase told_phase;
    uint8_t told_sector;
    uint32_t told_next, told_ms;
};

/* State of the YMODEM side: serve_ymodem.c. */
struct serve_ymodem {
    bool finishing, committed;
    bool excuse_due;                    /* a sentence for a person waits to be sent */
    enum update_err excuse;
    uint32_t sp, reset;                 /* first two words of the file */
    uint8_t calls;                      /* how many are left; 0: silent */
    uint8_t called;                     /* the last one: 'C' or 'G'; 0: none yet */
    bool doubtful;                      /* it came back, or nearly so */
    bool pausing;                       /* until the next one more than the usual time goes by */
    uint32_t call_ms;                   /* when it went out, or the port was opened */
};

/* State of the AN3155 side: serve_an3155.c. */
struct serve_an3155 {
    enum {
        SERVE_AN_STRANGER,
        SERVE_AN_GREETED,               /* 0x7F was the last that it said */
        SERVE_AN_CONNECTED,             /* a command was the last: commands are known as such from now on */
    } state;
    bool working;                       /* the flash does what the last command asked for */
    struct an3155 an;
};

/* State of the console: serve_console.c. */
struct serve_console {
    uint32_t heard;                     /* bytes since it was quiet; LF behind CR does not count */
    uint8_t key;                        /* the last of them that nobody claimed */
    enum { CONSOLE_CLOSED, CONSOLE_MENU, CONSOLE_ASKS, CONSOLE_PROTECTS } state;
    uint32_t key_ms;                    /* when the person's last key was answered */
};

/* Sentences that wait for room: serve_text.c. */
struct serve_text {
    uint8_t out[SERVE_TEXT_MAX];
    size_t bytes, sent;
};

/* A reset that waits for its answer to go out. request: 0 the application, otherwise enum mailbox_request. */
struct serve_leave { bool armed; uint8_t request; uint32_t since_ms, wait_ms; };

/* Fields are for serve*.c only. */
struct serve {
    struct serve_setup set;
    uint32_t now_ms;                    /* as of the last call from outside */
    enum serve_client client;
    enum boot_reason reason;
    bool startable;
    uint32_t heard_ms;                  /* when the client was last not silent */
    uint32_t active_ms;                 /* the same for the idle exit */
    struct native_rx rx;
    struct ym ym;
    struct ym_sender sender;
    struct serve_native native;
    struct serve_ymodem ymodem;
    struct serve_an3155 an3155;
    struct serve_console console;
    struct serve_text text;
    struct serve_leave leave;
    uint8_t in[SERVE_CHUNK];
    size_t in_len, in_pos;
    uint8_t out[NATIVE_FRAME_MAX];
    uint8_t info[INFO_HEADER_BYTES + INFO_ENTRIES_MAX];
};

void serve_init(struct serve *s, const struct serve_setup *set, uint32_t now_ms);
/* The PC opened the port: whoever talked before is gone, and so is its update. */
void serve_opened(struct serve *s, uint32_t now_ms);
/* Another port is in use now: what HELLO says of it. */
void serve_window(struct serve *s, uint32_t bytes);
/* One short step: at most SERVE_CHUNK bytes in, at most a frame out. A digest is the longest: 2 ms for each 128 KB. */
void serve_poll(struct serve *s, uint32_t now_ms);

/* Is it time to reset? `sent`: everything written has reached the PC; waited for, but not for ever. *request as in serve_leave. */
bool serve_leaves(const struct serve *s, uint32_t now_ms, bool sent, uint8_t *request);
/* ms without a byte and without an update. */
uint32_t serve_idle_ms(const struct serve *s, uint32_t now_ms);
/* Nobody is in the middle of anything: the next byte may be anybody's. */
bool serve_free(const struct serve *s);
/* Is there an application to go back to? */
bool serve_startable(const struct serve *s);

#endif
