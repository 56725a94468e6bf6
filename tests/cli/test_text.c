/* Printing text from strangers: nothing that moves a cursor gets through, widths and cuts count
 * columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "base/utf8.h"
#include "text.h"

static void assert_printed(const char *text, const char *expected)
{
    kin_capture capture;
    kin_text_put(capture_begin(&capture), text);
    assert_string_equal(capture_end(&capture), expected);
    capture_release(&capture);
}

static void assert_cut(const char *text, size_t width, kin_text_cut cut, const char *expected)
{
    kin_capture capture;
    size_t used = kin_text_put_cut(capture_begin(&capture), text, width, cut);
    assert_string_equal(capture_end(&capture), expected);
    assert_int_equal(used, kin_text_width(expected));
    assert_true(used <= width);
    capture_release(&capture);
}

#define BAD "\xEF\xBF\xBD"

static void test_plain_text_is_unchanged(void **unused)
{
    (void)unused;
    assert_printed("", "");
    assert_printed("glioma (2).jpg", "glioma (2).jpg");
    assert_printed("Röntgen, 脳, naïve", "Röntgen, 脳, naïve");
}

static void test_controls_are_replaced(void **unused)
{
    (void)unused;
    assert_printed("a\x1b[31mred", "a" BAD "[31mred");
    assert_printed("a\nb\rc\td\x7f", "a" BAD "b" BAD "c" BAD "d" BAD);
    assert_printed("c1 \xC2\x9B"
                   "0m",
                   "c1 " BAD "0m"); /* U+009B: CSI in one character */
    assert_printed("\xE2\x80\xAE"
                   "gpj.exe",
                   BAD "gpj.exe"); /* U+202E: right-to-left override */
    assert_printed("a\xE2\x80\xA8"
                   "b",
                   "a" BAD "b"); /* U+2028: line separator */
}

static void test_broken_utf8_is_replaced(void **unused)
{
    (void)unused;
    assert_printed("\xFF"
                   "a",
                   BAD "a");
    assert_printed("a\xC3", "a" BAD);                    /* cut short by the end */
    assert_printed("\xC0\xAF", BAD BAD);                 /* overlong '/' */
    assert_printed("\xE0\x80\xAF", BAD BAD BAD);         /* overlong in three bytes */
    assert_printed("\xED\xA0\x80", BAD BAD BAD);         /* surrogate */
    assert_printed("\xF4\x90\x80\x80", BAD BAD BAD BAD); /* beyond U+10FFFF */
    assert_printed("\xE8\x84"
                   "x",
                   BAD BAD "x");
}

static void test_width_counts_columns(void **unused)
{
    (void)unused;
    assert_int_equal(kin_text_width(""), 0);
    assert_int_equal(kin_text_width("Röntgen"), 7);
    assert_int_equal(kin_text_width("脳"), 2);
    assert_int_equal(kin_text_width("e\xCC\x81"), 1); /* e and a combining acute */
    assert_int_equal(kin_text_width("\x1b"), 1);
}

static void test_cuts(void **unused)
{
    (void)unused;
    assert_cut("abc", 3, KIN_CUT_END, "abc");
    assert_cut("abcd", 3, KIN_CUT_END, "ab…");
    assert_cut("abcd", 3, KIN_CUT_START, "…cd");
    assert_cut("abcd", 1, KIN_CUT_START, "…");
    assert_cut("abcd", 1, KIN_CUT_END, "…");
    assert_cut("abcd", 0, KIN_CUT_END, "");
    assert_cut("脳脳脳", 4, KIN_CUT_END, "脳…"); /* a wide character does not fit in one column */
    assert_cut("脳脳脳", 4, KIN_CUT_START, "…脳");
    assert_cut("abe\xCC\x81"
               "d",
               2, KIN_CUT_START, "…d"); /* the accent goes with its letter */
}

static void test_utf8_keeps_valid_text_and_controls(void **unused)
{
    (void)unused;
    char *text = kin_utf8_repair("a\n\xC3\xA9\xFF");
    assert_string_equal(text, "a\n\xC3\xA9" BAD);
    free(text);
}

static void test_safe_is_what_is_printed(void **unused)
{
    (void)unused;
    char *text = kin_text_safe("a\n\xC3\xA9\xFF");
    assert_string_equal(text, "a" BAD "\xC3\xA9" BAD);
    free(text);
}

int main(void)
{
    setenv("LC_ALL", "C", 1);
    kin_text_locale(); /* must find a UTF-8 locale by itself */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_is_unchanged),
        cmocka_unit_test(test_controls_are_replaced),
        cmocka_unit_test(test_broken_utf8_is_replaced),
        cmocka_unit_test(test_width_counts_columns),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_utf8_keeps_valid_text_and_controls),
        cmocka_unit_test(test_safe_is_what_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
