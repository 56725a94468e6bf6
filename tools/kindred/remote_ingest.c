/*
 * remote_ingest.c - files of this machine into a server's archive.
 *
 * A few threads share the walk.  Each sends files over a stream of its own and asks for the receipt
 * when the stream has had many of them, much of them, or a while: only with the receipt they are
 * durable, and reported.  The calling thread reports.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/wait.h"
#include "remote_stream.h"

enum {
    STREAMS = 4, /* the server decodes as many files at once as it has processors */
    STREAMS_MAX = 64
};

static const double wait_seconds = 0.1; /* between two looks at the progress */

static void *send_files(void *argument)
{
    kin_sending *sending = argument;
    kin_stream stream = {.sending = sending};
    char path[PATH_MAX];
    kin_error err = {0};
    kin_status status = KIN_OK, entry;
    while (status == KIN_OK && !atomic_load(&sending->stop) &&
           kin_walk_next(sending->walk, path, &entry, &err)) {
        status = kin_stream_take(&stream, path, entry, &err);
        kin_error_clear(&err);
    }
    if (status == KIN_OK)
        kin_stream_end(&stream);
    kin_stream_abandon(&stream);
    pthread_mutex_lock(&sending->lock);
    sending->running--;
    pthread_cond_signal(&sending->news);
    pthread_mutex_unlock(&sending->lock);
    return NULL;
}

/* --- the calling thread --- */

static void report(const kin_sending *sending, const kin_sent *sent, kin_ingest_summary *summary)
{
    const kin_ingest_options *options = sending->options;
    kin_ingest_count(summary, sent->event, sent->reason);
    if (sent->event == KIN_INGEST_STORED || sent->event == KIN_INGEST_REPLACED)
        summary->images += sent->images;
    if (options->event != NULL)
        options->event(options->ctx, sent->event, sent->path, sent->images, sent->reason);
}

/* What there is to report, after a moment at most; *over when nothing more will come. */
static kin_sent *take_outcomes(kin_sending *sending, bool *over)
{
    double until = kin_clock_monotonic() + wait_seconds;
    pthread_mutex_lock(&sending->lock);
    if (sending->first == NULL && sending->running > 0)
        kin_cond_wait_until(&sending->news, &sending->lock, until);
    kin_sent *first = sending->first;
    sending->first = NULL;
    sending->last = &sending->first;
    *over = sending->running == 0;
    pthread_mutex_unlock(&sending->lock);
    return first;
}

/* Whether to go on. */
static bool show_progress(const kin_sending *sending, const kin_ingest_summary *summary,
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
static bool follow(kin_sending *sending, kin_ingest_summary *summary, double began)
{
    bool over = false, stopped = false;
    while (!over) {
        kin_sent *sent = take_outcomes(sending, &over);
        while (sent != NULL) {
            kin_sent *next = sent->next;
            report(sending, sent, summary);
            kin_sent_free(sent);
            sent = next;
        }
        if (!show_progress(sending, summary, began) && !stopped) {
            stopped = true; /* the streams end with their receipts: what is sent is paid for */
            atomic_store(&sending->stop, true);
        }
    }
    return stopped;
}

static int start_threads(kin_sending *sending, pthread_t threads[STREAMS_MAX])
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
    kin_sending sending = {.remote = (kin_remote *)target, .options = options};
    pthread_t threads[STREAMS_MAX];
    double began = kin_clock_monotonic();
    memset(summary, 0, sizeof *summary);
    kin_status status = kin_walk_new(paths, path_count, NULL, &sending.walk, err);
    if (status != KIN_OK)
        return status;
    if (kin_cond_init(&sending.news) != 0) {
        kin_walk_free(sending.walk);
        return kin_fail(err, KIN_E_NOMEM, NULL, "cannot make a condition variable");
    }
    pthread_mutex_init(&sending.lock, NULL);
    sending.last = &sending.first;
    int started = start_threads(&sending, threads);
    bool stopped = follow(&sending, summary, began);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    if (started == 0)
        status = kin_fail(err, KIN_E_IO, NULL, "cannot start a thread");
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
