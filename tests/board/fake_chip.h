/* SPDX-License-Identifier: MIT */
/* A chip without a CPU: implements board/chip.h over the real scheduler and records what a peripheral asks for. */
#ifndef TESTS_BOARD_FAKE_CHIP_H
#define TESTS_BOARD_FAKE_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/chip.h"

#define FAKE_IRQ_LINES 82U
#define FAKE_PERIPHS_MAX 96U
#define FAKE_RCC_WORDS 0x40U            /* one word for each RCC offset up to 0xFC */

struct chip {
    struct sched sched;
    struct chip_clocks clocks;          /* 16 MHz everywhere until somebody sets them */
    uint32_t gates[FAKE_RCC_WORDS];     /* all open until somebody sets them; fake_read/fake_write honour them */
    uint32_t rstr[FAKE_RCC_WORDS];      /* the last value given to chip_reset_by_rstr() */
    const struct periph *periphs[FAKE_PERIPHS_MAX];
    size_t periph_count;

    bool irq_level[FAKE_IRQ_LINES];
    unsigned irq_rises[FAKE_IRQ_LINES];

    unsigned resets;                    /* calls of chip_request_reset(), and the last one's cause */
    enum reset_cause reset_why;
    unsigned bus_faults;
    uint32_t bus_fault_address;
    unsigned guest_errors;              /* fatal ones included */
    unsigned fatal_errors;
    char error[512];                    /* the last guest error's text */
    unsigned unmodelled;                /* calls of chip_unmodelled(), and the last one's facts */
    const struct periph *unmodelled_periph;
    uint32_t unmodelled_off;
    bool unmodelled_write;
    unsigned gated;                     /* accesses dropped because the clock gate was off */
    unsigned stalls;                    /* calls of chip_stall_until() with a time still to come */
    unsigned remaps;                    /* calls of chip_remap(), and the last argument */
    unsigned mem_mode;

    unsigned trace_mask;                /* enum trace bits that chip_tracing() admits to; texts are counted only */
    unsigned traces;
    uint32_t random_state;
    bool vet6;
    struct chip_fd *fds;
};

struct chip *fake_chip_new(void);
void fake_chip_free(struct chip *c);    /* the peripherals are the test's to free, before this */

/* Bus accesses as the CPU would make them. An address that no attached peripheral owns fails the test. */
uint32_t fake_read(struct chip *c, uint32_t address, unsigned width);
void fake_write(struct chip *c, uint32_t address, uint32_t value, unsigned width);
uint32_t fake_read32(struct chip *c, uint32_t address);
void fake_write32(struct chip *c, uint32_t address, uint32_t value);

void fake_open_gates(struct chip *c);                   /* as if every clock were enabled; a model of RCC closes them */
void fake_run(struct chip *c, vtime delay);             /* virtual time passes, events fire */
void fake_run_until(struct chip *c, vtime t);
void fake_reset(struct chip *c, enum reset_cause why);  /* calls every attached reset() */
unsigned fake_poll(struct chip *c, int timeout_ms);     /* one poll() over the watched fds; the number that were ready */
void fake_forget_errors(struct chip *c);                /* the counters of errors, faults, stalls and resets back to zero */

#endif
