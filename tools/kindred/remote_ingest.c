/*
 * remote_ingest.c - files of this machine into a server's archive.
 *
 * A few threads share the walk.  Each sends files over a stream of its own and asks for the receipt
 * when the stream has had many of them, much of them, or a while: only with the receipt they are
 * durable, and reported.  The calling thread reports.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/walk.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "decode/source_file.h"
#include "remote.h"

enum {
    STREAMS = 4, /* the server decodes as many files at once as it has processors */
    STREAMS_MAX = 64,
    STREAM_FILES = 16,        /* a stream ends after so many files, … */
    STREAM_BYTES = 256 << 20, /* … or so many bytes, … */
    WAIT_MS = 100
};
#define STREAM_SECONDS 1.0 /* … or when its first file has waited this long */

/* A file, sent or not, and what became of it. */
struct outcome {
    struct outcome *next;
    char *path;
    kin_ingest_event event;
    uint64_t images;
    char *reason; /* owned */
};

/* An ingest under way. */
struct sending {
    kin_remote *remote;
    const kin_ingest_options *options;
    kin_walk *walk;
    atomic_bool stop; /* no more files: the caller, or a failure, says so */
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct outcome *first, **last; /* to report */
    int running;                   /* threads */
    kin_status status;             /* the first failure of the whole */
    kin_error err;
};

/* One thread's stream; ingest is NULL between streams. */
struct stream {
    struct sending *sending;
    kin_client_ingest *ingest;
    struct outcome *files[STREAM_FILES]; /* sent, in order */
    size_t count;
    uint64_t bytes;
    double since;
};

static void outcome_free(struct outcome *outcome)
{
    if (outcome == NULL)
        return;
    free(outcome->path);
    free(outcome->reason);
    free(outcome);
}

static struct outcome *outcome_new(const char *path, kin_ingest_event event, const char *reason)
{
    struct outcome *outcome = calloc(1, sizeof *outcome);
    if (outcome == NULL)
        return NULL;
    outcome->event = event;
    outcome->path = strdup(path);
    outcome->reason = strdup(reason);
    if (outcome->path == NULL || outcome->reason == NULL) {
        outcome_free(outcome);
        return NULL;
    }
    return outcome;
}

/* Hands an outcome to the calling thread. */
static void tell(struct sending *sending, struct outcome *outcome)
{
    pthread_mutex_lock(&sending->lock);
    outcome->next = NULL;
    *sending->last = outcome;
    sending->last = &outcome->next;
    pthread_cond_signal(&sending->news);
    pthread_mutex_unlock(&sending->lock);
}

/* Ends the whole; the first failure counts. */
static kin_status give_up(struct sending *sending, kin_status status, const kin_error *err)
{
    pthread_mutex_lock(&sending->lock);
    if (sending->status == KIN_OK) {
        sending->status = status;
        sending->err = *err;
    }
    pthread_mutex_unlock(&sending->lock);
    atomic_store(&sending->stop, true);
    return status;
}

static kin_status give_up_without_memory(struct sending *sending)
{
    kin_error err = {0};
    return give_up(sending, kin_fail(&err, KIN_E_NOMEM, NULL, "no memory to send files"), &err);
}

/* --- a file's fields --- */

static void fields_free(Kindred__V1__Label **fields, size_t count)
{
    for (size_t i = 0; fields != NULL && i < count; i++) {
        free(fields[i]->name);
        free(fields[i]->value);
        free(fields[i]);
    }
    free(fields);
}

static Kindred__V1__Label *field_new(const char *name, const char *value)
{
    Kindred__V1__Label *field = malloc(sizeof *field);
    if (field == NULL)
        return NULL;
    kindred__v1__label__init(field);
    field->name = kin_utf8_repair(name); /* proto3's text is UTF-8 */
    field->value = kin_utf8_repair(value);
    if (field->name == NULL || field->value == NULL) {
        free(field->name);
        free(field->value);
        free(field);
        return NULL;
    }
    return field;
}

