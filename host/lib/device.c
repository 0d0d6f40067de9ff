/* SPDX-License-Identifier: MIT */
/* Finding the device, and bringing it from the application into the bootloader and back. */
/* Sources: docs/SPEC.md sections 5.2 and 5.3 */
#include "host/lib/handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/lib/enumerate.h"

#define FIRST_GRACE_MS 1500U            /* a device that re-enumerates just now is away for a moment */
#define DENIED_MS 1000U                 /* udev sets the permissions a moment after the port appears */
#define BUSY_MS 3000U
#define PROBED_MS 25000U                /* ModemManager probes a new port for up to 20 s */
#define HELLO_MS 500U                   /* one look; a bootloader answers within milliseconds */
#define TOUCH_AGAIN_MS 3000U
#define TOUCH_TRIES 5U
#define AFTER_TOUCH_MS 200U
#define GONE_MS 2000U                   /* a device that restarts leaves the bus within this time */
#define STAYED_MS 3000U                 /* if its leaving was not seen: a bootloader that still answers now has stayed */

/* --- which port ---------------------------------------------------------------------------------------------------------------- */

static int several(struct vcpboot *v, const struct vcpboot_ports *list)
{
    char names[512] = "";
    size_t at = 0;

    for (uint32_t i = 0; i < list->count && at < sizeof names - 1U; i++) {
        int n = snprintf(names + at, sizeof names - at, "%s%s (serial %s)", i ? ", " : "", list->entry[i].path,
                         list->entry[i].serial[0] ? list->entry[i].serial : "none");
        at = n < 0 || (size_t)n >= sizeof names - at ? sizeof names - 1U : at + (size_t)n;
    }
    return fault_set(&v->fault, VCPBOOT_E_SEVERAL,
                     "Several devices are there: %s. Say which one with --port or --serial.", names);
}

/* The entry with this serial number, or any if serial is ""; counts how many there are. */
static const struct port_entry *choose(struct vcpboot_ports *list, const char *serial)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < list->count; i++)
        if (!*serial || strcmp(list->entry[i].serial, serial) == 0) list->entry[kept++] = list->entry[i];
    list->count = kept;
    return kept == 1 ? &list->entry[0] : NULL;
}

static int nothing_there(struct vcpboot *v, const char *serial)
{
    if (*serial)
        return fault_set(&v->fault, VCPBOOT_E_NO_DEVICE,
                         "No device with serial number %s is plugged in: check the cable ('vcpboot list' shows what is there).",
                         serial);
    return fault_set(&v->fault, VCPBOOT_E_NO_DEVICE,
                     "No device (USB %04X:%04X) is plugged in: check cable and power, or name the port with --port.",
                     v->vid, v->pid);
}

/* Sets v->path. A device that was open before is looked for by its serial number, since its path may have changed. */
static int find(struct vcpboot *v)
{
    const char *serial = v->serial[0] ? v->serial : v->want_port[0] ? "" : v->want_serial;
    struct vcpboot_ports *list;

    if (v->want_port[0] && !serial[0]) {
        (void)snprintf(v->path, sizeof v->path, "%s", v->want_port);
        return VCPBOOT_OK;
    }
    int code = enumerate_ports(&list, v->vid, v->pid, &v->fault);
    if (code != VCPBOOT_OK) return code;
    const struct port_entry *e = choose(list, serial);
    if (e) (void)snprintf(v->path, sizeof v->path, "%s", e->path);
    else if (list->count > 1) code = several(v, list);
    else if (v->want_port[0]) (void)snprintf(v->path, sizeof v->path, "%s", v->want_port);
    else code = nothing_there(v, serial);
    free(list);
    return code;
}

/* --- opening ---------------------------------------------------------------------------------------------------------------------- */

static int open_once(struct vcpboot *v)
{
    int code = find(v);

    if (code != VCPBOOT_OK) return code;
    if (port_open(&v->port, v->path, &v->fault) != PORT_OK) return v->fault.code;
    enumerate_serial_of(v->path, v->serial, sizeof v->serial);
    client_init(&v->client, v->reply_ms);
    return VCPBOOT_OK;
}

/* How long a failure to open is worth another try. */
static uint32_t patience_ms(const struct vcpboot *v, int code, uint32_t grace_ms)
{
    switch (code) {
    case VCPBOOT_E_NO_DEVICE: return grace_ms;
    case VCPBOOT_E_PERMISSION: return DENIED_MS;
    case VCPBOOT_E_BUSY: return strstr(v->fault.text, "ModemManager") ? PROBED_MS : BUSY_MS;
    default: return 0;
    }
}

