/* SPDX-License-Identifier: MIT */
/* The address space: which memory Unicorn sees, and what happens on the way to it. */
/* Sources: RM0090 §2.3 (memory map, bit-banding), §2.4 (boot, MEM_MODE alias); §3.6 (stores to flash). */
#include "board/cpu_internal.h"

#include "board/xalloc.h"

#define BITBAND_SRAM 0x22000000U
#define BITBAND_BYTES 0x02000000U
#define REGISTERS_BASE 0x40000000U
#define SRAM1_BYTES 0x1C000U

uint8_t *cpu_ram(struct cpu *cpu, uint32_t address, size_t bytes)
{
    if (address - SRAM_BASE < SRAM_BYTES && bytes <= SRAM_BYTES - (address - SRAM_BASE))
        return cpu->sram + (address - SRAM_BASE);
    if (address - CCM_BASE < CCM_BYTES && bytes <= CCM_BYTES - (address - CCM_BASE))
        return cpu->ccm + (address - CCM_BASE);
    return NULL;
}

uint32_t cpu_flash_address(const struct cpu *cpu, uint32_t address)
{
    uint32_t bytes = flash_bytes(cpu->config.flash);

    if (address - FLASH_MAIN_BASE < bytes || address - FLASH_SYS_BASE < FLASH_SYS_BYTES ||
        address - FLASH_OPT_BASE < FLASH_OPT_BYTES)
        return address;
    if (cpu->boot == BOOT_FLASH && address < bytes)
        return address + FLASH_MAIN_BASE;
    if (cpu->boot == BOOT_SYSTEM && address < FLASH_SYS_BYTES)
        return address + FLASH_SYS_BASE;
    return UINT32_MAX;
}

const uint8_t *cpu_code(struct cpu *cpu, uint32_t address, uint32_t bytes)
{
    uint32_t flash = cpu_flash_address(cpu, address);

    if (flash - FLASH_MAIN_BASE < flash_bytes(cpu->config.flash) &&
        bytes <= flash_bytes(cpu->config.flash) - (flash - FLASH_MAIN_BASE))
        return flash_view(cpu->config.flash, FLASH_MAIN_BASE) + (flash - FLASH_MAIN_BASE);
    if (flash - FLASH_SYS_BASE < FLASH_SYS_BYTES && bytes <= FLASH_SYS_BYTES - (flash - FLASH_SYS_BASE))
        return flash_view(cpu->config.flash, FLASH_SYS_BASE) + (flash - FLASH_SYS_BASE);
    if (cpu->boot == BOOT_SRAM && address < SRAM1_BYTES && bytes <= SRAM1_BYTES - address)
        return cpu->sram + address;
    if (address - SRAM_BASE < SRAM_BYTES)
        return cpu_ram(cpu, address, bytes);
    return NULL;
}

static void memory_fault(void *user, uint32_t address, bool write)
{
    struct cpu *cpu = user;
    char where[200];

    if (spin_forbids(&cpu->spin))
        return;
    cpu_describe(cpu, where, sizeof where);
    chip_guest_error(cpu->chip, true, "%s at 0x%08x, where this chip has nothing (RM0090 §2.3)\n  %s",
                     write ? "write" : "read", (unsigned)address, where);
    cpu->fault = (struct cpu_fault){ true, EXC_BUSFAULT, CFSR_PRECISERR | CFSR_BFARVALID, address };
    cpu_attention(cpu);
}

/* RM0090 §2.3.3: alias word = bit_band_base + byte * 32 + bit * 4. */
static uint8_t *sram_bit(struct cpu *cpu, uint32_t address, unsigned *bit)
{
    uint32_t off = address - BITBAND_SRAM;

    *bit = off >> 2 & 7U;
    return off < BITBAND_BYTES && off >> 5 < SRAM_BYTES ? cpu->sram + (off >> 5) : NULL;
}

static uint64_t on_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    struct filler *f = user;
    struct cpu *cpu = f->cpu;
    uint32_t address = f->base + (uint32_t)offset;
    unsigned bit;
    uint8_t *byte = sram_bit(cpu, address, &bit);

    (void)uc;
    if (address >= REGISTERS_BASE)
        return mmio_read(cpu->config.mmio, address, size);
    if (byte != NULL)
        return (uint32_t)*byte >> bit & 1U;
    memory_fault(cpu, address, false);
    return 0;
}

static void on_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    struct filler *f = user;
    struct cpu *cpu = f->cpu;
    uint32_t address = f->base + (uint32_t)offset;
    unsigned bit;
    uint8_t *byte = sram_bit(cpu, address, &bit);

    (void)uc;
    if (address >= REGISTERS_BASE)
        mmio_write(cpu->config.mmio, address, (uint32_t)value, size);
    else if (byte != NULL)
        *byte = (uint8_t)((*byte & ~(1U << bit)) | (unsigned)(value & 1U) << bit);
    else
        memory_fault(cpu, address, true);
}

