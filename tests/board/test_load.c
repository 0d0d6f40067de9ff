/* SPDX-License-Identifier: MIT */
/* Images and state files, good ones and bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/load.h"
#include "run_guest.h"

#define TEST(name) static void name(void **state)

struct fixture {
    char dir[64], path[128];
    struct chip *chip;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct chip_options o = guest_options();

    (void)snprintf(f->dir, sizeof f->dir, "board-load-XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    (void)snprintf(f->path, sizeof f->path, "%s/file@x", f->dir);
    f->chip = chip_new(&o);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    chip_free(f->chip);
    (void)unlink(f->path);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *out = fopen(path, "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, bytes, out), bytes);
    assert_int_equal(fclose(out), 0);
}

static void assert_refused(struct fixture *f, const char *spec, const char *why)
{
    struct load_result r;

    assert_false(load_image(f->chip, spec, &r));
    if (strstr(r.error, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", r.error, why);
}

TEST(a_binary_goes_where_its_address_says_or_to_the_start_of_flash)
{
    struct fixture *f = *state;
    struct load_result r;
    char spec[160];

    write_file(f->path, "abcd", 4);
    assert_true(load_image(f->chip, f->path, &r));      /* the @ in the name is not an address */
    assert_memory_equal(flash_cells(chip_flash(f->chip)), "abcd", 4);
    (void)snprintf(spec, sizeof spec, "%s@0x08010000", f->path);
    assert_true(load_image(f->chip, spec, &r));
    assert_memory_equal(flash_cells(chip_flash(f->chip)) + 0x10000, "abcd", 4);
    assert_int_equal(r.first, 0x08010000);
    assert_int_equal(r.last, 0x08010003);
    (void)snprintf(spec, sizeof spec, "%s@0x1FFF0000", f->path);
    assert_true(load_image(f->chip, spec, &r));
}

TEST(a_binary_outside_or_across_the_end_of_flash_is_refused)
{
    struct fixture *f = *state;
    char spec[160];

    write_file(f->path, "abcd", 4);
    (void)snprintf(spec, sizeof spec, "%s@0x0807FFFE", f->path);
    assert_refused(f, spec, "not inside");
    (void)snprintf(spec, sizeof spec, "%s@0x20000000", f->path);
    assert_refused(f, spec, "not inside");
    (void)snprintf(spec, sizeof spec, "%s@0xFFFFFFFE", f->path);
    assert_refused(f, spec, "not inside");
}

TEST(empty_and_missing_files_are_refused)
{
    struct fixture *f = *state;

    write_file(f->path, "", 0);
    assert_refused(f, f->path, "empty");
    assert_refused(f, "no/such/file", "No such file");
}

static size_t tiny_elf(uint8_t *e, uint32_t paddr, uint32_t offset, uint32_t filesz)
{
    static const uint8_t head[20] = { 0x7F, 'E', 'L', 'F', 1, 1, 1, [16] = 2, [18] = 40 };
    uint32_t ph[8] = { 1, offset, paddr, paddr, filesz, filesz, 5, 4 };

    memset(e, 0, 100);
    memcpy(e, head, sizeof head);
    e[28] = 52;                         /* e_phoff */
    e[42] = 32;                         /* e_phentsize */
    e[44] = 1;                          /* e_phnum */
    memcpy(e + 52, ph, sizeof ph);
    memcpy(e + 84, "code", 4);
    return 88;
}

TEST(an_elf_segment_is_placed_by_its_physical_address)
{
    struct fixture *f = *state;
    struct load_result r;
    uint8_t elf[100];

    write_file(f->path, elf, tiny_elf(elf, 0x08004000, 84, 4));
    assert_true(load_image(f->chip, f->path, &r));
    assert_memory_equal(flash_cells(chip_flash(f->chip)) + 0x4000, "code", 4);
    assert_int_equal(r.bytes, 4);
}

