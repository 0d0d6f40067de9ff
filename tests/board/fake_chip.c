/* SPDX-License-Identifier: MIT */
/* A chip without a CPU: implements board/chip.h over the real scheduler and records what a peripheral asks for. */
#include "tests/board/fake_chip.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HSI_HZ 16000000U
#define POLL_FDS_MAX 32U

static void die(const char *what, uint32_t value)
{
    fprintf(stderr, "fake_chip: %s 0x%08X\n", what, (unsigned)value);
    abort();
}

void fake_open_gates(struct chip *c)
{
    memset(c->gates, 0xFF, sizeof c->gates);
}

struct chip *fake_chip_new(void)
{
    struct chip *c = calloc(1, sizeof *c);

    if (c == NULL)
        die("out of memory", 0);
    c->clocks = (struct chip_clocks){ .sysclk_hz = HSI_HZ, .hclk_hz = HSI_HZ, .pclk1_hz = HSI_HZ, .pclk2_hz = HSI_HZ };
    fake_open_gates(c);
    c->random_state = 1;
    c->vet6 = true;
    return c;
}

void fake_chip_free(struct chip *c)
{
    free(c);
}

/* --- the test's side ----------------------------------------------------------------------------------------------- */

static const struct periph *owner_of(struct chip *c, uint32_t address)
{
    for (size_t i = 0; i < c->periph_count; i++)
        if (address - c->periphs[i]->base < c->periphs[i]->bytes)
            return c->periphs[i];
    die("no peripheral owns", address);
    return NULL;
}

static bool clocked(struct chip *c, const struct periph *p)
{
    if (p->gate_enr == 0 || chip_gate(c, p->gate_enr, p->gate_bit))
        return true;
    c->gated++;
    return false;
}

uint32_t fake_read(struct chip *c, uint32_t address, unsigned width)
{
    const struct periph *p = owner_of(c, address);

    return clocked(c, p) ? p->read(p->self, address - p->base, width) : 0;
}

void fake_write(struct chip *c, uint32_t address, uint32_t value, unsigned width)
{
    const struct periph *p = owner_of(c, address);

    if (clocked(c, p))
        p->write(p->self, address - p->base, value, width);
}

uint32_t fake_read32(struct chip *c, uint32_t address)
{
    return fake_read(c, address, 4);
}

void fake_write32(struct chip *c, uint32_t address, uint32_t value)
{
    fake_write(c, address, value, 4);
}

void fake_run_until(struct chip *c, vtime t)
{
    sched_advance(&c->sched, t);
}

void fake_run(struct chip *c, vtime delay)
{
    fake_run_until(c, c->sched.now + delay);
}

void fake_reset(struct chip *c, enum reset_cause why)
{
    for (size_t i = 0; i < c->periph_count; i++)
        if (c->periphs[i]->reset != NULL)
            c->periphs[i]->reset(c->periphs[i]->self, why);
}

unsigned fake_poll(struct chip *c, int timeout_ms)
{
    struct pollfd p[POLL_FDS_MAX];
    struct chip_fd *w[POLL_FDS_MAX];
    nfds_t n = 0;
    unsigned ready = 0;

    for (struct chip_fd *f = c->fds; f != NULL && n < POLL_FDS_MAX; f = f->next) {
        if (f->fd < 0)
            continue;
        p[n] = (struct pollfd){ .fd = f->fd, .events = f->events };
        w[n++] = f;
    }
    if (poll(p, n, timeout_ms) <= 0)
        return 0;
    for (nfds_t i = 0; i < n; i++) {
        if (p[i].revents == 0 || w[i]->fd != p[i].fd)
            continue;
        w[i]->ready(w[i]->owner, p[i].revents);
        ready++;
    }
    return ready;
}

void fake_forget_errors(struct chip *c)
{
    c->resets = c->bus_faults = c->guest_errors = c->fatal_errors = c->unmodelled = c->gated = c->stalls = 0;
    c->error[0] = '\0';
}

/* --- the peripheral's side: board/chip.h ------------------------------------------------------------------------------ */

