/*
 * reindex.c - Reindex: the work on a thread of its own, its progress to whoever asked.
 *
 * The thread is nice (15): while it learns and builds, searches come first.  On Linux niceness is a
 * thread's, and those that it starts inherit it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/wait.h"
#include "service/answer.h"
#include "service/internal.h"

enum { NICENESS = 15, THREADS_MAX = 256, QUERIES_MAX = 1000000, STAGE_SIZE = 64, KIND_SIZE = 16 };

static const double tell_seconds = 0.2; /* between two words of progress */

/* How far a reindex is. */
struct news {
    char stage[STAGE_SIZE];
    double done;
    char forecast_kind[KIND_SIZE]; /* "": nothing is foretold yet */
    uint64_t forecast_bytes;
};

/* A reindex under way, between its thread and the call's. */
struct job {
    kin_archive *archive;
    kin_reindex_options options;
    kin_reindex_report report;
    kin_error err;
    kin_status status;
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct news news;
    bool cancel, over;
};

static void on_forecast(void *ctx, const char *index_kind, uint64_t peak_bytes)
{
    struct job *job = ctx;
    pthread_mutex_lock(&job->lock);
    snprintf(job->news.forecast_kind, sizeof job->news.forecast_kind, "%s", index_kind);
    job->news.forecast_bytes = peak_bytes;
    pthread_mutex_unlock(&job->lock);
}

static int on_progress(void *ctx, const char *stage, double done)
{
    struct job *job = ctx;
    pthread_mutex_lock(&job->lock);
    snprintf(job->news.stage, sizeof job->news.stage, "%s", stage);
    job->news.done = done;
    int cancel = job->cancel;
    pthread_mutex_unlock(&job->lock);
    return cancel;
}

static void *run_job(void *ctx)
{
    struct job *job = ctx;
    setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread; a courtesy, so its failure is none */
    kin_status status = kin_archive_reindex(job->archive, &job->options, &job->report, &job->err);
    pthread_mutex_lock(&job->lock);
    job->status = status;
    job->over = true;
    pthread_cond_signal(&job->change);
    pthread_mutex_unlock(&job->lock);
    return NULL;
}

/* A model of a request; false for a number that is none. */
static bool parse_model(Kindred__V1__ReindexModel model, kin_reindex_model *out)
{
    switch (model) {
    case KINDRED__V1__REINDEX_MODEL__REINDEX_MODEL_UNSPECIFIED:
    case KINDRED__V1__REINDEX_MODEL__REINDEX_MODEL_JUDGE:
        *out = KIN_REINDEX_JUDGE;
        return true;
    case KINDRED__V1__REINDEX_MODEL__REINDEX_MODEL_KEEP:
        *out = KIN_REINDEX_KEEP;
        return true;
    case KINDRED__V1__REINDEX_MODEL__REINDEX_MODEL_LEARN:
        *out = KIN_REINDEX_LEARN;
        return true;
    default:
        return false;
    }
}

static kin_rpc_code read_options(kin_rpc_call *call, const kin_config *config,
                                 const Kindred__V1__ReindexRequest *request,
                                 kin_reindex_options *out)
{
    if (request->index_kind[0] != '\0' && !kin_reindex_is_kind(request->index_kind))
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "index_kind: is one of auto, flat, hnsw, ivfpq");
    if (!parse_model(request->model, &out->model))
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "model: none has the number %d",
                                 (int)request->model);
    if (!(request->recall_bound >= 0 && request->recall_bound <= 1))
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "recall_bound: is from 0 to 1");
    if (request->check_queries > QUERIES_MAX)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "check_queries: is at most %d",
                                 QUERIES_MAX);
    if (request->threads > THREADS_MAX)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "threads: is at most %d",
                                 THREADS_MAX);
    out->index_kind = request->index_kind[0] != '\0' ? request->index_kind : NULL;
    out->rebuild = request->rebuild;
    out->memory_max = request->memory_max;
    out->check_queries = request->check_queries;
    out->recall_bound =
        request->recall_bound > 0 ? request->recall_bound : config->reindex_recall_bound;
    out->threads = (int)request->threads;
    return KIN_RPC_OK;
}

/* Waits a moment for the job's end; true when it is over.  Copies where it is. */
static bool wait_for_news(struct job *job, struct news *out)
{
    double until = kin_clock_monotonic() + tell_seconds;
    pthread_mutex_lock(&job->lock);
    while (!job->over && kin_cond_wait_until(&job->change, &job->lock, until))
        ;
    *out = job->news;
    bool over = job->over;
    pthread_mutex_unlock(&job->lock);
    return over;
}

