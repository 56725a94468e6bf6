/* Halves with AVX-512 (F, BW, VL): widened to floats as they are loaded, 16 a register. */
#include "simd/avx512.h"
#include "simd/fetch.h"
#include "simd/kernels_tables.h"

enum { LANES = 16 };

KIN_INLINE __m512 load(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* The first n < LANES halves, the rest zero; nothing past them is read. */
KIN_INLINE __m512 load_tail(const uint16_t *p, size_t n)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}

/* The products of two vectors, in sums for one register. */
KIN_INLINE __m512 products(const float *query, const uint16_t *row, size_t dim)
{
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i), load(row + i), s0);
        s1 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 16), load(row + i + 16), s1);
        s2 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 32), load(row + i + 32), s2);
        s3 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 48), load(row + i + 48), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i), load(row + i), s0);
    if (i < dim)
        s1 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(first_lanes(dim - i), query + i),
                             load_tail(row + i, dim - i), s1);
    return _mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3));
}

float kin_avx512_dot_half(const float *query, const uint16_t *row, size_t dim)
{
    return _mm512_reduce_add_ps(products(query, row, dim));
}

KIN_INLINE __m512 add_square(__m512 a, __m512 b, __m512 s)
{
    __m512 d = _mm512_sub_ps(a, b);
    return _mm512_fmadd_ps(d, d, s);
}

float kin_avx512_l2sq_half(const float *query, const uint16_t *row, size_t dim)
{
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = add_square(_mm512_loadu_ps(query + i), load(row + i), s0);
        s1 = add_square(_mm512_loadu_ps(query + i + 16), load(row + i + 16), s1);
        s2 = add_square(_mm512_loadu_ps(query + i + 32), load(row + i + 32), s2);
        s3 = add_square(_mm512_loadu_ps(query + i + 48), load(row + i + 48), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = add_square(_mm512_loadu_ps(query + i), load(row + i), s0);
    if (i < dim)
        s1 = add_square(_mm512_maskz_loadu_ps(first_lanes(dim - i), query + i),
                        load_tail(row + i, dim - i), s1);
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

/* Row by row, their sums folded together for four at a time: fetch.h says why. */
void kin_avx512_dot_rows_half(const float *query, const uint16_t *rows, size_t stride, size_t count,
                              size_t dim, float *out)
{
    enum { ROWS = 4 };
    const size_t step = stream_step(stride * sizeof *rows, dim * sizeof *rows);
    size_t r = 0;
    for (; r + ROWS <= count; r += ROWS) {
        __m512 s[ROWS];
        for (size_t j = 0; j < ROWS; j++) {
            const uint16_t *row = rows + (r + j) * stride;
            fetch((const char *)row + KIN_STREAM_AHEAD, step);
            s[j] = products(query, row, dim);
        }
        _mm_storeu_ps(out + r, sums_of_four(s[0], s[1], s[2], s[3]));
    }
    for (; r < count; r++)
        out[r] = kin_avx512_dot_half(query, rows + r * stride, dim);
}

void kin_avx512_to_half(const float *from, uint16_t *to, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        _mm256_storeu_si256((__m256i *)(to + i),
                            _mm512_cvtps_ph(_mm512_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
    if (i < count) {
        __mmask16 mask = first_lanes(count - i);
        __m512 wide = _mm512_maskz_loadu_ps(mask, from + i);
        _mm256_mask_storeu_epi16(to + i, mask, _mm512_cvtps_ph(wide, _MM_FROUND_TO_NEAREST_INT));
    }
}

void kin_avx512_from_half(const uint16_t *from, float *to, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        _mm512_storeu_ps(to + i, load(from + i));
    if (i < count)
        _mm512_mask_storeu_ps(to + i, first_lanes(count - i), load_tail(from + i, count - i));
}
