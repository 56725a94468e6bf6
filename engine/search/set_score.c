#include "search/set_score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simd/kernels.h"

struct kin_set_scorer {
    const kin_kernels *kernels;
    const float *queries;
    size_t count, dim;
    float *best; /* of each of the query's vectors, so far */
    float *row;  /* one row's inner products; then room to sort in */
};

kin_status kin_set_scorer_new(const float *queries, size_t count, size_t dim, kin_set_scorer **out,
                              kin_error *err)
{
    *out = NULL;
    if (count == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "an empty set");
    kin_set_scorer *scorer = calloc(1, sizeof *scorer);
    if (scorer != NULL) {
        *scorer = (kin_set_scorer){.kernels = kin_kernels_best(),
                                   .queries = queries,
                                   .count = count,
                                   .dim = dim,
                                   .best = calloc(count, sizeof *scorer->best),
                                   .row = calloc(count, sizeof *scorer->row)};
        if (scorer->best != NULL && scorer->row != NULL) {
            kin_set_scorer_begin(scorer);
            *out = scorer;
            return KIN_OK;
        }
    }
    kin_set_scorer_free(scorer);
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to compare sets");
}

void kin_set_scorer_free(kin_set_scorer *scorer)
{
    if (scorer == NULL)
        return;
    free(scorer->best);
    free(scorer->row);
    free(scorer);
}

void kin_set_scorer_begin(kin_set_scorer *scorer)
{
    for (size_t i = 0; i < scorer->count; i++)
        scorer->best[i] = -INFINITY;
}

float kin_set_scorer_add(kin_set_scorer *scorer, const float *row)
{
    float best = -INFINITY;
    scorer->kernels->dot_rows(row, scorer->queries, scorer->dim, scorer->count, scorer->dim,
                              scorer->row);
    for (size_t i = 0; i < scorer->count; i++) {
        best = fmaxf(best, scorer->row[i]);
        scorer->best[i] = fmaxf(scorer->best[i], scorer->row[i]);
    }
    return best;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* Of an even number of values the mean of the two in the middle. */
static float median(float *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

float kin_set_scorer_score(kin_set_scorer *scorer, kin_set_rule rule)
{
    if (rule == KIN_SET_MEDIAN) {
        memcpy(scorer->row, scorer->best, scorer->count * sizeof *scorer->row);
        return median(scorer->row, scorer->count);
    }
    double sum = 0;
    for (size_t i = 0; i < scorer->count; i++)
        sum += (double)scorer->best[i];
    return (float)(sum / (double)scorer->count);
}
