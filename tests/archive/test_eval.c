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

/* Judges a ranking of these classes, without grades. */
static bool judge(const int *labels, size_t count, int label, kin_judged *out)
{
    enum { MOST = 32 };
    kin_ranked ranked[MOST];
    for (size_t i = 0; i < count; i++)
        ranked[i] = (kin_ranked){labels[i], -1};
    return kin_judge_ranking(ranked, count, (kin_ranked){label, -1}, out);
}

static void test_a_ranking_by_hand(void **state)
{
    (void)state;
    /* Relevant (class 1) at ranks 1, 3, 4 and 12. */
    const int labels[] = {1, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 1};
    kin_judged judged;
    assert_true(judge(labels, 12, 1, &judged));
    near(judged.value[KIN_P_AT_1], 1);
    near(judged.value[KIN_P_AT_5], 0.6);
    near(judged.value[KIN_P_AT_10], 0.3);
    near(judged.value[KIN_MMV_AT_5], 1); /* 1, 0, 1, 1, 2 */
    assert_int_equal(judged.label, 1);
    near(judged.value[KIN_AP], (1.0 / 1 + 2.0 / 3 + 3.0 / 4 + 4.0 / 12) / 4);
    /* Over the four that there are, not over the three that were found. */
    near(judged.value[KIN_AP_AT_10], (1.0 / 1 + 2.0 / 3 + 3.0 / 4) / 4);
    double gain = 1 / log2(2) + 1 / log2(4) + 1 / log2(5);
    double ideal = 1 / log2(2) + 1 / log2(3) + 1 / log2(4) + 1 / log2(5);
    near(judged.value[KIN_NDCG_AT_10], gain / ideal);
}

static void test_ap_at_10_divides_by_ten_where_there_are_more(void **state)
{
    (void)state;
    int labels[30] = {0};
    kin_judged judged;
    for (int i = 10; i < 30; i++)
        labels[i] = 1;
    labels[4] = 1; /* one hit, at rank 5, of 21 */
    assert_true(judge(labels, 30, 1, &judged));
    near(judged.value[KIN_AP_AT_10], 1.0 / 5 / 10);
}

static void test_graded_relevance(void **state)
{
    (void)state;
    /* Query: class 0, grade 7.  The ranking: same grade, same class, neither, same class. */
    const kin_ranked ranked[] = {{1, 7}, {0, 7}, {2, 8}, {0, 9}};
    kin_judged judged;
    assert_true(kin_judge_ranking(ranked, 4, (kin_ranked){0, 7}, &judged));
    double gain = 1 / log2(2) + 3 / log2(3) + 0 + 3 / log2(5);
    double ideal = 3 / log2(2) + 3 / log2(3) + 1 / log2(4);
    near(judged.value[KIN_NDCG_AT_10], gain / ideal);
    near(judged.value[KIN_AP], (1.0 / 2 + 2.0 / 4) / 2); /* which knows no grades */
}

