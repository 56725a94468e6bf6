#include "paired.h"

#include <stdint.h>
#include <stdlib.h>

#include "seeded.h"

enum { RESAMPLES = 2000 };
static const double TAIL = 0.025;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sums of the groups' differences, and their sizes, packed to the front; how many there are. */
static size_t sum_groups(const double *before, const double *after, const size_t *group,
                         size_t count, double *sums, double *sizes)
{
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        sums[group[i]] += after[i] - before[i];
        sizes[group[i]] += 1;
    }
    for (size_t g = 0; g < count; g++)
        if (sizes[g] > 0) {
            sums[groups] = sums[g];
            sizes[groups++] = sizes[g];
        }
    return groups;
}

kin_status bench_paired_gain(const double *before, const double *after, const size_t *group,
                             size_t count, bench_gain *out, kin_error *err)
{
    double means[RESAMPLES], all = 0;
    double *sums = calloc(2 * count + 1, sizeof *sums), *sizes = sums + count;
    uint64_t random = 1;
    if (sums == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to resample");
    for (size_t i = 0; i < count; i++)
        all += after[i] - before[i];
    size_t groups = sum_groups(before, after, group, count, sums, sizes);
    for (size_t r = 0; r < RESAMPLES; r++) {
        double sum = 0, size = 0;
        for (size_t i = 0; i < groups; i++) {
            size_t at = (size_t)(bench_random_unit(&random) * (double)groups);
            sum += sums[at];
            size += sizes[at];
        }
        means[r] = size > 0 ? sum / size : 0;
    }
    qsort(means, RESAMPLES, sizeof *means, by_value);
    out->mean = count > 0 ? all / (double)count : 0;
    out->low = means[(size_t)(TAIL * RESAMPLES)];
    out->high = means[(size_t)((1 - TAIL) * RESAMPLES)];
    free(sums);
    return KIN_OK;
}
