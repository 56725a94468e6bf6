/*
 * Many queries at once, exactly: a block of queries shares each block of rows that is read, so that
 * the arithmetic and not the memory is what it takes (as a matrix product does).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/parallel.h"
#include "search/members_cursor.h"
#include "search/search.h"
#include "simd/kernels.h"

enum {
    QUERIES_AT_ONCE = 64, /* their products with MEMBERS_AT_ONCE rows stay in the cache */
    SLICE_ROWS = 8192
};

struct batch {
    const kin_corpus *corpus;
    const float *queries;
    size_t count, k;
    const kin_members *members;
    const kin_stop *stop;
    const kin_kernels *kernels;
    atomic_bool over;
    pthread_mutex_t lock; /* over what follows */
    kin_topk *tops;
    kin_status status;
    kin_error *err;
};

/* What one thread works with. */
struct room {
    float *rows;   /* MEMBERS_AT_ONCE decoded or gathered ones */
    float *scores; /* QUERIES_AT_ONCE x MEMBERS_AT_ONCE */
    kin_hit *hits; /* count x k */
    kin_topk *tops;
};

static void room_release(struct room *room)
{
    free(room->rows);
    free(room->scores);
    free(room->hits);
    free(room->tops);
}

static kin_status room_make(const struct batch *batch, struct room *room, kin_error *err)
{
    size_t hits = 0;
    *room = (struct room){0};
    if (kin_mul_size(batch->count, batch->k, &hits))
        room->hits = reallocarray(NULL, hits, sizeof *room->hits);
    room->rows = reallocarray(NULL, MEMBERS_AT_ONCE * batch->corpus->dim, sizeof *room->rows);
    room->scores =
        reallocarray(NULL, QUERIES_AT_ONCE * (size_t)MEMBERS_AT_ONCE, sizeof *room->scores);
    room->tops = calloc(batch->count, sizeof *room->tops);
    if (room->hits == NULL || room->rows == NULL || room->scores == NULL || room->tops == NULL) {
        room_release(room);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", batch->count);
    }
    for (size_t q = 0; q < batch->count; q++)
        room->tops[q] = (kin_topk){.hits = room->hits + q * batch->k, .capacity = batch->k};
    return KIN_OK;
}

/* The rows of ids as floats, one after the other: where they lie, or copied together. */
static kin_status floats_of(const struct batch *batch, const uint32_t *ids, size_t count,
                            struct room *room, const float **out, size_t *stride, kin_error *err)
{
    const kin_corpus *corpus = batch->corpus;
    const void *run;
    size_t got = 0;
    if (kin_rows_codec(corpus->rows) == kin_codec_fp32 && kin_members_are_run(ids, count)) {
        kin_status status = kin_rows_run(corpus->rows, ids[0], count, &run, &got, err);
        if (status != KIN_OK)
            return status;
        if (got == count) {
            *out = run;
            *stride = kin_codec_stride(kin_codec_fp32, corpus->dim) / sizeof(float);
            return KIN_OK;
        }
    }
    for (size_t i = 0; i < count; i++) {
        float *to = room->rows + i * corpus->dim;
        const float *row;
        kin_status status = kin_rows_vector(corpus->rows, ids[i], to, &row, err);
        if (status != KIN_OK)
            return status;
        if (row != to)
            memcpy(to, row, corpus->dim * sizeof *to);
    }
    *out = room->rows;
    *stride = corpus->dim;
    return KIN_OK;
}

