/*
 * A navigable small-world graph (Malkov and Yashunin, "Efficient and robust approximate nearest
 * neighbor search using hierarchical navigable small world graphs", IEEE TPAMI 2018).
 *
 * Its memory: the vectors, and 2 M links of 4 bytes each (FAISS doubles M on the lowest level).
 */
#include <faiss/c_api/index_factory_c.h>
#include <math.h>
#include <stdlib.h>

#include "index/kinds.h"
#include "simd/kernels.h"

enum {
    LINKS = 32,            /* M */
    EF_CONSTRUCTION = 200, /* the paper's and hnswlib's; FAISS's own default of 40 costs recall */
    WIDTH_MIN = 16,        /* beam of a search with effort 0 */
    WIDTH_MAX = 2048,      /* with effort 1: FAISS searches its queue of candidates linearly */
    WIDTH_GROWTH = 4,
    /* A beam meets some dozen vectors for each step and those in random order: wider than this
     * share of all vectors, reading them one after the other is as fast, and exact. */
    WIDTH_SHARE = 64,
    SCAN_ROWS = 64
};

size_t kin_index_hnsw_bytes(size_t count, size_t dim)
{
    return count *
           (dim * sizeof(float) + 2 * LINKS * sizeof(int32_t) + sizeof(size_t) + sizeof(int));
}

static kin_status create(size_t dim, size_t count, FaissIndex **out, kin_error *err)
{
    int code = faiss_index_factory(out, (int)dim, "HNSW32,Flat", METRIC_INNER_PRODUCT);
    if (code != 0)
        return kin_index_faiss_failed(code, "make an HNSW index", err);
    return kin_faiss_hnsw_prepare(*out, EF_CONSTRUCTION, count, err);
}
_Static_assert(LINKS == 32, "named in the factory's string");

/* Offers every allowed vector: the last resort, and exact. */
static void scan(const kin_index *index, const struct index_query *query, kin_topk *top)
{
    const kin_kernels *kernels = kin_kernels_best();
    const float *rows = kin_faiss_hnsw_vectors(index->faiss);
    float scores[SCAN_ROWS];
    for (size_t from = 0; from < index->count; from += SCAN_ROWS) {
        size_t n = index->count - from < SCAN_ROWS ? index->count - from : SCAN_ROWS;
        kernels->dot_rows(query->vector, rows + from * index->dim, index->dim, n, index->dim,
                          scores);
        for (size_t i = 0; i < n; i++)
            if (query->allowed == NULL || query->allowed(query->ctx, index->ids[from + i]))
                kin_topk_offer(top, index->ids[from + i], scores[i]);
    }
}

static size_t first_width(const struct index_query *query, size_t enough)
{
    double width = WIDTH_MIN * pow((double)WIDTH_MAX / WIDTH_MIN, query->effort);
    return width > (double)enough ? (size_t)width : enough;
}

/* Filtered, the nodes that a beam ends with must hold some more than are wanted: its last ones are
 * the least reliable. */
static size_t enough_of(const kin_index *index, const struct index_query *query)
{
    size_t enough = query->want;
    if (query->allowed != NULL)
        enough += enough / 2 + 2;
    return enough < index->count ? enough : index->count;
}

/* Offers those allowed of what a beam found; returns how many they were. */
static size_t offer_allowed(const kin_index *index, const struct index_query *query,
                            const int64_t *labels, const float *scores, size_t count, kin_topk *top)
{
    size_t allowed = 0;
    top->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t id = index->ids[labels[i]];
        if (query->allowed != NULL && !query->allowed(query->ctx, id))
            continue;
        kin_topk_offer(top, id, scores[i]);
        allowed++;
    }
    return allowed;
}

/* Widens the beam until enough of the nodes that it ends with are allowed, so that the answer is as
 * good as an unfiltered search of that width; past WIDTH_MAX, scans. */
static kin_status search(const kin_index *index, const struct index_query *query, kin_topk *top,
                         kin_error *err)
{
    size_t enough = enough_of(index, query), allowed = 0;
    int64_t *labels = malloc(WIDTH_MAX * sizeof *labels);
    float *scores = malloc(WIDTH_MAX * sizeof *scores);
    kin_status status = KIN_OK;
    if (labels == NULL || scores == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to search");
    for (size_t width = first_width(query, enough); status == KIN_OK && allowed < enough;
         width *= WIDTH_GROWTH) {
        size_t found = 0;
        if (width > WIDTH_MAX || width > index->count / WIDTH_SHARE) {
            top->count = 0;
            scan(index, query, top);
            break;
        }
        status = kin_faiss_hnsw_search(index->faiss, index->scratch, query->vector, width, labels,
                                       scores, &found, err);
        if (status == KIN_OK)
            allowed = offer_allowed(index, query, labels, scores, found, top);
    }
    free(labels);
    free(scores);
    return status;
}

const struct index_kind kin_index_hnsw = {
    .name = "hnsw", .count_min = 1, .create = create, .search = search};
