/* The codec int8: signed bytes, and each row's own scale behind them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "store/codec_table.h"

enum {
    CODE_MAX = 127,
    SCORE_PIECE =
        64 /* products kept on the stack at a time; their rows stay in the nearest cache */
};

/* Adding it and taking it away again rounds a float of at most 2^22 to the nearest integer, ties to
 * even, by an instruction that every processor has for many numbers at once. */
#define ROUNDER 12582912.0f /* 1.5 * 2^23 */

static size_t row_size(size_t dim)
{
    return kin_codec_int8_scale_at(dim) + sizeof(float);
}

/* largest / 127, but among the very smallest numbers, which have few bits, large enough for 127 of
 * it to reach `largest`, and among the very largest small enough for 127 of it to be finite. */
static float scale_for(float largest)
{
    float scale = largest / CODE_MAX;
    if (scale < FLT_MIN && scale * CODE_MAX < largest)
        scale = nextafterf(scale, INFINITY);
    if (isinf(scale * CODE_MAX))
        scale = nextafterf(scale, 0);
    return scale;
}

static void encode(const float *vector, size_t dim, float largest, void *row)
{
    unsigned char *bytes = row;
    int8_t *codes = row;
    size_t scale_at = kin_codec_int8_scale_at(dim);
    float scale = scale_for(largest);
    memset(bytes + dim, 0, scale_at - dim);
    memcpy(bytes + scale_at, &scale, sizeof scale);
    if (scale == 0) {
        memset(codes, 0, dim);
        return;
    }
    for (size_t i = 0; i < dim; i++)
        codes[i] = (int8_t)(vector[i] / scale + ROUNDER - ROUNDER);
}

float kin_codec_int8_scale(const void *row, size_t dim)
{
    float scale;
    memcpy(&scale, (const unsigned char *)row + kin_codec_int8_scale_at(dim), sizeof scale);
    return scale;
}

static void decode(const void *row, size_t dim, float *vector)
{
    const int8_t *codes = row;
    float scale = kin_codec_int8_scale(row, dim);
    for (size_t i = 0; i < dim; i++)
        vector[i] = (float)codes[i] * scale;
}

/* In double precision: a product of two scales alone may leave a float's range. */
static float score_of(const kin_probe *probe, const unsigned char *row, int32_t products)
{
    return (float)(products * (double)kin_codec_int8_scale(row, probe->dim) * probe->scale);
}

static void score_rows(const kin_probe *probe, const unsigned char *rows, size_t count,
                       float *scores)
{
    int32_t products[SCORE_PIECE];
    while (count > 0) {
        size_t n = count < SCORE_PIECE ? count : SCORE_PIECE;
        probe->kernels->dot_rows_code(probe->codes, (const int8_t *)rows, probe->stride, n,
                                      probe->dim, products);
        for (size_t i = 0; i < n; i++)
            scores[i] = score_of(probe, rows + i * probe->stride, products[i]);
        rows += n * probe->stride;
        scores += n;
        count -= n;
    }
}

static void score_gather(const kin_probe *probe, const unsigned char *rows, const uint32_t *at,
                         size_t count, float *scores)
{
    int32_t products[SCORE_PIECE];
    while (count > 0) {
        size_t n = count < SCORE_PIECE ? count : SCORE_PIECE;
        probe->kernels->dot_gather_code(probe->codes, (const int8_t *)rows, probe->stride, at, n,
                                        probe->dim, products);
        for (size_t i = 0; i < n; i++)
            scores[i] = score_of(probe, rows + at[i] * probe->stride, products[i]);
        at += n;
        scores += n;
        count -= n;
    }
}

const kin_codec kin_codec_int8_table = {
    .name = "int8",
    .number = 3,
    .number_size = sizeof(int8_t),
    .alignment = 4,
    .dim_max = KIN_CODE_DIM_MAX,
    .most = FLT_MAX,
    .row_size = row_size,
    .encode = encode,
    .decode = decode,
    .score_rows = score_rows,
    .score_gather = score_gather,
};
