/* tiles.h - a block of queries times a block of rows, in tiles whose sums fit the registers. */
#ifndef KIN_SIMD_TILES_H
#define KIN_SIMD_TILES_H

#include <stddef.h>

/* Inner products of a few queries (how many is the function's own) with a few rows; strides in
 * floats, as in kernels.h. */
typedef void kin_tile(const float *queries, size_t query_stride, const float *rows, size_t stride,
                      size_t dim, float *out, size_t out_stride);

enum { KIN_TILE_QUERIES_MAX = 8 };

/* Defines tile_<n>, a kin_tile: the file's inlined tile() for n queries, a constant. */
#define KIN_TILE_OF(n)                                                                             \
    static void tile_##n(const float *queries, size_t query_stride, const float *rows,             \
                         size_t stride, size_t dim, float *out, size_t out_stride)                 \
    {                                                                                              \
        tile(n, queries, query_stride, rows, stride, dim, out, out_stride);                        \
    }

/* What an instruction set brings. */
typedef struct kin_tiles {
    size_t queries, rows;                   /* of the largest tile */
    kin_tile *of[KIN_TILE_QUERIES_MAX + 1]; /* of[n] does n queries with `rows` rows, n >= 1 */
    float (*dot)(const float *a, const float *b, size_t dim); /* for the rows left over */
} kin_tiles;

/* As kin_kernels.dot_block. */
void kin_tiles_run(const kin_tiles *tiles, const float *queries, size_t query_stride,
                   size_t query_count, const float *rows, size_t stride, size_t count, size_t dim,
                   float *out, size_t out_stride);

#endif
