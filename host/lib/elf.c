/* SPDX-License-Identifier: MIT */
/* ELF: the loadable contents by their physical addresses, as `objcopy -O binary` would take them. */
/* Sources: System V ABI, "ELF-32 Object File Format"; ARM IHI 0044 "ELF for the Arm Architecture" */
#include "host/lib/image_parse.h"

#include "image/bytes.h"

#define ELF_HEADER_BYTES 52U
#define ELF_CLASS_32 1U
#define ELF_DATA_LSB 1U
#define ELF_TYPE_EXEC 2U
#define ELF_MACHINE_ARM 40U
#define ELF_PHDR_BYTES 32U
#define ELF_SHDR_BYTES 40U
#define ELF_PT_LOAD 1U
#define ELF_SHT_NOBITS 8U
#define ELF_SHF_ALLOC 2U

struct segment { uint32_t offset, paddr, filesz; };

struct elf {
    const uint8_t *p;
    size_t n;
    uint32_t phoff, shoff;
    uint16_t phnum, shnum;
};

bool elf_is(const uint8_t *p, size_t n)
{
    return n >= 4U && p[0] == 0x7F && p[1] == 'E' && p[2] == 'L' && p[3] == 'F';
}

static int truncated(struct fault *f)
{
    return fault_set(f, VCPBOOT_E_IMAGE, "The ELF file is truncated or damaged: copy or build it afresh.");
}

/* offset + count * size lies in the file. */
static bool fits(const struct elf *e, uint64_t offset, uint64_t count, uint64_t size)
{
    return offset <= e->n && count * size <= e->n - offset;     /* count and size have 32 bits at most: no wrap */
}

static int read_header(struct elf *e, struct fault *f)
{
    const uint8_t *p = e->p;

    if (e->n < ELF_HEADER_BYTES) return truncated(f);
    if (p[4] != ELF_CLASS_32 || p[5] != ELF_DATA_LSB || load_le16(p + 18) != ELF_MACHINE_ARM)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The ELF file is not for a 32-bit little-endian ARM: take the firmware's, not a PC program's.");
    if (load_le16(p + 16) != ELF_TYPE_EXEC)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The ELF file is not a linked program (an object file or a library?): take the linker's output.");
    e->phoff = load_le32(p + 28);
    e->shoff = load_le32(p + 32);
    e->phnum = load_le16(p + 44);
    e->shnum = load_le16(p + 48);
    if (e->phnum == 0 || load_le16(p + 42) != ELF_PHDR_BYTES || !fits(e, e->phoff, e->phnum, ELF_PHDR_BYTES)) return truncated(f);
    if (e->shnum != 0 && (load_le16(p + 46) != ELF_SHDR_BYTES || !fits(e, e->shoff, e->shnum, ELF_SHDR_BYTES))) return truncated(f);
    return VCPBOOT_OK;
}

/* A linker may let the first segment begin with the ELF header itself, so that a page of the file maps at once; those bytes are no
 * part of the program. The first section with contents in the segment is where it really begins. */
static void leave_out_headers(const struct elf *e, struct segment *s)
{
    uint32_t first = s->filesz;

    if (s->offset >= ELF_HEADER_BYTES || e->shnum == 0) return;
    /*@ loop invariant 0 <= i <= e->shnum && first <= s->filesz;
        loop assigns i, first;
        loop variant e->shnum - i; */
    for (size_t i = 0; i < e->shnum; i++) {
        const uint8_t *h = e->p + e->shoff + i * ELF_SHDR_BYTES;
        uint32_t type = load_le32(h + 4), flags = load_le32(h + 8), offset = load_le32(h + 16), bytes = load_le32(h + 20);
        if (type == 0 || type == ELF_SHT_NOBITS || (flags & ELF_SHF_ALLOC) == 0 || bytes == 0) continue;
        if (offset >= s->offset && offset - s->offset < first) first = offset - s->offset;
    }
    s->offset += first;
    s->paddr += first;
    s->filesz -= first;
}

int elf_read(const uint8_t *p, size_t n, struct span *out, struct fault *f)
{
    struct elf e = { .p = p, .n = n };
    int code = read_header(&e, f);

    /*@ loop invariant 0 <= i <= e.phnum;
        loop invariant code == VCPBOOT_OK ==> e.phoff + e.phnum * 32 <= n && (e.shnum == 0 || e.shoff + e.shnum * 40 <= n);
        loop assigns i, code, *out, *f;
        loop variant e.phnum - i; */
    for (size_t i = 0; code == VCPBOOT_OK && i < e.phnum; i++) {
        const uint8_t *h = p + e.phoff + i * ELF_PHDR_BYTES;
        struct segment s = { .offset = load_le32(h + 4), .paddr = load_le32(h + 12), .filesz = load_le32(h + 16) };
        if (load_le32(h) != ELF_PT_LOAD || s.filesz == 0) continue;
        if (!fits(&e, s.offset, 1, s.filesz)) return truncated(f);
        leave_out_headers(&e, &s);
        code = span_add(out, s.paddr, p + s.offset, s.filesz, f);
    }
    return code;
}
