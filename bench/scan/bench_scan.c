/*
 * How near the exact scan comes to what the machine's memory gives, and a batch of queries to what
 * OpenBLAS's matrix product gives: all in one run, since only ratios within one run mean anything.
 *
 * Bandwidth is measured before and after the scans of each codec and the best of all counts: a scan
 * that shared the memory with something else shows as less, not as more.
 */
#include "bench_scan.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bandwidth.h"
#include "base/parallel.h"
#include "command_line.h"
#include "report.h"
#include "scan_batch.h"

enum {
    ROWS_DEFAULT = 1000000,
    DIM_DEFAULT = 256,
    QUERIES_DEFAULT = 100,
    K_DEFAULT = 10,
    BANDWIDTH_SIZE = 1 << 30,
    BANDWIDTH_TRIES = 5,
    THREAD_COUNTS = 2 /* one thread, and all that were asked for */
};

/* Overrides OpenBLAS's own choice, perhaps for the worse: then the comparison is not with its best. */
#define BLAS_CORE "OPENBLAS_CORETYPE"

struct scan {
    bench_set_options set_options;
    char synthetic[64];
    size_t rows, dim;
    int threads[THREAD_COUNTS], thread_counts;
    bool json;
    bench_scan shared;
    bench_set set;
    bench_truth truth;
    bench_generation generation;
    double bandwidth[THREAD_COUNTS];
    const char *loops[THREAD_COUNTS];
    json_t *machine, *scans, *batches;
};

/* --- measuring --- */

static kin_status measure_bandwidth(struct scan *scan, kin_error *err)
{
    void *memory;
    kin_status status = bench_memory_map(BANDWIDTH_SIZE, &memory, err);
    if (status != KIN_OK)
        return status;
    for (int t = 0; t < scan->thread_counts; t++) {
        const char *loop = NULL;
        double rate =
            bench_bandwidth(memory, BANDWIDTH_SIZE, scan->threads[t], BANDWIDTH_TRIES, &loop);
        if (rate > scan->bandwidth[t]) {
            scan->bandwidth[t] = rate;
            scan->loops[t] = loop;
        }
    }
    bench_memory_unmap(memory, BANDWIDTH_SIZE);
    return KIN_OK;
}

static kin_status scan_batches(struct scan *scan, const bench_store *store, kin_error *err)
{
    static const size_t sizes[] = {1, 4, 16, 64, 256, 512};
    kin_status status = KIN_OK;
    for (int t = 0; t < scan->thread_counts; t++)
        for (size_t i = 0; status == KIN_OK && i < sizeof sizes / sizeof sizes[0]; i++)
            status = bench_scan_batch(&scan->shared, store, sizes[i], scan->threads[t],
                                      scan->batches, err);
    return status;
}

static kin_status scan_codec(struct scan *scan, const char *codec, kin_error *err)
{
    const bench_generation_wish flat = {.kind = "flat", .tune = true};
    bool floats = strcmp(codec, "fp32") == 0;
    bench_store store;
    bench_say("rows of %s: writing", codec);
    kin_status status = bench_store_make(&scan->set, codec, &store, err);
    if (status == KIN_OK && floats)
        status = bench_generation_make(&store, &flat, &scan->generation, err);
    bench_say("rows of %s: scanning", codec);
    for (int t = 0; status == KIN_OK && t < scan->thread_counts; t++)
        status = bench_scan_single(&scan->shared, &store,
                                   strcmp(codec, "int8") == 0 ? NULL : &scan->generation,
                                   scan->threads[t], scan->bandwidth[t], scan->scans, err);
    if (status == KIN_OK && floats)
        status = scan_batches(scan, &store, err);
    bench_store_release(&store);
    return status == KIN_OK ? measure_bandwidth(scan, err) : status;
}

/* Shares were of the bandwidth known then; the best came later, perhaps. */
static void settle_shares(struct scan *scan)
{
    size_t index;
    json_t *row;
    json_array_foreach(scan->scans, index, row)
    {
        int t = json_integer_value(json_object_get(row, "threads")) == scan->threads[0] ? 0 : 1;
        double rate = 1e9 * json_number_value(json_object_get(row, "gb_per_second"));
        json_object_set_new(row, "share_percent", json_real(100 * rate / scan->bandwidth[t]));
    }
}

