#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "neighbours.h"
#include "rescore.h"
#include "simd/kernels.h"

enum { NEAREST = 10, GRAIN = 8 };

struct expansion {
    kin_eval_scores *scores;
    atomic_bool failed;
};

static void expand(const kin_eval_scores *scores, size_t q, float *query)
{
    bench_neighbour nearest[NEAREST];
    float *row = scores->scores + q * scores->database;
    size_t found = bench_best(row, scores->left_out + q * scores->database, SIZE_MAX,
                              scores->database, NEAREST, nearest);
    memcpy(query, scores->query_vectors + q * scores->dim, scores->dim * sizeof *query);
    for (size_t n = 0; n < found && nearest[n].score > 0; n++) {
        const float *other = scores->database_vectors + nearest[n].image * scores->dim;
        float weight = nearest[n].score * nearest[n].score * nearest[n].score;
        for (size_t d = 0; d < scores->dim; d++)
            query[d] += weight * other[d];
    }
    /* Not scaled to length 1: that changes no order. */
    kin_kernels_best()->dot_rows(query, scores->database_vectors, scores->dim, scores->database,
                                 scores->dim, row);
}

static void expand_range(void *ctx, size_t from, size_t to)
{
    struct expansion *expansion = ctx;
    float *query = malloc(expansion->scores->dim * sizeof *query);
    if (query == NULL)
        atomic_store(&expansion->failed, true);
    for (size_t q = from; query != NULL && q < to; q++)
        expand(expansion->scores, q, query);
    free(query);
}

kin_status bench_rescore_expansion(void *ctx, kin_eval_scores *scores, kin_error *err)
{
    struct expansion expansion = {scores, false};
    (void)ctx;
    kin_parallel_for(scores->queries, GRAIN, scores->threads, expand_range, &expansion);
    return atomic_load(&expansion.failed)
               ? kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a query")
               : KIN_OK;
}
