/*
 * codec.h - how a vector is kept as a row of bytes.
 *
 *   fp32  dim floats, as they are                                             4 dim bytes
 *   fp16  dim IEEE 754 halves, rounded to nearest even                        2 dim bytes
 *   int8  dim signed bytes c[i] = round(v[i] / scale), then the row's own     dim + 4 bytes
 *         scale = max |v[i]| / 127 as a float, on the next multiple of 4
 *         bytes; a row of zeros has scale 0.  No number is further than
 *         scale / 2 (and rounding) from its code's
 *
 * A codec is a const table, known by name.  Rows are `stride` bytes apart: fp32 and fp16 rows begin
 * on 64-byte boundaries (a cache line, an AVX-512 register), int8 rows on 4-byte ones, since padding
 * 260 bytes to 320 would cost a fifth of the memory's bandwidth.
 *
 * Scoring against encoded rows goes through a prepared query: floats for fp32 and fp16, and the
 * query's own codes and scale for int8, where score = scale_query * scale_row * sum of products.
 */
#ifndef KIN_STORE_CODEC_H
#define KIN_STORE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KIN_CODEC_NAME_SIZE = 8 };

typedef struct kin_codec kin_codec;

/* "fp32", "fp16", "int8"; NULL for any other name. */
const kin_codec *kin_codec_named(const char *name);
const char *kin_codec_name_borrow(const kin_codec *codec);
extern const kin_codec *const kin_codec_fp32, *const kin_codec_fp16, *const kin_codec_int8;

/* The longest vector that it takes. */
size_t kin_codec_dim_max(const kin_codec *codec);

/* Bytes of a row of dim numbers, and from one row to the next. */
size_t kin_codec_row_size(const kin_codec *codec, size_t dim);
size_t kin_codec_stride(const kin_codec *codec, size_t dim);

/* Encodes one vector into a row; the bytes between row_size and stride are set to zero.  A value
 * that is not finite, or does not fit (fp16: beyond 65504), is KIN_E_ARG. */
kin_status kin_codec_encode(const kin_codec *codec, const float *vector, size_t dim, void *row,
                            kin_error *err);
void kin_codec_decode(const kin_codec *codec, const void *row, size_t dim, float *vector);

/* A query made ready for rows of one codec.  The vector is borrowed (fp32, fp16) or coded (int8). */
typedef struct kin_probe kin_probe;
kin_status kin_probe_new(const kin_codec *codec, const float *vector, size_t dim, kin_probe **out,
                         kin_error *err);
void kin_probe_free(kin_probe *probe);

/* Inner products with count rows, `stride` bytes apart (kin_codec_stride()), into scores. */
void kin_probe_score_rows(const kin_probe *probe, const void *rows, size_t count, float *scores);
/* With the rows numbered at[0..count) of an array of rows: fetched ahead. */
void kin_probe_score_gather(const kin_probe *probe, const void *rows, const uint32_t *at,
                            size_t count, float *scores);
/* With one row. */
float kin_probe_score(const kin_probe *probe, const void *row);

#ifdef __cplusplus
}
#endif

#endif
