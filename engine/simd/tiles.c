#include "simd/tiles.h"

#include "simd/fetch.h"

/* A block of rows is to stay in the second level of cache while groups of queries pass by; in the
 * first, a group and a panel, which is a part of a block; each with room for the others.  Tiles go
 * along a panel before they go to the next queries, so that a line of results is written at once:
 * results of different queries may be a power of two apart, where caches hold few lines. */
enum { GROUP_BYTES = 16 * 1024, PANEL_BYTES = 16 * 1024, BLOCK_BYTES = 192 * 1024 };

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

typedef struct operands {
    const float *queries, *rows;
    size_t query_stride, stride, query_count, count, dim;
    float *out;
    size_t out_stride;
} operands;

static operands part_of(const operands *whole, size_t query, size_t queries, size_t row,
                        size_t rows)
{
    operands part = *whole;
    part.queries += query * whole->query_stride;
    part.rows += row * whole->stride;
    part.query_count = least(queries, whole->query_count - query);
    part.count = least(rows, whole->count - row);
    part.out += query * whole->out_stride + row;
    return part;
}

/* A group of queries with a panel of rows, whose count is a multiple of tiles->rows.  The first tile
 * to take rows asks for so many bytes of the stream ahead; other groups find the block in the cache,
 * and pass 0. */
static void run_panel(const kin_tiles *tiles, const operands *o, size_t ahead)
{
    for (size_t q = 0; q < o->query_count; q += tiles->queries) {
        kin_tile *tile = tiles->of[least(tiles->queries, o->query_count - q)];
        const float *queries = o->queries + q * o->query_stride;
        for (size_t r = 0; r < o->count; r += tiles->rows) {
            const float *rows = o->rows + r * o->stride;
            if (q == 0 && ahead > 0)
                fetch((const char *)rows + KIN_STREAM_AHEAD, ahead);
            tile(queries, o->query_stride, rows, o->stride, o->dim, o->out + q * o->out_stride + r,
                 o->out_stride);
        }
    }
}

static void run_block(const kin_tiles *tiles, const operands *o)
{
    size_t group = vectors_in(GROUP_BYTES, o->dim, tiles->queries);
    size_t panel = vectors_in(PANEL_BYTES, o->dim, tiles->rows);
    size_t step = stream_step(o->stride * sizeof(float), o->dim * sizeof(float));
    for (size_t q = 0; q < o->query_count; q += group)
        for (size_t r = 0; r < o->count; r += panel) {
            operands part = part_of(o, q, group, r, panel);
            run_panel(tiles, &part, q == 0 ? tiles->rows * step : 0);
        }
}

void kin_tiles_run(const kin_tiles *tiles, const float *queries, size_t query_stride,
                   size_t query_count, const float *rows, size_t stride, size_t count, size_t dim,
                   float *out, size_t out_stride)
{
    size_t block = vectors_in(BLOCK_BYTES, dim, tiles->rows);
    size_t tiled = count - count % tiles->rows;
    operands whole = {
        .queries = queries,
        .rows = rows,
        .query_stride = query_stride,
        .stride = stride,
        .query_count = query_count,
        .count = tiled,
        .dim = dim,
        .out = out,
        .out_stride = out_stride,
    };
    for (size_t r = 0; r < tiled; r += block) {
        operands part = part_of(&whole, 0, query_count, r, block);
        run_block(tiles, &part);
    }
    for (size_t r = tiled; r < count; r++)
        for (size_t q = 0; q < query_count; q++)
            out[q * out_stride + r] =
                tiles->dot(queries + q * query_stride, rows + r * stride, dim);
}
