/* UTF-8: what is well-formed by RFC 3629, and the repair of what is not. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_each_length(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t character;
    } known[] = {{"A", 'A'},
                 {"\xC2\x80", 0x80},
                 {"\xDF\xBF", 0x7FF},
                 {"\xE0\xA0\x80", 0x800},
                 {"\xEF\xBF\xBF", 0xFFFF},
                 {"\xF0\x90\x80\x80", 0x10000},
                 {"\xF4\x8F\xBF\xBF", 0x10FFFF}};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t character = 0;
        assert_int_equal(kin_utf8_decode(known[i].bytes, &character), strlen(known[i].bytes));
        assert_int_equal(character, known[i].character);
        assert_true(kin_utf8_is_valid(known[i].bytes));
    }
    assert_true(kin_utf8_is_valid(""));
}

/* Overlong forms, surrogates, beyond the range, stray and missing continuations. */
static void test_malformed(void **state)
{
    static const char *const broken[] = {
        "\x80",         "\xBF",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFF",         "\xC2",         "\xE2\x82",         "\xF0\x9F\x98",     "ok\xC2"};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_false(kin_utf8_is_valid(broken[i]));
}

static void test_repair(void **state)
{
    (void)state;
    char *text = kin_utf8_repair("a\n\xC3\xA9\xFF\xE2\x82");
    assert_string_equal(
        text, "a\n\xC3\xA9" KIN_UTF8_REPLACEMENT KIN_UTF8_REPLACEMENT KIN_UTF8_REPLACEMENT);
    assert_true(kin_utf8_is_valid(text));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_length),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_repair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
