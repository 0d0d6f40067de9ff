/* SPDX-License-Identifier: MIT */
/* libvcpboot: updates the firmware of a device that runs the vcpboot bootloader, over its USB virtual COM port.
 *
 * The whole job, without error handling:
 *
 *     vcpboot *v = vcpboot_new();
 *     vcpboot_image *image;
 *     vcpboot_image_load(v, "firmware.elf", &image);
 *     vcpboot_update(v, image, 0);
 *     vcpboot_image_free(image);
 *     vcpboot_free(v);
 *
 * From Python: v = ctypes.CDLL("libvcpboot.so.0"); handles are c_void_p, texts are UTF-8, every integer has the width that
 * stands here, structs have no padding that a compiler chooses.
 *
 * THREADS. A handle belongs to one thread at a time; different handles are independent. Only vcpboot_cancel may be called
 * from elsewhere: from another thread or from a signal handler.
 *
 * TIME. Every call ends. A request is repeated twice if its answer does not come within the reply time (1 s); a device that
 * leaves the bus is waited for during the return time (15 s). Both can be set. A port that a person pulls out in
 * the middle of an update is looked for as long as the return time; then the update goes on where it stood.
 *
 * ERRORS. Every int function returns VCPBOOT_OK or one of the codes below; vcpboot_error_message then has one or two sentences
 * in English: what happened, and what to do next. */
#ifndef VCPBOOT_H
#define VCPBOOT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VCPBOOT_API __attribute__((visibility("default")))
#else
#define VCPBOOT_API
#endif

/* Result codes; the command `vcpboot` exits with the same numbers. */
enum vcpboot_code {
    VCPBOOT_OK = 0,
    VCPBOOT_E_FAILED = 1,               /* anything not listed below */
    VCPBOOT_E_USAGE = 2,                /* the caller's mistake: an argument is impossible */
    VCPBOOT_E_IMAGE = 3,                /* the file cannot be this device's firmware; nothing was changed */
    VCPBOOT_E_NO_DEVICE = 4,            /* no such port, or no port that could be a device */
    VCPBOOT_E_SEVERAL = 5,              /* more than one device, and nothing says which is meant */
    VCPBOOT_E_PERMISSION = 6,           /* the port may not be opened */
    VCPBOOT_E_BUSY = 7,                 /* another program has the port open */
    VCPBOOT_E_REFUSED = 8,              /* the device refused, or its flash failed */
    VCPBOOT_E_LOST = 9,                 /* the connection was lost or the device is silent */
    VCPBOOT_E_DIFFERS = 10,             /* verify: the device holds something else */
    VCPBOOT_E_NO_APPLICATION = 11,      /* the image is in the device, but the application did not come back */
    VCPBOOT_E_CANCELLED = 130,          /* by vcpboot_cancel or by the progress function */
};

typedef struct vcpboot vcpboot;                 /* one device and the connection to it */
typedef struct vcpboot_image vcpboot_image;     /* a firmware image in memory */
typedef struct vcpboot_ports vcpboot_ports;     /* the result of an enumeration */

/* The library's version, "major.minor.patch". */
VCPBOOT_API const char *vcpboot_version(void);

/* ---- the handle ------------------------------------------------------------------------------------------------------ */

/* Returns NULL only if there is no memory. Opens nothing. */
VCPBOOT_API vcpboot *vcpboot_new(void);
/* Closes the port if it is open. NULL is allowed. */
VCPBOOT_API void vcpboot_free(vcpboot *v);
/* What the last failed call of this handle has to say; "" if it did not fail. Valid until the next call with this handle. */
VCPBOOT_API const char *vcpboot_error_message(const vcpboot *v);

/* Which device. Without any of them: the only one that is plugged in. Strings are copied; NULL or "" unsets. */
VCPBOOT_API int vcpboot_set_port(vcpboot *v, const char *path);            /* "/dev/ttyACM0" */
VCPBOOT_API int vcpboot_set_serial(vcpboot *v, const char *serial);        /* USB serial number */
VCPBOOT_API int vcpboot_set_usb_id(vcpboot *v, uint16_t vid, uint16_t pid);  /* default 0x0483, 0x5740 */

/* Times in ms; 0 leaves a value as it is. Defaults: reply 1000, back 15000. */
VCPBOOT_API int vcpboot_set_timeouts(vcpboot *v, uint32_t reply_ms, uint32_t return_ms);

