/* Supervised learning: taken where labels can be learnt, refused where they cannot. */
#include "learn_support.h"

#include <stdio.h>

enum { DIM = 16, CLASSES = 3 };
#define SIGNAL 0.4

static const kin_learn_options usual = {.embed = {.dim = DIM, .threads = 1}, .folds = 3};

static kin_embedder *must_learn(struct labelled_images *images, const kin_learn_options *options,
                                kin_learn_report *report)
{
    kin_learn_rows rows = labelled_rows(images, CLASSES);
    kin_embedder *embedder = NULL;
    kin_error err = {0};
    if (kin_embedder_learn(LEARN_SIGNATURE, &rows, options, &embedder, report, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_true((report->taken >= 0) == (embedder != NULL));
    return embedder;
}

/* Mean precision at 1 of the second images among the first ones, by their embeddings. */
static double precision(const kin_embedder *embedder, const struct labelled_images *database,
                        const struct labelled_images *queries)
{
    size_t right = 0, n = database->data.count, m = queries->data.count;
    float *a = calloc(n, DIM * sizeof *a), *b = calloc(m, DIM * sizeof *b);
    assert_int_equal(kin_embedder_apply(embedder, database->data.data, n, a, NULL), KIN_OK);
    assert_int_equal(kin_embedder_apply(embedder, queries->data.data, m, b, NULL), KIN_OK);
    for (size_t q = 0; q < m; q++) {
        size_t best = 0;
        assert_true(fabs(inner(b + q * DIM, b + q * DIM, DIM) - 1) < 1e-5);
        for (size_t i = 1; i < n; i++)
            if (inner(b + q * DIM, a + i * DIM, DIM) > inner(b + q * DIM, a + best * DIM, DIM))
                best = i;
        right += database->label[best] == queries->label[q];
    }
    free(a);
    free(b);
    return (double)right / (double)m;
}

static void test_labels_that_can_be_learnt(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(90, 2, CLASSES, SIGNAL, 1);
    struct labelled_images others = labelled_images_new(90, 1, CLASSES, SIGNAL, 2);
    kin_learn_options options = usual;
    kin_learn_report report;
    options.folds = 0;
    kin_embedder *learnt = must_learn(&images, &options, &report);
    assert_non_null(learnt);
    assert_int_equal(report.labelled, 180);
    assert_int_equal(report.classes, CLASSES);
    assert_int_equal(report.groups, 90);
    assert_int_equal(report.folds, KIN_LEARN_DEFAULT_FOLDS);
    assert_int_equal(report.candidate_count, 2);
    assert_string_equal(report.base.method, "base");
    assert_true(report.base.map < 0.7);
    for (size_t c = 0; c < 2; c++) {
        const kin_learn_score *score = &report.candidates[c];
        assert_true(score->map > 0.9 && score->p_at_1 > 0.9);
        assert_true(score->gain_low > 0.1 && score->gain_low < score->gain);
        assert_true(score->beyond_low > 0.1 && score->beyond_high < score->gain_high);
        assert_true(score->gain_high > score->gain && score->gain_high < 1);
        assert_true(fabs(score->map - report.base.map - score->gain) < 1e-9);
    }
    int better = report.candidates[1].map > report.candidates[0].map;
    assert_int_equal(report.taken, better);
    assert_string_equal(kin_embedder_kind_borrow(learnt), report.candidates[better].method);
    assert_int_equal(kin_embedder_trained_on(learnt), 180);
    assert_int_equal(kin_embedder_dim(learnt), DIM);

    /* On images that it has not seen the model is as good as its validation said. */
    kin_embedder *base = must_train(&images.data, LEARN_SIGNATURE, &usual.embed);
    assert_true(precision(learnt, &images, &others) > 0.9);
    assert_true(precision(base, &images, &others) < 0.8);
    kin_embedder_free(base);
    kin_embedder_free(learnt);
    labelled_images_free(&images);
    labelled_images_free(&others);
}

/* Two classes, one of them rare: one discriminant must still rank by more than its sign. */
static void test_two_classes(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(120, 1, CLASSES, SIGNAL, 3);
    kin_learn_report report;
    for (size_t i = 0; i < images.data.count; i++)
        images.label[i] = images.label[i] > 0;
    kin_learn_options options = usual;
    options.method = "lda";
    kin_embedder *learnt = must_learn(&images, &options, &report);
    assert_non_null(learnt);
    assert_int_equal(report.candidate_count, 1);
    assert_int_equal(report.classes, 2);
    assert_true(report.candidates[0].map > 0.85);
    kin_embedder_free(learnt);
    labelled_images_free(&images);
}

/* Labels by chance, the same for near-duplicates.  Whoever lets folds divide a group believes that
 * he learns them. */
static void test_chance_is_refused_unless_groups_leak(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(60, 3, CLASSES, 0, 4);
    kin_learn_report report;
    uint64_t state = 5;
    int by_group[60];
    for (size_t g = 0; g < 60; g++)
        by_group[g] = (int)(random_bits(&state) % CLASSES);
    for (size_t i = 0; i < images.data.count; i++)
        images.label[i] = by_group[images.group[i]];
    assert_null(must_learn(&images, &usual, &report));
    assert_int_equal(report.taken, -1);
    assert_int_equal(report.groups, 60);
    for (size_t c = 0; c < 2; c++) {
        const kin_learn_score *score = &report.candidates[c];
        assert_true(score->beyond_low < -0.02 && fabs(score->beyond) < 0.1);
        assert_true(fabs(score->map - score->chance) < 0.1);
        assert_true(score->map > report.base.map + 0.03); /* which is worth nothing */
    }
    /* one who insists gets it, with the same figures */
    kin_learn_options options = usual;
    kin_learn_report forced;
    options.force = true;
    options.method = "lda";
    kin_embedder *learnt = must_learn(&images, &options, &forced);
    assert_non_null(learnt);
    assert_true(forced.candidates[0].map == report.candidates[0].map);
    kin_embedder_free(learnt);

    for (size_t i = 0; i < images.data.count; i++)
        images.group[i] = (int)i;
    options.force = false;
    learnt = must_learn(&images, &options, &report);
    assert_non_null(learnt);
    assert_true(report.candidates[0].map > forced.candidates[0].map + 0.05);
    kin_embedder_free(learnt);
    labelled_images_free(&images);
}

/* Rows of unknown label are no queries and teach no class; a model is the one that
 * kin_embedder_learn_method() learns from the same rows, time and again. */
static void test_unlabelled_rows(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(60, 2, CLASSES, SIGNAL, 6);
    kin_learn_rows rows = labelled_rows(&images, CLASSES);
    kin_learn_options options = usual;
    kin_learn_report report;
    for (size_t i = 0; i < images.data.count; i += 3)
        images.label[i] = -1;
    static const char *const methods[] = {"lda", "mlp"};
    for (size_t m = 0; m < 2; m++) {
        kin_embedder *again = NULL;
        options.method = methods[m];
        kin_embedder *learnt = must_learn(&images, &options, &report);
        assert_non_null(learnt);
        assert_int_equal(report.labelled, 80);
        assert_int_equal(kin_embedder_trained_on(learnt), 80);
        assert_int_equal(kin_embedder_learn_method(LEARN_SIGNATURE, &rows, methods[m],
                                                   &options.embed, &again, NULL),
                         KIN_OK);
        assert_string_equal(kin_embedder_id_borrow(again), kin_embedder_id_borrow(learnt));
        kin_embedder_free(again);
        kin_embedder_free(learnt);
    }
    labelled_images_free(&images);
}

static void refuses(struct labelled_images *images, const kin_learn_options *options,
                    const char *says)
{
    kin_learn_rows rows = labelled_rows(images, CLASSES);
    kin_embedder *embedder = (kin_embedder *)&rows;
    kin_learn_report report;
    kin_error err = {0};
    assert_int_equal(kin_embedder_learn(LEARN_SIGNATURE, &rows, options, &embedder, &report, &err),
                     KIN_E_ARG);
    assert_null(embedder);
    if (strstr(err.message, says) == NULL)
        fail_msg("'%s' does not say '%s'", err.message, says);
}

static void test_too_little_to_learn_from(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(12, 2, CLASSES, SIGNAL, 7);
    kin_learn_options options = usual;
    const size_t count = images.data.count;
    kin_learn_report report;
    for (size_t i = 0; i < count; i++)
        images.label[i] = 1;
    refuses(&images, &usual, "1 classes among 24 labelled images, 1 have two groups");
    for (size_t i = 0; i < count; i++)
        images.label[i] = -1;
    refuses(&images, &usual, "0 classes");
    /* a second class that lies in one group: no fold has it on both sides */
    for (size_t i = 0; i < count; i++)
        images.label[i] = images.group[i] == 3;
    refuses(&images, &usual, "2 classes among 24 labelled images, 1 have two groups");
    images.label[0] = CLASSES;
    refuses(&images, &usual, "row 0");
    images.label[0] = 0;
    images.group[1] = (int)count;
    refuses(&images, &usual, "row 1");
    images.group[1] = 0;
    options.method = "guess";
    refuses(&images, &options, "'guess'");
    options = (kin_learn_options){.embed = {.dim = 1}};
    refuses(&images, &options, "2 dimensions");
    options = (kin_learn_options){.embed = {.dim = DIM}, .folds = 1};
    images.label[23] = 1;
    refuses(&images, &options, "1 folds");

    /* Four groups, two of either class, all of which gain: still too few to believe it. */
    for (size_t i = 0; i < count; i++) {
        images.label[i] %= 2;
        images.label[i] = images.group[i] % CLASSES == 2 ? -1 : images.group[i] % CLASSES;
        images.label[i] = images.group[i] < 6 ? images.label[i] : -1;
    }
    assert_null(must_learn(&images, &usual, &report));
    assert_int_equal(report.groups, 4);
    assert_int_equal(report.folds, 3);
    assert_true(report.candidates[0].gain_low == -1 && report.candidates[0].gain_high == 1);
    labelled_images_free(&images);
}

static void test_one_method_needs_two_classes(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(12, 1, CLASSES, SIGNAL, 8);
    kin_learn_rows rows = labelled_rows(&images, CLASSES);
    kin_embedder *embedder = NULL;
    for (size_t i = 0; i < images.data.count; i++)
        images.label[i] = i < 6 ? 2 : -1;
    assert_int_equal(
        kin_embedder_learn_method(LEARN_SIGNATURE, &rows, "mlp", NULL, &embedder, NULL), KIN_E_ARG);
    assert_int_equal(kin_embedder_learn_method(LEARN_SIGNATURE, &rows, NULL, NULL, &embedder, NULL),
                     KIN_E_ARG);
    assert_null(embedder);
    labelled_images_free(&images);
}

struct patience {
    size_t calls, stop_at;
    double last;
    char stage[32];
};

static int count_calls(void *ctx, const char *stage, double done)
{
    struct patience *p = ctx;
    assert_true(done >= 0 && done <= 1);
    if (strcmp(p->stage, stage) != 0)
        p->last = 0;
    snprintf(p->stage, sizeof p->stage, "%s", stage);
    assert_true(done >= p->last - 1e-9);
    p->last = done;
    return ++p->calls == p->stop_at;
}

static void test_cancelled_anywhere(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(18, 1, CLASSES, SIGNAL, 9);
    kin_learn_rows rows = labelled_rows(&images, CLASSES);
    struct patience patience = {0};
    kin_learn_options options = usual;
    kin_learn_report report;
    options.folds = 2;
    options.force = true;
    options.progress = count_calls;
    options.progress_ctx = &patience;
    kin_embedder_free(must_learn(&images, &options, &report));
    assert_string_equal(patience.stage, "learning");
    size_t calls = patience.calls;
    assert_true(calls > 20);
    for (size_t at = 1; at <= calls; at += calls / 5) {
        kin_embedder *embedder = NULL;
        patience = (struct patience){.stop_at = at};
        assert_int_equal(
            kin_embedder_learn(LEARN_SIGNATURE, &rows, &options, &embedder, &report, NULL),
            KIN_E_CANCELLED);
        assert_null(embedder);
        assert_int_equal(patience.calls, at);
    }
    labelled_images_free(&images);
}

static const float *failing_row(void *ctx, size_t i, kin_error *err)
{
    const struct descriptors *d = ctx;
    if (i == 5) {
        kin_fail(err, KIN_E_CORRUPT, NULL, "row 5 is damaged");
        return NULL;
    }
    return d->data + i * d->input;
}

static void test_rows_that_fail(void **unused)
{
    (void)unused;
    struct labelled_images images = labelled_images_new(18, 1, CLASSES, SIGNAL, 10);
    kin_learn_rows rows = labelled_rows(&images, CLASSES);
    kin_learn_report report;
    kin_embedder *embedder = NULL;
    kin_error err = {0};
    rows.rows.row = failing_row;
    assert_int_equal(kin_embedder_learn(LEARN_SIGNATURE, &rows, &usual, &embedder, &report, &err),
                     KIN_E_CORRUPT);
    assert_string_equal(err.message, "row 5 is damaged");
    rows.rows.row = descriptors_row;
    images.data.data[7 * LEARN_INPUT] = NAN;
    assert_int_equal(kin_embedder_learn(LEARN_SIGNATURE, &rows, &usual, &embedder, &report, NULL),
                     KIN_E_CORRUPT);
    assert_null(embedder);
    labelled_images_free(&images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_that_can_be_learnt),
        cmocka_unit_test(test_two_classes),
        cmocka_unit_test(test_chance_is_refused_unless_groups_leak),
        cmocka_unit_test(test_unlabelled_rows),
        cmocka_unit_test(test_too_little_to_learn_from),
        cmocka_unit_test(test_one_method_needs_two_classes),
        cmocka_unit_test(test_cancelled_anywhere),
        cmocka_unit_test(test_rows_that_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