int device_connect(struct vcpboot *v, uint32_t grace_ms)
{
    uint32_t since = port_now_ms();

    while (!v->port) {
        int code = open_once(v);
        if (code == VCPBOOT_OK) break;
        if (port_now_ms() - since >= patience_ms(v, code, grace_ms)) return code;
        if (code == VCPBOOT_E_BUSY && progress_text(v, VCPBOOT_PHASE_FIND, v->fault.text) != VCPBOOT_OK) return VCPBOOT_E_CANCELLED;
        if (link_nap(v, NAP_MS) != VCPBOOT_OK) return VCPBOOT_E_CANCELLED;
    }
    fault_clear(&v->fault);
    return VCPBOOT_OK;
}

void device_disconnect(struct vcpboot *v)
{
    port_close(v->port);
    v->port = NULL;
}

/* --- who is there ------------------------------------------------------------------------------------------------------------- */

/* Another device may have come up on the same path. */
static bool is_another(struct vcpboot *v)
{
    static const uint8_t unknown[12];
    const uint8_t *uid = v->client.hello.uid;

    if (memcmp(uid, unknown, sizeof unknown) == 0) return false;
    if (v->uid_known) return memcmp(uid, v->uid, sizeof v->uid) != 0;
    memcpy(v->uid, uid, sizeof v->uid);
    v->uid_known = true;
    return false;
}

/* One or more HELLOs on the open port. */
static int ask_who(struct vcpboot *v, unsigned tries, enum seen *who)
{
    client_init(&v->client, v->reply_ms < HELLO_MS ? v->reply_ms : HELLO_MS);
    client_hello(&v->client, port_now_ms(), tries);
    int code = link_request(v);
    v->client.reply_ms = v->reply_ms;

    *who = SEEN_SILENCE;
    if (code == LINK_SILENT) return VCPBOOT_OK;
    if (code == LINK_LOST) {
        device_disconnect(v);
        *who = SEEN_NOTHING;
        return VCPBOOT_OK;
    }
    if (code != VCPBOOT_OK) return code;
    if (v->client.hello.version != NATIVE_VERSION)
        return fault_set(&v->fault, VCPBOOT_E_REFUSED,
                         "The device speaks version %u of the protocol, this program version %u: update vcpboot on this PC.",
                         v->client.hello.version, NATIVE_VERSION);
    if (is_another(v)) {
        device_disconnect(v);
        *who = SEEN_NOTHING;
        return VCPBOOT_OK;
    }
    *who = v->client.hello.mode == VCPBOOT_MODE_BOOTLOADER ? SEEN_BOOTLOADER : SEEN_APPLICATION;
    return VCPBOOT_OK;
}

/* One look at a port that may be away. Only what another look cannot mend is a failure. */
static int look(struct vcpboot *v, enum seen *who)
{
    *who = SEEN_NOTHING;
    if (!v->port) {
        int code = open_once(v);
        if (code == VCPBOOT_E_NO_DEVICE || code == VCPBOOT_E_BUSY || code == VCPBOOT_E_PERMISSION) return link_nap(v, NAP_MS);
        if (code != VCPBOOT_OK) return code;
    }
    return ask_who(v, 1, who);
}

int device_meet(struct vcpboot *v, enum seen *who)
{
    uint32_t since = port_now_ms();

    do {
        int code = progress_text(v, VCPBOOT_PHASE_FIND, "Looking for the device");
        if (code == VCPBOOT_OK) code = device_connect(v, FIRST_GRACE_MS);
        if (code == VCPBOOT_OK) code = ask_who(v, 2, who);
        if (code != VCPBOOT_OK) return code;
    } while (*who == SEEN_NOTHING && port_now_ms() - since < v->return_ms);
    if (*who != SEEN_NOTHING) return VCPBOOT_OK;
    return fault_set(&v->fault, VCPBOOT_E_LOST, "The device on %s keeps leaving the bus: check cable and power.", v->path);
}

/* --- into the bootloader ------------------------------------------------------------------------------------------------------- */

static int touch(struct vcpboot *v)
{
    struct fault ignored;                       /* if it is away, the next look says so */

    device_disconnect(v);
    for (unsigned tries = TOUCH_TRIES; tries > 0 && port_touch(v->path, &ignored) == PORT_BUSY; tries--)
        if (link_nap(v, NAP_MS) != VCPBOOT_OK) return VCPBOOT_E_CANCELLED;
    return link_nap(v, AFTER_TOUCH_MS);
}

static int did_not_enter(struct vcpboot *v, enum seen who)
{
    unsigned seconds = (v->return_ms + 999U) / 1000U;

    if (who == SEEN_NOTHING)
        return fault_set(&v->fault, VCPBOOT_E_LOST,
                         "The device left %s and did not come back within %u s: unplug it, plug it in again, and repeat the "
                         "command.",
                         v->path, seconds);
    return fault_set(&v->fault, VCPBOOT_E_LOST,
                     "The application on %s did not make way for the bootloader within %u s: does it hook the 1200-baud "
                     "opening "
                     "(sdk/README.md)? Otherwise start the bootloader by its pin, and check that this is the right port.",
                     v->path, seconds);
}

