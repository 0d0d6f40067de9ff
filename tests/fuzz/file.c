/* SPDX-License-Identifier: MIT */
/* A file on its way to a device. */
#include "tests/fuzz/file.h"

#include <string.h>

#include "host/lib/image_file.h"
#include "image/bytes.h"
#include "tests/unit/make_image.h"

#define AREA_BYTES 0x70000U

/* The only reason here is the file itself. */
static void check_refusal(int code, const struct fault *f)
{
    FUZZ_CHECK(code == VCPBOOT_E_IMAGE && f->code == code);
    FUZZ_CHECK(memchr(f->text, '\0', sizeof f->text) != NULL && strlen(f->text) > 20U);
}

/* The one image in 2^32 that ends as a DFU file does. */
static bool ends_as_dfu(const struct vcpboot_image *image)
{
    return memcmp(image->bytes + image->length - 8U, "UFD\x10", 4) == 0;
}

static void check_sealed(const struct vcpboot_image *image)
{
    struct vcpboot_image *again;
    struct fault f = { .code = 0 };

    FUZZ_CHECK(image->sealed && image->length % 4U == 0 && image->length <= AREA_BYTES && image->length <= image->capacity);
    FUZZ_CHECK(load_le32(image->bytes + SEAL_AT_LENGTH) == image->length);
    FUZZ_CHECK(load_le32(image->bytes + SEAL_AT_CRC) == make_image_crc(image->bytes, image->length));
    if (ends_as_dfu(image)) return;
    FUZZ_CHECK(image_from_memory(&again, image->bytes, image->length, "again.bin", &f) == VCPBOOT_OK);
    FUZZ_CHECK(again->length == image->length && memcmp(again->bytes, image->bytes, image->length) == 0);
    FUZZ_CHECK(strcmp(again->product, image->product) == 0 && strcmp(again->version, image->version) == 0);
    image_free(again);
}

void file_try(const uint8_t *p, size_t n, const char *name)
{
    struct vcpboot_image *image = NULL;
    struct fault f = { .code = 0 };
    int code = image_from_memory(&image, p, n, name, &f);

    if (code != VCPBOOT_OK) {
        FUZZ_CHECK(image == NULL);
        check_refusal(code, &f);
        return;
    }
    code = image_seal(image, image->base_known ? image->base : IMAGE_DEFAULT_BASE, AREA_BYTES, &f);
    if (code == VCPBOOT_OK) check_sealed(image);
    else check_refusal(code, &f);
    image_free(image);
}
