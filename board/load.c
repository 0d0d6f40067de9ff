/* SPDX-License-Identifier: MIT */
/* Loading: every length is checked against the file before it is believed. */
/* Sources: System V ABI, "ELF header" and "Program header"; Arm IHI 0044 (ELF for the Arm architecture). */
#include "board/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/xalloc.h"

#define FILE_BYTES_MAX (64U * 1024U * 1024U)
#define EHDR_BYTES 52U
#define PHDR_BYTES 32U
#define ET_EXEC 2U
#define EM_ARM 40U
#define PT_LOAD 1U

struct file {
    uint8_t *data;
    size_t bytes;
};

static bool fail(struct load_result *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct load_result *r, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(r->error, sizeof r->error, fmt, args);
    va_end(args);
    return false;
}

static void start(struct load_result *r)
{
    memset(r, 0, sizeof *r);
    r->first = UINT32_MAX;
}

static bool read_stream(FILE *in, struct file *f)
{
    size_t room = 0, got;

    do {
        if (f->bytes == room) {
            uint8_t *more = realloc(f->data, room = room == 0 ? 65536 : room * 2);

            if (more == NULL)
                return false;
            f->data = more;
        }
        got = fread(f->data + f->bytes, 1, room - f->bytes, in);
        f->bytes += got;
    } while (got != 0 && f->bytes <= FILE_BYTES_MAX);
    return ferror(in) == 0 && f->bytes <= FILE_BYTES_MAX;
}

static bool read_file(const char *path, struct file *f, struct load_result *r)
{
    FILE *in = fopen(path, "rb");
    bool ok;

    *f = (struct file){ NULL, 0 };
    if (in == NULL)
        return fail(r, "%s: %s", path, strerror(errno));
    ok = read_stream(in, f);
    (void)fclose(in);
    if (ok)
        return true;
    free(f->data);
    return fail(r, "%s: cannot be read, or is larger than any flash", path);
}

static uint32_t get16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static bool place(struct chip *c, const char *path, uint32_t address, const uint8_t *data, uint32_t bytes,
                  struct load_result *r)
{
    if (!flash_probe_write(chip_flash(c), address, data, bytes))
        return fail(r, "%s: %u bytes at 0x%08x are not inside this chip's flash (0x%08x to 0x%08x)", path, (unsigned)bytes,
                    (unsigned)address, FLASH_MAIN_BASE, (unsigned)(FLASH_MAIN_BASE + flash_bytes(chip_flash(c)) - 1));
    r->first = address < r->first ? address : r->first;
    r->last = address + bytes - 1 > r->last ? address + bytes - 1 : r->last;
    r->bytes += bytes;
    return true;
}

static bool load_segment(struct chip *c, const char *path, const struct file *f, const uint8_t *ph, struct load_result *r)
{
    uint32_t type = get32(ph), offset = get32(ph + 4), paddr = get32(ph + 12), filesz = get32(ph + 16);

    if (type != PT_LOAD || filesz == 0)
        return true;
    if (offset > f->bytes || filesz > f->bytes - offset)
        return fail(r, "%s: truncated ELF file: a segment reaches beyond its end", path);
    return place(c, path, paddr, f->data + offset, filesz, r);
}

static bool load_elf(struct chip *c, const char *path, const struct file *f, struct load_result *r)
{
    uint32_t phoff, phentsize, phnum;

    if (f->bytes < EHDR_BYTES)
        return fail(r, "%s: truncated ELF file", path);
    if (f->data[4] != 1 || f->data[5] != 1 || get16(f->data + 16) != ET_EXEC || get16(f->data + 18) != EM_ARM)
        return fail(r, "%s: not a 32-bit little-endian ARM executable", path);
    phoff = get32(f->data + 28);
    phentsize = get16(f->data + 42);
    phnum = get16(f->data + 44);
    if (phentsize < PHDR_BYTES || phoff > f->bytes || phnum * phentsize > f->bytes - phoff)
        return fail(r, "%s: truncated ELF file: its program headers are missing", path);
    for (uint32_t i = 0; i < phnum; i++) {
        if (!load_segment(c, path, f, f->data + phoff + i * phentsize, r))
            return false;
    }
    return r->bytes != 0 || fail(r, "%s: an ELF file without anything to load", path);
}

/* FILE@ADDRESS is split only if what follows the last @ is wholly a number: a file name may contain one. */
static bool split_spec(const char *spec, char **path, uint32_t *address)
{
    const char *at = strrchr(spec, '@');
    size_t length = strlen(spec);
    bool has_address = false;

    if (at != NULL && at[1] >= '0' && at[1] <= '9') {
        char *end;
        unsigned long long value = strtoull(at + 1, &end, 0);

        has_address = *end == '\0' && value <= UINT32_MAX;
        if (has_address) {
            *address = (uint32_t)value;
            length = (size_t)(at - spec);
        }
    }
    *path = xcalloc(1, length + 1);
    memcpy(*path, spec, length);
    return has_address;
}

