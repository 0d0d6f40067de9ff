/* SPDX-License-Identifier: MIT */
/* The checks of an image that need no device; those that do are in image_file.h. */
#ifndef VCPBOOT_IMAGE_CHECK_H
#define VCPBOOT_IMAGE_CHECK_H

#include "host/lib/image_file.h"

/* Size, initial SP, and the seal if there is one. Sets image->sealed. */
int image_check_itself(struct vcpboot_image *image, struct fault *f);

#endif
