/* The measures of an evaluation, against values worked out by hand. */
#include <math.h>

#include "archive_support.h"

#include "archive/eval.h"
#include "archive/eval_bootstrap.h"
#include "archive/eval_rank.h"

static void near(double got, double wanted)
{
    if (fabs(got - wanted) > 1e-9)
        print_error("got %.12f, wanted %.12f\n", got, wanted);
    assert_true(fabs(got - wanted) <= 1e-9);
}

static void test_a_ranking_by_hand(void **state)
{
    (void)state;
    /* Relevant (class 1) at ranks 1, 3, 4 and 12. */
    const int labels[] = {1, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 1};
    kin_judged judged;
    assert_true(kin_judge_ranking(labels, 12, 1, &judged));
    near(judged.value[KIN_P_AT_1], 1);
    near(judged.value[KIN_P_AT_10], 0.3);
    near(judged.value[KIN_MMV_AT_5], 1); /* 1, 0, 1, 1, 2 */
    assert_int_equal(judged.majority, 1);
    near(judged.value[KIN_AP], (1.0 / 1 + 2.0 / 3 + 3.0 / 4 + 4.0 / 12) / 4);
    double gain = 1 / log2(2) + 1 / log2(4) + 1 / log2(5);
    double ideal = 1 / log2(2) + 1 / log2(3) + 1 / log2(4) + 1 / log2(5);
    near(judged.value[KIN_NDCG_AT_10], gain / ideal);
}

static void test_majorities(void **state)
{
    (void)state;
    const struct {
        int labels[5];
        size_t count;
        int majority;
    } cases[] = {
        {{2, 1, 1, 2, 0}, 5, 2}, /* a tie: the better ranked */
        {{0, 1, 1, 2, 2}, 5, 1},
        {{3, 1, 1}, 3, 1},
        {{4}, 1, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_judged judged;
        assert_true(
            kin_judge_ranking(cases[i].labels, cases[i].count, cases[i].labels[0], &judged));
        assert_int_equal(judged.majority, cases[i].majority);
    }
}

static void test_a_query_without_relevant_images_is_not_judged(void **state)
{
    (void)state;
    const int labels[] = {0, 0, 2};
    kin_judged judged;
    assert_false(kin_judge_ranking(labels, 3, 1, &judged));
    assert_false(kin_judge_ranking(labels, 0, 1, &judged));
}

static kin_judged all_of(double value)
{
    kin_judged judged = {.majority = 0};
    for (int m = 0; m < KIN_MEASURES; m++)
        judged.value[m] = value;
    return judged;
}

static void test_bootstrap_intervals(void **state)
{
    (void)state;
    enum { QUERIES = 400 };
    kin_error err;
    kin_judged judged[QUERIES];
    int groups[QUERIES];
    kin_eval_measures alone, grouped, again;
    for (int i = 0; i < QUERIES; i++) {
        groups[i] = i / 100; /* four groups, alike within */
        judged[i] = all_of(groups[i] % 2);
    }
    assert_ok(kin_bootstrap(judged, NULL, QUERIES, 2000, 1, &alone, &err), err);
    assert_ok(kin_bootstrap(judged, NULL, QUERIES, 2000, 1, &again, &err), err);
    assert_ok(kin_bootstrap(judged, groups, QUERIES, 2000, 1, &grouped, &err), err);
    near(alone.map.value, 0.5);
    near(grouped.map.value, 0.5);
    near(alone.map.low, again.map.low);
    /* The binomial's 95%: 0.5 -+ 1.96 * sqrt(0.25 / 400) = 0.451 to 0.549. */
    assert_true(fabs(alone.map.low - 0.451) < 0.01 && fabs(alone.map.high - 0.549) < 0.01);
    /* Four independent groups say far less: all alike in 1 of 8 resamplings. */
    near(grouped.map.low, 0);
    near(grouped.map.high, 1);
}

static void test_one_value_has_no_width(void **state)
{
    (void)state;
    kin_error err;
    kin_eval_measures measures;
    kin_judged judged[3] = {all_of(0.25), all_of(0.25), all_of(0.25)};
    assert_ok(kin_bootstrap(judged, NULL, 3, 100, 9, &measures, &err), err);
    near(measures.p_at_10.low, 0.25);
    near(measures.p_at_10.high, 0.25);
    assert_ok(kin_bootstrap(judged, NULL, 0, 100, 9, &measures, &err), err);
    assert_int_equal(measures.queries, 0);
}

/* A whole evaluation over invented images, two of them copies of others. */
static void test_an_evaluation(void **state)
{
    (void)state;
    enum { IMAGES = 60, CLASSES = 3 };
    char folder[PATH_MAX], dir[PATH_MAX], csv[PATH_MAX];
    kin_error err;
    kin_manifest *manifest = NULL;
    kin_eval_report report;
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    snprintf(csv, sizeof csv, "%.4000s/m.csv", folder);
    kin_archive *archive = new_archive(dir);
    put_many(archive, 0, IMAGES, CLASSES);
    put_one(archive, make_instance(IMAGES, 1, 0, 0)); /* the picture of image 0 again */
    FILE *file = fopen(csv, "w");
    assert_non_null(file);
    fprintf(file, "path,diagnosis,patient_id,duplicate_of\n");
    for (int i = 0; i <= IMAGES; i++)
        fprintf(file, "/invented/%d.dcm,class%d,P%d,\n", i, i % CLASSES, i / 12);
    fprintf(file, "/invented/1.dcm,class1,P0,/invented/4.dcm\n/invented/9999.dcm,class1,P0,\n");
    fclose(file);
    assert_ok(kin_manifest_read(csv, &manifest, &err), err);

    kin_eval_options options = {.leave_out = "patient_id", .bootstrap = 200};
    assert_ok(kin_eval(archive, manifest, &options, &report, &err), err);
    assert_int_equal(report.database, IMAGES);
    assert_int_equal(report.duplicates, 2);
    assert_int_equal(report.missing, 1);
    assert_int_equal(report.class_count, CLASSES);
    assert_string_equal(report.classes[1], "class1");
    assert_int_equal(report.class_sizes[1], IMAGES / CLASSES);
    assert_int_equal(report.all.queries, IMAGES);
    near(report.all.map.value, 1); /* the classes are far apart */
    near(report.all.p_at_10.value, 1);
    near(report.per_class[2].mmv_at_5.value, 1);
    assert_int_equal(report.confusion[0], IMAGES / CLASSES);
    assert_int_equal(report.confusion[1], 0);
    kin_eval_report_release(&report);

    options.label = "no such column";
    assert_int_equal(kin_eval(archive, manifest, &options, &report, &err), KIN_E_ARG);
    kin_manifest_free(manifest);
    kin_archive_close(archive);
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ranking_by_hand),
        cmocka_unit_test(test_majorities),
        cmocka_unit_test(test_a_query_without_relevant_images_is_not_judged),
        cmocka_unit_test(test_bootstrap_intervals),
        cmocka_unit_test(test_one_value_has_no_width),
        cmocka_unit_test(test_an_evaluation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
