/* SPDX-License-Identifier: MIT */
/* The flash array and the CPU's view of it: wait states, stalls while busy, and the lines that the caches keep too long. */
/* Sources: RM0090 §3.5.2 (accelerator), §3.6 (no read while BSY), §3.8 (OTP), §3.9.10 (option bytes), §39 (UID, size);
 * the D-cache keeping the written word instead of the array's AND was measured on silicon. */
#include "board/periph/flash_internal.h"

#include <string.h>

#include "board/xalloc.h"

_Static_assert(FLASH_LINE_BYTES == ART_LINE_BYTES, "one line");

/* A made-up chip: wafer X/Y, wafer number and lot, as RM0090 §39.1 lays them out. */
static const uint8_t unique_id[12] = { 0x2A, 0x00, 0x31, 0x00, 0x05, 0x51, 0x33, 0x34, 0x38, 0x33, 0x38, 0x39 };

uint32_t flash_word_get(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void flash_word_put(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

/* Where an address lives in `cells` and `view`; UINT32_MAX if it is not flash. */
static uint32_t cell_offset(const struct flash *f, uint32_t address)
{
    if (address - FLASH_MAIN_BASE < f->main_bytes)
        return address - FLASH_MAIN_BASE;
    if (address - FLASH_SYS_BASE < FLASH_SYS_BYTES)
        return f->main_bytes + (address - FLASH_SYS_BASE);
    return UINT32_MAX;
}

uint8_t *flash_cell_at(struct flash *f, uint32_t address)
{
    uint32_t at = cell_offset(f, address);

    return at == UINT32_MAX ? NULL : f->cells + at;
}

uint8_t *flash_cells(struct flash *f)
{
    return f->cells;
}

uint32_t flash_bytes(const struct flash *f)
{
    return f->main_bytes;
}

uint8_t *flash_view(struct flash *f, uint32_t base)
{
    if (base == FLASH_OPT_BASE)
        return f->option_view;
    return f->view + cell_offset(f, base);
}

static void view_line(struct flash *f, uint32_t line, const uint8_t *data)
{
    uint32_t address = line * ART_LINE_BYTES;
    uint8_t *v = f->view + cell_offset(f, address);

    if (memcmp(v, data, ART_LINE_BYTES) == 0)
        return;
    memcpy(v, data, ART_LINE_BYTES);
    f->o.code_changed(f->chip, address, ART_LINE_BYTES);
}

/* The CPU is about to look elsewhere: the view shows the array again. */
static void restore_odd_lines(struct flash *f)
{
    for (; f->odd_lines != 0; f->odd_lines--, f->odd_line++)
        view_line(f, f->odd_line, flash_cell_at(f, f->odd_line * ART_LINE_BYTES));
}

void flash_cells_changed(struct flash *f, uint32_t address, uint32_t bytes)
{
    uint32_t at = cell_offset(f, address);

    restore_odd_lines(f);
    memcpy(f->view + at, f->cells + at, bytes);
    f->o.code_changed(f->chip, address, bytes);
    art_drop_buffer(&f->art);
    for (unsigned i = 0; i < f->art.icache.ways; i++) {
        uint32_t first = f->art.icache.tag[i] * ART_LINE_BYTES;

        if (f->art.icache.used[i] != 0 && first - FLASH_MAIN_BASE < f->main_bytes &&
            first - (address & ~(ART_LINE_BYTES - 1)) < bytes + address % ART_LINE_BYTES) {
            f->stale_code[(first - FLASH_MAIN_BASE) / ART_LINE_BYTES] = true;
            f->any_stale_code = true;
        }
    }
}

void flash_reset_icache(struct flash *f)
{
    art_set_clear(&f->art.icache);
    art_drop_buffer(&f->art);
    memset(f->stale_code, 0, f->main_bytes / ART_LINE_BYTES * sizeof *f->stale_code);
    f->any_stale_code = false;
}

void flash_cache_write_through(struct flash *f, uint32_t address, uint32_t value, unsigned bytes)
{
    uint32_t line = address / ART_LINE_BYTES;
    unsigned slot = art_slot(&f->art.dcache, line);

    if (!f->art.dcen || slot == f->art.dcache.ways)
        return;
    for (unsigned i = 0; i < bytes; i++)
        f->dline[slot][address % ART_LINE_BYTES + i] = (uint8_t)(value >> (8 * i));
}

static void stall_if_busy(struct flash *f)
{
    if (f->op.kind != OP_NONE) {
        chip_stall_until(f->chip, f->op.end);
        art_drop_buffer(&f->art);
    }
}

static void see(struct flash *f, uint32_t line, enum flash_seen how)
{
    uint32_t n = line - FLASH_MAIN_BASE / ART_LINE_BYTES;

    if (f->seen != NULL && n < f->main_bytes / ART_LINE_BYTES && (f->seen[n] & FLASH_SEEN_ERASED) == 0)
        f->seen[n] |= (uint8_t)how;
}

void flash_seen_erased(struct flash *f, uint32_t address, uint32_t bytes)
{
    if (f->seen == NULL || address - FLASH_MAIN_BASE >= f->main_bytes)
        return;
    for (uint32_t at = address - FLASH_MAIN_BASE; at < address - FLASH_MAIN_BASE + bytes; at += ART_LINE_BYTES)
        f->seen[at / ART_LINE_BYTES] |= FLASH_SEEN_ERASED;
}

void flash_note_reads(struct flash *f, uint8_t *seen)
{
    f->seen = seen;
}

void flash_note_operations(struct flash *f, void (*begins)(void *owner, const struct flash_operation *op), void *owner)
{
    f->begins = begins;
    f->begins_owner = owner;
}

static void fetch_line(struct flash *f, uint32_t line, uint64_t *cycles)
{
    if (art_has_code(&f->art, line)) {
        uint32_t n = line - FLASH_MAIN_BASE / ART_LINE_BYTES;

        if (f->any_stale_code && n < f->main_bytes / ART_LINE_BYTES && f->stale_code[n])
            chip_guest_error(f->chip, false, "code is executed from an I-cache line that the flash no longer holds, at 0x%08x:"
                             " ICRST is missing after an erase or a program operation (RM0090 §3.5.2)",
                             (unsigned)(line * ART_LINE_BYTES));
    } else {
        stall_if_busy(f);
        if (f->any_stale_code && line - FLASH_MAIN_BASE / ART_LINE_BYTES < f->main_bytes / ART_LINE_BYTES)
            f->stale_code[line - FLASH_MAIN_BASE / ART_LINE_BYTES] = false;
    }
    *cycles += art_fetch(&f->art, line, *cycles);
}

void flash_fetch(struct flash *f, uint32_t address, uint32_t bytes, uint64_t *cycles)
{
    uint32_t last = (address + bytes - 1) / ART_LINE_BYTES;

    restore_odd_lines(f);
    for (uint32_t line = address / ART_LINE_BYTES; line <= last; line++) {
        see(f, line, FLASH_SEEN_FETCHED);
        fetch_line(f, line, cycles);
    }
}

bool flash_restless(const struct flash *f)
{
    return f->restless;
}

/* The array is read: undecided bits take another value. */
static void stir(struct flash *f, uint32_t line)
{
    uint32_t at = line * ART_LINE_BYTES - FLASH_MAIN_BASE;
    uint32_t undecided = 0;

    if (!f->restless || at >= f->main_bytes)
        return;
    for (unsigned i = 0; i < ART_LINE_BYTES; i += 4) {
        uint32_t bits = f->unstable[(at + i) / 4];

        undecided |= bits;
        if (bits != 0)
            flash_word_put(f->cells + at + i, (flash_word_get(f->cells + at + i) & ~bits) | (rng_word(&f->noise) & bits));
    }
    if (undecided != 0)
        view_line(f, line, f->cells + at);
}

static void load_line(struct flash *f, uint32_t line, uint64_t *cycles)
{
    const uint8_t *cells = flash_cell_at(f, line * ART_LINE_BYTES);
    unsigned slot = f->art.dcen ? art_touch(&f->art.dcache, line) : ART_D_LINES;

    see(f, line, FLASH_SEEN_LOADED);
    if (slot != ART_D_LINES) {
        if (memcmp(f->dline[slot], cells, ART_LINE_BYTES) != 0) {
            view_line(f, line, f->dline[slot]);
            f->odd_line = f->odd_lines == 0 ? line : f->odd_line;
            f->odd_lines = line + 1 - f->odd_line;
        }
        return;
    }
    stall_if_busy(f);
    stir(f, line);
    *cycles += f->art.latency;
    slot = art_load_miss(&f->art, line);
    if (slot != ART_D_LINES)
        memcpy(f->dline[slot], cells, ART_LINE_BYTES);
}

void flash_load(struct flash *f, uint32_t address, unsigned bytes, uint64_t *cycles)
{
    uint32_t last = (address + bytes - 1) / ART_LINE_BYTES;

    restore_odd_lines(f);
    if (address - FLASH_OPT_BASE < FLASH_OPT_BYTES) {
        stall_if_busy(f);               /* the user configuration sector is not cacheable */
        *cycles += f->art.latency;
        return;
    }
    for (uint32_t line = address / ART_LINE_BYTES; line <= last; line++)
        load_line(f, line, cycles);
}

bool flash_probe_write(struct flash *f, uint32_t address, const uint8_t *data, size_t bytes)
{
    bool main = address - FLASH_MAIN_BASE < f->main_bytes && bytes <= f->main_bytes - (address - FLASH_MAIN_BASE);
    bool sys = address - FLASH_SYS_BASE < OTP_BASE - FLASH_SYS_BASE && bytes <= OTP_BASE - address;

    if (!main && !sys)
        return false;
    memcpy(flash_cell_at(f, address), data, bytes);
    flash_cells_changed(f, address, (uint32_t)bytes);
    return true;
}

void flash_probe_sync(struct flash *f)
{
    flash_cells_changed(f, FLASH_MAIN_BASE, f->main_bytes);
}

void flash_set_state(struct flash *f, const uint8_t *cells, const uint32_t *unstable)
{
    memcpy(f->cells, cells, f->main_bytes);
    if (unstable != NULL)
        memcpy(f->unstable, unstable, f->main_bytes / 4 * sizeof *f->unstable);
    else
        memset(f->unstable, 0, f->main_bytes / 4 * sizeof *f->unstable);
    flash_probe_sync(f);
}

const uint32_t *flash_unstable(const struct flash *f)
{
    return f->unstable;
}

/* RM0090 tables 15 and 16: RDP and USER at 0x1FFFC000, nWRP at 0x1FFFC008; nothing else is defined there. */
void flash_refresh_option_view(struct flash *f)
{
    memset(f->option_view, 0xFF, FLASH_OPT_BYTES);
    f->option_view[0] = (uint8_t)((f->options & 0xFCU) | 0x03U);
    f->option_view[1] = (uint8_t)OPTCR_RDP(f->options);
    f->option_view[8] = (uint8_t)OPTCR_NWRP(f->options);
    f->option_view[9] = (uint8_t)(OPTCR_NWRP(f->options) >> 8 | 0xF0U);
}

/* Temperature, supply and time decide about undecided cells: at one power-on they read as they are, at another like noise. */
void flash_power_on(struct flash *f)
{
    f->powered = true;
    f->noise = rng_stream(f->o.seed, chip_random(f->chip));
    f->restless = f->o.unstable_bits && rng_word(&f->noise) % 2U == 0;
}

void flash_mem_init(struct flash *f)
{
    uint32_t bytes = f->main_bytes + FLASH_SYS_BYTES;
    uint32_t kb = f->main_bytes / 1024;
    uint8_t *size;

    f->cells = aligned_xalloc(bytes);
    f->view = aligned_xalloc(bytes);
    f->option_view = aligned_xalloc(FLASH_OPT_BYTES);
    f->unstable = xcalloc(f->main_bytes / 4, sizeof *f->unstable);
    f->stale_code = xcalloc(f->main_bytes / ART_LINE_BYTES, sizeof *f->stale_code);
    memset(f->cells, 0xFF, bytes);
    memcpy(flash_cell_at(f, UID_BASE), unique_id, sizeof unique_id);
    size = flash_cell_at(f, SIZE_BASE);
    size[0] = (uint8_t)kb;
    size[1] = (uint8_t)(kb >> 8);
    memcpy(f->view, f->cells, bytes);
}

void flash_mem_free(struct flash *f)
{
    free(f->cells);
    free(f->view);
    free(f->option_view);
    free(f->stale_code);
    free(f->unstable);
}
