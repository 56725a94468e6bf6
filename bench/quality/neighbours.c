#include "neighbours.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "simd/kernels.h"

enum { GRAIN = 16 };

size_t bench_best(const float *scores, const unsigned char *skip, size_t self, size_t count,
                  size_t k, bench_neighbour *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == self || (skip != NULL && skip[i]) || (kept == k && scores[i] <= out[k - 1].score))
            continue;
        size_t at = kept < k ? kept++ : k - 1;
        for (; at > 0 && out[at - 1].score < scores[i]; at--)
            out[at] = out[at - 1];
        out[at] = (bench_neighbour){(uint32_t)i, scores[i]};
    }
    return kept;
}

struct finding {
    const float *vectors;
    size_t count, dim, k;
    bench_neighbour *out;
    atomic_bool failed;
};

static void find_range(void *ctx, size_t from, size_t to)
{
    struct finding *finding = ctx;
    float *scores = malloc((finding->count + 1) * sizeof *scores);
    if (scores == NULL)
        atomic_store(&finding->failed, true);
    for (size_t i = from; scores != NULL && i < to; i++) {
        bench_neighbour *row = finding->out + i * finding->k;
        kin_kernels_best()->dot_rows(finding->vectors + i * finding->dim, finding->vectors,
                                     finding->dim, finding->count, finding->dim, scores);
        size_t found = bench_best(scores, NULL, i, finding->count, finding->k, row);
        for (; found < finding->k; found++)
            row[found] = (bench_neighbour){(uint32_t)i, -1};
    }
    free(scores);
}

kin_status bench_neighbours_find(const float *vectors, size_t count, size_t dim, size_t k,
                                 int threads, bench_neighbour *out, kin_error *err)
{
    struct finding finding = {vectors, count, dim, k, out, false};
    kin_parallel_for(count, GRAIN, threads, find_range, &finding);
    return atomic_load(&finding.failed)
               ? kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu scores", count)
               : KIN_OK;
}