/* Phases of a call, in the order in which they come. A phase may come again after a loss of the connection. */
enum vcpboot_phase {
    VCPBOOT_PHASE_FIND = 0,             /* looking for the port and opening it */
    VCPBOOT_PHASE_ENTER = 1,            /* the application is asked to make way for the bootloader */
    VCPBOOT_PHASE_COMPARE = 2,          /* which sectors differ? */
    VCPBOOT_PHASE_ERASE = 3,
    VCPBOOT_PHASE_PROGRAM = 4,
    VCPBOOT_PHASE_VERIFY = 5,
    VCPBOOT_PHASE_COMMIT = 6,
    VCPBOOT_PHASE_RESTART = 7,          /* waiting for the application */
    VCPBOOT_PHASE_READ = 8,
    VCPBOOT_PHASE_LOST = 9,             /* the port has vanished; looking for it */
};

/* "find", "program", ... for logs and JSON; "?" for a number that is no phase. Never NULL. */
VCPBOOT_API const char *vcpboot_phase_name(int32_t phase);

/* Called at each change of phase and about ten times a second while data move, in the thread that called the library.
 * done, total: bytes (0 of 0 where there is nothing to count). rest_ms: estimated time until the whole call is done,
 * VCPBOOT_REST_UNKNOWN if there is no telling. text: one line for people. Return anything but 0 to cancel. */
#define VCPBOOT_REST_UNKNOWN 0xFFFFFFFFU
typedef int (*vcpboot_progress_fn)(void *user, int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms,
                                   const char *text);
VCPBOOT_API void vcpboot_set_progress(vcpboot *v, vcpboot_progress_fn fn, void *user);

/* Makes the call that runs (or, if none does, the next one) return VCPBOOT_E_CANCELLED within about 50 ms. Async-signal-safe. A
 * cancelled update leaves the device in the bootloader; the next update goes on from there. */
VCPBOOT_API void vcpboot_cancel(vcpboot *v);

/* ---- ports ----------------------------------------------------------------------------------------------------------- */

/* Lists the ports of this handle's USB id (vcpboot_set_usb_id). An empty list is VCPBOOT_OK. */
VCPBOOT_API int vcpboot_list(vcpboot *v, vcpboot_ports **out);
VCPBOOT_API uint32_t vcpboot_ports_count(const vcpboot_ports *p);
/* Texts of one entry, "" where the system does not know; NULL if index is out of range. They live as long as the list. */
VCPBOOT_API const char *vcpboot_ports_path(const vcpboot_ports *p, uint32_t index);
VCPBOOT_API const char *vcpboot_ports_serial(const vcpboot_ports *p, uint32_t index);
VCPBOOT_API const char *vcpboot_ports_description(const vcpboot_ports *p, uint32_t index);
VCPBOOT_API void vcpboot_ports_free(vcpboot_ports *p);

/* ---- the device ------------------------------------------------------------------------------------------------------ */

enum vcpboot_mode { VCPBOOT_MODE_BOOTLOADER = 0, VCPBOOT_MODE_APPLICATION = 1 };

/* What a device says of itself; 0 or "" where it says nothing. docs/SPEC.md section 5.3. */
struct vcpboot_info {
    uint32_t size;                      /* sizeof(struct vcpboot_info), set by the caller before the call */
    uint32_t mode;                      /* enum vcpboot_mode */
    uint32_t reason;                    /* why the bootloader stayed or would start: docs/SPEC.md section 2.2 */
    uint32_t capabilities;
    uint32_t boot_version;              /* major << 16 | minor << 8 | patch */
    uint32_t chip_id;                   /* REV_ID << 16 | DEV_ID */
    uint32_t flash_kb;
    uint32_t app_base, app_bytes;       /* where an application lives */
    uint32_t image_bytes, image_crc;    /* of the installed sealed image */
    uint32_t life;                      /* its life word */
    uint8_t uid[12];
    char product[32], version[32];      /* of the installed image */
    char port[256];                     /* path, as it was opened */
    char serial[64];                    /* USB serial number */
};

/* Finds the port, opens it for this program alone, and asks who is there. The other calls do it by themselves. */
VCPBOOT_API int vcpboot_open(vcpboot *v);
VCPBOOT_API void vcpboot_close(vcpboot *v);
/* Asks afresh, opening the port if need be. Works with a bootloader, and with an application that uses vcpboot_answer(). */
VCPBOOT_API int vcpboot_get_info(vcpboot *v, struct vcpboot_info *out);
/* A sentence about a reason of struct vcpboot_info. Never NULL. */
VCPBOOT_API const char *vcpboot_reason_text(uint32_t reason);

