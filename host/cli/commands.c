/* SPDX-License-Identifier: MIT */
/* The commands: each a few calls of libvcpboot and a word about their outcome. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/cli.h"

static uint32_t flags_of(const struct args *a)
{
    return (a->options & OPTION_NO_WAIT ? VCPBOOT_NO_WAIT : 0) | (a->options & OPTION_FORCE ? VCPBOOT_FORCE : 0);
}

static int fail(vcpboot *v, struct show *s, int code) { return show_failure(s, code, vcpboot_error_message(v)); }

static int succeed(struct show *s, const char *message)
{
    if (s->json) {
        json_open_result(VCPBOOT_OK, message);
        json_close();
    } else {
        show_say(s, "%s", message);
    }
    return VCPBOOT_OK;
}

/* --- update ------------------------------------------------------------------------------------------------------------- */

static void describe(char *out, size_t cap, const vcpboot_image *image, const char *version)
{
    const char *product = vcpboot_image_product(image);

    if (!*version) version = vcpboot_image_version(image);
    (void)snprintf(out, cap, "%s%s%s", *product ? product : "the image", *version ? " " : "", version);
}

static void report_update(struct show *s, const struct args *a, const struct vcpboot_report *r, const char *what)
{
    char text[256];

    if (r->up_to_date) (void)snprintf(text, sizeof text, "Already up to date: %s.", what);
    else if (a->options & OPTION_NO_WAIT) (void)snprintf(text, sizeof text, "Installed: %s. It is being started.", what);
    else (void)snprintf(text, sizeof text, "Updated: %s is running.", what);
    if (s->json) {
        json_open_result(VCPBOOT_OK, text);
        json_text("version", r->version);
        json_bool("up_to_date", r->up_to_date != 0);
        json_number("image_bytes", r->image_bytes);
        json_number("sent_bytes", r->sent_bytes);
        json_number("skipped_bytes", r->skipped_bytes);
        json_number("resumes", r->resumes);
        json_close();
        return;
    }
    show_say(s, "%s", text);
    if (!r->up_to_date)
        show_say(s,
                 "Sent %u KB; %u KB of %u KB were right already.",
                 (unsigned)((r->sent_bytes + 512U) / 1024U), (unsigned)(r->skipped_bytes / 1024U),
                 (unsigned)((r->image_bytes + 512U) / 1024U));
}

static int run_update(vcpboot *v, const struct args *a, struct show *s)
{
    struct vcpboot_report report = { .size = sizeof report };
    char what[96];
    vcpboot_image *image;

    int code = vcpboot_image_load(v, a->file[0], &image);
    if (code != VCPBOOT_OK) return fail(v, s, code);
    code = vcpboot_update(v, image, flags_of(a));
    (void)vcpboot_get_report(v, &report);
    describe(what, sizeof what, image, report.version);
    vcpboot_image_free(image);
    if (code != VCPBOOT_OK) return fail(v, s, code);
    report_update(s, a, &report, what);
    return VCPBOOT_OK;
}

/* --- list, info ---------------------------------------------------------------------------------------------------------- */

static void list_one(struct show *s, const vcpboot_ports *ports, uint32_t i)
{
    if (!s->json) {
        show_say(s,
                 "%-16s %-14s %s",
                 vcpboot_ports_path(ports, i), vcpboot_ports_serial(ports, i), vcpboot_ports_description(ports, i));
        return;
    }
    json_open("port");
    json_text("port", vcpboot_ports_path(ports, i));
    json_text("serial", vcpboot_ports_serial(ports, i));
    json_text("description", vcpboot_ports_description(ports, i));
    json_close();
}

static int run_list(vcpboot *v, const struct args *a, struct show *s)
{
    vcpboot_ports *ports;
    int code = vcpboot_list(v, &ports);

    (void)a;
    if (code != VCPBOOT_OK) return fail(v, s, code);
    uint32_t count = vcpboot_ports_count(ports);
    for (uint32_t i = 0; i < count; i++) list_one(s, ports, i);
    vcpboot_ports_free(ports);
    if (s->json) {
        json_open_result(VCPBOOT_OK, "");
        json_number("count", count);
        json_close();
    } else if (count == 0) {
        show_say(s, "No device is plugged in. A port that has no USB id (a pseudo terminal) is named with --port.");
    }
    return VCPBOOT_OK;
}

static void hex_text(char *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) (void)snprintf(out + 2 * i, 3, "%02X", p[i]);
}

