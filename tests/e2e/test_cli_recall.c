/* What a search promises and how it was kept, and what a reindex learns, extends and tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_asking.h"
#include "run_program.h"
#include "temp_folder.h"

#define SAMPLES  KIN_TEST_SOURCE_DIR "/data-samples"
#define MANIFEST SAMPLES "/manifest.csv"
#define BRAIN    SAMPLES "/SYN-0002/study-1/series-1/image-1.dcm" /* MR */
#define LAST     "SYN-0030"                                       /* a patient */

enum { IMAGES = 177 };

static char folder[PATH_MAX], original[PATH_MAX]; /* never reindexed */
static char archive[PATH_MAX];                    /* a test's own copy of it */

static int make_original(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(original, sizeof original, "%.4000s/original", folder);
    json_decref(ask(original, 0, "ingest", SAMPLES, "--manifest", MANIFEST, "--no-reindex", NULL));
    return 0;
}

static int drop_original(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

static int copy_original(void **state)
{
    static unsigned copies;
    (void)state;
    snprintf(archive, sizeof archive, "%.4000s/copy-%u", folder, ++copies);
    tell(original, 0, "copied the archive into", "backup", archive, NULL);
    return 0;
}

static bool is(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_boolean(value));
    return json_is_true(value);
}

static size_t tuning_count(const json_t *object)
{
    const json_t *tunings = json_object_get(object, "tunings");
    assert_true(json_is_array(tunings));
    return json_array_size(tunings);
}

/* --- plans --- */

static const char *const ways[] = {"scan", "two-stage scan", "index", "filtered index", "widening"};
enum { WAYS = sizeof ways / sizeof ways[0] };

static bool is_way(const char *name)
{
    for (size_t i = 0; i < WAYS; i++)
        if (strcmp(ways[i], name) == 0)
            return true;
    return false;
}

