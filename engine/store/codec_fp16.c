/* The codec fp16: IEEE 754 halves. */
#include "store/codec_table.h"
#include "store/gather.h"

#define HALF_MAX 65504.0f

static size_t row_size(size_t dim)
{
    return dim * sizeof(uint16_t);
}

static void encode(const float *vector, size_t dim, float largest, void *row)
{
    (void)largest;
    kin_kernels_best()->to_half(vector, row, dim);
}

static void decode(const void *row, size_t dim, float *vector)
{
    kin_kernels_best()->from_half(row, vector, dim);
}

static void score_rows(const kin_probe *probe, const unsigned char *rows, size_t count,
                       float *scores)
{
    probe->kernels->dot_rows_half(probe->vector, (const uint16_t *)(const void *)rows,
                                  probe->stride / sizeof(uint16_t), count, probe->dim, scores);
}

static void score_gather(const kin_probe *probe, const unsigned char *rows, const uint32_t *at,
                         size_t count, float *scores)
{
    for (size_t i = 0; i < count; i++) {
        kin_gather_ahead(rows, probe->stride, at, i, count);
        const void *row = rows + at[i] * probe->stride;
        scores[i] = probe->kernels->dot_half(probe->vector, row, probe->dim);
    }
}

const kin_codec kin_codec_fp16_table = {
    .name = "fp16",
    .number = 2,
    .number_size = sizeof(uint16_t),
    .alignment = 64,
    .dim_max = SIZE_MAX / sizeof(float) - 64,
    .most = HALF_MAX,
    .row_size = row_size,
    .encode = encode,
    .decode = decode,
    .score_rows = score_rows,
    .score_gather = score_gather,
};
