#include "store/codec_table.h"

#include <math.h>
#include <string.h>

const kin_codec *const kin_codec_fp32 = &kin_codec_fp32_table;
const kin_codec *const kin_codec_fp16 = &kin_codec_fp16_table;
const kin_codec *const kin_codec_int8 = &kin_codec_int8_table;

static const kin_codec *const codecs[] = {&kin_codec_fp32_table, &kin_codec_fp16_table,
                                          &kin_codec_int8_table};

enum { CODECS = sizeof codecs / sizeof codecs[0] };

const kin_codec *kin_codec_named(const char *name)
{
    for (size_t i = 0; i < CODECS; i++)
        if (strcmp(codecs[i]->name, name) == 0)
            return codecs[i];
    return NULL;
}

const kin_codec *kin_codec_numbered(uint32_t number)
{
    for (size_t i = 0; i < CODECS; i++)
        if (codecs[i]->number == number)
            return codecs[i];
    return NULL;
}

const char *kin_codec_name_borrow(const kin_codec *codec)
{
    return codec->name;
}

size_t kin_codec_dim_max(const kin_codec *codec)
{
    return codec->dim_max;
}

size_t kin_codec_row_size(const kin_codec *codec, size_t dim)
{
    return codec->row_size(dim);
}

size_t kin_codec_stride(const kin_codec *codec, size_t dim)
{
    return (codec->row_size(dim) + codec->alignment - 1) / codec->alignment * codec->alignment;
}

/* Magnitudes are ordered as their bits are, which a compiler may compare many at a time. */
float kin_codec_largest(const float *vector, size_t dim)
{
    int32_t largest = 0;
    float value;
    for (size_t i = 0; i < dim; i++) {
        int32_t bits;
        memcpy(&bits, vector + i, sizeof bits);
        bits &= INT32_MAX;
        largest = bits > largest ? bits : largest;
    }
    memcpy(&value, &largest, sizeof value);
    return value;
}

kin_status kin_codec_encode(const kin_codec *codec, const float *vector, size_t dim, void *row,
                            kin_error *err)
{
    float largest = kin_codec_largest(vector, dim);
    if (!isfinite(largest))
        return kin_fail(err, KIN_E_ARG, NULL, "a vector holds a number that is not finite");
    if (largest > codec->most)
        return kin_fail(err, KIN_E_ARG, NULL, "a vector holds %g, and %s at most %g",
                        (double)largest, codec->name, (double)codec->most);
    size_t size = codec->row_size(dim), stride = kin_codec_stride(codec, dim);
    codec->encode(vector, dim, largest, row);
    memset((unsigned char *)row + size, 0, stride - size);
    return KIN_OK;
}

void kin_codec_decode(const kin_codec *codec, const void *row, size_t dim, float *vector)
{
    codec->decode(row, dim, vector);
}
