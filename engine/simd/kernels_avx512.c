/* AVX-512 Foundation (Skylake-X, 2017; Zen 4, 2022): 16 floats a register, tails by masks. */
#include <immintrin.h>

#include "simd/kernels_tables.h"

enum { LANES = 16 };

/* The lowest n < LANES lanes. */
static inline __mmask16 tail_mask(size_t n)
{
    return (__mmask16)((1u << n) - 1u);
}

static inline float sum_four(__m512 s0, __m512 s1, __m512 s2, __m512 s3)
{
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

static float dot(const float *a, const float *b, size_t dim)
{
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
    if (i < dim) {
        __mmask16 m = tail_mask(dim - i);
        s1 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m, a + i), _mm512_maskz_loadu_ps(m, b + i), s1);
    }
    return sum_four(s0, s1, s2, s3);
}

static inline __m512 add_square(__m512 a, __m512 b, __m512 s)
{
    __m512 d = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(d, d, s);
}

static float l2sq(const float *a, const float *b, size_t dim)
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
    if (i < dim) {
        __mmask16 m = tail_mask(dim - i);
        s1 = add_square(_mm512_maskz_loadu_ps(m, a + i), _mm512_maskz_loadu_ps(m, b + i), s1);
    }
    return sum_four(s0, s1, s2, s3);
}

/* Four rows at once, as in kernels_avx2.c. */
static void dot_four_rows(const float *q, const float *rows, size_t stride, size_t dim, float *out)
{
    const float *r0 = rows, *r1 = r0 + stride, *r2 = r1 + stride, *r3 = r2 + stride;
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    for (size_t i = 0; i < dim; i += LANES) {
        __mmask16 m = dim - i >= LANES ? (__mmask16)0xffff : tail_mask(dim - i);
        __m512 v = _mm512_maskz_loadu_ps(m, q + i);
        s0 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(m, r0 + i), s0);
        s1 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(m, r1 + i), s1);
        s2 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(m, r2 + i), s2);
        s3 = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(m, r3 + i), s3);
    }
    out[0] = _mm512_reduce_add_ps(s0);
    out[1] = _mm512_reduce_add_ps(s1);
    out[2] = _mm512_reduce_add_ps(s2);
    out[3] = _mm512_reduce_add_ps(s3);
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

const kin_kernels kin_kernels_avx512 = {"avx512", dot, l2sq, dot_rows};
