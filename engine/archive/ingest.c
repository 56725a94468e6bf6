/*
 * ingest.c - threads decode, the calling thread stores.
 *
 * Each decoding thread has a worker process of its own and takes the next file from the walk.  What
 * they make waits in a bounded queue; the calling thread gathers it into batches, since a commit
 * costs the same few syncs for one image as for hundreds, and reports files only when they are
 * durable.
 */
#include "archive/ingest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/batch.h"
#include "archive/internal.h"
#include "archive/prepare.h"
#include "archive/walk.h"
#include "base/clock.h"
#include "base/parallel.h"

enum {
    JOBS_MAX = 256,
    QUEUE_BYTES = 128 << 20, /* descriptors waiting to be stored */
    BATCH_IMAGES = 512       /* a batch is committed when it has this many images … */
};

#define BATCH_SECONDS    0.25 /* … or when its first file has waited this long */
#define PROGRESS_SECONDS 0.1

/* One ingest under way. */
struct ingest {
    kin_archive *archive;
    const kin_ingest_options *options;
    kin_ingest_summary *summary;
    kin_walk *walk;
    kin_queue *queue;
    atomic_int running; /* decoding threads */
    atomic_uint restarts;
    pthread_mutex_t time_lock; /* over summary->decode_seconds */
    kin_batch batch;
    double batch_since;
    double began;
};

static bool enqueue(void *ctx, kin_arrival *arrival)
{
    return kin_queue_put(ctx, arrival);
}

static void *decode_files(void *argument)
{
    struct ingest *in = argument;
    const kin_receiver receiver = {enqueue, in->queue};
    char path[PATH_MAX];
    const kin_source source = {.name = path, .manifest = in->options->manifest};
    kin_decoder *decoder = NULL;
    kin_error err;
    kin_status status;
    double busy = 0;
    kin_error_clear(&err);
    kin_status started = kin_decoder_new(in->options->worker, &in->archive->features,
                                         &in->options->limits, &decoder, &err);
    kin_error start_error = err;
    while (kin_walk_next(in->walk, path, &status, &err)) {
        double since = kin_clock_monotonic();
        if (status == KIN_OK && started != KIN_OK) {
            status = started;
            err = start_error;
        }
        bool going = kin_prepare_file(in->archive, decoder, &source, status, &err, &receiver);
        busy += kin_clock_monotonic() - since;
        if (!going)
            break;
    }
    if (decoder != NULL && kin_decoder_starts(decoder) > 1)
        atomic_fetch_add(&in->restarts, kin_decoder_starts(decoder) - 1);
    kin_decoder_free(decoder);
    pthread_mutex_lock(&in->time_lock);
    in->summary->decode_seconds += busy;
    pthread_mutex_unlock(&in->time_lock);
    atomic_fetch_sub(&in->running, 1);
    return NULL;
}

static void count_reason(kin_ingest_summary *summary, const char *reason)
{
    size_t at = 0;
    while (at < summary->reason_count &&
           strncmp(summary->reasons[at].text, reason, sizeof summary->reasons[at].text - 1) != 0)
        at++;
    if (at == KIN_INGEST_REASONS_MAX) {
        at = KIN_INGEST_REASONS_MAX - 1;
        snprintf(summary->reasons[at].text, sizeof summary->reasons[at].text, "other");
    } else if (at == summary->reason_count) {
        snprintf(summary->reasons[at].text, sizeof summary->reasons[at].text, "%s", reason);
        summary->reason_count++;
    }
    summary->reasons[at].files++;
}

void kin_ingest_count(kin_ingest_summary *summary, kin_ingest_event event, const char *reason)
{
    uint64_t *const counter[] = {
        [KIN_INGEST_STORED] = &summary->stored,   [KIN_INGEST_DUPLICATE] = &summary->duplicate,
        [KIN_INGEST_UPDATED] = &summary->updated, [KIN_INGEST_REPLACED] = &summary->replaced,
        [KIN_INGEST_SKIPPED] = &summary->skipped, [KIN_INGEST_FAILED] = &summary->failed,
    };
    (*counter[event])++;
    summary->files++;
    if (event == KIN_INGEST_SKIPPED)
        count_reason(summary, reason);
}

/* Counts a file's end and tells the caller. */
static void report(struct ingest *in, kin_ingest_event event, const kin_arrival *arrival,
                   const char *reason)
{
    kin_ingest_count(in->summary, event, reason);
    if (in->options->event != NULL)
        in->options->event(in->options->ctx, event, arrival->path, arrival->instance.count, reason);
}

static void report_put(void *ctx, const kin_arrival *arrival, kin_status status, const char *reason)
{
    struct ingest *in = ctx;
    kin_put_outcome outcome = arrival->instance.outcome;
    if (status != KIN_OK) {
        report(in, KIN_INGEST_FAILED, arrival, reason);
        return;
    }
    if (outcome == KIN_PUT_STORED || outcome == KIN_PUT_REPLACED)
        in->summary->images += arrival->instance.count;
    if (arrival->last)
        report(in, kin_ingest_event_of(outcome), arrival, "");
}

static kin_status commit(struct ingest *in, kin_error *err)
{
    const kin_batch_sink sink = {report_put, in};
    double since = kin_clock_monotonic();
    kin_status status = kin_batch_commit(&in->batch, in->archive, &sink, err);
    in->summary->commit_seconds += kin_clock_monotonic() - since;
    return status;
}