/* What the manifest says of a file; false without memory. */
static bool fields_of(const kin_manifest *manifest, const char *path, Kindred__V1__Label ***out,
                      size_t *count)
{
    *out = NULL;
    *count = 0;
    long row = manifest != NULL ? kin_manifest_find_path(manifest, path) : -1;
    if (row < 0)
        return true;
    size_t columns = kin_manifest_columns(manifest);
    Kindred__V1__Label **fields = calloc(columns, sizeof *fields);
    for (size_t column = 0; fields != NULL && column < columns; column++) {
        const char *name = kin_manifest_column_borrow(manifest, column);
        const char *value = kin_manifest_value_borrow(manifest, (size_t)row, column);
        if (value[0] == '\0' || name[0] == '\0' || strcmp(name, "path") == 0)
            continue;
        fields[*count] = field_new(name, value);
        if (fields[*count] == NULL) {
            fields_free(fields, *count);
            return false;
        }
        ++*count;
    }
    *out = fields;
    return fields != NULL;
}

/* --- streams --- */

static void take_receipt(struct stream *stream, const Kindred__V1__IngestResponse *receipt)
{
    static const kin_ingest_event events[] = {
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_UNSPECIFIED] = KIN_INGEST_FAILED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_STORED] = KIN_INGEST_STORED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_DUPLICATE] = KIN_INGEST_DUPLICATE,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_UPDATED] = KIN_INGEST_UPDATED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_REPLACED] = KIN_INGEST_REPLACED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_SKIPPED] = KIN_INGEST_SKIPPED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_FAILED] = KIN_INGEST_FAILED,
    };
    for (size_t i = 0; i < stream->count; i++) {
        struct outcome *file = stream->files[i];
        bool named = i < receipt->n_files &&
                     (size_t)receipt->files[i]->outcome < sizeof events / sizeof events[0];
        const char *reason =
            named ? receipt->files[i]->reason : "the server's receipt does not tell of it";
        if (file->event != KIN_INGEST_FAILED) { /* else the reading had failed: its reason stands */
            file->event = named ? events[receipt->files[i]->outcome] : KIN_INGEST_FAILED;
            file->images = named ? receipt->files[i]->images : 0;
            char *copy = strdup(reason);
            if (copy != NULL) {
                free(file->reason);
                file->reason = copy;
            }
        }
        tell(stream->sending, file);
    }
    stream->count = 0;
}

static void abandon_stream(struct stream *stream)
{
    kin_client_ingest_close(stream->ingest);
    stream->ingest = NULL;
    for (size_t i = 0; i < stream->count; i++)
        outcome_free(stream->files[i]);
    stream->count = 0;
    stream->bytes = 0;
}

/* Asks for the receipt and reports the files. */
static kin_status end_stream(struct stream *stream)
{
    kin_error err = {0};
    Kindred__V1__IngestResponse *receipt;
    if (stream->ingest == NULL)
        return KIN_OK;
    kin_status status = kin_client_ingest_finish(stream->ingest, &receipt, NULL, &err);
    if (status == KIN_OK) {
        take_receipt(stream, receipt);
        kin_client_free(receipt);
    } else {
        kin_remote_fail(stream->sending->remote, status, NULL, &err);
        give_up(stream->sending, status, &err);
    }
    abandon_stream(stream);
    return status;
}

static kin_status begin_stream(struct stream *stream)
{
    kin_error err = {0};
    kin_status status =
        kin_client_ingest_open(stream->sending->remote->client, NULL, NULL, &stream->ingest, &err);
    stream->since = kin_clock_monotonic();
    return status == KIN_OK ? KIN_OK : give_up(stream->sending, status, &err);
}

static bool stream_is_due(const struct stream *stream)
{
    return stream->count == STREAM_FILES || stream->bytes >= STREAM_BYTES ||
           kin_clock_monotonic() - stream->since >= STREAM_SECONDS;
}

