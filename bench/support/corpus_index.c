#include "corpus_index.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "report.h"
#include "search/tune.h"

#define MODEL "bench"

/* What is being built from. */
struct source {
    const bench_store *store;
    uint64_t *ids;
    size_t count;
    float *buffer;
};

static const float *read_vector(void *ctx, size_t i, kin_error *err)
{
    struct source *source = ctx;
    const float *vector;
    return kin_rows_vector(source->store->rows, source->ids[i], source->buffer, &vector, err) ==
                   KIN_OK
               ? vector
               : NULL;
}

static kin_status source_open(const bench_store *store, const roaring_bitmap_t *gone,
                              struct source *out, kin_error *err)
{
    *out = (struct source){.store = store};
    out->ids = calloc(store->count, sizeof *out->ids);
    out->buffer = calloc(store->dim, sizeof *out->buffer);
    if (out->ids == NULL || out->buffer == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for row numbers");
    for (size_t row = 0; row < store->count; row++)
        if (gone == NULL || !roaring_bitmap_contains(gone, (uint32_t)row))
            out->ids[out->count++] = row;
    return KIN_OK;
}

static void source_close(struct source *source)
{
    free(source->ids);
    free(source->buffer);
}

/* Processor time of all threads so far. */
static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static kin_status build(const struct source *from, const bench_generation_wish *wish,
                        bench_generation *out, kin_error *err)
{
    const kin_index_options options = {
        .kind = wish->kind,
        .threads = wish->threads,
        .memory_max = wish->memory_max,
        .previous = wish->previous,
    };
    const kin_index_source source = {from->count, from->store->dim, from->ids, read_vector,
                                     (void *)from};
    kin_index_forecast forecast;
    kin_status status =
        kin_index_forecast_build(source.count, source.dim, &options, &forecast, err);
    if (status != KIN_OK)
        return status;
    out->forecast_bytes = forecast.peak_bytes;
    bool measured = bench_memory_peak_reset();
    size_t before = bench_memory_anonymous() + bench_memory_file();
    double began = kin_clock_monotonic(), cpu_began = cpu_seconds();
    status = kin_index_build(&source, &options, &out->index, &out->extended, err);
    out->build_seconds = kin_clock_monotonic() - began;
    out->build_cpu_seconds = cpu_seconds() - cpu_began;
    size_t peak = bench_memory_peak();
    out->peak_bytes = measured && peak > before ? peak - before : 0;
    return status;
}

static kin_status tune(const struct source *from, bench_generation *out, kin_error *err)
{
    const kin_tune_options options = {0};
    kin_tune_result result;
    kin_corpus corpus = bench_corpus(from->store, out, 1);
    roaring_bitmap_t *live = roaring_bitmap_create();
    if (live == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for row numbers");
    for (size_t i = 0; i < from->count; i++)
        roaring_bitmap_add(live, (uint32_t)from->ids[i]);
    double began = kin_clock_monotonic();
    kin_status status = kin_search_tune(&corpus, live, &options, &result, err);
    out->tune_seconds = kin_clock_monotonic() - began;
    if (status == KIN_OK)
        kin_index_set_tunings(out->index, result.tunings, result.count);
    roaring_bitmap_free(live);
    return status;
}

/* --- its file --- */

/* Drops a file's pages from memory; false where the system will not. */
static bool drop_pages(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool dropped = fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
    close(fd);
    return dropped;
}

static kin_status load(bench_generation *out, const char *path, double *seconds, kin_error *err)
{
    kin_index_free(out->index);
    out->index = NULL;
    double began = kin_clock_monotonic();
    kin_status status = kin_index_load(kin_fs_posix(), path, MODEL, &out->index, &out->rows, err);
    *seconds = kin_clock_monotonic() - began;
    return status;
}

static kin_status save_and_load(bench_generation *out, kin_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    uint64_t rows = out->rows;
    snprintf(path, sizeof path, "%s/1.index", out->folder);
    double began = kin_clock_monotonic();
    kin_status status = kin_index_save(out->index, kin_fs_posix(), path, MODEL, rows, err);
    out->save_seconds = kin_clock_monotonic() - began;
    if (status == KIN_OK && stat(path, &st) == 0)
        out->file_bytes = (uint64_t)st.st_size;
    kin_index_free(out->index); /* a mapping keeps its pages */
    out->index = NULL;
    bool cold = status == KIN_OK && drop_pages(path);
    out->cold_load_seconds = -1;
    if (status == KIN_OK && cold)
        status = load(out, path, &out->cold_load_seconds, err);
    return status == KIN_OK ? load(out, path, &out->load_seconds, err) : status;
}

kin_status bench_generation_make(const bench_store *store, const bench_generation_wish *wish,
                                 bench_generation *out, kin_error *err)
{
    struct source source = {0};
    memset(out, 0, sizeof *out);
    out->rows = store->count;
    kin_status status = bench_scratch_make(out->folder, err);
    if (status == KIN_OK)
        status = source_open(store, wish->gone, &source, err);
    if (status == KIN_OK)
        status = build(&source, wish, out, err);
    if (status == KIN_OK && wish->tune)
        status = tune(&source, out, err);
    if (status == KIN_OK)
        status = save_and_load(out, err);
    source_close(&source);
    return status;
}

void bench_generation_release(bench_generation *generation)
{
    if (generation->index != NULL)
        kin_index_free(generation->index);
    bench_scratch_remove(generation->folder);
    memset(generation, 0, sizeof *generation);
}

kin_corpus bench_corpus(const bench_store *store, const bench_generation *generation, int threads)
{
    return (kin_corpus){
        .rows = store->rows,
        .dim = store->dim,
        .index = generation != NULL ? generation->index : NULL,
        .index_rows = generation != NULL ? generation->rows : 0,
        .costs = &store->costs,
        .threads = threads,
    };
}
