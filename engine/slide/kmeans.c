#include "slide/kmeans.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* From 0 to below 1. */
static double next_share(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

double kin_squared_distance(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return sum;
}

/* A point drawn with a chance in proportion to its weight. */
static size_t draw(const double *weights, size_t count, double total, uint64_t *random)
{
    double at = next_share(random) * total;
    for (size_t i = 0; i < count; i++) {
        at -= weights[i];
        if (at < 0)
            return i;
    }
    return count - 1;
}

/* Each centre is a point far from those before it. */
static void seed_centres(const float *points, size_t count, size_t dim, size_t k, uint64_t *random,
                         double *nearest, float *centres)
{
    for (size_t i = 0; i < count; i++)
        nearest[i] = 1;
    for (size_t c = 0; c < k; c++) {
        double total = 0;
        for (size_t i = 0; i < count; i++)
            total += nearest[i];
        size_t chosen = draw(nearest, count, total, random);
        memcpy(centres + c * dim, points + chosen * dim, dim * sizeof *centres);
        for (size_t i = 0; i < count; i++) {
            double d = kin_squared_distance(points + i * dim, centres + c * dim, dim);
            if (c == 0 || d < nearest[i])
                nearest[i] = d;
        }
    }
}

/* Gives every point to its nearest centre; true when one has changed sides. */
static bool assign(const float *points, size_t count, size_t dim, size_t k, const float *centres,
                   uint32_t *groups)
{
    bool changed = false;
    for (size_t i = 0; i < count; i++) {
        uint32_t best = 0;
        double least = kin_squared_distance(points + i * dim, centres, dim);
        for (size_t c = 1; c < k; c++) {
            double d = kin_squared_distance(points + i * dim, centres + c * dim, dim);
            if (d < least) {
                least = d;
                best = (uint32_t)c;
            }
        }
        changed = changed || groups[i] != best;
        groups[i] = best;
    }
    return changed;
}

/* Moves every centre to the mean of its points; one without any stays. */
static void move_centres(const float *points, size_t count, size_t dim, size_t k,
                         const uint32_t *groups, double *sums, size_t *sizes, float *centres)
{
    memset(sums, 0, k * dim * sizeof *sums);
    memset(sizes, 0, k * sizeof *sizes);
    for (size_t i = 0; i < count; i++) {
        sizes[groups[i]]++;
        for (size_t d = 0; d < dim; d++)
            sums[groups[i] * dim + d] += (double)points[i * dim + d];
    }
    for (size_t c = 0; c < k; c++)
        for (size_t d = 0; sizes[c] > 0 && d < dim; d++)
            centres[c * dim + d] = (float)(sums[c * dim + d] / (double)sizes[c]);
}

kin_status kin_kmeans(const float *points, size_t count, size_t dim, size_t k, uint64_t seed,
                      uint32_t *groups, float *centres, kin_error *err)
{
    double *nearest = calloc(count, sizeof *nearest), *sums = calloc(k * dim, sizeof *sums);
    size_t *sizes = calloc(k, sizeof *sizes);
    kin_status status = KIN_OK;
    if (nearest == NULL || sums == NULL || sizes == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to group %zu points", count);
        goto end;
    }
    seed_centres(points, count, dim, k, &seed, nearest, centres);
    for (size_t i = 0; i < count; i++)
        groups[i] = UINT32_MAX;
    for (int i = 0; i < KIN_KMEANS_ITERATIONS && assign(points, count, dim, k, centres, groups);
         i++)
        move_centres(points, count, dim, k, groups, sums, sizes, centres);
end:
    free(nearest);
    free(sums);
    free(sizes);
    return status;
}
