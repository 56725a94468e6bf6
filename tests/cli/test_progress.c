/* The progress line: what it says, and that it never exceeds its width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "progress.h"

static void test_while_files_are_still_being_found(void **unused)
{
    (void)unused;
    char line[256];
    const kin_ingest_progress state = {
        .files_found = 90, .files_done = 12, .images = 40, .seconds = 4};
    kin_progress_ingest_line(&state, line, sizeof line, 79);
    assert_string_equal(line, "12 of 90+ files, 10.0 images/s");
}

static void test_bar_and_remaining_time(void **unused)
{
    (void)unused;
    char line[256];
    const kin_ingest_progress state = {
        .files_found = 100, .walk_done = true, .files_done = 25, .images = 25, .seconds = 30};
    kin_progress_ingest_line(&state, line, sizeof line, 79);
    /* a quarter in 30 s: three quarters take 90 s more */
    assert_string_equal(
        line, "[#########------------------------------] 25/100 files, 0.8 images/s, 1:30 left");
}

static void test_nothing_to_do(void **unused)
{
    (void)unused;
    char line[256];
    const kin_ingest_progress state = {.walk_done = true};
    kin_progress_ingest_line(&state, line, sizeof line, 79);
    assert_string_equal(line, "0 of 0+ files, 0.0 images/s");
}

static void test_stage(void **unused)
{
    (void)unused;
    char line[256];
    kin_progress_stage_line("learn", 0.5, line, sizeof line, 20);
    assert_string_equal(line, "[###----]  50% learn");
    kin_progress_stage_line("learn", 7, line, sizeof line, 10);
    assert_string_equal(line, "100% learn");
    kin_progress_stage_line("learn", -1, line, sizeof line, 10);
    assert_string_equal(line, "  0% learn");
}

static void test_never_exceeds_its_width(void **unused)
{
    (void)unused;
    char line[64];
    const kin_ingest_progress state = {.files_found = UINT64_MAX,
                                       .walk_done = true,
                                       .files_done = UINT64_MAX / 3,
                                       .images = UINT64_MAX,
                                       .seconds = 1e-3};
    for (size_t width = 1; width < 120; width++) {
        kin_progress_ingest_line(&state, line, sizeof line, width);
        assert_true(strlen(line) <= width);
        kin_progress_stage_line("a stage with a long name", 0.3, line, sizeof line, width);
        assert_true(strlen(line) <= width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_while_files_are_still_being_found),
        cmocka_unit_test(test_bar_and_remaining_time),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_stage),
        cmocka_unit_test(test_never_exceeds_its_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
