/*
 * kernels.h - inner products and distances, one table of functions per instruction set.
 *
 * kin_kernels_best() picks the best table that this processor runs; KINDRED_SIMD in the environment
 * (scalar, avx2, avx512, neon) overrides it, for tests and for comparing.  Tables are const and
 * shared by all threads.  Vectors need no alignment; rows of the store are 64-byte aligned all the
 * same.
 *
 * Sums are in single precision over several partial sums, so tables agree to rounding and not to
 * the bit: at most about dim / 8 additions follow each other, which bounds the error by (dim / 8 +
 * 16) * 2^-24 * sum |a[i] * b[i]|.  Infinity and NaN propagate as IEEE 754 says.
 */
#ifndef KIN_SIMD_KERNELS_H
#define KIN_SIMD_KERNELS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_kernels {
    const char *name;
    /* Sum of a[i] * b[i]; 0 when dim is 0. */
    float (*dot)(const float *a, const float *b, size_t dim);
    /* Sum of (a[i] - b[i])^2; 0 when dim is 0. */
    float (*l2sq)(const float *a, const float *b, size_t dim);
    /* out[r] = dot(query, rows + r * stride) for r in [0, count); stride in floats, at least dim.
     */
    void (*dot_rows)(const float *query, const float *rows, size_t stride, size_t count, size_t dim,
                     float *out);
} kin_kernels;

/* The best table for this processor, or the one that KINDRED_SIMD names when it can run here (a
 * name that cannot is passed over).  It reads the environment: ask once, keep the pointer. */
const kin_kernels *kin_kernels_best(void);

/* The table of that name, or NULL where it is unknown, not compiled for this architecture, or this
 * processor (or its operating system) cannot run it. */
const kin_kernels *kin_kernels_named(const char *name);

#ifdef __cplusplus
}
#endif

#endif
