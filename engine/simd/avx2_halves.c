/* Halves with AVX2, FMA and F16C: widened to floats as they are loaded, 8 a register. */
#include "simd/avx2.h"
#include "simd/kernels_tables.h"

typedef uint16_t row_number;

KIN_INLINE floats load_row(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

/* The first n < FLOATS halves, the rest zero; nothing past them is read. */
KIN_INLINE floats load_first_of_row(const uint16_t *p, size_t n)
{
    uint16_t padded[FLOATS] = {0};
    for (size_t i = 0; i < n; i++)
        padded[i] = p[i];
    return load_row(padded);
}

#include "simd/x86_rows.h"

float kin_avx2_dot_half(const float *query, const uint16_t *row, size_t dim)
{
    return dot(query, row, dim);
}

float kin_avx2_l2sq_half(const float *query, const uint16_t *row, size_t dim)
{
    return l2sq(query, row, dim);
}

void kin_avx2_dot_rows_half(const float *query, const uint16_t *rows, size_t stride, size_t count,
                            size_t dim, float *out)
{
    dot_rows(kin_avx2_dot_half, query, rows, stride, count, dim, out);
}

void kin_avx2_to_half(const float *from, uint16_t *to, size_t count)
{
    size_t i = 0;
    for (; i + FLOATS <= count; i += FLOATS)
        _mm_storeu_si128((__m128i *)(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
    for (; i < count; i++)
        to[i] = _cvtss_sh(from[i], _MM_FROUND_TO_NEAREST_INT);
}

void kin_avx2_from_half(const uint16_t *from, float *to, size_t count)
{
    size_t i = 0;
    for (; i + FLOATS <= count; i += FLOATS)
        _mm256_storeu_ps(to + i, load_row(from + i));
    for (; i < count; i++)
        to[i] = _cvtsh_ss(from[i]);
}
