/* SPDX-License-Identifier: MIT */
/* What --help says. */
#include <stdio.h>

#include "host/cli/cli.h"

static const char exit_codes[] =
    "Exit codes:\n"
    "  0    done\n"
    "  1    a failure that is not listed here\n"
    "  2    wrong usage\n"
    "  3    the file cannot be this device's firmware; nothing was changed\n"
    "  4    no device, or no such port\n"
    "  5    several devices, and nothing says which one is meant\n"
    "  6    no permission to open the port\n"
    "  7    another program has the port open\n"
    "  8    the device refused, or its flash failed\n"
    "  9    the connection was lost, or the device is silent\n"
    "  10   verify: the device holds something else\n"
    "  11   the image is in the device, but the application did not come back\n"
    "  130  cancelled (Ctrl-C); the next update goes on from there\n";

static const char common[] =
    "  --port PORT      the port, e.g. /dev/ttyACM0 (also by the environment: VCPBOOT_PORT)\n"
    "  --serial SERIAL  the device with this USB serial number\n"
    "  --usb-id V:P     USB vendor and product id in hex, for devices that do not have 0483:5740\n"
    "  --json           one JSON object on a line for each event, a result object at the end\n"
    "  --help           this text\n";

static const struct { uint32_t bit; const char *text; } texts[] = {
    { OPTION_NO_WAIT, "  --no-wait        do not wait for the application to be back on the port\n" },
    { OPTION_FORCE, "  --force          even if the image is for another product than the installed one\n" },
    { OPTION_BOOTLOADER, "  --bootloader     into the bootloader instead of the application\n" },
    { OPTION_DFU, "  --dfu            out of the serial port, as a DfuSe device for dfu-util and STM32CubeProgrammer\n" },
    { OPTION_ROM, "  --rom            into ST's own loader in system memory\n" },
    { OPTION_BASE, "  --base ADDRESS   where the application begins in flash (0x08010000)\n" },
};

void help_print(void)
{
    const struct command *c;

    puts("vcpboot updates firmware over a USB virtual COM port.\n");
    puts("Usage: vcpboot COMMAND [OPTIONS]\n\nCommands:");
    for (unsigned i = 0; (c = command_at(i)) != NULL; i++) {
        char left[32];
        (void)snprintf(left, sizeof left, "%s %s", c->name, c->files);
        printf("  %-15s %s\n", left, c->summary);
    }
    puts("\n'vcpboot COMMAND --help' says more. Without --port or --serial the only device that is plugged in is meant.\n");
    fputs(exit_codes, stdout);
}

void help_print_command(const struct command *c)
{
    printf("Usage: vcpboot %s%s%s [OPTIONS]\n\n%s\n\nOptions:\n", c->name, *c->files ? " " : "", c->files, c->help);
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (c->options & texts[i].bit) fputs(texts[i].text, stdout);
    puts(common);
    fputs(exit_codes, stdout);
}
