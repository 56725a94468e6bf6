#include "radiomics/level_size.h"

#include <math.h>
#include <stdlib.h>

static void add_emphases(const kin_count *cell, double total, double *values)
{
    double i2 = (double)cell->row * cell->row, j2 = (double)cell->column * cell->column;
    double p = cell->n / total;
    values[KIN_SMALL_EMPHASIS] += p / j2;
    values[KIN_LARGE_EMPHASIS] += p * j2;
    values[KIN_LOW_LEVEL_EMPHASIS] += p / i2;
    values[KIN_HIGH_LEVEL_EMPHASIS] += p * i2;
    values[KIN_SMALL_LOW_EMPHASIS] += p / (i2 * j2);
    values[KIN_SMALL_HIGH_EMPHASIS] += p * i2 / j2;
    values[KIN_LARGE_LOW_EMPHASIS] += p * j2 / i2;
    values[KIN_LARGE_HIGH_EMPHASIS] += p * i2 * j2;
    values[KIN_ENTROPY] -= p * log2(p);
    values[KIN_ENERGY] += p * p;
}

/* Cells come by row: the sums of rows follow from each other. */
static double row_squares(const kin_counts *counts)
{
    double squares = 0.0, row = 0.0;
    for (size_t c = 0; c < counts->count; c++) {
        if (c > 0 && counts->items[c].row != counts->items[c - 1].row) {
            squares += row * row;
            row = 0.0;
        }
        row += counts->items[c].n;
    }
    return squares + row * row;
}

static int by_column(const void *a, const void *b)
{
    const kin_count *x = a, *y = b;
    return (x->column > y->column) - (x->column < y->column);
}

/* The same for columns, in a copy; NaN without memory, as for what is not defined. */
static double column_squares(const kin_counts *counts)
{
    kin_counts turned = {0};
    double squares = NAN;
    kin_count *items = malloc((counts->count + 1) * sizeof *items);
    if (items == NULL)
        return squares;
    for (size_t c = 0; c < counts->count; c++)
        items[c] = counts->items[c];
    qsort(items, counts->count, sizeof *items, by_column);
    for (size_t c = 0; c < counts->count; c++)
        items[c].row = items[c].column;
    turned = (kin_counts){.items = items, .count = counts->count};
    squares = row_squares(&turned);
    free(items);
    return squares;
}

static void add_variances(const kin_counts *counts, double total, double *values)
{
    double level = 0.0, size = 0.0;
    for (size_t c = 0; c < counts->count; c++) {
        level += counts->items[c].row * counts->items[c].n / total;
        size += counts->items[c].column * counts->items[c].n / total;
    }
    for (size_t c = 0; c < counts->count; c++) {
        const kin_count *cell = &counts->items[c];
        double p = cell->n / total;
        values[KIN_LEVEL_VARIANCE] += (cell->row - level) * (cell->row - level) * p;
        values[KIN_SIZE_VARIANCE] += (cell->column - size) * (cell->column - size) * p;
    }
}

void kin_level_size_measure(const kin_counts *counts, int levels, double voxels, double *values)
{
    double total = 0.0;
    (void)levels;
    for (size_t c = 0; c < counts->count; c++)
        total += counts->items[c].n;
    for (size_t c = 0; c < counts->count; c++)
        add_emphases(&counts->items[c], total, values);
    double rows = row_squares(counts), columns = column_squares(counts);
    values[KIN_LEVEL_NONUNIFORMITY] = rows / total;
    values[KIN_LEVEL_NONUNIFORMITY_NORMALISED] = rows / (total * total);
    values[KIN_SIZE_NONUNIFORMITY] = columns / total;
    values[KIN_SIZE_NONUNIFORMITY_NORMALISED] = columns / (total * total);
    values[KIN_PERCENTAGE] = total / voxels;
    add_variances(counts, total, values);
}
