#include "archive/eval.h"

#include <stdlib.h>
#include <string.h>

#include "archive/eval_bootstrap.h"
#include "archive/eval_models.h"
#include "archive/eval_ranking.h"
#include "archive/eval_report.h"
#include "archive/eval_sheet.h"
#include "base/clock.h"

enum { RESAMPLES = 1000, RESAMPLES_MAX = 1000000 };
#define SEED UINT64_C(20261124)

/* An evaluation under way. */
struct eval {
    kin_eval_set set;
    kin_eval_report *report;
    size_t *place;       /* [images]: of each query among the queries; SIZE_MAX for none */
    kin_judged **judged; /* [models][queries] */
};

kin_status kin_eval_step(const kin_eval_options *options, const char *stage, double done,
                         kin_error *err)
{
    return options->progress != NULL && options->progress(options->progress_ctx, stage, done) != 0
               ? kin_fail(err, KIN_E_CANCELLED, NULL, "stopped")
               : KIN_OK;
}

/* --- before --- */

static kin_status check_models(const kin_archive *archive, const kin_eval_options *options,
                               kin_error *err)
{
    if (options->model_count > KIN_EVAL_MODELS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "at most %d models", KIN_EVAL_MODELS_MAX);
    for (size_t i = 0; i < options->model_count; i++) {
        const char *model = options->models[i].model;
        bool learns = strcmp(model, "pca") == 0 || strcmp(model, "learnt") == 0;
        if (!kin_eval_is_model(model))
            return kin_fail(err, KIN_E_ARG, model, "no such model");
        if (archive == NULL && strcmp(model, "serving") == 0)
            return kin_fail(err, KIN_E_ARG, NULL, "no archive, so no model serves");
        if (learns && options->queries == NULL && options->folds == 1)
            return kin_fail(err, KIN_E_ARG, model,
                            "one fold of all images leaves nothing to learn from");
    }
    return KIN_OK;
}

/* The options with what is left open filled in. */
static kin_status complete(const kin_archive *archive, const kin_eval_options *given,
                           kin_eval_options *out, kin_error *err)
{
    static const kin_eval_model usual[] = {{.model = "learnt"}, {.model = "pca"}};
    *out = *given;
    if (out->model_count == 0) {
        out->models = usual;
        out->model_count = sizeof usual / sizeof usual[0];
    }
    if (out->folds == 0)
        out->folds = KIN_EVAL_DEFAULT_FOLDS;
    if (out->bootstrap == 0)
        out->bootstrap = RESAMPLES;
    if (out->seed == 0)
        out->seed = SEED;
    if (out->bootstrap > RESAMPLES_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "at most %d resamplings", RESAMPLES_MAX);
    if (out->folds < 1 || out->folds > KIN_EVAL_FOLDS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "from 1 to %d folds", KIN_EVAL_FOLDS_MAX);
    return check_models(archive, out, err);
}

static kin_status load(struct eval *eval, kin_archive *archive, const kin_manifest *manifest,
                       const kin_eval_options *options, kin_error *err)
{
    kin_eval_set *set = &eval->set;
    set->options = options;
    set->archive = archive;
    kin_status status = kin_eval_step(options, "finding the images", 0, err);
    if (status == KIN_OK)
        status = kin_eval_set_load(set, manifest, err);
    if (status == KIN_OK)
        status = kin_eval_vectors_load(set, err);
    if (status == KIN_OK)
        status = kin_eval_step(options, "finding near-duplicates", 0, err);
    if (status == KIN_OK)
        status = kin_eval_groups_make(set, err);
    return status == KIN_OK ? kin_eval_report_begin(eval->report, set, err) : status;
}

/* --- folds --- */

/* Judges the fold's queries by one model. */
static kin_status run_model(struct eval *eval, const kin_eval_fold *fold, size_t model,
                            const float *vectors, size_t dim, kin_error *err)
{
    const kin_eval_ranking ranking = {.set = &eval->set,
                                      .fold = fold,
                                      .model = &eval->set.options->models[model],
                                      .vectors = vectors,
                                      .dim = dim,
                                      .place = eval->place,
                                      .answers = eval->report->models[model].answers,
                                      .judged = eval->judged[model]};
    return kin_eval_rank(&ranking, err);
}

static bool same_vectors(const kin_eval_model *a, const kin_eval_model *b)
{
    bool same_method = a->method == b->method || (a->method != NULL && b->method != NULL &&
                                                  strcmp(a->method, b->method) == 0);
    return strcmp(a->model, b->model) == 0 && same_method;
}

