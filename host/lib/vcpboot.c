/* SPDX-License-Identifier: MIT */
/* The public calls: each begins with a clean slate and ends with one code and its sentence. */
#include "host/lib/vcpboot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/lib/enumerate.h"
#include "host/lib/handle.h"
#include "image/info.h"

#define DEFAULT_VID 0x0483U             /* the CubeMX VCP: docs/SPEC.md section 4 */
#define DEFAULT_PID 0x5740U
#define DEFAULT_REPLY_MS 1000U
#define DEFAULT_RETURN_MS 15000U

/* --- the frame of every call ------------------------------------------------------------------------------------------------------ */

static void begin(struct vcpboot *v)
{
    fault_clear(&v->fault);
    v->progress.phase = -1;
    v->progress.stop = false;
    v->streaming = v->begun = v->committed = false;
    if (v->port) return;
    v->serial[0] = '\0';                /* a closed handle is not bound to the device it had */
    v->uid_known = false;
}

/* Inner results become public ones, and each has a sentence. */
static int end(struct vcpboot *v, int code)
{
    if (code == LINK_LOST)
        code = fault_set(&v->fault, VCPBOOT_E_LOST,
                         "The connection to the device on %s was lost: check cable and power, and repeat the command.",
                         v->path);
    if (code == LINK_SILENT)
        code = fault_set(&v->fault, VCPBOOT_E_LOST,
                         "The device on %s does not answer: unplug it, plug it in again, and repeat the command.", v->path);
    if (code == VCPBOOT_E_CANCELLED) {
        atomic_store(&v->cancelled, false);
        if (!v->fault.text[0] || v->fault.code != code) (void)fault_set(&v->fault, code, "Cancelled: nothing was changed.");
    }
    if (code == VCPBOOT_OK) fault_clear(&v->fault);
    if (code != VCPBOOT_OK && v->port) device_disconnect(v);
    v->fault.code = code;
    return code;
}

static int misused(struct vcpboot *v, const char *what)
{
    return fault_set(&v->fault, VCPBOOT_E_USAGE, "%s", what);
}

/* --- the handle ------------------------------------------------------------------------------------------------------------------- */

const char *vcpboot_version(void) { return VCPBOOT_VERSION_TEXT; }

vcpboot *vcpboot_new(void)
{
    struct vcpboot *v = calloc(1, sizeof *v);

    if (!v) return NULL;
    v->vid = DEFAULT_VID;
    v->pid = DEFAULT_PID;
    v->reply_ms = DEFAULT_REPLY_MS;
    v->return_ms = DEFAULT_RETURN_MS;
    v->report.size = sizeof v->report;
    atomic_init(&v->cancelled, false);
    return v;
}

void vcpboot_free(vcpboot *v)
{
    if (!v) return;
    device_disconnect(v);
    free(v);
}

const char *vcpboot_error_message(const vcpboot *v) { return v->fault.text; }

static int set_text(struct vcpboot *v, char *out, size_t cap, const char *text)
{
    fault_clear(&v->fault);
    if (text && strlen(text) >= cap) return misused(v, "The name is too long.");
    (void)snprintf(out, cap, "%s", text ? text : "");
    device_disconnect(v);
    return VCPBOOT_OK;
}

int vcpboot_set_port(vcpboot *v, const char *path) { return set_text(v, v->want_port, sizeof v->want_port, path); }

int vcpboot_set_serial(vcpboot *v, const char *serial) { return set_text(v, v->want_serial, sizeof v->want_serial, serial); }

int vcpboot_set_usb_id(vcpboot *v, uint16_t vid, uint16_t pid)
{
    fault_clear(&v->fault);
    v->vid = vid;
    v->pid = pid;
    return VCPBOOT_OK;
}

int vcpboot_set_timeouts(vcpboot *v, uint32_t reply_ms, uint32_t return_ms)
{
    fault_clear(&v->fault);
    if (reply_ms != 0) v->reply_ms = reply_ms;
    if (return_ms != 0) v->return_ms = return_ms;
    return VCPBOOT_OK;
}

void vcpboot_set_progress(vcpboot *v, vcpboot_progress_fn fn, void *user)
{
    v->progress.fn = fn;
    v->progress.user = user;
}

void vcpboot_cancel(vcpboot *v) { atomic_store(&v->cancelled, true); }

/* --- ports ------------------------------------------------------------------------------------------------------------------------ */

int vcpboot_list(vcpboot *v, vcpboot_ports **out)
{
    begin(v);
    if (!out) return misused(v, "vcpboot_list needs a place for its result.");
    return end(v, enumerate_ports(out, v->vid, v->pid, &v->fault));
}

