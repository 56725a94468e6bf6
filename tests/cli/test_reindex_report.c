/* A reindex's report: what was learnt and built and why, its table of settings, and its JSON. */
#include "reindex_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "capture.h"
#include "text.h"
#include "tuning_report.h"

static kin_reindex_report some_report(void)
{
    return (kin_reindex_report){
        .images = 1000,
        .generation = 3,
        .model = "0123456789abcdef",
        .model_kind = "pca-whitened",
        .index_kind = "hnsw",
        .recall_at_10 = 0.9912,
        .recall_queries = 400,
        .recall_bound = 0.95,
        .tunings = {{0.9, 0.9312, 12.25, 16, 20}, {0.99, 0.9912, 40, 64, 33}},
        .tuning_count = 2,
        .forecast_bytes = 3 << 20,
        .peak_bytes = 5 << 19,
        .build_seconds = 2,
        .tune_seconds = 1,
        .swap_seconds = 0.5,
        .seconds = 4};
}

static void test_all_of_it_for_people(void **state)
{
    (void)state;
    kin_capture capture;
    kin_reindex_report report = some_report();
    report.learnt = true;
    assert_true(
        kin_reindex_report_print(&report, &(kin_reindex_options){0}, capture_begin(&capture), 0));
    assert_string_equal(
        capture_end(&capture),
        "reindexed 1000 images in 4.0 s: model 0123456789abcdef (pca-whitened), generation 3 "
        "(hnsw)\n"
        "model      learnt: there was none yet, or it knew half of the images at most\n"
        "index      built anew, under the new model\n"
        "memory     2.5 MiB at the build's peak, 3.0 MiB foretold\n"
        "time       2.0 s building, 1.0 s tuning, 0.5 s swapping\n"
        "recall@10  0.9912 against the exact answer, of 400 queries\n"
        "\n"
        "recall asked for  measured  width  candidates  microseconds\n"
        "             0.9    0.9312     16          20          12.2\n"
        "            0.99    0.9912     64          33          40.0\n");
    capture_release(&capture);
}

static void test_a_flat_table_has_no_width_and_an_empty_one_says_so(void **state)
{
    (void)state;
    const kin_tuning flat = {0.95, 1, 5, 0, 13};
    kin_capture capture;
    assert_true(kin_tunings_print(&flat, 1, capture_begin(&capture), 0));
    assert_string_equal(capture_end(&capture),
                        "recall asked for  measured  candidates  microseconds\n"
                        "            0.95    1.0000          13           5.0\n");
    capture_release(&capture);
    assert_true(kin_tunings_print(NULL, 0, capture_begin(&capture), 0));
    assert_string_equal(capture_end(&capture), "no setting of the index is tuned: searches scan\n");
    capture_release(&capture);
    json_t *none = kin_tunings_json(NULL, 0);
    assert_true(json_is_array(none) && json_array_size(none) == 0);
    json_decref(none);
}

static void test_the_forecast(void **state)
{
    (void)state;
    kin_capture capture;
    kin_forecast_print("ivfpq", (uint64_t)5 << 30, capture_begin(&capture));
    assert_string_equal(capture_end(&capture),
                        "building the index (ivfpq) will take 5.0 GiB of memory at its peak\n");
    capture_release(&capture);
}

/* Asserts that the report, under these options, says so in one line of its own. */
static void assert_says(const kin_reindex_report *report, kin_reindex_options options,
                        const char *line)
{
    kin_capture capture;
    char whole[256];
    assert_true(kin_reindex_report_print(report, &options, capture_begin(&capture), 0));
    snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(capture_end(&capture), whole) == NULL)
        fail_msg("\"%s\" is no line of: %s", line, capture.text);
    capture_release(&capture);
}

