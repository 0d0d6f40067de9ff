/* SPDX-License-Identifier: MIT */
/* A board with the bootloader on a desk, and an application that gives it trouble (tests/board/guest/trouble.c). */
#ifndef VCPBOOT_TESTS_TROUBLE_H
#define VCPBOOT_TESTS_TROUBLE_H

#include "tests/e2e/desk.h"

/* Which trouble: as in trouble.c. All of them are on trial until they confirm. */
enum trouble { TROUBLE_IDLE, TROUBLE_CONFIRM, TROUBLE_CRASH, TROUBLE_WATCHDOG, TROUBLE_MESS, TROUBLE_WATCHDOG_AND_ENTER };

#define TROUBLE_BLANK_AT 0x800U         /* a word of all ones in the image */

/* Sealed. Behind the program, noise up to that length. */
struct vcpboot_image *trouble_image(enum trouble what, uint32_t bytes);

/* A board with the bootloader alone. NULL: typical times. */
void trouble_open(struct desk *d, const struct chip_options *o);
/* That the firmware broke no rule of USB, and touched neither itself nor the settings; and no rule of the chip. */
void trouble_check_usb_and_lower_sectors(struct desk *d);
void trouble_check(struct desk *d);
void trouble_close(struct desk *d);     /* with that check */
/* The image is there, as if it had come by an update. */
void trouble_install(struct desk *d, const struct vcpboot_image *image);
void trouble_run_ms(struct desk *d, unsigned ms);
void trouble_power_cycle(struct desk *d);

/* How often the application has started since the last power cycle, bootloader that stayed, or trouble_forget_starts. */
uint32_t trouble_starts(struct desk *d);
void trouble_forget_starts(struct desk *d);

/* The image's bytes in flash, the life word aside. */
bool trouble_holds(struct desk *d, const struct vcpboot_image *image);
uint32_t trouble_word(struct desk *d, uint32_t address);

/* A copy of the board, in a child process, loses its power and gets it back: does its application start? */
bool trouble_would_start(struct desk *d);
/* The bootloader answers; why it stays. Fails the test if nobody answers, or an application does. */
unsigned trouble_reason(struct desk *d);
/* An update by the native protocol, up to the commit; and up to the application's start. */
void trouble_send(struct desk *d, const struct vcpboot_image *image);
void trouble_update(struct desk *d, const struct vcpboot_image *image);

#endif
