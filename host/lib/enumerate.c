/* SPDX-License-Identifier: MIT */
/* Which ports could be a device? Each is looked up by itself: sp_list_ports() of libserialport 0.1.1 reads through a null pointer if
 * a port vanishes between its naming and its description (linux.c, list_append()'s result is not checked), which a device that
 * restarts does. */
/* Sources: Linux sysfs, /sys/class/tty */
#include "host/lib/enumerate.h"

#include <dirent.h>
#include <libserialport.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void copy_text(char *out, size_t cap, const char *text) { (void)snprintf(out, cap, "%s", text ? text : ""); }

static bool has_id(const struct sp_port *port, uint16_t vid, uint16_t pid)
{
    int v = 0, p = 0;

    return sp_get_port_transport(port) == SP_TRANSPORT_USB && sp_get_port_usb_vid_pid(port, &v, &p) == SP_OK && v == vid && p == pid;
}

/* False if it is not such a port, or has left since it was named. */
static bool describe(const char *name, uint16_t vid, uint16_t pid, struct port_entry *out)
{
    char path[sizeof out->path];
    struct sp_port *port;

    (void)snprintf(path, sizeof path, "/dev/%.200s", name);
    if (sp_get_port_by_name(path, &port) != SP_OK) return false;
    bool wanted = has_id(port, vid, pid);
    if (wanted) {
        copy_text(out->path, sizeof out->path, sp_get_port_name(port));
        copy_text(out->serial, sizeof out->serial, sp_get_port_usb_serial(port));
        copy_text(out->description, sizeof out->description, sp_get_port_description(port));
    }
    sp_free_port(port);
    return wanted;
}

/* Room for one more entry; NULL if there is none, and the list is freed. */
static struct vcpboot_ports *grow(struct vcpboot_ports *list)
{
    struct vcpboot_ports *more = realloc(list, sizeof *list + (list->count + 1U) * sizeof list->entry[0]);

    if (!more) free(list);
    return more;
}

static struct vcpboot_ports *collect(DIR *names, uint16_t vid, uint16_t pid)
{
    struct vcpboot_ports *list = calloc(1, sizeof *list + sizeof list->entry[0]);

    for (const struct dirent *e = readdir(names); e && list; e = readdir(names)) {
        if (!describe(e->d_name, vid, pid, &list->entry[list->count])) continue;
        list->count++;
        list = grow(list);
    }
    return list;
}

int enumerate_class(const char *folder, struct vcpboot_ports **out, uint16_t vid, uint16_t pid, struct fault *f)
{
    DIR *names = opendir(folder);

    *out = NULL;
    if (!names)
        return fault_set(f, VCPBOOT_E_NO_DEVICE, "The system does not tell which serial ports there are: name one with --port.");
    *out = collect(names, vid, pid);
    (void)closedir(names);
    return *out ? VCPBOOT_OK : fault_set(f, VCPBOOT_E_FAILED, "There is not enough memory.");
}

int enumerate_ports(struct vcpboot_ports **out, uint16_t vid, uint16_t pid, struct fault *f)
{
    return enumerate_class("/sys/class/tty", out, vid, pid, f);
}

void enumerate_serial_of(const char *path, char *out, size_t cap)
{
    struct sp_port *port = NULL;
    char *real = realpath(path, NULL);          /* a link as /dev/serial/by-id has them */

    copy_text(out, cap, NULL);
    bool found = real && sp_get_port_by_name(real, &port) == SP_OK;
    free(real);
    if (!found) return;
    copy_text(out, cap, sp_get_port_usb_serial(port));
    sp_free_port(port);
}
