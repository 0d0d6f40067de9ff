/* SPDX-License-Identifier: MIT */
/* OTG_FS driven by hand from both sides: registers as firmware writes them, transactions as a host makes them. */
#ifndef TESTS_BOARD_USB_HAND_H
#define TESTS_BOARD_USB_HAND_H

#include "tests/board/usb_fixture.h"

#define PKTSTS(sts) ((sts) >> 17 & 15U)
#define BCNT(sts) ((sts) >> 4 & 0x7FFU)

extern const uint8_t get_device[8], get_config[8];      /* SETUP packets */

/* Core programmed, host unplugged, bus reset done, endpoint 0 as after the reset handler; no SOFs from here on. */
struct usb_fixture *by_hand(void **state);
void activate_bulk(struct usb_fixture *f);              /* endpoint 1 both ways, DATA0, NAK */
void arm_out(struct usb_fixture *f, unsigned packets);
void arm_in(struct usb_fixture *f, unsigned packets, unsigned bytes);
void fill(struct usb_fixture *f, unsigned ep, unsigned words, uint32_t first);  /* first, first + 1, ... */
uint32_t pop(struct usb_fixture *f);
void drop_words(struct usb_fixture *f, unsigned words);

enum wire_reply send_setup(struct usb_fixture *f, const uint8_t packet[8]);
enum wire_reply send_out(struct usb_fixture *f, unsigned ep, bool data1, const void *data, size_t bytes);
enum wire_reply ask_in(struct usb_fixture *f, unsigned ep, struct wire_packet *p);      /* and acknowledges */

/* Fails unless there was exactly one guest error since the last call, with `part` in its text; forgets it. */
void assert_error(struct usb_fixture *f, const char *part, bool fatal);

#endif
