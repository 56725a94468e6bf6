/* A user's way through kindred, on the samples: every command, its JSON, its exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_program.h"
#include "temp_folder.h"

#define SAMPLES    KIN_TEST_SOURCE_DIR "/data-samples"
#define MANIFEST   SAMPLES "/manifest.csv"
#define ONE_SAMPLE SAMPLES "/SYN-0001/study-1/series-1/image-1.dcm"

enum { IMAGES = 225, FILES = 165 };

static char folder[PATH_MAX], archive[PATH_MAX];

static int make_archive(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    run done =
        run_kindred("-a", archive, "ingest", SAMPLES, "--manifest", MANIFEST, "--json", NULL);
    json_t *summary = run_json(&done);
    assert_int_equal(done.exit_code, 0);
    assert_int_equal(json_integer_value(json_object_get(summary, "images")), IMAGES);
    assert_int_equal(json_integer_value(json_object_get(summary, "stored")), FILES);
    assert_int_equal(json_integer_value(json_object_get(summary, "failed")), 0);
    json_decref(summary);
    run_release(&done);
    return 0;
}

static int drop_archive(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* Runs kindred on the archive with `words`, split at '|'; asserts the exit code and gives the JSON. */
static json_t *ask(int exit_code, const char *words)
{
    char text[2048], *rest = text;
    const char *arguments[32] = {"-a", archive};
    size_t count = 2;
    assert_true(snprintf(text, sizeof text, "%s", words) < (int)sizeof text);
    for (char *word; (word = strsep(&rest, "|")) != NULL && count < 30;)
        arguments[count++] = word;
    arguments[count++] = "--json";
    arguments[count] = NULL;
    run done = run_kindred_with(arguments);
    if (done.exit_code != exit_code)
        print_error("%s: exit code %d\n%s\n", words, done.exit_code, done.err);
    assert_int_equal(done.exit_code, exit_code);
    json_t *value = run_json(&done);
    run_release(&done);
    return value;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static const char *label_of(const json_t *result, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(result, "labels"), name));
    return text != NULL ? text : "";
}

static const json_t *results_of(const json_t *answer)
{
    const json_t *results = json_object_get(answer, "results");
    assert_true(json_is_array(results));
    return results;
}

static void test_the_same_again_stores_nothing(void **state)
{
    (void)state;
    json_t *summary = ask(0, "ingest|" SAMPLES "|--manifest|" MANIFEST);
    assert_int_equal(json_integer_value(json_object_get(summary, "images")), 0);
    assert_int_equal(json_integer_value(json_object_get(summary, "duplicate")), FILES);
    json_decref(summary);
}

static void test_a_file_finds_itself_in_the_promised_form(void **state)
{
    (void)state;
    json_t *answer = ask(0, "search|" ONE_SAMPLE "|-k|7");
    static const char *const texts[] = {"sop_instance_uid",
                                        "series_instance_uid",
                                        "study_instance_uid",
                                        "patient_id",
                                        "modality",
                                        "path",
                                        "outcome"};
    size_t i;
    json_t *result;
    double last = 2;
    assert_non_null(json_object_get(answer, "query"));
    assert_true(json_is_object(json_object_get(answer, "plan")));
    assert_int_equal(json_array_size(results_of(answer)), 7);
    json_array_foreach(results_of(answer), i, result)
    {
        assert_int_equal(json_integer_value(json_object_get(result, "rank")), i + 1);
        double score = json_real_value(json_object_get(result, "score"));
        assert_true(score <= last);
        last = score;
        assert_true(json_is_integer(json_object_get(result, "frame")));
        assert_true(json_is_object(json_object_get(result, "labels")));
        for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
            text_of(result, texts[t]);
    }
    const json_t *first = json_array_get(results_of(answer), 0);
    assert_true(json_real_value(json_object_get(first, "score")) > 0.9999);
    assert_string_equal(text_of(first, "path"), ONE_SAMPLE);
    assert_string_equal(text_of(first, "patient_id"), "SYN-0001");
    assert_string_equal(label_of(first, "diagnosis"), "spiculated_nodule");
    assert_true(text_of(first, "outcome")[0] != '\0');
    json_decref(answer);
}

static void test_a_stored_image_leaves_itself_out(void **state)
{
    (void)state;
    json_t *answer = ask(0, "search|" ONE_SAMPLE "|-k|1");
    char words[256];
    snprintf(words, sizeof words, "search|--uid|%s|-k|1000",
             text_of(json_array_get(results_of(answer), 0), "sop_instance_uid"));
    json_t *others = ask(0, words);
    assert_int_equal(json_array_size(results_of(others)), IMAGES - 1);
    assert_true(json_is_true(json_object_get(others, "complete")));
    json_decref(others);
    json_decref(answer);
}

