/* The codec fp32: floats as they are. */
#include <float.h>
#include <string.h>

#include "store/codec_table.h"
#include "store/gather.h"

static size_t row_size(size_t dim)
{
    return dim * sizeof(float);
}

static void encode(const float *vector, size_t dim, float largest, void *row)
{
    (void)largest;
    memcpy(row, vector, dim * sizeof *vector);
}

static void decode(const void *row, size_t dim, float *vector)
{
    memcpy(vector, row, dim * sizeof *vector);
}

static void score_rows(const kin_probe *probe, const unsigned char *rows, size_t count,
                       float *scores)
{
    probe->kernels->dot_rows(probe->vector, (const float *)(const void *)rows,
                             probe->stride / sizeof(float), count, probe->dim, scores);
}

static void score_gather(const kin_probe *probe, const unsigned char *rows, const uint32_t *at,
                         size_t count, float *scores)
{
    for (size_t i = 0; i < count; i++) {
        kin_gather_ahead(rows, probe->stride, at, i, count);
        const void *row = rows + at[i] * probe->stride;
        scores[i] = probe->kernels->dot(probe->vector, row, probe->dim);
    }
}

const kin_codec kin_codec_fp32_table = {
    .name = "fp32",
    .number = 1,
    .number_size = sizeof(float),
    .alignment = 64,
    .dim_max = SIZE_MAX / sizeof(float) - 64,
    .most = FLT_MAX,
    .row_size = row_size,
    .encode = encode,
    .decode = decode,
    .score_rows = score_rows,
    .score_gather = score_gather,
};