static void test_majorities(void **state)
{
    (void)state;
    const struct {
        int labels[5];
        size_t count;
        int vote[KIN_VOTES];
    } cases[] = {
        {{2, 1, 1, 2, 0}, 5, {2, 1, 2}}, /* a tie: the better ranked */
        {{0, 1, 1, 2, 2}, 5, {0, 1, 1}}, {{3, 1, 1}, 3, {3, 1, 1}},
        {{4, 5, 6, 6, 6}, 5, {4, 4, 6}}, {{4}, 1, {4, 4, 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_judged judged;
        assert_true(judge(cases[i].labels, cases[i].count, cases[i].labels[0], &judged));
        assert_memory_equal(judged.vote, cases[i].vote, sizeof judged.vote);
    }
}

static void test_a_query_without_relevant_images_is_not_judged(void **state)
{
    (void)state;
    const int labels[] = {0, 0, 2};
    kin_judged judged;
    assert_false(judge(labels, 3, 1, &judged));
    assert_false(judge(labels, 0, 1, &judged));
}

/* --- bootstrap --- */

static kin_judged all_of(double value)
{
    kin_judged judged = {.label = 0};
    for (int m = 0; m < KIN_MEASURES; m++)
        judged.value[m] = value;
    return judged;
}

static kin_bootstrap_options resampled(size_t resamples, size_t classes, int label)
{
    return (kin_bootstrap_options){resamples, 1, classes, label};
}

static void test_bootstrap_intervals(void **state)
{
    (void)state;
    enum { QUERIES = 400 };
    kin_error err;
    kin_judged judged[QUERIES];
    int groups[QUERIES];
    kin_eval_measures alone, grouped, again;
    const kin_bootstrap_options options = resampled(2000, 1, -1);
    for (int i = 0; i < QUERIES; i++) {
        groups[i] = i / 100; /* four groups, alike within */
        judged[i] = all_of(groups[i] % 2);
    }
    assert_ok(kin_bootstrap(judged, NULL, QUERIES, &options, &alone, &err), err);
    assert_ok(kin_bootstrap(judged, NULL, QUERIES, &options, &again, &err), err);
    assert_ok(kin_bootstrap(judged, groups, QUERIES, &options, &grouped, &err), err);
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
    const kin_bootstrap_options options = resampled(100, 1, -1);
    assert_ok(kin_bootstrap(judged, NULL, 3, &options, &measures, &err), err);
    near(measures.p_at_10.low, 0.25);
    near(measures.p_at_10.high, 0.25);
    assert_ok(kin_bootstrap(judged, NULL, 0, &options, &measures, &err), err);
    assert_int_equal(measures.queries, 0);
}

/* Three classes, of which two have queries; votes by hand. */
static void test_f1_by_hand(void **state)
{
    (void)state;
    enum { QUERIES = 6 };
    static const int labels[QUERIES] = {0, 0, 0, 0, 1, 1}, votes[QUERIES] = {0, 0, 0, 1, 1, 2};
    kin_error err;
    kin_judged judged[QUERIES];
    kin_eval_measures all, second;
    for (int i = 0; i < QUERIES; i++) {
        judged[i] = all_of(labels[i] == 0 ? 1 : 0.5);
        judged[i].label = labels[i];
        judged[i].vote[0] = votes[i];
        judged[i].vote[1] = labels[i];
        judged[i].vote[2] = 2;
    }
    kin_bootstrap_options options = resampled(500, 3, -1);
    assert_ok(kin_bootstrap(judged, NULL, QUERIES, &options, &all, &err), err);
    /* Class 0: 3 right, 1 missed.  Class 1: 1 right, 1 missed, 1 taken for it. */
    near(all.f1_at_1.value, (2 * 3.0 / (2 * 3 + 0 + 1) + 2 * 1.0 / (2 * 1 + 1 + 1)) / 2);
    near(all.f1_at_3.value, 1);
    near(all.f1_at_5.value, 0);
    near(all.map.value, (4 * 1 + 2 * 0.5) / 6);
    assert_true(all.f1_at_1.low < all.f1_at_1.value && all.f1_at_1.value < all.f1_at_1.high);
    options.label = 1;
    assert_ok(kin_bootstrap(judged, NULL, QUERIES, &options, &second, &err), err);
    assert_int_equal(second.queries, 2);
    near(second.map.value, 0.5);
    near(second.f1_at_1.value, 2 * 1.0 / (2 * 1 + 1 + 1));
}

/* --- whole evaluations over invented images --- */

static char folder[PATH_MAX], dir[PATH_MAX], csv[PATH_MAX], queries_csv[PATH_MAX];
static kin_archive *archive;

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    snprintf(csv, sizeof csv, "%.4000s/m.csv", folder);
    snprintf(queries_csv, sizeof queries_csv, "%.4000s/q.csv", folder);
    archive = new_archive(dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kin_archive_close(archive);
    temp_folder_remove(folder);
    return 0;
}

static FILE *begin_manifest(const char *path, const char *header)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n", header);
    return file;
}

static kin_manifest *end_manifest(FILE *file, const char *path)
{
    kin_error err;
    kin_manifest *manifest = NULL;
    assert_int_equal(fclose(file), 0);
    assert_ok(kin_manifest_read(path, &manifest, &err), err);
    return manifest;
}

static kin_eval_report evaluate(const kin_manifest *manifest, kin_eval_options options)
{
    kin_error err;
    kin_eval_report report;
    if (options.bootstrap == 0)
        options.bootstrap = 100;
    assert_ok(kin_eval(archive, manifest, &options, &report, &err), err);
    return report;
}

static const kin_eval_model serving[] = {{.model = "serving"}};

/* Every image against all others: two of them copies, one not there. */
static void test_an_evaluation(void **state)
{
    (void)state;
    enum { IMAGES = 60, CLASSES = 3 };
    kin_error err;
    put_many(archive, 0, IMAGES, CLASSES);
    put_one(archive, make_instance(IMAGES, 1, 0, 0)); /* the picture of image 0 again */
    FILE *file = begin_manifest(csv, "path,diagnosis,patient_id,duplicate_of");
    for (int i = 0; i <= IMAGES; i++)
        fprintf(file, "/invented/%d.dcm,class%d,P%d,\n", i, i % CLASSES, i / 12);
    fprintf(file, "/invented/1.dcm,class1,P0,/invented/4.dcm\n/invented/9999.dcm,class1,P0,\n");
    kin_manifest *manifest = end_manifest(file, csv);
    kin_eval_options options = {.models = serving, .model_count = 1, .folds = 1};
    kin_eval_report report = evaluate(manifest, options);
    assert_int_equal(report.database, IMAGES);
    assert_int_equal(report.duplicates, 2);
    assert_int_equal(report.missing, 1);
    assert_int_equal(report.described, 0);
    assert_int_equal(report.groups, IMAGES / 12);
    assert_string_equal(report.grouping, "patient_id"); /* unasked: they are known */
    assert_int_equal(report.class_count, CLASSES);
    assert_string_equal(report.classes[1], "class1");
    assert_int_equal(report.class_sizes[1], IMAGES / CLASSES);
    const kin_eval_model_report *model = &report.models[0];
    assert_string_equal(model->name, "serving");
    assert_int_equal(model->all.queries, IMAGES);
    near(model->all.map.value, 1); /* the classes are far apart */
    near(model->all.p_at_10.value, 1);
    near(model->all.f1_at_5.value, 1);
    near(model->per_class[2].mmv_at_5.value, 1);
    assert_int_equal(model->confusion[0], IMAGES / CLASSES);
    assert_int_equal(model->confusion[1], 0);
    kin_eval_report_release(&report);

    options.label = "no such column";
    assert_int_equal(kin_eval(archive, manifest, &options, &report, &err), KIN_E_ARG);
    kin_manifest_free(manifest);
}

/* Half of the images, in patients of twelve, ask the other half, which they are no part of. */
static void test_queries_are_no_part_of_the_database(void **state)
{
    (void)state;
    enum { IMAGES = 48, CLASSES = 3 };
    put_many(archive, 0, IMAGES, CLASSES);
    FILE *file = begin_manifest(csv, "path,diagnosis");
    for (int i = 0; i < IMAGES; i++)
        fprintf(file, "/invented/%d.dcm,class%d\n", i, i % CLASSES);
    kin_manifest *manifest = end_manifest(file, csv);
    file = begin_manifest(queries_csv, "path,diagnosis");
    for (int i = 6; i < 18; i++) /* halves of patients 0 and 1, as the records know */
        fprintf(file, "/invented/%d.dcm,class%d\n", i, i % CLASSES);
    kin_manifest *queries = end_manifest(file, queries_csv);

    static const kin_eval_model models[] = {{.model = "serving"}, {.model = "pca"}};
    kin_eval_options options = {.queries = queries, .models = models, .model_count = 2};
    kin_eval_report report = evaluate(manifest, options);
    assert_int_equal(report.query_count, 12);
    assert_int_equal(report.database, IMAGES - 12);
    assert_int_equal(report.duplicates, 0);
    assert_int_equal(report.folds, 0);
    for (size_t q = 0; q < report.query_count; q++) {
        const kin_eval_answer *answer = &report.models[0].answers[q];
        assert_int_equal(answer->listed, KIN_EVAL_LISTED);
        assert_true(answer->image < 12); /* queries are loaded first */
        for (size_t i = 0; i < answer->listed; i++)
            assert_true(answer->list[i].image >= 12);
    }
    near(report.models[1].all.map.value, 1);
    kin_eval_report_release(&report);
    kin_manifest_free(manifest);
    kin_manifest_free(queries);
}

/* What a rescoring sees: the patients of queries and of what they may see. */
struct seen {
    size_t folds, queries;
    bool never_own;
};

static kin_status look(void *ctx, kin_eval_scores *scores, kin_error *err)
{
    struct seen *seen = ctx;
    (void)err;
    seen->folds++;
    seen->queries += scores->queries;
    /* Folds divide no group, so there is nothing of a query's own among the others. */
    for (size_t i = 0; i < scores->queries * scores->database; i++)
        seen->never_own = seen->never_own && scores->left_out[i] == 0;
    for (size_t i = 0; i < scores->queries * scores->database; i++)
        scores->scores[i] = -scores->scores[i]; /* the worst first */
    return KIN_OK;
}

static void test_folds_divide_no_group(void **state)
{
    (void)state;
    enum { IMAGES = 84, CLASSES = 2 };
    struct seen seen = {.never_own = true};
    put_many(archive, 0, IMAGES, CLASSES);
    FILE *file = begin_manifest(csv, "path,diagnosis,patient_id,site");
    for (int i = 0; i < IMAGES; i++)
        fprintf(file, "/invented/%d.dcm,class%d,P%d,S%d\n", i, i % CLASSES, i / 12, i % 4);
    kin_manifest *manifest = end_manifest(file, csv);
    const kin_eval_model models[] = {
        {.model = "bootstrap"},
        {.model = "bootstrap", .name = "upside down", .rescore = look, .ctx = &seen}};
    kin_eval_options options = {.models = models, .model_count = 2, .folds = 3};
    kin_eval_report report = evaluate(manifest, options);
    assert_int_equal(report.folds, 3);
    assert_int_equal(report.groups, IMAGES / 12);
    assert_int_equal(seen.folds, 3);
    assert_int_equal(seen.queries, IMAGES);
    assert_true(seen.never_own);
    near(report.models[0].all.p_at_1.value, 1);
    near(report.models[1].all.p_at_1.value, 0);
    for (size_t q = 0; q < report.query_count; q++) {
        const kin_eval_answer *answer = &report.models[0].answers[q];
        for (size_t i = 0; i < answer->listed; i++)
            assert_int_not_equal(answer->list[i].image / 12, answer->image / 12);
    }
    kin_eval_figure gain;
    kin_error err;
    assert_ok(kin_eval_gain(&report, 0, 1, &options, &gain, &err), err);
    near(gain.value, report.models[1].all.map.value - report.models[0].all.map.value);
    assert_true(gain.high < 0);
    kin_eval_report_release(&report);

    /* Sites cut across patients; there are four, so there are no five folds. */
    options.leave_out = "site";
    options.folds = 5;
    options.model_count = 1;
    report = evaluate(manifest, options);
    assert_int_equal(report.folds, 4);
    assert_string_equal(report.grouping, "site");
    for (size_t q = 0; q < report.query_count; q++)
        for (size_t i = 0; i < report.models[0].answers[q].listed; i++)
            assert_int_not_equal(report.models[0].answers[q].list[i].image % 4,
                                 report.models[0].answers[q].image % 4);
    kin_eval_report_release(&report);
    kin_manifest_free(manifest);
}

/* Without patients those who look alike stay together: pairs of images share a picture. */
static void test_near_duplicates_do_not_answer_each_other(void **state)
{
    (void)state;
    enum { IMAGES = 40, CLASSES = 2 };
    kin_error err;
    for (unsigned i = 0; i < IMAGES; i++) {
        kin_instance instance = make_instance(i, 1, (int)(i % CLASSES), i);
        kin_item *item = &instance.items[0];
        free(item->preview);
        make_preview(1000 + i / 4 * 2 + i % 2, &item->preview, &item->preview_size);
        assert_ok(kin_record_set(&item->record.patient_id, "", &err), err);
        assert_int_equal(put_one(archive, instance), KIN_PUT_STORED);
    }
    FILE *file = begin_manifest(csv, "path,diagnosis");
    for (int i = 0; i < IMAGES; i++)
        fprintf(file, "/invented/%d.dcm,class%d\n", i, i % CLASSES);
    kin_manifest *manifest = end_manifest(file, csv);
    kin_eval_options options = {.models = serving, .model_count = 1, .folds = 1};
    kin_eval_report report = evaluate(manifest, options);
    assert_string_equal(report.grouping, "near-duplicates");
    assert_int_equal(report.groups, IMAGES / 2);
    assert_int_equal(report.near, IMAGES);
    for (size_t q = 0; q < report.query_count; q++)
        for (size_t i = 0; i < report.models[0].answers[q].listed; i++)
            assert_int_not_equal(report.models[0].answers[q].list[i].image ^ 2,
                                 report.models[0].answers[q].image);
    kin_eval_report_release(&report);

    options.keep_near = true;
    report = evaluate(manifest, options);
    assert_string_equal(report.grouping, "images");
    assert_int_equal(report.groups, IMAGES);
    assert_int_equal(report.near, 0);
    kin_eval_report_release(&report);
    kin_manifest_free(manifest);
}

/* The colour of a pixel of the sheet, as 0xRRGGBB. */
static unsigned pixel_of(const kin_raster *sheet, int x, int y)
{
    const float *px = sheet->px + 3 * ((size_t)y * (size_t)sheet->width + (size_t)x);
    return (unsigned)lroundf(255 * px[0]) << 16 | (unsigned)lroundf(255 * px[1]) << 8 |
           (unsigned)lroundf(255 * px[2]);
}

/* Three queries of a set whose labels follow the pictures but for one image, which is always wrong. */
static void test_a_contact_sheet(void **state)
{
    (void)state;
    enum {
        IMAGES = 26,
        ROWS = 3,
        CELL = 120,
        STEP_X = 128,
        FIRST_X = 8 + 16 + STEP_X,
        STEP_Y = 148
    };
    char path[PATH_MAX];
    kin_error err;
    kin_raster sheet;
    void *bytes;
    size_t size;
    put_many(archive, 0, IMAGES, 2);
    snprintf(path, sizeof path, "%.4000s/sheet.png", folder);
    FILE *file = begin_manifest(csv, "path,diagnosis");
    for (int i = 0; i < IMAGES;
         i++) /* image 3 has the picture of class 1 and the label of class 0 */
        fprintf(file, "/invented/%d.dcm,class%d\n", i, i == 3 ? 0 : i % 2);
    kin_manifest *manifest = end_manifest(file, csv);
    kin_eval_options options = {.models = serving,
                                .model_count = 1,
                                .folds = 1,
                                .leave_out = KIN_EVAL_LEAVE_OUT_NONE,
                                .sheet = path,
                                .sheet_rows = ROWS};
    kin_eval_report report = evaluate(manifest, options);
    assert_ok(kin_fs_read_file(kin_fs_posix(), path, 1 << 24, &bytes, &size, &err), err);
    assert_ok(kin_image_format_of(bytes, size)->read(bytes, size, 0, NULL, &sheet, &err), err);
    free(bytes);
    assert_int_equal(sheet.height, 8 + ROWS * STEP_Y);
    int right = 0, wrong = 0;
    for (int row = 0; row < ROWS; row++) {
        assert_int_equal(pixel_of(&sheet, 8, 8 + row * STEP_Y), 0x737373); /* the query's frame */
        for (int i = 0; i < KIN_EVAL_LISTED; i++) {
            unsigned frame = pixel_of(&sheet, FIRST_X + i * STEP_X, 8 + row * STEP_Y);
            right += frame == 0x1A9933;
            wrong += frame == 0xD91A1A;
        }
    }
    assert_int_equal(right + wrong, ROWS * KIN_EVAL_LISTED);
    assert_true(right > 2 * wrong);
    kin_raster_release(&sheet);
    kin_eval_report_release(&report);
    options.sheet = "/no/such/folder/sheet.png";
    assert_int_not_equal(kin_eval(archive, manifest, &options, &report, &err), KIN_OK);
    kin_manifest_free(manifest);
}

/* Where labels are too few, or nothing is gained by them, pca takes the place of learnt and is told. */
static void test_learning_that_is_refused(void **state)
{
    (void)state;
    enum { IMAGES = 72, CLASSES = 3 };
    put_many(archive, 0, IMAGES, CLASSES);
    FILE *file = begin_manifest(csv, "path,diagnosis,constant");
    for (int i = 0; i < IMAGES; i++)
        fprintf(file, "/invented/%d.dcm,class%d,all\n", i, i % CLASSES);
    kin_manifest *manifest = end_manifest(file, csv);
    static const kin_eval_model models[] = {{.model = "learnt"}, {.model = "pca"}};
    kin_eval_options options = {.models = models, .model_count = 2, .folds = 2};
    kin_eval_report report = evaluate(manifest, options); /* the classes lie apart as they are */
    assert_string_equal(report.models[0].note, "pca (refused) x 2");
    assert_memory_equal(&report.models[0].all, &report.models[1].all, sizeof(kin_eval_measures));
    kin_eval_report_release(&report);
    options.label = "constant";
    report = evaluate(manifest, options);
    assert_string_equal(report.models[0].note, "pca (too few labels) x 2");
    kin_eval_report_release(&report);
    kin_manifest_free(manifest);
}

static void test_what_cannot_be_evaluated(void **state)
{
    (void)state;
    kin_error err;
    kin_eval_report report;
    put_many(archive, 0, 12, 2); /* one patient */
    FILE *file = begin_manifest(csv, "path,diagnosis");
    for (int i = 0; i < 12; i++)
        fprintf(file, "/invented/%d.dcm,class%d\n", i, i % 2);
    kin_manifest *manifest = end_manifest(file, csv);
    static const kin_eval_model pca[] = {{.model = "pca"}}, unknown[] = {{.model = "best"}};
    const kin_eval_options cases[] = {
        {.models = unknown, .model_count = 1},
        {.models = pca, .model_count = 1},             /* all of one patient */
        {.models = pca, .model_count = 1, .folds = 1}, /* nothing to learn from */
        {.leave_out = "no such column"},
        {.folds = KIN_EVAL_FOLDS_MAX + 1},
        {.queries = manifest, .models = serving, .model_count = 1}, /* nothing is left to rank */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(kin_eval(archive, manifest, &cases[i], &report, &err),
                         i == 5 ? KIN_E_NOT_FOUND : KIN_E_ARG);
    const kin_eval_options by_serving = {.models = serving, .model_count = 1};
    assert_int_equal(kin_eval(NULL, manifest, &by_serving, &report, &err), KIN_E_ARG);
    kin_manifest_free(manifest);
}

int main(void)
{
#define WHOLE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ranking_by_hand),
        cmocka_unit_test(test_ap_at_10_divides_by_ten_where_there_are_more),
        cmocka_unit_test(test_graded_relevance),
        cmocka_unit_test(test_majorities),
        cmocka_unit_test(test_a_query_without_relevant_images_is_not_judged),
        cmocka_unit_test(test_bootstrap_intervals),
        cmocka_unit_test(test_one_value_has_no_width),
        cmocka_unit_test(test_f1_by_hand),
        WHOLE(test_an_evaluation),
        WHOLE(test_queries_are_no_part_of_the_database),
        WHOLE(test_folds_divide_no_group),
        WHOLE(test_near_duplicates_do_not_answer_each_other),
        WHOLE(test_a_contact_sheet),
        WHOLE(test_learning_that_is_refused),
        WHOLE(test_what_cannot_be_evaluated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
