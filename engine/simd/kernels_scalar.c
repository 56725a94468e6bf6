#include "simd/kernels_tables.h"

/* Partial sums that do not depend on each other: shorter rounding chains, and what a compiler needs
 * to use the baseline's vector registers without being allowed to reorder additions. */
enum { LANES = 16 };

static float sum_lanes(const float lanes[LANES])
{
    float folded[LANES];
    for (size_t i = 0; i < LANES; i++)
        folded[i] = lanes[i];
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            folded[i] += folded[i + half];
    return folded[0];
}

static float dot(const float *a, const float *b, size_t dim)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lanes[j] += a[i + j] * b[i + j];
    for (size_t j = 0; i + j < dim; j++)
        lanes[j] += a[i + j] * b[i + j];
    return sum_lanes(lanes);
}

static float l2sq(const float *a, const float *b, size_t dim)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float d = a[i + j] - b[i + j];
            lanes[j] += d * d;
        }
    for (size_t j = 0; i + j < dim; j++) {
        float d = a[i + j] - b[i + j];
        lanes[j] += d * d;
    }
    return sum_lanes(lanes);
}

static void dot_rows(const float *query, const float *rows, size_t stride, size_t count, size_t dim,
                     float *out)
{
    for (size_t r = 0; r < count; r++)
        out[r] = dot(query, rows + r * stride, dim);
}

const kin_kernels kin_kernels_scalar = {"scalar", dot, l2sq, dot_rows};
