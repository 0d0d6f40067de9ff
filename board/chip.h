/* SPDX-License-Identifier: MIT */
/* What a peripheral may ask of the chip around it. Implemented by board/chip.c; a peripheral's unit test brings a fake. */
#ifndef VCPBOARD_CHIP_H
#define VCPBOARD_CHIP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "board/sched.h"

struct chip;

/* --- time ------------------------------------------------------------------------------------------------------- */
struct sched *chip_sched(struct chip *c);
vtime chip_now(struct chip *c);

/* --- clocks: set by periph/rcc.c, read by everyone ---------------------------------------------------------------- */
struct chip_clocks {
    uint32_t sysclk_hz, hclk_hz, pclk1_hz, pclk2_hz;
    uint32_t pll48_hz;                  /* 0 while the PLL is off: OTG_FS, RNG, SDIO have no clock then */
    bool pll48_from_hse;                /* the HSI is not within the 0.25 % that USB asks for (DS8626 table 41) */
};
const struct chip_clocks *chip_clocks(struct chip *c);
void chip_set_clocks(struct chip *c, const struct chip_clocks *clk);    /* rcc.c only; takes effect at once */
/* Clock gates by RCC register offset and bit, as RM0090 §7.3 numbers them: (0x34, 7) is OTGFSEN. rcc.c only. */
void chip_set_gate(struct chip *c, uint32_t enr_offset, uint32_t value);
bool chip_gate(struct chip *c, uint32_t enr_offset, unsigned bit);

/* --- interrupts, resets, faults ------------------------------------------------------------------------------------ */
void chip_irq(struct chip *c, unsigned line, bool level);       /* an NVIC line (0..81) as a level; pends when it rises */
enum reset_cause { RESET_POWER, RESET_PIN, RESET_SOFTWARE, RESET_IWDG, RESET_WWDG, RESET_LOW_POWER };
void chip_request_reset(struct chip *c, enum reset_cause why);  /* happens at the next instruction boundary */
void chip_bus_fault(struct chip *c, uint32_t address);          /* imprecise BusFault: CFSR.IMPRECISERR (bit 10) */
/* The CPU waits until `t`: an AHB stall. May be called from a register access; the access ends at t, and whatever is due before t
 * happens first. VTIME_NEVER: it hangs, and only a reset brings it back. */
void chip_stall_until(struct chip *c, vtime t);

/* The guest did what silicon gives no meaning to, or what is not modelled. Says it on stderr once per distinct text,
 * with the address and the manual's section; `fatal` also ends the run with exit status 4. */
void chip_guest_error(struct chip *c, bool fatal, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* --- tracing: --trace usb,flash,mmio,irq ---------------------------------------------------------------------------- */
enum trace { TRACE_USB = 1, TRACE_FLASH = 2, TRACE_MMIO = 4, TRACE_IRQ = 8 };
bool chip_tracing(struct chip *c, enum trace what);
void chip_trace(struct chip *c, enum trace what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* --- randomness: from --seed; the only source of it on the board ---------------------------------------------------- */
uint32_t chip_random(struct chip *c);

/* --- peripherals on the bus ------------------------------------------------------------------------------------------ */
/* One block of registers. A read or write whose gate is off is dropped and reads 0 (silicon does the same: RM0090 §7.2),
 * with one line of warning; the bus does that, not the peripheral. width is 1, 2 or 4; off is width-aligned. */
struct periph {
    const char *name;                   /* "USART1" */
    const char *manual;                 /* "RM0090 §30.6" */
    uint32_t base, bytes;
    uint32_t gate_enr;                  /* offset of the RCC enable register, 0 if the block is always clocked */
    unsigned gate_bit;
    void *self;
    uint32_t (*read)(void *self, uint32_t off, unsigned width);
    void (*write)(void *self, uint32_t off, uint32_t value, unsigned width);
    void (*reset)(void *self, enum reset_cause why);    /* called at every reset, power-on included; NULL if it has no state */
};
void chip_attach(struct chip *c, const struct periph *p);       /* p must live as long as the chip */
/* For a peripheral's default branch: an offset that is not modelled. Reported with name, address and manual; reads give 0. */
void chip_unmodelled(struct chip *c, const struct periph *p, uint32_t off, bool write, uint32_t value);
/* RCC_xxxRSTR: resets the blocks that sit behind that reset bit (same numbering as the gates, RSTR = ENR - 0x20). */
void chip_reset_by_rstr(struct chip *c, uint32_t rstr_offset, uint32_t value);

/* SYSCFG_MEMRMP.MEM_MODE: what answers at address 0 (RM0090 §9.2.1): 0 main flash, 1 system memory, 3 SRAM1. */
void chip_remap(struct chip *c, unsigned mem_mode);

/* --- memory, for the USB/flash models that need it -------------------------------------------------------------------- */
bool chip_is_vet6(struct chip *c);      /* 512 KB part (F407VE) rather than 1 MB (F407VG) */

/* --- files that the outside world writes to: ptys, sockets. Polled between CPU slices; never from a register access. --- */
struct chip_fd {
    int fd;                             /* -1: not now */
    short events;                       /* POLLIN | POLLOUT wanted at present; the owner may change both between polls */
    void (*ready)(void *owner, short revents);
    void *owner;
    struct chip_fd *next;
};
void chip_watch_fd(struct chip *c, struct chip_fd *w);
void chip_unwatch_fd(struct chip *c, struct chip_fd *w);

#endif