uint32_t vcpboot_ports_count(const vcpboot_ports *p) { return p->count; }

const char *vcpboot_ports_path(const vcpboot_ports *p, uint32_t index) { return index < p->count ? p->entry[index].path : NULL; }

const char *vcpboot_ports_serial(const vcpboot_ports *p, uint32_t index) { return index < p->count ? p->entry[index].serial : NULL; }

const char *vcpboot_ports_description(const vcpboot_ports *p, uint32_t index)
{
    return index < p->count ? p->entry[index].description : NULL;
}

void vcpboot_ports_free(vcpboot_ports *p) { free(p); }

/* --- the device ------------------------------------------------------------------------------------------------------------------- */

/* An application that does not use vcpboot_answer() is silent; so is a wrong port. */
static int silent(struct vcpboot *v)
{
    return fault_set(&v->fault, VCPBOOT_E_LOST,
                     "The device on %s does not answer. If its application runs and does not use vcpboot_answer(), "
                     "'vcpboot reboot --bootloader' brings it into the bootloader, which does; otherwise check that this is "
                     "the right port.", v->path);
}

static int meet(struct vcpboot *v)
{
    enum seen who;
    int code = device_meet(v, &who);

    return code == VCPBOOT_OK && who == SEEN_SILENCE ? silent(v) : code;
}

int vcpboot_open(vcpboot *v)
{
    begin(v);
    return end(v, meet(v));
}

void vcpboot_close(vcpboot *v) { device_disconnect(v); }

static void fill_info(const struct vcpboot *v, struct vcpboot_info *i)
{
    const struct native_hello *h = &v->client.hello;

    i->mode = h->mode;
    i->reason = h->reason;
    i->capabilities = h->capabilities;
    i->boot_version = h->boot_version;
    i->chip_id = (uint32_t)h->rev_id << 16 | h->dev_id;
    i->flash_kb = h->flash_kb;
    i->app_base = h->app_base;
    i->app_bytes = h->app_bytes;
    i->image_bytes = h->image_bytes;
    i->image_crc = h->image_crc;
    i->life = h->life;
    memcpy(i->uid, h->uid, sizeof i->uid);
    (void)info_text(h->entries, h->entries_bytes, INFO_PRODUCT, i->product, sizeof i->product);
    (void)info_text(h->entries, h->entries_bytes, INFO_VERSION, i->version, sizeof i->version);
    (void)snprintf(i->port, sizeof i->port, "%s", v->path);
    (void)snprintf(i->serial, sizeof i->serial, "%s", v->serial);
}

/* Callers built against an older or a newer header have a shorter or longer struct. */
static bool copy_sized(void *out, const void *in, uint32_t wanted, uint32_t have)
{
    if (wanted < sizeof wanted) return false;
    memset(out, 0, wanted);
    memcpy(out, in, wanted < have ? wanted : have);
    memcpy(out, &wanted, sizeof wanted);
    return true;
}

int vcpboot_get_info(vcpboot *v, struct vcpboot_info *out)
{
    struct vcpboot_info info = { .size = sizeof info };

    begin(v);
    int code = end(v, meet(v));
    if (code != VCPBOOT_OK) return code;
    fill_info(v, &info);
    return copy_sized(out, &info, out->size, sizeof info) ? VCPBOOT_OK : misused(v, "Set the size field before the call.");
}

/* Where to, out of the bootloader. */
static int leave_for(struct vcpboot *v, int32_t target, uint32_t flags)
{
    uint32_t needs = target == VCPBOOT_TO_DFU ? NATIVE_CAP_DFU : NATIVE_CAP_ROM;

    if (target == VCPBOOT_TO_BOOTLOADER) return VCPBOOT_OK;
    if (target == VCPBOOT_TO_APPLICATION) return device_start_application(v, (flags & VCPBOOT_NO_WAIT) == 0);
    if ((v->client.hello.capabilities & needs) == 0)
        return fault_set(&v->fault, VCPBOOT_E_REFUSED,
                         "This device's bootloader cannot do that: it has no %s. Update the bootloader.",
                         target == VCPBOOT_TO_DFU ? "DfuSe personality" : "way into the system loader");
    return device_leave_bus(v, (uint8_t)target);
}