/* Every load below 0x20000000. Virtual time catches up first, because the flash may be busy and stall. */
static void on_code_load(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
    struct cpu *cpu = user;
    uint32_t flash = cpu_flash_address(cpu, (uint32_t)address);

    (void)uc;
    (void)type;
    (void)value;
    spin_load(&cpu->spin, (uint32_t)address);
    if (flash == UINT32_MAX || (flash_busy(cpu->config.flash) && spin_forbids(&cpu->spin)))
        return;                         /* a stall cannot be undone, least of all one without an end */
    flash_load(cpu->config.flash, flash, (unsigned)size, &cpu->clock.count);
}

/* A store to flash: never reaches the mapped memory; the array changes when the operation is done. */
static bool on_flash_store(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *user)
{
    struct cpu *cpu = user;
    uint32_t flash = cpu_flash_address(cpu, (uint32_t)address);

    (void)uc;
    if (type != UC_MEM_WRITE_PROT || flash == UINT32_MAX)
        return false;
    if (spin_forbids(&cpu->spin))
        return true;
    spin_mmio_write(&cpu->spin);
    cpu_mmio(cpu).sync(cpu);
    flash_store(cpu->config.flash, flash, (unsigned)size, (uint64_t)value);
    cpu_settle(cpu);
    return true;
}

/* Unicorn drops a store to read-only memory only if the page was writable when it was mapped. */
static void map_flash(struct cpu *cpu, uint32_t at, uint32_t base, uint32_t bytes)
{
    (void)uc_mem_map_ptr(cpu->uc, at, bytes, UC_PROT_ALL, flash_view(cpu->config.flash, base));
    (void)uc_mem_protect(cpu->uc, at, bytes, UC_PROT_ALL);
    (void)uc_mem_protect(cpu->uc, at, bytes, UC_PROT_READ | UC_PROT_EXEC);
}

static void map_filler(struct cpu *cpu, unsigned slot, uint32_t base, uint64_t end)
{
    cpu->fillers[slot] = (struct filler){ cpu, base };
    if (end > base)
        (void)uc_mmio_map(cpu->uc, base, (size_t)(end - base), on_read, &cpu->fillers[slot], on_write, &cpu->fillers[slot]);
}

static void map_alias(struct cpu *cpu)
{
    uint32_t bytes = 0;

    switch (cpu->boot) {
    case BOOT_FLASH:
        bytes = flash_bytes(cpu->config.flash);
        map_flash(cpu, 0, FLASH_MAIN_BASE, bytes);
        break;
    case BOOT_SYSTEM:
        bytes = FLASH_SYS_BYTES;
        map_flash(cpu, 0, FLASH_SYS_BASE, bytes);
        break;
    case BOOT_SRAM:
        bytes = SRAM1_BYTES;
        (void)uc_mem_map_ptr(cpu->uc, 0, bytes, UC_PROT_ALL, cpu->sram);
        break;
    default:
        break;                          /* FSMC: no external memory on this board */
    }
    map_filler(cpu, 0, bytes, ALIAS_BYTES);
}

void cpu_apply_remap(struct cpu *cpu)
{
    if (cpu->boot_wanted == cpu->boot)
        return;
    (void)uc_mem_unmap(cpu->uc, 0, ALIAS_BYTES);
    cpu->boot = cpu->boot_wanted;
    map_alias(cpu);
    cpu_forget_blocks(cpu);
}

void cpu_remap(struct cpu *cpu, enum boot_memory m)
{
    cpu->boot_wanted = m;
    cpu_attention(cpu);
}

void cpu_forget_blocks(struct cpu *cpu)
{
    for (unsigned i = 0; i < BLOCK_SLOTS; i++)
        cpu->blocks[i].address = UINT32_MAX;
}

/* Where `executed` keeps an address; UINT32_MAX if code there never changes behind Unicorn's back. */
uint32_t cpu_executed_index(const struct cpu *cpu, uint32_t address)
{
    uint32_t flash = flash_bytes(cpu->config.flash), canonical = cpu_flash_address(cpu, address);

    if (canonical - FLASH_MAIN_BASE < flash)
        return (canonical - FLASH_MAIN_BASE) / LINE_BYTES;
    if (address - SRAM_BASE < SRAM_BYTES)
        return (flash + (address - SRAM_BASE)) / LINE_BYTES;
    return UINT32_MAX;
}

void cpu_note_executed(struct cpu *cpu, uint32_t address, uint32_t bytes)
{
    uint32_t first = cpu_executed_index(cpu, address), last = cpu_executed_index(cpu, address + bytes - 1);

    for (uint32_t i = first; i <= last && last != UINT32_MAX; i++)
        cpu->executed[i] = true;
}

