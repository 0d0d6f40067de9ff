/* SPDX-License-Identifier: MIT */
/* A whole board in this process: build it, load it, run it, cut its power. No global state: any number of chips may live
 * side by side. main.c, the tests and the benchmarks are on top of this. */
#ifndef VCPBOARD_CHIP_RUN_H
#define VCPBOARD_CHIP_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "board/chip.h"
#include "board/fault.h"
#include "board/periph/flash.h"

#define CHIP_HSE_DEFAULT_HZ 8000000U

struct chip_options {
    bool vg;                            /* STM32F407VG, 1 MB, instead of VE, 512 KB */
    uint32_t hse_hz;                    /* the crystal; 0: none fitted */
    uint32_t lsi_hz;                    /* the watchdog's clock, 17,000 to 47,000 (DS8626 §5.3.9); 0: the typical 32,000 */
    enum flash_timing timing;
    struct power_cut cut;
    bool unstable_bits;                 /* see flash_options */
    uint64_t seed;                      /* all randomness: RAM after power-on, torn cells */
    unsigned trace;                     /* enum trace, or-ed */
    FILE *log;                          /* messages and traces; NULL: none */
    bool tolerant;                      /* a fatal guest error is reported, but the run goes on */
    bool result_bkpt;                   /* BKPT 0x7E ends the run and yields r0 */
    bool realtime;                      /* virtual time waits for the wall clock (it may lag behind it) */
    unsigned pace;                      /* realtime: the flash's busy times pass so many times faster than the wall clock; 0: as 1 */
    bool no_skip;                       /* execute every wait loop: slow, and the same to the cycle; see spin.h */
    bool usb_cable;                     /* a virtual PC is plugged into OTG_FS: chip_usbhost() */
    bool usb_forward;                   /* that PC stops at the device's address: usbhost_options.forward */
};

enum chip_end {
    CHIP_RUNS,                          /* the time asked for has passed */
    CHIP_RESULT,                        /* BKPT 0x7E: chip_result() */
    CHIP_GUEST_FAULT,
    CHIP_POWER_CUT,
    CHIP_STOPPED                        /* chip_stop() */
};

struct chip *chip_new(const struct chip_options *o);    /* power is off; the first run turns it on */
void chip_free(struct chip *c);

/* Runs until virtual time t, or an end that comes first. A chip that has ended stays where it is. */
enum chip_end chip_run_until(struct chip *c, vtime t);
enum chip_end chip_run_for(struct chip *c, vtime duration);
void chip_stop(struct chip *c);         /* ends the run soon; callable from a watched fd's ready() */
uint32_t chip_result(struct chip *c);

/* Power off now, at whatever the flash is doing, without turning it on again. */
void chip_power_cut(struct chip *c);
/* Off and on again: RAM is garbage, every peripheral is reset, the flash keeps what it holds. Also clears the end. */
void chip_power_cycle(struct chip *c);

/* A whole chip as it is now, and back to it as often as wanted: memories, registers, peripherals, the virtual PC, time. What is
 * outside of the chip (a test's own client) is the caller's to keep. Not from within a run. False, with nothing saved, while a
 * control request is under way. */
struct chip_snapshot;
struct chip_snapshot *chip_snapshot_new(void);
void chip_snapshot_free(struct chip_snapshot *s);
bool chip_save(struct chip *c, struct chip_snapshot *s);
void chip_restore(struct chip *c, const struct chip_snapshot *s);      /* s was saved from this very chip */
/* Where is it different now? Told are runs of bytes in the chip's own memory, in its order; how they look now and how they were
 * then. False if it is not at the same instant: if the time, what is due, the clocks or a register of the CPU differ. */
bool chip_compare(struct chip *c, const struct chip_snapshot *s,
                  void (*differs)(void *owner, const uint8_t *now, const uint8_t *then, size_t bytes), void *owner);

struct flash *chip_flash(struct chip *c);
struct usbhost;
struct usbhost *chip_usbhost(struct chip *c);           /* NULL without usb_cable */
struct usart;
struct usart *chip_usart(struct chip *c, unsigned number);              /* 1 to 3 */
struct gpio;
struct gpio *chip_gpio(struct chip *c);                 /* the pins, for whoever looks at them from outside */
/* SRAM or CCM as the CPU sees it; NULL if the range is not inside one of them. */
uint8_t *chip_ram(struct chip *c, uint32_t address, size_t bytes);
uint64_t chip_cycles(struct chip *c);   /* HCLK cycles since the board began */
unsigned chip_error_count(const struct chip *c);        /* distinct guest errors so far */
const char *chip_last_error(const struct chip *c);      /* "" if there was none */

#endif