/* Asserts that a plan has all of its fields, and that they agree with each other. */
static void check_plan(const json_t *answer)
{
    const json_t *plan = json_object_get(answer, "plan");
    const json_t *considered = json_object_get(plan, "considered");
    static const char *const times[] = {"estimated_milliseconds", "ranking_milliseconds",
                                        "members_milliseconds", "milliseconds"};
    bool taken_is_considered = false;
    size_t i;
    json_t *one;
    assert_int_equal(json_object_size(plan), 19);
    for (i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_true(real_of(plan, times[i]) >= 0);
    assert_true(is_way(text_of(plan, "method")));
    assert_int_equal(json_array_size(considered), WAYS);
    json_array_foreach(considered, i, one)
    {
        const json_t *milliseconds = json_object_get(one, "milliseconds");
        assert_true(is_way(text_of(one, "method")));
        assert_true(json_is_null(milliseconds) || json_number_value(milliseconds) >= 0);
        if (strcmp(text_of(one, "method"), text_of(plan, "method")) == 0)
            taken_is_considered = json_is_number(milliseconds);
    }
    assert_true(taken_is_considered);
    assert_true(real_of(plan, "expected_recall") <= 1);
    assert_true(number_of(plan, "members") <= number_of(plan, "live"));
    assert_true(number_of(plan, "tail") <= number_of(plan, "members"));
    assert_true(number_of(plan, "width") >= 0 && number_of(plan, "candidates") >= 0);
    assert_true(number_of(plan, "scored") + number_of(plan, "scanned") > 0);
    if (is(answer, "exact"))
        assert_true(number_of(plan, "scanned") >= number_of(plan, "members"));
    if (is(plan, "fell_back"))
        assert_true(is(answer, "exact"));
    json_t *generation = json_object_get(plan, "generation");
    assert_true(json_is_integer(generation));
    assert_true(text_of(plan, "index_kind")[0] != '\0');
    assert_int_equal(strlen(text_of(plan, "model")), 16);
}

static void test_a_recall_is_asked_for_and_its_plan_told(void **state)
{
    (void)state;
    static const char *const recalls[] = {"0.5", "0.9", "0.99", "0.999", "1"};
    json_decref(ask(archive, 0, "reindex", "--index", "hnsw", NULL));
    for (size_t i = 0; i < sizeof recalls / sizeof recalls[0]; i++) {
        json_t *answer = ask(archive, 0, "search", BRAIN, "--recall", recalls[i], NULL);
        const json_t *plan = json_object_get(answer, "plan");
        double asked = strtod(recalls[i], NULL);
        check_plan(answer);
        assert_true(real_of(plan, "recall") == asked);
        assert_true(real_of(plan, "expected_recall") >= asked || is(answer, "exact"));
        assert_true(is(answer, "complete"));
        assert_int_equal(number_of(plan, "live"), IMAGES);
        assert_int_equal(number_of(plan, "members"), IMAGES);
        json_decref(answer);
    }
    json_t *standard = ask(archive, 0, "search", BRAIN, NULL);
    assert_true(real_of(json_object_get(standard, "plan"), "recall") == 0.99);
    json_decref(standard);
    json_t *all = ask(archive, 0, "search", BRAIN, "--recall", "1", NULL);
    json_t *exact = ask(archive, 0, "search", BRAIN, "--exact", NULL);
    assert_true(is(all, "exact") && is(exact, "exact"));
    assert_true(real_of(json_object_get(exact, "plan"), "recall") == 1);
    assert_true(json_equal(results_of(all), results_of(exact)));
    json_decref(exact);
    json_decref(all);
}

/* Every way gives the scores of the scan; those that cannot be gone are refused. */
static void test_ways_can_be_compared(void **state)
{
    (void)state;
    json_decref(ask(archive, 0, "reindex", "--index", "hnsw", NULL));
    for (size_t i = 0; i < WAYS; i++) {
        bool filtered = i >= 3; /* the last two are for conditions, the one before for none */
        const char *where = filtered ? "modality in (MR, CT)" : "modality != none";
        const char *option = i == 2 ? "--by" : "--where", *value = i == 2 ? "image" : where;
        json_t *answer =
            ask(archive, 0, "search", BRAIN, "-k", "5", "--way", ways[i], option, value, NULL);
        const json_t *plan = json_object_get(answer, "plan");
        check_plan(answer);
        assert_string_equal(text_of(plan, "method"), ways[i]);
        assert_int_equal(json_array_size(results_of(answer)), 5);
        assert_true(real_of(json_array_get(results_of(answer), 0), "score") > 0.9999);
        json_decref(answer);
    }
    tell(archive, 2, "no way \"index\"", "search", BRAIN, "--way", "index", "--where",
         "modality = MR", NULL);
    tell(archive, 2, "no way \"filtered index\"", "search", BRAIN, "--way", "filtered index", NULL);
}

static void test_people_are_told_how_it_was_found(void **state)
{
    (void)state;
    static const char *const said[] = {"\nplan ",           " images may be answers, found out in ",
                                       " asked for",        "\ncompared ",
                                       " by their codes, ", "\nranking ",
                                       ", estimated ",      "\nmethod ",
                                       "\ntwo-stage scan ", " taken\n",
                                       "not possible"};
    json_decref(ask(archive, 0, "reindex", NULL));
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        tell(archive, 0, said[i], "search", BRAIN, "--explain", "--where", "modality = MR", NULL);
    tell(archive, 0, "1 asked for; every member was compared exactly", "search", BRAIN, "--explain",
         "--exact", NULL);
    tell(archive, 0, "0 of 177 images may be answers", "search", BRAIN, "--explain", "--where",
         "modality = none", NULL);
    json_t *none =
        ask(archive, 0, "search", BRAIN, "--where", "modality = MR and modality = CT", NULL);
    assert_int_equal(json_array_size(results_of(none)), 0);
    assert_true(is(none, "complete"));
    json_decref(none);
}

/* Fewer members than results asked for: all of them come, by whichever way. */
static void test_few_members_come_whole(void **state)
{
    (void)state;
    json_decref(ask(archive, 0, "reindex", "--index", "hnsw", NULL));
    json_t *members = exported_records(archive, "patient_id = " LAST);
    assert_in_range(json_array_size(members), 1, 30);
    for (size_t i = 0; i <= WAYS; i++) {
        if (i == 2) /* the index without a filter is none for conditions */
            continue;
        const char *option = i < WAYS ? "--way" : "--by", *value = i < WAYS ? ways[i] : "image";
        json_t *answer = ask(archive, 0, "search", BRAIN, "-k", "100", "--where",
                             "patient_id = " LAST, option, value, NULL);
        assert_same_images(results_of(answer), members);
        assert_true(is(answer, "complete"));
        json_decref(answer);
    }
    json_decref(members);
}

/* --- reindexes --- */

static json_t *reindexed(const char *option, const char *value)
{
    json_t *report = ask(archive, 0, "reindex", "--index", "hnsw", option, value, NULL);
    assert_int_equal(json_object_size(report), 20);
    assert_string_equal(text_of(report, "index_kind"), "hnsw");
    assert_true(number_of(report, "forecast_bytes") > 0);
    assert_true(number_of(report, "peak_bytes") >= 0);
    assert_true(tuning_count(report) > 0);
    assert_false(is(report, "below_bound"));
    return report;
}

static void check_stats_are_those_of(const json_t *report)
{
    json_t *stats = ask(archive, 0, "stats", NULL);
    const json_t *generation = json_object_get(stats, "generation");
    const json_t *model = json_object_get(stats, "model");
    assert_int_equal(number_of(generation, "number"), number_of(report, "generation"));
    assert_string_equal(text_of(generation, "kind"), text_of(report, "index_kind"));
    assert_true(
        json_equal(json_object_get(generation, "tunings"), json_object_get(report, "tunings")));
    assert_string_equal(text_of(model, "id"), text_of(report, "model"));
    assert_string_equal(text_of(model, "codec"), "fp32");
    assert_int_equal(number_of(stats, "tail"), 0);
    json_decref(stats);
}

static void test_the_first_learns_and_the_next_extends(void **state)
{
    (void)state;
    json_t *first = reindexed(NULL, NULL);
    assert_true(is(first, "learnt"));
    assert_false(is(first, "extended"));
    check_stats_are_those_of(first);
    tell(archive, 0, NULL, "delete", LAST, NULL);
    json_t *second = reindexed(NULL, NULL);
    assert_false(is(second, "learnt"));
    assert_true(is(second, "extended"));
    assert_string_equal(text_of(second, "model"), text_of(first, "model"));
    assert_int_equal(number_of(second, "generation"), number_of(first, "generation") + 1);
    assert_true(number_of(second, "images") < IMAGES);
    check_stats_are_those_of(second);
    json_t *gone =
        ask(archive, 0, "search", BRAIN, "-k", "1000", "--where", "patient_id = " LAST, NULL);
    assert_int_equal(json_array_size(results_of(gone)), 0);
    json_decref(gone);
    json_t *anew = reindexed("--rebuild", NULL);
    assert_false(is(anew, "learnt") || is(anew, "extended"));
    json_t *learnt = reindexed("--learn", NULL); /* of fewer images: another model */
    assert_true(is(learnt, "learnt"));
    assert_false(is(learnt, "extended"));
    assert_string_not_equal(text_of(learnt, "model"), text_of(first, "model"));
    check_stats_are_those_of(learnt);
    json_t *same = reindexed("--learn", NULL);
    assert_false(is(same, "learnt")); /* the same images teach the same */
    assert_true(is(same, "extended"));
    json_t *kept = reindexed("--keep-model", NULL);
    assert_false(is(kept, "learnt"));
    assert_string_equal(text_of(kept, "model"), text_of(learnt, "model"));
    json_decref(kept);
    json_decref(same);
    json_decref(learnt);
    json_decref(anew);
    json_decref(second);
    json_decref(first);
    tell(archive, 0, "sound", "verify", NULL);
}

static void check_order(const char *text, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = strstr(text, parts[i]);
        if (at == NULL)
            fail_msg("\"%s\" does not follow in: %.2000s", parts[i], text);
        text = at + 1;
    }
}

