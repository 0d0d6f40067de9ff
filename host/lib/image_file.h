/* SPDX-License-Identifier: MIT */
/* A firmware image in memory: loading, the checks before anything is sent, sealing. */
#ifndef VCPBOOT_IMAGE_FILE_H
#define VCPBOOT_IMAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/lib/fault.h"
#include "image/seal.h"

#define IMAGE_DEFAULT_BASE 0x08010000U  /* docs/SPEC.md section 1 */
#define IMAGE_FLASH_FIRST 0x08000000U   /* of the largest F4: RM0090 §3.4 */
#define IMAGE_FLASH_LAST 0x081FFFFFU

struct vcpboot_image {
    uint8_t *bytes;
    uint32_t length;
    uint32_t capacity;                  /* room for the padding of a seal */
    bool base_known;                    /* ELF and HEX say where they belong */
    uint32_t base;
    bool sealed;
    char name[256];
    char product[32], version[32];
};

/* Parses a file's content. All checks that need no device: empty, truncated, too small, too big, SP impossible, sealed wrongly. */
int image_from_memory(struct vcpboot_image **out, const uint8_t *p, size_t n, const char *name, struct fault *f);
int image_from_file(struct vcpboot_image **out, const char *path, struct fault *f);
/* The checks against an application area: length, link address, reset vector. */
int image_check(const struct vcpboot_image *image, uint32_t base, uint32_t bytes, struct fault *f);
/* image_check, and seals if it is raw. */
int image_seal(struct vcpboot_image *image, uint32_t base, uint32_t bytes, struct fault *f);
int image_save(const struct vcpboot_image *image, const char *path, struct fault *f);
void image_free(struct vcpboot_image *image);

#endif
