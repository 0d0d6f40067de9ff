/* SPDX-License-Identifier: MIT */
/* Which ports could be a device? */
#include "host/lib/enumerate.h"

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

int enumerate_ports(struct vcpboot_ports **out, uint16_t vid, uint16_t pid, struct fault *f)
{
    struct sp_port **all = NULL;
    size_t n = 0;

    *out = NULL;
    if (sp_list_ports(&all) != SP_OK || !all)
        return fault_set(f, VCPBOOT_E_NO_DEVICE, "The system does not tell which serial ports there are: name one with --port.");
    while (all[n]) n++;
    struct vcpboot_ports *list = calloc(1, sizeof *list + n * sizeof list->entry[0]);
    for (size_t i = 0; list && i < n; i++) {
        if (!has_id(all[i], vid, pid)) continue;
        struct port_entry *e = &list->entry[list->count++];
        copy_text(e->path, sizeof e->path, sp_get_port_name(all[i]));
        copy_text(e->serial, sizeof e->serial, sp_get_port_usb_serial(all[i]));
        copy_text(e->description, sizeof e->description, sp_get_port_description(all[i]));
    }
    sp_free_port_list(all);
    if (!list) return fault_set(f, VCPBOOT_E_FAILED, "There is not enough memory.");
    *out = list;
    return VCPBOOT_OK;
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
