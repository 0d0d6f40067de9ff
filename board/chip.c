/* SPDX-License-Identifier: MIT */
/* The chip: its parts wired together, resets and power, and the loop that runs the CPU between events. */
/* Sources: RM0090 §7.1 (resets), §2.4 (boot), §21.3.1 (hardware watchdog). */
#include "board/chip_internal.h"

#include "board/xalloc.h"

#define POLL_PERIOD VTIME_MS(1)
#define HSI_HZ 16000000U
#define LSE_HZ 32768U
#define STREAM_CHIP 1U
#define STREAM_RAM 2U

/* --- time and clocks ---------------------------------------------------------------------------------------------- */

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
    if (clk->hclk_hz == 0) {
        chip_guest_error(c, true, "HCLK has stopped: the system clock's source is off (RM0090 §7.2)");
        return;
    }
    cycles_set_hz(cpu_clock(c->cpu), clk->hclk_hz);
    cpu_clock_changed(c->cpu);
}

void chip_set_gate(struct chip *c, uint32_t enr_offset, uint32_t value)
{
    c->mmio.enr[enr_offset / 4 % 32] = value;
}

bool chip_gate(struct chip *c, uint32_t enr_offset, unsigned bit)
{
    return (c->mmio.enr[enr_offset / 4 % 32] >> bit & 1U) != 0;
}

/* Event by event, so that a reset or the end of the run cuts the wait short. */
void chip_stall_until(struct chip *c, vtime t)
{
    struct cycle_clock *k = cpu_clock(c->cpu);

    spin_disturb(cpu_spin(c->cpu));
    sched_advance(&c->sched, cycles_time(k));
    if (t == VTIME_NEVER) {
        c->hung = true;
        cpu_attention(c->cpu);
        return;
    }
    while (c->sched.now < t && !c->reset_wanted && c->end == CHIP_RUNS) {
        vtime step = sched_next(&c->sched) < t ? sched_next(&c->sched) : t;

        if (c->o.realtime && step > c->sched.now + POLL_PERIOD)
            step = c->sched.now + POLL_PERIOD;
        k->count = cycles_at(k, step) > k->count ? cycles_at(k, step) : k->count;
        sched_advance(&c->sched, cycles_time(k));
        if (c->o.realtime && c->sched.now - c->pace.polled_at >= POLL_PERIOD)
            pace_wait(c);
    }
    cpu_settle(c->cpu);
}

/* --- interrupts, faults, resets ------------------------------------------------------------------------------------ */

void chip_irq(struct chip *c, unsigned line, bool level)
{
    if (chip_tracing(c, TRACE_IRQ) && level != cpu_scb(c->cpu)->nvic.level[EXC_IRQ0 + line % NVIC_LINES])
        chip_trace(c, TRACE_IRQ, "line %u %s", line, level ? "high" : "low");
    nvic_line(&cpu_scb(c->cpu)->nvic, line, level);
}

void chip_bus_fault(struct chip *c, uint32_t address)
{
    chip_guest_error(c, false, "bus error at 0x%08x", (unsigned)address);
    cpu_bus_fault_imprecise(c->cpu);
}

void chip_request_reset(struct chip *c, enum reset_cause why)
{
    c->reset_wanted = true;
    c->reset_cause = why;
    cpu_attention(c->cpu);
}

void chip_finish(struct chip *c, enum chip_end end)
{
    if (c->end == CHIP_RUNS)
        c->end = end;
    cpu_attention(c->cpu);
}

void chip_stop(struct chip *c)
{
    chip_finish(c, CHIP_STOPPED);
}

uint32_t chip_random(struct chip *c)
{
    return rng_word(&c->rng);
}

/* --- the bus and memory --------------------------------------------------------------------------------------------- */

void chip_attach(struct chip *c, const struct periph *p)
{
    mmio_attach(&c->mmio, p);
}

void chip_reset_by_rstr(struct chip *c, uint32_t rstr_offset, uint32_t value)
{
    mmio_reset_by_rstr(&c->mmio, rstr_offset, value);
}

