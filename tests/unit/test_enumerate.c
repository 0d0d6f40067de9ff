/* SPDX-License-Identifier: MIT */
/* Which ports could be a device, while they come and go. What real ports look like, tests/guest/ tests. */
#include "tests/unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/lib/enumerate.h"
#include "host/lib/vcpboot.h"

#define VID 0x0483U
#define PID 0x5740U

static const char *const gone[] = { "ttyGONE0", "ttyGONE1", "ttyGONE2" };
#define GONE (sizeof gone / sizeof gone[0])

static void names(const char *folder, void (*each)(const char *path))
{
    char path[64];

    for (unsigned i = 0; i < GONE; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, gone[i]);
        each(path);
    }
}

static void make(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void take(const char *path) { assert_int_equal(unlink(path), 0); }

static void ports_that_have_left_since_they_were_named_are_passed_over(void **state)
{
    char folder[] = "/tmp/vcpboot-ports-XXXXXX";
    struct vcpboot_ports *list;
    struct fault f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    names(folder, make);
    int code = enumerate_class(folder, &list, VID, PID, &f);
    names(folder, take);
    assert_int_equal(rmdir(folder), 0);

    assert_int_equal(code, VCPBOOT_OK);
    assert_int_equal(list->count, 0);
    free(list);
}

static void a_system_that_does_not_name_its_ports_asks_for_one(void **state)
{
    struct vcpboot_ports *list;
    struct fault f;

    (void)state;
    assert_int_equal(enumerate_class("/nowhere/at/all", &list, VID, PID, &f), VCPBOOT_E_NO_DEVICE);
    assert_null(list);
    assert_non_null(strstr(f.text, "--port"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_that_have_left_since_they_were_named_are_passed_over),
        cmocka_unit_test(a_system_that_does_not_name_its_ports_asks_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