int vcpboot_reboot(vcpboot *v, int32_t target, uint32_t flags)
{
    enum seen who;

    begin(v);
    if (target < VCPBOOT_TO_APPLICATION || target > VCPBOOT_TO_ROM) return misused(v, "There is no such target.");
    int code = device_meet(v, &who);
    if (code == VCPBOOT_OK) code = device_enter_bootloader(v, who);
    if (code == VCPBOOT_OK) code = leave_for(v, target, flags);
    return end(v, code);
}

static int read_all(struct vcpboot *v, uint32_t offset, uint8_t *out, uint32_t n)
{
    uint32_t done = 0;

    while (done < n) {
        int code = progress_say(v, VCPBOOT_PHASE_READ, done, n, VCPBOOT_REST_UNKNOWN, "Reading");
        uint32_t take = n - done < NATIVE_DATA_MAX ? n - done : NATIVE_DATA_MAX;
        if (code != VCPBOOT_OK) return code;
        client_read(&v->client, port_now_ms(), offset + done, take);
        code = link_request(v);
        if (code != VCPBOOT_OK) return code;
        memcpy(out + done, v->client.read_bytes, take);
        done += take;
    }
    return progress_say(v, VCPBOOT_PHASE_READ, n, n, 0, "Reading");
}

int vcpboot_read(vcpboot *v, uint32_t offset, uint8_t *out, uint32_t n)
{
    begin(v);
    if (n > UINT32_MAX - offset) return misused(v, "The range to be read wraps around.");
    int code = meet(v);
    if (code == VCPBOOT_OK && v->client.hello.mode != VCPBOOT_MODE_BOOTLOADER)
        code = fault_set(&v->fault, VCPBOOT_E_REFUSED,
                         "The application runs, and only the bootloader can be read: go there with 'vcpboot reboot "
                         "--bootloader'.");
    return end(v, code == VCPBOOT_OK ? read_all(v, offset, out, n) : code);
}

/* --- images ------------------------------------------------------------------------------------------------------------------------- */

int vcpboot_image_load(vcpboot *v, const char *path, vcpboot_image **out)
{
    fault_clear(&v->fault);
    if (!path || !out) return misused(v, "vcpboot_image_load needs a path and a place for its result.");
    return image_from_file(out, path, &v->fault);
}

int vcpboot_image_load_memory(vcpboot *v, const uint8_t *p, uint32_t n, const char *name, vcpboot_image **out)
{
    fault_clear(&v->fault);
    if ((!p && n != 0) || !out) return misused(v, "vcpboot_image_load_memory needs bytes and a place for its result.");
    return image_from_memory(out, p, n, name, &v->fault);
}

int vcpboot_image_seal(vcpboot *v, vcpboot_image *image, uint32_t base)
{
    fault_clear(&v->fault);
    if (base == 0) base = IMAGE_DEFAULT_BASE;
    if (base < IMAGE_FLASH_FIRST || base > IMAGE_FLASH_LAST || base % 4U != 0)
        return misused(v, "The base is not an address in the flash of an STM32F4 (0x08000000 to 0x081FFFFF).");
    return image_seal(image, base, IMAGE_FLASH_LAST - base + 1U, &v->fault);
}

int vcpboot_image_save(vcpboot *v, const vcpboot_image *image, const char *path)
{
    fault_clear(&v->fault);
    return image_save(image, path, &v->fault);
}

const uint8_t *vcpboot_image_bytes(const vcpboot_image *image) { return image->bytes; }

uint32_t vcpboot_image_length(const vcpboot_image *image) { return image->length; }

const char *vcpboot_image_product(const vcpboot_image *image) { return image->product; }

const char *vcpboot_image_version(const vcpboot_image *image) { return image->version; }

void vcpboot_image_free(vcpboot_image *image) { image_free(image); }

/* --- updating ----------------------------------------------------------------------------------------------------------------------- */

int vcpboot_update(vcpboot *v, vcpboot_image *image, uint32_t flags)
{
    begin(v);
    return end(v, update_run(v, image, flags));
}

int vcpboot_update_file(vcpboot *v, const char *path, uint32_t flags)
{
    vcpboot_image *image;
    int code = vcpboot_image_load(v, path, &image);

    if (code != VCPBOOT_OK) return code;
    code = vcpboot_update(v, image, flags);
    vcpboot_image_free(image);
    return code;
}

int vcpboot_verify(vcpboot *v, vcpboot_image *image, uint32_t flags)
{
    begin(v);
    return end(v, verify_run(v, image, flags));
}

int vcpboot_get_report(const vcpboot *v, struct vcpboot_report *out)
{
    return copy_sized(out, &v->report, out->size, sizeof v->report) ? VCPBOOT_OK : VCPBOOT_E_USAGE;
}