struct sched *chip_sched(struct chip *c)
{
    return &c->sched;
}

vtime chip_now(struct chip *c)
{
    return c->sched.now;
}

const struct chip_clocks *chip_clocks(struct chip *c)
{
    return &c->clocks;
}

void chip_set_clocks(struct chip *c, const struct chip_clocks *clk)
{
    c->clocks = *clk;
}

static uint32_t *rcc_word(uint32_t *words, uint32_t offset)
{
    if (offset % 4 != 0 || offset / 4 >= FAKE_RCC_WORDS)
        die("no RCC register at", offset);
    return &words[offset / 4];
}

void chip_set_gate(struct chip *c, uint32_t enr_offset, uint32_t value)
{
    *rcc_word(c->gates, enr_offset) = value;
}

bool chip_gate(struct chip *c, uint32_t enr_offset, unsigned bit)
{
    return (*rcc_word(c->gates, enr_offset) >> bit & 1U) != 0;
}

void chip_irq(struct chip *c, unsigned line, bool level)
{
    if (line >= FAKE_IRQ_LINES)
        die("no NVIC line", line);
    if (level && !c->irq_level[line])
        c->irq_rises[line]++;
    c->irq_level[line] = level;
}

void chip_request_reset(struct chip *c, enum reset_cause why)
{
    c->resets++;
    c->reset_why = why;
}

void chip_bus_fault(struct chip *c, uint32_t address)
{
    c->bus_faults++;
    c->bus_fault_address = address;
}

void chip_stall_until(struct chip *c, vtime t)
{
    if (t <= c->sched.now)
        return;
    c->stalls++;
    sched_advance(&c->sched, t);
}

void chip_guest_error(struct chip *c, bool fatal, const char *fmt, ...)
{
    va_list ap;

    c->guest_errors++;
    if (fatal)
        c->fatal_errors++;
    va_start(ap, fmt);
    (void)vsnprintf(c->error, sizeof c->error, fmt, ap);
    va_end(ap);
}

bool chip_tracing(struct chip *c, enum trace what)
{
    return (c->trace_mask & (unsigned)what) != 0;
}

void chip_trace(struct chip *c, enum trace what, const char *fmt, ...)
{
    (void)fmt;
    if (chip_tracing(c, what))
        c->traces++;
}

uint32_t chip_random(struct chip *c)
{
    c->random_state = c->random_state * 1664525U + 1013904223U;
    return c->random_state;
}

void chip_attach(struct chip *c, const struct periph *p)
{
    if (c->periph_count == FAKE_PERIPHS_MAX)
        die("too many peripherals", p->base);
    c->periphs[c->periph_count++] = p;
}

void chip_unmodelled(struct chip *c, const struct periph *p, uint32_t off, bool write, uint32_t value)
{
    (void)value;
    c->unmodelled++;
    c->unmodelled_periph = p;
    c->unmodelled_off = off;
    c->unmodelled_write = write;
}

void chip_reset_by_rstr(struct chip *c, uint32_t rstr_offset, uint32_t value)
{
    *rcc_word(c->rstr, rstr_offset) = value;
    for (size_t i = 0; i < c->periph_count; i++) {
        const struct periph *p = c->periphs[i];

        if (p->gate_enr == rstr_offset + 0x20U && (value >> p->gate_bit & 1U) != 0 && p->reset != NULL)
            p->reset(p->self, RESET_SOFTWARE);
    }
}

void chip_remap(struct chip *c, unsigned mem_mode)
{
    c->remaps++;
    c->mem_mode = mem_mode;
}

bool chip_is_vet6(struct chip *c)
{
    return c->vet6;
}

void chip_watch_fd(struct chip *c, struct chip_fd *w)
{
    w->next = c->fds;
    c->fds = w;
}

void chip_unwatch_fd(struct chip *c, struct chip_fd *w)
{
    for (struct chip_fd **p = &c->fds; *p != NULL; p = &(*p)->next) {
        if (*p == w) {
            *p = w->next;
            return;
        }
    }
}
