/* Floats with AVX-512 Foundation (Skylake-X, 2017; Zen 4, 2022): 16 floats a register, tails by
 * masks. */
#include <stdbool.h>

#include "simd/avx512.h"
#include "simd/fetch.h"
#include "simd/kernels_tables.h"
#include "simd/tiles.h"

enum { LANES = 16 };

/* Loads the first n < LANES floats, the rest zero; a masked lane is not touched in memory. */
KIN_INLINE __m512 load_tail(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(first_lanes(n), p);
}

/* The products of two vectors, in sums for one register. */
KIN_INLINE __m512 products(const float *a, const float *b, size_t dim)
{
    /* Four sums hide the latency of a fused multiply-add (4 cycles, 2 a cycle). */
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
        s1 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), s1);
        s2 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32), s2);
        s3 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
    if (i < dim)
        s1 = _mm512_fmadd_ps(load_tail(a + i, dim - i), load_tail(b + i, dim - i), s1);
    return _mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3));
}

float kin_avx512_dot(const float *a, const float *b, size_t dim)
{
    return _mm512_reduce_add_ps(products(a, b, dim));
}

KIN_INLINE __m512 add_square(__m512 a, __m512 b, __m512 s)
{
    __m512 d = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(d, d, s);
}

float kin_avx512_l2sq(const float *a, const float *b, size_t dim)
{
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = add_square(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
        s1 = add_square(_mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16), s1);
        s2 = add_square(_mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32), s2);
        s3 = add_square(_mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = add_square(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), s0);
    if (i < dim)
        s1 = add_square(load_tail(a + i, dim - i), load_tail(b + i, dim - i), s1);
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

/* Row by row, their sums folded together for four at a time: fetch.h says why. */
void kin_avx512_dot_rows(const float *query, const float *rows, size_t stride, size_t count,
                         size_t dim, float *out)
{
    enum { ROWS = 4 };
    const size_t step = stream_step(stride * sizeof *rows, dim * sizeof *rows);
    size_t r = 0;
    for (; r + ROWS <= count; r += ROWS) {
        __m512 s[ROWS];
        for (size_t j = 0; j < ROWS; j++) {
            const float *row = rows + (r + j) * stride;
            fetch((const char *)row + KIN_STREAM_AHEAD, step);
            s[j] = products(query, row, dim);
        }
        _mm_storeu_ps(out + r, sums_of_four(s[0], s[1], s[2], s[3]));
    }
    for (; r < count; r++)
        out[r] = kin_avx512_dot(query, rows + r * stride, dim);
}

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
    for (; i + LANES <= dim; i += LANES)
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

static void tile_1(const float *queries, size_t query_stride, const float *rows, size_t stride,
                   size_t dim, float *out, size_t out_stride)
{
    tile(1, queries, query_stride, rows, stride, dim, out, out_stride);
}

static void tile_2(const float *queries, size_t query_stride, const float *rows, size_t stride,
                   size_t dim, float *out, size_t out_stride)
{
    tile(2, queries, query_stride, rows, stride, dim, out, out_stride);
}

static void tile_3(const float *queries, size_t query_stride, const float *rows, size_t stride,
                   size_t dim, float *out, size_t out_stride)
{
    tile(3, queries, query_stride, rows, stride, dim, out, out_stride);
}

static void tile_4(const float *queries, size_t query_stride, const float *rows, size_t stride,
                   size_t dim, float *out, size_t out_stride)
{
    tile(4, queries, query_stride, rows, stride, dim, out, out_stride);
}

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
