/* avx512.h - what the avx512*_*.c files share.  All of it has internal linkage, and is compiled
 * only with their flags (kernels_tables.h says why). */
#ifndef KIN_SIMD_AVX512_H
#define KIN_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "simd/inline.h"

/* The lowest n < 16 lanes of 32 bits (or of 16 bits in half a register). */
KIN_INLINE __mmask16 first_lanes(size_t n)
{
    return (__mmask16)((1u << n) - 1u);
}

/* --- floats --- */

typedef __m512 floats;
enum { FLOATS = 16 }; /* in a register */

KIN_INLINE floats no_floats(void)
{
    return _mm512_setzero_ps();
}

KIN_INLINE floats load_floats(const float *p)
{
    return _mm512_loadu_ps(p);
}

/* The first n < FLOATS, the rest zero; a masked lane is not touched in memory. */
KIN_INLINE floats load_first_floats(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(first_lanes(n), p);
}

KIN_INLINE floats multiply_add(floats a, floats b, floats c)
{
    return _mm512_fmadd_ps(a, b, c);
}

KIN_INLINE floats add(floats a, floats b)
{
    return _mm512_add_ps(a, b);
}

KIN_INLINE floats subtract(floats a, floats b)
{
    return _mm512_sub_ps(a, b);
}

KIN_INLINE float sum_of_floats(floats v)
{
    return _mm512_reduce_add_ps(v);
}

/* The sums within each quarter of four registers, in their order: quarters[j] = sums of quarter j
 * of a, b, c, d. */
KIN_INLINE __m512 quarter_sums(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
}

/* The sum of each of four registers, in their order. */
KIN_INLINE __m128 sums_of_four(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 quarters = quarter_sums(a, b, c, d);
    __m256 folded =
        _mm256_add_ps(_mm512_castps512_ps256(quarters), _mm512_extractf32x8_ps(quarters, 1));
    return _mm_add_ps(_mm256_castps256_ps128(folded), _mm256_extractf128_ps(folded, 1));
}

/* The sums of sixteen registers, given as the quarters' sums of each four. */
KIN_INLINE __m512 sums_of_sixteen(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

/* --- integers --- */

/* The sum of each of four registers, in their order. */
KIN_INLINE __m128i integer_sums_of_four(__m512i a, __m512i b, __m512i c, __m512i d)
{
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    __m512i quarters =
        _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    __m256i folded =
        _mm256_add_epi32(_mm512_castsi512_si256(quarters), _mm512_extracti32x8_epi32(quarters, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(folded), _mm256_extracti128_si256(folded, 1));
}

#endif
