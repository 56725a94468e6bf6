/* Codes with AVX2: widened to 16 bits, where products of pairs are summed to 32 bits without
 * saturation.  (vpmaddubsw would do without widening, but saturates, and cannot take -128.) */
#include "simd/avx2.h"
#include "simd/code_rows.h"
#include "simd/kernels_tables.h"

enum { LANES = 16 };

KIN_INLINE __m256i load(const int8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
}

/* The last n < LANES of the dim codes at p, and zeros: where there are enough codes in front, they
 * are loaded along and cleared, so that nothing outside is read. */
KIN_INLINE __m256i load_tail(const int8_t *p, size_t dim, size_t n)
{
    if (dim >= LANES) {
        __m128i v = _mm_loadu_si128((const __m128i *)(p + dim - LANES));
        return _mm256_cvtepi8_epi16(_mm_and_si128(v, last_bytes(n)));
    }
    int8_t padded[LANES] = {0};
    for (size_t i = 0; i < n; i++)
        padded[LANES - n + i] = p[dim - n + i];
    return load(padded);
}

KIN_INLINE __m256i add_products(__m256i a, __m256i b, __m256i s)
{
    return _mm256_add_epi32(s, _mm256_madd_epi16(a, b));
}

KIN_INLINE int32_t sum_of_integers(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

/* The products of two vectors, in sums for one register. */
KIN_INLINE __m256i products(const int8_t *a, const int8_t *b, size_t dim)
{
    __m256i s0 = _mm256_setzero_si256(), s1 = s0;
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
        s1 = add_products(load_tail(a, dim, dim - i), load_tail(b, dim, dim - i), s1);
    return _mm256_add_epi32(s0, s1);
}

int32_t kin_avx2_dot_code(const int8_t *a, const int8_t *b, size_t dim)
{
    return sum_of_integers(products(a, b, dim));
}

/* A lane takes dim / LANES sums of two squares of at most 255^2, which for the largest dim stays
 * below 2^30; only the lanes' sum needs more than 32 bits signed. */
int64_t kin_avx2_l2sq_code(const int8_t *a, const int8_t *b, size_t dim)
{
    __m256i s = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES) {
        __m256i d = _mm256_sub_epi16(load(a + i), load(b + i));
        s = add_products(d, d, s);
    }
    if (i < dim) {
        __m256i d = _mm256_sub_epi16(load_tail(a, dim, dim - i), load_tail(b, dim, dim - i));
        s = add_products(d, d, s);
    }
    return (int64_t)(uint32_t)sum_of_integers(s); /* at most 65536 * 255^2, below 2^32 */
}

KIN_INLINE __m128i integer_sums_of_four(__m256i a, __m256i b, __m256i c, __m256i d)
{
    __m256i halves = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

KIN_INLINE void dot_four(const int8_t *query, const kin_four_rows *rows, size_t dim, int32_t *out)
{
    __m256i s[KIN_CODE_ROWS];
#pragma GCC unroll 4
    for (size_t r = 0; r < KIN_CODE_ROWS; r++) {
        fetch(rows->ahead[r], rows->step);
        s[r] = products(query, rows->row[r], dim);
    }
    _mm_storeu_si128((__m128i *)out, integer_sums_of_four(s[0], s[1], s[2], s[3]));
}

void kin_avx2_dot_rows_code(const int8_t *query, const int8_t *rows, size_t stride, size_t count,
                            size_t dim, int32_t *out)
{
    dot_rows_by_four(dot_four, kin_avx2_dot_code, 0, query, rows, stride, count, dim, out);
}

void kin_avx2_dot_gather_code(const int8_t *query, const int8_t *rows, size_t stride,
                              const uint32_t *at, size_t count, size_t dim, int32_t *out)
{
    dot_gather_by_four(dot_four, kin_avx2_dot_code, 0, query, rows, stride, at, count, dim, out);
}