static kin_status run(struct scan *scan, kin_error *err)
{
    static const char *const codecs[] = {"fp32", "fp16", "int8"};
    bench_say("making vectors and the right answers");
    kin_status status = bench_set_open(&scan->set_options, &scan->set, err);
    if (status == KIN_OK)
        status = bench_truth_find(&scan->set, scan->shared.k, NULL, NULL, 0, &scan->truth, err);
    if (status == KIN_OK)
        status = measure_bandwidth(scan, err);
    scan->shared.set = &scan->set;
    scan->shared.truth = &scan->truth;
    scan->machine = bench_machine();
    scan->scans = json_array();
    scan->batches = json_array();
    for (size_t i = 0; status == KIN_OK && i < sizeof codecs / sizeof codecs[0]; i++)
        status = scan_codec(scan, codecs[i], err);
    if (status == KIN_OK)
        settle_shares(scan);
    return status;
}

/* --- the report --- */

static json_t *bandwidth_rows(const struct scan *scan)
{
    json_t *rows = json_array();
    for (int t = 0; t < scan->thread_counts; t++)
        json_array_append_new(rows, json_pack("{s:i, s:f, s:s}", "threads", scan->threads[t],
                                              "gb_per_second", scan->bandwidth[t] / 1e9, "loop",
                                              scan->loops[t]));
    return rows;
}

static void print_tables(const struct scan *scan, const json_t *bandwidth)
{
    static const bench_column bandwidth_columns[] = {
        {"threads", "threads", BENCH_NUMBER, 0},
        {"gb_per_second", "GB/s", BENCH_NUMBER, 1},
        {"loop", "best read loop", BENCH_TEXT, 0},
    };
    static const bench_column scan_columns[] = {
        {"codec", "rows", BENCH_TEXT, 0},
        {"what", "what", BENCH_TEXT, 0},
        {"threads", "threads", BENCH_NUMBER, 0},
        {"per_second", "queries/s", BENCH_NUMBER, 1},
        {"p50_ms", "p50 ms", BENCH_NUMBER, 2},
        {"p99_ms", "p99 ms", BENCH_NUMBER, 2},
        {"gb_per_second", "GB/s", BENCH_NUMBER, 1},
        {"share_percent", "% of bandwidth", BENCH_NUMBER, 1},
        {"recall", "recall", BENCH_NUMBER, 4},
    };
    static const bench_column batch_columns[] = {
        {"batch", "batch", BENCH_NUMBER, 0},
        {"threads", "threads", BENCH_NUMBER, 0},
        {"per_second", "queries/s", BENCH_GROUPED, 0},
        {"gflops", "GFLOP/s", BENCH_NUMBER, 1},
        {"blas_per_second", "OpenBLAS + top-k", BENCH_GROUPED, 0},
        {"product_per_second", "product alone", BENCH_GROUPED, 0},
        {"of_blas_percent", "% of both", BENCH_NUMBER, 1},
        {"of_product_percent", "% of product", BENCH_NUMBER, 1},
        {"recall", "recall", BENCH_NUMBER, 4},
    };
    char title[256];
    bench_machine_print(stdout, scan->machine);
    if (getenv(BLAS_CORE) != NULL)
        printf("OpenBLAS's kernels were chosen from outside (%s=%s), not by the processor\n",
               BLAS_CORE, getenv(BLAS_CORE));
    snprintf(title, sizeof title, "\nMemory read from front to back, %d MB on huge pages",
             BANDWIDTH_SIZE >> 20);
    bench_table_print(stdout, title, bandwidth, bandwidth_columns,
                      sizeof bandwidth_columns / sizeof bandwidth_columns[0]);
    snprintf(title, sizeof title, "\nOne query over %s, k = %zu (GB/s by the median)",
             scan->set.title, scan->shared.k);
    bench_table_print(stdout, title, scan->scans, scan_columns,
                      sizeof scan_columns / sizeof scan_columns[0]);
    snprintf(title, sizeof title, "\nBatches over the same, fp32, beside OpenBLAS");
    bench_table_print(stdout, title, scan->batches, batch_columns,
                      sizeof batch_columns / sizeof batch_columns[0]);
}

