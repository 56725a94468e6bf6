/* kinds.h - the registry of index kinds, and the inside of a generation; private to this folder. */
#ifndef KIN_INDEX_KINDS_H
#define KIN_INDEX_KINDS_H

#include "index/faiss_bridge.h"
#include "index/index.h"

struct index_kind;

struct kin_index {
    const struct index_kind *kind;
    size_t count, dim;
    uint64_t *ids;     /* [count], ascending: FAISS's label to the store's row; NULL for flat */
    FaissIndex *faiss; /* NULL for flat */
    kin_faiss_scratch *scratch; /* hnsw only */
};

struct index_query {
    const float *vector;
    size_t want;
    double effort; /* in [0, 1] */
    kin_index_allowed_fn allowed;
    void *ctx;
};

struct index_kind {
    const char *name;
    size_t count_min; /* fewest vectors that it can be built over */
    /* Makes an empty FAISS index that is fit for `count` vectors.  NULL: the kind has no
     * structure. */
    kin_status (*create)(size_t dim, size_t count, FaissIndex **out, kin_error *err);
    /* How many of `count` vectors it learns from before the first is added; NULL: none. */
    size_t (*training_rows)(size_t count);
    /* Offers candidates to top, whose capacity is query->want. */
    kin_status (*search)(const kin_index *index, const struct index_query *query, kin_topk *top,
                         kin_error *err);
};

extern const struct index_kind kin_index_flat, kin_index_hnsw, kin_index_ivfpq;

/* The kind of that name, or NULL. */
const struct index_kind *kin_index_kind_named(const char *name);

/* The kind that suits `count` vectors of `dim` floats best. */
const struct index_kind *kin_index_kind_for(size_t count, size_t dim);

/* Fills *err by FAISS's last error on this thread; `code` is what its C API returned. */
kin_status kin_index_faiss_failed(int code, const char *what, kin_error *err);

/* Bytes that a graph over count vectors takes in memory. */
size_t kin_index_hnsw_bytes(size_t count, size_t dim);

#endif
