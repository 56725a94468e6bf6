/*
 * synthetic.h - made-up vectors, for sizes that no set of real images has.
 *
 * Every row is a function of the seed and its number alone: sets need no file, and rows can be made
 * in any order, by several threads.  All are unit vectors.  Whatever is measured on them must be
 * marked as synthetic: real embeddings are harder in some ways and easier in others.
 *
 *   clustered  one of `clusters` centres (of random directions) and noise about it, in all dimensions
 *              but falling off as 1 / sqrt(1 + d / 8), as components of an embedder do; its length is
 *              0.8 of the centre's
 *   manifold   `intrinsic` numbers, bent (each also as its sine) and laid into the dimensions by a
 *              random map, and a little noise (0.05 of its length): what a learnt embedding is close
 *              to
 */
#ifndef KIN_BENCH_SYNTHETIC_H
#define KIN_BENCH_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bench_shape { BENCH_CLUSTERED, BENCH_MANIFOLD };

typedef struct bench_synthetic_options {
    enum bench_shape shape;
    size_t dim;
    uint64_t seed;
    size_t clusters;  /* 0: 1000 */
    size_t intrinsic; /* 0: 24 */
} bench_synthetic_options;

typedef struct bench_synthetic bench_synthetic;

kin_status bench_synthetic_new(const bench_synthetic_options *options, bench_synthetic **out,
                               kin_error *err);
void bench_synthetic_free(bench_synthetic *synthetic);

/* "clustered", "manifold"; NULL past the last. */
const char *bench_shape_name(enum bench_shape shape);

/* Row number `row` (any), dim floats.  Rows of different numbers are independent of each other:
 * queries are rows that the set has not got.  Safe from several threads. */
void bench_synthetic_row(const bench_synthetic *synthetic, uint64_t row, float *out);

/* Scales a vector to length 1; one of zeros stays. */
void bench_make_unit(float *vector, size_t dim);

#ifdef __cplusplus
}
#endif

#endif