static void report(const struct scan *scan)
{
    json_t *bandwidth = bandwidth_rows(scan);
    if (!scan->json)
        print_tables(scan, bandwidth);
    else
        bench_json_print(json_pack("{s:s, s:s, s:b, s:I, s:s?, s:O, s:O, s:O, s:O}", "benchmark",
                                   "scan", "set", scan->set.title, "synthetic", scan->set.synthetic,
                                   "k", (json_int_t)scan->shared.k, "openblas_core_set",
                                   getenv(BLAS_CORE), "machine", scan->machine, "bandwidth",
                                   bandwidth, "scans", scan->scans, "batches", scan->batches));
    json_decref(bandwidth);
}

static void release(struct scan *scan)
{
    bench_generation_release(&scan->generation);
    bench_truth_release(&scan->truth);
    bench_set_close(&scan->set);
    json_decref(scan->machine);
    json_decref(scan->scans);
    json_decref(scan->batches);
}

/* --- the command line --- */

static const char usage[] =
    "usage: kindred-bench scan [OPTIONS] [FILE]\n"
    "  The memory's bandwidth; exact scans of fp32, fp16 and int8 rows beside it; batches beside\n"
    "  OpenBLAS.  FILE: .npy, .fvecs, .bvecs; without one: a synthetic set.\n"
    "  --rows N      at most so many vectors (1000000)\n"
    "  --dim N       of the synthetic set (256)\n"
    "  --threads N   besides one (all)\n"
    "  --queries N   for recall (100)\n"
    "  --seconds S   for each measurement (1)\n"
    "  --seed N      of the synthetic set\n"
    "  --json        for machines\n";

static bool parse(struct scan *scan, int argc, char **argv)
{
    static const struct option options[] = {
        {"rows", required_argument, NULL, 'r'},    {"dim", required_argument, NULL, 'd'},
        {"threads", required_argument, NULL, 't'}, {"queries", required_argument, NULL, 'q'},
        {"seconds", required_argument, NULL, 's'}, {"seed", required_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'},          {0}};
    size_t threads = (size_t)kin_cpu_count(), seed = 0;
    bool good = true;
    for (int key; good && (key = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        scan->json = scan->json || key == 'j';
        good = key == 'j' || (key == 'r' && bench_parse_count(optarg, &scan->rows)) ||
               (key == 'd' && bench_parse_count(optarg, &scan->dim)) ||
               (key == 't' && bench_parse_count(optarg, &threads)) ||
               (key == 'q' && bench_parse_count(optarg, &scan->set_options.query_count)) ||
               (key == 's' && bench_parse_seconds(optarg, &scan->shared.seconds)) ||
               (key == 'e' && bench_parse_count(optarg, &seed));
    }
    if (!good || argc - optind > 1)
        return false;
    scan->threads[0] = 1;
    scan->threads[1] = (int)threads;
    scan->thread_counts = threads > 1 ? 2 : 1;
    scan->set_options.seed = seed;
    scan->set_options.count = scan->rows;
    if (optind < argc)
        scan->set_options.file = argv[optind];
    else
        scan->set_options.synthetic = scan->synthetic;
    snprintf(scan->synthetic, sizeof scan->synthetic, "%zu,%zu", scan->rows, scan->dim);
    return true;
}

int bench_scan_main(int argc, char **argv)
{
    struct scan scan = {
        .rows = ROWS_DEFAULT,
        .dim = DIM_DEFAULT,
        .set_options = {.query_count = QUERIES_DEFAULT},
        .shared = {.k = K_DEFAULT, .seconds = 1},
    };
    kin_error err = {0};
    if (!parse(&scan, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    kin_status status = run(&scan, &err);
    if (status == KIN_OK)
        report(&scan);
    else
        bench_complain(&err);
    release(&scan);
    return status == KIN_OK ? 0 : 1;
}