/* Unicorn forgets slowly, and never gives the memory back: only what was really decoded is removed. */
void cpu_code_changed(struct cpu *cpu, uint32_t address, uint32_t bytes)
{
    uint32_t first = cpu_executed_index(cpu, address);
    bool any = false;

    if (first == UINT32_MAX)
        return;
    for (uint32_t i = 0; i <= (address % LINE_BYTES + bytes - 1) / LINE_BYTES; i++) {
        uint64_t line = (address & ~(LINE_BYTES - 1)) + (uint64_t)i * LINE_BYTES;

        if (!cpu->executed[first + i])
            continue;
        (void)uc_ctl_remove_cache(cpu->uc, line, line + LINE_BYTES);
        if (cpu->boot == BOOT_FLASH && line < SRAM_BASE)
            (void)uc_ctl_remove_cache(cpu->uc, line - FLASH_MAIN_BASE, line - FLASH_MAIN_BASE + LINE_BYTES);
        cpu->executed[first + i] = false;
        any = true;
    }
    if (any)
        cpu_forget_blocks(cpu);
}

void cpu_fill_ram(struct cpu *cpu, struct rng *r)
{
    for (uint32_t i = 0; i < SRAM_BYTES; i++)
        cpu->sram[i] = (uint8_t)rng_word(r);
    for (uint32_t i = 0; i < CCM_BYTES; i++)
        cpu->ccm[i] = (uint8_t)rng_word(r);
    cpu_code_changed(cpu, SRAM_BASE, SRAM_BYTES);
}

static void catch_up(void *user)
{
    struct cpu *cpu = user;

    if (sched_next(chip_sched(cpu->chip)) <= cycles_time(&cpu->clock))
        spin_disturb(&cpu->spin);
    sched_advance(chip_sched(cpu->chip), cycles_time(&cpu->clock));
}

static void settle(void *cpu)
{
    cpu_settle(cpu);
}

struct mmio_cpu cpu_mmio(struct cpu *cpu)
{
    return (struct mmio_cpu){ catch_up, settle, memory_fault, cpu };
}

void cpu_mem_init(struct cpu *cpu)
{
    uint32_t flash_end = FLASH_MAIN_BASE + flash_bytes(cpu->config.flash);
    uc_hook h;

    cpu->sram = aligned_xalloc(SRAM_BYTES);
    cpu->ccm = aligned_xalloc(CCM_BYTES);
    cpu->blocks = xcalloc(BLOCK_SLOTS, sizeof *cpu->blocks);
    cpu->executed = xcalloc((flash_bytes(cpu->config.flash) + SRAM_BYTES) / LINE_BYTES, sizeof *cpu->executed);
    cpu->boot = cpu->boot_wanted = BOOT_FLASH;
    map_alias(cpu);
    map_filler(cpu, 1, ALIAS_BYTES, FLASH_MAIN_BASE);
    map_flash(cpu, FLASH_MAIN_BASE, FLASH_MAIN_BASE, flash_bytes(cpu->config.flash));
    map_filler(cpu, 2, flash_end, CCM_BASE);
    (void)uc_mem_map_ptr(cpu->uc, CCM_BASE, CCM_BYTES, UC_PROT_READ | UC_PROT_WRITE, cpu->ccm);
    map_filler(cpu, 3, CCM_BASE + CCM_BYTES, FLASH_SYS_BASE);
    map_flash(cpu, FLASH_SYS_BASE, FLASH_SYS_BASE, FLASH_SYS_BYTES);
    map_filler(cpu, 4, FLASH_SYS_BASE + FLASH_SYS_BYTES, FLASH_OPT_BASE);
    map_flash(cpu, FLASH_OPT_BASE, FLASH_OPT_BASE, FLASH_OPT_BYTES);
    map_filler(cpu, 5, FLASH_OPT_BASE + FLASH_OPT_BYTES, SRAM_BASE);
    (void)uc_mem_map_ptr(cpu->uc, SRAM_BASE, SRAM_BYTES, UC_PROT_ALL, cpu->sram);
    map_filler(cpu, 6, SRAM_BASE + SRAM_BYTES, REGISTERS_BASE);
    map_filler(cpu, 7, REGISTERS_BASE, 0xE0000000U);
    map_filler(cpu, 8, 0xE0000000U, 0x100000000ULL);
    (void)uc_hook_add(cpu->uc, &h, UC_HOOK_MEM_READ, (void *)on_code_load, cpu, 0, SRAM_BASE - 1);
    (void)uc_hook_add(cpu->uc, &h, UC_HOOK_MEM_WRITE_PROT, (void *)on_flash_store, cpu, 1, 0);
    cpu_forget_blocks(cpu);
}

void cpu_mem_free(struct cpu *cpu)
{
    free(cpu->sram);
    free(cpu->ccm);
    free(cpu->executed);
    free(cpu->blocks);
}
