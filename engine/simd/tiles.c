#include "simd/tiles.h"

/* A group of queries is to stay in the first level of cache while rows pass by, and a block of rows
 * in the second while groups of queries pass by; each with room for the others. */
enum { QUERY_BYTES = 16 * 1024, ROW_BYTES = 192 * 1024 };

/* How many vectors of dim floats fit, as a multiple of `unit` and at least that. */
static size_t vectors_in(size_t bytes, size_t dim, size_t unit)
{
    size_t fit = bytes / (sizeof(float) * (dim > 0 ? dim : 1));
    return fit > unit ? fit - fit % unit : unit;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One group of queries with one block of rows, whose count is a multiple of tiles->rows. */
static void run_group(const kin_tiles *tiles, const float *queries, size_t query_stride,
                      size_t query_count, const float *rows, size_t stride, size_t count,
                      size_t dim, float *out, size_t out_stride)
{
    for (size_t r = 0; r < count; r += tiles->rows)
        for (size_t q = 0; q < query_count; q += tiles->queries) {
            kin_tile *tile = tiles->of[least(tiles->queries, query_count - q)];
            tile(queries + q * query_stride, query_stride, rows + r * stride, stride, dim,
                 out + q * out_stride + r, out_stride);
        }
}

void kin_tiles_run(const kin_tiles *tiles, const float *queries, size_t query_stride,
                   size_t query_count, const float *rows, size_t stride, size_t count, size_t dim,
                   float *out, size_t out_stride)
{
    size_t group = vectors_in(QUERY_BYTES, dim, tiles->queries);
    size_t block = vectors_in(ROW_BYTES, dim, tiles->rows);
    size_t tiled = count - count % tiles->rows;
    for (size_t r = 0; r < tiled; r += block)
        for (size_t q = 0; q < query_count; q += group)
            run_group(tiles, queries + q * query_stride, query_stride,
                      least(group, query_count - q), rows + r * stride, stride,
                      least(block, tiled - r), dim, out + q * out_stride + r, out_stride);
    for (size_t r = tiled; r < count; r++)
        for (size_t q = 0; q < query_count; q++)
            out[q * out_stride + r] =
                tiles->dot(queries + q * query_stride, rows + r * stride, dim);
}