void chip_remap(struct chip *c, unsigned mem_mode)
{
    cpu_remap(c->cpu, (enum boot_memory)(mem_mode & 3U));
}

bool chip_is_vet6(struct chip *c)
{
    return !c->o.vg;
}

/* --- power and reset -------------------------------------------------------------------------------------------------- */

static void check_vectors(struct chip *c)
{
    const uint8_t *cells = flash_cells(c->flash);
    bool blank = true;

    for (unsigned i = 0; i < 8; i++)
        blank &= cells[i] == 0xFF;
    if (blank)
        chip_guest_error(c, true, "the flash is blank at 0x08000000: no stack pointer, no reset vector (RM0090 §2.4)");
}

static void reset(struct chip *c, enum reset_cause why)
{
    static const char *const names[] = { [RESET_POWER] = "power-on", [RESET_PIN] = "pin", [RESET_SOFTWARE] = "software",
                                         [RESET_IWDG] = "IWDG", [RESET_WWDG] = "WWDG", [RESET_LOW_POWER] = "low-power" };

    c->reset_wanted = false;
    c->hung = false;
    chip_trace(c, TRACE_IRQ, "%s reset", names[why]);
    mmio_reset_all(&c->mmio, why);
    cpu_hard_reset(c->cpu);
    check_vectors(c);
    if (!flash_wdg_sw(c->flash))
        iwdg_start_by_option(c->periph->iwdg);
}

static void power_on(struct chip *c)
{
    struct rng ram = rng_stream(c->o.seed ^ chip_random(c), STREAM_RAM);

    c->powered = true;
    c->end = CHIP_RUNS;
    cpu_fill_ram(c->cpu, &ram);
    flash_power_on(c->flash);
    reset(c, RESET_POWER);
}

static void power_off(struct chip *c, enum chip_end end)
{
    if (c->powered)
        flash_power_off(c->flash);
    c->powered = false;
    chip_finish(c, end);
}

static void power_fails(struct chip *c)
{
    power_off(c, CHIP_POWER_CUT);
}

void chip_power_cut(struct chip *c)
{
    power_off(c, CHIP_POWER_CUT);
}

