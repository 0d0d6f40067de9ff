/* SPDX-License-Identifier: MIT */
/* docs/SPEC.md against the headers: in a table whose last column is headed "name", a row says in its first column what the macro or
 * enumerator in its last must be. */
#include "tests/unit/cm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/decide.h"
#include "boot/mailbox.h"
#include "boot/serve.h"
#include "image/info.h"
#include "image/seal.h"
#include "proto/an3155.h"
#include "proto/native.h"
#include "update/status.h"

#define NAMED(name) { #name, (unsigned long)(name), false }

static struct known { const char *name; unsigned long value; bool seen; } known[] = {
    NAMED(SEAL_AT_MAGIC), NAMED(SEAL_AT_LENGTH), NAMED(SEAL_AT_CRC), NAMED(SEAL_AT_FORMAT), NAMED(SEAL_AT_LIFE),
    NAMED(SEAL_MAGIC), NAMED(SEAL_HEAD_BYTES), NAMED(SEAL_FORMAT), NAMED(SEAL_FLAG_CONFIRMS),
    NAMED(LIFE_START_1), NAMED(LIFE_START_2), NAMED(LIFE_START_3), NAMED(LIFE_CONFIRMED), NAMED(LIFE_REVOKED),
    NAMED(INFO_PRODUCT), NAMED(INFO_VERSION), NAMED(INFO_COUNTER), NAMED(INFO_KEY_ID), NAMED(INFO_SIGNATURE), NAMED(INFO_FLAGS),
    NAMED(BOOT_START_SEALED), NAMED(BOOT_START_UNSEALED), NAMED(BOOT_STAY_REQUESTED), NAMED(BOOT_STAY_PIN),
    NAMED(BOOT_STAY_EMPTY), NAMED(BOOT_STAY_VECTORS), NAMED(BOOT_STAY_DAMAGED), NAMED(BOOT_STAY_UNSEALED),
    NAMED(BOOT_STAY_REVOKED), NAMED(BOOT_STAY_CRASH_LOOP),
    NAMED(MAILBOX_BOOTLOADER), NAMED(MAILBOX_DFU), NAMED(MAILBOX_ROM),
    NAMED(NATIVE_SYNC0), NAMED(NATIVE_SYNC1), NAMED(NATIVE_HEADER_BYTES), NAMED(NATIVE_TRAILER_BYTES),
    NAMED(NATIVE_PAYLOAD_MAX), NAMED(NATIVE_DATA_MAX), NAMED(NATIVE_GAP_MS), NAMED(NATIVE_VERSION),
    NAMED(NATIVE_HELLO), NAMED(NATIVE_DIGEST), NAMED(NATIVE_BEGIN), NAMED(NATIVE_DATA), NAMED(NATIVE_FINISH),
    NAMED(NATIVE_ABORT), NAMED(NATIVE_REBOOT), NAMED(NATIVE_READ),
    NAMED(UPDATE_OK), NAMED(UPDATE_E_UNKNOWN), NAMED(UPDATE_E_LENGTH), NAMED(UPDATE_E_STATE), NAMED(UPDATE_E_RANGE),
    NAMED(UPDATE_E_SEQUENCE), NAMED(UPDATE_E_IMAGE_SIZE), NAMED(UPDATE_E_IMAGE_VECTORS), NAMED(UPDATE_E_IMAGE_SEAL),
    NAMED(UPDATE_E_IMAGE_CRC), NAMED(UPDATE_E_IMAGE_PRODUCT), NAMED(UPDATE_E_ERASE), NAMED(UPDATE_E_PROGRAM),
    NAMED(UPDATE_E_PROTECTED), NAMED(UPDATE_E_BUSY), NAMED(UPDATE_E_DENIED),
    NAMED(YM_SOH), NAMED(YM_STX), NAMED(YM_EOT), NAMED(YM_ACK), NAMED(YM_NAK), NAMED(YM_CAN), NAMED(YM_CANS),
    NAMED(YM_CRC), NAMED(YM_STREAM), NAMED(YM_PAD),
    NAMED(SERVE_CALLS), NAMED(SERVE_CALL_MS), NAMED(SERVE_CALLS_ASIDE), NAMED(SERVE_ECHO_MS), NAMED(SERVE_PAUSE_MS),
    NAMED(SERVE_KEY_MS),
    NAMED(AN_INIT), NAMED(AN_ACK), NAMED(AN_NACK), NAMED(AN_VERSION), NAMED(AN_BLOCK_MAX),
};

static bool is_name(const char *s)
{
    if (!isupper((unsigned char)s[0]))
        return false;
    for (; *s != '\0'; s++)
        if (!isupper((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '_')
            return false;
    return true;
}

static char *trim(char *s)
{
    size_t n;

    while (*s == ' ')
        s++;
    n = strlen(s);
    while (n > 0 && s[n - 1] == ' ')
        s[--n] = '\0';
    return s;
}

/* Splits "| a | b | c |" into its first and last column; false if the line is no table row. */
static bool split(char *line, char **first, char **last)
{
    char *end = line + strcspn(line, "\r\n"), *bar;

    *end = '\0';
    if (line[0] != '|' || end - line < 4 || end[-1] != '|')
        return false;
    end[-1] = '\0';
    bar = strrchr(line, '|');
    *last = trim(bar + 1);
    *bar = '\0';
    *first = line + 1;
    (*first)[strcspn(*first, "|")] = '\0';
    *first = trim(*first);
    return true;
}

static void check_row(const char *value, const char *name)
{
    char *rest;
    unsigned long want = strtoul(value, &rest, 0);

    assert_true(value[0] != '\0' && *rest == '\0');
    for (size_t i = 0; i < COUNT(known); i++) {
        if (strcmp(known[i].name, name) == 0) {
            if (known[i].value != want)
                fail_msg("docs/SPEC.md says %s is %s, the header says 0x%lX", name, value, known[i].value);
            known[i].seen = true;
            return;
        }
    }
    fail_msg("docs/SPEC.md has a row for %s, which this test does not know", name);
}

TEST(every_named_row_of_the_spec_agrees_with_the_header)
{
    FILE *f = fopen(SPEC, "r");
    char line[1024], *first, *last;
    bool named = false;
    unsigned rows = 0;

    UNUSED_STATE;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (!split(line, &first, &last)) {
            named = false;
        } else if (strcmp(last, "name") == 0) {
            named = true;
        } else if (named && is_name(last)) {
            check_row(first, last);
            rows++;
        } else if (named) {
            assert_string_equal(last, "---");
        }
    }
    fclose(f);
    assert_true(rows >= COUNT(known));
}

TEST(every_name_that_this_test_knows_stands_in_the_spec)
{
    UNUSED_STATE;
    for (size_t i = 0; i < COUNT(known); i++)
        if (!known[i].seen)
            fail_msg("docs/SPEC.md has no row for %s", known[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_named_row_of_the_spec_agrees_with_the_header),
        cmocka_unit_test(every_name_that_this_test_knows_stands_in_the_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
