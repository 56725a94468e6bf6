/* kindred learn on the committed samples: what can be learnt from them, what cannot, and what the
 * other commands say afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli_asking.h"
#include "temp_folder.h"

#define SAMPLES  KIN_TEST_SOURCE_DIR "/data-samples"
#define MANIFEST SAMPLES "/manifest.csv"

static char folder[PATH_MAX], archive[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    json_decref(ask(archive, 0, "ingest", SAMPLES, "--manifest", MANIFEST, NULL));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* What stats says of the model. */
static json_t *model(void)
{
    json_t *stats = ask(archive, 0, "stats", NULL);
    json_t *of = json_incref(json_object_get(stats, "model"));
    json_decref(stats);
    return of;
}

static void test_a_metric_of_body_parts(void **state)
{
    (void)state;
    tell(archive, 0, "lda would be taken", "learn", "--label", "body_part", "--method", "lda",
         "--dry-run", NULL);
    json_t *before = model();
    assert_string_equal(text_of(before, "kind"), "pca-whitened");
    assert_true(json_is_null(json_object_get(before, "metric")));

    json_t *report = ask(archive, 0, "learn", "--label", "body_part", "--method", "lda", NULL);
    assert_string_equal(text_of(report, "taken"), "lda");
    assert_true(json_is_true(json_object_get(report, "changed")));
    assert_int_equal(number_of(report, "groups"), 39); /* the samples' patients */
    assert_int_equal(number_of(report, "by_patient"), number_of(report, "images"));
    const json_t *lda = json_array_get(json_object_get(report, "candidates"), 0);
    assert_true(real_of(lda, "map") > real_of(json_object_get(report, "base"), "map"));
    assert_true(json_number_value(json_array_get(json_object_get(lda, "gain_interval"), 0)) > 0);
    assert_string_equal(text_of(json_object_get(report, "reindex"), "model_kind"), "lda");

    json_t *after = model();
    assert_string_equal(text_of(after, "kind"), "lda");
    const json_t *metric = json_object_get(after, "metric");
    assert_string_equal(text_of(metric, "label"), "body_part");
    assert_int_equal(number_of(metric, "images"), number_of(report, "labelled"));
    tell(archive, 0, "metric", "stats", NULL);
    tell(archive, 0, "kept: it was learnt from labels", "reindex", NULL);
    tell(archive, 0, "sound", "verify", NULL);

    tell(archive, 0, "none is taken", "learn", "--method", "none", NULL);
    json_t *back = model();
    assert_string_equal(text_of(back, "id"), text_of(before, "id")); /* the same images teach it */
    assert_true(json_is_null(json_object_get(back, "metric")));
    json_decref(back);
    json_decref(after);
    json_decref(report);
    json_decref(before);
}

static void test_what_cannot_be_learnt(void **state)
{
    (void)state;
    tell(archive, 1, "no image has a value of it", "learn", "--label", "mood", NULL);
    tell(archive, 1, "two such classes", "learn", "--label", "patient_id", NULL);
    tell(archive, 2, "lda, mlp, none", "learn", "--method", "guess", NULL);
    tell(archive, 2, NULL, "learn", "--where", "body_part =", NULL);
    /* invented treatments do not show: all that is gained is what blocks of classes gain by chance */
    json_t *report = ask(archive, 1, "learn", "--label", "treatment", "--method", "lda", NULL);
    assert_true(json_is_null(json_object_get(report, "taken")));
    assert_true(json_is_false(json_object_get(report, "changed")));
    assert_true(json_is_null(json_object_get(report, "reindex")));
    const json_t *lda = json_array_get(json_object_get(report, "candidates"), 0);
    assert_true(real_of(lda, "map") > real_of(json_object_get(report, "base"), "map"));
    assert_true(
        json_number_value(json_array_get(json_object_get(lda, "beyond_chance_interval"), 0)) < 0);
    json_decref(report);
    tell(archive, 0, "not proven", "learn", "--label", "treatment", "--method", "lda", "--force",
         NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_metric_of_body_parts),
        cmocka_unit_test(test_what_cannot_be_learnt),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
