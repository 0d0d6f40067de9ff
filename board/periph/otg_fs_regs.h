/* SPDX-License-Identifier: MIT */
/* OTG_FS: register offsets, bits and reset values of the device-mode part. */
/* Sources: RM0090 Rev 21 §34.16; GSNPSID/GHWCFG as read from silicon (CID 0x1200 cores) */
#ifndef VCPBOARD_PERIPH_OTG_FS_REGS_H
#define VCPBOARD_PERIPH_OTG_FS_REGS_H

#include <stdint.h>

#define OTG_FS_BASE 0x50000000U
#define OTG_FS_BYTES 0x40000U           /* registers, FIFO windows and the debug window up to 0x5003FFFF, §2.3 */
#define OTG_FS_IRQ 67U
#define OTG_FS_ENDPOINTS 4U
#define OTG_FS_RAM_WORDS 320U           /* 1.25 KB, §34.1 */

/* Core global registers, §34.16.2 */
#define OTG_GOTGCTL 0x000U
#define OTG_GOTGINT 0x004U
#define OTG_GAHBCFG 0x008U
#define OTG_GUSBCFG 0x00CU
#define OTG_GRSTCTL 0x010U
#define OTG_GINTSTS 0x014U
#define OTG_GINTMSK 0x018U
#define OTG_GRXSTSR 0x01CU
#define OTG_GRXSTSP 0x020U
#define OTG_GRXFSIZ 0x024U
#define OTG_DIEPTXF0 0x028U
#define OTG_HNPTXSTS 0x02CU
#define OTG_GCCFG 0x038U
#define OTG_CID 0x03CU
#define OTG_GSNPSID 0x040U
#define OTG_GHWCFG1 0x044U
#define OTG_GHWCFG2 0x048U
#define OTG_GHWCFG3 0x04CU
#define OTG_GHWCFG4 0x050U
#define OTG_HPTXFSIZ 0x100U
#define OTG_DIEPTXF1 0x104U
#define OTG_DIEPTXF3 0x10CU
#define OTG_DIEPTXF15 0x13CU           /* FIFOs 4 to 15 exist in other members of the core family only */
#define OTG_HOST_FIRST 0x400U           /* host-mode registers, §34.16.3 */
#define OTG_HOST_END 0x800U

/* Device-mode registers, §34.16.4 */
#define OTG_DCFG 0x800U
#define OTG_DCTL 0x804U
#define OTG_DSTS 0x808U
#define OTG_DIEPMSK 0x810U
#define OTG_DOEPMSK 0x814U
#define OTG_DAINT 0x818U
#define OTG_DAINTMSK 0x81CU
#define OTG_DVBUSDIS 0x828U
#define OTG_DVBUSPULSE 0x82CU
#define OTG_DIEPEMPMSK 0x834U
#define OTG_IN_EP_FIRST 0x900U          /* + 0x20 * n */
#define OTG_OUT_EP_FIRST 0xB00U
#define OTG_EP_END 0xD00U
#define OTG_EP_STRIDE 0x20U
#define OTG_EP_CTL 0x00U                /* within an endpoint's block */
#define OTG_EP_INT 0x08U
#define OTG_EP_TSIZ 0x10U
#define OTG_EP_DTXFSTS 0x18U
#define OTG_PCGCCTL 0xE00U
#define OTG_FIFO_FIRST 0x1000U          /* one 4 KB window per endpoint, §34.16.1 */
#define OTG_FIFO_STRIDE 0x1000U

#define GOTGCTL_CIDSTS (1U << 16)
#define GOTGCTL_BSVLD (1U << 19)
#define GOTGINT_SEDET (1U << 2)
#define GOTGINT_MASK 0x000E0304U

#define GAHBCFG_GINTMSK (1U << 0)
#define GAHBCFG_TXFELVL (1U << 7)
#define GAHBCFG_MASK 0x00000181U