static void test_people_are_told_what_was_done_and_why(void **state)
{
    (void)state;
    static const char *const first[] = {"building the index (hnsw) will take ",
                                        " of memory at its peak\n",
                                        "reindexed 177 images in ",
                                        "\nmodel ",
                                        "learnt: there was none yet",
                                        "\nindex ",
                                        "built anew, under the new model",
                                        "\nmemory ",
                                        " foretold\n",
                                        "\ntime ",
                                        "\nrecall@10 ",
                                        "recall asked for  measured",
                                        "microseconds\n"};
    run done = run_kindred("-a", archive, "reindex", "--index", "hnsw", NULL);
    assert_int_equal(done.exit_code, 0);
    check_order(done.out, first, sizeof first / sizeof first[0]);
    run_release(&done);
    tell(archive, 0, "model      kept: the archive has neither doubled", "reindex", "-i", "hnsw",
         NULL);
    tell(archive, 0, "index      extended by what is new", "reindex", "--index", "hnsw", NULL);
    tell(archive, 0, "kept, as asked", "reindex", "--keep-model", NULL);
    tell(archive, 0, "built anew, as asked", "reindex", "--rebuild", NULL);
    tell(archive, 0, "have taught the same again", "reindex", "--learn", NULL);
    tell(archive, 0, "recall asked for", "stats", NULL);
    tell(archive, 0, "kept as fp32", "stats", NULL);
}

static void test_memory_bounds_what_is_built(void **state)
{
    (void)state;
    json_decref(ask(archive, 0, "reindex", "--memory", "1G", NULL));
    tell(archive, 1, "may be used", "reindex", "--index", "hnsw", "--rebuild", "--memory", "1K",
         NULL);
    json_t *stats = ask(archive, 0, "stats", NULL); /* the last generation serves on */
    assert_int_equal(number_of(json_object_get(stats, "generation"), "number"), 1);
    json_decref(stats);
}

static void test_before_the_first_there_is_nothing_to_tell(void **state)
{
    (void)state;
    json_t *stats = ask(archive, 0, "stats", NULL);
    assert_true(json_is_null(json_object_get(stats, "generation")));
    assert_string_equal(text_of(json_object_get(stats, "model"), "codec"), "fp32");
    json_decref(stats);
    json_t *answer = ask(archive, 0, "search", BRAIN, NULL);
    assert_true(is(answer, "exact"));
    assert_string_equal(text_of(json_object_get(answer, "plan"), "method"), "scan");
    assert_string_equal(text_of(json_object_get(answer, "plan"), "index_kind"), "none");
    json_decref(answer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, copy_original)
    const struct CMUnitTest tests[] = {
        TEST(test_a_recall_is_asked_for_and_its_plan_told),
        TEST(test_ways_can_be_compared),
        TEST(test_people_are_told_how_it_was_found),
        TEST(test_few_members_come_whole),
        TEST(test_the_first_learns_and_the_next_extends),
        TEST(test_people_are_told_what_was_done_and_why),
        TEST(test_memory_bounds_what_is_built),
        TEST(test_before_the_first_there_is_nothing_to_tell),
    };
    return cmocka_run_group_tests(tests, make_original, drop_original);
}