/* Sends an open file; one that cannot be read to its end is noted as failed. */
static kin_status send_file(struct stream *stream, const char *path, int fd)
{
    struct sending *sending = stream->sending;
    struct stat st;
    kin_error err = {0};
    Kindred__V1__Label **fields;
    size_t field_count;
    struct outcome *outcome = outcome_new(path, KIN_INGEST_STORED, "");
    if (outcome == NULL || !fields_of(sending->options->manifest, path, &fields, &field_count)) {
        outcome_free(outcome);
        return give_up_without_memory(sending);
    }
    stream->files[stream->count++] = outcome;
    stream->bytes += fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    kin_status status = kin_client_ingest_file(stream->ingest, path, fd, fields, field_count, &err);
    fields_free(fields, field_count);
    if (status == KIN_E_IO) {
        outcome->event = KIN_INGEST_FAILED;
        char *reason = strdup(err.message);
        if (reason != NULL) {
            free(outcome->reason);
            outcome->reason = reason;
        }
        return KIN_OK;
    }
    if (status == KIN_E_CANCELLED) /* the call is over: its end says why */
        return end_stream(stream);
    return status == KIN_OK ? KIN_OK : give_up(sending, status, &err);
}

/* One entry of the walk. */
static kin_status take_entry(struct stream *stream, const char *path, kin_status status,
                             kin_error *err)
{
    int fd = -1;
    if (status == KIN_OK)
        status = kin_source_open(path, SIZE_MAX, &fd, err);
    if (status != KIN_OK) {
        struct outcome *outcome = outcome_new(path, KIN_INGEST_FAILED, err->message);
        if (outcome == NULL)
            return give_up_without_memory(stream->sending);
        tell(stream->sending, outcome);
        return KIN_OK;
    }
    status = stream->ingest != NULL ? KIN_OK : begin_stream(stream);
    if (status == KIN_OK)
        status = send_file(stream, path, fd);
    close(fd);
    if (status == KIN_OK && stream->ingest != NULL && stream_is_due(stream))
        status = end_stream(stream);
    return status;
}

static void *send_files(void *argument)
{
    struct sending *sending = argument;
    struct stream stream = {.sending = sending};
    char path[PATH_MAX];
    kin_error err = {0};
    kin_status status = KIN_OK, entry;
    while (status == KIN_OK && !atomic_load(&sending->stop) &&
           kin_walk_next(sending->walk, path, &entry, &err)) {
        status = take_entry(&stream, path, entry, &err);
        kin_error_clear(&err);
    }
    if (status == KIN_OK)
        end_stream(&stream);
    abandon_stream(&stream);
    pthread_mutex_lock(&sending->lock);
    sending->running--;
    pthread_cond_signal(&sending->news);
    pthread_mutex_unlock(&sending->lock);
    return NULL;
}

/* --- the calling thread --- */

static void count_reason(kin_ingest_summary *summary, const char *reason)
{
    enum { TEXT_MAX = sizeof summary->reasons[0].text };
    size_t at = 0;
    while (at < summary->reason_count &&
           strncmp(summary->reasons[at].text, reason, TEXT_MAX - 1) != 0)
        at++;
    if (at == KIN_INGEST_REASONS_MAX)
        snprintf(summary->reasons[--at].text, TEXT_MAX, "other");
    else if (at == summary->reason_count)
        snprintf(summary->reasons[summary->reason_count++].text, TEXT_MAX, "%s", reason);
    summary->reasons[at].files++;
}

static void report(const struct sending *sending, const struct outcome *outcome,
                   kin_ingest_summary *summary)
{
    uint64_t *const counters[] = {
        [KIN_INGEST_STORED] = &summary->stored,   [KIN_INGEST_DUPLICATE] = &summary->duplicate,
        [KIN_INGEST_UPDATED] = &summary->updated, [KIN_INGEST_REPLACED] = &summary->replaced,
        [KIN_INGEST_SKIPPED] = &summary->skipped, [KIN_INGEST_FAILED] = &summary->failed,
    };
    const kin_ingest_options *options = sending->options;
    ++*counters[outcome->event];
    summary->files++;
    if (outcome->event == KIN_INGEST_STORED || outcome->event == KIN_INGEST_REPLACED)
        summary->images += outcome->images;
    if (outcome->event == KIN_INGEST_SKIPPED)
        count_reason(summary, outcome->reason);
    if (options->event != NULL)
        options->event(options->ctx, outcome->event, outcome->path, outcome->images,
                       outcome->reason);
}

