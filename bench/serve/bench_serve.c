/*
 * What a gRPC service costs beside the search itself, and whether its answers stay right while the
 * archive changes under it.
 *
 * Works on a copy of the archive.  The right answers are the exact ones, computed here without a
 * server.  Then a kindredd is asked by closed-loop clients: by vector and by image, by 1, 4 and 16;
 * by 4 while files are ingested; and by 4 across reindexes by another process.
 */
#include "bench_serve.h"

#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "load.h"
#include "scratch.h"
#include "server_process.h"

enum { QUERIES_MAX = 512, CLIENT_COUNTS_MAX = 8, PHASES_MAX = 32, SWAPS_DEFAULT = 20 };
#define SECONDS_DEFAULT 5.0

/* One row of the table. */
struct phase {
    char name[64];
    int clients;
    bench_figures figures;
};

struct bench {
    const char *source,
        *ingest; /* the archive; files for the ingest beside the searches, or NULL */
    double seconds;
    int client_counts[CLIENT_COUNTS_MAX], client_count_count, swaps;
    bool json;
    char folder[BENCH_SCRATCH_SIZE], copy[PATH_MAX];
    bench_query vectors[QUERIES_MAX], images[QUERIES_MAX];
    size_t vector_count, image_count;
    uint64_t rows; /* ids before the load */
    kin_archive_stats stats;
    bench_server server;
    char target[64];
    struct phase phases[PHASES_MAX];
    int phase_count;
    uint64_t peak_bytes;
};

/* --- queries and their right answers --- */

struct sampling {
    kin_record *records;
    size_t count, seen, every;
};

static int take_record(void *ctx, const kin_record *record)
{
    struct sampling *sampling = ctx;
    if (sampling->seen++ % sampling->every == 0 && sampling->count < QUERIES_MAX &&
        kin_record_copy(record, &sampling->records[sampling->count], NULL) == KIN_OK)
        sampling->count++;
    return 0;
}

static kin_status answer_exactly(kin_archive *archive, const kin_query *query, bench_query *out,
                                 kin_error *err)
{
    const kin_search_options options = {.k = BENCH_K, .exact = true};
    kin_results results;
    kin_status status = kin_archive_search(archive, query, &options, &results, err);
    if (status != KIN_OK)
        return status;
    out->right_count = results.count;
    for (size_t i = 0; i < results.count; i++) {
        out->right[i] = results.items[i].record.id;
        out->scores[i] = results.items[i].score;
    }
    kin_results_release(&results);
    return KIN_OK;
}

static void init_request(bench_query *query)
{
    kindred__v1__search_request__init(&query->request);
    query->request.k = BENCH_K;
    query->request.explain = true;
}

