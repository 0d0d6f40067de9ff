/* SPDX-License-Identifier: MIT */
/* The command vcpboot: arguments, Ctrl-C, one command. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "host/cli/cli.h"

/* A signal handler has no argument of its own. Set before the handler is installed. */
static vcpboot *handle;

static void on_signal(int number)
{
    (void)number;
    vcpboot_cancel(handle);
}

/* The first signal asks politely; a second one ends the process at once. */
static void catch_signals(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) (void)sigaction(signals[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);             /* `vcpboot update ... | head` must not leave half an update */
}

static int set_up(vcpboot *v, const struct args *a)
{
    int code = vcpboot_set_port(v, a->port);

    if (code == VCPBOOT_OK) code = vcpboot_set_serial(v, a->serial);
    if (code == VCPBOOT_OK && a->vid) code = vcpboot_set_usb_id(v, a->vid, a->pid);
    return code;
}

int main(int argc, char **argv)
{
    struct args args;
    struct show show;
    int code = args_parse(&args, argc, argv);

    if (code != VCPBOOT_OK) return code < 0 ? VCPBOOT_OK : code;
    show_init(&show, args.json);
    handle = vcpboot_new();
    if (!handle) return show_failure(&show, VCPBOOT_E_FAILED, "There is not enough memory.");
    vcpboot_set_progress(handle, show_progress, &show);
    catch_signals();
    code = set_up(handle, &args);
    if (code == VCPBOOT_OK) code = args.command->run(handle, &args, &show);
    else (void)show_failure(&show, code, vcpboot_error_message(handle));
    vcpboot_free(handle);
    return code;
}
