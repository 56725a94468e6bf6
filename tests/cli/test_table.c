/* Tables: alignment, fitting to a width, hidden columns, unsafe cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "table.h"
#include "text.h"

static void assert_table(const kin_column *columns, size_t column_count, const char *const *cells,
                         size_t width, const char *expected)
{
    kin_capture capture;
    kin_table *table = kin_table_new(columns, column_count);
    for (; *cells != NULL; cells++)
        kin_table_cell(table, *cells);
    assert_true(kin_table_print(table, capture_begin(&capture), width));
    assert_string_equal(capture_end(&capture), expected);
    capture_release(&capture);
    kin_table_free(table);
}

static const kin_column three[] = {
    {.heading = "rank", .kind = KIN_COLUMN_NUMBER},
    {.heading = "labels", .kind = KIN_COLUMN_TEXT, .hide_if_empty = true},
    {.heading = "where", .kind = KIN_COLUMN_PATH},
};

static void test_alignment(void **unused)
{
    (void)unused;
    assert_table(three, 3, (const char *[]){"1", "glioma", "a/b", "10", "no", "c", NULL}, 0,
                 "rank  labels  where\n"
                 "   1  glioma  a/b\n"
                 "  10  no      c\n");
}

static void test_wide_and_unsafe_cells_keep_columns_aligned(void **unused)
{
    (void)unused;
    assert_table(three, 3, (const char *[]){"1", "脳", "a", "2", "\x1b[2J", "b", NULL}, 0,
                 "rank  labels  where\n"
                 "   1  脳      a\n"
                 "   2  \xEF\xBF\xBD[2J    b\n");
}

static void test_empty_columns_are_hidden_and_nothing_trails(void **unused)
{
    (void)unused;
    assert_table(three, 3, (const char *[]){"1", "", "a", "2", "", "", NULL}, 0,
                 "rank  where\n"
                 "   1  a\n"
                 "   2\n");
}

static void test_fits_the_width(void **unused)
{
    (void)unused;
    /* 4 + 2 + 8 + 2 + 8 = 24: both text columns at their narrowest */
    const char *const cells[] = {"1", "a label that is long", "/a/folder/deep/down/file.dcm", NULL};
    assert_table(three, 3, cells, 24,
                 "rank  labels    where\n"
                 "   1  a label…  …ile.dcm\n");
    assert_table(three, 3, cells, 34,
                 "rank  labels         where\n"
                 "   1  a label that…  …own/file.dcm\n");
    /* narrower than possible: as narrow as it gets */
    assert_table(three, 3, cells, 5,
                 "rank  labels    where\n"
                 "   1  a label…  …ile.dcm\n");
}

static void test_maximum_applies_without_a_terminal(void **unused)
{
    (void)unused;
    static const kin_column columns[] = {{.heading = "l", .kind = KIN_COLUMN_TEXT, .max = 4},
                                         {.heading = "n", .kind = KIN_COLUMN_NUMBER}};
    assert_table(columns, 2, (const char *[]){"abcdef", "7", NULL}, 0,
                 "l     n\n"
                 "abc…  7\n");
}

static void test_without_headings(void **unused)
{
    (void)unused;
    static const kin_column columns[] = {{.kind = KIN_COLUMN_NAME}, {.kind = KIN_COLUMN_NUMBER}};
    assert_table(columns, 2, (const char *[]){"files", "12", "failed", "3", NULL}, 0,
                 "files   12\n"
                 "failed   3\n");
}

static void test_formatted_cells_and_no_table(void **unused)
{
    (void)unused;
    static const kin_column columns[] = {{.kind = KIN_COLUMN_NUMBER}};
    kin_capture capture;
    kin_table *table = kin_table_new(columns, 1);
    kin_table_cellf(table, "%.2f", 0.5);
    assert_true(kin_table_print(table, capture_begin(&capture), 0));
    assert_string_equal(capture_end(&capture), "0.50\n");
    capture_release(&capture);
    kin_table_free(table);
    kin_table_cell(NULL, "no memory for the table");
    assert_false(kin_table_print(NULL, stdout, 0));
}

int main(void)
{
    kin_text_locale();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_wide_and_unsafe_cells_keep_columns_aligned),
        cmocka_unit_test(test_empty_columns_are_hidden_and_nothing_trails),
        cmocka_unit_test(test_fits_the_width),
        cmocka_unit_test(test_maximum_applies_without_a_terminal),
        cmocka_unit_test(test_without_headings),
        cmocka_unit_test(test_formatted_cells_and_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
