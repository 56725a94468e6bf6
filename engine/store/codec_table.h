/* codec_table.h - what a codec is made of; private to this folder. */
#ifndef KIN_STORE_CODEC_TABLE_H
#define KIN_STORE_CODEC_TABLE_H

#include "simd/kernels.h"
#include "store/codec.h"

struct kin_codec {
    const char *name;
    uint32_t number;    /* in the headers of files: never given to another codec */
    size_t number_size; /* bytes of one number of a vector */
    size_t alignment;   /* of rows, in bytes */
    size_t dim_max;
    float most; /* the largest magnitude that it can hold */
    size_t (*row_size)(size_t dim);
    /* `largest` is the vector's largest magnitude, at most `most`.  Writes row_size bytes. */
    void (*encode)(const float *vector, size_t dim, float largest, void *row);
    void (*decode)(const void *row, size_t dim, float *vector);
    void (*score_rows)(const kin_probe *probe, const unsigned char *rows, size_t count,
                       float *scores);
    void (*score_gather)(const kin_probe *probe, const unsigned char *rows, const uint32_t *at,
                         size_t count, float *scores);
};

struct kin_probe {
    const kin_codec *codec;
    const kin_kernels *kernels;
    size_t dim, stride;
    const float *vector; /* borrowed; NULL for int8 */
    float scale;         /* int8: of the query's codes */
    int8_t codes[];      /* int8: the query as a row */
};

extern const kin_codec kin_codec_fp32_table, kin_codec_fp16_table, kin_codec_int8_table;

/* The largest magnitude of a vector: infinite or NaN when one of its numbers is. */
float kin_codec_largest(const float *vector, size_t dim);

/* Where in an int8 row its scale is. */
static inline size_t kin_codec_int8_scale_at(size_t dim)
{
    return (dim + 3) / 4 * 4;
}

/* The scale that the row ends in. */
float kin_codec_int8_scale(const void *row, size_t dim);

/* The codec of that number in a file's header, or NULL. */
const kin_codec *kin_codec_numbered(uint32_t number);

#endif
