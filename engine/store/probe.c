/* Queries made ready for encoded rows. */
#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "store/codec_table.h"

kin_status kin_probe_new(const kin_codec *codec, const float *vector, size_t dim, kin_probe **out,
                         kin_error *err)
{
    bool coded = codec == kin_codec_int8;
    size_t size = sizeof(kin_probe);
    if (dim > codec->dim_max)
        return kin_fail(err, KIN_E_ARG, NULL, "%s takes vectors of up to %zu numbers, not %zu",
                        codec->name, codec->dim_max, dim);
    if (coded && !kin_add_size(size, kin_codec_stride(codec, dim), &size))
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a query");
    if (!isfinite(kin_codec_largest(vector, dim)))
        return kin_fail(err, KIN_E_ARG, NULL, "a query holds a number that is not finite");
    kin_probe *probe = calloc(1, size);
    if (probe == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a query");
    probe->codec = codec;
    probe->kernels = kin_kernels_best();
    probe->dim = dim;
    probe->stride = kin_codec_stride(codec, dim);
    kin_status status = KIN_OK;
    if (coded) {
        status = kin_codec_encode(codec, vector, dim, probe->codes, err);
        probe->scale = status == KIN_OK ? kin_codec_int8_scale(probe->codes, dim) : 0;
    } else {
        probe->vector = vector;
    }
    if (status == KIN_OK)
        *out = probe;
    else
        free(probe);
    return status;
}

void kin_probe_free(kin_probe *probe)
{
    free(probe);
}

void kin_probe_score_rows(const kin_probe *probe, const void *rows, size_t count, float *scores)
{
    probe->codec->score_rows(probe, rows, count, scores);
}

void kin_probe_score_gather(const kin_probe *probe, const void *rows, const uint32_t *at,
                            size_t count, float *scores)
{
    probe->codec->score_gather(probe, rows, at, count, scores);
}

float kin_probe_score(const kin_probe *probe, const void *row)
{
    float score;
    probe->codec->score_rows(probe, row, 1, &score);
    return score;
}
