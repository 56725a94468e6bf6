/*
 * index.h - an index generation: immutable, built over a snapshot of vectors, kept in one file.
 *
 * A generation proposes candidates; exact scores come from the store.  Kinds are const tables in a
 * registry (kinds.h):
 *   flat    no structure: the caller scans the store (for small archives, and as the truth)
 *   hnsw    FAISS HNSW graph (Malkov and Yashunin, 2018) over inner product
 *   ivfpq   FAISS inverted lists with 4-bit product quantisation, fast scan (André et al., 2017)
 *
 * Similarity is the inner product; for the unit vectors of an embedder that is the cosine.
 *
 * FAISS 1.7.3 trusts its files, so a generation's file carries our own header and a checksum over
 * everything, verified in full before FAISS sees a byte.
 *
 * FAISS works on OpenMP's threads: building uses options.threads of them, a search none but the
 * caller's.
 */
#ifndef KIN_INDEX_INDEX_H
#define KIN_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/status.h"
#include "simd/topk.h"

enum {
    KIN_INDEX_DIM_MAX = 1 << 16,
    KIN_INDEX_COUNT_MAX = INT32_MAX, /* FAISS numbers a graph's nodes in 32 bits */
    KIN_INDEX_KIND_SIZE = 16,        /* a kind's name and NUL */
    KIN_INDEX_MODEL_SIZE = 64        /* a model's id and NUL */
};

typedef struct kin_index kin_index;

/* Where the vectors to index are read from: vector(ctx, i) for i in [0, count) has dim floats,
 * valid until the next call, or is NULL with *err set.  ids[i] is the row it is known by; strictly
 * ascending.  Called from the building thread alone; each vector may be asked for more than
 * once. */
typedef struct kin_index_source {
    size_t count, dim;
    const uint64_t *ids;
    const float *(*vector)(void *ctx, size_t i, kin_error *err);
    void *ctx;
} kin_index_source;

typedef struct kin_index_options {
    const char *kind; /* "auto" (or NULL), "flat", "hnsw", "ivfpq" */
    int threads;      /* 0: all */
    /* Called now and then with the share done in [0, 1], never decreasing; a nonzero return cancels
     * (KIN_E_CANCELLED).  Training, in one step, cannot be cancelled midway.  May be NULL. */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
} kin_index_options;

/* True for a name that kin_index_options.kind may have. */
bool kin_index_is_kind(const char *name);

/* Builds a generation.  options may be NULL.  KIN_E_ARG: no such kind, ids out of order, or (for
 * ivfpq) too few vectors to train on; KIN_E_CORRUPT: a vector is not finite. */
kin_status kin_index_build(const kin_index_source *source, const kin_index_options *options,
                           kin_index **out, kin_error *err);
void kin_index_free(kin_index *index);

/*
 * Up to `want` candidates for one query, best first, into hits (room for want); *found is how many.
 * Scores are the index's own estimates.  effort in [0, 1] from cheapest to most exhaustive.
 * allowed (may be NULL) says which ids may come back; it is asked about each candidate.  Where it
 * turns many away the search widens by itself, to the end if need be, so that filters do not cost
 * recall and `want` come back if that many are allowed; a caller who knows that few are does better
 * to scan just those.  The flat kind finds none: see kin_index_is_flat().  A query that is not
 * finite is KIN_E_ARG.  Safe from several threads.
 */
typedef bool (*kin_index_allowed_fn)(void *ctx, uint64_t id);
kin_status kin_index_search(const kin_index *index, const float *query, size_t want, double effort,
                            kin_index_allowed_fn allowed, void *allowed_ctx, kin_hit *hits,
                            size_t *found, kin_error *err);

bool kin_index_is_flat(const kin_index *index);
const char *kin_index_kind_borrow(const kin_index *index);
size_t kin_index_count(const kin_index *index);
size_t kin_index_dim(const kin_index *index);

/* Writes the generation durably to path (temporary sibling, sync, rename, sync of the folder).
 * `model` is the embedder's id; `rows` the store's committed rows at the snapshot (what lies past
 * is the tail).  On failure the file that was there stays, and the temporary one is removed. */
kin_status kin_index_save(const kin_index *index, const kin_fs *fs, const char *path,
                          const char *model, uint64_t rows, kin_error *err);

/* Loads and verifies; the file must be for `model`.  *rows receives the snapshot's rows.  Any
 * damage is KIN_E_CORRUPT, as is a file of another version or model: all of them are cured by a
 * rebuild. */
kin_status kin_index_load(const kin_fs *fs, const char *path, const char *model, kin_index **out,
                          uint64_t *rows, kin_error *err);

#endif
