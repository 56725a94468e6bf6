/* Floats in plain C: what runs everywhere. */
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

float kin_scalar_dot(const float *a, const float *b, size_t dim)
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

float kin_scalar_l2sq(const float *a, const float *b, size_t dim)
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

void kin_scalar_dot_rows(const float *query, const float *rows, size_t stride, size_t count,
                         size_t dim, float *out)
{
    for (size_t r = 0; r < count; r++)
        out[r] = kin_scalar_dot(query, rows + r * stride, dim);
}

/* Row by row, so that a row is read from memory once and from the nearest cache after that. */
void kin_scalar_dot_block(const float *queries, size_t query_stride, size_t query_count,
                          const float *rows, size_t stride, size_t count, size_t dim, float *out,
                          size_t out_stride)
{
    for (size_t r = 0; r < count; r++)
        for (size_t q = 0; q < query_count; q++)
            out[q * out_stride + r] =
                kin_scalar_dot(queries + q * query_stride, rows + r * stride, dim);
}
