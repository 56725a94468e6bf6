/*
 * kernels.h - inner products and distances, one table of functions per instruction set.
 *
 * kin_kernels_best() picks the best table that this processor runs; KINDRED_SIMD in the environment
 * (scalar, avx2, avx512, avx512vnni, neon, neondot) overrides it, for tests and comparisons.
 * Tables are const and shared by all threads.  Vectors need no alignment; rows of the store are
 * 64-byte aligned all the same.
 *
 * Three kinds of numbers (store/codec.h says how rows of them are laid out):
 *   floats  IEEE 754 single
 *   halves  IEEE 754 half (binary16), against a query of floats
 *   codes   signed bytes from -127 to 127, against codes; sums are exact as long as
 *           dim <= KIN_CODE_DIM_MAX, and -128 is allowed though no codec makes it
 *
 * Sums of floats and halves are in single precision over several partial sums, so tables agree to
 * rounding and not to the bit: at most about dim / 8 additions follow each other, which bounds the
 * error by (dim / 8 + 16) * 2^-24 * sum |a[i] * b[i]|.  Infinity and NaN propagate as IEEE 754
 * says.  Sums of codes are the same in all tables.
 */
#ifndef KIN_SIMD_KERNELS_H
#define KIN_SIMD_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_CODE_DIM_MAX = 1 << 16 };

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
    /* out[q * out_stride + r] = dot(queries + q * query_stride, rows + r * stride): a block of
     * queries shares each row that is read.  Strides in floats. */
    void (*dot_block)(const float *queries, size_t query_stride, size_t query_count,
                      const float *rows, size_t stride, size_t count, size_t dim, float *out,
                      size_t out_stride);

    /* The same for rows of halves; strides in halves. */
    float (*dot_half)(const float *query, const uint16_t *row, size_t dim);
    float (*l2sq_half)(const float *query, const uint16_t *row, size_t dim);
    void (*dot_rows_half)(const float *query, const uint16_t *rows, size_t stride, size_t count,
                          size_t dim, float *out);
    /* Rounded to nearest, ties to even; what is too large becomes infinite. */
    void (*to_half)(const float *from, uint16_t *to, size_t count);
    void (*from_half)(const uint16_t *from, float *to, size_t count);

    /* The same for codes; stride in bytes. */
    int32_t (*dot_code)(const int8_t *a, const int8_t *b, size_t dim);
    int64_t (*l2sq_code)(const int8_t *a, const int8_t *b, size_t dim);
    void (*dot_rows_code)(const int8_t *query, const int8_t *rows, size_t stride, size_t count,
                          size_t dim, int32_t *out);
    /* out[i] = dot_code(query, rows + at[i] * stride): rows all over memory, fetched ahead. */
    void (*dot_gather_code)(const int8_t *query, const int8_t *rows, size_t stride,
                            const uint32_t *at, size_t count, size_t dim, int32_t *out);
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
