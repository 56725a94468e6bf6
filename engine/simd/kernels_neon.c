/* Advanced SIMD of 64-bit ARM: 4 floats a register, part of the architecture's baseline. */
#include <arm_neon.h>

#include "simd/kernels_tables.h"

enum { LANES = 4 };

static inline float sum_four(float32x4_t s0, float32x4_t s1, float32x4_t s2, float32x4_t s3)
{
    return vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
}

static float dot(const float *a, const float *b, size_t dim)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
        s1 = vfmaq_f32(s1, vld1q_f32(a + i + 4), vld1q_f32(b + i + 4));
        s2 = vfmaq_f32(s2, vld1q_f32(a + i + 8), vld1q_f32(b + i + 8));
        s3 = vfmaq_f32(s3, vld1q_f32(a + i + 12), vld1q_f32(b + i + 12));
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = vfmaq_f32(s0, vld1q_f32(a + i), vld1q_f32(b + i));
    float total = sum_four(s0, s1, s2, s3);
    for (; i < dim; i++)
        total += a[i] * b[i];
    return total;
}

static inline float32x4_t add_square(float32x4_t a, float32x4_t b, float32x4_t s)
{
    float32x4_t d = vsubq_f32(a, b);
    return vfmaq_f32(s, d, d);
}

static float l2sq(const float *a, const float *b, size_t dim)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * LANES <= dim; i += 4 * LANES) {
        s0 = add_square(vld1q_f32(a + i), vld1q_f32(b + i), s0);
        s1 = add_square(vld1q_f32(a + i + 4), vld1q_f32(b + i + 4), s1);
        s2 = add_square(vld1q_f32(a + i + 8), vld1q_f32(b + i + 8), s2);
        s3 = add_square(vld1q_f32(a + i + 12), vld1q_f32(b + i + 12), s3);
    }
    for (; i + LANES <= dim; i += LANES)
        s0 = add_square(vld1q_f32(a + i), vld1q_f32(b + i), s0);
    float total = sum_four(s0, s1, s2, s3);
    for (; i < dim; i++)
        total += (a[i] - b[i]) * (a[i] - b[i]);
    return total;
}

/* Four rows at once, as in kernels_avx2.c; two sums a row, for the chains would be dim / 4 long. */
static void dot_four_rows(const float *q, const float *rows, size_t stride, size_t dim, float *out)
{
    float32x4_t even[4], odd[4];
    for (size_t r = 0; r < 4; r++)
        even[r] = odd[r] = vdupq_n_f32(0);
    size_t i = 0;
    for (; i + 2 * LANES <= dim; i += 2 * LANES) {
        float32x4_t v0 = vld1q_f32(q + i), v1 = vld1q_f32(q + i + LANES);
        for (size_t r = 0; r < 4; r++) {
            const float *row = rows + r * stride + i;
            even[r] = vfmaq_f32(even[r], v0, vld1q_f32(row));
            odd[r] = vfmaq_f32(odd[r], v1, vld1q_f32(row + LANES));
        }
    }
    for (size_t r = 0; r < 4; r++) {
        out[r] = vaddvq_f32(vaddq_f32(even[r], odd[r]));
        for (size_t j = i; j < dim; j++)
            out[r] += q[j] * rows[r * stride + j];
    }
}

static void dot_rows(const float *query, const float *rows, size_t stride, size_t count, size_t dim,
                     float *out)
{
    size_t r = 0;
    for (; r + 4 <= count; r += 4)
        dot_four_rows(query, rows + r * stride, stride, dim, out + r);
    for (; r < count; r++)
        out[r] = dot(query, rows + r * stride, dim);
}

const kin_kernels kin_kernels_neon = {"neon", dot, l2sq, dot_rows};