static void info_json(const struct vcpboot_info *i, const char *mode, const char *uid)
{
    json_open_result(VCPBOOT_OK, "");
    json_text("port", i->port);
    json_text("serial", i->serial);
    json_text("mode", mode);
    json_number("reason", i->reason);
    json_text("reason_text", vcpboot_reason_text(i->reason));
    json_text("product", i->product);
    json_text("version", i->version);
    json_number("boot_version", i->boot_version);
    json_number("capabilities", i->capabilities);
    json_number("chip_id", i->chip_id);
    json_number("flash_kb", i->flash_kb);
    json_number("app_base", i->app_base);
    json_number("app_bytes", i->app_bytes);
    json_number("image_bytes", i->image_bytes);
    json_number("image_crc", i->image_crc);
    json_number("life", i->life);
    json_text("uid", uid);
    json_close();
}

static void info_lines(struct show *s, const struct vcpboot_info *i, const char *mode, const char *uid)
{
    bool boot = i->mode == VCPBOOT_MODE_BOOTLOADER;

    show_say(s, "Port:         %s%s%s", i->port, *i->serial ? ", serial number " : "", i->serial);
    show_say(s, "Running:      %s%s%s", mode, boot ? ": " : "", boot ? vcpboot_reason_text(i->reason) : "");
    if (i->boot_version)
        show_say(s,
                 "Bootloader:   vcpboot %u.%u.%u",
                 (unsigned)(i->boot_version >> 16 & 0xFF), (unsigned)(i->boot_version >> 8 & 0xFF),
                 (unsigned)(i->boot_version & 0xFF));
    if (*i->product || *i->version) show_say(s, "Installed:    %s %s", i->product, i->version);
    if (i->image_bytes) show_say(s, "Image:        %u bytes, CRC 0x%08X", (unsigned)i->image_bytes, (unsigned)i->image_crc);
    if (i->app_bytes) show_say(s, "Room:         %u KB from 0x%08X", (unsigned)(i->app_bytes / 1024U), (unsigned)i->app_base);
    if (i->chip_id & 0xFFFFU)
        show_say(s,
                 "Chip:         DEV_ID 0x%03X, REV_ID 0x%04X, %u KB flash, unique id %s",
                 (unsigned)(i->chip_id & 0xFFFFU), (unsigned)(i->chip_id >> 16),
                 (unsigned)i->flash_kb, uid);
}

static int run_info(vcpboot *v, const struct args *a, struct show *s)
{
    struct vcpboot_info info = { .size = sizeof info };
    char uid[2 * sizeof info.uid + 1];
    int code = vcpboot_get_info(v, &info);

    (void)a;
    if (code != VCPBOOT_OK) return fail(v, s, code);
    const char *mode = info.mode == VCPBOOT_MODE_BOOTLOADER ? "bootloader" : "application";
    hex_text(uid, info.uid, sizeof info.uid);
    if (s->json) info_json(&info, mode, uid);
    else info_lines(s, &info, mode, uid);
    return VCPBOOT_OK;
}

/* --- verify, seal ----------------------------------------------------------------------------------------------------------- */

static int run_verify(vcpboot *v, const struct args *a, struct show *s)
{
    vcpboot_image *image;
    int code = vcpboot_image_load(v, a->file[0], &image);

    if (code != VCPBOOT_OK) return fail(v, s, code);
    code = vcpboot_verify(v, image, flags_of(a));
    vcpboot_image_free(image);
    return code == VCPBOOT_OK ? succeed(s, "The device holds exactly this image.") : fail(v, s, code);
}

static int run_seal(vcpboot *v, const struct args *a, struct show *s)
{
    char text[512], what[96];
    vcpboot_image *image;
    int code = vcpboot_image_load(v, a->file[0], &image);

    if (code != VCPBOOT_OK) return fail(v, s, code);
    code = vcpboot_image_seal(v, image, a->base);
    if (code == VCPBOOT_OK) code = vcpboot_image_save(v, image, a->file[1]);
    describe(what, sizeof what, image, "");
    (void)snprintf(text, sizeof text, "Sealed: %s, %u bytes, in %s.", what, (unsigned)vcpboot_image_length(image), a->file[1]);
    vcpboot_image_free(image);
    return code == VCPBOOT_OK ? succeed(s, text) : fail(v, s, code);
}

/* --- read, reboot ------------------------------------------------------------------------------------------------------------ */

static int save(struct show *s, const char *path, const uint8_t *p, size_t n)
{
    char text[512];
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(p, 1, n, file) == n;

    if (file) good = fclose(file) == 0 && good;
    if (good) (void)snprintf(text, sizeof text, "Read %zu bytes into %s.", n, path);
    else (void)snprintf(text, sizeof text, "%s cannot be written: %s. Check the path.", path, strerror(errno));
    return good ? succeed(s, text) : show_failure(s, VCPBOOT_E_FAILED, text);
}