#define GUSBCFG_RESET 0x00000A40U
#define GUSBCFG_PHYSEL (1U << 6)        /* reads 1 */
#define GUSBCFG_TRDT_SHIFT 10U
#define GUSBCFG_TRDT_MASK 0xFU
#define GUSBCFG_FHMOD (1U << 29)
#define GUSBCFG_FDMOD (1U << 30)
#define GUSBCFG_MASK 0xE0003F07U

#define GRSTCTL_CSRST (1U << 0)
#define GRSTCTL_HSRST (1U << 1)
#define GRSTCTL_RXFFLSH (1U << 4)
#define GRSTCTL_TXFFLSH (1U << 5)
#define GRSTCTL_TXFNUM_SHIFT 6U
#define GRSTCTL_TXFNUM_MASK 0x1FU
#define GRSTCTL_TXFNUM_ALL 0x10U
#define GRSTCTL_AHBIDL (1U << 31)

#define GINT_MMIS (1U << 1)
#define GINT_OTGINT (1U << 2)
#define GINT_SOF (1U << 3)
#define GINT_RXFLVL (1U << 4)
#define GINT_NPTXFE (1U << 5)
#define GINT_GINAKEFF (1U << 6)
#define GINT_GONAKEFF (1U << 7)
#define GINT_ESUSP (1U << 10)
#define GINT_USBSUSP (1U << 11)
#define GINT_USBRST (1U << 12)
#define GINT_ENUMDNE (1U << 13)
#define GINT_EOPF (1U << 15)
#define GINT_IEPINT (1U << 18)
#define GINT_OEPINT (1U << 19)
#define GINT_PTXFE (1U << 26)
#define GINT_SRQINT (1U << 30)
#define GINT_WKUPINT (1U << 31)
#define GINT_RC_W1 0xF030FC0AU
#define GINTMSK_MASK 0xF73CFCFEU

#define GRXSTS_BCNT_SHIFT 4U
#define GRXSTS_DATA1 (2U << 15)         /* DPID 10 */
#define GRXSTS_PKTSTS_SHIFT 17U
#define GRXSTS_FRMNUM_SHIFT 21U
enum otg_pktsts {
    PKTSTS_GLOBAL_OUT_NAK = 1,
    PKTSTS_OUT_DATA = 2,
    PKTSTS_OUT_DONE = 3,
    PKTSTS_SETUP_DONE = 4,
    PKTSTS_SETUP_DATA = 6
};

#define GRXFSIZ_RESET 0x00000200U
#define DIEPTXF0_RESET 0x00000200U
#define DIEPTXF_RESET 0x02000200U       /* Table 206 prints other starts for FIFO 2 and 3; the text says this for all */
#define OTG_FIFO_WORDS_MIN 16U          /* "minimum value is 16", "maximum value is 256", §34.16.2 */
#define OTG_FIFO_WORDS_MAX 256U
#define HNPTXSTS_RESET 0x00080200U
#define HPTXFSIZ_RESET 0x02000400U

#define GCCFG_PWRDWN (1U << 16)         /* 1: the transceiver is on */
#define GCCFG_VBUSBSEN (1U << 19)
#define GCCFG_NOVBUSSENS (1U << 21)
#define GCCFG_MASK 0x003D0000U

#define CID_RESET 0x00001200U
#define GSNPSID_VALUE 0x4F54281AU
#define GHWCFG1_VALUE 0x00000000U
#define GHWCFG2_VALUE 0x229DCD20U
#define GHWCFG3_VALUE 0x020001E8U
#define GHWCFG4_VALUE 0x0FF08030U

#define DCFG_RESET 0x02200000U
#define DCFG_DSPD_MASK 0x3U
#define DCFG_DAD_SHIFT 4U
#define DCFG_DAD_MASK 0x7FU
#define DCFG_PFIVL_SHIFT 11U
#define DCFG_PFIVL_MASK 0x3U
#define DCFG_MASK 0x00001FF7U           /* the ones of the reset value are reserved bits that read back */

