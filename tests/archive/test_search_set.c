/* Searching with several images at once: against every pair compared by hand. */
#include "one_archive.h"

#include <limits.h>
#include <math.h>

#include "archive/search_set.h"

enum { IMAGES = 180, CLASSES = 4, GROUPS_MAX = 64 };

static int set_up(void **state)
{
    (void)state;
    make_archive();
    put_many(archive, 0, IMAGES, CLASSES);
    return 0;
}

/* All that is stored. */
static kin_record records[IMAGES];
static float *embeddings;
static size_t count;

static int keep_record(void *ctx, const kin_record *record)
{
    (void)ctx;
    kin_error err;
    assert_true(count < IMAGES);
    assert_ok(kin_record_copy(record, &records[count++], &err), err);
    return 0;
}

static void load_all(void)
{
    uint64_t ids[IMAGES];
    char model[17];
    kin_error err;
    count = 0;
    assert_ok(kin_archive_each_record(archive, NULL, keep_record, NULL, &err), err);
    for (size_t i = 0; i < count; i++)
        ids[i] = records[i].id;
    embeddings = calloc(count, kin_archive_dim(archive) * sizeof *embeddings);
    assert_non_null(embeddings);
    assert_ok(kin_archive_embeddings(archive, ids, count, embeddings, model, &err), err);
}

static void release_all(void)
{
    for (size_t i = 0; i < count; i++)
        kin_record_release(&records[i]);
    free(embeddings);
}

static const char *name_at(const kin_record *record, kin_level level)
{
    return level == KIN_LEVEL_SERIES  ? record->series_instance_uid
           : level == KIN_LEVEL_STUDY ? record->study_instance_uid
                                      : record->patient_id;
}

static float likeness(size_t a, size_t b)
{
    float sum = 0;
    size_t dim = kin_archive_dim(archive);
    for (size_t i = 0; i < dim; i++)
        sum += embeddings[a * dim + i] * embeddings[b * dim + i];
    return sum;
}

/* The mean of how alike each image of the series is to its nearest one of the group; -INFINITY
 * where no image of the group counts. */
static float score_by_hand(const char *series, const char *group, kin_level level,
                           const kin_condition *where, bool not_same_patient)
{
    float sum = 0, images = 0;
    const char *patient = "";
    for (size_t i = 0; i < count; i++)
        if (strcmp(records[i].series_instance_uid, series) == 0)
            patient = records[i].patient_id;
    for (size_t q = 0; q < count; q++) {
        float best = -INFINITY;
        if (strcmp(records[q].series_instance_uid, series) != 0)
            continue;
        for (size_t i = 0; i < count; i++)
            if (strcmp(name_at(&records[i], level), group) == 0 &&
                strcmp(records[i].series_instance_uid, series) != 0 &&
                (where == NULL || kin_condition_matches(where, &records[i])) &&
                !(not_same_patient && strcmp(records[i].patient_id, patient) == 0))
                best = fmaxf(best, likeness(q, i));
        sum += best;
        images++;
    }
    return sum / images;
}

static kin_query_set set_of(const char *uid)
{
    kin_query_set set;
    kin_error err;
    assert_ok(kin_query_set_from_uid(archive, uid, &set, &err), err);
    return set;
}

static kin_results search(const kin_query_set *set, kin_set_rule rule, kin_search_options options)
{
    kin_results results;
    kin_error err;
    assert_ok(kin_archive_search_set(archive, set, rule, &options, &results, &err), err);
    return results;
}

/* All groups that have an image that counts come, in order, each with its score. */
static void expect_ranking(const char *series, kin_search_options options)
{
    kin_query_set set = set_of(series);
    assert_int_equal(set.count, 3);
    options.k = GROUPS_MAX;
    options.exact = true;
    kin_results got = search(&set, KIN_SET_MEAN, options);
    assert_true(got.exact && got.complete);
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        bool first = i == 0 || strcmp(name_at(&records[i], options.fold),
                                      name_at(&records[i - 1], options.fold)) != 0;
        groups += first && score_by_hand(series, name_at(&records[i], options.fold), options.fold,
                                         options.where, options.not_same_patient) > -INFINITY;
    }
    assert_int_equal(got.count, groups);
    for (size_t i = 0; i < got.count; i++) {
        float want = score_by_hand(series, name_at(&got.items[i].record, options.fold),
                                   options.fold, options.where, options.not_same_patient);
        assert_true(fabsf(got.items[i].score - want) < 1e-5f);
        assert_true(i == 0 || got.items[i].score <= got.items[i - 1].score);
        assert_string_not_equal(got.items[i].record.series_instance_uid, series);
    }
    kin_results_release(&got);
    kin_query_set_release(&set);
}

