/* SPDX-License-Identifier: MIT */
/* Is this an image, and is it one for this device? And the seal that makes a raw one whole. */
/* Sources: docs/SPEC.md section 2; RM0090 §2.3 (memory map); PM0214 §2.3.4 (vector table) */
#include "host/lib/image_check.h"

#include <string.h>

#include "host/lib/span.h"
#include "image/bytes.h"
#include "image/crc32.h"
#include "image/info.h"

#define RAM_RANGES (sizeof seal_ram_f407 / sizeof seal_ram_f407[0])

/* An area as large as the format allows: for the checks that need no device. */
static struct seal_area any_area(void)
{
    return (struct seal_area){ .base = IMAGE_FLASH_FIRST, .bytes = SPAN_BYTES_MAX, .ram = seal_ram_f407, .ram_count = RAM_RANGES };
}

static bool sp_possible(uint32_t sp)
{
    if ((sp & 7U) != 0) return false;
    for (size_t i = 0; i < RAM_RANGES; i++)
        if (sp >= seal_ram_f407[i].first && sp <= seal_ram_f407[i].last) return true;
    return false;
}

static uint32_t image_crc(const struct vcpboot_image *image)
{
    uint32_t crc = CRC32_INIT;

    for (uint32_t at = 0; at + 4U <= image->length; at += 4U)
        if (at >= SEAL_HEAD_BYTES || seal_word_counts(at / 4U)) crc = crc32_word(crc, load_le32(image->bytes + at));
    return crc;
}

static int check_seal(const struct vcpboot_image *image, const struct seal_info *seal, struct fault *f)
{
    const char *name = image->name;

    if (seal->length != image->length)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s is sealed for %u bytes but has %u: it was cut off or padded; copy it afresh.", name,
                         (unsigned)seal->length, (unsigned)image->length);
    if (seal->life != LIFE_FRESH)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s has a used life word (0x%08X): it was read back from a device; update from the original file.",
                         name, (unsigned)seal->life);
    if (seal->crc != image_crc(image))
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s does not fit the checksum of its seal: it is damaged; copy or build it afresh.", name);
    return VCPBOOT_OK;
}

static int malformed(const struct vcpboot_image *image, struct fault *f)
{
    if (load_le32(image->bytes + SEAL_AT_MAGIC) == SEAL_MAGIC)
        return fault_set(f, VCPBOOT_E_IMAGE, "%s has a seal whose length or format cannot be (length %u, file %u bytes): "
                         "it is damaged, or sealed by a newer version; build it afresh.",
                         image->name, (unsigned)load_le32(image->bytes + SEAL_AT_LENGTH), (unsigned)image->length);
    return fault_set(f, VCPBOOT_E_IMAGE,
                     "%s has values in the reserved words of its vector table (0x1C-0x28, 0x34), which must be zero in an "
                     "unsealed image: it is damaged, or another tool keeps a checksum there; turn that off.", image->name);
}

int image_check_itself(struct vcpboot_image *image, struct fault *f)
{
    struct seal_area area = any_area();
    struct seal_head head;
    struct seal_info seal;

    if (image->length < SEAL_MIN_BYTES)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s has only %u bytes, less than a vector table: it is no application. Build it afresh.",
                         image->name, (unsigned)image->length);
    seal_head_load(&head, image->bytes);
    if (!sp_possible(head.word[0]))
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s does not begin with a vector table: its first word, the initial stack pointer, is 0x%08X, which "
                         "is not in the chip's RAM. Take the application's file as the linker or objcopy makes it.",
                         image->name, (unsigned)head.word[0]);
    if ((head.word[1] & 1U) == 0)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s has an even reset vector (0x%08X), which no Cortex-M can start: build it afresh.",
                         image->name, (unsigned)head.word[1]);
    seal_parse(&seal, &head, &area);
    image->sealed = seal.kind == SEAL_PRESENT;
    if (seal.kind == SEAL_NONE) return VCPBOOT_OK;
    return image->sealed ? check_seal(image, &seal, f) : malformed(image, f);
}

/* --- against a device ------------------------------------------------------------------------------------------------------ */

static int linked_elsewhere(const struct vcpboot_image *image, uint32_t base, struct fault *f)
{
    if (image->base_known)
        return fault_set(f, VCPBOOT_E_IMAGE, "%s is linked for 0x%08X, but the application of this device begins at 0x%08X: "
                         "set the FLASH origin in the linker script (sdk/README.md) and build it afresh.",
                         image->name, (unsigned)image->base, (unsigned)base);
    return fault_set(f, VCPBOOT_E_IMAGE,
                     "%s is linked elsewhere: its reset vector is 0x%08X, but the application of this device begins at "
                     "0x%08X. Set the FLASH origin in the linker script (sdk/README.md) and build it afresh.",
                     image->name, (unsigned)load_le32(image->bytes + 4), (unsigned)base);
}

int image_check(const struct vcpboot_image *image, uint32_t base, uint32_t bytes, struct fault *f)
{
    uint32_t reset = load_le32(image->bytes + 4), length = (image->length + 3U) & ~3U;

    if (image->base_known && image->base != base) return linked_elsewhere(image, base, f);
    if (reset < base || reset - base >= bytes) {
        if (reset >= IMAGE_FLASH_FIRST && reset <= IMAGE_FLASH_LAST) return linked_elsewhere(image, base, f);
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s has an impossible reset vector: 0x%08X is not in the application area, which begins at 0x%08X. "
                         "Build it afresh.", image->name, (unsigned)reset, (unsigned)base);
    }
    if (length > bytes)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s has %u bytes, but this device has room for %u: make the application smaller (-Os, "
                         "--gc-sections).", image->name, (unsigned)length, (unsigned)bytes);
    if (reset - base < SEAL_HEAD_BYTES || reset - base >= length)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s has a reset vector (0x%08X) that points outside of its %u bytes from 0x%08X: it is truncated, or "
                         "linked elsewhere; build it afresh.",
                         image->name, (unsigned)reset, (unsigned)image->length, (unsigned)base);
    return VCPBOOT_OK;
}

static void store_head(struct vcpboot_image *image, const struct seal_head *head)
{
    for (size_t i = 0; i < SEAL_HEAD_WORDS; i++) store_le32(image->bytes + 4U * i, head->word[i]);
}

int image_seal(struct vcpboot_image *image, uint32_t base, uint32_t bytes, struct fault *f)
{
    int code = image_check(image, base, bytes, f);
    struct seal_head head;

    if (code != VCPBOOT_OK || image->sealed) return code;
    image->length = image->capacity;            /* the padding is there since loading */
    uint32_t info = info_find(image->bytes, image->length);
    size_t entries = info ? info_check(image->bytes, image->length, info) : 0;
    if (entries == 0) info = 0;
    uint8_t flags = entries ? info_flags(image->bytes + info + INFO_HEADER_BYTES, entries) : 0;

    seal_head_load(&head, image->bytes);
    seal_apply(&head, image->length, 0, flags, info);
    store_head(image, &head);                   /* magic, length and format count in the CRC */
    seal_apply(&head, image->length, image_crc(image), flags, info);
    store_head(image, &head);
    image->sealed = true;
    return VCPBOOT_OK;
}
