/* Floats with AVX2 and FMA (Haswell, 2013; Zen, 2017): 8 floats a register. */
#include <stdbool.h>

#include "simd/avx2.h"
#include "simd/kernels_tables.h"
#include "simd/tiles.h"

typedef float row_number;

KIN_INLINE floats load_row(const float *p)
{
    return load_floats(p);
}

KIN_INLINE floats load_first_of_row(const float *p, size_t n)
{
    return load_first_floats(p, n);
}

#include "simd/x86_rows.h"

float kin_avx2_dot(const float *a, const float *b, size_t dim)
{
    return dot(a, b, dim);
}

float kin_avx2_l2sq(const float *a, const float *b, size_t dim)
{
    return l2sq(a, b, dim);
}

void kin_avx2_dot_rows(const float *query, const float *rows, size_t stride, size_t count,
                       size_t dim, float *out)
{
    dot_rows(kin_avx2_dot, query, rows, stride, count, dim, out);
}

/* --- tiles --- */

enum { QUERIES = 3, ROWS = 4 }; /* 12 sums, 3 pieces of queries and one of a row: 16 registers */

KIN_INLINE __m256 load(const float *p, __m256i mask, bool whole)
{
    return whole ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, mask);
}

/* One step of a tile: a piece of each of n queries times a piece of each row. */
KIN_INLINE void step(size_t n, const float *queries, size_t query_stride, const float *rows,
                     size_t stride, __m256i mask, bool whole, __m256 s[QUERIES][ROWS])
{
    __m256 v[QUERIES];
#pragma GCC unroll 3
    for (size_t q = 0; q < n; q++)
        v[q] = load(queries + q * query_stride, mask, whole);
#pragma GCC unroll 4
    for (size_t r = 0; r < ROWS; r++) {
        __m256 w = load(rows + r * stride, mask, whole);
#pragma GCC unroll 3
        for (size_t q = 0; q < n; q++)
            s[q][r] = _mm256_fmadd_ps(v[q], w, s[q][r]);
    }
}

/* n queries (a constant, at most QUERIES) with ROWS rows: each piece that is loaded is used n or
 * ROWS times. */
KIN_INLINE void tile(size_t n, const float *queries, size_t query_stride, const float *rows,
                     size_t stride, size_t dim, float *out, size_t out_stride)
{
    __m256 s[QUERIES][ROWS];
#pragma GCC unroll 3
    for (size_t q = 0; q < n; q++)
#pragma GCC unroll 4
        for (size_t r = 0; r < ROWS; r++)
            s[q][r] = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + FLOATS <= dim; i += FLOATS)
        step(n, queries + i, query_stride, rows + i, stride, _mm256_setzero_si256(), true, s);
    if (i < dim)
        step(n, queries + i, query_stride, rows + i, stride, first_lanes(dim - i), false, s);
#pragma GCC unroll 3
    for (size_t q = 0; q < n; q++)
        _mm_storeu_ps(out + q * out_stride, sums_of_four(s[q][0], s[q][1], s[q][2], s[q][3]));
}

KIN_TILE_OF(1)
KIN_TILE_OF(2)
KIN_TILE_OF(3)

void kin_avx2_dot_block(const float *queries, size_t query_stride, size_t query_count,
                        const float *rows, size_t stride, size_t count, size_t dim, float *out,
                        size_t out_stride)
{
    static const kin_tiles tiles = {
        .queries = QUERIES,
        .rows = ROWS,
        .of = {NULL, tile_1, tile_2, tile_3},
        .dot = kin_avx2_dot,
    };
    kin_tiles_run(&tiles, queries, query_stride, query_count, rows, stride, count, dim, out,
                  out_stride);
}
