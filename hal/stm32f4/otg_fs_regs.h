/* SPDX-License-Identifier: MIT */
/* The registers of OTG_FS that a device uses, under the manual's own names. */
/* Sources: RM0090 Rev 21 §34.16 */
#ifndef VCPBOOT_OTG_FS_REGS_H
#define VCPBOOT_OTG_FS_REGS_H

#include <stddef.h>
#include <stdint.h>

/* --- core global registers (§34.16.2) ---------------------------------------------------------------------------------- */
struct otg_global {
    volatile uint32_t GOTGCTL, GOTGINT, GAHBCFG, GUSBCFG, GRSTCTL, GINTSTS, GINTMSK, GRXSTSR;
    volatile uint32_t GRXSTSP, GRXFSIZ, DIEPTXF0, HNPTXSTS, reserved_030[2], GCCFG, CID;
    volatile uint32_t reserved_040[48], HPTXFSIZ, DIEPTXF[3];   /* DIEPTXF[n - 1] belongs to endpoint n */
};
_Static_assert(offsetof(struct otg_global, GRXFSIZ) == 0x24, "RM0090 OTG_FS map");
_Static_assert(offsetof(struct otg_global, GCCFG) == 0x38, "RM0090 OTG_FS map");
_Static_assert(offsetof(struct otg_global, DIEPTXF) == 0x104, "RM0090 OTG_FS map");

#define OTG_GAHBCFG_GINTMSK (1U << 0)
#define OTG_GUSBCFG_TRDT(n) ((uint32_t)(n) << 10)
#define OTG_GUSBCFG_TRDT_MASK OTG_GUSBCFG_TRDT(0xFU)
#define OTG_GUSBCFG_PHYSEL (1U << 6)
#define OTG_GUSBCFG_FHMOD (1U << 29)
#define OTG_GUSBCFG_FDMOD (1U << 30)
#define OTG_GRSTCTL_CSRST (1U << 0)
#define OTG_GRSTCTL_RXFFLSH (1U << 4)
#define OTG_GRSTCTL_TXFFLSH (1U << 5)
#define OTG_GRSTCTL_TXFNUM(n) ((uint32_t)(n) << 6)
#define OTG_GRSTCTL_TXFNUM_ALL OTG_GRSTCTL_TXFNUM(0x10U)
#define OTG_GRSTCTL_AHBIDL (1U << 31)
#define OTG_GINTSTS_CMOD (1U << 0)
#define OTG_GINTSTS_RXFLVL (1U << 4)
#define OTG_GINTSTS_GONAKEFF (1U << 7)
#define OTG_GINTSTS_USBSUSP (1U << 11)
#define OTG_GINTSTS_USBRST (1U << 12)
#define OTG_GINTSTS_ENUMDNE (1U << 13)
#define OTG_GINTSTS_IEPINT (1U << 18)
#define OTG_GINTSTS_OEPINT (1U << 19)
#define OTG_GINTSTS_WKUPINT (1U << 31)
#define OTG_GRXSTS_EPNUM(w) ((w) & 0xFU)
#define OTG_GRXSTS_BCNT(w) (((w) >> 4) & 0x7FFU)
#define OTG_GRXSTS_PKTSTS(w) (((w) >> 17) & 0xFU)
#define OTG_PKTSTS_OUT_DATA 2U
#define OTG_PKTSTS_SETUP_DONE 4U
#define OTG_PKTSTS_SETUP_DATA 6U
#define OTG_GCCFG_PWRDWN (1U << 16)
#define OTG_GCCFG_NOVBUSSENS (1U << 21)

/* --- device registers (§34.16.4) --------------------------------------------------------------------------------------- */
struct otg_device {
    volatile uint32_t DCFG, DCTL, DSTS, reserved_80c, DIEPMSK, DOEPMSK, DAINT, DAINTMSK;
    volatile uint32_t reserved_820[2], DVBUSDIS, DVBUSPULSE, reserved_830, DIEPEMPMSK;
};
_Static_assert(offsetof(struct otg_device, DAINT) == 0x18, "RM0090 OTG_FS map");
_Static_assert(offsetof(struct otg_device, DIEPEMPMSK) == 0x34, "RM0090 OTG_FS map");

#define OTG_DCFG_DSPD_FS 3U
#define OTG_DCFG_DAD(n) ((uint32_t)(n) << 4)
#define OTG_DCTL_SDIS (1U << 1)
#define OTG_DCTL_SGONAK (1U << 9)
#define OTG_DCTL_CGONAK (1U << 10)
#define OTG_DAINT_IN(ep) (1U << (ep))
#define OTG_DAINT_OUT(ep) (1U << (16U + (ep)))

/* --- endpoints: the same layout in both directions ------------------------------------------------------------------------ */
struct otg_ep { volatile uint32_t CTL, reserved_04, INT, reserved_0c, TSIZ, reserved_14, DTXFSTS, reserved_1c; };
_Static_assert(sizeof(struct otg_ep) == 0x20, "RM0090 OTG_FS map");
#define OTG_FS_ENDPOINTS 4U

#define OTG_EPCTL_MPSIZ(n) ((uint32_t)(n))
#define OTG_EPCTL_USBAEP (1U << 15)
#define OTG_EPCTL_EPTYP(n) ((uint32_t)(n) << 18)
#define OTG_EPCTL_STALL (1U << 21)
#define OTG_EPCTL_TXFNUM(n) ((uint32_t)(n) << 22)
#define OTG_EPCTL_CNAK (1U << 26)
#define OTG_EPCTL_SNAK (1U << 27)
#define OTG_EPCTL_SD0PID (1U << 28)
#define OTG_EPCTL_EPDIS (1U << 30)
#define OTG_EPCTL_EPENA (1U << 31)
#define OTG_EPINT_XFRC (1U << 0)
#define OTG_EPINT_EPDISD (1U << 1)
#define OTG_DOEPINT_STUP (1U << 3)
#define OTG_DIEPINT_INEPNE (1U << 6)
#define OTG_EPTSIZ_PKTCNT(n) ((uint32_t)(n) << 19)
#define OTG_DOEPTSIZ0_STUPCNT_3 (3U << 29)

/* --- the whole block: one base address, so that the compiler needs one ---------------------------------------------------- */
struct otg_fs {
    struct otg_global GLOBAL;
    uint32_t reserved_110[(0x800 - sizeof(struct otg_global)) / 4];
    struct otg_device DEVICE;
    uint32_t reserved_838[(0x100 - sizeof(struct otg_device)) / 4];
    struct otg_ep DIEP[16], DOEP[16];   /* four of each exist */
    uint32_t reserved_d00[64];
    volatile uint32_t PCGCCTL;
};
_Static_assert(offsetof(struct otg_fs, DEVICE) == 0x800, "RM0090 OTG_FS map");
_Static_assert(offsetof(struct otg_fs, DIEP) == 0x900, "RM0090 OTG_FS map");
_Static_assert(offsetof(struct otg_fs, DOEP) == 0xB00, "RM0090 OTG_FS map");
_Static_assert(offsetof(struct otg_fs, PCGCCTL) == 0xE00, "RM0090 OTG_FS map");
#define OTG_FS ((struct otg_fs *)0x50000000U)

#define OTG_FS_DFIFO(ep) (*(volatile uint32_t *)(0x50001000U + 0x1000U * (ep)))
#define OTG_FS_FIFO_WORDS 320U
#define OTG_FS_IRQ 67U

#endif
