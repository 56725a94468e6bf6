/* Floats with Advanced SIMD of 64-bit ARM: 4 floats a register, part of the architecture. */
#include <arm_neon.h>

#include "simd/fetch.h"
#include "simd/inline.h"
#include "simd/kernels_tables.h"
#include "simd/tiles.h"

enum { LANES = 4 };

float kin_neon_dot(const float *a, const float *b, size_t dim)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
        s1 = vfmaq_f32(s1, vld1q_f32(a + i + 4), vld1q_f32(b + i + 4));
        s2 = vfmaq_f32(s2, vld1q_f32(a + i + 8), vld1q_f32(b + i + 8));
        s3 = vfmaq_f32(s3, vld1q_f32(a + i + 12), vld1q_f32(b + i + 12));
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
    float total = vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
    for (; i < dim; i++)
        total += a[i] * b[i];
    return total;
}

KIN_INLINE float32x4_t add_square(float32x4_t a, float32x4_t b, float32x4_t s)
{
    float32x4_t d = vsubq_f32(a, b);
    return vfmaq_f32(s, d, d);
}

float kin_neon_l2sq(const float *a, const float *b, size_t dim)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = add_square(vld1q_f32(a + i), vld1q_f32(b + i), s0);
        s1 = add_square(vld1q_f32(a + i + 4), vld1q_f32(b + i + 4), s1);
        s2 = add_square(vld1q_f32(a + i + 8), vld1q_f32(b + i + 8), s2);
        s3 = add_square(vld1q_f32(a + i + 12), vld1q_f32(b + i + 12), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = add_square(vld1q_f32(a + i), vld1q_f32(b + i), s0);
    float total = vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
    for (; i < dim; i++)
        total += (a[i] - b[i]) * (a[i] - b[i]);
    return total;
}

/* Row by row: fetch.h says why. */
void kin_neon_dot_rows(const float *query, const float *rows, size_t stride, size_t count,
                       size_t dim, float *out)
{
    const size_t step = stream_step(stride * sizeof *rows, dim * sizeof *rows);
    for (size_t r = 0; r < count; r++) {
        const float *row = rows + r * stride;
        fetch((const char *)row + KIN_STREAM_AHEAD, step);
        out[r] = kin_neon_dot(query, row, dim);
    }
}

/* Each query has two sums a row, even steps and odd, for one chain would be dim / 4 long. */
enum { QUERIES = 3, ROWS = 4, SUMS = 2 }; /* 24 of 32 registers for sums, 4 for pieces */

/* n queries (a constant, at most QUERIES) with ROWS rows: each piece that is loaded is used n or
 * ROWS times. */
KIN_INLINE void tile(size_t n, const float *queries, size_t query_stride, const float *rows,
                     size_t stride, size_t dim, float *out, size_t out_stride)
{
    float32x4_t s[SUMS][QUERIES][ROWS];
    for (size_t q = 0; q < n; q++)
        for (size_t r = 0; r < ROWS; r++)
            s[0][q][r] = s[1][q][r] = vdupq_n_f32(0);
    size_t i = 0;
    for (; i + SUMS * LANES <= dim; i += SUMS * LANES)
#pragma GCC unroll 2
        for (size_t h = 0; h < SUMS; h++) {
            float32x4_t v[QUERIES];
#pragma GCC unroll 3
            for (size_t q = 0; q < n; q++)
                v[q] = vld1q_f32(queries + q * query_stride + i + h * LANES);
#pragma GCC unroll 4
            for (size_t r = 0; r < ROWS; r++) {
                float32x4_t w = vld1q_f32(rows + r * stride + i + h * LANES);
#pragma GCC unroll 3
                for (size_t q = 0; q < n; q++)
                    s[h][q][r] = vfmaq_f32(s[h][q][r], v[q], w);
            }
        }
    for (size_t q = 0; q < n; q++)
        for (size_t r = 0; r < ROWS; r++) {
            float total = vaddvq_f32(vaddq_f32(s[0][q][r], s[1][q][r]));
            for (size_t j = i; j < dim; j++)
                total += queries[q * query_stride + j] * rows[r * stride + j];
            out[q * out_stride + r] = total;
        }
}

KIN_TILE_OF(1)
KIN_TILE_OF(2)
KIN_TILE_OF(3)

void kin_neon_dot_block(const float *queries, size_t query_stride, size_t query_count,
                        const float *rows, size_t stride, size_t count, size_t dim, float *out,
                        size_t out_stride)
{
    static const kin_tiles tiles = {
        .queries = QUERIES,
        .rows = ROWS,
        .of = {NULL, tile_1, tile_2, tile_3},
        .dot = kin_neon_dot,
    };
    kin_tiles_run(&tiles, queries, query_stride, query_count, rows, stride, count, dim, out,
                  out_stride);
}