static void test_conditions(void **state)
{
    (void)state;
    json_t *answer =
        ask(0, "search|" ONE_SAMPLE "|-k|1000|--where|(diagnosis in (glioma, meningioma) "
               "and not modality = SM) or (modality = CT and lesion_mm > 15)");
    size_t i;
    json_t *result;
    assert_true(json_array_size(results_of(answer)) > 30);
    json_array_foreach(results_of(answer), i, result)
    {
        const char *diagnosis = label_of(result, "diagnosis"),
                   *modality = text_of(result, "modality");
        bool brain = (strcmp(diagnosis, "glioma") == 0 || strcmp(diagnosis, "meningioma") == 0) &&
                     strcmp(modality, "SM") != 0;
        bool chest =
            strcmp(modality, "CT") == 0 && strtod(label_of(result, "lesion_mm"), NULL) > 15;
        assert_true(brain || chest);
    }
    json_decref(answer);
    answer = ask(0, "search|" ONE_SAMPLE "|--where|modality = XX");
    assert_int_equal(json_array_size(results_of(answer)), 0);
    assert_true(json_is_true(json_object_get(answer, "complete")));
    json_decref(answer);
}

static void test_folding_and_other_patients(void **state)
{
    (void)state;
    static const struct {
        const char *level, *key;
    } levels[] = {{"series", "series_instance_uid"},
                  {"study", "study_instance_uid"},
                  {"patient", "patient_id"}};
    for (size_t l = 0; l < 3; l++) {
        char words[256];
        snprintf(words, sizeof words, "search|" ONE_SAMPLE "|-k|1000|--not-same-patient|--by|%s",
                 levels[l].level);
        json_t *answer = ask(0, words), *result;
        size_t i;
        json_array_foreach(results_of(answer), i, result)
        {
            assert_string_not_equal(text_of(result, "patient_id"), "SYN-0001");
            for (size_t j = 0; j < i; j++)
                assert_string_not_equal(
                    text_of(json_array_get(results_of(answer), j), levels[l].key),
                    text_of(result, levels[l].key));
        }
        assert_true(i >= 38); /* one for each other patient at least */
        json_decref(answer);
    }
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static size_t exported(const char *format)
{
    run done = run_kindred("-a", archive, "export", "--format", format, NULL);
    assert_int_equal(done.exit_code, 0);
    size_t lines = count_lines(done.out);
    run_release(&done);
    return lines;
}

static void test_deleting_at_each_level(void **state)
{
    (void)state;
    json_t *answer = ask(0, "search|" ONE_SAMPLE "|-k|1");
    const json_t *first = json_array_get(results_of(answer), 0);
    static const char *const keys[] = {"sop_instance_uid", "series_instance_uid",
                                       "study_instance_uid", "patient_id"};
    size_t left = exported("ndjson");
    assert_int_equal(left, IMAGES);
    assert_int_equal(exported("csv"), IMAGES + 1);
    for (size_t i = 0; i < 4; i++) {
        run done = run_kindred("-a", archive, "delete", text_of(first, keys[i]), NULL);
        assert_int_equal(done.exit_code, 0);
        run_release(&done);
        assert_true(exported("ndjson") < left);
        left = exported("ndjson");
        done = run_kindred("-a", archive, "show", text_of(first, keys[i]), NULL);
        assert_int_equal(done.exit_code, 1);
        run_release(&done);
    }
    json_t *after = ask(0, "search|" ONE_SAMPLE "|-k|1000"), *result;
    size_t i;
    json_array_foreach(results_of(after), i, result)
        assert_string_not_equal(text_of(result, "patient_id"), "SYN-0001");
    assert_int_equal(i, left);
    json_decref(after);
    json_decref(answer);
    /* And they can come back. */
    json_decref(ask(0, "ingest|" SAMPLES "|--manifest|" MANIFEST));
    assert_int_equal(exported("ndjson"), IMAGES);
}

static void test_reindexing_changes_no_answer_of_the_scan(void **state)
{
    (void)state;
    static const char *const kinds[] = {"hnsw", "flat"};
    for (size_t i = 0; i < 2; i++) {
        char words[64];
        snprintf(words, sizeof words, "reindex|--index|%s", kinds[i]);
        json_t *report = ask(0, words);
        json_decref(report);
        json_t *by_index = ask(0, "search|" ONE_SAMPLE "|-k|10");
        json_t *by_scan = ask(0, "search|" ONE_SAMPLE "|-k|10|--exact");
        assert_true(json_equal(results_of(by_index), results_of(by_scan)));
        json_decref(by_index);
        json_decref(by_scan);
        run done = run_kindred("-a", archive, "verify", NULL);
        assert_int_equal(done.exit_code, 0);
        run_release(&done);
    }
}

static void test_a_backup_answers_alike(void **state)
{
    (void)state;
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%.4000s/copy", folder);
    run done = run_kindred("-a", archive, "backup", copy, NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
    json_t *here = ask(0, "search|" ONE_SAMPLE "|-k|20");
    done = run_kindred("-a", copy, "search", ONE_SAMPLE, "-k", "20", "--json", NULL);
    json_t *there = run_json(&done);
    assert_true(json_equal(results_of(here), results_of(there)));
    run_release(&done);
    json_decref(here);
    json_decref(there);
    done = run_kindred("-a", archive, "backup", copy, NULL); /* not over what is there */
    assert_int_not_equal(done.exit_code, 0);
    run_release(&done);
}

static void test_statistics_and_evaluation(void **state)
{
    (void)state;
    json_t *stats = ask(0, "stats");
    assert_int_equal(json_integer_value(json_object_get(stats, "images")), IMAGES);
    assert_int_equal(json_integer_value(json_object_get(stats, "patients")), 39);
    json_decref(stats);
    json_t *report = ask(0, "eval|--manifest|" MANIFEST "|--leave-out|patient_id");
    static const char *const figures[] = {"p_at_1", "p_at_10", "mmv_at_5", "map", "ndcg_at_10"};
    assert_int_equal(json_integer_value(json_object_get(report, "queries")), IMAGES);
    assert_int_equal(json_integer_value(json_object_get(report, "database")), IMAGES);
    for (size_t i = 0; i < 5; i++) {
        double value = json_number_value(json_object_get(report, figures[i]));
        const json_t *interval = json_object_get(json_object_get(report, "intervals"), figures[i]);
        assert_true(value > 0.2 && value <= 1); /* 12 classes: chance is below 0.1 */
        assert_true(json_number_value(json_array_get(interval, 0)) <= value);
        assert_true(json_number_value(json_array_get(interval, 1)) >= value);
    }
    assert_true(json_is_object(json_object_get(report, "per_class")));
    assert_non_null(json_object_get(report, "confusion"));
    json_decref(report);
}

static void test_exit_codes_and_help(void **state)
{
    (void)state;
    static const char *const commands[] = {"init",   "ingest",  "search", "show",
                                           "delete", "reindex", "verify", "stats",
                                           "backup", "export",  "eval"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        run done = run_kindred(commands[i], "--help", NULL);
        assert_int_equal(done.exit_code, 0);
        assert_non_null(strstr(done.out, commands[i]));
        run_release(&done);
    }
    static const struct {
        const char *words[6];
        int exit_code;
    } cases[] = {
        {{"no-such-command"}, 2},
        {{"search"}, 2},
        {{"search", "--no-such-option"}, 2},
        {{"-a", "/no/such/archive", "stats"}, 3},
        {{"-a", "/no/such/archive", "search", ONE_SAMPLE}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run done = run_kindred_with(cases[i].words);
        assert_int_equal(done.exit_code, cases[i].exit_code);
        assert_true(strncmp(done.err, "kindred", 7) == 0);
        run_release(&done);
    }
    run done = run_kindred("-a", archive, "search", ONE_SAMPLE, "--where", "modality = ", NULL);
    assert_int_equal(done.exit_code, 2);
    run_release(&done);
    done = run_kindred("-a", archive, "search", "/no/such/file.dcm", NULL);
    assert_int_equal(done.exit_code, 1);
    assert_non_null(strstr(done.err, "/no/such/file.dcm"));
    run_release(&done);
}

static void test_the_environment_names_the_archive(void **state)
{
    (void)state;
    setenv("KINDRED_ARCHIVE", archive, 1);
    run done = run_kindred("stats", "--json", NULL);
    unsetenv("KINDRED_ARCHIVE");
    json_t *stats = run_json(&done);
    assert_int_equal(json_integer_value(json_object_get(stats, "images")), IMAGES);
    json_decref(stats);
    run_release(&done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_again_stores_nothing),
        cmocka_unit_test(test_a_file_finds_itself_in_the_promised_form),
        cmocka_unit_test(test_a_stored_image_leaves_itself_out),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_folding_and_other_patients),
        cmocka_unit_test(test_deleting_at_each_level),
        cmocka_unit_test(test_reindexing_changes_no_answer_of_the_scan),
        cmocka_unit_test(test_a_backup_answers_alike),
        cmocka_unit_test(test_statistics_and_evaluation),
        cmocka_unit_test(test_exit_codes_and_help),
        cmocka_unit_test(test_the_environment_names_the_archive),
    };
    return cmocka_run_group_tests(tests, make_archive, drop_archive);
}