void chip_power_cycle(struct chip *c)
{
    power_off(c, CHIP_POWER_CUT);
    power_on(c);
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

static void sleep_until(struct chip *c, vtime t)
{
    vtime next = sched_next(&c->sched);

    cpu_sleep_until(c->cpu, cycles_at(cpu_clock(c->cpu), next < t ? next : t));
}

static void catch_up(struct chip *c)
{
    vtime now = cycles_time(cpu_clock(c->cpu));

    if (sched_next(&c->sched) <= now)
        spin_disturb(cpu_spin(c->cpu));
    sched_advance(&c->sched, now);
}

static void run_slice(struct chip *c, vtime until)
{
    switch (c->hung ? CPU_ASLEEP : cpu_run(c->cpu, cycles_at(cpu_clock(c->cpu), until))) {
    case CPU_ASLEEP:
        sleep_until(c, until);
        break;
    case CPU_RESULT:
        chip_finish(c, CHIP_RESULT);
        break;
    case CPU_LOCKUP:
        chip_finish(c, CHIP_GUEST_FAULT);
        break;
    default:
        break;
    }
    catch_up(c);
}

enum chip_end chip_run_until(struct chip *c, vtime t)
{
    if (!c->powered && c->end == CHIP_RUNS)
        power_on(c);
    while (c->end == CHIP_RUNS && c->sched.now < t) {
        vtime slice = t - c->sched.now > POLL_PERIOD ? c->sched.now + POLL_PERIOD : t;

        if (c->reset_wanted)
            reset(c, c->reset_cause);
        run_slice(c, slice);
        if (c->sched.now - c->pace.polled_at >= POLL_PERIOD)
            pace_poll(c);
    }
    return c->end;
}

enum chip_end chip_run_for(struct chip *c, vtime duration)
{
    return chip_run_until(c, duration > VTIME_NEVER - c->sched.now ? VTIME_NEVER : c->sched.now + duration);
}

uint32_t chip_result(struct chip *c)
{
    return cpu_result(c->cpu);
}

struct flash *chip_flash(struct chip *c)
{
    return c->flash;
}

struct usbhost *chip_usbhost(struct chip *c)
{
    return c->usbhost;
}

struct usart *chip_usart(struct chip *c, unsigned number)
{
    return c->periph->usart[number - 1];
}

struct gpio *chip_gpio(struct chip *c)
{
    return c->periph->gpio;
}

uint8_t *chip_ram(struct chip *c, uint32_t address, size_t bytes)
{
    return cpu_ram(c->cpu, address, bytes);
}

uint64_t chip_cycles(struct chip *c)
{
    return cpu_clock(c->cpu)->count;
}

/* --- construction --------------------------------------------------------------------------------------------------------- */

static void latency_changed(struct chip *c)
{
    rcc_check_limits(c->periph->rcc);
}

static unsigned latency(void *flash)
{
    return flash_latency(flash);
}

static void level_regressed(struct chip *c)
{
    bkpsram_erase(c->bkpsram);
}

static void code_changed(struct chip *c, uint32_t address, uint32_t bytes)
{
    if (c->cpu != NULL)
        cpu_code_changed(c->cpu, address, bytes);
}

static void attach_parts(struct chip *c)
{
    struct rcc_options clocks = { .hse_hz = c->o.hse_hz, .lse_hz = LSE_HZ, .lsi_hz = c->o.lsi_hz, .enr_latency = true };

    c->periph = peripherals_new(c, &clocks);
    c->bkpsram = bkpsram_new(c, c->periph->pwr);
    rcc_set_latency_source(c->periph->rcc, latency, c->flash);
    c->otg = otg_fs_new(c);
    otg_fs_set_pins_source(c->otg, peripherals_usb_pins, c->periph);
    otg_fs_set_wakeup_line(c->otg, peripherals_usb_wakeup, c->periph);
    if (c->o.usb_cable) {
        const struct usbhost_options usb = { .forward = c->o.usb_forward };

        c->usbhost = usbhost_new(c, otg_fs_wire(c->otg), &usb);
        otg_fs_connect_host(c->otg, usbhost_wire(c->usbhost));
    }
}

struct chip *chip_new(const struct chip_options *o)
{
    struct xalloc_log *memory = xcalloc(1, sizeof *memory), *before = xalloc_note(memory);
    struct chip *c = xcalloc(1, sizeof *c);
    struct flash_options flash = { .timing = o->timing, .cut = o->cut, .unstable_bits = o->unstable_bits, .seed = o->seed,
                                   .power_fails = power_fails, .latency_changed = latency_changed,
                                   .level_regressed = level_regressed, .code_changed = code_changed };
    struct cpu_config cpu = { .mmio = &c->mmio, .result_bkpt = o->result_bkpt, .no_skip = o->no_skip };
    struct mmio_cpu up;

    c->o = *o;
    c->memory = memory;
    c->rng = rng_stream(o->seed, STREAM_CHIP);
    c->clocks = (struct chip_clocks){ .sysclk_hz = HSI_HZ, .hclk_hz = HSI_HZ, .pclk1_hz = HSI_HZ, .pclk2_hz = HSI_HZ };
    c->mmio.chip = c;
    c->flash = flash_new(c, &flash);
    cpu.flash = c->flash;
    c->cpu = cpu_new(c, &cpu);
    up = cpu_mmio(c->cpu);
    mmio_connect(&c->mmio, cpu_spin(c->cpu), &up);
    attach_parts(c);
    (void)xalloc_note(before);
    return c;
}

void chip_free(struct chip *c)
{
    if (c == NULL)
        return;
    otg_fs_connect_host(c->otg, NULL);
    if (c->usbhost != NULL)
        usbhost_free(c->usbhost);
    otg_fs_free(c->otg);
    bkpsram_free(c->bkpsram);
    peripherals_free(c->periph);
    cpu_free(c->cpu);
    flash_free(c->flash);
    report_free(c);
    free(c->memory);
    free(c);
}
