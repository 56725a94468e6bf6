/* Codes with AVX-512 VNNI (Cascade Lake, 2019; Zen 4, 2022): vpdpbusd sums four products of an
 * unsigned and a signed byte into 32 bits, without saturation.
 *
 * One side is made unsigned by adding 128 to it (flipping its sign bit), which adds 128 * sum(other
 * side) to the product.  It is the row that is made unsigned: what is to be taken off is then the
 * query's, the same for all rows, and every sum begins with it. */
#include "simd/avx512.h"
#include "simd/code_rows.h"
#include "simd/kernels_tables.h"

enum { LANES = 64, BIAS = 128 };

KIN_INLINE __mmask64 first_bytes(size_t n) /* n < 64 */
{
    return ((__mmask64)1 << n) - 1;
}

KIN_INLINE __m512i load(const int8_t *p)
{
    return _mm512_loadu_si512(p);
}

/* The first n < LANES codes, the rest zero; nothing past them is read. */
KIN_INLINE __m512i load_tail(const int8_t *p, size_t n)
{
    return _mm512_maskz_loadu_epi8(first_bytes(n), p);
}

/* s + the sums of query * (row + BIAS). */
KIN_INLINE __m512i add_products(__m512i query, __m512i row, __m512i s)
{
    return _mm512_dpbusd_epi32(s, _mm512_xor_si512(row, _mm512_set1_epi8((char)BIAS)), query);
}

/* s + the sums of query * BIAS. */
KIN_INLINE __m512i add_biases(__m512i query, __m512i s)
{
    return _mm512_dpbusd_epi32(s, _mm512_set1_epi8((char)BIAS), query);
}

/* The sum of all query * BIAS: what each sum of biased products is too large by. */
KIN_INLINE int32_t bias_of(const int8_t *query, size_t dim)
{
    __m512i s = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        s = add_biases(load(query + i), s);
    if (i < dim)
        s = add_biases(load_tail(query + i, dim - i), s);
    return _mm512_reduce_add_epi32(s);
}

/* Biased products of two vectors, in sums for one register. */
KIN_INLINE __m512i biased_products(const int8_t *query, const int8_t *row, size_t dim)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = add_products(load(query + i), load(row + i), s0);
        s1 = add_products(load(query + i + 64), load(row + i + 64), s1);
        s2 = add_products(load(query + i + 128), load(row + i + 128), s2);
        s3 = add_products(load(query + i + 192), load(row + i + 192), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = add_products(load(query + i), load(row + i), s0);
    if (i < dim)
        s1 = add_products(load_tail(query + i, dim - i), load_tail(row + i, dim - i), s1);
    return _mm512_add_epi32(_mm512_add_epi32(s0, s1), _mm512_add_epi32(s2, s3));
}

int32_t kin_avx512vnni_dot_code(const int8_t *a, const int8_t *b, size_t dim)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, t0 = s0, t1 = s0;
    size_t i = 0;
    for (; i + 2 * LANES <= dim; i += 2 * LANES) {
        __m512i v0 = load(a + i), v1 = load(a + i + LANES);
        s0 = add_products(v0, load(b + i), s0);
        t0 = add_biases(v0, t0);
        s1 = add_products(v1, load(b + i + LANES), s1);
        t1 = add_biases(v1, t1);
    }
    if (i + LANES <= dim) {
        __m512i v = load(a + i);
        s0 = add_products(v, load(b + i), s0);
        t0 = add_biases(v, t0);
        i += LANES;
    }
    if (i < dim) {
        __m512i v = load_tail(a + i, dim - i);
        s1 = add_products(v, load_tail(b + i, dim - i), s1);
        t1 = add_biases(v, t1);
    }
    return _mm512_reduce_add_epi32(
        _mm512_sub_epi32(_mm512_add_epi32(s0, s1), _mm512_add_epi32(t0, t1)));
}

/* Squared differences do not split that way; differences of 16 bits are as in avx512_codes.c. */
int64_t kin_avx512vnni_l2sq_code(const int8_t *a, const int8_t *b, size_t dim)
{
    return kin_avx512_l2sq_code(a, b, dim);
}

KIN_INLINE void dot_four(const int8_t *query, const kin_four_rows *rows, size_t dim, int32_t *out)
{
    __m512i s[KIN_CODE_ROWS];
#pragma GCC unroll 4
    for (size_t r = 0; r < KIN_CODE_ROWS; r++) {
        fetch(rows->ahead[r], rows->step);
        s[r] = biased_products(query, rows->row[r], dim);
    }
    __m128i sums = integer_sums_of_four(s[0], s[1], s[2], s[3]);
    _mm_storeu_si128((__m128i *)out, _mm_sub_epi32(sums, _mm_set1_epi32(rows->excess)));
}

void kin_avx512vnni_dot_rows_code(const int8_t *query, const int8_t *rows, size_t stride,
                                  size_t count, size_t dim, int32_t *out)
{
    dot_rows_by_four(dot_four, kin_avx512vnni_dot_code, bias_of(query, dim), query, rows, stride,
                     count, dim, out);
}

void kin_avx512vnni_dot_gather_code(const int8_t *query, const int8_t *rows, size_t stride,
                                    const uint32_t *at, size_t count, size_t dim, int32_t *out)
{
    dot_gather_by_four(dot_four, kin_avx512vnni_dot_code, bias_of(query, dim), query, rows, stride,
                       at, count, dim, out);
}