TEST(elf_files_that_lie_about_their_size_or_place_are_refused)
{
    struct fixture *f = *state;
    uint8_t elf[100];

    write_file(f->path, elf, tiny_elf(elf, 0x20000000, 84, 4));
    assert_refused(f, f->path, "not inside");
    write_file(f->path, elf, tiny_elf(elf, 0x08004000, 84, 5));
    assert_refused(f, f->path, "truncated");
    write_file(f->path, elf, tiny_elf(elf, 0x08004000, 0xFFFFFFF0, 0x20));
    assert_refused(f, f->path, "truncated");
    (void)tiny_elf(elf, 0x08004000, 84, 4);
    elf[44] = 200;
    write_file(f->path, elf, 88);
    assert_refused(f, f->path, "truncated");
    elf[18] = 3;                        /* x86 */
    write_file(f->path, elf, 88);
    assert_refused(f, f->path, "ARM");
    write_file(f->path, elf, 20);
    assert_refused(f, f->path, "truncated");
}

TEST(the_state_file_comes_back_as_it_went)
{
    struct fixture *f = *state;
    struct chip_options o = guest_options();
    struct chip *other = chip_new(&o);
    struct load_result r;
    bool found;

    for (uint32_t i = 0; i < 0x80000; i++)
        flash_cells(chip_flash(f->chip))[i] = (uint8_t)(i * 7 + (i >> 8));
    assert_true(load_state(f->chip, f->path, &found, &r));
    assert_false(found);
    assert_true(save_state(f->chip, f->path, &r));
    assert_true(load_state(other, f->path, &found, &r));
    assert_true(found);
    assert_memory_equal(flash_cells(chip_flash(f->chip)), flash_cells(chip_flash(other)), 0x80000);
    chip_free(other);
}

TEST(changed_option_bytes_stand_beside_the_state_file_and_no_others)
{
    struct fixture *f = *state;
    struct chip_options o = guest_options();
    struct chip *other = chip_new(&o);
    struct load_result r;
    char options[160];
    bool found;

    (void)snprintf(options, sizeof options, "%s.options", f->path);
    assert_true(save_state(f->chip, f->path, &r));
    assert_int_not_equal(access(options, F_OK), 0);
    flash_set_options(chip_flash(f->chip), 0x000FAAEC);
    assert_true(save_state(f->chip, f->path, &r));
    assert_true(load_state(other, f->path, &found, &r));
    assert_int_equal(flash_get_options(chip_flash(other)), 0x000FAAEC);
    flash_set_options(chip_flash(f->chip), 0x00FFAAEC);
    assert_true(save_state(f->chip, f->path, &r));
    assert_int_not_equal(access(options, F_OK), 0);
    write_file(options, "no number\n", 10);
    assert_false(load_state(other, f->path, &found, &r));
    assert_non_null(strstr(r.error, "option bytes"));
    assert_int_equal(unlink(options), 0);
    chip_free(other);
}

TEST(a_state_file_of_another_size_or_an_unwritable_place_is_refused)
{
    struct fixture *f = *state;
    struct load_result r;
    bool found;

    write_file(f->path, "abcd", 4);
    assert_false(load_state(f->chip, f->path, &found, &r));
    assert_non_null(strstr(r.error, "524288"));
    assert_false(save_state(f->chip, "no/such/folder/file", &r));
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILES(a_binary_goes_where_its_address_says_or_to_the_start_of_flash),
        WITH_FILES(a_binary_outside_or_across_the_end_of_flash_is_refused),
        WITH_FILES(empty_and_missing_files_are_refused),
        WITH_FILES(an_elf_segment_is_placed_by_its_physical_address),
        WITH_FILES(elf_files_that_lie_about_their_size_or_place_are_refused),
        WITH_FILES(the_state_file_comes_back_as_it_went),
        WITH_FILES(changed_option_bytes_stand_beside_the_state_file_and_no_others),
        WITH_FILES(a_state_file_of_another_size_or_an_unwritable_place_is_refused),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
