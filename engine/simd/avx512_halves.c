/* Halves with AVX-512 (F, BW, VL): widened to floats as they are loaded, 16 a register. */
#include "simd/avx512.h"
#include "simd/kernels_tables.h"

typedef uint16_t row_number;

KIN_INLINE floats load_row(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* The first n < FLOATS halves, the rest zero; nothing past them is read. */
KIN_INLINE floats load_first_of_row(const uint16_t *p, size_t n)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n), p));
}

#include "simd/x86_rows.h"

float kin_avx512_dot_half(const float *query, const uint16_t *row, size_t dim)
{
    return dot(query, row, dim);
}

float kin_avx512_l2sq_half(const float *query, const uint16_t *row, size_t dim)
{
    return l2sq(query, row, dim);
}

void kin_avx512_dot_rows_half(const float *query, const uint16_t *rows, size_t stride, size_t count,
                              size_t dim, float *out)
{
    dot_rows(kin_avx512_dot_half, query, rows, stride, count, dim, out);
}

void kin_avx512_to_half(const float *from, uint16_t *to, size_t count)
{
    size_t i = 0;
    for (; i + FLOATS <= count; i += FLOATS)
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
    for (; i + FLOATS <= count; i += FLOATS)
        _mm512_storeu_ps(to + i, load_row(from + i));
    if (i < count)
        _mm512_mask_storeu_ps(to + i, first_lanes(count - i),
                              load_first_of_row(from + i, count - i));
}
