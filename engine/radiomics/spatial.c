/*
 * spatial.c - every voxel against every other one.
 *
 * The weight of a pair depends only on how far apart its voxels are on the grid, so weights stand
 * in a table; and a voxel meets a whole row of the box at once, with zeros where the row is outside
 * the region.  Both make the inner loop one that compilers vectorise.
 */
#include "radiomics/spatial.h"

#include <math.h>
#include <stdlib.h>

enum { LANES = 8 }; /* sums kept side by side, for the compiler to vectorise */

/* A row of the box that has voxels of the region, from `low` to `high`. */
typedef struct kin_row {
    int j, k, low, high;
} kin_row;

typedef struct kin_grid {
    const kin_roi *roi;
    /* Of every voxel of the box: 1 where it counts, its difference from the mean, and the square
     * of that; 0 outside the region. */
    float *counts, *value, *square;
    float *weight; /* by steps along k, j and i, those from -(size - 1) on: weight_row() */
    kin_row *rows;
    size_t row_count;
} kin_grid;

/* Sums over pairs, each once. */
typedef struct kin_pairs {
    double weight, product, square;
} kin_pairs;

/* The weights of voxels that are dj rows and dk slices away, by steps along i; [0] is none. */
static float *weight_row(const kin_grid *grid, int dj, int dk)
{
    size_t width = 2 * (size_t)grid->roi->size[0] - 1;
    return grid->weight + ((size_t)dk * (size_t)grid->roi->size[1] + (size_t)dj) * width +
           (width - 1) / 2;
}

static void fill_weights(kin_grid *grid)
{
    const int *size = grid->roi->size;
    const double *mm = grid->roi->spacing;
    for (int dk = 0; dk < size[2]; dk++)
        for (int dj = 0; dj < size[1]; dj++)
            for (int di = 1 - size[0]; di < size[0]; di++) {
                double x = di * mm[0], y = dj * mm[1], z = dk * mm[2];
                double distance = sqrt(x * x + y * y + z * z);
                weight_row(grid, dj, dk)[di] = distance > 0.0 ? (float)(1.0 / distance) : 0.0f;
            }
}

static void fill_values(kin_grid *grid, double mean)
{
    const kin_roi *roi = grid->roi;
    for (size_t v = 0; v < roi->count; v++) {
        double value = roi->inside[v] ? roi->value[v] - mean : 0.0;
        grid->counts[v] = roi->inside[v];
        grid->value[v] = (float)value;
        grid->square[v] = (float)(value * value);
    }
}

static void find_rows(kin_grid *grid)
{
    const kin_roi *roi = grid->roi;
    for (int k = 0; k < roi->size[2]; k++)
        for (int j = 0; j < roi->size[1]; j++) {
            kin_row row = {.j = j, .k = k, .low = roi->size[0], .high = -1};
            for (int i = 0; i < roi->size[0]; i++)
                if (roi->inside[kin_roi_at(roi, i, j, k)]) {
                    row.low = i < row.low ? i : row.low;
                    row.high = i;
                }
            if (row.high >= 0)
                grid->rows[grid->row_count++] = row;
        }
}

/* Adds the pairs of one voxel (its difference from the mean is `value`) with n voxels of a row. */
static void add_row(const float *weight, const float *counts, const float *values,
                    const float *squares, int n, double value, kin_pairs *pairs)
{
    float w[LANES] = {0}, wx[LANES] = {0}, wxx[LANES] = {0};
    double weights = 0.0, products = 0.0, sum = 0.0;
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int lane = 0; lane < LANES; lane++) {
            w[lane] += weight[i + lane] * counts[i + lane];
            wx[lane] += weight[i + lane] * values[i + lane];
            wxx[lane] += weight[i + lane] * squares[i + lane];
        }
    for (int lane = 0; i < n; i++, lane++) {
        w[lane] += weight[i] * counts[i];
        wx[lane] += weight[i] * values[i];
        wxx[lane] += weight[i] * squares[i];
    }
    for (int lane = 0; lane < LANES; lane++) {
        weights += w[lane];
        products += wx[lane];
        sum += wxx[lane];
    }
    pairs->weight += weights;
    pairs->product += value * products;
    pairs->square += value * value * weights - 2.0 * value * products + sum;
}

/* A voxel with those behind it in its row, and with all later rows. */
static void add_voxel(const kin_grid *grid, size_t row, int i, kin_pairs *pairs)
{
    const kin_row *own = &grid->rows[row];
    double value = grid->value[kin_roi_at(grid->roi, i, own->j, own->k)];
    for (size_t r = row; r < grid->row_count; r++) {
        const kin_row *other = &grid->rows[r];
        int from = r == row ? i + 1 : other->low;
        size_t v = kin_roi_at(grid->roi, 0, other->j, other->k) + (size_t)from;
        const float *weight = weight_row(grid, abs(other->j - own->j), other->k - own->k);
        add_row(weight + (from - i), grid->counts + v, grid->value + v, grid->square + v,
                other->high + 1 - from, value, pairs);
    }
}

static kin_status make_grid(const kin_roi *roi, double mean, kin_grid *grid, kin_error *err)
{
    size_t rows = (size_t)roi->size[1] * (size_t)roi->size[2];
    grid->roi = roi;
    grid->counts = malloc(3 * roi->count * sizeof *grid->counts);
    grid->weight = malloc(2 * roi->count * sizeof *grid->weight);
    grid->rows = malloc(rows * sizeof *grid->rows);
    if (grid->counts == NULL || grid->weight == NULL || grid->rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to compare %zu voxels", roi->voxels);
    grid->value = grid->counts + roi->count;
    grid->square = grid->value + roi->count;
    fill_weights(grid);
    fill_values(grid, mean);
    find_rows(grid);
    return KIN_OK;
}

static kin_pairs sum_pairs(const kin_grid *grid)
{
    kin_pairs pairs = {0};
    for (size_t r = 0; r < grid->row_count; r++) {
        const kin_row *row = &grid->rows[r];
        for (int i = row->low; i <= row->high; i++)
            if (grid->roi->inside[kin_roi_at(grid->roi, i, row->j, row->k)])
                add_voxel(grid, r, i, &pairs);
    }
    return pairs;
}

kin_status kin_spatial_measure(const kin_roi *roi, double mean, double *moran, double *geary,
                               kin_error *err)
{
    kin_grid grid = {0};
    double variance = 0.0, n = (double)roi->voxels;
    *moran = *geary = NAN;
    for (size_t v = 0; v < roi->voxels; v++)
        variance += (roi->sorted[v] - mean) * (roi->sorted[v] - mean);
    if (roi->voxels > KIN_RADIOMICS_SPATIAL_MAX || roi->voxels < 2 || !(variance > 0.0))
        return KIN_OK;
    kin_status status = make_grid(roi, mean, &grid, err);
    if (status == KIN_OK) { /* each pair counts twice, above and below: the twos cancel */
        kin_pairs pairs = sum_pairs(&grid);
        *moran = n / pairs.weight * pairs.product / variance;
        *geary = (n - 1.0) / (2.0 * pairs.weight) * pairs.square / variance;
    }
    free(grid.counts);
    free(grid.weight);
    free(grid.rows);
    return status;
}
