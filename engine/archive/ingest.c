/*
 * ingest.c - threads decode, the calling thread stores.
 *
 * Each decoding thread has a worker process of its own and takes the next file from the walk.  What
 * they make waits in a bounded queue; the calling thread gathers it into batches, since a commit
 * costs the same few syncs for one image as for hundreds, and reports files only when they are
 * durable.
 *
 * There are two rounds: annotations, which mark regions of other files' images, wait for the second.
 */
#include "archive/ingest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/annotation.h"
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
    char **annotations; /* files put off: they mark images that may be on their way */
    size_t annotation_count, annotation_capacity;
    atomic_size_t annotation_next;
    kin_claims claims; /* of what is under way of them */
    kin_status failed; /* of telling a file's end, by fail_err */
    kin_error fail_err;
};

/* What decoding threads do, each with a decoder of its own. */
typedef void kin_work(struct ingest *in, kin_decoder *decoder, kin_status started,
                      const kin_error *start_error);

struct crew {
    struct ingest *in;
    kin_work *work;
};

static bool enqueue(void *ctx, kin_arrival *arrival)
{
    return kin_queue_put(ctx, arrival);
}

/* The first round: all files of the walk. */
static void decode_files(struct ingest *in, kin_decoder *decoder, kin_status started,
                         const kin_error *start_error)
{
    const kin_receiver receiver = {enqueue, in->queue};
    char path[PATH_MAX];
    const kin_source source = {.name = path, .manifest = in->options->manifest};
    kin_status status;
    kin_error err;
    bool going = true;
    kin_error_clear(&err);
    while (going && kin_walk_next(in->walk, path, &status, &err)) {
        if (status == KIN_OK && started != KIN_OK) {
            status = started;
            err = *start_error;
        }
        going = kin_prepare_file(in->archive, decoder, &source, status, &err, &receiver);
    }
}

/* The second round: the annotations among them. */
static void decode_annotations(struct ingest *in, kin_decoder *decoder, kin_status started,
                               const kin_error *start_error)
{
    const kin_receiver receiver = {enqueue, in->queue};
    bool going = true;
    for (size_t at;
         going && (at = atomic_fetch_add(&in->annotation_next, 1)) < in->annotation_count;) {
        const kin_source source = {.name = in->annotations[at], .manifest = in->options->manifest};
        const kin_annotation annotation = {
            .archive = in->archive, .decoder = decoder, .source = &source, .claims = &in->claims};
        going = started == KIN_OK
                    ? kin_annotation_prepare(&annotation, &receiver)
                    : kin_prepare_file(in->archive, NULL, &source, started, start_error, &receiver);
    }
}

static void *run_crew(void *argument)
{
    const struct crew *crew = argument;
    struct ingest *in = crew->in;
    kin_decoder *decoder = NULL;
    kin_error err;
    double since = kin_clock_monotonic();
    kin_error_clear(&err);
    kin_status started = kin_decoder_new(in->options->worker, &in->archive->features,
                                         &in->options->limits, &decoder, &err);
    crew->work(in, decoder, started, &err);
    if (decoder != NULL && kin_decoder_starts(decoder) > 1)
        atomic_fetch_add(&in->restarts, kin_decoder_starts(decoder) - 1);
    kin_decoder_free(decoder);
    pthread_mutex_lock(&in->time_lock);
    in->summary->decode_seconds += kin_clock_monotonic() - since;
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
                   uint64_t images, const char *reason)
{
    kin_ingest_count(in->summary, event, reason);
    in->summary->annotations += arrival->marking != NULL && arrival->marking->annotation;
    if (in->options->event != NULL)
        in->options->event(in->options->ctx, event, arrival->path, images, reason);
}

/* The end of a file that marks regions. */
static void report_marking(struct ingest *in, const kin_arrival *arrival)
{
    kin_marking *marking = arrival->marking;
    kin_ingest_event event = KIN_INGEST_FAILED;
    char reason[KIN_ERROR_MESSAGE_MAX];
    kin_error err;
    kin_error_clear(&err);
    kin_status status = kin_marking_finish(marking, in->archive, &event, reason, &err);
    kin_claims_give_back(&in->claims, marking->source);
    if (status != KIN_OK) { /* the archive's: going on would fail for all */
        in->failed = status;
        in->fail_err = err;
        return;
    }
    report(in, event, arrival, marking->annotation ? marking->regions : marking->frames, reason);
}