/* What there is to report, after a moment at most; *over when nothing more will come. */
static struct outcome *take_outcomes(struct sending *sending, bool *over)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&sending->lock);
    if (sending->first == NULL && sending->running > 0)
        pthread_cond_timedwait(&sending->news, &sending->lock, &until);
    struct outcome *first = sending->first;
    sending->first = NULL;
    sending->last = &sending->first;
    *over = sending->running == 0;
    pthread_mutex_unlock(&sending->lock);
    return first;
}

/* Whether to go on. */
static bool show_progress(const struct sending *sending, const kin_ingest_summary *summary,
                          double began)
{
    kin_ingest_progress progress = {.files_done = summary->files, .images = summary->images};
    if (sending->options->progress == NULL)
        return true;
    progress.files_found = kin_walk_found(sending->walk, &progress.walk_done);
    progress.seconds = kin_clock_monotonic() - began;
    return sending->options->progress(sending->options->ctx, &progress) == 0;
}

/* Reports until the threads have ended; whether the caller stopped them. */
static bool follow(struct sending *sending, kin_ingest_summary *summary, double began)
{
    bool over = false, stopped = false;
    while (!over) {
        struct outcome *outcome = take_outcomes(sending, &over);
        while (outcome != NULL) {
            struct outcome *next = outcome->next;
            report(sending, outcome, summary);
            outcome_free(outcome);
            outcome = next;
        }
        if (!show_progress(sending, summary, began) && !stopped) {
            stopped = true; /* the streams end with their receipts: what is sent is paid for */
            atomic_store(&sending->stop, true);
        }
    }
    return stopped;
}

static int start_threads(struct sending *sending, pthread_t threads[STREAMS_MAX])
{
    int wanted = sending->options->jobs > 0 ? sending->options->jobs : STREAMS, started = 0;
    if (wanted > STREAMS_MAX)
        wanted = STREAMS_MAX;
    sending->running = wanted;
    while (started < wanted && pthread_create(&threads[started], NULL, send_files, sending) == 0)
        started++;
    pthread_mutex_lock(&sending->lock);
    sending->running -= wanted - started;
    pthread_mutex_unlock(&sending->lock);
    return started;
}

kin_status kin_remote_ingest(kin_target *target, const char *const *paths, size_t path_count,
                             const kin_ingest_options *options, kin_ingest_summary *summary,
                             kin_error *err)
{
    struct sending sending = {.remote = (kin_remote *)target, .options = options};
    pthread_t threads[STREAMS_MAX];
    double began = kin_clock_monotonic();
    memset(summary, 0, sizeof *summary);
    kin_status status = kin_walk_new(paths, path_count, NULL, &sending.walk, err);
    if (status != KIN_OK)
        return status;
    pthread_mutex_init(&sending.lock, NULL);
    pthread_cond_init(&sending.news, NULL);
    sending.last = &sending.first;
    int started = start_threads(&sending, threads);
    bool stopped = follow(&sending, summary, began);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (started == 0)
        status = kin_fail_errno(err, NULL, "cannot start a thread");
    else if (sending.status != KIN_OK) {
        status = sending.status;
        *err = sending.err;
    } else if (stopped) {
        status = kin_fail(err, KIN_E_CANCELLED, NULL, "the ingest was stopped");
    }
    pthread_cond_destroy(&sending.news);
    pthread_mutex_destroy(&sending.lock);
    kin_walk_free(sending.walk);
    summary->seconds = kin_clock_monotonic() - began;
    return status;
}
