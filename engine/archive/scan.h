/* scan.h - exact scores: over a set of ids, or of given candidates. */
#ifndef KIN_ARCHIVE_SCAN_H
#define KIN_ARCHIVE_SCAN_H

#include "simd/topk.h"
#include "store/segments.h"

/* Rows to score against. */
typedef struct kin_vectors {
    kin_rows *rows;
    size_t dim; /* numbers of a vector */
} kin_vectors;

/* How a caller ends work under way: asked(ctx), from whichever threads do the work. */
typedef struct kin_stop {
    bool (*asked)(void *ctx); /* NULL: never */
    void *ctx;
} kin_stop;

/* KIN_E_CANCELLED once the caller has asked for the end; stop may be NULL. */
kin_status kin_stop_ask(const kin_stop *stop, kin_error *err);

/* Offers every id of ids[0..count) (ascending) to top, scored by inner product with query.  All
 * processors are used where the set is large.  stop may be NULL. */
kin_status kin_scan(const kin_vectors *vectors, const float *query, const uint32_t *ids,
                    size_t count, const kin_stop *stop, kin_topk *top, kin_error *err);

/* Replaces the scores of hits by exact ones. */
kin_status kin_rescore(const kin_vectors *vectors, const float *query, kin_hit *hits, size_t count,
                       kin_error *err);

#endif