static void test_every_group_has_its_score(void **state)
{
    (void)state;
    kin_condition *where = NULL;
    kin_error err;
    assert_ok(kin_condition_parse("modality = CT and diagnosis in (class1, class3)", &where, &err),
              err);
    load_all();
    for (kin_level level = KIN_LEVEL_SERIES; level <= KIN_LEVEL_PATIENT; level++) {
        expect_ranking("1.2.4.5", (kin_search_options){.fold = level});
        expect_ranking("1.2.4.5", (kin_search_options){.fold = level, .where = where});
        expect_ranking("1.2.4.17", (kin_search_options){.fold = level, .not_same_patient = true});
    }
    kin_condition_free(where);
    release_all();
}

/* What the images' nearest propose is enough for the best, before there is an index and with
 * one. */
static void test_candidates_hold_the_best(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        kin_query_set set = set_of("1.2.4.8");
        for (kin_set_rule rule = KIN_SET_MEAN; rule <= KIN_SET_MEDIAN; rule++) {
            kin_search_options options = {.fold = KIN_LEVEL_SERIES, .k = 5};
            kin_results some = search(&set, rule, options);
            options.exact = true;
            kin_results all = search(&set, rule, options);
            assert_int_equal(some.count, 5);
            assert_int_equal(all.count, 5);
            for (size_t i = 0; i < 5; i++) {
                assert_string_equal(some.items[i].record.series_instance_uid,
                                    all.items[i].record.series_instance_uid);
                assert_true(some.items[i].score == all.items[i].score);
            }
            assert_true(some.plan.members == IMAGES - 3 && some.plan.live == IMAGES);
            kin_results_release(&some);
            kin_results_release(&all);
        }
        kin_query_set_release(&set);
        reindex(archive, NULL);
    }
}

/* A set's first place belongs to the series that is made like it: of the same three classes. */
static void test_the_most_alike_come_first(void **state)
{
    (void)state;
    kin_query_set set = set_of("1.2.4.0"); /* images 0, 1, 2: classes 0, 1, 2 */
    kin_results got = search(&set, KIN_SET_MEAN, (kin_search_options){.fold = KIN_LEVEL_SERIES});
    assert_int_equal(got.count, 10);
    for (size_t i = 0; i < got.count; i++) {
        const char *uid = got.items[i].record.series_instance_uid;
        assert_int_equal(strtol(uid + strlen("1.2.4."), NULL, 10) % CLASSES, 0);
    }
    kin_results_release(&got);
    kin_query_set_release(&set);
}

static bool stop_at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void test_what_cannot_be_asked(void **state)
{
    (void)state;
    kin_query_set set, none;
    kin_results results;
    kin_error err;
    assert_int_equal(kin_query_set_from_uid(archive, "9.9", &none, &err), KIN_E_NOT_FOUND);
    assert_null(none.name);
    set = set_of("1.2.4.1");
    const struct {
        kin_search_options options;
        kin_status status;
    } cases[] = {
        {{.fold = KIN_LEVEL_IMAGE}, KIN_E_ARG},
        {{.fold = KIN_LEVEL_REGION}, KIN_E_ARG},
        {{.fold = KIN_LEVEL_SERIES, .way = "scan"}, KIN_E_ARG},
        {{.fold = KIN_LEVEL_SERIES, .k = 1000000}, KIN_E_ARG},
        {{.fold = KIN_LEVEL_SERIES, .recall = 2}, KIN_E_ARG},
        {{.fold = KIN_LEVEL_SERIES, .stop = stop_at_once}, KIN_E_CANCELLED},
        {{.fold = KIN_LEVEL_SERIES, .stop = stop_at_once, .exact = true}, KIN_E_CANCELLED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_status got =
            kin_archive_search_set(archive, &set, KIN_SET_MEAN, &cases[i].options, &results, &err);
        if (got != cases[i].status)
            fail_msg("case %zu: %d", i, got);
        assert_int_equal(results.count, 0);
    }
    kin_query_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_group_has_its_score, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_candidates_hold_the_best, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_most_alike_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_asked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
