/*
 * reindex.c - Reindex: the work on a thread of its own, its progress to whoever asked.
 *
 * The thread is nice (15): while it learns and builds, searches come first.  On Linux niceness is a
 * thread's, and those that it starts inherit it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/wait.h"
#include "kindred/v1/manage.pb-c.h"
#include "service/internal.h"

enum { NICENESS = 15, THREADS_MAX = 256, QUERIES_MAX = 1000000, STAGE_SIZE = 64 };

static const double tell_seconds = 0.2; /* between two words of progress */

/* A reindex under way, between its thread and the call's. */
struct job {
    kin_archive *archive;
    kin_reindex_options options;
    kin_reindex_report report;
    kin_error err;
    kin_status status;
    pthread_mutex_t lock;
    pthread_cond_t news;
    char stage[STAGE_SIZE];
    double done;
    bool cancel, over;
};

static int on_progress(void *ctx, const char *stage, double done)
{
    struct job *job = ctx;
    pthread_mutex_lock(&job->lock);
    snprintf(job->stage, sizeof job->stage, "%s", stage);
    job->done = done;
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
    pthread_cond_signal(&job->news);
    pthread_mutex_unlock(&job->lock);
    return NULL;
}

static kin_rpc_code read_options(kin_rpc_call *call, const kin_config *config,
                                 const Kindred__V1__ReindexRequest *request,
                                 kin_reindex_options *out)
{
    if (request->index_kind[0] != '\0' && !kin_reindex_is_kind(request->index_kind))
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT,
                                 "index_kind: is one of auto, flat, hnsw, ivfpq");
    if (isnan(request->recall_bound) || request->recall_bound < 0 || request->recall_bound > 1)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "recall_bound: is from 0 to 1");
    if (request->check_queries > QUERIES_MAX)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "check_queries: is at most %d",
                                 QUERIES_MAX);
    if (request->threads > THREADS_MAX)
        return kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "threads: is at most %d",
                                 THREADS_MAX);
    out->index_kind = request->index_kind[0] != '\0' ? request->index_kind : NULL;
    out->keep_model = request->keep_model;
    out->check_queries = request->check_queries;
    out->recall_bound =
        request->recall_bound > 0 ? request->recall_bound : config->reindex_recall_bound;
    out->threads = (int)request->threads;
    return KIN_RPC_OK;
}

/* Waits a moment for the job's end; true when it is over.  Copies where it is. */
static bool wait_for_news(struct job *job, char stage[STAGE_SIZE], double *done)
{
    double until = kin_clock_monotonic() + tell_seconds;
    pthread_mutex_lock(&job->lock);
    while (!job->over && kin_cond_wait_until(&job->news, &job->lock, until))
        ;
    memcpy(stage, job->stage, STAGE_SIZE);
    *done = job->done;
    bool over = job->over;
    pthread_mutex_unlock(&job->lock);
    return over;
}

static kin_status tell_progress(kin_rpc_call *call, char *stage, double done, kin_error *err)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    Kindred__V1__ReindexProgress progress = KINDRED__V1__REINDEX_PROGRESS__INIT;
    progress.stage = stage;
    progress.done = done;
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_PROGRESS;
    response.progress = &progress;
    return kin_rpc_call_send(call, &response.base, err);
}

static kin_status tell_report(kin_rpc_call *call, const kin_reindex_report *report, kin_error *err)
{
    Kindred__V1__ReindexResponse response = KINDRED__V1__REINDEX_RESPONSE__INIT;
    Kindred__V1__ReindexReport out = KINDRED__V1__REINDEX_REPORT__INIT;
    out.images = report->images;
    out.generation = report->generation;
    out.model = (char *)report->model;
    out.model_kind = (char *)report->model_kind;
    out.index_kind = (char *)report->index_kind;
    out.recall_at_10 = report->recall_at_10;
    out.recall_queries = report->recall_queries;
    out.below_bound = report->below_bound;
    out.seconds = report->seconds;
    response.event_case = KINDRED__V1__REINDEX_RESPONSE__EVENT_REPORT;
    response.report = &out;
    return kin_rpc_call_send(call, &response.base, err);
}

/* Relays progress until the job is over; a client that has gone, or does not listen, cancels it. */
static void follow(kin_rpc_call *call, struct job *job)
{
    char stage[STAGE_SIZE], told[STAGE_SIZE] = "";
    double done, told_done = -1;
    while (!wait_for_news(job, stage, &done)) {
        bool cancel = kin_rpc_call_is_over(call) || kin_rpc_call_is_stopping(call);
        bool is_news = strcmp(stage, told) != 0 || done != told_done;
        if (!cancel && stage[0] != '\0' && is_news) {
            cancel = tell_progress(call, stage, done, NULL) != KIN_OK;
            memcpy(told, stage, sizeof told);
            told_done = done;
        }
        if (cancel) {
            pthread_mutex_lock(&job->lock);
            job->cancel = true;
            pthread_mutex_unlock(&job->lock);
        }
    }
}

static kin_status run(kin_rpc_call *call, struct job *job, kin_error *err)
{
    pthread_t thread;
    kin_status status = KIN_OK;
    errno = kin_cond_init(&job->news);
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
    pthread_cond_destroy(&job->news);
    pthread_mutex_destroy(&job->lock);
    return status;
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
    job.options.progress = on_progress;
    job.options.progress_ctx = &job;
    kin_status status = run(call, &job, &err);
    kin_metrics_reindex(service->metrics, status);
    if (status == KIN_OK) {
        kin_log_line(&service->log, job.report.below_bound ? KIN_LOG_WARNING : KIN_LOG_NOTICE,
                     "reindexed %llu images in %.1f s: generation %llu (%s), recall@10 %.4f%s",
                     (unsigned long long)job.report.images, job.report.seconds,
                     (unsigned long long)job.report.generation, job.report.index_kind,
                     job.report.recall_at_10,
                     job.report.below_bound ? ", below its bound: searches scan exactly" : "");
        status = tell_report(call, &job.report, &err);
    } else {
        kin_log_error(&service->log, KIN_LOG_WARNING, "reindex", &err);
        err.subject[0] = '\0'; /* the server's own paths */
    }
    return status == KIN_OK ? KIN_RPC_OK : kin_rpc_call_fail_with(call, &err);
}
