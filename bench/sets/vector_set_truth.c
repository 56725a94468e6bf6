#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/parallel.h"
#include "vector_set.h"

enum {
    ROWS_AT_ONCE = 4096,
    SPARE = 16 /* candidates beyond k, for the ranking in double precision to choose among */
};

/* What rounding in single precision may have moved a score by. */
#define SCORE_TOLERANCE 1e-6

static double score_exactly(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++)
        sum += (double)a[d] * b[d];
    return sum;
}

struct finding {
    const bench_set *set;
    bench_truth *out;
    bench_may_fn may;
    void *ctx;
    float *rows, *scores; /* of the block at hand: rows x dim, queries x rows */
    size_t first, rows_count;
    kin_topk *best; /* one a query, of k + SPARE */
    kin_hit *hits;
};

static void read_block(void *ctx, size_t from, size_t to)
{
    struct finding *find = ctx;
    bench_set_read(find->set, find->first + from, to - from, find->rows + from * find->set->dim);
}

static void offer_block(void *ctx, size_t from, size_t to)
{
    struct finding *find = ctx;
    for (size_t query = from; query < to; query++) {
        const float *scores = find->scores + query * find->rows_count;
        for (size_t i = 0; i < find->rows_count; i++)
            if (scores[i] > kin_topk_bar(&find->best[query]) &&
                (find->may == NULL || find->may(find->ctx, query, find->first + i)))
                kin_topk_offer(&find->best[query], find->first + i, scores[i]);
    }
}

static void scan(struct finding *find, int threads)
{
    const bench_set *set = find->set;
    for (find->first = 0; find->first < set->count; find->first += find->rows_count) {
        find->rows_count = set->count - find->first;
        if (find->rows_count > ROWS_AT_ONCE)
            find->rows_count = ROWS_AT_ONCE;
        kin_parallel_for(find->rows_count, 256, threads, read_block, find);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)set->query_count,
                    (blasint)find->rows_count, (blasint)set->dim, 1, set->queries,
                    (blasint)set->dim, find->rows, (blasint)set->dim, 0, find->scores,
                    (blasint)find->rows_count);
        kin_parallel_for(set->query_count, 16, threads, offer_block, find);
    }
}

static void rank(struct finding *find, size_t query)
{
    const bench_set *set = find->set;
    bench_truth *out = find->out;
    kin_topk *best = &find->best[query];
    kin_topk again = {.hits = out->hits + query * out->k, .capacity = out->k};
    for (size_t i = 0; i < best->count; i++) {
        bench_set_read(set, best->hits[i].id, 1, find->rows);
        kin_topk_offer(&again, best->hits[i].id,
                       (float)score_exactly(set->queries + query * set->dim, find->rows, set->dim));
    }
    kin_topk_sort(&again);
    out->counts[query] = again.count;
}

static kin_status find_all(struct finding *find, int threads, kin_error *err)
{
    const bench_set *set = find->set;
    size_t queries = set->query_count, candidates = find->out->k + SPARE;
    find->rows = malloc(ROWS_AT_ONCE * set->dim * sizeof *find->rows);
    find->scores = malloc(ROWS_AT_ONCE * queries * sizeof *find->scores);
    find->best = calloc(queries, sizeof *find->best);
    find->hits = calloc(queries * candidates, sizeof *find->hits);
    if (find->rows == NULL || find->scores == NULL || find->best == NULL || find->hits == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the right answers");
    for (size_t query = 0; query < queries; query++)
        find->best[query] =
            (kin_topk){.hits = find->hits + query * candidates, .capacity = candidates};
    openblas_set_num_threads(threads > 0 ? threads : kin_cpu_count());
    scan(find, threads);
    openblas_set_num_threads(1);
    for (size_t query = 0; query < queries; query++)
        rank(find, query);
    return KIN_OK;
}

kin_status bench_truth_find(const bench_set *set, size_t k, bench_may_fn may, void *ctx,
                            int threads, bench_truth *out, kin_error *err)
{
    struct finding find = {.set = set, .out = out, .may = may, .ctx = ctx};
    size_t total;
    *out = (bench_truth){.query_count = set->query_count, .k = k};
    if (k == 0 || !kin_mul_size(k, set->query_count, &total))
        return kin_fail(err, KIN_E_ARG, NULL, "no right answers are asked for");
    out->hits = calloc(total, sizeof *out->hits);
    out->counts = calloc(set->query_count, sizeof *out->counts);
    kin_status status = out->hits != NULL && out->counts != NULL
                            ? find_all(&find, threads, err)
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the right answers");
    free(find.rows);
    free(find.scores);
    free(find.best);
    free(find.hits);
    if (status != KIN_OK)
        bench_truth_release(out);
    return status;
}

void bench_truth_release(bench_truth *truth)
{
    free(truth->hits);
    free(truth->counts);
    memset(truth, 0, sizeof *truth);
}

/* --- recall --- */

static bool was_given_before(const uint64_t *ids, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (ids[i] == ids[at])
            return true;
    return false;
}

static bool is_among(const kin_hit *hits, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (hits[i].id == id)
            return true;
    return false;
}

double bench_recall(const bench_set *set, const bench_truth *truth, size_t query,
                    const uint64_t *ids, size_t count, bench_may_fn may, void *ctx)
{
    const kin_hit *right = truth->hits + query * truth->k;
    size_t wanted = truth->counts[query], found = 0;
    float row[BENCH_DIM_MAX];
    if (wanted == 0)
        return 1;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= set->count || was_given_before(ids, i) ||
            (may != NULL && !may(ctx, query, ids[i])))
            continue;
        bool good = is_among(right, wanted, ids[i]);
        if (!good) { /* another as good as the last right one? */
            bench_set_read(set, ids[i], 1, row);
            good = score_exactly(set->queries + query * set->dim, row, set->dim) >=
                   right[wanted - 1].score - SCORE_TOLERANCE;
        }
        found += good;
    }
    return found < wanted ? (double)found / (double)wanted : 1;
}
