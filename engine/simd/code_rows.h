/* code_rows.h - rows of codes four at a time: how rows follow each other in memory, or are gathered
 * from all over it.  What is done with four rows is the instruction set's. */
#ifndef KIN_SIMD_CODE_ROWS_H
#define KIN_SIMD_CODE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "simd/fetch.h"
#include "simd/inline.h"

enum { KIN_CODE_ROWS = 4 };

typedef struct kin_four_rows {
    const int8_t *row[KIN_CODE_ROWS];
    const int8_t *ahead[KIN_CODE_ROWS]; /* to be asked for with each row: */
    size_t step;                        /* so many bytes */
    int32_t excess; /* what sums come out too large by, where the instruction set biases codes */
} kin_four_rows;

/* out[r] = the query's product with rows->row[r]; each of dim codes. */
typedef void kin_dot_four_codes(const int8_t *query, const kin_four_rows *rows, size_t dim,
                                int32_t *out);
typedef int32_t kin_dot_code(const int8_t *a, const int8_t *b, size_t dim);

/* These are inlined and unrolled, and so is what they are passed, lest rows' addresses go through
 * memory: that alone made a stream of rows of 256 codes a quarter slower. */
KIN_INLINE void dot_rows_by_four(kin_dot_four_codes *four, kin_dot_code *one, int32_t excess,
                                 const int8_t *query, const int8_t *rows, size_t stride,
                                 size_t count, size_t dim, int32_t *out)
{
    kin_four_rows f = {.step = stream_step(stride, dim), .excess = excess};
    size_t r = 0;
    for (; r + KIN_CODE_ROWS <= count; r += KIN_CODE_ROWS) {
#pragma GCC unroll 4
        for (size_t j = 0; j < KIN_CODE_ROWS; j++) {
            f.row[j] = rows + (r + j) * stride;
            f.ahead[j] = f.row[j] + KIN_STREAM_AHEAD;
        }
        four(query, &f, dim, out + r);
    }
    for (; r < count; r++)
        out[r] = one(query, rows + r * stride, dim);
}

/* Scattered rows are found by no prefetcher: their lines are asked for so many bytes of rows before
 * they are used.  That is more lines than a core can have under way, so that it always has as many
 * as it can, and much less than the nearest cache holds. */
enum { KIN_GATHER_AHEAD = 8192 };

KIN_INLINE void dot_gather_by_four(kin_dot_four_codes *four, kin_dot_code *one, int32_t excess,
                                   const int8_t *query, const int8_t *rows, size_t stride,
                                   const uint32_t *at, size_t count, size_t dim, int32_t *out)
{
    const size_t in_front = KIN_GATHER_AHEAD / (dim > 0 ? dim : 1),
                 ahead = in_front < KIN_CODE_ROWS ? KIN_CODE_ROWS : in_front;
    kin_four_rows f = {.step = dim, .excess = excess};
    for (size_t i = 0; i < ahead && i < count; i++)
        fetch(rows + at[i] * stride, dim);
    size_t i = 0;
    for (; i + KIN_CODE_ROWS <= count; i += KIN_CODE_ROWS) {
#pragma GCC unroll 4
        for (size_t j = 0; j < KIN_CODE_ROWS; j++) {
            f.row[j] = rows + at[i + j] * stride;
            f.ahead[j] = i + j + ahead < count ? rows + at[i + j + ahead] * stride : f.row[j];
        }
        four(query, &f, dim, out + i);
    }
    for (; i < count; i++)
        out[i] = one(query, rows + at[i] * stride, dim);
}

#endif