static bool load_bytes(struct chip *c, const char *path, const struct file *f, uint32_t address, bool has_address,
                       struct load_result *r)
{
    bool elf = f->bytes >= 4 && memcmp(f->data, "\177ELF", 4) == 0;

    if (f->bytes == 0)
        return fail(r, "%s: the file is empty", path);
    if (elf && has_address)
        return fail(r, "%s: an ELF file brings its own addresses; leave the @ away", path);
    return elf ? load_elf(c, path, f, r) : place(c, path, address, f->data, (uint32_t)f->bytes, r);
}

bool load_image(struct chip *c, const char *spec, struct load_result *r)
{
    uint32_t address = FLASH_MAIN_BASE;
    char *path;
    bool has_address = split_spec(spec, &path, &address), ok;
    struct file f;

    start(r);
    ok = read_file(path, &f, r);
    if (ok) {
        ok = load_bytes(c, path, &f, address, has_address, r);
        free(f.data);
    }
    free(path);
    return ok;
}

static char *options_path(const char *path)
{
    size_t length = strlen(path);
    char *beside = xcalloc(1, length + sizeof ".options");

    memcpy(beside, path, length);
    memcpy(beside + length, ".options", sizeof ".options");
    return beside;
}

/* One hexadecimal number, as a person would write it. */
static bool parse_options(const struct file *f, uint32_t *options)
{
    char text[16] = "", *end = NULL;

    if (f->bytes >= sizeof text)
        return false;
    memcpy(text, f->data, f->bytes);
    *options = (uint32_t)strtoul(text, &end, 16);
    return end != text && (*end == '\0' || *end == '\n');
}

static bool load_options(struct chip *c, const char *path, struct load_result *r)
{
    struct file f;
    uint32_t options;

    if (access(path, F_OK) != 0)
        return true;
    if (!read_file(path, &f, r))
        return false;
    if (parse_options(&f, &options))
        flash_set_options(chip_flash(c), options);
    else
        (void)fail(r, "%s: not the option bytes as FLASH_OPTCR shows them, in hexadecimal", path);
    free(f.data);
    return r->error[0] == '\0';
}

bool load_state(struct chip *c, const char *path, bool *found, struct load_result *r)
{
    struct flash *flash = chip_flash(c);
    char *beside;
    struct file f;

    start(r);
    *found = access(path, F_OK) == 0;
    if (!*found)
        return true;
    if (!read_file(path, &f, r))
        return false;
    if (f.bytes == flash_bytes(flash)) {
        memcpy(flash_cells(flash), f.data, f.bytes);
        flash_probe_sync(flash);
    } else {
        (void)fail(r, "%s: a state file for this chip has %u bytes, this one has %zu", path, (unsigned)flash_bytes(flash),
                   f.bytes);
    }
    free(f.data);
    beside = options_path(path);
    if (r->error[0] == '\0')
        (void)load_options(c, beside, r);
    free(beside);
    return r->error[0] == '\0';
}

static bool write_whole(const char *path, const uint8_t *data, size_t bytes)
{
    FILE *out = fopen(path, "wb");
    bool ok;

    if (out == NULL)
        return false;
    ok = fwrite(data, 1, bytes, out) == bytes && fflush(out) == 0 && fsync(fileno(out)) == 0;
    return fclose(out) == 0 && ok;
}

static bool replace(const char *path, const uint8_t *data, size_t bytes, struct load_result *r)
{
    size_t length = strlen(path);
    char *beside = xcalloc(1, length + sizeof ".new");
    bool ok;

    memcpy(beside, path, length);
    memcpy(beside + length, ".new", sizeof ".new");
    ok = write_whole(beside, data, bytes) && rename(beside, path) == 0;
    if (!ok) {
        (void)fail(r, "%s: the state cannot be written: %s", path, strerror(errno));
        (void)unlink(beside);
    }
    free(beside);
    return ok;
}

static bool save_options(const struct flash *flash, const char *path, struct load_result *r)
{
    char text[16];
    int n = snprintf(text, sizeof text, "0x%08X\n", (unsigned)flash_get_options(flash));

    if (!flash_has_factory_options(flash))
        return replace(path, (const uint8_t *)text, (size_t)n, r);
    return unlink(path) == 0 || errno == ENOENT || fail(r, "%s: cannot be removed: %s", path, strerror(errno));
}

bool save_state(struct chip *c, const char *path, struct load_result *r)
{
    const struct flash *flash = chip_flash(c);
    char *beside = options_path(path);
    bool ok;

    start(r);
    ok = replace(path, flash_cells(chip_flash(c)), flash_bytes(flash), r) && save_options(flash, beside, r);
    free(beside);
    return ok;
}
