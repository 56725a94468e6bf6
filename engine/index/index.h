/*
 * index.h - an index generation: immutable, built over a snapshot of vectors, kept in one file.
 *
 * A generation proposes candidates; exact scores come from the store.  Kinds are const tables in a registry:
 *   flat    no structure: the caller scans the store (for small archives, and as the truth)
 *   hnsw    FAISS HNSW graph (Malkov and Yashunin, 2018) over inner product
 *   ivfpq   FAISS inverted lists with 4-bit product quantisation, fast scan (André et al., 2017)
 *
 * FAISS 1.7.3 trusts its files, so a generation's file carries our own header and a checksum over
 * everything, verified in full before FAISS sees a byte.
 */
#ifndef KIN_INDEX_INDEX_H
#define KIN_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/status.h"
#include "simd/topk.h"

typedef struct kin_index kin_index;

/* Where the vectors to index are read from: vector(ctx, i) for i in [0, count) has dim floats, or NULL
 * with *err set.  ids[i] is the row it is known by; ascending. */
typedef struct kin_index_source {
    size_t count, dim;
    const uint64_t *ids;
    const float *(*vector)(void *ctx, size_t i, kin_error *err);
    void *ctx;
} kin_index_source;

typedef struct kin_index_options {
    const char *kind; /* "auto" (or NULL), "flat", "hnsw", "ivfpq" */
    int threads;      /* 0: all */
    /* Called now and then with the share done in [0, 1]; a nonzero return cancels.  May be NULL. */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
} kin_index_options;

kin_status kin_index_build(const kin_index_source *source, const kin_index_options *options,
                           kin_index **out, kin_error *err);
void kin_index_free(kin_index *index);

/*
 * Up to `want` candidates for one query, best first, into hits (room for want); *found is how many.
 * Scores are the index's own estimates.  effort in [0, 1] from cheapest to most exhaustive.  allowed (may be
 * NULL) says which ids may come back: it is consulted inside the index where the kind can, and always
 * before a candidate is returned.  The flat kind finds none: see kin_index_is_flat().
 * Safe from several threads.
 */
typedef bool (*kin_index_allowed_fn)(void *ctx, uint64_t id);
kin_status kin_index_search(const kin_index *index, const float *query, size_t want, double effort,
                            kin_index_allowed_fn allowed, void *allowed_ctx, kin_hit *hits,
                            size_t *found, kin_error *err);

bool kin_index_is_flat(const kin_index *index);
const char *kin_index_kind_borrow(const kin_index *index);
size_t kin_index_count(const kin_index *index);
size_t kin_index_dim(const kin_index *index);

/* Writes the generation durably to path (temporary sibling, sync, rename, sync of the folder).  `model`
 * is the embedder's id; `rows` the store's committed rows at the snapshot (what lies past is the tail). */
kin_status kin_index_save(const kin_index *index, const kin_fs *fs, const char *path, const char *model,
                          uint64_t rows, kin_error *err);

/* Loads and verifies; the file must be for `model`.  *rows receives the snapshot's rows.  Any damage is
 * KIN_E_CORRUPT. */
kin_status kin_index_load(const kin_fs *fs, const char *path, const char *model, kin_index **out,
                          uint64_t *rows, kin_error *err);

#endif
