/*
 * vector_set.h - what is searched and what is asked in a measurement: vectors and queries from a
 * file or made up; what is known of each row; the right answers.
 *
 * Similarity is Kindred's: the inner product of unit vectors.  Vectors of files are brought to unit
 * length as they are read (sets that were made for Euclidean distance have other neighbours then).
 */
#ifndef KIN_BENCH_VECTOR_SET_H
#define KIN_BENCH_VECTOR_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "formats.h"
#include "simd/topk.h"
#include "synthetic.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BENCH_SET_TITLE_SIZE = 128, BENCH_QUERIES_DEFAULT = 1000 };

typedef struct bench_set {
    char title[BENCH_SET_TITLE_SIZE]; /* for tables; says so when it is synthetic */
    bool synthetic;
    size_t count, dim;
    size_t query_count;
    float *queries; /* unit vectors, packed */
    /* Where rows come from; not for users. */
    bench_matrix matrix;
    bench_synthetic *made;
} bench_set;

typedef struct bench_set_options {
    const char *file;      /* .npy, .fvecs, .bvecs; or NULL: */
    const char *synthetic; /* "COUNT,DIM", "COUNT,DIM,clustered" or "COUNT,DIM,manifold" */
    const char *queries;   /* a file of the same dimensions.  NULL: of NAME.npy NAME.queries.npy, of
                              NAME_base.fvecs NAME_query.fvecs where that exists; else the set's last
                              rows, which then are no part of it */
    size_t count;          /* at most so many rows; 0: all */
    size_t query_count;    /* at most so many; 0: BENCH_QUERIES_DEFAULT */
    uint64_t seed;         /* of synthetic sets */
} bench_set_options;

/* KIN_E_ARG: no such synthetic set, queries of other dimensions; KIN_E_FORMAT: a number in the file
 * is not finite. */
kin_status bench_set_open(const bench_set_options *options, bench_set *out, kin_error *err);
void bench_set_close(bench_set *set);

/* Rows [first, first + count) as unit vectors, packed.  Safe from several threads. */
void bench_set_read(const bench_set *set, size_t first, size_t count, float *out);
/* All of them, in memory from aligned_alloc() that the caller frees.  `threads`: 0: all. */
kin_status bench_set_read_all(const bench_set *set, int threads, float **out, kin_error *err);

/* --- labels --- */

/* What NAME.labels says of NAME.npy's rows, or NAME.queries.labels of NAME.queries.npy's (see
 * kindred-bench vectors).  A class is "folder/diagnosis". */
typedef struct bench_labels {
    size_t count;
    uint32_t *image;   /* each row's image: rows of one are views of it */
    uint32_t *classes; /* each row's class, a number below class_count */
    char **class_names;
    size_t class_count;
} bench_labels;

/* The labels of a file of vectors; KIN_E_NOT_FOUND where it has none.  With `known` (the set's, when
 * reading the queries') classes get the same numbers; ones that it has not get further ones. */
kin_status bench_labels_read(const char *vectors_file, const bench_labels *known, bench_labels *out,
                             kin_error *err);
void bench_labels_release(bench_labels *labels);

/* The name of the queries that belong to a file of vectors, as above; false: it has none such. */
bool bench_queries_file(const char *vectors_file, char *out, size_t size);

/* --- right answers --- */

/* Which rows may be answers to a query; NULL: all. */
typedef bool (*bench_may_fn)(void *ctx, size_t query, size_t row);

typedef struct bench_truth {
    size_t query_count, k;
    kin_hit *hits;  /* query_count * k, best first */
    size_t *counts; /* of each query: less than k where fewer rows may be answers */
} bench_truth;

/* By OpenBLAS over all rows, so that nothing of what is measured has a part in it; the best few are
 * then scored once more, in double precision. */
kin_status bench_truth_find(const bench_set *set, size_t k, bench_may_fn may, void *ctx,
                            int threads, bench_truth *out, kin_error *err);
void bench_truth_release(bench_truth *truth);

/* Share of the right answers to a query among `count` ids that were given: each different one whose
 * own score (computed here) is no less than the k-th right one's, to rounding, so that of equals any
 * will do.  1 where there is no right answer.  With `may` of the truth only what may be an answer
 * counts. */
double bench_recall(const bench_set *set, const bench_truth *truth, size_t query,
                    const uint64_t *ids, size_t count, bench_may_fn may, void *ctx);

#ifdef __cplusplus
}
#endif

#endif
