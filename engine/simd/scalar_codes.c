/* Codes in plain C: what runs everywhere, and what every other table must equal. */
#include "simd/kernels_tables.h"

int32_t kin_scalar_dot_code(const int8_t *a, const int8_t *b, size_t dim)
{
    int32_t sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (int16_t)(a[i] * b[i]); /* at most 128 * 128: a product of 16 bits */
    return sum;
}

int64_t kin_scalar_l2sq_code(const int8_t *a, const int8_t *b, size_t dim)
{
    uint32_t sum = 0; /* at most 65536 * 255^2, which is below 2^32 */
    for (size_t i = 0; i < dim; i++) {
        int32_t d = a[i] - b[i];
        sum += (uint32_t)(d * d);
    }
    return (int64_t)sum;
}

void kin_scalar_dot_rows_code(const int8_t *query, const int8_t *rows, size_t stride, size_t count,
                              size_t dim, int32_t *out)
{
    for (size_t r = 0; r < count; r++)
        out[r] = kin_scalar_dot_code(query, rows + r * stride, dim);
}

void kin_scalar_dot_gather_code(const int8_t *query, const int8_t *rows, size_t stride,
                                const uint32_t *at, size_t count, size_t dim, int32_t *out)
{
    enum { AHEAD = 4 };
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            __builtin_prefetch(rows + at[i + AHEAD] * stride);
        out[i] = kin_scalar_dot_code(query, rows + at[i] * stride, dim);
    }
}