static kin_status tell_progress(kin_rpc_call *call, struct news *news)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    Kindred__V1__ReindexProgress progress = KINDRED__V1__REINDEX_PROGRESS__INIT;
    progress.stage = news->stage;
    progress.done = news->done;
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_PROGRESS;
    response.progress = &progress;
    return kin_rpc_call_send(call, &response.base, NULL);
}

static kin_status tell_forecast(kin_rpc_call *call, struct news *news)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    Kindred__V1__ReindexForecast out = KINDRED__V1__REINDEX_FORECAST__INIT;
    out.index_kind = news->forecast_kind;
    out.peak_bytes = news->forecast_bytes;
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_FORECAST;
    response.forecast = &out;
    return kin_rpc_call_send(call, &response.base, NULL);
}

static kin_status tell_report(kin_rpc_call *call, const kin_reindex_report *report, kin_error *err)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    kin_arena arena = {0};
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_REPORT;
    response.report = kin_answer_reindex(&arena, report);
    kin_status status = response.report != NULL
                            ? kin_rpc_call_send(call, &response.base, err)
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the report");
    kin_arena_release(&arena);
    return status;
}

/* Tells what is new since `told`, which it brings up to date. */
static kin_status tell_news(kin_rpc_call *call, struct news *news, struct news *told)
{
    kin_status status = KIN_OK;
    if (news->forecast_kind[0] != '\0' && told->forecast_kind[0] == '\0')
        status = tell_forecast(call, news);
    if (status == KIN_OK && news->stage[0] != '\0' &&
        (strcmp(news->stage, told->stage) != 0 || news->done != told->done))
        status = tell_progress(call, news);
    *told = *news;
    return status;
}

/* Relays progress until the job is over; a client that has gone, or does not listen, cancels it.  What
 * was foretold of a short job is told at its end: before the report. */
static void follow(kin_rpc_call *call, struct job *job)
{
    struct news news, told = {.done = -1};
    while (!wait_for_news(job, &news))
        if (kin_rpc_call_is_over(call) || kin_rpc_call_is_stopping(call) ||
            tell_news(call, &news, &told) != KIN_OK) {
            pthread_mutex_lock(&job->lock);
            job->cancel = true;
            pthread_mutex_unlock(&job->lock);
        }
    if (job->status == KIN_OK)
        tell_news(call, &news, &told); /* where it fails, so will the report */
}

static kin_status run(kin_rpc_call *call, struct job *job, kin_error *err)
{
    pthread_t thread;
    kin_status status = KIN_OK;
    errno = kin_cond_init(&job->change);
    if (errno != 0)
        return kin_fail_errno(err, NULL, "cannot make a condition variable");
    pthread_mutex_init(&job->lock, NULL);
    errno = pthread_create(&thread, NULL, run_job, job);
    if (errno != 0) {
        status = kin_fail_errno(err, NULL, "cannot start a thread for the reindex");
    } else {
        follow(call, job);
        pthread_join(thread, NULL);
        status = job->status;
        if (status != KIN_OK && err != NULL)
            *err = job->err;
    }
    pthread_cond_destroy(&job->change);
    pthread_mutex_destroy(&job->lock);
    return status;
}

static void log_report(const kin_service *service, const kin_reindex_report *report)
{
    kin_log_line(&service->log, report->below_bound ? KIN_LOG_WARNING : KIN_LOG_NOTICE,
                 "reindexed %llu images in %.1f s: model %s, generation %llu (%s, %s), recall@10 "
                 "%.4f%s",
                 (unsigned long long)report->images, report->seconds,
                 report->learnt ? "learnt" : "kept", (unsigned long long)report->generation,
                 report->index_kind, report->extended ? "extended" : "built", report->recall_at_10,
                 report->below_bound ? ", below its bound: searches scan" : "");
}

kin_rpc_code kin_method_reindex(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *request;
    struct job job = {.archive = service->archive};
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &request, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    kin_rpc_code code = read_options(call, &service->config,
                                     (const Kindred__V1__ReindexRequest *)request, &job.options);
    if (code != KIN_RPC_OK)
        return code;
    job.options.forecast = on_forecast;
    job.options.progress = on_progress;
    job.options.progress_ctx = &job;
    kin_status status = run(call, &job, &err);
    kin_metrics_reindex(service->metrics, status);
    if (status == KIN_OK) {
        log_report(service, &job.report);
        status = tell_report(call, &job.report, &err);
    } else {
        kin_log_error(&service->log, KIN_LOG_WARNING, "reindex", &err);
        err.subject[0] = '\0'; /* the server's own paths */
    }
    return status == KIN_OK ? KIN_RPC_OK : kin_rpc_call_fail_with(call, &err);
}
