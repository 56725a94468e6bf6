#include "archive/scan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/parallel.h"

enum {
    SCAN_GRAIN = 16384, /* ids that one thread takes at a time: some milliseconds */
    SCAN_RUN = 256,     /* scores kept on the stack at a time */
    STOP_ROWS = 4096 /* rows between two questions whether to stop: a fraction of a millisecond */
};

struct scan {
    const kin_vectors *vectors;
    const kin_probe *probe;
    const uint32_t *ids;
    const kin_stop *stop;
    atomic_bool over;     /* failed or stopped: what is left need not be done */
    pthread_mutex_t lock; /* over top, status and err */
    kin_topk *top;
    kin_status status;
    kin_error *err;
};

kin_status kin_stop_ask(const kin_stop *stop, kin_error *err)
{
    if (stop == NULL || stop->asked == NULL || !stop->asked(stop->ctx))
        return KIN_OK;
    return kin_fail(err, KIN_E_CANCELLED, NULL, "the search was stopped");
}

static void scan_fail(struct scan *scan, kin_status status, const kin_error *why)
{
    atomic_store(&scan->over, true);
    pthread_mutex_lock(&scan->lock);
    if (scan->status == KIN_OK) {
        scan->status = status;
        if (scan->err != NULL)
            *scan->err = *why;
    }
    pthread_mutex_unlock(&scan->lock);
}

/* Length of the run of consecutive ids at `from`. */
static size_t run_length(const uint32_t *ids, size_t from, size_t to)
{
    size_t run = 1;
    while (run < SCAN_RUN && from + run < to && ids[from + run] == ids[from] + run)
        run++;
    return run;
}

/* Scores the run of consecutive ids at *from, which it moves along. */
static kin_status score_run(const struct scan *scan, size_t *from, size_t to, kin_topk *local,
                            kin_error *err)
{
    float scores[SCAN_RUN];
    const void *row;
    const uint32_t *ids = scan->ids + *from;
    size_t got;
    kin_status status = kin_rows_run(scan->vectors->rows, ids[0], run_length(scan->ids, *from, to),
                                     &row, &got, err);
    if (status != KIN_OK)
        return status;
    kin_probe_score_rows(scan->probe, row, got, scores);
    for (size_t i = 0; i < got; i++)
        kin_topk_offer(local, ids[i], scores[i]);
    *from += got;
    return KIN_OK;
}

static void scan_range(void *ctx, size_t from, size_t to)
{
    struct scan *scan = ctx;
    kin_error err;
    kin_status status = KIN_OK;
    kin_topk local = {.capacity = scan->top->capacity};
    if (atomic_load(&scan->over))
        return;
    local.hits = malloc(local.capacity * sizeof *local.hits);
    if (local.hits == NULL)
        status = kin_fail(&err, KIN_E_NOMEM, NULL, "no memory to scan");
    for (size_t ask_at = from; status == KIN_OK && from < to;) {
        if (from >= ask_at) {
            ask_at = from + STOP_ROWS;
            status = kin_stop_ask(scan->stop, &err);
        }
        if (status == KIN_OK)
            status = score_run(scan, &from, to, &local, &err);
    }
    if (status != KIN_OK)
        scan_fail(scan, status, &err);
    pthread_mutex_lock(&scan->lock);
    for (size_t i = 0; i < local.count; i++)
        kin_topk_offer(scan->top, local.hits[i].id, local.hits[i].score);
    pthread_mutex_unlock(&scan->lock);
    free(local.hits);
}

kin_status kin_scan(const kin_vectors *vectors, const float *query, const uint32_t *ids,
                    size_t count, const kin_stop *stop, kin_topk *top, kin_error *err)
{
    struct scan scan = {
        .vectors = vectors, .ids = ids, .stop = stop, .top = top, .status = KIN_OK, .err = err};
    if (count == 0 || top->capacity == 0)
        return KIN_OK;
    kin_probe *probe = NULL;
    kin_status status =
        kin_probe_new(kin_rows_codec(vectors->rows), query, vectors->dim, &probe, err);
    if (status != KIN_OK)
        return status;
    scan.probe = probe;
    pthread_mutex_init(&scan.lock, NULL);
    kin_parallel_for(count, SCAN_GRAIN, 0, scan_range, &scan);
    pthread_mutex_destroy(&scan.lock);
    kin_probe_free(probe);
    return scan.status;
}

kin_status kin_rescore(const kin_vectors *vectors, const float *query, kin_hit *hits, size_t count,
                       kin_error *err)
{
    kin_probe *probe = NULL;
    kin_status status =
        kin_probe_new(kin_rows_codec(vectors->rows), query, vectors->dim, &probe, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        const void *row = kin_rows_peek(vectors->rows, hits[i].id);
        size_t got;
        if (row == NULL)
            status = kin_rows_run(vectors->rows, hits[i].id, 1, &row, &got, err);
        if (status == KIN_OK)
            hits[i].score = kin_probe_score(probe, row);
    }
    kin_probe_free(probe);
    return status;
}
