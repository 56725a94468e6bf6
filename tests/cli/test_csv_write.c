/* CSV by RFC 4180: what is quoted and how, and that libcsv reads back what was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <csv.h>

#include "capture.h"
#include "csv_write.h"

static void assert_field(const char *value, const char *expected)
{
    kin_capture capture;
    kin_csv_field(capture_begin(&capture), value);
    assert_string_equal(capture_end(&capture), expected);
    capture_release(&capture);
}

static void test_quoting(void **unused)
{
    (void)unused;
    assert_field("", "");
    assert_field("plain text", "plain text");
    assert_field("a,b", "\"a,b\"");
    assert_field("say \"ah\"", "\"say \"\"ah\"\"\"");
    assert_field("two\nlines", "\"two\nlines\"");
    assert_field("cr\rhere", "\"cr\rhere\"");
    assert_field(" led by a blank", "\" led by a blank\"");
    assert_field("=1+1", "=1+1"); /* data are not changed for spreadsheets' sake */
}

static const char *const values[] = {"x",        "",        "a,b",     "\"",    "\"\"",
                                     "l1\r\nl2", " blank ", "Röntgen", "tab\t", NULL};

static void check_field(void *bytes, size_t size, void *ctx)
{
    size_t *at = ctx;
    assert_non_null(values[*at]);
    assert_int_equal(size, strlen(values[*at]));
    assert_memory_equal(bytes, values[*at], size);
    ++*at;
}

static void test_reads_back(void **unused)
{
    (void)unused;
    kin_capture capture;
    FILE *out = capture_begin(&capture);
    for (size_t i = 0; values[i] != NULL; i++) {
        if (i > 0)
            kin_csv_comma(out);
        kin_csv_field(out, values[i]);
    }
    kin_csv_end(out);
    capture_end(&capture);
    struct csv_parser parser;
    size_t read = 0;
    assert_int_equal(csv_init(&parser, CSV_STRICT), 0);
    assert_int_equal(csv_parse(&parser, capture.text, capture.size, check_field, NULL, &read),
                     capture.size);
    csv_free(&parser);
    assert_null(values[read]);
    capture_release(&capture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