#define DCTL_RWUSIG (1U << 0)
#define DCTL_SDIS (1U << 1)
#define DCTL_GINSTS (1U << 2)
#define DCTL_GONSTS (1U << 3)
#define DCTL_TCTL_MASK 0x70U
#define DCTL_SGINAK (1U << 7)
#define DCTL_CGINAK (1U << 8)
#define DCTL_SGONAK (1U << 9)
#define DCTL_CGONAK (1U << 10)
#define DCTL_POPRGDNE (1U << 11)
#define DCTL_STORED (DCTL_RWUSIG | DCTL_SDIS | DCTL_TCTL_MASK | DCTL_POPRGDNE)

#define DSTS_SUSPSTS (1U << 0)
#define DSTS_ENUMSPD_SHIFT 1U
#define DSTS_FNSOF_SHIFT 8U
#define ENUMSPD_FULL_SPEED 3U

#define DIEPMSK_MASK 0x0000207BU
#define DOEPMSK_MASK 0x0000313BU
#define DAINTMSK_MASK 0x000F000FU
#define DVBUSDIS_RESET 0x000017D7U
#define DVBUSPULSE_RESET 0x000005B8U

#define EPCTL_MPSIZ_MASK 0x7FFU         /* endpoint 0: bits 1:0, 0 = 64, 1 = 32, 2 = 16, 3 = 8 */
#define EPCTL_USBAEP (1U << 15)
#define EPCTL_DPID (1U << 16)
#define EPCTL_NAKSTS (1U << 17)
#define EPCTL_EPTYP_SHIFT 18U
#define EPCTL_SNPM (1U << 20)
#define EPCTL_STALL (1U << 21)
#define EPCTL_TXFNUM_SHIFT 22U
#define EPCTL_TXFNUM_MASK 0xFU
#define EPCTL_CNAK (1U << 26)
#define EPCTL_SNAK (1U << 27)
#define EPCTL_SD0PID (1U << 28)
#define EPCTL_SODDFRM (1U << 29)        /* SD1PID for bulk and interrupt endpoints */
#define EPCTL_EPDIS (1U << 30)
#define EPCTL_EPENA (1U << 31)
enum otg_eptyp { EPTYP_CONTROL, EPTYP_ISOCHRONOUS, EPTYP_BULK, EPTYP_INTERRUPT };

#define EPINT_XFRC (1U << 0)
#define EPINT_EPDISD (1U << 1)
#define DIEPINT_TOC (1U << 3)
#define DIEPINT_ITTXFE (1U << 4)
#define DIEPINT_INEPNE (1U << 6)
#define DIEPINT_TXFE (1U << 7)
#define DIEPINT_RC_W1 0x0000287BU
#define DOEPINT_STUP (1U << 3)
#define DOEPINT_OTEPDIS (1U << 4)
#define DOEPINT_B2BSTUP (1U << 6)       /* §34.17.6 names it; the register table leaves bit 6 reserved */
#define DOEPINT_BIT7 (1U << 7)          /* reserved, part of the reset value 0x80 */
#define DOEPINT_RC_W1 0x0000317BU
#define EPINT_NAK (1U << 13)

#define EPTSIZ_XFRSIZ_MASK 0x7FFFFU
#define EPTSIZ_PKTCNT_SHIFT 19U
#define EPTSIZ_PKTCNT_MASK 0x3FFU
#define EPTSIZ_STUPCNT_SHIFT 29U
#define EPTSIZ_STUPCNT_MASK 0x3U
#define DIEPTSIZ0_MASK 0x0018007FU
#define DOEPTSIZ0_MASK 0x6008007FU
#define EPTSIZ_MASK 0x7FFFFFFFU

#define PCGCCTL_STPPCLK (1U << 0)
#define PCGCCTL_GATEHCLK (1U << 1)
#define PCGCCTL_PHYSUSP (1U << 4)

#endif
