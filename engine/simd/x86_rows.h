/*
 * x86_rows.h - floats against a row of floats or halves: what the files avx*_floats.c and
 * avx*_halves.c have in common.  Included once by each, which has before it
 *   avx2.h or avx512.h         FLOATS to a register, and what is done with registers
 *   row_number                 the type of a row's numbers
 *   load_row(p)                a register of them as floats
 *   load_first_of_row(p, n)    the first n < FLOATS, the rest zero; nothing past them is read
 */
#ifndef KIN_SIMD_X86_ROWS_H
#define KIN_SIMD_X86_ROWS_H

#include "simd/fetch.h"
#include "simd/inline.h"

/* The products of two vectors, in sums for one register. */
KIN_INLINE floats products(const float *query, const row_number *row, size_t dim)
{
    /* Four sums hide the latency of a fused multiply-add (4 cycles, 2 a cycle). */
    floats s0 = no_floats(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * FLOATS <= dim; i += 4 * FLOATS) {
        s0 = multiply_add(load_floats(query + i), load_row(row + i), s0);
        s1 = multiply_add(load_floats(query + i + FLOATS), load_row(row + i + FLOATS), s1);
        s2 = multiply_add(load_floats(query + i + 2 * FLOATS), load_row(row + i + 2 * FLOATS), s2);
        s3 = multiply_add(load_floats(query + i + 3 * FLOATS), load_row(row + i + 3 * FLOATS), s3);
    }
    for (; i + FLOATS <= dim; i += FLOATS)
        s0 = multiply_add(load_floats(query + i), load_row(row + i), s0);
    if (i < dim)
        s1 = multiply_add(load_first_floats(query + i, dim - i),
                          load_first_of_row(row + i, dim - i), s1);
    return add(add(s0, s1), add(s2, s3));
}

KIN_INLINE float dot(const float *query, const row_number *row, size_t dim)
{
    return sum_of_floats(products(query, row, dim));
}

KIN_INLINE floats add_square(floats a, floats b, floats s)
{
    floats d = subtract(a, b);
    return multiply_add(d, d, s);
}

KIN_INLINE float l2sq(const float *query, const row_number *row, size_t dim)
{
    floats s0 = no_floats(), s1 = s0, s2 = s0, s3 = s0;
    size_t i = 0;
    for (; i + 4 * FLOATS <= dim; i += 4 * FLOATS) {
        s0 = add_square(load_floats(query + i), load_row(row + i), s0);
        s1 = add_square(load_floats(query + i + FLOATS), load_row(row + i + FLOATS), s1);
        s2 = add_square(load_floats(query + i + 2 * FLOATS), load_row(row + i + 2 * FLOATS), s2);
        s3 = add_square(load_floats(query + i + 3 * FLOATS), load_row(row + i + 3 * FLOATS), s3);
    }
    for (; i + FLOATS <= dim; i += FLOATS)
        s0 = add_square(load_floats(query + i), load_row(row + i), s0);
    if (i < dim)
        s1 = add_square(load_first_floats(query + i, dim - i), load_first_of_row(row + i, dim - i),
                        s1);
    return sum_of_floats(add(add(s0, s1), add(s2, s3)));
}

/* Row by row, their sums folded together for four at a time: fetch.h says why.  `one` is the file's
 * function for the rows left over. */
KIN_INLINE void dot_rows(float (*one)(const float *query, const row_number *row, size_t dim),
                         const float *query, const row_number *rows, size_t stride, size_t count,
                         size_t dim, float *out)
{
    enum { AT_ONCE = 4 };
    const size_t step = stream_step(stride * sizeof *rows, dim * sizeof *rows);
    size_t r = 0;
    for (; r + AT_ONCE <= count; r += AT_ONCE) {
        floats s[AT_ONCE];
        for (size_t j = 0; j < AT_ONCE; j++) {
            const row_number *row = rows + (r + j) * stride;
            fetch((const char *)row + KIN_STREAM_AHEAD, step);
            s[j] = products(query, row, dim);
        }
        _mm_storeu_ps(out + r, sums_of_four(s[0], s[1], s[2], s[3]));
    }
    for (; r < count; r++)
        out[r] = one(query, rows + r * stride, dim);
}

#endif
