#include "scan_single.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"

enum { BLOCK_ROWS = 1024, WARM_CALLS = 3 };

struct single {
    const bench_scan *scan;
    const bench_store *store;
    kin_corpus corpus;
    const char *way;
    const float *query;
    kin_probe *probe;
    _Atomic kin_status failed;
    kin_hit *hits;
    uint64_t *ids;
    bool recalls; /* adds up recall: on the first pass over the queries alone */
    double recall_sum;
    size_t recall_count;
};

/* --- the kernel alone --- */

static void score_block(void *ctx, size_t from, size_t to)
{
    struct single *single = ctx;
    float scores[BLOCK_ROWS];
    const void *run;
    for (size_t count; from < to; from += count) {
        kin_status status = kin_rows_run(single->store->rows, from, to - from, &run, &count, NULL);
        if (status != KIN_OK) {
            atomic_store(&single->failed, status);
            return;
        }
        kin_probe_score_rows(single->probe, run, count, scores);
    }
}

static kin_status ask_kernel(void *ctx, size_t i, kin_error *err)
{
    struct single *single = ctx;
    const bench_set *set = single->scan->set;
    const float *query = set->queries + i % set->query_count * set->dim;
    kin_status status =
        kin_probe_new(kin_rows_codec(single->store->rows), query, set->dim, &single->probe, err);
    if (status != KIN_OK)
        return status;
    kin_parallel_for(single->store->count, BLOCK_ROWS, single->corpus.threads, score_block, single);
    kin_probe_free(single->probe);
    status = atomic_load(&single->failed);
    return status == KIN_OK ? KIN_OK : kin_fail(err, status, NULL, "rows cannot be read");
}

/* --- as Kindred searches --- */

static kin_status ask_nearest(void *ctx, size_t i, kin_error *err)
{
    struct single *single = ctx;
    const bench_scan *scan = single->scan;
    const bench_set *set = scan->set;
    size_t query = i % set->query_count, found;
    const kin_ask ask = {
        .vector = set->queries + query * set->dim,
        .k = scan->k,
        .member_count = single->store->count,
        .way = single->way,
    };
    kin_search_plan plan;
    kin_status status = kin_search_nearest(&single->corpus, &ask, single->hits, &found, &plan, err);
    if (status != KIN_OK || !single->recalls)
        return status;
    for (size_t j = 0; j < found; j++)
        single->ids[j] = single->hits[j].id;
    single->recall_sum += bench_recall(set, scan->truth, query, single->ids, found, NULL, NULL);
    single->recall_count++;
    return KIN_OK;
}

/* Recall first, apart, so that judging takes no part in the time. */
static kin_status run_nearest(struct single *single, bench_timing *timing, kin_error *err)
{
    kin_status status = KIN_OK;
    single->recalls = true;
    for (size_t i = 0; status == KIN_OK && i < single->scan->set->query_count; i++)
        status = ask_nearest(single, i, err);
    single->recalls = false;
    return status == KIN_OK ? bench_timing_run(WARM_CALLS, 0, single->scan->seconds, ask_nearest,
                                               single, timing, err)
                            : status;
}

static void add_row(json_t *rows, const struct single *single, const char *what, uint64_t bytes,
                    const bench_timing *timing, double bandwidth)
{
    double rate = timing->p50 > 0 ? (double)bytes / (timing->p50 / 1e6) : 0;
    json_t *row =
        json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:I, s:f}", "what", what, "codec",
                  kin_codec_name_borrow(kin_rows_codec(single->store->rows)), "threads",
                  single->corpus.threads, "per_second", timing->per_second, "p50_ms",
                  timing->p50 / 1e3, "p99_ms", timing->p99 / 1e3, "gb_per_second", rate / 1e9,
                  "bytes_read", (json_int_t)bytes, "share_percent", 100 * rate / bandwidth);
    if (single->recall_count > 0)
        json_object_set_new(row, "recall",
                            json_real(single->recall_sum / (double)single->recall_count));
    json_array_append_new(rows, row);
}

static kin_status measure(struct single *single, const char *what, uint64_t bytes, double bandwidth,
                          json_t *rows, kin_error *err)
{
    bench_timing timing;
    single->recall_sum = 0;
    single->recall_count = 0;
    kin_status status = single->way == NULL ? bench_timing_run(WARM_CALLS, 0, single->scan->seconds,
                                                               ask_kernel, single, &timing, err)
                                            : run_nearest(single, &timing, err);
    if (status == KIN_OK)
        add_row(rows, single, what, bytes, &timing, bandwidth);
    return status;
}

kin_status bench_scan_single(const bench_scan *scan, const bench_store *store,
                             const bench_generation *generation, int threads, double bandwidth,
                             json_t *rows, kin_error *err)
{
    struct single single = {
        .scan = scan,
        .store = store,
        .corpus = bench_corpus(store, generation, threads),
        .hits = calloc(scan->k, sizeof *single.hits),
        .ids = calloc(scan->k, sizeof *single.ids),
    };
    uint64_t codes =
        (uint64_t)kin_codec_stride(kin_codec_int8, store->dim) * (uint64_t)store->count;
    kin_status status = single.hits != NULL && single.ids != NULL
                            ? KIN_OK
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for hits");
    if (status == KIN_OK)
        status = measure(&single, "kernel alone", store->bytes, bandwidth, rows, err);
    single.way = "scan";
    if (status == KIN_OK)
        status = measure(&single, "scan", store->bytes, bandwidth, rows, err);
    single.way = "two-stage scan";
    if (status == KIN_OK && generation != NULL)
        status = measure(&single, "two-stage: int8, then exactly", codes, bandwidth, rows, err);
    free(single.hits);
    free(single.ids);
    return status;
}
