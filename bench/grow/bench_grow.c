/*
 * Sets of growing size: what their generation takes to build (time, memory foretold and measured,
 * bytes a vector), to open, and to search at recall 0.99, with queries that the set has not got.
 * Then the exponents: a build of n log n shows as a little more than 1, a scan as 1, a graph's search
 * as little more than 0.
 */
#include "bench_grow.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_line.h"
#include "corpus_index.h"
#include "filter_cell.h"
#include "power_law.h"
#include "report.h"

enum { SIZES_MAX = 16, K_DEFAULT = 10, QUERIES_DEFAULT = 500, SYNTHETIC_SIZE = 64 };
#define SIZE_MOST 1e9
#define DIM_MOST  65536.0

struct grow {
    double sizes[SIZES_MAX], dims[SIZES_MAX];
    size_t size_count, dim_count, queries, k, memory_max, seed;
    const char *file, *index_kind, *codec;
    double recall, seconds;
    bool json;
    json_t *rows, *exponents;
};

/* --- one size --- */

static kin_status measure_searches(const struct grow *grow, const bench_set *set,
                                   const bench_store *store, const bench_generation *generation,
                                   bench_answers *out, kin_error *err)
{
    bench_truth truth;
    kin_status status = bench_truth_find(set, grow->k, NULL, NULL, 0, &truth, err);
    if (status != KIN_OK)
        return status;
    size_t *queries = calloc(set->query_count, sizeof *queries);
    const bench_cohort **none = calloc(set->query_count, sizeof *none);
    kin_corpus corpus = bench_corpus(store, generation, 1);
    const bench_cell cell = {set, &truth, grow->k, queries, set->query_count, none, NULL};
    if (queries == NULL || none == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for queries");
    for (size_t i = 0; status == KIN_OK && i < set->query_count; i++)
        queries[i] = i;
    if (status == KIN_OK)
        status = bench_cell_ask_kindred(&cell, &corpus, NULL, grow->recall, true, grow->seconds,
                                        out, err);
    free(queries);
    free(none);
    bench_truth_release(&truth);
    return status;
}

static json_t *size_row(const bench_set *set, const bench_store *store,
                        const bench_generation *generation, const bench_answers *answers)
{
    double n = (double)set->count;
    json_t *row = json_pack(
        "{s:I, s:I, s:b, s:s, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:f}", "vectors",
        (json_int_t)set->count, "dim", (json_int_t)set->dim, "synthetic", set->synthetic,
        "index_kind", kin_index_kind_borrow(generation->index), "build_seconds",
        generation->build_seconds, "tune_seconds", generation->tune_seconds, "forecast_bytes",
        (json_int_t)generation->forecast_bytes, "peak_bytes", (json_int_t)generation->peak_bytes,
        "index_bytes", (json_int_t)generation->file_bytes, "index_bytes_a_vector",
        (double)generation->file_bytes / n, "store_bytes_a_vector", (double)store->bytes / n,
        "save_seconds", generation->save_seconds);
    json_t *searches =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:I}", "build_cpu_seconds",
                  generation->build_cpu_seconds, "open_seconds", generation->load_seconds,
                  "cold_open_seconds", generation->cold_load_seconds, "recall", answers->recall,
                  "per_second", answers->timing.per_second, "p50_us", answers->timing.p50, "p99_us",
                  answers->timing.p99, "by", answers->way, "queries", (json_int_t)answers->asked);
    json_object_update(row, searches);
    json_decref(searches);
    if (generation->cold_load_seconds < 0)
        json_object_del(row, "cold_open_seconds");
    return row;
}

static kin_status measure_size(struct grow *grow, size_t count, size_t dim, kin_error *err)
{
    char synthetic[SYNTHETIC_SIZE];
    bench_set set;
    bench_store store = {0};
    bench_generation generation = {0};
    bench_answers answers;
    const bench_set_options options = {
        .file = grow->file,
        .synthetic = grow->file == NULL ? synthetic : NULL,
        .count = count,
        .query_count = grow->queries,
        .seed = grow->seed,
    };
    const bench_generation_wish wish = {
        .kind = grow->index_kind, .memory_max = grow->memory_max, .tune = true};
    snprintf(synthetic, sizeof synthetic, "%zu,%zu", count, dim);
    bench_say("%zu vectors: store", count);
    kin_status status = bench_set_open(&options, &set, err);
    if (status != KIN_OK)
        return status;
    status = bench_store_make(&set, grow->codec, &store, err);
    bench_say("%zu vectors: index", count);
    if (status == KIN_OK)
        status = bench_generation_make(&store, &wish, &generation, err);
    bench_say("%zu vectors: searches", count);
    if (status == KIN_OK)
        status = measure_searches(grow, &set, &store, &generation, &answers, err);
    if (status == KIN_OK)
        json_array_append_new(grow->rows, size_row(&set, &store, &generation, &answers));
    bench_generation_release(&generation);
    bench_store_release(&store);
    bench_set_close(&set);
    return status;
}

