/* SPDX-License-Identifier: MIT */
/* The command's parts: arguments, help, what a person or a machine sees. All that is about devices is in libvcpboot. */
#ifndef VCPBOOT_CLI_H
#define VCPBOOT_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "host/lib/vcpboot.h"

/* Options beyond those that every command knows (--port, --serial, --usb-id, --json, --help). */
#define OPTION_NO_WAIT 0x1U
#define OPTION_FORCE 0x2U
#define OPTION_BOOTLOADER 0x4U
#define OPTION_BASE 0x8U
#define OPTION_DFU 0x10U
#define OPTION_ROM 0x20U

struct args {
    const struct command *command;
    const char *file[2];
    const char *port, *serial;
    uint16_t vid, pid;                  /* 0: the library's default */
    uint32_t options;                   /* OPTION_ bits that were given */
    uint32_t base;
    bool json;
};

/* How the progress of a command is shown: one line that is redrawn, plain lines, or JSON. */
struct show {
    bool json, terminal;
    bool open_line;                     /* the cursor stands behind a progress line */
    bool bar;                           /* which is a bar */
    int32_t phase;
    uint32_t tenth;                     /* of the way, last one said */
    uint64_t first_ms;                  /* when data began to move */
    uint32_t first_done;
};

struct command {
    const char *name, *files, *summary, *help;
    int file_count;
    uint32_t options;                   /* that it understands */
    int (*run)(vcpboot *v, const struct args *a, struct show *s);
};

/* commands.c */
const struct command *command_find(const char *name);
const struct command *command_at(unsigned index);       /* NULL behind the last */

/* args.c: VCPBOOT_OK, VCPBOOT_E_USAGE (said on stderr), or -1: help or version was printed, all is done. */
int args_parse(struct args *a, int argc, char **argv);

/* help.c */
void help_print(void);
void help_print_command(const struct command *c);

/* show.c */
void show_init(struct show *s, bool json);
int show_progress(void *user, int32_t phase, uint32_t done, uint32_t total, uint32_t rest_ms, const char *text);
/* A sentence for a person; nothing with --json. */
void show_say(struct show *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The end of a failed command: the sentence on stderr, or the result object. Returns code. */
int show_failure(struct show *s, int code, const char *message);

/* One JSON object on a line: json_open, members, json_close. */
void json_open(const char *event);
void json_text(const char *name, const char *value);
void json_number(const char *name, uint32_t value);
void json_bool(const char *name, bool value);
void json_close(void);
/* A result object with its first members; add more, then json_close. */
void json_open_result(int code, const char *message);

#endif