static void offer(kin_topk *top, const uint32_t *ids, const float *scores, size_t count)
{
    if (kin_members_are_run(ids, count)) {
        kin_topk_offer_run(top, ids[0], scores, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (scores[i] >= kin_topk_bar(top))
            kin_topk_offer(top, ids[i], scores[i]);
}

static kin_status score_members(const struct batch *batch, const uint32_t *ids, size_t count,
                                struct room *room, kin_error *err)
{
    size_t dim = batch->corpus->dim, stride;
    const float *rows;
    kin_status status = floats_of(batch, ids, count, room, &rows, &stride, err);
    if (status != KIN_OK)
        return status;
    for (size_t from = 0; from < batch->count; from += QUERIES_AT_ONCE) {
        size_t n = batch->count - from < QUERIES_AT_ONCE ? batch->count - from : QUERIES_AT_ONCE;
        batch->kernels->dot_block(batch->queries + from * dim, dim, n, rows, stride, count, dim,
                                  room->scores, MEMBERS_AT_ONCE);
        for (size_t q = 0; q < n; q++)
            offer(&room->tops[from + q], ids, room->scores + q * MEMBERS_AT_ONCE, count);
    }
    return KIN_OK;
}

static kin_status scan_slice(const struct batch *batch, uint64_t from, uint64_t end,
                             struct room *room, kin_error *err)
{
    struct members_cursor cursor;
    uint32_t ids[MEMBERS_AT_ONCE];
    kin_status status = kin_stop_ask(batch->stop, err);
    kin_members_begin(&cursor, batch->members, from, end);
    for (size_t count; status == KIN_OK && (count = kin_members_next(&cursor, ids)) > 0;)
        status = score_members(batch, ids, count, room, err);
    return status;
}

static void slice_body(void *ctx, size_t from, size_t to)
{
    struct batch *batch = ctx;
    struct room room;
    kin_error err;
    if (atomic_load(&batch->over))
        return;
    kin_status status = room_make(batch, &room, &err);
    if (status == KIN_OK)
        status = scan_slice(batch, from, to, &room, &err);
    pthread_mutex_lock(&batch->lock);
    if (status != KIN_OK && batch->status == KIN_OK) {
        atomic_store(&batch->over, true);
        batch->status = status;
        if (batch->err != NULL)
            *batch->err = err;
    }
    for (size_t q = 0; status == KIN_OK && q < batch->count; q++)
        for (size_t i = 0; i < room.tops[q].count; i++)
            kin_topk_offer(&batch->tops[q], room.tops[q].hits[i].id, room.tops[q].hits[i].score);
    pthread_mutex_unlock(&batch->lock);
    room_release(&room);
}

/* Slices of rows such that every thread has some, and merging their hits costs little. */
static size_t slice_rows(const kin_corpus *corpus, uint64_t rows)
{
    size_t threads = (size_t)(corpus->threads > 0 ? corpus->threads : kin_cpu_count());
    size_t slice = (size_t)(rows / (threads * 4)) + 1;
    return slice > SLICE_ROWS ? slice : SLICE_ROWS;
}

kin_status kin_search_batch(const kin_corpus *corpus, const float *queries, size_t count, size_t k,
                            const kin_members *members, kin_hit *hits, size_t *found,
                            const kin_stop *stop, kin_error *err)
{
    uint64_t rows = kin_rows_count(corpus->rows);
    struct batch batch = {.corpus = corpus,
                          .queries = queries,
                          .count = count,
                          .k = k,
                          .members = members,
                          .stop = stop,
                          .kernels = kin_kernels_best(),
                          .status = KIN_OK,
                          .err = err};
    if (count == 0 || k == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "no hits are wanted");
    batch.tops = calloc(count, sizeof *batch.tops);
    if (batch.tops == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", count);
    for (size_t q = 0; q < count; q++)
        batch.tops[q] = (kin_topk){.hits = hits + q * k, .capacity = k};
    pthread_mutex_init(&batch.lock, NULL);
    kin_parallel_for((size_t)rows, slice_rows(corpus, rows), corpus->threads, slice_body, &batch);
    pthread_mutex_destroy(&batch.lock);
    for (size_t q = 0; q < count; q++) {
        kin_topk_sort(&batch.tops[q]);
        found[q] = batch.tops[q].count;
    }
    free(batch.tops);
    return batch.status;
}
