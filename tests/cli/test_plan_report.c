/* A plan as people and machines read it: every field, and what is left out where it says nothing. */
#include "plan_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "text.h"

static kin_results results_of_an_index(void)
{
    return (kin_results){.count = 10,
                         .complete = true,
                         .plan = {.method = "filtered index",
                                  .recall = 0.99,
                                  .expected_recall = 0.9921,
                                  .width = 96,
                                  .candidates = 40,
                                  .considered = {{"scan", 8.25},
                                                 {"two-stage scan", 2},
                                                 {"index", -1},
                                                 {"filtered index", 0.5},
                                                 {"widening", 1.125}},
                                  .considered_count = 5,
                                  .estimated_milliseconds = 0.5,
                                  .ranking_milliseconds = 0.75,
                                  .index_kind = "hnsw",
                                  .model = "0123456789abcdef",
                                  .generation = 7,
                                  .live = 1000000,
                                  .members = 48210,
                                  .tail = 512,
                                  .scored = 9127,
                                  .scanned = 552,
                                  .members_milliseconds = 0.25,
                                  .milliseconds = 1.5}};
}

static void assert_prints(const kin_results *results, const char *expected)
{
    kin_capture capture;
    assert_true(kin_plan_print(results, capture_begin(&capture), 0));
    assert_string_equal(capture_end(&capture), expected);
    capture_release(&capture);
}

static void test_an_index_for_people(void **state)
{
    (void)state;
    const kin_results results = results_of_an_index();
    assert_prints(&results,
                  "plan      filtered index\n"
                  "index     hnsw, generation 7, model 0123456789abcdef\n"
                  "members   48210 of 1000000 images may be answers, found out in 0.25 ms; 512 of "
                  "them newer than the index\n"
                  "recall    0.99 asked for, 0.9921 promised\n"
                  "setting   width 96, 40 candidates\n"
                  "compared  9127 by their codes, 552 exactly\n"
                  "ranking   0.75 ms, estimated 0.50 ms\n"
                  "in all    1.50 ms\n"
                  "\n"
                  "method          estimated ms\n"
                  "scan                   8.250\n"
                  "two-stage scan         2.000\n"
                  "index           not possible\n"
                  "filtered index         0.500  taken\n"
                  "widening               1.125\n");
}

static void test_one_that_gave_up(void **state)
{
    (void)state;
    kin_results results = results_of_an_index();
    results.exact = true;
    results.plan.fell_back = true;
    results.plan.width = 0;
    results.plan.considered_count = 0;
    assert_prints(&results,
                  "plan      filtered index, which gave up: a surer one answered\n"
                  "index     hnsw, generation 7, model 0123456789abcdef\n"
                  "members   48210 of 1000000 images may be answers, found out in 0.25 ms; 512 of "
                  "them newer than the index\n"
                  "recall    0.99 asked for; every member was compared exactly\n"
                  "setting   40 candidates\n"
                  "compared  9127 by their codes, 552 exactly\n"
                  "ranking   0.75 ms, estimated 0.50 ms\n"
                  "in all    1.50 ms\n");
}

static void test_nobody_may_be_an_answer(void **state)
{
    (void)state;
    const kin_results results = {
        .complete = true,
        .exact = true,
        .plan = {.method = "scan", .index_kind = "none", .model = "0123456789abcdef", .live = 3}};
    assert_prints(&results,
                  "plan      scan\n"
                  "index     none, generation 0, model 0123456789abcdef\n"
                  "members   0 of 3 images may be answers, found out in 0.00 ms; 0 of them newer "
                  "than the index\n"
                  "compared  0 by their codes, 0 exactly\n"
                  "ranking   0.00 ms, estimated 0.00 ms\n"
                  "in all    0.00 ms\n");
}

static void test_every_field_for_machines(void **state)
{
    (void)state;
    const kin_results results = results_of_an_index();
    json_t *plan = kin_plan_json(&results.plan);
    json_t *expected = json_pack(
        "{s:s, s:b, s:f, s:f, s:i, s:i, s:[{s:s, s:f}, {s:s, s:f}, {s:s, s:n}, {s:s, s:f}, "
        "{s:s, s:f}], s:f, s:f, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f}",
        "method", "filtered index", "fell_back", 0, "recall", 0.99, "expected_recall", 0.9921,
        "width", 96, "candidates", 40, "considered", "method", "scan", "milliseconds", 8.25,
        "method", "two-stage scan", "milliseconds", 2.0, "method", "index", "milliseconds",
        "method", "filtered index", "milliseconds", 0.5, "method", "widening", "milliseconds",
        1.125, "estimated_milliseconds", 0.5, "ranking_milliseconds", 0.75, "index_kind", "hnsw",
        "model", "0123456789abcdef", "generation", 7, "live", 1000000, "members", 48210, "tail",
        512, "scored", 9127, "scanned", 552, "members_milliseconds", 0.25, "milliseconds", 1.5);
    assert_non_null(plan);
    assert_non_null(expected);
    assert_true(json_equal(plan, expected));
    json_decref(expected);
    json_decref(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_index_for_people),
        cmocka_unit_test(test_one_that_gave_up),
        cmocka_unit_test(test_nobody_may_be_an_answer),
        cmocka_unit_test(test_every_field_for_machines),
    };
    kin_text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