/* --- exponents --- */

/* Of the first row's dimensions, the row of most vectors. */
static const json_t *largest_row(const struct grow *grow)
{
    size_t index;
    const json_t *row, *largest = json_array_get(grow->rows, 0);
    json_int_t dim = json_integer_value(json_object_get(largest, "dim"));
    json_array_foreach(grow->rows, index, row)
    {
        if (json_integer_value(json_object_get(row, "dim")) == dim &&
            json_integer_value(json_object_get(row, "vectors")) >
                json_integer_value(json_object_get(largest, "vectors")))
            largest = row;
    }
    return largest;
}

/* Over the rows of the same dimensions and kind of index as the largest: others would tell of
 * those. */
static void fit(struct grow *grow, const char *key, const char *name)
{
    double x[SIZES_MAX], y[SIZES_MAX];
    size_t count = 0, index;
    const json_t *row, *largest = largest_row(grow);
    json_t *dim = json_object_get(largest, "dim"), *kind = json_object_get(largest, "index_kind");
    bench_power_law law;
    json_array_foreach(grow->rows, index, row)
    {
        if (!json_equal(json_object_get(row, "dim"), dim) ||
            !json_equal(json_object_get(row, "index_kind"), kind))
            continue;
        x[count] = (double)json_integer_value(json_object_get(row, "vectors"));
        y[count++] = json_number_value(json_object_get(row, key));
    }
    if (bench_power_law_fit(x, y, count, &law))
        json_array_append_new(grow->exponents,
                              json_pack("{s:s, s:f, s:f, s:I, s:O, s:O}", "of", name, "exponent",
                                        law.exponent, "r_squared", law.fit, "sizes",
                                        (json_int_t)count, "dim", dim, "index_kind", kind));
}

static kin_status run(struct grow *grow, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < grow->size_count; i++)
        status =
            measure_size(grow, (size_t)grow->sizes[i],
                         (size_t)grow->dims[i < grow->dim_count ? i : grow->dim_count - 1], err);
    if (status != KIN_OK)
        return status;
    fit(grow, "build_seconds", "build time");
    fit(grow, "build_cpu_seconds", "processor time of the build");
    fit(grow, "peak_bytes", "memory of the build");
    fit(grow, "open_seconds", "open time");
    fit(grow, "p50_us", "p50");
    fit(grow, "p99_us", "p99");
    return KIN_OK;
}

/* --- the report --- */

static void print_tables(const struct grow *grow, const json_t *machine)
{
    static const bench_column build_columns[] = {
        {"vectors", "vectors", BENCH_GROUPED, 0},
        {"dim", "dim", BENCH_NUMBER, 0},
        {"index_kind", "index", BENCH_TEXT, 0},
        {"build_seconds", "build s", BENCH_NUMBER, 2},
        {"build_cpu_seconds", "processor s", BENCH_NUMBER, 2},
        {"tune_seconds", "tune s", BENCH_NUMBER, 2},
        {"forecast_bytes", "memory foretold", BENCH_BYTES, 0},
        {"peak_bytes", "measured", BENCH_BYTES, 0},
        {"index_bytes", "file", BENCH_BYTES, 0},
        {"index_bytes_a_vector", "bytes/vector", BENCH_NUMBER, 1},
        {"store_bytes_a_vector", "store's", BENCH_NUMBER, 1},
        {"open_seconds", "open s", BENCH_NUMBER, 3},
        {"cold_open_seconds", "cold", BENCH_NUMBER, 3},
    };
    static const bench_column search_columns[] = {
        {"vectors", "vectors", BENCH_GROUPED, 0},
        {"dim", "dim", BENCH_NUMBER, 0},
        {"by", "way", BENCH_TEXT, 0},
        {"recall", "recall", BENCH_NUMBER, 4},
        {"per_second", "queries/s", BENCH_GROUPED, 0},
        {"p50_us", "p50 µs", BENCH_NUMBER, 1},
        {"p99_us", "p99 µs", BENCH_NUMBER, 1},
    };
    static const bench_column exponent_columns[] = {
        {"of", "of", BENCH_TEXT, 0},          {"exponent", "exponent", BENCH_NUMBER, 3},
        {"r_squared", "R²", BENCH_NUMBER, 3}, {"sizes", "sizes", BENCH_NUMBER, 0},
        {"dim", "dim", BENCH_NUMBER, 0},
    };
    char title[256];
    bench_machine_print(stdout, machine);
    snprintf(title, sizeof title, "\nBuilding (%s), all threads; store of %s",
             grow->file != NULL ? grow->file : "synthetic vectors, manifold",
             grow->codec != NULL ? grow->codec : "fp32");
    bench_table_print(stdout, title, grow->rows, build_columns,
                      sizeof build_columns / sizeof build_columns[0]);
    snprintf(title, sizeof title,
             "\nSearching at recall %g, k = %zu, one thread, queries that the set has not got",
             grow->recall, grow->k);
    bench_table_print(stdout, title, grow->rows, search_columns,
                      sizeof search_columns / sizeof search_columns[0]);
    bench_table_print(stdout, "\nGrowth: each as a power of the number of vectors", grow->exponents,
                      exponent_columns, sizeof exponent_columns / sizeof exponent_columns[0]);
}

