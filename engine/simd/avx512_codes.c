/* Codes with AVX-512 (F, BW, VL): widened to 16 bits, as in avx2_codes.c. */
#include "simd/avx512.h"
#include "simd/code_rows.h"
#include "simd/kernels_tables.h"

enum { LANES = 32 };

KIN_INLINE __m512i load(const int8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p));
}

/* The first n < LANES codes, the rest zero; nothing past them is read. */
KIN_INLINE __m512i load_tail(const int8_t *p, size_t n)
{
    return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi8((__mmask32)((1u << n) - 1u), p));
}

KIN_INLINE __m512i add_products(__m512i a, __m512i b, __m512i s)
{
    return _mm512_add_epi32(s, _mm512_madd_epi16(a, b));
}

/* The products of two vectors, in sums for one register. */
KIN_INLINE __m512i products(const int8_t *a, const int8_t *b, size_t dim)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0;
    size_t i = 0;
    for (; i + 2 * LANES <= dim; i += 2 * LANES) {
        s0 = add_products(load(a + i), load(b + i), s0);
        s1 = add_products(load(a + i + LANES), load(b + i + LANES), s1);
    }
    if (i + LANES <= dim) {
        s0 = add_products(load(a + i), load(b + i), s0);
        i += LANES;
    }
    if (i < dim)
        s1 = add_products(load_tail(a + i, dim - i), load_tail(b + i, dim - i), s1);
    return _mm512_add_epi32(s0, s1);
}

int32_t kin_avx512_dot_code(const int8_t *a, const int8_t *b, size_t dim)
{
    return _mm512_reduce_add_epi32(products(a, b, dim));
}

/* A lane's sum stays below 2^30, the lanes' below 2^32: avx2_codes.c. */
int64_t kin_avx512_l2sq_code(const int8_t *a, const int8_t *b, size_t dim)
{
    __m512i s = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES) {
        __m512i d = _mm512_sub_epi16(load(a + i), load(b + i));
        s = add_products(d, d, s);
    }
    if (i < dim) {
        __m512i d = _mm512_sub_epi16(load_tail(a + i, dim - i), load_tail(b + i, dim - i));
        s = add_products(d, d, s);
    }
    __m256i folded = _mm256_add_epi32(_mm512_castsi512_si256(s), _mm512_extracti32x8_epi32(s, 1));
    return _mm512_reduce_add_epi64(_mm512_cvtepu32_epi64(folded));
}

KIN_INLINE void dot_four(const int8_t *query, const kin_four_rows *rows, size_t dim, int32_t *out)
{
    __m512i s[KIN_CODE_ROWS];
#pragma GCC unroll 4
    for (size_t r = 0; r < KIN_CODE_ROWS; r++) {
        fetch(rows->ahead[r], rows->step);
        s[r] = products(query, rows->row[r], dim);
    }
    _mm_storeu_si128((__m128i *)out, integer_sums_of_four(s[0], s[1], s[2], s[3]));
}

void kin_avx512_dot_rows_code(const int8_t *query, const int8_t *rows, size_t stride, size_t count,
                              size_t dim, int32_t *out)
{
    dot_rows_by_four(dot_four, kin_avx512_dot_code, 0, query, rows, stride, count, dim, out);
}

void kin_avx512_dot_gather_code(const int8_t *query, const int8_t *rows, size_t stride,
                                const uint32_t *at, size_t count, size_t dim, int32_t *out)
{
    dot_gather_by_four(dot_four, kin_avx512_dot_code, 0, query, rows, stride, at, count, dim, out);
}
