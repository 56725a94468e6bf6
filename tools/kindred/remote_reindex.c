/* remote_reindex.c - a reindex at a server: its forecast and progress come here, and its report. */
#include <stdio.h>

#include "remote.h"
#include "remote_records.h"

/* What goes on as the caller's progress. */
struct watching {
    const kin_reindex_options *options;
    char stage[KIN_KIND_NAME_SIZE];
    double done;
    bool stopped; /* by the caller */
};

static int on_progress(void *ctx, const char *stage, double done)
{
    struct watching *watching = ctx;
    if (stage != NULL) {
        snprintf(watching->stage, sizeof watching->stage, "%s", stage);
        watching->done = done;
    }
    watching->stopped = watching->options->progress(watching->options->progress_ctx,
                                                    watching->stage, watching->done) != 0;
    return watching->stopped;
}

static void on_forecast(void *ctx, const char *index_kind, uint64_t peak_bytes)
{
    const struct watching *watching = ctx;
    watching->options->forecast(watching->options->progress_ctx, index_kind, peak_bytes);
}

static Kindred__V1__ReindexModel model_of(kin_reindex_model model)
{
    static const Kindred__V1__ReindexModel models[] = {
        [KIN_REINDEX_JUDGE] = KINDRED__V1__REINDEX_MODEL__REINDEX_MODEL_JUDGE,
        [KIN_REINDEX_KEEP] = KINDRED__V1__REINDEX_MODEL__REINDEX_MODEL_KEEP,
        [KIN_REINDEX_LEARN] = KINDRED__V1__REINDEX_MODEL__REINDEX_MODEL_LEARN,
    };
    return models[model];
}

static void fill_request(const kin_reindex_options *options, Kindred__V1__ReindexRequest *out)
{
    kindred__v1__reindex_request__init(out);
    out->index_kind = (char *)(options->index_kind != NULL ? options->index_kind : "");
    out->model = model_of(options->model);
    out->rebuild = options->rebuild;
    out->memory_max = options->memory_max;
    out->check_queries = (uint32_t)options->check_queries;
    out->recall_bound = options->recall_bound;
    out->threads = (uint32_t)options->threads;
}

static void take_drift(const Kindred__V1__Drift *drift, kin_drift *out)
{
    if (drift == NULL)
        return;
    *out = (kin_drift){.judged = drift->judged,
                       .old_error = drift->old_error,
                       .new_error = drift->new_error,
                       .learn = drift->learn,
                       .old_index_error = drift->old_index_error,
                       .new_index_error = drift->new_index_error,
                       .retrain = drift->retrain};
}

static void take_report(const Kindred__V1__ReindexReport *report, kin_reindexed *reindexed)
{
    kin_reindex_report *out = &reindexed->report;
    snprintf(reindexed->model_kind, sizeof reindexed->model_kind, "%s", report->model_kind);
    snprintf(reindexed->index_kind, sizeof reindexed->index_kind, "%s", report->index_kind);
    *out = (kin_reindex_report){.images = report->images,
                                .generation = report->generation,
                                .model_kind = reindexed->model_kind,
                                .index_kind = reindexed->index_kind,
                                .learnt = report->learnt,
                                .metric_due = report->metric_due,
                                .extended = report->extended,
                                .recall_at_10 = report->recall_at_10,
                                .recall_queries = report->recall_queries,
                                .recall_bound = report->recall_bound,
                                .below_bound = report->below_bound,
                                .forecast_bytes = report->forecast_bytes,
                                .peak_bytes = report->peak_bytes,
                                .build_seconds = report->build_seconds,
                                .tune_seconds = report->tune_seconds,
                                .swap_seconds = report->swap_seconds,
                                .seconds = report->seconds};
    snprintf(out->model, sizeof out->model, "%s", report->model);
    take_drift(report->drift, &out->drift);
    out->tuning_count = kin_remote_tunings(report->tunings, report->n_tunings, out->tunings);
}

kin_status kin_remote_reindex(kin_target *target, const kin_reindex_options *options,
                              kin_reindexed *reindexed, kin_error *err)
{
    kin_remote *remote = (kin_remote *)target;
    Kindred__V1__ReindexRequest request;
    Kindred__V1__ReindexReport *report;
    struct watching watching = {.options = options};
    const kin_client_watch watch = {
        .progress = options->progress != NULL ? on_progress : NULL,
        .forecast = options->forecast != NULL ? on_forecast : NULL,
        .ctx = &watching,
    };
    fill_request(options, &request);
    kin_status status = kin_client_reindex(remote->client, &request, &watch, &report, NULL, err);
    if (status == KIN_E_CANCELLED && watching.stopped)
        return kin_fail(err, status, target->name, "the reindex was cancelled");
    if (status != KIN_OK)
        return kin_remote_fail(remote, status, NULL, err);
    take_report(report, reindexed);
    kin_client_free(report);
    return KIN_OK;
}
