/* SPDX-License-Identifier: MIT */
/* pty and CDC driver, joined as Linux's tty layer and cdc_acm are. */
/* Sources: Linux drivers/usb/class/cdc-acm.c (acm_tty_set_termios, acm_port_dtr_rts), tty_port.c (closing_wait: 30 s) */
#include "board/bridge/vcp.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "board/bridge/pty.h"
#include "board/xalloc.h"

#define CLOSING_WAIT VTIME_MS(30000)
#define HELD_MAX 4096U                  /* one IN request is 128 bytes; the pty takes them or is full */

struct vcp_bridge {
    struct chip *chip;
    struct usbhost *host;
    char link[PATH_MAX];
    struct pty *pty;
    bool closing;                       /* the terminal is closed, data for the device is still on its way */
    struct sched_event give_up;
    uint8_t held[HELD_MAX];             /* received, not yet taken by the pty */
    size_t held_bytes;
};

/* --- towards the device -------------------------------------------------------------------------------------------------- */

/* Baud 0 is "hang up": the coding stays and DTR falls, as in acm_tty_set_termios(). */
static void send_settings(struct vcp_bridge *b, const struct line_format *f)
{
    const struct usbhost_line_coding lc = { .baud = f->baud, .stop_bits = f->stop_bits == 2 ? 2 : 0,
                                            .parity = (uint8_t)f->parity, .data_bits = f->data_bits };

    if (f->baud == 0)
        usbhost_cdc_set_control_lines(b->host, false, true);
    else
        usbhost_cdc_set_line_coding(b->host, &lc);
}

static void finish_close(struct vcp_bridge *b)
{
    b->closing = false;
    b->held_bytes = 0;
    sched_cancel(chip_sched(b->chip), &b->give_up);
    usbhost_cdc_set_control_lines(b->host, false, false);
    usbhost_cdc_close(b->host);
}

static void on_opened(void *owner, const struct line_format *settings)
{
    struct vcp_bridge *b = owner;

    if (b->closing) {                   /* opened again while the last user's data was still going out: that goes on */
        b->closing = false;
        sched_cancel(chip_sched(b->chip), &b->give_up);
        usbhost_cdc_set_control_lines(b->host, false, false);
    }
    usbhost_cdc_open(b->host);
    usbhost_cdc_set_reading(b->host, b->held_bytes == 0);
    send_settings(b, settings);
    usbhost_cdc_set_control_lines(b->host, true, true);
}

static void on_settings(void *owner, const struct line_format *settings)
{
    send_settings(owner, settings);
}

static size_t room(void *owner)
{
    struct vcp_bridge *b = owner;

    return usbhost_cdc_room(b->host);
}

static void on_bytes(void *owner, const uint8_t *data, size_t bytes)
{
    struct vcp_bridge *b = owner;

    usbhost_cdc_write(b->host, data, bytes);    /* never more than room() said */
}

static void on_closed(void *owner)
{
    struct vcp_bridge *b = owner;

    if (usbhost_cdc_pending(b->host) == 0) {
        finish_close(b);
        return;
    }
    b->closing = true;
    usbhost_cdc_set_reading(b->host, false);
    sched_after(chip_sched(b->chip), &b->give_up, CLOSING_WAIT);
}

static void give_up_fire(void *owner)
{
    finish_close(owner);
}

static void on_writable(void *owner)
{
    struct vcp_bridge *b = owner;

    if (b->closing && usbhost_cdc_pending(b->host) == 0)
        finish_close(b);
    else if (b->pty != NULL)
        pty_resume(b->pty);
}

/* --- from the device -------------------------------------------------------------------------------------------------------- */

static void pass_on(struct vcp_bridge *b)
{
    size_t taken = pty_write(b->pty, b->held, b->held_bytes);

    b->held_bytes -= taken;
    memmove(b->held, b->held + taken, b->held_bytes);
    usbhost_cdc_set_reading(b->host, b->held_bytes == 0 && !pty_full(b->pty));
}

static void on_received(void *owner, const uint8_t *data, size_t bytes)
{
    struct vcp_bridge *b = owner;

    if (b->pty == NULL || b->closing || bytes > HELD_MAX - b->held_bytes)
        return;
    memcpy(b->held + b->held_bytes, data, bytes);
    b->held_bytes += bytes;
    pass_on(b);
}

static void on_drained(void *owner)
{
    struct vcp_bridge *b = owner;

    pass_on(b);
}

/* --- the device comes and goes ------------------------------------------------------------------------------------------------ */

static void on_configured(void *owner, const struct usbhost_device_info *info)
{
    struct vcp_bridge *b = owner;
    const struct pty_client client = { .owner = b, .opened = on_opened, .settings = on_settings, .room = room,
                                       .bytes = on_bytes, .drained = on_drained, .closed = on_closed };

    if (!info->cdc_acm) {
        fprintf(stderr, "vcpboard: USB device %04x:%04x \"%s\" is no CDC-ACM device: no %s for it\n", info->vid, info->pid,
                info->product, b->link);
        return;
    }
    b->pty = pty_new(b->chip, b->link, &client);
    if (b->pty != NULL)
        fprintf(stderr, "vcpboard: USB device %04x:%04x \"%s\" serial %s: %s -> %s\n", info->vid, info->pid, info->product,
                info->serial, b->link, pty_name(b->pty));
}

static void on_gone(void *owner)
{
    struct vcp_bridge *b = owner;

    sched_cancel(chip_sched(b->chip), &b->give_up);
    b->closing = false;
    b->held_bytes = 0;
    if (b->pty != NULL)
        fprintf(stderr, "vcpboard: USB device gone, %s removed\n", b->link);
    pty_free(b->pty);
    b->pty = NULL;
}

struct vcp_bridge *vcp_bridge_new(struct chip *c, struct usbhost *host, const char *link)
{
    struct vcp_bridge *b = xcalloc(1, sizeof *b);
    const struct usbhost_client client = { .owner = b, .configured = on_configured, .gone = on_gone, .received = on_received,
                                           .writable = on_writable };

    b->chip = c;
    b->host = host;
    b->give_up = (struct sched_event){ .fire = give_up_fire, .owner = b };
    snprintf(b->link, sizeof b->link, "%s", link);
    usbhost_set_client(host, &client);
    return b;
}

void vcp_bridge_free(struct vcp_bridge *b)
{
    const struct usbhost_client nobody = { .owner = NULL };

    if (b == NULL)
        return;
    usbhost_set_client(b->host, &nobody);
    sched_cancel(chip_sched(b->chip), &b->give_up);
    pty_free(b->pty);
    free(b);
}
