/* AVX2 with FMA (Haswell, 2013; Zen, 2017): 8 floats a register. */
#include <immintrin.h>

#include "simd/kernels_tables.h"

enum { LANES = 8 };

/* Loads the first n < LANES floats, the rest zero; a masked lane is not touched in memory. */
static inline __m256 load_tail(const float *p, size_t n)
{
    static const int ones_then_zeros[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
    __m256i mask = _mm256_loadu_si256((const __m256i *)(ones_then_zeros + LANES - n));
    return _mm256_maskload_ps(p, mask);
}

static inline float sum(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

static float dot(const float *a, const float *b, size_t dim)
{
    /* Four sums hide the latency of a fused multiply-add (4 cycles, 2 a cycle). */
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
        s1 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
        s2 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 16), _mm256_loadu_ps(b + i + 16), s2);
        s3 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 24), _mm256_loadu_ps(b + i + 24), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
    if (i < dim)
        s1 = _mm256_fmadd_ps(load_tail(a + i, dim - i), load_tail(b + i, dim - i), s1);
    return sum(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));
}

static inline __m256 add_square(__m256 a, __m256 b, __m256 s)
{
    __m256 d = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(d, d, s);
}

static float l2sq(const float *a, const float *b, size_t dim)
{
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = add_square(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
        s1 = add_square(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), s1);
        s2 = add_square(_mm256_loadu_ps(a + i + 16), _mm256_loadu_ps(b + i + 16), s2);
        s3 = add_square(_mm256_loadu_ps(a + i + 24), _mm256_loadu_ps(b + i + 24), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = add_square(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), s0);
    if (i < dim)
        s1 = add_square(load_tail(a + i, dim - i), load_tail(b + i, dim - i), s1);
    return sum(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));
}

/* Four rows at once: each piece of the query is loaded once for all of them, and four streams from
 * memory are under way instead of one. */
static void dot_four_rows(const float *q, const float *rows, size_t stride, size_t dim, float *out)
{
    const float *r0 = rows, *r1 = r0 + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES) {
        __m256 v = _mm256_loadu_ps(q + i);
        s0 = _mm256_fmadd_ps(v, _mm256_loadu_ps(r0 + i), s0);
        s1 = _mm256_fmadd_ps(v, _mm256_loadu_ps(r1 + i), s1);
        s2 = _mm256_fmadd_ps(v, _mm256_loadu_ps(r2 + i), s2);
        s3 = _mm256_fmadd_ps(v, _mm256_loadu_ps(r3 + i), s3);
    }
    if (i < dim) {
        size_t n = dim - i;
        __m256 v = load_tail(q + i, n);
        s0 = _mm256_fmadd_ps(v, load_tail(r0 + i, n), s0);
        s1 = _mm256_fmadd_ps(v, load_tail(r1 + i, n), s1);
        s2 = _mm256_fmadd_ps(v, load_tail(r2 + i, n), s2);
        s3 = _mm256_fmadd_ps(v, load_tail(r3 + i, n), s3);
    }
    out[0] = sum(s0);
    out[1] = sum(s1);
    out[2] = sum(s2);
    out[3] = sum(s3);
}

static void dot_rows(const float *query, const float *rows, size_t stride, size_t count, size_t dim,
                     float *out)
{
    size_t r = 0;
    for (; r + 4 <= count; r += 4)
        dot_four_rows(query, rows + r * stride, stride, dim, out + r);
    for (; r < count; r++)
        out[r] = dot(query, rows + r * stride, dim);
}

const kin_kernels kin_kernels_avx2 = {"avx2", dot, l2sq, dot_rows};
