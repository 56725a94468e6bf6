/*
 * corpus_store.h - a set of vectors in Kindred's own store, as an archive keeps it: encoded rows in
 * segment files, mapped, with checksums that are verified; so that what is measured is what users
 * have.
 */
#ifndef KIN_BENCH_CORPUS_STORE_H
#define KIN_BENCH_CORPUS_STORE_H

#include "scratch.h"
#include "search/costs.h"
#include "store/segments.h"
#include "vector_set.h"

typedef struct bench_store {
    kin_rows *rows; /* row r is the set's row r; all have been verified and lie in memory */
    size_t count, dim;
    uint64_t bytes;  /* of the rows with what lies between them */
    double seconds;  /* that writing took, without the making of the vectors */
    kin_costs costs; /* of a search on this machine */
    /* What the rows are of; not for users. */
    kin_segments *segments;
    uint64_t *hashes;
    size_t hash_count;
    char folder[BENCH_SCRATCH_SIZE];
} bench_store;

/* Writes all rows of the set into a folder of its own; released with bench_store_release(), also
 * after a failure.  codec: NULL: "fp32". */
kin_status bench_store_make(const bench_set *set, const char *codec, bench_store *out,
                            kin_error *err);
void bench_store_release(bench_store *store);

#endif
