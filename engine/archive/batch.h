/* batch.h - decoded files that are stored together. */
#ifndef KIN_ARCHIVE_BATCH_H
#define KIN_ARCHIVE_BATCH_H

#include "archive/queue.h"

typedef struct kin_batch {
    kin_arrival *first, *last;
    size_t images, bytes; /* of all */
} kin_batch;

/* What became of an arrival: KIN_OK (see arrival->instance.outcome), or why it alone cannot be
 * stored. */
typedef struct kin_batch_sink {
    void (*put)(void *ctx, const kin_arrival *arrival, kin_status status, const char *reason);
    void *ctx;
} kin_batch_sink;

/* Adds an arrival that has something to store, or that ends its file; its ownership passes. */
void kin_batch_add(kin_batch *batch, kin_arrival *arrival);

/*
 * Stores all in one transaction; when that is refused, each arrival alone, so that one that cannot
 * be stored costs only itself.  KIN_OK when the sink has heard of each; after a failure (of the
 * disk, the memory, the archive: going on would fail for all) only of those that are durable.  The
 * batch is empty afterwards.
 */
kin_status kin_batch_commit(kin_batch *batch, kin_archive *archive, const kin_batch_sink *sink,
                            kin_error *err);

/* A put's outcome as an event. */
kin_ingest_event kin_ingest_event_of(kin_put_outcome outcome);

/* Frees what it holds. */
void kin_batch_drop(kin_batch *batch);

#endif
