/* Halves with Advanced SIMD: converting them is part of the architecture, calculating with them is
 * not; so they are widened as they are loaded, 4 at a time. */
#include <arm_neon.h>

#include "simd/fetch.h"
#include "simd/inline.h"
#include "simd/kernels_tables.h"

enum { LANES = 4, SUMS = 4 };

KIN_INLINE float32x4_t load(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

/* One half or float at a time, for what is left over. */
KIN_INLINE float widen(uint16_t half)
{
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

KIN_INLINE uint16_t narrow(float f)
{
    return vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(f))), 0);
}

KIN_INLINE float sum_of_four(const float32x4_t s[SUMS])
{
    return vaddvq_f32(vaddq_f32(vaddq_f32(s[0], s[1]), vaddq_f32(s[2], s[3])));
}

float kin_neon_dot_half(const float *query, const uint16_t *row, size_t dim)
{
    float32x4_t s[SUMS] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    size_t i = 0;
    for (; i + SUMS * LANES <= dim; i += SUMS * LANES)
#pragma GCC unroll 4
        for (size_t j = 0; j < SUMS; j++)
            s[j] = vfmaq_f32(s[j], vld1q_f32(query + i + j * LANES), load(row + i + j * LANES));
    float total = sum_of_four(s);
    for (; i < dim; i++)
        total += query[i] * widen(row[i]);
    return total;
}

float kin_neon_l2sq_half(const float *query, const uint16_t *row, size_t dim)
{
    float32x4_t s[SUMS] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    size_t i = 0;
    for (; i + SUMS * LANES <= dim; i += SUMS * LANES)
#pragma GCC unroll 4
        for (size_t j = 0; j < SUMS; j++) {
            float32x4_t d = vsubq_f32(vld1q_f32(query + i + j * LANES), load(row + i + j * LANES));
            s[j] = vfmaq_f32(s[j], d, d);
        }
    float total = sum_of_four(s);
    for (; i < dim; i++) {
        float d = query[i] - widen(row[i]);
        total += d * d;
    }
    return total;
}

/* Row by row: fetch.h says why. */
void kin_neon_dot_rows_half(const float *query, const uint16_t *rows, size_t stride, size_t count,
                            size_t dim, float *out)
{
    const size_t step = stream_step(stride * sizeof *rows, dim * sizeof *rows);
    for (size_t r = 0; r < count; r++) {
        const uint16_t *row = rows + r * stride;
        fetch((const char *)row + KIN_STREAM_AHEAD, step);
        out[r] = kin_neon_dot_half(query, row, dim);
    }
}

void kin_neon_to_half(const float *from, uint16_t *to, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        vst1_u16(to + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(from + i))));
    for (; i < count; i++)
        to[i] = narrow(from[i]);
}

void kin_neon_from_half(const uint16_t *from, float *to, size_t count)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        vst1q_f32(to + i, load(from + i));
    for (; i < count; i++)
        to[i] = widen(from[i]);
}
