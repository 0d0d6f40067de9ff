/* SPDX-License-Identifier: MIT */
/* OTG_FS, the virtual host, and a small device stack that drives the registers as firmware would, on a fake chip. */
#ifndef TESTS_BOARD_USB_FIXTURE_H
#define TESTS_BOARD_USB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/periph/otg_fs.h"
#include "board/usbhost/usbhost.h"
#include "tests/board/fake_chip.h"

/* The fixture's configuration descriptor: a CDC-ACM function as the CubeMX VCP has it. */
#define USB_CONFIG_DESC_BYTES 67U
extern const uint8_t usb_config_desc[USB_CONFIG_DESC_BYTES];

/* Register offsets and bits, from RM0090 §34.16 for the second time: the board's own header is not used here. */
#define R_GOTGCTL 0x000U
#define R_GOTGINT 0x004U
#define R_GAHBCFG 0x008U
#define R_GUSBCFG 0x00CU
#define R_GRSTCTL 0x010U
#define R_GINTSTS 0x014U
#define R_GINTMSK 0x018U
#define R_GRXSTSR 0x01CU
#define R_GRXSTSP 0x020U
#define R_GRXFSIZ 0x024U
#define R_DIEPTXF0 0x028U
#define R_GCCFG 0x038U
#define R_DIEPTXF(n) (0x100U + 4U * (n))
#define R_DCFG 0x800U
#define R_DCTL 0x804U
#define R_DSTS 0x808U
#define R_DIEPMSK 0x810U
#define R_DOEPMSK 0x814U
#define R_DAINT 0x818U
#define R_DAINTMSK 0x81CU
#define R_DIEPEMPMSK 0x834U
#define R_DIEPCTL(n) (0x900U + 0x20U * (n))
#define R_DIEPINT(n) (0x908U + 0x20U * (n))
#define R_DIEPTSIZ(n) (0x910U + 0x20U * (n))
#define R_DTXFSTS(n) (0x918U + 0x20U * (n))
#define R_DOEPCTL(n) (0xB00U + 0x20U * (n))
#define R_DOEPINT(n) (0xB08U + 0x20U * (n))
#define R_DOEPTSIZ(n) (0xB10U + 0x20U * (n))
#define R_PCGCCTL 0xE00U
#define R_DFIFO(n) (0x1000U * ((n) + 1U))

#define B_SOF (1U << 3)
#define B_RXFLVL (1U << 4)
#define B_GONAKEFF (1U << 7)
#define B_ESUSP (1U << 10)
#define B_USBSUSP (1U << 11)
#define B_USBRST (1U << 12)
#define B_ENUMDNE (1U << 13)
#define B_EOPF (1U << 15)
#define B_IEPINT (1U << 18)
#define B_OEPINT (1U << 19)
#define B_SRQINT (1U << 30)
#define B_WKUPINT (1U << 31)
#define B_USBAEP (1U << 15)
#define B_NAKSTS (1U << 17)
#define B_STALL (1U << 21)
#define B_CNAK (1U << 26)
#define B_SNAK (1U << 27)
#define B_SD0PID (1U << 28)
#define B_EPDIS (1U << 30)
#define B_EPENA (1U << 31)
#define B_XFRC (1U << 0)
#define B_EPDISD (1U << 1)
#define B_STUP (1U << 3)
#define B_NOVBUSSENS (1U << 21)
#define B_VBUSBSEN (1U << 19)
#define B_PWRDWN (1U << 16)
#define TSIZ(packets, bytes) ((uint32_t)(packets) << 19 | (uint32_t)(bytes))
#define STUPCNT3 (3U << 29)
#define TXF(start, depth) ((uint32_t)(depth) << 16 | (start))

/* The device stack: polled, one step every few microseconds of virtual time. Tests bend it by these fields. */
struct usb_dev {
    struct chip *chip;
    struct sched_event step;
    vtime step_time;
    bool running;

    const uint8_t *device_desc, *config_desc;
    size_t config_bytes;
    uint8_t packet0;                    /* 8, 16, 32, 64 */
    unsigned out_packets;               /* PKTCNT of a bulk OUT transfer */
    bool hold_out;                      /* bulk OUT is not armed again */
    bool echo;                          /* what came on bulk OUT goes out on bulk IN */
    bool skip_zlp;                      /* the bug: no zero-length packet after a full one */
    bool late_address;                  /* the bug: DCFG.DAD after the status stage */
    bool mute_control;                  /* SETUPs are taken and never answered */

    uint8_t setup[8];
    unsigned setups, resets, suspends, resumes;
    uint8_t configuration, pending_address;
    const uint8_t *tx0;                 /* rest of the IN data stage */
    size_t tx0_bytes;
    bool tx0_zlp;
    bool out0_pending;                  /* an OUT data stage is going on */
    uint8_t line_coding[7];
    unsigned line_codings, line_states;
    uint16_t line_state, break_ms;

    uint8_t rx[1U << 16];
    size_t rx_bytes;
    size_t echoed;
    uint8_t tx[1U << 16];               /* waiting for bulk IN */
    size_t tx_bytes, tx_sent;
    bool tx_busy, tx_zlp_due;
    bool out_armed;
};

struct usb_fixture {
    struct chip *chip;
    struct otg_fs *otg;
    struct usbhost *host;
    struct usb_dev dev;

    struct usbhost_device_info info;
    unsigned configured, gone;
    uint8_t got[1U << 16];
    size_t got_bytes;
    size_t got_pieces;
    char report[256];                   /* the host's last complaint */
};

/* cmocka setup: 168 MHz from an 8 MHz crystal, device stack not started. Teardown fails the test on a fatal guest error
 * that it has not forgotten. */
int usb_setup(void **state);
int usb_teardown(void **state);

uint32_t reg(struct usb_fixture *f, uint32_t off);
void set_reg(struct usb_fixture *f, uint32_t off, uint32_t value);

void dev_init_core(struct usb_dev *d);  /* the registers up to the pull-up, which stays off */
void dev_connect(struct usb_dev *d);
void dev_start(struct usb_dev *d);      /* init, connect, poll */
void dev_stop(struct usb_dev *d);       /* the firmware hangs: no more steps */
void dev_send(struct usb_dev *d, const void *data, size_t bytes);

void run_ms(struct usb_fixture *f, unsigned ms);
void enumerate(struct usb_fixture *f);  /* starts the stack, fails unless it gets configured within 1 s */
void open_port(struct usb_fixture *f);

#define usb_test(function) cmocka_unit_test_setup_teardown(function, usb_setup, usb_teardown)

#endif