static kin_status add_vector(struct bench *bench, kin_archive *archive, const kin_record *record,
                             kin_error *err)
{
    bench_query *out = &bench->vectors[bench->vector_count];
    size_t dim = kin_archive_dim(archive);
    char model[17];
    kin_query query = {0};
    float *values = malloc(dim * sizeof *values);
    if (values == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a query");
    out->bytes = values;
    init_request(out);
    kindred__v1__vector__init(&out->vector);
    out->vector.values = values;
    out->vector.n_values = dim;
    out->request.query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_VECTOR;
    out->request.vector = &out->vector;
    bench->vector_count++;
    kin_status status = kin_archive_embeddings(archive, &record->id, 1, values, model, err);
    if (status == KIN_OK)
        status = kin_query_from_vector(archive, values, dim, "", &query, err);
    if (status == KIN_OK)
        status = answer_exactly(archive, &query, out, err);
    kin_query_release(&query);
    return status;
}

/* Files that are not there any more are passed over. */
static kin_status add_image(struct bench *bench, kin_archive *archive, kin_decoder *decoder,
                            const kin_record *record, kin_error *err)
{
    bench_query *out = &bench->images[bench->image_count];
    char scratch[KIN_RECORD_SCRATCH];
    const char *format = kin_record_value(record, "format", scratch);
    bool dicom = format != NULL && strcmp(format, "dicom") == 0;
    kin_query query = {0};
    size_t size;
    if (record->frame != 0 ||
        kin_fs_read_file(kin_fs_posix(), record->path, 3 << 20, &out->bytes, &size, NULL) != KIN_OK)
        return KIN_OK;
    init_request(out);
    if (dicom) {
        out->request.query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_DICOM;
        out->request.dicom = (ProtobufCBinaryData){size, out->bytes};
    } else {
        out->request.query_case = KINDRED__V1__SEARCH_REQUEST__QUERY_IMAGE;
        out->request.image = (ProtobufCBinaryData){size, out->bytes};
    }
    bench->image_count++;
    kin_status status =
        kin_query_from_bytes(archive, decoder, out->bytes, size, dicom ? "query.dcm" : "query.png",
                             0, NULL, &query, err);
    if (status == KIN_OK)
        status = answer_exactly(archive, &query, out, err);
    kin_query_release(&query);
    return status;
}

static kin_status make_queries(struct bench *bench, kin_archive *archive, kin_error *err)
{
    struct sampling sampling = {.every = 1 + bench->stats.images / QUERIES_MAX};
    kin_decoder *decoder = NULL;
    sampling.records = calloc(QUERIES_MAX, sizeof *sampling.records);
    kin_status status = sampling.records != NULL
                            ? KIN_OK
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a sample");
    if (status == KIN_OK)
        status = kin_archive_each_record(archive, NULL, take_record, &sampling, err);
    if (status == KIN_OK)
        status = kin_decoder_new(NULL, kin_archive_features_borrow(archive), NULL, &decoder, err);
    for (size_t i = 0; status == KIN_OK && i < sampling.count; i++) {
        status = add_vector(bench, archive, &sampling.records[i], err);
        if (status == KIN_OK)
            status = add_image(bench, archive, decoder, &sampling.records[i], err);
    }
    kin_decoder_free(decoder);
    kin_records_free(sampling.records, sampling.count);
    if (status == KIN_OK && bench->vector_count == 0)
        status = kin_fail(err, KIN_E_NOT_FOUND, bench->source, "the archive has no images");
    return status;
}

/* Copies the archive, and computes the right answers on the copy. */
static kin_status prepare(struct bench *bench, kin_error *err)
{
    kin_archive *archive = NULL;
    kin_status status = bench_scratch_make(bench->folder, err);
    if (status != KIN_OK)
        return status;
    snprintf(bench->copy, sizeof bench->copy, "%s/archive", bench->folder);
    status = kin_archive_open(kin_fs_posix(), bench->source, &archive, err);
    if (status == KIN_OK)
        status = kin_archive_backup(archive, bench->copy, err);
    kin_archive_close(archive);
    archive = NULL;
    if (status == KIN_OK)
        status = kin_archive_open(kin_fs_posix(), bench->copy, &archive, err);
    if (status == KIN_OK)
        status = kin_archive_stats_read(archive, &bench->stats, err);
    if (status == KIN_OK)
        status = make_queries(bench, archive, err);
    bench->rows = bench->stats.rows;
    kin_archive_close(archive);
    return status;
}

/* --- the phases --- */

static kin_status run_phase(struct bench *bench, const char *name, bool by_image, int clients,
                            atomic_bool *until, kin_error *err)
{
    if (bench->phase_count == PHASES_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "more than %d phases", PHASES_MAX);
    struct phase *phase = &bench->phases[bench->phase_count];
    const bench_load load = {
        .target = bench->target,
        .queries = by_image ? bench->images : bench->vectors,
        .query_count = by_image ? bench->image_count : bench->vector_count,
        .first_new_id = bench->rows,
        .clients = clients,
        .seconds = bench->seconds,
        .until = until,
    };
    if (load.query_count == 0) /* the images' files are gone */
        return KIN_OK;
    snprintf(phase->name, sizeof phase->name, "%s", name);
    phase->clients = clients;
    bench->phase_count++;
    return bench_load_run(&load, &phase->figures, err);
}

/* Something that goes on beside the load, on a thread of its own. */
struct beside {
    struct bench *bench;
    atomic_bool over;
    kin_status status;
    kin_error err;
};

static void *ingest_files(void *ctx)
{
    struct beside *beside = ctx;
    char *argv[] = {
        "kindred", "--remote", beside->bench->target, "ingest", (char *)beside->bench->ingest,
        NULL};
    beside->status = bench_run(argv, &beside->err);
    atomic_store(&beside->over, true);
    return NULL;
}

static void *swap_generations(void *ctx)
{
    static char *const kinds[] = {"hnsw", "flat"};
    struct beside *beside = ctx;
    for (int i = 0; beside->status == KIN_OK && i < beside->bench->swaps; i++) {
        char *argv[] = {"kindred",      "-a",      beside->bench->copy, "reindex",
                        "--keep-model", "--index", kinds[i % 2],        NULL};
        beside->status = bench_run(argv, &beside->err);
    }
    atomic_store(&beside->over, true);
    return NULL;
}

static kin_status run_beside(struct bench *bench, const char *name, void *(*work)(void *),
                             kin_error *err)
{
    struct beside beside = {.bench = bench};
    pthread_t thread;
    atomic_init(&beside.over, false);
    if (pthread_create(&thread, NULL, work, &beside) != 0)
        return kin_fail_errno(err, NULL, "cannot start a thread");
    kin_status status = run_phase(bench, name, false, 4, &beside.over, err);
    pthread_join(thread, NULL);
    if (status == KIN_OK && beside.status != KIN_OK) {
        *err = beside.err;
        status = beside.status;
    }
    return status;
}

/* What gRPC itself takes, in the same run: the measure of what is outside a search. */
static kin_status run_floor(struct bench *bench, kin_error *err)
{
    struct phase *phase = &bench->phases[bench->phase_count++];
    snprintf(phase->name, sizeof phase->name, "an empty call (health)");
    phase->clients = 1;
    return bench_floor_run(bench->target, bench->seconds, &phase->figures, err);
}

static kin_status run_phases(struct bench *bench, kin_error *err)
{
    char name[64];
    kin_status status = run_floor(bench, err);
    for (int by_image = 0; by_image <= 1; by_image++)
        for (int i = 0; status == KIN_OK && i < bench->client_count_count; i++)
            status = run_phase(bench, by_image ? "by image" : "by vector", by_image,
                               bench->client_counts[i], NULL, err);
    if (status == KIN_OK && bench->ingest != NULL)
        status = run_beside(bench, "by vector, beside an ingest", ingest_files, err);
    snprintf(name, sizeof name, "by vector, across %d swaps", bench->swaps);
    if (status == KIN_OK && bench->swaps > 0)
        status = run_beside(bench, name, swap_generations, err);
    return status;
}

static kin_status serve(struct bench *bench, kin_error *err)
{
    kin_status status = bench_server_start(bench->copy, bench->folder, &bench->server, err);
    if (status != KIN_OK)
        return status;
    snprintf(bench->target, sizeof bench->target, "127.0.0.1:%d", bench->server.port);
    status = run_phases(bench, err);
    bench->peak_bytes = bench_server_peak(&bench->server);
    kin_status stopped = bench_server_stop(&bench->server, status == KIN_OK ? err : NULL);
    return status == KIN_OK ? stopped : status;
}

/* --- the report --- */

static void print_table(const struct bench *bench)
{
    printf("%llu images, %s index, %zu dimensions; k = %d; right answers are the exact ones\n",
           (unsigned long long)bench->stats.images, bench->stats.index_kind, bench->stats.dim,
           BENCH_K);
    printf("%-30s %7s %9s %9s %8s %8s %10s %8s %7s %6s\n", "load", "clients", "answers", "per s",
           "p50 ms", "p99 ms", "search p50", "outside", "failed", "wrong");
    for (int i = 0; i < bench->phase_count; i++) {
        const struct phase *phase = &bench->phases[i];
        const bench_figures *f = &phase->figures;
        printf("%-30s %7d %9zu %9.0f %8.3f %8.3f %10.3f %7.1f%% %7zu %6zu\n", phase->name,
               phase->clients, f->answers, (double)f->answers / f->seconds, f->p50, f->p99,
               f->search_p50, 100 * f->outside_p50, f->failed, f->wrong);
        if (f->first_failure[0] != '\0')
            printf("    first: %s\n", f->first_failure);
    }
    printf("peak memory of kindredd: %.1f MB\n", (double)bench->peak_bytes / 1e6);
}

static void print_json(const struct bench *bench)
{
    json_t *list = json_array();
    for (int i = 0; i < bench->phase_count; i++) {
        const struct phase *phase = &bench->phases[i];
        const bench_figures *f = &phase->figures;
        json_array_append_new(
            list, json_pack("{s:s, s:i, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "load",
                            phase->name, "clients", phase->clients, "answers",
                            (json_int_t)f->answers, "per_second", (double)f->answers / f->seconds,
                            "p50_ms", f->p50, "p99_ms", f->p99, "worst_ms", f->worst,
                            "search_p50_ms", f->search_p50, "outside_share_p50", f->outside_p50,
                            "failed", (json_int_t)f->failed, "wrong", (json_int_t)f->wrong));
    }
    json_t *report = json_pack("{s:I, s:s, s:I, s:o}", "images", (json_int_t)bench->stats.images,
                               "index_kind", bench->stats.index_kind, "peak_bytes",
                               (json_int_t)bench->peak_bytes, "loads", list);
    json_dumpf(report, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(report);
}

static bool all_right(const struct bench *bench)
{
    for (int i = 0; i < bench->phase_count; i++)
        if (bench->phases[i].figures.failed > 0 || bench->phases[i].figures.wrong > 0)
            return false;
    return true;
}

static void clean_up(struct bench *bench)
{
    for (size_t i = 0; i < QUERIES_MAX; i++) {
        free(bench->vectors[i].bytes);
        free(bench->images[i].bytes);
    }
    bench_scratch_remove(bench->folder);
    free(bench);
}

static void read_client_counts(struct bench *bench, const char *text)
{
    bench->client_count_count = 0;
    for (char *end; *text != '\0' && bench->client_count_count < CLIENT_COUNTS_MAX;
         text = *end == ',' ? end + 1 : end) {
        long count = strtol(text, &end, 10);
        if (end == text)
            return;
        bench->client_counts[bench->client_count_count++] = (int)count;
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: kindred-bench serve [--seconds S] [--clients 1,4,16] [--ingest PATH] "
                    "[--swaps N] [--json] ARCHIVE\n");
    return 2;
}

int bench_serve(int argc, char **argv)
{
    static const struct option options[] = {
        {"seconds", required_argument, NULL, 's'}, {"clients", required_argument, NULL, 'c'},
        {"ingest", required_argument, NULL, 'i'},  {"swaps", required_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},          {0}};
    struct bench *bench = calloc(1, sizeof *bench);
    kin_error err = {0};
    if (bench == NULL)
        return 1;
    bench->seconds = SECONDS_DEFAULT;
    bench->swaps = SWAPS_DEFAULT;
    read_client_counts(bench, "1,4,16");
    int exit_code = 0;
    for (int key; exit_code == 0 && (key = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (key) {
        case 's':
            bench->seconds = strtod(optarg, NULL);
            break;
        case 'c':
            read_client_counts(bench, optarg);
            break;
        case 'i':
            bench->ingest = optarg;
            break;
        case 'w':
            bench->swaps = (int)strtol(optarg, NULL, 10);
            break;
        case 'j':
            bench->json = true;
            break;
        default:
            exit_code = usage();
        }
    }
    if (exit_code == 0 && (optind + 1 != argc || bench->client_count_count == 0))
        exit_code = usage();
    if (exit_code == 0) {
        bench->source = argv[optind];
        kin_status status = prepare(bench, &err);
        if (status == KIN_OK)
            status = serve(bench, &err);
        if (status != KIN_OK)
            fprintf(stderr, "kindred-bench: %s: %s\n", err.subject, err.message);
        else if (bench->json)
            print_json(bench);
        else
            print_table(bench);
        exit_code = status == KIN_OK && all_right(bench) ? 0 : 1;
    }
    clean_up(bench);
    return exit_code;
}
