/* SPDX-License-Identifier: MIT */
/* DFU files: the suffix that every one of them ends with, and ST's DfuSe container, whose elements have addresses. */
/* Sources: USB DFU 1.1 annex B (suffix); ST UM0391 Rev 1 (DfuSe file format); files of dfu-suffix and dfuse-pack */
#include "host/lib/image_parse.h"

#include <string.h>

#include "host/lib/image_file.h"
#include "image/bytes.h"

#define SUFFIX_BYTES 16U                /* counted from its start: */
#define SUFFIX_AT_VERSION 6U            /* bcdDFU; in front of it bcdDevice, idProduct and idVendor */
#define SUFFIX_AT_SIGNATURE 8U
#define SUFFIX_AT_LENGTH 11U
#define SUFFIX_AT_CRC 12U
#define VERSION_DFU 0x0100U             /* DFU 1.1 kept the number of 1.0 */
#define VERSION_DFUSE 0x011AU

/* "DfuSe", version, length of the file (4), targets. The length is not looked at: ST leaves the suffix out, dfuse-pack counts it,
 * others write 0, and the suffix has a CRC of it all. */
#define PREFIX_BYTES 11U
#define PREFIX_AT_VERSION 5U
#define PREFIX_AT_TARGETS 10U
#define TARGET_BYTES 274U               /* "Target", alternate setting, named? (4), name (255), bytes (4), elements (4) */
#define TARGET_AT_BYTES 266U
#define TARGET_AT_ELEMENTS 270U
#define ELEMENT_BYTES 8U                /* address, bytes */

/* --- the suffix --------------------------------------------------------------------------------------------------------- */

static const uint8_t *suffix_of(const uint8_t *p, size_t n)
{
    if (n < SUFFIX_BYTES || memcmp(p + n - SUFFIX_BYTES + SUFFIX_AT_SIGNATURE, "UFD", 3) != 0) return NULL;
    return p + n - SUFFIX_BYTES;
}

/* A raw image may have three such letters there. The length behind them makes it four bytes, all of them in the last words. */
bool dfu_is(const uint8_t *p, size_t n)
{
    const uint8_t *suffix = suffix_of(p, n);

    return dfuse_is(p, n) || (suffix && suffix[SUFFIX_AT_LENGTH] == SUFFIX_BYTES);
}

/* The reflected CRC-32 of everything in front of it, not inverted at the end (annex B). */
static uint32_t crc_of(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xFFFFFFFFU;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc & 1U) ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
    }
    return crc;
}

int dfu_check_suffix(const uint8_t *p, size_t n, size_t *content, struct fault *f)
{
    const uint8_t *suffix = suffix_of(p, n);

    if (!suffix || suffix[SUFFIX_AT_LENGTH] != SUFFIX_BYTES)
        return fault_set(f, VCPBOOT_E_IMAGE, "The DFU file does not end with a DFU suffix: it is truncated or damaged, copy or build it "
                         "afresh (dfu-suffix adds a suffix).");
    if (load_le32(suffix + SUFFIX_AT_CRC) != crc_of(p, n - 4U))
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The DFU file does not fit the checksum of its suffix: it is damaged, copy or build it afresh.");
    unsigned version = load_le16(suffix + SUFFIX_AT_VERSION), wanted = dfuse_is(p, n) ? VERSION_DFUSE : VERSION_DFU;
    if (version != wanted)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The DFU file has version %X.%02X of the format, where %X.%02X belongs: take the .bin, .hex or .elf it was "
                         "made from.", version >> 8, version & 0xFFU, wanted >> 8, wanted & 0xFFU);
    *content = n - SUFFIX_BYTES;
    return VCPBOOT_OK;
}

/* --- the container ------------------------------------------------------------------------------------------------------ */

struct dfuse { const uint8_t *p; size_t n, at; };

bool dfuse_is(const uint8_t *p, size_t n)
{
    return n >= 5U && memcmp(p, "DfuSe", 5) == 0;
}

static int damaged(struct fault *f, const char *what)
{
    return fault_set(f, VCPBOOT_E_IMAGE, "The DfuSe file %s: it is damaged, copy or build it afresh.", what);
}

static int take_element(struct dfuse *d, struct span *out, struct fault *f)
{
    if (d->n - d->at < ELEMENT_BYTES) return damaged(f, "ends within an element");
    uint32_t addr = load_le32(d->p + d->at), bytes = load_le32(d->p + d->at + 4U);

    d->at += ELEMENT_BYTES;
    if (bytes > d->n - d->at) return damaged(f, "ends within an element");
    if (bytes != 0 && (addr < IMAGE_FLASH_FIRST || addr > IMAGE_FLASH_LAST || bytes - 1U > IMAGE_FLASH_LAST - addr))
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The DfuSe file has %u bytes for 0x%08X, which is no flash (option bytes, perhaps): only an application "
                         "can be installed; build the file with nothing else in it.", (unsigned)bytes, (unsigned)addr);
    int code = span_add(out, addr, d->p + d->at, bytes, f);
    d->at += bytes;
    return code;
}

static int take_target(struct dfuse *d, struct span *out, struct fault *f)
{
    if (d->n - d->at < TARGET_BYTES || memcmp(d->p + d->at, "Target", 6) != 0)
        return damaged(f, "has fewer targets than it says");
    uint32_t bytes = load_le32(d->p + d->at + TARGET_AT_BYTES), elements = load_le32(d->p + d->at + TARGET_AT_ELEMENTS);

    d->at += TARGET_BYTES;
    if (bytes > d->n - d->at) return damaged(f, "ends within a target");
    struct dfuse inner = { d->p, d->at + bytes, d->at };
    d->at += bytes;
    /* However many it claims, each takes eight bytes of the file at least. */
    for (uint32_t i = 0; i < elements; i++) {
        int code = take_element(&inner, out, f);
        if (code != VCPBOOT_OK) return code;
    }
    return inner.at == inner.n ? VCPBOOT_OK : damaged(f, "has a target that is longer than its elements");
}

int dfuse_read(const uint8_t *p, size_t n, struct span *out, struct fault *f)
{
    struct dfuse d = { p, n, PREFIX_BYTES };

    if (n < PREFIX_BYTES) return damaged(f, "is shorter than its prefix");
    if (p[PREFIX_AT_VERSION] != 1U)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "The DfuSe file has version %u of the format, and only 1 is known: take the .bin, .hex or .elf it was made "
                         "from.", p[PREFIX_AT_VERSION]);
    for (unsigned i = 0; i < p[PREFIX_AT_TARGETS]; i++) {
        int code = take_target(&d, out, f);
        if (code != VCPBOOT_OK) return code;
    }
    return d.at == n ? VCPBOOT_OK : damaged(f, "goes on behind its last target");
}
