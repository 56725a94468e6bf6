#include "scan_batch.h"

#include <cblas.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

enum { SMALL_BLOCK = 1024, LARGE_BLOCK = 8192, WARM_CALLS = 1 };

struct batch {
    const bench_scan *scan;
    const bench_store *store;
    kin_corpus corpus;
    float *queries; /* count of them, packed */
    size_t count, k, *found;
    kin_hit *hits; /* count * k */
    /* Of OpenBLAS's way: */
    size_t block; /* rows multiplied at once */
    bool select;  /* the best k afterwards, else the product alone */
    atomic_size_t next;
    _Atomic kin_status failed;
    kin_topk *merged; /* count of them, over hits */
    atomic_flag merging;
};

/* --- OpenBLAS --- */

static void multiply(const struct batch *batch, const float *rows, size_t stride, size_t count,
                     float *scores)
{
    const blasint dim = (blasint)batch->store->dim, n = (blasint)count;
    if (batch->count == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, dim, 1, rows, (blasint)stride, batch->queries,
                    1, 0, scores, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)batch->count, n, dim, 1,
                    batch->queries, dim, rows, (blasint)stride, 0, scores, n);
}

/* One thread's share: whichever block is next, into heaps of its own. */
static kin_status work(struct batch *batch, float *scores, kin_topk *heaps)
{
    size_t stride = kin_segments_stride(batch->store->segments) / sizeof(float), at;
    while ((at = atomic_fetch_add(&batch->next, batch->block)) < batch->store->count) {
        const void *run;
        size_t end =
            at + batch->block < batch->store->count ? at + batch->block : batch->store->count;
        for (size_t first = at, count; first < end; first += count) {
            kin_status status =
                kin_rows_run(batch->store->rows, first, end - first, &run, &count, NULL);
            if (status != KIN_OK)
                return status;
            multiply(batch, run, stride, count, scores);
            for (size_t q = 0; batch->select && q < batch->count; q++)
                kin_topk_offer_run(&heaps[q], first, scores + q * count, count);
        }
    }
    return KIN_OK;
}

static void merge(struct batch *batch, const kin_topk *heaps)
{
    while (atomic_flag_test_and_set(&batch->merging))
        ;
    for (size_t q = 0; q < batch->count; q++)
        for (size_t i = 0; i < heaps[q].count; i++)
            kin_topk_offer(&batch->merged[q], heaps[q].hits[i].id, heaps[q].hits[i].score);
    atomic_flag_clear(&batch->merging);
}

static void work_one(void *ctx, size_t from, size_t to)
{
    struct batch *batch = ctx;
    (void)from; /* the loop's iterations are the threads */
    (void)to;
    float *scores = malloc(batch->count * batch->block * sizeof *scores);
    kin_topk *heaps = calloc(batch->count, sizeof *heaps);
    kin_hit *hits = calloc(batch->count * batch->k, sizeof *hits);
    kin_status status = KIN_E_NOMEM;
    if (scores != NULL && heaps != NULL && hits != NULL) {
        for (size_t q = 0; q < batch->count; q++)
            heaps[q] = (kin_topk){.hits = hits + q * batch->k, .capacity = batch->k};
        status = work(batch, scores, heaps);
        merge(batch, heaps);
    }
    if (status != KIN_OK)
        atomic_store(&batch->failed, status);
    free(scores);
    free(heaps);
    free(hits);
}

static kin_status ask_blas(void *ctx, size_t i, kin_error *err)
{
    struct batch *batch = ctx;
    int threads = batch->corpus.threads > 0 ? batch->corpus.threads : kin_cpu_count();
    (void)i;
    atomic_store(&batch->next, 0);
    for (size_t q = 0; q < batch->count; q++)
        batch->merged[q] = (kin_topk){.hits = batch->hits + q * batch->k, .capacity = batch->k};
    kin_parallel_for((size_t)threads, 1, threads, work_one, batch);
    for (size_t q = 0; q < batch->count; q++) {
        kin_topk_sort(&batch->merged[q]);
        batch->found[q] = batch->merged[q].count;
    }
    kin_status status = atomic_load(&batch->failed);
    return status == KIN_OK ? KIN_OK : kin_fail(err, status, NULL, "the product failed");
}

