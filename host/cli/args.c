/* SPDX-License-Identifier: MIT */
/* The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/cli.h"

enum {
    FLAG_HELP = 256, FLAG_PORT, FLAG_SERIAL, FLAG_USB_ID, FLAG_JSON, FLAG_NO_WAIT, FLAG_FORCE, FLAG_BOOTLOADER, FLAG_BASE,
    FLAG_DFU, FLAG_ROM,
};

static int usage(const char *what, const char *which)
{
    fprintf(stderr, "vcpboot: %s%s%s. 'vcpboot --help' shows what there is.\n", what, which ? ": " : "", which ? which : "");
    return VCPBOOT_E_USAGE;
}

static bool number(const char *text, int base, unsigned long most, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, base);

    if (end == text || *end || *text == '-' || value > most) return false;
    *out = (uint32_t)value;
    return true;
}

static bool usb_id(struct args *a, const char *text)
{
    char vid[8];
    const char *colon = strchr(text, ':');
    uint32_t v, p;

    if (!colon || (size_t)(colon - text) >= sizeof vid) return false;
    (void)snprintf(vid, sizeof vid, "%.*s", (int)(colon - text), text);
    if (!number(vid, 16, 0xFFFF, &v) || !number(colon + 1, 16, 0xFFFF, &p)) return false;
    a->vid = (uint16_t)v;
    a->pid = (uint16_t)p;
    return true;
}

/* An option of a command. VCPBOOT_OK, VCPBOOT_E_USAGE, or -1 when all is done. */
static int take_option(struct args *a, int flag, const char *value)
{
    switch (flag) {
    case FLAG_PORT: a->port = value; return VCPBOOT_OK;
    case FLAG_SERIAL: a->serial = value; return VCPBOOT_OK;
    case FLAG_USB_ID: return usb_id(a, value) ? VCPBOOT_OK : usage("--usb-id wants VID:PID in hex", value);
    case FLAG_JSON: a->json = true; return VCPBOOT_OK;
    case FLAG_NO_WAIT: a->options |= OPTION_NO_WAIT; return VCPBOOT_OK;
    case FLAG_FORCE: a->options |= OPTION_FORCE; return VCPBOOT_OK;
    case FLAG_BOOTLOADER: a->options |= OPTION_BOOTLOADER; return VCPBOOT_OK;
    case FLAG_DFU: a->options |= OPTION_DFU; return VCPBOOT_OK;
    case FLAG_ROM: a->options |= OPTION_ROM; return VCPBOOT_OK;
    case FLAG_BASE:
        a->options |= OPTION_BASE;
        return number(value, 0, UINT32_MAX, &a->base) && a->base != 0 ? VCPBOOT_OK : usage("--base wants an address", value);
    case FLAG_HELP: help_print_command(a->command); return -1;
    default: return VCPBOOT_E_USAGE;            /* getopt has said why */
    }
}

static int parse_options(struct args *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, FLAG_HELP },
        { "port", required_argument, NULL, FLAG_PORT },
        { "serial", required_argument, NULL, FLAG_SERIAL },
        { "usb-id", required_argument, NULL, FLAG_USB_ID },
        { "json", no_argument, NULL, FLAG_JSON },
        { "no-wait", no_argument, NULL, FLAG_NO_WAIT },
        { "force", no_argument, NULL, FLAG_FORCE },
        { "bootloader", no_argument, NULL, FLAG_BOOTLOADER },
        { "dfu", no_argument, NULL, FLAG_DFU },
        { "rom", no_argument, NULL, FLAG_ROM },
        { "base", required_argument, NULL, FLAG_BASE },
        { NULL, 0, NULL, 0 },
    };
    int flag, code = VCPBOOT_OK;

    while (code == VCPBOOT_OK && (flag = getopt_long(argc, argv, "h", options, NULL)) != -1)
        code = take_option(a, flag == 'h' ? FLAG_HELP : flag, optarg);
    return code;
}

static bool one_target(uint32_t options)
{
    uint32_t targets = options & (OPTION_BOOTLOADER | OPTION_DFU | OPTION_ROM);

    return (targets & (targets - 1U)) == 0;
}

static int check(const struct args *a, int files)
{
    if (a->options & ~a->command->options) return usage("an option that this command does not have", a->command->name);
    if (!one_target(a->options)) return usage("only one of --bootloader, --dfu and --rom", NULL);
    if (files < a->command->file_count) return usage("a file name is missing", a->command->name);
    if (files > a->command->file_count) return usage("too many arguments", a->command->name);
    return VCPBOOT_OK;
}

static bool is(const char *text, const char *a, const char *b) { return strcmp(text, a) == 0 || strcmp(text, b) == 0; }

int args_parse(struct args *a, int argc, char **argv)
{
    memset(a, 0, sizeof *a);
    if (argc < 2) {
        help_print();
        return VCPBOOT_E_USAGE;
    }
    if (is(argv[1], "--help", "-h") || is(argv[1], "help", "help")) {
        help_print();
        return -1;
    }
    if (is(argv[1], "--version", "-V")) {
        printf("vcpboot %s\n", vcpboot_version());
        return -1;
    }
    a->command = command_find(argv[1]);
    if (!a->command) return usage("no such command", argv[1]);
    int code = parse_options(a, argc - 1, argv + 1);
    if (code != VCPBOOT_OK) return code;
    int files = argc - 1 - optind;
    for (int i = 0; i < files && i < 2; i++) a->file[i] = argv[1 + optind + i];
    if (!a->port) a->port = getenv("VCPBOOT_PORT");
    return check(a, files);
}
