/*
 * queue.h - decoded files on their way from the decoding threads to the one that stores them.
 *
 * Bounded by the memory that descriptors take, so that fast decoders wait for a slow disk.
 */
#ifndef KIN_ARCHIVE_QUEUE_H
#define KIN_ARCHIVE_QUEUE_H

#include "archive/ingest.h"

/* A file's end of decoding, or one chunk of a very large instance. */
typedef struct kin_arrival {
    struct kin_arrival *next;
    char *path;            /* or an upload's name */
    bool last;             /* the file's last arrival: its event is due */
    kin_instance instance; /* frames to store; empty for a skip or a failure */
    kin_status status;     /* KIN_OK, KIN_E_NO_IMAGE (a skip), or what failed */
    char reason[KIN_ERROR_MESSAGE_MAX];
    struct kin_marking *marking; /* of a file that marks regions: shared by its arrivals; or NULL */
    bool annotation; /* nothing of it is stored yet: it marks images that may be on their way */
    size_t bytes;    /* memory it counts for */
    size_t tag;      /* the receiver's own note of which file it is */
} kin_arrival;

typedef struct kin_queue kin_queue;

kin_status kin_queue_new(size_t max_bytes, kin_queue **out, kin_error *err);
void kin_queue_free(kin_queue *queue);

/* Adds an arrival (its ownership passes); waits while the queue is full.  false once the queue is
 * shut: then the caller keeps it. */
bool kin_queue_put(kin_queue *queue, kin_arrival *arrival);

/* Takes all that is there, in order, waiting at most `seconds` for the first; NULL when there was
 * none. */
kin_arrival *kin_queue_take(kin_queue *queue, double seconds);

/* Makes every put fail from now on. */
void kin_queue_shut(kin_queue *queue);

void kin_arrival_free(kin_arrival *arrival);

/* Frees an arrival and those behind it; NULL is fine. */
void kin_arrivals_free(kin_arrival *first);

#endif
