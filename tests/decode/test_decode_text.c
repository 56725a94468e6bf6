/* text.h: what a stranger's text becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/header.h"
#include "decode/text.h"
#include "random.h"

static void expect_clean(const char *src, const char *wanted)
{
    char once[256], twice[256];
    kin_text_clean(once, sizeof once, src);
    assert_string_equal(once, wanted);
    kin_text_clean(twice, sizeof twice, once);
    assert_string_equal(twice, wanted);
}

static void test_plain_text_stays(void **state)
{
    (void)state;
    expect_clean("", "");
    expect_clean(NULL, "");
    expect_clean("Brain^Axial T1", "Brain^Axial T1");
    expect_clean("やまだ^たろう", "やまだ^たろう");
    expect_clean("\xF0\x9F\xA7\xA0", "\xF0\x9F\xA7\xA0"); /* U+1F9E0, four bytes */
    expect_clean("\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"); /* U+10FFFF */
    expect_clean("1.5\\2.5", "1.5\\2.5");
}

static void test_controls_go(void **state)
{
    (void)state;
    expect_clean("  a b  ", "a b");
    expect_clean("one\ttwo\r\nthree", "one two  three");
    expect_clean("\x1B[2Jcleared\x07", "[2Jcleared"); /* the escape itself is gone */
    expect_clean("\xC2\x9B"
                 "31mred",
                 "31mred"); /* U+009B: CSI as one character */
    expect_clean("del\x7F"
                 "eted",
                 "deleted");
    expect_clean("safe\xE2\x80\xAEgpj.exe", "safegpj.exe"); /* U+202E turns the rest around */
    expect_clean("a\xE2\x80\xA8"
                 "b",
                 "a b"); /* U+2028 is a line break */
    expect_clean(" \x01 \x02", "");
}

static void test_malformed_utf8_is_replaced(void **state)
{
    (void)state;
    expect_clean("M\xFCller", "M\xEF\xBF\xBDller");                       /* Latin-1 */
    expect_clean("\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD");                 /* overlong "/" */
    expect_clean("\xE0\x80\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* overlong, 3 bytes */
    expect_clean("\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* a surrogate */
    expect_clean("\xF4\x90\x80\x80",
                 "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* beyond U+10FFFF */
    expect_clean("cut\xE3\x81", "cut\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_cut_at_a_character(void **state)
{
    (void)state;
    char small[6];
    kin_text_clean(small, sizeof small, "\xE3\x81\x82\xE3\x81\x84"); /* 3 + 3 bytes into 5 */
    assert_string_equal(small, "\xE3\x81\x82");
    kin_text_clean(small, sizeof small, "abcd e"); /* the cut leaves no space at the end */
    assert_string_equal(small, "abcd");
    char one[1];
    kin_text_clean(one, sizeof one, "abc");
    assert_string_equal(one, "");
}

/* Whatever the bytes, the result is valid, clean and stable. */
static void test_any_bytes(void **state)
{
    (void)state;
    uint64_t random = 12345;
    for (int round = 0; round < 20000; round++) {
        char src[40], once[30], twice[30];
        for (size_t i = 0; i + 1 < sizeof src; i++)
            src[i] = (char)(random_bits(&random) | 1u);
        src[sizeof src - 1] = '\0';
        kin_text_clean(once, sizeof once, src);
        kin_text_clean(twice, sizeof twice, once);
        assert_string_equal(once, twice);
        for (const unsigned char *c = (const unsigned char *)once; *c != '\0'; c++)
            assert_true(*c >= 0x20 && *c != 0x7F);
    }
}

static void expect_uid(const char *src, const char *wanted)
{
    char uid[KIN_UID_SIZE];
    kin_text_clean_uid(uid, src);
    assert_string_equal(uid, wanted);
}

static void test_uids(void **state)
{
    (void)state;
    expect_uid("1.2.840.10008.1.2", "1.2.840.10008.1.2");
    expect_uid(" 1.2.3  ", "1.2.3");
    expect_uid("1.2.003", "1.2.003"); /* against PS3.5 section 9.1, but found */
    expect_uid("", "");
    expect_uid(NULL, "");
    expect_uid("...", "");
    expect_uid("1.2.x", "");
    expect_uid("1.2 .3", "");
    expect_uid("1.2.3\\1.2.4", "");
    char longest[70];
    memset(longest, '1', sizeof longest);
    longest[64] = '\0';
    expect_uid(longest, longest);
    longest[64] = '1';
    longest[65] = '\0';
    expect_uid(longest, "");
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *src, *wanted;
    } cases[] = {{"20040119", "20040119"},
                 {"2004.01.19", "20040119"},
                 {"20040119  ", "20040119"},
                 {"2004-01-19", ""},
                 {"200401", ""},
                 {"200401190", ""},
                 {"", ""},
                 {NULL, ""},
                 {"2004011x", ""},
                 {"2004.0119", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char date[KIN_DATE_SIZE];
        kin_text_clean_date(date, cases[i].src);
        assert_string_equal(date, cases[i].wanted);
    }
}

static void test_header_attributes(void **state)
{
    (void)state;
    kin_header_builder *builder = kin_header_builder_new();
    assert_non_null(builder);
    kin_header_begin(builder, &(kin_decode_header){.format = "png",
                                                   .frames = 2,
                                                   .sop_instance_uid = "1.2.3 ",
                                                   .patient_id = "\x1B[1mP1"});
    kin_header_add(builder, "station_name",
                   "CT\x01"
                   "1");
    kin_header_add(builder, "station_name", "again");
    kin_header_add(builder, "Bad Name", "x");
    kin_header_add(builder, "", "x");
    kin_header_add(builder, "empty", " \x02 ");
    kin_header_addf(builder, "rows", "%d", 12);
    const kin_decode_header *header = kin_header_borrow(builder);
    assert_string_equal(header->sop_instance_uid, "1.2.3");
    assert_string_equal(header->patient_id, "[1mP1");
    assert_string_equal(header->study_instance_uid, "");
    assert_int_equal(header->attribute_count, 2);
    assert_string_equal(header->attributes[0].value, "CT1");
    assert_string_equal(header->attributes[1].name, "rows");
    for (int i = 0; i < 2 * KIN_DECODE_ATTRIBUTES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "a%d", i);
        kin_header_add(builder, name, "v");
    }
    assert_int_equal(header->attribute_count, KIN_DECODE_ATTRIBUTES_MAX);
    kin_header_begin(builder, &(kin_decode_header){.format = "png", .frames = 1});
    assert_int_equal(kin_header_borrow(builder)->attribute_count, 0);
    kin_header_builder_free(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_text_stays),
        cmocka_unit_test(test_controls_go),
        cmocka_unit_test(test_malformed_utf8_is_replaced),
        cmocka_unit_test(test_cut_at_a_character),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_uids),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_header_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
