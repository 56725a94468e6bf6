/* avx2.h - what the avx2_*.c files share.  All of it has internal linkage, and is compiled only
 * with their flags (kernels_tables.h says why). */
#ifndef KIN_SIMD_AVX2_H
#define KIN_SIMD_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "simd/inline.h"

/* All ones in the first n of 8 lanes of 32 bits, zero in the rest; n from 0 to 8. */
KIN_INLINE __m256i first_lanes(size_t n)
{
    static const int ones_then_zeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones_then_zeros + 8 - n));
}

/* All ones in the last n of 16 bytes, zero in the rest; n from 0 to 16. */
KIN_INLINE __m128i last_bytes(size_t n)
{
    static const int8_t zeros_then_ones[32] = {0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
                                               0,  0,  0,  0,  0,  -1, -1, -1, -1, -1, -1,
                                               -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    return _mm_loadu_si128((const __m128i *)(zeros_then_ones + n));
}

/* --- floats --- */

typedef __m256 floats;
enum { FLOATS = 8 }; /* in a register */

KIN_INLINE floats no_floats(void)
{
    return _mm256_setzero_ps();
}

KIN_INLINE floats load_floats(const float *p)
{
    return _mm256_loadu_ps(p);
}

/* The first n < FLOATS, the rest zero; a masked lane is not touched in memory. */
KIN_INLINE floats load_first_floats(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, first_lanes(n));
}

KIN_INLINE floats multiply_add(floats a, floats b, floats c)
{
    return _mm256_fmadd_ps(a, b, c);
}

KIN_INLINE floats add(floats a, floats b)
{
    return _mm256_add_ps(a, b);
}

KIN_INLINE floats subtract(floats a, floats b)
{
    return _mm256_sub_ps(a, b);
}

/* The sum of each of four registers, in their order. */
KIN_INLINE __m128 sums_of_four(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256 abcd = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

KIN_INLINE float sum_of_floats(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

#endif
