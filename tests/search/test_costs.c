#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "search/costs.h"

static void test_costs_survive_being_text(void **state)
{
    (void)state;
    kin_costs costs = kin_costs_default(256, kin_codec_fp32), read = {0};
    char text[KIN_COSTS_TEXT_SIZE];
    costs.scan_row = 12.5;
    costs.threads = 7;
    kin_costs_print(&costs, text);
    assert_true(kin_costs_parse(text, &read));
    assert_true(read.scan_row == 12.5);
    assert_int_equal(read.threads, 7);
    kin_costs_print(&read, text);
    kin_costs again = {0};
    assert_true(kin_costs_parse(text, &again));
    assert_memory_equal(&read, &again, sizeof read);
}

static void test_other_texts_are_no_costs(void **state)
{
    (void)state;
    kin_costs read;
    char good[KIN_COSTS_TEXT_SIZE], bad[KIN_COSTS_TEXT_SIZE];
    kin_costs costs = kin_costs_default(64, kin_codec_fp16);
    kin_costs_print(&costs, good);
    assert_false(kin_costs_parse("", &read));
    assert_false(kin_costs_parse("scan_row=1", &read));
    for (size_t cut = 0; cut + 1 < strlen(good); cut++) {
        memcpy(bad, good, cut);
        bad[cut] = '\0';
        kin_costs partial;
        assert_false(kin_costs_parse(bad, &partial) && partial.threads != costs.threads);
    }
    const char *values[] = {"0", "-1", "nan", "inf", "x", ""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(bad, sizeof bad,
                 "scan_row=%s scatter_row=1 scan_code=1 scatter_code=1 beam_code=1 member=1 "
                 "next_member=1 keep=1 thread=1 threads=2",
                 values[i]);
        assert_false(kin_costs_parse(bad, &read));
    }
}

static void test_measured_costs_are_costs(void **state)
{
    (void)state;
    const kin_codec *codecs[] = {kin_codec_fp32, kin_codec_fp16, kin_codec_int8};
    for (size_t i = 0; i < 3; i++) {
        kin_costs costs;
        kin_error err;
        assert_int_equal(kin_costs_measure(32, codecs[i], &costs, &err), KIN_OK);
        assert_true(costs.scan_row > 0 && costs.scatter_row > 0 && costs.scan_code > 0 &&
                    costs.scatter_code > 0 && costs.beam_code > 0 && costs.member > 0 &&
                    costs.thread > 0 && costs.threads >= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_costs_survive_being_text),
        cmocka_unit_test(test_other_texts_are_no_costs),
        cmocka_unit_test(test_measured_costs_are_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
