/* SPDX-License-Identifier: MIT */
/* cmocka with what it needs in front of it. */
#ifndef VCPBOOT_TEST_CM_H
#define VCPBOOT_TEST_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state_unused)
#define UNUSED_STATE ((void)state_unused)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