/* The better of two sizes of blocks. */
static kin_status time_blas(struct batch *batch, bool select, bench_timing *best, kin_error *err)
{
    static const size_t blocks[] = {SMALL_BLOCK, LARGE_BLOCK};
    kin_status status = KIN_OK;
    memset(best, 0, sizeof *best);
    batch->select = select;
    for (size_t b = 0; status == KIN_OK && b < 2; b++) {
        bench_timing timing = {0};
        batch->block = blocks[b];
        status = bench_timing_run(WARM_CALLS, 0, batch->scan->seconds / 2, ask_blas, batch, &timing,
                                  err);
        if (timing.per_second > best->per_second)
            *best = timing;
    }
    return status;
}

/* --- Kindred --- */

static kin_status ask_kindred(void *ctx, size_t i, kin_error *err)
{
    static const kin_members all = {NULL, NULL};
    struct batch *batch = ctx;
    (void)i;
    return kin_search_batch(&batch->corpus, batch->queries, batch->count, batch->k, &all,
                            batch->hits, batch->found, NULL, err);
}

/* Mean recall of what stands in hits: of both ways, since a fast wrong answer is none. */
static double recall_of(const struct batch *batch)
{
    const bench_set *set = batch->scan->set;
    uint64_t *ids = calloc(batch->k, sizeof *ids);
    double sum = 0;
    for (size_t q = 0; ids != NULL && q < batch->count; q++) {
        for (size_t i = 0; i < batch->found[q]; i++)
            ids[i] = batch->hits[q * batch->k + i].id;
        sum += bench_recall(set, batch->scan->truth, q % set->query_count, ids, batch->found[q],
                            NULL, NULL);
    }
    free(ids);
    return sum / (double)batch->count;
}

static kin_status measure(struct batch *batch, json_t *rows, kin_error *err)
{
    bench_timing ours, blas, product;
    double recall = 0, blas_recall = 0;
    kin_status status =
        bench_timing_run(WARM_CALLS, 0, batch->scan->seconds, ask_kindred, batch, &ours, err);
    if (status == KIN_OK) {
        recall = recall_of(batch);
        status = time_blas(batch, true, &blas, err);
    }
    if (status == KIN_OK) {
        blas_recall = recall_of(batch);
        status = time_blas(batch, false, &product, err);
    }
    if (status != KIN_OK)
        return status;
    double n = (double)batch->count;
    json_array_append_new(
        rows,
        json_pack("{s:I, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "batch",
                  (json_int_t)batch->count, "threads", batch->corpus.threads, "per_second",
                  n * ours.per_second, "blas_per_second", n * blas.per_second, "product_per_second",
                  n * product.per_second, "of_blas_percent",
                  100 * ours.per_second / blas.per_second, "of_product_percent",
                  100 * ours.per_second / product.per_second, "gflops",
                  2e-9 * n * ours.per_second * (double)(batch->store->count * batch->store->dim),
                  "recall", recall, "blas_recall", blas_recall));
    return KIN_OK;
}

kin_status bench_scan_batch(const bench_scan *scan, const bench_store *store, size_t batch_size,
                            int threads, json_t *rows, kin_error *err)
{
    const bench_set *set = scan->set;
    struct batch batch = {
        .scan = scan,
        .store = store,
        .corpus = bench_corpus(store, NULL, threads),
        .count = batch_size,
        .k = scan->k,
        .queries = calloc(batch_size, set->dim * sizeof *batch.queries),
        .found = calloc(batch_size, sizeof *batch.found),
        .hits = calloc(batch_size, scan->k * sizeof *batch.hits),
        .merged = calloc(batch_size, sizeof *batch.merged),
        .merging = ATOMIC_FLAG_INIT,
    };
    int blas_threads = openblas_get_num_threads();
    kin_status status = KIN_OK;
    if (batch.queries == NULL || batch.found == NULL || batch.hits == NULL || batch.merged == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a batch");
    for (size_t q = 0; status == KIN_OK && q < batch_size; q++)
        memcpy(batch.queries + q * set->dim, set->queries + q % set->query_count * set->dim,
               set->dim * sizeof *batch.queries);
    openblas_set_num_threads(1);
    if (status == KIN_OK)
        status = measure(&batch, rows, err);
    openblas_set_num_threads(blas_threads);
    free(batch.queries);
    free(batch.found);
    free(batch.hits);
    free(batch.merged);
    return status;
}
