/* Codes with Advanced SIMD as every 64-bit ARM has it: products of 16 bits, added in pairs to sums
 * of 32 bits.  (A product is at most 128 * 128, which 16 bits hold; two of them would not.) */
#include <arm_neon.h>

#include "simd/code_rows.h"
#include "simd/kernels_tables.h"

enum { LANES = 16 };

KIN_INLINE int32x4_t add_products(int8x16_t a, int8x16_t b, int32x4_t s)
{
    s = vpadalq_s16(s, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
    return vpadalq_s16(s, vmull_high_s8(a, b));
}

KIN_INLINE int32_t products_one_by_one(const int8_t *a, const int8_t *b, size_t from, size_t dim)
{
    int32_t sum = 0;
    for (size_t i = from; i < dim; i++)
        sum += a[i] * b[i];
    return sum;
}

int32_t kin_neon_dot_code(const int8_t *a, const int8_t *b, size_t dim)
{
    int32x4_t s0 = vdupq_n_s32(0), s1 = s0;
    size_t i = 0;
    for (; i + 2 * LANES <= dim; i += 2 * LANES) {
        s0 = add_products(vld1q_s8(a + i), vld1q_s8(b + i), s0);
        s1 = add_products(vld1q_s8(a + i + LANES), vld1q_s8(b + i + LANES), s1);
    }
    if (i + LANES <= dim) {
        s0 = add_products(vld1q_s8(a + i), vld1q_s8(b + i), s0);
        i += LANES;
    }
    return vaddvq_s32(vaddq_s32(s0, s1)) + products_one_by_one(a, b, i, dim);
}

/* Magnitudes of differences fit 8 bits unsigned, their squares 16.  A lane takes dim / 4 squares of
 * at most 255^2: below 2^30 for the largest dim, and the lanes' sum below 2^32. */
int64_t kin_neon_l2sq_code(const int8_t *a, const int8_t *b, size_t dim)
{
    uint32x4_t s = vdupq_n_u32(0);
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES) {
        uint8x16_t d = vreinterpretq_u8_s8(vabdq_s8(vld1q_s8(a + i), vld1q_s8(b + i)));
        s = vpadalq_u16(s, vmull_u8(vget_low_u8(d), vget_low_u8(d)));
        s = vpadalq_u16(s, vmull_high_u8(d, d));
    }
    int64_t total = (int64_t)vaddvq_u32(s);
    for (; i < dim; i++)
        total += (a[i] - b[i]) * (a[i] - b[i]);
    return total;
}

KIN_INLINE void dot_four(const int8_t *query, const kin_four_rows *rows, size_t dim, int32_t *out)
{
#pragma GCC unroll 4
    for (size_t r = 0; r < KIN_CODE_ROWS; r++) {
        fetch(rows->ahead[r], rows->step);
        out[r] = kin_neon_dot_code(query, rows->row[r], dim);
    }
}

void kin_neon_dot_rows_code(const int8_t *query, const int8_t *rows, size_t stride, size_t count,
                            size_t dim, int32_t *out)
{
    dot_rows_by_four(dot_four, kin_neon_dot_code, 0, query, rows, stride, count, dim, out);
}

void kin_neon_dot_gather_code(const int8_t *query, const int8_t *rows, size_t stride,
                              const uint32_t *at, size_t count, size_t dim, int32_t *out)
{
    dot_gather_by_four(dot_four, kin_neon_dot_code, 0, query, rows, stride, at, count, dim, out);
}
