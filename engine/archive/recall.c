#include "archive/recall.h"

#include <stdlib.h>
#include <string.h>

#include "archive/defaults.h"

enum { RECALL_K = 10 };

/* Scores of the same two vectors by different kernels differ by rounding alone. */
#define SCORE_SLACK 1e-6f

static bool anything_allowed(void *ctx, uint64_t id)
{
    (void)ctx;
    (void)id;
    return true;
}

/* Drops `self` from sorted hits and keeps at most RECALL_K. */
static size_t without(kin_hit *hits, size_t count, uint64_t self)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < RECALL_K; i++)
        if (hits[i].id != self)
            hits[kept++] = hits[i];
    return kept;
}

static kin_status index_answer(const kin_vectors *vectors, const kin_index *index,
                               const float *query, kin_hit *hits, size_t *found, kin_error *err)
{
    kin_status status = kin_index_search(index, query, KIN_SEARCH_CANDIDATES, KIN_SEARCH_EFFORT,
                                         anything_allowed, NULL, hits, found, err);
    if (status == KIN_OK)
        status = kin_rescore(vectors, query, hits, *found, err);
    kin_topk sorted = {hits, *found, KIN_SEARCH_CANDIDATES};
    if (status == KIN_OK)
        kin_topk_sort(&sorted);
    return status;
}

static kin_status scan_answer(const kin_vectors *vectors, const float *query, const uint32_t *ids,
                              size_t count, kin_hit *hits, size_t *found, kin_error *err)
{
    kin_topk top = {.hits = hits, .capacity = RECALL_K + 1};
    kin_status status = kin_scan(vectors, query, ids, count, NULL, &top, err);
    kin_topk_sort(&top);
    *found = top.count;
    return status;
}

static kin_status one_query(const kin_vectors *vectors, const kin_index *index, const uint32_t *ids,
                            size_t count, uint32_t self, double *recall, kin_error *err)
{
    kin_hit exact[KIN_SEARCH_CANDIDATES], got[KIN_SEARCH_CANDIDATES];
    size_t exact_count = 0, got_count = 0, hits = 0;
    const float *row = NULL;
    float *buffer = malloc(vectors->dim * sizeof *buffer);
    kin_status status = buffer != NULL ? kin_rows_vector(vectors->rows, self, buffer, &row, err)
                                       : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a vector");
    if (status == KIN_OK)
        status = scan_answer(vectors, row, ids, count, exact, &exact_count, err);
    if (status == KIN_OK)
        status = kin_index_is_flat(index)
                     ? scan_answer(vectors, row, ids, count, got, &got_count, err)
                     : index_answer(vectors, index, row, got, &got_count, err);
    free(buffer);
    if (status != KIN_OK)
        return status;
    exact_count = without(exact, exact_count, self);
    got_count = without(got, got_count, self);
    for (size_t i = 0; i < got_count && exact_count > 0; i++)
        hits += got[i].score >= exact[exact_count - 1].score - SCORE_SLACK;
    *recall = exact_count > 0
                  ? (double)(hits < exact_count ? hits : exact_count) / (double)exact_count
                  : 1;
    return KIN_OK;
}

kin_status kin_recall_check(const kin_vectors *vectors, const kin_index *index, const uint32_t *ids,
                            size_t count, size_t queries, double *recall, size_t *asked,
                            kin_error *err)
{
    double sum = 0;
    *recall = 1;
    *asked = 0;
    if (count < 2)
        return KIN_OK;
    if (queries > count)
        queries = count;
    for (size_t i = 0; i < queries; i++) {
        double one;
        uint32_t self = ids[(size_t)((double)i / (double)queries * (double)count)];
        kin_status status = one_query(vectors, index, ids, count, self, &one, err);
        if (status != KIN_OK)
            return status;
        sum += one;
    }
    *recall = sum / (double)queries;
    *asked = queries;
    return KIN_OK;
}
