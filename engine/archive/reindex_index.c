/* reindex_index.c - a reindex's index: built or extended, measured, tuned. */
#include <stdlib.h>

#include "archive/memory_watch.h"
#include "archive/reindex_work.h"
#include "base/clock.h"
#include "search/tune.h"

enum {
    COSTS_MIN = 4096 /* images: fewer are scanned whatever it costs */
};

#define RECALL_BOUND 0.95

static const float *live_vector(void *ctx, size_t i, kin_error *err)
{
    kin_reindex *re = ctx;
    const float *row = NULL;
    return kin_rows_vector(re->vector_rows, re->ids[i], re->vector, &row, err) == KIN_OK ? row
                                                                                         : NULL;
}

/* Tells what building will take, once: what comes in the place of an index that missed its bound is
 * small beside it. */
static void tell_forecast(kin_reindex *re, const kin_index_forecast *forecast)
{
    if (re->report->forecast_bytes > 0)
        return;
    re->report->forecast_bytes = forecast->peak_bytes;
    if (re->options->forecast != NULL)
        re->options->forecast(re->options->progress_ctx, forecast->kind, forecast->peak_bytes);
}

static int build_progress(void *ctx, double done)
{
    return kin_reindex_step(ctx, "building the index", done, NULL) != KIN_OK;
}

/* May the last generation be extended?  Under a new model it tells of other vectors. */
static bool may_extend(const kin_reindex *re)
{
    return re->learnt == NULL && re->state->index != NULL && !re->options->rebuild;
}

/* Tells how far the newer images have moved from those that the last generation was trained on. */
static kin_status judge_index(kin_reindex *re, const kin_index_source *source, kin_error *err)
{
    kin_drift *drift = &re->report->drift;
    kin_index_drift_report report;
    if (!may_extend(re))
        return KIN_OK;
    kin_status status = kin_index_drift(re->state->index, source, &report, err);
    if (status != KIN_OK)
        return status;
    drift->judged = drift->judged || report.new_rows > 0;
    drift->old_index_error = report.old_error;
    drift->new_index_error = report.new_error;
    drift->retrain = report.retrain;
    return KIN_OK;
}

/* Builds a generation in the place of the one that was built before, if any was. */
static kin_status build(kin_reindex *re, const kin_index_source *source, const char *kind,
                        kin_error *err)
{
    kin_reindex_report *report = re->report;
    kin_index_forecast forecast;
    kin_index_options options = {.kind = kind,
                                 .threads = re->options->threads,
                                 .memory_max = (size_t)re->options->memory_max,
                                 .previous = may_extend(re) ? re->state->index : NULL,
                                 .progress = build_progress,
                                 .progress_ctx = re};
    kin_index_free(re->index);
    re->index = NULL;
    kin_status status =
        kin_index_forecast_build(source->count, source->dim, &options, &forecast, err);
    if (status != KIN_OK)
        return status;
    tell_forecast(re, &forecast);
    kin_memory_watch *watch = kin_memory_watch_new();
    double began = kin_clock_monotonic();
    status = kin_index_build(source, &options, &re->index, &report->extended, err);
    report->build_seconds += kin_clock_monotonic() - began;
    uint64_t peak = kin_memory_watch_free(watch);
    report->peak_bytes = peak > report->peak_bytes ? peak : report->peak_bytes;
    if (status == KIN_OK)
        report->index_kind = kin_index_kind_borrow(re->index);
    return status;
}

static int tune_progress(void *ctx, double done)
{
    return kin_reindex_step(ctx, "tuning the index", done, NULL) != KIN_OK;
}

/* Finds the settings for each recall, and keeps them with the generation. */
static kin_status tune(kin_reindex *re, kin_tune_result *result, kin_error *err)
{
    kin_reindex_report *report = re->report;
    kin_corpus corpus = {.rows = re->vector_rows,
                         .dim = re->archive->dim,
                         .index = re->index,
                         .index_rows = re->rows,
                         .costs = &re->costs,
                         .threads = re->options->threads};
    kin_tune_options options = {
        .queries = re->options->check_queries, .progress = tune_progress, .progress_ctx = re};
    double began = kin_clock_monotonic();
    kin_status status = kin_search_tune(&corpus, re->live, &options, result, err);
    if (status != KIN_OK)
        return status;
    kin_index_set_tunings(re->index, result->tunings, result->count);
    kin_tunings_copy(result->tunings, result->count, report->tunings);
    report->tuning_count = result->count;
    report->tune_seconds += kin_clock_monotonic() - began;
    report->recall_queries = result->queries;
    return KIN_OK;
}

/* What queries that ask for nothing special get: by a setting of the index, or else by a scan. */
static double default_recall(const kin_tune_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        if (result->tunings[i].target >= KIN_SEARCH_RECALL)
            return result->tunings[i].recall;
    return 1;
}

/* Builds and tunes the kind that is wanted, or the flat one where that misses its bound. */
static kin_status build_tuned(kin_reindex *re, const kin_index_source *source, kin_error *err)
{
    kin_reindex_report *report = re->report;
    kin_tune_result result;
    double bound = re->options->recall_bound > 0 ? re->options->recall_bound : RECALL_BOUND;
    kin_status status = build(re, source, re->options->index_kind, err);
    re->costs = re->state->costs;
    if (status == KIN_OK && re->count >= COSTS_MIN)
        status = kin_costs_measure(re->archive->dim, re->archive->codec, &re->costs, err);
    if (status == KIN_OK)
        status = tune(re, &result, err);
    if (status != KIN_OK)
        return status;
    report->recall_bound = bound;
    report->below_bound = result.best < bound;
    report->recall_at_10 = report->below_bound ? result.best : default_recall(&result);
    if (!report->below_bound || kin_index_is_flat(re->index))
        return KIN_OK;
    status = build(re, source, "flat", err);
    return status == KIN_OK ? tune(re, &result, err) : status;
}

kin_status kin_reindex_build_index(kin_reindex *re, kin_error *err)
{
    uint64_t *ids = malloc((re->count > 0 ? re->count : 1) * sizeof *ids);
    if (ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, re->archive->dir, "no memory for %zu ids", re->count);
    for (size_t i = 0; i < re->count; i++)
        ids[i] = re->ids[i];
    kin_index_source source = {re->count, re->archive->dim, ids, live_vector, re};
    kin_status status = judge_index(re, &source, err);
    if (status == KIN_OK)
        status = build_tuned(re, &source, err);
    free(ids);
    return status;
}
