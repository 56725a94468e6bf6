/* Halves with AVX2, FMA and F16C: widened to floats as they are loaded, 8 a register. */
#include "simd/avx2.h"
#include "simd/fetch.h"
#include "simd/kernels_tables.h"

enum { LANES = 8 };

KIN_INLINE __m256 load(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

/* The first n < LANES halves, the rest zero; nothing past them is read. */
KIN_INLINE __m256 load_tail(const uint16_t *p, size_t n)
{
    uint16_t padded[LANES] = {0};
    for (size_t i = 0; i < n; i++)
        padded[i] = p[i];
    return load(padded);
}

/* The products of two vectors, in sums for one register. */
KIN_INLINE __m256 products(const float *query, const uint16_t *row, size_t dim)
{
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), load(row + i), s0);
        s1 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 8), load(row + i + 8), s1);
        s2 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 16), load(row + i + 16), s2);
        s3 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 24), load(row + i + 24), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), load(row + i), s0);
    if (i < dim)
        s1 = _mm256_fmadd_ps(_mm256_maskload_ps(query + i, first_lanes(dim - i)),
                             load_tail(row + i, dim - i), s1);
    return _mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3));
}

float kin_avx2_dot_half(const float *query, const uint16_t *row, size_t dim)
{
    return sum_of_floats(products(query, row, dim));
}

KIN_INLINE __m256 add_square(__m256 a, __m256 b, __m256 s)
{
    __m256 d = _mm256_sub_ps(a, b);
    return _mm256_fmadd_ps(d, d, s);
}

float kin_avx2_l2sq_half(const float *query, const uint16_t *row, size_t dim)
{
    __m256 s0 = _mm256_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = add_square(_mm256_loadu_ps(query + i), load(row + i), s0);
        s1 = add_square(_mm256_loadu_ps(query + i + 8), load(row + i + 8), s1);
        s2 = add_square(_mm256_loadu_ps(query + i + 16), load(row + i + 16), s2);
        s3 = add_square(_mm256_loadu_ps(query + i + 24), load(row + i + 24), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = add_square(_mm256_loadu_ps(query + i), load(row + i), s0);
    if (i < dim)
        s1 = add_square(_mm256_maskload_ps(query + i, first_lanes(dim - i)),
                        load_tail(row + i, dim - i), s1);
    return sum_of_floats(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)));
}

/* Row by row, their sums folded together for four at a time: fetch.h says why. */
void kin_avx2_dot_rows_half(const float *query, const uint16_t *rows, size_t stride, size_t count,
                            size_t dim, float *out)
{
    enum { ROWS = 4 };
    const size_t step = stream_step(stride * sizeof *rows, dim * sizeof *rows);
    size_t r = 0;
    for (; r + ROWS <= count; r += ROWS) {
        __m256 s[ROWS];
        for (size_t j = 0; j < ROWS; j++) {
            const uint16_t *row = rows + (r + j) * stride;
            fetch((const char *)row + KIN_STREAM_AHEAD, step);
            s[j] = products(query, row, dim);
        }
        _mm_storeu_ps(out + r, sums_of_four(s[0], s[1], s[2], s[3]));
    }
    for (; r < count; r++)
        out[r] = kin_avx2_dot_half(query, rows + r * stride, dim);
}

void kin_avx2_to_half(const float *from, uint16_t *to, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        _mm_storeu_si128((__m128i *)(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < count; i++)
        to[i] = _cvtss_sh(from[i], _MM_FROUND_TO_NEAREST_INT);
}

void kin_avx2_from_half(const uint16_t *from, float *to, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        _mm256_storeu_ps(to + i, load(from + i));
    for (; i < count; i++)
        to[i] = _cvtsh_ss(from[i]);
}