/* Skips and failures are reported at once; frames join the batch. */
static void admit(struct ingest *in, kin_arrival *arrival)
{
    if (arrival->status != KIN_OK) {
        report(in, arrival->status == KIN_E_NO_IMAGE ? KIN_INGEST_SKIPPED : KIN_INGEST_FAILED,
               arrival, arrival->reason);
        kin_arrival_free(arrival);
        return;
    }
    if (in->batch.first == NULL)
        in->batch_since = kin_clock_monotonic();
    kin_batch_add(&in->batch, arrival);
}

static kin_status show_progress(struct ingest *in, kin_error *err)
{
    kin_ingest_progress progress = {.files_done = in->summary->files,
                                    .images = in->summary->images};
    if (in->options->progress == NULL)
        return KIN_OK;
    progress.files_found = kin_walk_found(in->walk, &progress.walk_done);
    progress.seconds = kin_clock_monotonic() - in->began;
    if (in->options->progress(in->options->ctx, &progress) != 0)
        return kin_fail(err, KIN_E_CANCELLED, NULL, "the ingest was stopped");
    return KIN_OK;
}

static bool batch_is_due(const struct ingest *in)
{
    return in->batch.images >= BATCH_IMAGES ||
           kin_clock_monotonic() - in->batch_since >= BATCH_SECONDS;
}

/* The calling thread's part: until the decoders are done and the queue is empty. */
static kin_status store_files(struct ingest *in, kin_error *err)
{
    double shown = 0;
    for (;;) {
        bool over = atomic_load(&in->running) == 0;
        kin_arrival *arrival = kin_queue_take(in->queue, over ? 0 : PROGRESS_SECONDS);
        kin_status status = KIN_OK;
        bool none = arrival == NULL;
        while (arrival != NULL) {
            kin_arrival *next = arrival->next;
            admit(in, arrival);
            arrival = next;
            if (status == KIN_OK && in->batch.images >= BATCH_IMAGES)
                status = commit(in, err);
        }
        if (status == KIN_OK && ((over && none) || batch_is_due(in)))
            status = commit(in, err);
        if (status == KIN_OK && kin_clock_monotonic() - shown >= PROGRESS_SECONDS) {
            shown = kin_clock_monotonic();
            status = show_progress(in, err);
        }
        if (status != KIN_OK || (over && none))
            return status;
    }
}

static void clean_up(struct ingest *in)
{
    kin_batch_drop(&in->batch);
    kin_queue_free(in->queue);
    kin_walk_free(in->walk);
    pthread_mutex_destroy(&in->time_lock);
}

static kin_status run(struct ingest *in, kin_error *err)
{
    pthread_t threads[JOBS_MAX];
    int jobs = in->options->jobs > 0 ? in->options->jobs : kin_cpu_count(), started = 0;
    if (jobs > JOBS_MAX)
        jobs = JOBS_MAX;
    for (; started < jobs; started++) {
        atomic_fetch_add(&in->running, 1);
        if (pthread_create(&threads[started], NULL, decode_files, in) != 0) {
            atomic_fetch_sub(&in->running, 1);
            break;
        }
    }
    kin_status status =
        started > 0 ? store_files(in, err) : kin_fail(err, KIN_E_IO, NULL, "cannot start a thread");
    kin_queue_shut(in->queue);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    /* A stop asked for keeps what is decoded: it is paid for. */
    if (status == KIN_E_CANCELLED) {
        kin_status kept = commit(in, NULL);
        if (kept != KIN_OK)
            status = kept;
    }
    if (status == KIN_OK)
        status = show_progress(in, err);
    in->summary->worker_restarts = atomic_load(&in->restarts);
    return status;
}

/* Without its features no file can be described: that is to be said once, not for every file.  Any
 * other trouble with workers may pass, and is told of the files that it costs. */
static kin_status check_features(kin_archive *archive, const kin_ingest_options *options,
                                 kin_error *err)
{
    kin_decoder *decoder = NULL;
    kin_error reason;
    kin_status status =
        kin_decoder_new(options->worker, &archive->features, &options->limits, &decoder, &reason);
    if (status == KIN_OK)
        status = kin_decoder_start(decoder, &reason);
    kin_decoder_free(decoder);
    return status == KIN_E_UNSUPPORTED ? kin_fail(err, status, archive->dir, "%s", reason.message)
                                       : KIN_OK;
}

kin_status kin_ingest(kin_archive *archive, const char *const *paths, size_t path_count,
                      const kin_ingest_options *options, kin_ingest_summary *summary,
                      kin_error *err)
{
    struct ingest in = {.archive = archive, .options = options, .summary = summary};
    memset(summary, 0, sizeof *summary);
    in.began = kin_clock_monotonic();
    pthread_mutex_init(&in.time_lock, NULL);
    kin_status status = check_features(archive, options, err);
    if (status == KIN_OK)
        status = kin_walk_new(paths, path_count, archive->dir, &in.walk, err);
    if (status == KIN_OK)
        status = kin_queue_new(QUEUE_BYTES, &in.queue, err);
    if (status == KIN_OK)
        status = run(&in, err);
    clean_up(&in);
    summary->seconds = kin_clock_monotonic() - in.began;
    return status;
}