static void report_put(void *ctx, const kin_arrival *arrival, kin_status status, const char *reason)
{
    struct ingest *in = ctx;
    const kin_instance *instance = &arrival->instance;
    kin_put_outcome outcome = instance->outcome;
    bool stored = outcome == KIN_PUT_STORED || outcome == KIN_PUT_REPLACED;
    if (status == KIN_OK && stored)
        *(instance->regions ? &in->summary->regions : &in->summary->images) += instance->count;
    if (arrival->marking != NULL) {
        if (instance->count > 0)
            kin_marking_note(arrival->marking, outcome, status, reason);
        if (arrival->last)
            report_marking(in, arrival);
    } else if (status != KIN_OK) {
        report(in, KIN_INGEST_FAILED, arrival, instance->count, reason);
    } else if (arrival->last) {
        report(in, kin_ingest_event_of(outcome), arrival, instance->count, "");
    }
}

static kin_status commit(struct ingest *in, kin_error *err)
{
    const kin_batch_sink sink = {report_put, in};
    double since = kin_clock_monotonic();
    kin_status status = kin_batch_commit(&in->batch, in->archive, &sink, err);
    in->summary->commit_seconds += kin_clock_monotonic() - since;
    if (status == KIN_OK && in->failed != KIN_OK) {
        status = in->failed;
        if (err != NULL)
            *err = in->fail_err;
    }
    return status;
}

/* Notes an annotation for the second round, with its path. */
static bool put_off(struct ingest *in, kin_arrival *arrival)
{
    if (in->annotation_count == in->annotation_capacity) {
        size_t capacity = in->annotation_capacity > 0 ? in->annotation_capacity * 2 : 16;
        char **larger = reallocarray(in->annotations, capacity, sizeof *larger);
        if (larger == NULL)
            return false;
        in->annotations = larger;
        in->annotation_capacity = capacity;
    }
    in->annotations[in->annotation_count++] = arrival->path;
    arrival->path = NULL;
    return true;
}

/* Skips and failures are reported at once, annotations put off; frames join the batch. */
static void admit(struct ingest *in, kin_arrival *arrival)
{
    if (arrival->status != KIN_OK) {
        if (arrival->marking != NULL)
            kin_claims_give_back(&in->claims, arrival->marking->source);
        report(in, arrival->status == KIN_E_NO_IMAGE ? KIN_INGEST_SKIPPED : KIN_INGEST_FAILED,
               arrival, 0, arrival->reason);
        kin_arrival_free(arrival);
        return;
    }
    if (arrival->annotation) {
        if (!put_off(in, arrival))
            report(in, KIN_INGEST_FAILED, arrival, 0, "no memory to look at it later");
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
    for (size_t i = 0; i < in->annotation_count; i++)
        free(in->annotations[i]);
    free(in->annotations);
    kin_batch_drop(&in->batch);
    kin_queue_free(in->queue);
    kin_walk_free(in->walk);
    pthread_mutex_destroy(&in->time_lock);
    kin_claims_destroy(&in->claims);
}

/* One round: a crew decodes, this thread stores, until nothing is left. */
static kin_status run_round(struct ingest *in, kin_work *work, kin_error *err)
{
    pthread_t threads[JOBS_MAX];
    struct crew crew = {in, work};
    int jobs = in->options->jobs > 0 ? in->options->jobs : kin_cpu_count(), started = 0;
    kin_status status = kin_queue_new(QUEUE_BYTES, &in->queue, err);
    if (status != KIN_OK)
        return status;
    if (jobs > JOBS_MAX)
        jobs = JOBS_MAX;
    for (; started < jobs; started++) {
        atomic_fetch_add(&in->running, 1);
        if (pthread_create(&threads[started], NULL, run_crew, &crew) != 0) {
            atomic_fetch_sub(&in->running, 1);
            break;
        }
    }
    status =
        started > 0 ? store_files(in, err) : kin_fail(err, KIN_E_IO, NULL, "cannot start a thread");
    kin_queue_shut(in->queue);
    kin_claims_shut(&in->claims); /* in the first round none was taken: the second begins afresh */
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    /* A stop asked for keeps what is decoded: it is paid for. */
    if (status == KIN_E_CANCELLED) {
        kin_status kept = commit(in, NULL);
        if (kept != KIN_OK)
            status = kept;
    }
    kin_queue_free(in->queue);
    in->queue = NULL;
    return status;
}

static kin_status run(struct ingest *in, kin_error *err)
{
    kin_status status = run_round(in, decode_files, err);
    if (status == KIN_OK && in->annotation_count > 0) {
        in->claims.shut = false; /* no thread is left that would see it */
        status = run_round(in, decode_annotations, err);
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
    kin_claims_init(&in.claims);
    kin_status status = check_features(archive, options, err);
    if (status == KIN_OK)
        status = kin_walk_new(paths, path_count, archive->dir, &in.walk, err);
    if (status == KIN_OK)
        status = run(&in, err);
    clean_up(&in);
    summary->seconds = kin_clock_monotonic() - in.began;
    return status;
}
