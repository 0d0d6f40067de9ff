/* SPDX-License-Identifier: MIT */
/* Descriptors as usbredir's messages carry them. */
/* Sources: USB 2.0 §9.6.1, §9.6.5, §9.6.6; usbredir protocol 0.7, "interface_info", "ep_info", "device_connect" */
#include <string.h>

#include "board/bridge/usbredir_priv.h"
#include "board/usbhost/descriptor.h"

#define INTERFACE_BYTES 9U
#define ENDPOINT_BYTES 7U

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void take_device(struct usb_redir_device_connect_header *h, const uint8_t *d)
{
    h->speed = usb_redir_speed_full;
    h->device_class = d[4];
    h->device_subclass = d[5];
    h->device_protocol = d[6];
    h->vendor_id = le16(d + 8);
    h->product_id = le16(d + 10);
    h->device_version_bcd = le16(d + 12);
}

static void take_interface(struct usb_redir_interface_info_header *h, const uint8_t *d)
{
    uint32_t n = h->interface_count;

    if (n >= REDIR_INTERFACES)
        return;
    h->interface[n] = d[2];
    h->interface_class[n] = d[5];
    h->interface_subclass[n] = d[6];
    h->interface_protocol[n] = d[7];
    h->interface_count = n + 1U;
}

static void take_endpoint(struct usb_redir_ep_info_header *h, const uint8_t *d, uint8_t interface)
{
    unsigned at = redir_index(d[2]);

    h->type[at] = d[3] & 3U;
    h->interval[at] = d[6];
    h->interface[at] = interface;
    h->max_packet_size[at] = le16(d + 4) & 0x7FFU;
}

void redir_info_read(struct redir_info *i, const uint8_t *device, const uint8_t *config, size_t config_bytes,
                     const uint8_t alternates[REDIR_INTERFACES])
{
    uint8_t interface = 0;
    bool current = false;               /* inside an interface's alternate setting that is selected */

    memset(i, 0, sizeof *i);
    memset(i->endpoints.type, usb_redir_type_invalid, sizeof i->endpoints.type);
    take_device(&i->device, device);
    i->endpoints.type[redir_index(0x00)] = i->endpoints.type[redir_index(0x80)] = usb_redir_type_control;
    i->endpoints.max_packet_size[redir_index(0x00)] = i->endpoints.max_packet_size[redir_index(0x80)] = device[7];
    for (size_t at = 0; config_bytes - at >= 2;) {
        const uint8_t *d = config + at;

        if (d[0] < 2 || d[0] > config_bytes - at)
            break;
        if (d[1] == USB_DT_INTERFACE && d[0] >= INTERFACE_BYTES) {
            interface = d[2];
            current = interface < REDIR_INTERFACES && alternates[interface] == d[3];
            if (current)
                take_interface(&i->interfaces, d);
        } else if (d[1] == USB_DT_ENDPOINT && d[0] >= ENDPOINT_BYTES && current && (d[2] & 0x0FU) != 0) {
            take_endpoint(&i->endpoints, d, interface);
        }
        at += d[0];
    }
}