int device_enter_bootloader(struct vcpboot *v, enum seen who)
{
    uint32_t since = port_now_ms(), touched = since;
    int code = VCPBOOT_OK;

    if (who == SEEN_BOOTLOADER) return VCPBOOT_OK;
    code = progress_text(v, VCPBOOT_PHASE_ENTER, "Asking the application for the bootloader");
    if (code == VCPBOOT_OK) code = touch(v);
    while (code == VCPBOOT_OK && port_now_ms() - since < v->return_ms) {
        code = look(v, &who);
        if (code != VCPBOOT_OK || who == SEEN_BOOTLOADER) return code;
        if (who != SEEN_NOTHING && port_now_ms() - touched >= TOUCH_AGAIN_MS) {
            touched = port_now_ms();
            code = touch(v);
        }
    }
    return code != VCPBOOT_OK ? code : did_not_enter(v, who);
}

int device_find_again(struct vcpboot *v)
{
    uint32_t since = port_now_ms();
    enum seen who;

    device_disconnect(v);
    int code = progress_text(v, VCPBOOT_PHASE_LOST, "Connection lost, looking for the device");
    while (code == VCPBOOT_OK && port_now_ms() - since < v->return_ms) {
        code = look(v, &who);
        if (code == VCPBOOT_OK && (who == SEEN_BOOTLOADER || who == SEEN_APPLICATION)) return VCPBOOT_OK;
    }
    if (code != VCPBOOT_OK) return code;
    return fault_set(&v->fault, VCPBOOT_E_LOST,
                     "The connection to the device on %s was lost and did not come back within %u s: check cable and power, "
                     "then repeat the same command; it goes on from there.", v->path, (v->return_ms + 999U) / 1000U);
}

/* --- back to the application ---------------------------------------------------------------------------------------------------- */

static int stayed(struct vcpboot *v)
{
    uint32_t reason = v->client.hello.reason;

    return fault_set(&v->fault, VCPBOOT_E_NO_APPLICATION,
                     "The device came back in the bootloader: %s; %s.", vcpboot_reason_text(reason), text_reason_advice(reason));
}

static int wait_for_application(struct vcpboot *v, bool left)
{
    uint32_t since = port_now_ms();
    unsigned silent = 0;
    enum seen who;

    while (port_now_ms() - since < v->return_ms) {
        int code = look(v, &who);
        if (code != VCPBOOT_OK || who == SEEN_APPLICATION) return code;
        if (who == SEEN_BOOTLOADER && (left || port_now_ms() - since >= STAYED_MS)) return stayed(v);
        silent = who == SEEN_SILENCE ? silent + 1U : 0;
        if (silent >= 2U) return VCPBOOT_OK;    /* it is there, and does not use vcpboot_answer() */
        if (who == SEEN_BOOTLOADER && link_nap(v, NAP_MS) != VCPBOOT_OK) return VCPBOOT_E_CANCELLED;
    }
    return fault_set(&v->fault, VCPBOOT_E_NO_APPLICATION,
                     "The application did not come back on the port within %u s: does it start, and does it use USB? "
                     "(--no-wait does not wait for it.)", (v->return_ms + 999U) / 1000U);
}

static int depart(struct vcpboot *v, uint8_t what)
{
    client_reboot(&v->client, port_now_ms(), what);
    int code = link_request(v);
    return code == LINK_LOST || code == LINK_SILENT ? VCPBOOT_OK : code;       /* the answer may be lost when it leaves the bus */
}

/* The port that was is no longer the device's. */
static bool forget_port(struct vcpboot *v)
{
    bool left = !v->port || link_wait_gone(v, GONE_MS);

    device_disconnect(v);
    v->client.hello_known = false;
    return left;
}

int device_leave_bus(struct vcpboot *v, uint8_t what)
{
    int code = depart(v, what);

    if (code == VCPBOOT_OK) (void)forget_port(v);
    return code;
}

int device_start_application(struct vcpboot *v, bool wait)
{
    int code = progress_text(v, VCPBOOT_PHASE_RESTART, "Starting the application");

    if (code != VCPBOOT_OK) return code;
    code = depart(v, VCPBOOT_TO_APPLICATION);
    if (code != VCPBOOT_OK || !wait) return code;
    code = wait_for_application(v, forget_port(v));
    return code == VCPBOOT_OK && progress_cancelled(v) ? VCPBOOT_E_CANCELLED : code;
}