static void test_why_the_model_was_learnt_or_kept(void **state)
{
    (void)state;
    const kin_reindex_options judge = {.model = KIN_REINDEX_JUDGE},
                              keep = {.model = KIN_REINDEX_KEEP},
                              learn = {.model = KIN_REINDEX_LEARN};
    kin_reindex_report report = some_report();
    report.model_kind = "mlp";
    assert_says(&report, judge, "model      kept: it was learnt from labels, and still fits");
    report.metric_due = true;
    assert_says(&report, judge,
                "model      kept, as it was learnt from labels; it should be learnt anew (kindred "
                "learn)");
    assert_says(&report, learn,
                "model      kept: its label no longer suffices to learn it anew (kindred learn)");
    report.metric_due = false;
    report.learnt = true;
    assert_says(&report, learn,
                "model      learnt anew from its label, as asked; not validated (kindred learn)");
    report = some_report();
    assert_says(&report, keep, "model      kept, as asked");
    assert_says(&report, judge,
                "model      kept: the archive has neither doubled nor moved away from it");
    assert_says(&report, learn, "model      kept: the same images have taught the same again");
    report.drift = (kin_drift){.judged = true, .old_error = 0.25, .new_error = 0.26125};
    assert_says(&report, judge,
                "model      kept: the archive has neither doubled nor moved away from it (what it "
                "loses of newer images: 0.261, of the others: 0.25)");
    report.learnt = true;
    assert_says(&report, learn,
                "model      learnt anew, as asked (what it loses of newer images: 0.261, of the "
                "others: 0.25)");
    report.drift.learn = true;
    report.drift.new_error = 0.5;
    assert_says(&report, judge,
                "model      learnt anew: newer images had moved away from the one before (what it "
                "loses of newer images: 0.5, of the others: 0.25)");
    report = some_report();
    report.images = 1;
    assert_says(&report, learn, "model      kept: there are too few images to learn from");
}

static void test_why_the_index_was_built_or_extended(void **state)
{
    (void)state;
    const kin_reindex_options plain = {0}, rebuild = {.rebuild = true};
    kin_reindex_report report = some_report();
    assert_says(&report, plain, "index      built anew: none could be extended");
    assert_says(&report, rebuild, "index      built anew, as asked");
    report.drift = (kin_drift){
        .judged = true, .old_index_error = 0.001, .new_index_error = 0.0025, .retrain = true};
    assert_says(&report, plain,
                "index      built anew: it has doubled, or newer images had moved away from it "
                "(what its codes lose of newer images: 0.0025, of the others: 0.001)");
    report.drift.retrain = false;
    report.extended = true;
    assert_says(&report, plain,
                "index      extended by what is new (what its codes lose of newer images: 0.0025, "
                "of the others: 0.001)");
}

static void test_every_field_for_machines(void **state)
{
    (void)state;
    kin_reindex_report report = some_report();
    report.below_bound = report.extended = true;
    report.drift = (kin_drift){true, 0.125, 0.25, true, 0.5, 0.75, true};
    json_t *made = kin_reindex_report_json(&report);
    json_t *expected = json_pack(
        "{s:i, s:s, s:s, s:b, s:b, s:i, s:s, s:b, s:{s:b, s:f, s:f, s:b, s:f, s:f, s:b}, s:f, s:i, "
        "s:f, s:b, s:[{s:f, s:f, s:f, s:i, s:i}, {s:f, s:f, s:f, s:i, s:i}], s:i, s:i, s:f, s:f, "
        "s:f, s:f}",
        "images", 1000, "model", "0123456789abcdef", "model_kind", "pca-whitened", "learnt", 0,
        "metric_due", 0, "generation", 3, "index_kind", "hnsw", "extended", 1, "drift", "judged", 1,
        "old_error", 0.125, "new_error", 0.25, "learn", 1, "old_index_error", 0.5,
        "new_index_error", 0.75, "retrain", 1, "recall_at_10", 0.9912, "recall_queries", 400,
        "recall_bound", 0.95, "below_bound", 1, "tunings", "target", 0.9, "recall", 0.9312,
        "microseconds", 12.25, "width", 16, "candidates", 20, "target", 0.99, "recall", 0.9912,
        "microseconds", 40.0, "width", 64, "candidates", 33, "forecast_bytes", 3 << 20,
        "peak_bytes", 5 << 19, "build_seconds", 2.0, "tune_seconds", 1.0, "swap_seconds", 0.5,
        "seconds", 4.0);
    assert_non_null(made);
    assert_non_null(expected);
    assert_true(json_equal(made, expected));
    json_decref(expected);
    json_decref(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it_for_people),
        cmocka_unit_test(test_a_flat_table_has_no_width_and_an_empty_one_says_so),
        cmocka_unit_test(test_the_forecast),
        cmocka_unit_test(test_why_the_model_was_learnt_or_kept),
        cmocka_unit_test(test_why_the_index_was_built_or_extended),
        cmocka_unit_test(test_every_field_for_machines),
    };
    kin_text_locale();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