static void report(const struct grow *grow)
{
    json_t *machine = bench_machine();
    if (!grow->json)
        print_tables(grow, machine);
    else
        bench_json_print(json_pack("{s:s, s:b, s:s?, s:s, s:f, s:I, s:O, s:O, s:O}", "benchmark",
                                   "grow", "synthetic", grow->file == NULL, "file", grow->file,
                                   "codec", grow->codec != NULL ? grow->codec : "fp32",
                                   "recall_asked", grow->recall, "k", (json_int_t)grow->k,
                                   "machine", machine, "sizes", grow->rows, "exponents",
                                   grow->exponents));
    json_decref(machine);
}

/* --- the command line --- */

static const char usage[] =
    "usage: kindred-bench grow [OPTIONS] [FILE]\n"
    "  Build, memory, open and search over growing numbers of vectors, and the exponents.  FILE: "
    "of\n"
    "  which the first so many are taken; without one: synthetic sets.\n"
    "  --sizes LIST   (1e4,1e5,1e6,1e7)\n"
    "  --dims LIST    of the sizes in turn; the last goes on (256,256,256,96)\n"
    "  --index KIND (auto)  --codec CODEC (fp32)  --memory BYTES (half of the machine's)\n"
    "  --recall R (0.99)  --k N (10)  --query-count N (500)\n"
    "  --seconds S    for each size's searches, at least each query once (2)\n"
    "  --seed N  --json\n";

static bool take(struct grow *grow, int key, const char *text)
{
    size_t count;
    switch (key) {
    case 'z':
        return bench_parse_list(text, SIZE_MOST, SIZES_MAX, grow->sizes, &grow->size_count);
    case 'd':
        return bench_parse_list(text, DIM_MOST, SIZES_MAX, grow->dims, &grow->dim_count);
    case 'i':
        grow->index_kind = text;
        return true;
    case 'c':
        grow->codec = text;
        return true;
    case 'm':
        return bench_parse_count(text, &grow->memory_max);
    case 'l':
        return bench_parse_list(text, 1, 1, &grow->recall, &count);
    case 'k':
        return bench_parse_count(text, &grow->k);
    case 'q':
        return bench_parse_count(text, &grow->queries);
    case 's':
        return bench_parse_seconds(text, &grow->seconds);
    case 'e':
        return bench_parse_count(text, &grow->seed);
    case 'j':
        grow->json = true;
        return true;
    default:
        return false;
    }
}

static bool parse(struct grow *grow, int argc, char **argv)
{
    static const struct option options[] = {
        {"sizes", required_argument, NULL, 'z'},   {"dims", required_argument, NULL, 'd'},
        {"index", required_argument, NULL, 'i'},   {"codec", required_argument, NULL, 'c'},
        {"memory", required_argument, NULL, 'm'},  {"recall", required_argument, NULL, 'l'},
        {"k", required_argument, NULL, 'k'},       {"query-count", required_argument, NULL, 'q'},
        {"seconds", required_argument, NULL, 's'}, {"seed", required_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'},          {0}};
    bool good = true;
    for (int key; good && (key = getopt_long(argc, argv, "", options, NULL)) != -1;)
        good = take(grow, key, optarg);
    if (optind < argc)
        grow->file = argv[optind];
    return good && argc - optind <= 1;
}

int bench_grow_main(int argc, char **argv)
{
    struct grow grow = {
        .sizes = {1e4, 1e5, 1e6, 1e7},
        .size_count = 4,
        .dims = {256, 256, 256, 96},
        .dim_count = 4,
        .queries = QUERIES_DEFAULT,
        .k = K_DEFAULT,
        .recall = KIN_RECALL_DEFAULT,
        .seconds = 2,
    };
    kin_error err = {0};
    if (!parse(&grow, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    grow.rows = json_array();
    grow.exponents = json_array();
    kin_status status = run(&grow, &err);
    if (status == KIN_OK)
        report(&grow);
    else
        bench_complain(&err);
    json_decref(grow.rows);
    json_decref(grow.exponents);
    return status == KIN_OK ? 0 : 1;
}
