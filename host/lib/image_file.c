/* SPDX-License-Identifier: MIT */
/* A firmware image in memory: loading and saving. */
/* Sources: docs/SPEC.md section 2; PM0214 §2.3.4 (vector table) */
#include "host/lib/image_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/lib/image_check.h"
#include "host/lib/image_parse.h"
#include "image/info.h"

#define FILE_BYTES_MAX (64UL * 1024UL * 1024UL) /* an ELF file with its debug information */

/* --- from a file's content ------------------------------------------------------------------------------------------------- */

static bool has_extension(const char *name, const char *extension)
{
    size_t n = strlen(name), m = strlen(extension);

    return n > m && strcasecmp(name + n - m, extension) == 0;
}

static int keep(struct vcpboot_image *image, const uint8_t *p, size_t n, struct fault *f)
{
    if (n > SPAN_BYTES_MAX)
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s has %zu bytes, more than any flash of this series: it is not a firmware image.", image->name, n);
    image->capacity = (uint32_t)((n + 3U) & ~(size_t)3U);
    image->bytes = malloc(image->capacity);
    if (!image->bytes) return fault_set(f, VCPBOOT_E_FAILED, "There is not enough memory for the file.");
    memset(image->bytes, SPAN_GAP, image->capacity);
    memcpy(image->bytes, p, n);
    image->length = (uint32_t)n;
    return VCPBOOT_OK;
}

typedef int (*read_fn)(const uint8_t *p, size_t n, struct span *out, struct fault *f);

static int take_pieces(struct vcpboot_image *image, read_fn read, const uint8_t *p, size_t n, struct fault *f)
{
    struct span s = { .bytes = NULL };
    int code = read(p, n, &s, f);

    if (code == VCPBOOT_OK) code = span_allocate(&s, f);
    if (code == VCPBOOT_OK) code = read(p, n, &s, f);
    if (code == VCPBOOT_OK) code = keep(image, s.bytes, (size_t)(s.end - s.first), f);
    image->base_known = true;
    image->base = s.first;
    span_free(&s);
    return code;
}

static int take_content(struct vcpboot_image *image, const uint8_t *p, size_t n, struct fault *f)
{
    if (dfu_is(p, n)) {
        int code = dfu_check_suffix(p, n, &n, f);
        if (code != VCPBOOT_OK) return code;
        if (dfuse_is(p, n)) return take_pieces(image, dfuse_read, p, n, f);
    } else if (has_extension(image->name, ".dfu")) {
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s is not what its name says: it does not end with a DFU suffix. Copy it afresh; if it is a raw image, "
                         "name it .bin.", image->name);
    }
    if (n == 0) return fault_set(f, VCPBOOT_E_IMAGE, "%s is empty: build it afresh.", image->name);
    if (elf_is(p, n)) return take_pieces(image, elf_read, p, n, f);
    if (hex_is(p, n)) return take_pieces(image, hex_read, p, n, f);
    if (has_extension(image->name, ".elf") || has_extension(image->name, ".axf") || has_extension(image->name, ".hex"))
        return fault_set(f, VCPBOOT_E_IMAGE,
                         "%s is not what its name says: its content is neither ELF nor Intel HEX. Copy or build it afresh.",
                         image->name);
    return keep(image, p, n, f);
}

/* Of the image as it will be sealed: the zeros at the end of an info block may be what is cut off. */
static void read_info(struct vcpboot_image *image)
{
    uint32_t at = info_find(image->bytes, image->capacity);
    size_t n = at ? info_check(image->bytes, image->capacity, at) : 0;

    if (n == 0) return;
    const uint8_t *entries = image->bytes + at + INFO_HEADER_BYTES;
    (void)info_text(entries, n, INFO_PRODUCT, image->product, sizeof image->product);
    (void)info_text(entries, n, INFO_VERSION, image->version, sizeof image->version);
}

int image_from_memory(struct vcpboot_image **out, const uint8_t *p, size_t n, const char *name, struct fault *f)
{
    struct vcpboot_image *image = calloc(1, sizeof *image);

    *out = NULL;
    if (!image) return fault_set(f, VCPBOOT_E_FAILED, "There is not enough memory for the file.");
    (void)snprintf(image->name, sizeof image->name, "%s", name && *name ? name : "The image");
    int code = take_content(image, p, n, f);
    if (code == VCPBOOT_OK) code = image_check_itself(image, f);
    if (code != VCPBOOT_OK) {
        image_free(image);
        return code;
    }
    read_info(image);
    *out = image;
    return VCPBOOT_OK;
}

void image_free(struct vcpboot_image *image)
{
    if (!image) return;
    free(image->bytes);
    free(image);
}

/* --- files --------------------------------------------------------------------------------------------------------------------- */

/* Reads a whole stream; its size is not known beforehand (a pipe). */
static int read_stream(FILE *file, const char *path, uint8_t **out, size_t *n, struct fault *f)
{
    size_t have = 0, room = 0;
    uint8_t *p = NULL;

    for (;;) {
        if (have == room) {
            room = room ? room * 2U : 1024U * 1024U;
            uint8_t *bigger = room <= FILE_BYTES_MAX ? realloc(p, room) : NULL;
            if (!bigger) break;
            p = bigger;
        }
        size_t got = fread(p + have, 1, room - have, file);
        have += got;
        if (got != 0) continue;
        if (ferror(file)) break;
        *out = p;
        *n = have;
        return VCPBOOT_OK;
    }
    free(p);
    if (ferror(file)) return fault_set(f, VCPBOOT_E_IMAGE, "%s cannot be read: %s. Check the path.", path, strerror(errno));
    return fault_set(f, VCPBOOT_E_IMAGE, "%s is larger than 64 MB: it is not a firmware image.", path);
}

int image_from_file(struct vcpboot_image **out, const char *path, struct fault *f)
{
    uint8_t *p = NULL;
    size_t n = 0;
    FILE *file = fopen(path, "rb");

    *out = NULL;
    if (!file) return fault_set(f, VCPBOOT_E_IMAGE, "%s cannot be opened: %s. Check the path.", path, strerror(errno));
    int code = read_stream(file, path, &p, &n, f);
    (void)fclose(file);
    if (code != VCPBOOT_OK) return code;
    code = image_from_memory(out, p, n, path, f);
    free(p);
    return code;
}

int image_save(const struct vcpboot_image *image, const char *path, struct fault *f)
{
    FILE *file = fopen(path, "wb");

    if (!file) return fault_set(f, VCPBOOT_E_FAILED, "%s cannot be created: %s. Check the path.", path, strerror(errno));
    bool good = fwrite(image->bytes, 1, image->length, file) == image->length;
    good = fclose(file) == 0 && good;
    if (good) return VCPBOOT_OK;
    int why = errno;
    (void)remove(path);
    return fault_set(f, VCPBOOT_E_FAILED, "%s cannot be written: %s.", path, strerror(why));
}
