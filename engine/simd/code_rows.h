/* code_rows.h - rows of codes four at a time: how rows follow each other in memory, or are gathered
 * from all over it.  What is done with four rows is the instruction set's. */
#ifndef KIN_SIMD_CODE_ROWS_H
#define KIN_SIMD_CODE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "simd/inline.h"

enum { KIN_CODE_ROWS = 4 };

/* out[r] = the query's product with rows[r], each of dim codes. */
typedef void kin_dot_four_codes(const int8_t *query, const int8_t *const rows[KIN_CODE_ROWS],
                                size_t dim, int32_t *out);
typedef int32_t kin_dot_code(const int8_t *a, const int8_t *b, size_t dim);

KIN_INLINE void dot_rows_by_four(kin_dot_four_codes *four, kin_dot_code *one, const int8_t *query,
                                 const int8_t *rows, size_t stride, size_t count, size_t dim,
                                 int32_t *out)
{
    size_t r = 0;
    for (; r + KIN_CODE_ROWS <= count; r += KIN_CODE_ROWS) {
        const int8_t *first = rows + r * stride;
        const int8_t *const at[KIN_CODE_ROWS] = {first, first + stride, first + 2 * stride,
                                                 first + 3 * stride};
        four(query, at, dim, out + r);
    }
    for (; r < count; r++)
        out[r] = one(query, rows + r * stride, dim);
}

/* Asks for all the cache lines of a row; it may begin anywhere in its first. */
KIN_INLINE void fetch_row(const int8_t *row, size_t dim)
{
    enum { LINE = 64 };
    for (size_t i = 0; i < dim; i += LINE)
        __builtin_prefetch(row + i);
    if (dim > 0)
        __builtin_prefetch(row + dim - 1);
}

/* Scattered rows are found by no prefetcher: their lines are asked for AHEAD rows before they are
 * used, which is about as many lines as a core can have under way. */
KIN_INLINE void dot_gather_by_four(kin_dot_four_codes *four, kin_dot_code *one, const int8_t *query,
                                   const int8_t *rows, size_t stride, const uint32_t *at,
                                   size_t count, size_t dim, int32_t *out)
{
    enum { AHEAD = 2 * KIN_CODE_ROWS };
    for (size_t i = 0; i < AHEAD && i < count; i++)
        fetch_row(rows + at[i] * stride, dim);
    size_t i = 0;
    for (; i + KIN_CODE_ROWS <= count; i += KIN_CODE_ROWS) {
        for (size_t j = i + AHEAD; j < i + AHEAD + KIN_CODE_ROWS && j < count; j++)
            fetch_row(rows + at[j] * stride, dim);
        const int8_t *const row[KIN_CODE_ROWS] = {rows + at[i] * stride, rows + at[i + 1] * stride,
                                                  rows + at[i + 2] * stride,
                                                  rows + at[i + 3] * stride};
        four(query, row, dim, out + i);
    }
    for (; i < count; i++)
        out[i] = one(query, rows + at[i] * stride, dim);
}

#endif