/* All models in one fold; those next to each other that differ in their scores alone share their
 * vectors. */
static kin_status run_fold(struct eval *eval, const kin_eval_fold *fold, double done, double share,
                           kin_error *err)
{
    const kin_eval_options *options = eval->set.options;
    float *vectors = NULL;
    size_t dim = 0;
    kin_status status = KIN_OK;
    for (size_t m = 0; status == KIN_OK && m < options->model_count; m++) {
        const kin_eval_model *model = &options->models[m];
        kin_eval_model_report *report = &eval->report->models[m];
        status = kin_eval_step(options, report->name,
                               done + share * (double)m / (double)options->model_count, err);
        if (status == KIN_OK && (vectors == NULL || !same_vectors(model, model - 1))) {
            double began = kin_clock_monotonic();
            free(vectors);
            status = kin_eval_embed(&eval->set, model, fold, &vectors, &dim, report->note, err);
            report->learn_seconds += kin_clock_monotonic() - began;
        }
        if (status == KIN_OK)
            status = run_model(eval, fold, m, vectors, dim, err);
    }
    free(vectors);
    return status;
}

static kin_status run_folds(struct eval *eval, kin_error *err)
{
    const kin_eval_options *options = eval->set.options;
    int folds = options->queries != NULL ? 1 : options->folds;
    int first = options->queries != NULL ? KIN_EVAL_QUERIES_FOLD
                : folds == 1             ? KIN_EVAL_ALL_FOLD
                                         : 0;
    kin_status status = KIN_OK;
    if (first == 0)
        status = kin_eval_folds_deal(&eval->set, &folds, err);
    eval->report->folds = options->queries != NULL ? 0 : folds;
    for (int f = 0; status == KIN_OK && f < folds; f++) {
        kin_eval_fold fold;
        status = kin_eval_fold_make(&eval->set, first < 0 ? first : f, &fold, err);
        if (status == KIN_OK)
            status = run_fold(eval, &fold, (double)f / folds, 1.0 / folds, err);
        kin_eval_fold_release(&fold);
    }
    return status;
}

/* --- all of it --- */

/* Numbers the queries, and makes room for what is judged of them. */
static kin_status number_queries(struct eval *eval, kin_error *err)
{
    const kin_eval_set *set = &eval->set;
    size_t models = set->options->model_count, queries = 0;
    eval->place = calloc(set->count + 1, sizeof *eval->place);
    eval->judged = calloc(models, sizeof *eval->judged);
    if (eval->place == NULL || eval->judged == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", set->count);
    for (size_t i = 0; i < set->count; i++)
        eval->place[i] =
            set->options->queries == NULL || set->images[i].query ? queries++ : SIZE_MAX;
    if (queries == 0 || (set->options->queries != NULL && queries == set->count))
        return kin_fail(err, KIN_E_NOT_FOUND, NULL,
                        queries == 0 ? "none of the queries can be read"
                                     : "beside the queries no image is left");
    for (size_t m = 0; m < models; m++) {
        eval->judged[m] = calloc(queries, sizeof **eval->judged);
        if (eval->judged[m] == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", queries);
    }
    return kin_eval_report_make_room(eval->report, set, eval->place, queries, err);
}

static void eval_release(struct eval *eval)
{
    for (size_t m = 0; eval->judged != NULL && m < eval->set.options->model_count; m++)
        free(eval->judged[m]);
    free(eval->judged);
    free(eval->place);
    kin_eval_set_release(&eval->set);
}

kin_status kin_eval(kin_archive *archive, const kin_manifest *manifest,
                    const kin_eval_options *given, kin_eval_report *out, kin_error *err)
{
    struct eval eval = {.report = out};
    kin_eval_options options;
    memset(out, 0, sizeof *out);
    kin_status status = complete(archive, given, &options, err);
    if (status != KIN_OK)
        return status;
    status = load(&eval, archive, manifest, &options, err);
    if (status == KIN_OK)
        status = number_queries(&eval, err);
    if (status == KIN_OK)
        status = run_folds(&eval, err);
    if (status == KIN_OK)
        status = kin_eval_step(&options, "resampling", 1, err);
    if (status == KIN_OK)
        status = kin_eval_report_fill(out, &eval.set, eval.judged, err);
    if (status == KIN_OK && options.sheet != NULL)
        status = kin_eval_sheet_write(&eval.set, out, options.sheet, options.sheet_rows, err);
    eval_release(&eval);
    if (status != KIN_OK)
        kin_eval_report_release(out);
    return status;
}
