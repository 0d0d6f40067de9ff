/* SPDX-License-Identifier: MIT */
/* What is behind a vcpboot handle, and the layers between the session core and the public calls. */
#ifndef VCPBOOT_HANDLE_H
#define VCPBOOT_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/lib/client.h"
#include "host/lib/fault.h"
#include "host/lib/image_file.h"
#include "host/lib/plan.h"
#include "host/lib/port.h"

/* Inner results beside enum vcpboot_code. They never leave the library. */
#define LINK_LOST 1000                  /* the port is gone, or the device has forgotten the update: find it again */
#define LINK_SILENT 1001                /* the port is there, nobody answers */

#define NAP_MS 200U                     /* between two looks for a port that is gone */

/* Who is on the port. */
enum seen { SEEN_NOTHING, SEEN_SILENCE, SEEN_BOOTLOADER, SEEN_APPLICATION };

struct progress {
    vcpboot_progress_fn fn;
    void *user;
    int32_t phase;                      /* last one reported; -1: none yet */
    uint32_t at_ms;
    uint32_t started_ms;                /* of the transfer that runs */
    uint32_t erase_since_ms;            /* when the erase that runs began */
    uint32_t pace_permille;             /* measured time to table time */
    bool stop;                          /* the function asked for it */
};

struct vcpboot {
    struct fault fault;
    char want_port[256], want_serial[64];
    uint16_t vid, pid;
    uint32_t reply_ms, return_ms;
    struct progress progress;
    atomic_bool cancelled;
    struct port *port;
    char path[256], serial[64];         /* of the port that was opened last */
    bool uid_known;                     /* of the device that this call began with */
    uint8_t uid[12];
    struct client client;
    bool streaming;                     /* an update's data move: progress comes from the client */
    bool begun;                         /* BEGIN went out: the device's flash may have changed */
    bool committed;                     /* this call's image is whole in the device */
    struct vcpboot_report report;
};

/* --- progress.c ------------------------------------------------------------------------------------------------------------ */
/* Reports a phase. Returns VCPBOOT_OK or VCPBOOT_E_CANCELLED, which every long loop asks for. */
int progress_say(struct vcpboot *v, int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text);
int progress_text(struct vcpboot *v, int32_t phase, const char *text);
void progress_begin_transfer(struct vcpboot *v);
/* While an update streams: phase, bytes and rest from the client's status. */
int progress_transfer(struct vcpboot *v);
bool progress_cancelled(const struct vcpboot *v);

/* --- link.c: the session core over a port -------------------------------------------------------------------------------------- */
/* Moves bytes until the client is no longer busy. VCPBOOT_OK (ask v->client), LINK_LOST or VCPBOOT_E_CANCELLED. */
int link_run(struct vcpboot *v);
/* link_run for a plain request: also a refusal and silence become results, with their sentence. */
int link_request(struct vcpboot *v);
/* Waits until the port is gone; false if it is still there after timeout_ms. */
bool link_wait_gone(struct vcpboot *v, uint32_t timeout_ms);
int link_nap(struct vcpboot *v, uint32_t ms);

/* --- device.c ---------------------------------------------------------------------------------------------------------------------- */
/* Opens the port, waiting for it up to grace_ms. */
int device_connect(struct vcpboot *v, uint32_t grace_ms);
void device_disconnect(struct vcpboot *v);
/* Connects if need be and asks who is there. SEEN_SILENCE is VCPBOOT_OK. */
int device_meet(struct vcpboot *v, enum seen *who);
/* From whatever device_meet has seen into the bootloader. */
int device_enter_bootloader(struct vcpboot *v, enum seen who);
/* After the port was lost in mid-update: until somebody answers there again. */
int device_find_again(struct vcpboot *v);
/* Asks the bootloader to start the application; then, if wait is set, waits until that is back on the port. */
int device_start_application(struct vcpboot *v, bool wait);
/* To what is no serial port: a mailbox request. Waits only until the device has left. */
int device_leave_bus(struct vcpboot *v, uint8_t what);

/* --- update.c ---------------------------------------------------------------------------------------------------------------------- */
int update_run(struct vcpboot *v, struct vcpboot_image *image, uint32_t flags);
int verify_run(struct vcpboot *v, struct vcpboot_image *image, uint32_t flags);

/* --- text.c ---------------------------------------------------------------------------------------------------------- */
/* What to do about a reason to stay: the end of a sentence. */
const char *text_reason_advice(uint32_t reason);
/* Sets the fault for a device's refusal. */
int text_refused(struct fault *f, const struct native_status *s);

#endif
