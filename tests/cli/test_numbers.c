/* Numbers from the command line: all of the text or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "numbers.h"

static void test_sizes(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        size_t size; /* 0: refused */
    } cases[] = {
        {"1", 1},
        {"500", 500},
        {"64K", 65536},
        {"64k", 65536},
        {"3M", 3145728},
        {"2G", 2147483648},
        {"1T", (size_t)1 << 40},
        {"7B", 7},
        {"1KB", 1024},
        {"1KiB", 1024},
        {"1kib", 1024},
        {"0", 0},
        {"", 0},
        {"K", 0},
        {"-1", 0},
        {"+1", 0},
        {" 1", 0},
        {"1 K", 0},
        {"1.5G", 0},
        {"1X", 0},
        {"1KK", 0},
        {"1Ki", 0},
        {"0x10", 0},
        {"99999999999999999999", 0},
        {"16777216T", 0}, /* 2^64 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = 0;
        assert_int_equal(kin_parse_size(cases[i].text, &size), cases[i].size != 0);
        if (cases[i].size != 0)
            assert_int_equal(size, cases[i].size);
    }
}

static void test_integers(void **unused)
{
    (void)unused;
    long number = 0;
    assert_true(kin_parse_long("10", 1, 10, &number));
    assert_int_equal(number, 10);
    assert_true(kin_parse_long("-3", -5, 5, &number));
    assert_int_equal(number, -3);
    static const char *const refused[] = {
        "", "0", "11", "ten", "5x", " 5", "5 ", "1e1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_false(kin_parse_long(refused[i], 1, 10, &number));
}

static void test_reals(void **unused)
{
    (void)unused;
    double number = 0;
    assert_true(kin_parse_double("0.95", 0, 1, &number));
    assert_true(fabs(number - 0.95) < 1e-12);
    assert_true(kin_parse_double(".5", 0, 1, &number));
    static const char *const refused[] = {"", "1.01", "-0.1", "nan", "inf", "0,5", "0.5x", " 0.5"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_false(kin_parse_double(refused[i], 0, 1, &number));
}

static void test_for_people(void **unused)
{
    (void)unused;
    char text[16];
    kin_format_bytes(517, text);
    assert_string_equal(text, "517 B");
    kin_format_bytes(3500, text);
    assert_string_equal(text, "3.4 KiB");
    kin_format_bytes(1048575, text);
    assert_string_equal(text, "1.0 MiB");
    kin_format_bytes(UINT64_MAX, text);
    assert_string_equal(text, "16.0 EiB");
    kin_format_duration(7.4, text);
    assert_string_equal(text, "7 s");
    kin_format_duration(59.7, text);
    assert_string_equal(text, "1:00");
    kin_format_duration(3725, text);
    assert_string_equal(text, "1:02:05");
    kin_format_duration(NAN, text);
    assert_string_equal(text, "");
    kin_format_duration(1e12, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_reals),
        cmocka_unit_test(test_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