/* A sealed image is read for its length, anything else for the whole area. */
static int read_into(vcpboot *v, const struct args *a, struct show *s, bool go_back)
{
    struct vcpboot_info info = { .size = sizeof info };
    int code = vcpboot_get_info(v, &info);
    uint32_t n = info.image_bytes ? info.image_bytes : info.app_bytes;
    uint8_t *p = code == VCPBOOT_OK ? malloc(n ? n : 1U) : NULL;

    if (code != VCPBOOT_OK) return fail(v, s, code);
    if (!p) return show_failure(s, VCPBOOT_E_FAILED, "There is not enough memory.");
    code = vcpboot_read(v, 0, p, n);
    if (code == VCPBOOT_OK && go_back) code = vcpboot_reboot(v, VCPBOOT_TO_APPLICATION, flags_of(a));
    code = code == VCPBOOT_OK ? save(s, a->file[0], p, n) : fail(v, s, code);
    free(p);
    return code;
}

static int run_read(vcpboot *v, const struct args *a, struct show *s)
{
    struct vcpboot_info info = { .size = sizeof info };
    bool was_bootloader = vcpboot_get_info(v, &info) == VCPBOOT_OK && info.mode == VCPBOOT_MODE_BOOTLOADER;
    int code = was_bootloader ? VCPBOOT_OK : vcpboot_reboot(v, VCPBOOT_TO_BOOTLOADER, 0);

    return code == VCPBOOT_OK ? read_into(v, a, s, !was_bootloader) : fail(v, s, code);
}

/* The first whose option was given. */
static const struct target { uint32_t option; int32_t target; const char *done; } targets[] = {
    { OPTION_BOOTLOADER, VCPBOOT_TO_BOOTLOADER, "The device is in the bootloader." },
    { OPTION_DFU, VCPBOOT_TO_DFU,
      "The device is now a DfuSe device, by default 0483:df11: dfu-util -d 0483:df11 -a 0 -s 0x08010000:leave -D FILE.bin" },
    { OPTION_ROM, VCPBOOT_TO_ROM,
      "The device is now in ST's loader in system memory, 0483:df11 on USB: dfu-util -d 0483:df11 -l shows it. The loader "
      "knows nothing of vcpboot: it can erase everything." },
    { OPTION_NO_WAIT, VCPBOOT_TO_APPLICATION, "The application is being started." },
    { 0, VCPBOOT_TO_APPLICATION, "The application is running." },
};

static int run_reboot(vcpboot *v, const struct args *a, struct show *s)
{
    const struct target *t = targets;

    while (t->option != 0 && (a->options & t->option) == 0) t++;
    int code = vcpboot_reboot(v, t->target, flags_of(a));
    return code == VCPBOOT_OK ? succeed(s, t->done) : fail(v, s, code);
}

/* --- the table ------------------------------------------------------------------------------------------------------------------ */

static const struct command commands[] = {
    { "update", "FILE", "install FILE (.elf, .hex, .bin, .dfu)",
      "Finds the device, brings it into the bootloader, checks that FILE is for it, sends the sectors that differ, has\n"
      "them verified and committed, and waits until the new application is back. What is interrupted goes on from\n"
      "there when the command is repeated.", 1, OPTION_NO_WAIT | OPTION_FORCE, run_update },
    { "list", "", "the devices that could be meant",
      "Lists port, serial number and description of the devices that are plugged in.", 0, 0, run_list },
    { "info", "", "what the device says of itself", "Asks the bootloader, or an application that uses vcpboot_answer().", 0, 0, run_info },
    { "verify", "FILE", "is FILE what is on the device?",
      "Compares without changing anything. A running application is left for that, and started again.",
      1, OPTION_NO_WAIT, run_verify },
    { "seal", "IN OUT", "write a sealed image",
      "Checks IN (.elf, .hex, .bin or .dfu) and writes OUT, byte for byte as it would be in flash, with length and checksum\n"
      "in the vector table. Needs no device.", 2, OPTION_BASE, run_seal },
    { "read", "OUT", "read the application back",
      "Writes what is in flash to OUT, if the device's policy allows it. A running application is left for that, and\n"
      "started again.", 1, OPTION_NO_WAIT, run_read },
    { "reboot", "", "start the application afresh",
      "Starts the application afresh and waits until it is back. Or goes somewhere else: into the bootloader, and from\n"
      "there to where no serial port is.", 0, OPTION_NO_WAIT | OPTION_BOOTLOADER | OPTION_DFU | OPTION_ROM, run_reboot },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

const struct command *command_at(unsigned index) { return index < COMMANDS ? &commands[index] : NULL; }

const struct command *command_find(const char *name)
{
    for (unsigned i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}
