/* Floats with AVX-512 Foundation (Skylake-X, 2017; Zen 4, 2022): 16 floats a register, tails by
 * masks. */
#include <stdbool.h>

#include "simd/avx512.h"
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

float kin_avx512_dot(const float *a, const float *b, size_t dim)
{
    return dot(a, b, dim);
}

float kin_avx512_l2sq(const float *a, const float *b, size_t dim)
{
    return l2sq(a, b, dim);
}

void kin_avx512_dot_rows(const float *query, const float *rows, size_t stride, size_t count,
                         size_t dim, float *out)
{
    dot_rows(kin_avx512_dot, query, rows, stride, count, dim, out);
}

/* --- tiles --- */

enum { QUERIES = 4, ROWS = 4 }; /* 16 sums: enough to hide the latency of two additions a cycle */

KIN_INLINE __m512 load(const float *p, __mmask16 mask, bool whole)
{
    return whole ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(mask, p);
}

/* One step of a tile: a piece of each of n queries times a piece of each row. */
KIN_INLINE void step(size_t n, const float *queries, size_t query_stride, const float *rows,
                     size_t stride, __mmask16 mask, bool whole, __m512 s[QUERIES][ROWS])
{
    __m512 v[QUERIES];
#pragma GCC unroll 4
    for (size_t q = 0; q < n; q++)
        v[q] = load(queries + q * query_stride, mask, whole);
#pragma GCC unroll 4
    for (size_t r = 0; r < ROWS; r++) {
        __m512 w = load(rows + r * stride, mask, whole);
#pragma GCC unroll 4
        for (size_t q = 0; q < n; q++)
            s[q][r] = _mm512_fmadd_ps(v[q], w, s[q][r]);
    }
}

/* n queries (a constant, at most QUERIES) with ROWS rows: each piece that is loaded is used n or
 * ROWS times. */
KIN_INLINE void tile(size_t n, const float *queries, size_t query_stride, const float *rows,
                     size_t stride, size_t dim, float *out, size_t out_stride)
{
    __m512 s[QUERIES][ROWS];
#pragma GCC unroll 4
    for (size_t q = 0; q < n; q++)
#pragma GCC unroll 4
        for (size_t r = 0; r < ROWS; r++)
            s[q][r] = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + FLOATS <= dim; i += FLOATS)
        step(n, queries + i, query_stride, rows + i, stride, 0, true, s);
    if (i < dim)
        step(n, queries + i, query_stride, rows + i, stride, first_lanes(dim - i), false, s);
    __m512 quarters[QUERIES];
#pragma GCC unroll 4
    for (size_t q = 0; q < QUERIES; q++)
        quarters[q] =
            q < n ? quarter_sums(s[q][0], s[q][1], s[q][2], s[q][3]) : _mm512_setzero_ps();
    __m512 sums = sums_of_sixteen(quarters[0], quarters[1], quarters[2], quarters[3]);
    _mm_storeu_ps(out, _mm512_castps512_ps128(sums));
    if (n > 1)
        _mm_storeu_ps(out + out_stride, _mm512_extractf32x4_ps(sums, 1));
    if (n > 2)
        _mm_storeu_ps(out + 2 * out_stride, _mm512_extractf32x4_ps(sums, 2));
    if (n > 3)
        _mm_storeu_ps(out + 3 * out_stride, _mm512_extractf32x4_ps(sums, 3));
}

KIN_TILE_OF(1)
KIN_TILE_OF(2)
KIN_TILE_OF(3)
KIN_TILE_OF(4)

void kin_avx512_dot_block(const float *queries, size_t query_stride, size_t query_count,
                          const float *rows, size_t stride, size_t count, size_t dim, float *out,
                          size_t out_stride)
{
    static const kin_tiles tiles = {
        .queries = QUERIES,
        .rows = ROWS,
        .of = {NULL, tile_1, tile_2, tile_3, tile_4},
        .dot = kin_avx512_dot,
    };
    kin_tiles_run(&tiles, queries, query_stride, query_count, rows, stride, count, dim, out,
                  out_stride);
}
