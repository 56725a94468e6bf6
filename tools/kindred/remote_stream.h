/* remote_stream.h - one stream of files to a server, of the few that an ingest has at once. */
#ifndef KINDRED_REMOTE_STREAM_H
#define KINDRED_REMOTE_STREAM_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "archive/walk.h"
#include "remote.h"

enum { KIN_STREAM_FILES = 16 /* a stream ends after so many */ };

/* A file, sent or not, and what became of it. */
typedef struct kin_sent {
    struct kin_sent *next;
    char *path;
    kin_ingest_event event;
    uint64_t images;
    char *reason; /* owned */
} kin_sent;

void kin_sent_free(kin_sent *sent);

/* An ingest under way: what its threads share with the one that reports. */
typedef struct kin_sending {
    kin_remote *remote;
    const kin_ingest_options *options;
    kin_walk *walk;
    atomic_bool stop; /* no more files: the caller, or a failure, says so */
    pthread_mutex_t lock;
    pthread_cond_t news;
    kin_sent *first, **last; /* to report */
    int running;             /* threads */
    kin_status status;       /* the first failure of the whole */
    kin_error err;
} kin_sending;

/* One thread's stream, to begin with all 0 but `sending`. */
typedef struct kin_stream {
    kin_sending *sending;
    kin_client_ingest *ingest;         /* NULL between streams */
    kin_sent *files[KIN_STREAM_FILES]; /* sent, in order */
    size_t count;
    uint64_t bytes;
    double since;
} kin_stream;

/* Sends an entry of the walk, or reports at once why it cannot be.  A stream begins when there is
 * none, and ends, with its receipt and its files' reports, when it has had many files, much of
 * them, or a while.  A failure ends the whole and is noted there. */
kin_status kin_stream_take(kin_stream *stream, const char *path, kin_status status, kin_error *err);

/* Asks for the receipt and reports the files. */
kin_status kin_stream_end(kin_stream *stream);

/* Forgets the stream and files without receipt. */
void kin_stream_abandon(kin_stream *stream);

#endif