/* Starts the application afresh, or enters the bootloader, and waits until that is so. The other two are no serial ports, and
 * not waited for: the call returns when the device has left the bus. VCPBOOT_E_REFUSED if its bootloader cannot do that. */
enum vcpboot_target {
    VCPBOOT_TO_APPLICATION = 0,
    VCPBOOT_TO_BOOTLOADER = 1,
    VCPBOOT_TO_DFU = 2,                 /* a DfuSe device, by default 0483:df11 */
    VCPBOOT_TO_ROM = 3,                 /* ST's own loader in system memory */
};
VCPBOOT_API int vcpboot_reboot(vcpboot *v, int32_t target, uint32_t flags);

/* Reads n bytes from offset of the application area; the device must be in the bootloader, and its policy must allow it. */
VCPBOOT_API int vcpboot_read(vcpboot *v, uint32_t offset, uint8_t *out, uint32_t n);

/* ---- images ---------------------------------------------------------------------------------------------------------- */

/* Reads an ELF, Intel HEX, DFU (DFU 1.1 suffix, or ST's DfuSe container) or raw binary file; the content says which.
 * VCPBOOT_E_IMAGE if it cannot be an image. */
VCPBOOT_API int vcpboot_image_load(vcpboot *v, const char *path, vcpboot_image **out);
/* The same from memory, which is copied. name appears in messages and may be NULL. */
VCPBOOT_API int vcpboot_image_load_memory(vcpboot *v, const uint8_t *p, uint32_t n, const char *name, vcpboot_image **out);
/* Checks the image for an application area that begins at base (0: 0x08010000) and seals it if it is raw. vcpboot_update does it by
 * itself, with the base that the device names. */
VCPBOOT_API int vcpboot_image_seal(vcpboot *v, vcpboot_image *image, uint32_t base);
/* Writes the bytes as they would be in flash to a file, all of it or nothing. */
VCPBOOT_API int vcpboot_image_save(vcpboot *v, const vcpboot_image *image, const char *path);
VCPBOOT_API const uint8_t *vcpboot_image_bytes(const vcpboot_image *image);
VCPBOOT_API uint32_t vcpboot_image_length(const vcpboot_image *image);
VCPBOOT_API const char *vcpboot_image_product(const vcpboot_image *image);     /* "" if it names none */
VCPBOOT_API const char *vcpboot_image_version(const vcpboot_image *image);     /* "" if it names none */
VCPBOOT_API void vcpboot_image_free(vcpboot_image *image);

/* ---- updating -------------------------------------------------------------------------------------------------------- */

#define VCPBOOT_NO_WAIT 0x1U            /* return after the commit and the restart, do not wait for an application on the port */
#define VCPBOOT_FORCE 0x2U              /* even if the image names another product than the installed one */

/* Brings the device into the bootloader, sends the sectors that differ, has them verified and committed, restarts, and waits
 * until the application is back. The image is checked for this device before anything is erased, and sealed if it is raw. If the
 * device holds it already nothing is written. */
VCPBOOT_API int vcpboot_update(vcpboot *v, vcpboot_image *image, uint32_t flags);
VCPBOOT_API int vcpboot_update_file(vcpboot *v, const char *path, uint32_t flags);
/* Compares. VCPBOOT_OK: the same, head included. VCPBOOT_E_DIFFERS: not. An application that ran before runs again after. */
VCPBOOT_API int vcpboot_verify(vcpboot *v, vcpboot_image *image, uint32_t flags);

/* What the last update did, for logs. */
struct vcpboot_report {
    uint32_t size;                      /* sizeof(struct vcpboot_report), set by the caller before the call */
    uint32_t image_bytes;
    uint32_t sent_bytes;                /* data bytes sent, repetitions included */
    uint32_t skipped_bytes;             /* were right already */
    uint32_t resumes;                   /* how often the connection was lost and found again */
    uint32_t up_to_date;                /* 1: nothing had to be written */
    char version[32];                   /* of the application that came back, "" if it does not say */
};
VCPBOOT_API int vcpboot_get_report(const vcpboot *v, struct vcpboot_report *out);

#ifdef __cplusplus
}
#endif

#endif
