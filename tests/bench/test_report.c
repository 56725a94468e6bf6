/* Tables, plots and percentiles: that what was measured is what is shown. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fs.h"
#include "plot.h"
#include "report.h"
#include "temp_folder.h"

static void test_table(void **unused)
{
    (void)unused;
    static const bench_column columns[] = {
        {"name", "index", BENCH_TEXT, 0},
        {"recall", "recall", BENCH_NUMBER, 3},
        {"rate", "q/s", BENCH_GROUPED, 0},
        {"bytes", "bytes", BENCH_BYTES, 0},
    };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *rows =
        json_pack("[{s:s, s:f, s:f, s:i}, {s:s, s:n, s:i}]", "name", "näme", "recall", 0.98765,
                  "rate", 1234567.4, "bytes", 1500, "name", "b", "recall", "rate", 999);
    assert_non_null(rows);
    bench_table_print(out, "Title", rows, columns, 4);
    fclose(out);
    assert_string_equal(text, "Title\n"
                              "index  recall        q/s   bytes\n"
                              "näme    0.988  1,234,567  1.5 kB\n"
                              "b           -        999       -\n");
    free(text);
    json_decref(rows);
}

static void test_percentile(void **unused)
{
    (void)unused;
    double values[] = {5, 1, 4, 2, 3};
    assert_true(bench_percentile(values, 5, 0.5) == 3);
    assert_true(bench_percentile(values, 5, 0.99) == 5);
    assert_true(bench_percentile(values, 5, 0) == 1);
    assert_true(bench_percentile(values, 5, 1) == 5);
    assert_true(bench_percentile(values, 0, 0.5) == 0);
}

static void test_machine(void **unused)
{
    (void)unused;
    json_t *machine = bench_machine();
    assert_non_null(machine);
    assert_true(json_integer_value(json_object_get(machine, "cpus")) > 0);
    assert_non_null(json_string_value(json_object_get(machine, "simd")));
    json_decref(machine);
    assert_true(bench_memory_anonymous() > 0);
    assert_true(bench_memory_peak() >= bench_memory_anonymous());
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

static void test_plot(void **unused)
{
    (void)unused;
    char folder[PATH_MAX], path[PATH_MAX + 16];
    void *text;
    size_t size;
    const double recall[] = {0.9, 0.99, 1}, rate[] = {10000, 3000, 0}, none[] = {-1, -1, 0};
    const bench_curve curves[] = {
        {.name = "a < b & c", .x = recall, .y = rate, .count = 3},
        {.name = "points", .x = recall, .y = rate, .count = 1, .apart = true}};
    bench_plot plot = {.title = "T",
                       .x_title = "recall",
                       .y_title = "q/s",
                       .x_axis = BENCH_RECALL,
                       .y_axis = BENCH_LOG,
                       .curves = curves,
                       .count = 2};
    temp_folder_make(folder);
    snprintf(path, sizeof path, "%s/p.svg", folder);
    assert_int_equal(bench_plot_write(&plot, path, NULL), KIN_OK);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, 1 << 20, &text, &size, NULL), KIN_OK);
    assert_non_null(strstr(text, "a &lt; b &amp; c"));
    assert_int_equal(count_of(text, "<polyline"), 1);
    /* Two points and the legend's: a rate of 0 has no place on a logarithmic axis. */
    assert_int_equal(count_of(text, "<circle"), 3);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    free(text);
    const bench_curve nothing = {.name = "x", .x = none, .y = none, .count = 2};
    plot.curves = &nothing;
    plot.count = 1;
    assert_int_equal(bench_plot_write(&plot, path, NULL), KIN_E_ARG);
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_percentile),
        cmocka_unit_test(test_machine),
        cmocka_unit_test(test_plot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
