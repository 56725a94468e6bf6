#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/parallel.h"
#include "index/kinds.h"

enum {
    BATCH_ROWS_MIN =
        4096,    /* added at a time, at least: FAISS makes a lock for every node at each call */
    BATCHES = 64 /* at most: progress is told between them */
};

/* Share of the progress that training is given. */
static const double training_share = 0.3;

static kin_status check_source(const kin_index_source *source, const struct index_kind *kind,
                               kin_error *err)
{
    if (source->dim == 0 || source->dim > KIN_INDEX_DIM_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "vectors of %zu floats cannot be indexed",
                        source->dim);
    if (source->count > KIN_INDEX_COUNT_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu vectors are too many for one index",
                        source->count);
    for (size_t i = 1; i < source->count; i++)
        if (source->ids[i] <= source->ids[i - 1])
            return kin_fail(err, KIN_E_ARG, NULL, "ids are not ascending");
    if (source->count < kind->count_min)
        return kin_fail(err, KIN_E_ARG, NULL, "an index of kind %s needs at least %zu vectors",
                        kind->name, kind->count_min);
    return KIN_OK;
}

/* Copies vectors first, first + step … (n of them) to `to`. */
static kin_status gather(const kin_index_source *source, size_t first, double step, size_t n,
                         float *to, kin_error *err)
{
    for (size_t i = 0; i < n; i++, to += source->dim) {
        size_t at = first + (size_t)((double)i * step);
        const float *vector = source->vector(source->ctx, at, err);
        if (vector == NULL)
            return err != NULL && err->code != KIN_OK ? err->code : KIN_E_IO;
        for (size_t d = 0; d < source->dim; d++)
            if (!isfinite(to[d] = vector[d]))
                return kin_fail(err, KIN_E_CORRUPT, NULL, "vector of row %llu is not finite",
                                (unsigned long long)source->ids[at]);
    }
    return KIN_OK;
}

static kin_status report(const kin_index_options *options, double done, kin_error *err)
{
    if (options->progress != NULL && options->progress(options->progress_ctx, done) != 0)
        return kin_fail(err, KIN_E_CANCELLED, NULL, "building the index was cancelled");
    return KIN_OK;
}

static float *rows_new(size_t count, size_t dim)
{
    size_t size;
    if (!kin_mul_size(count, dim, &size) || !kin_mul_size(size, sizeof(float), &size))
        return NULL;
    return malloc(size);
}

/* Trains on rows evenly spread over the source. */
static kin_status train(kin_index *index, const kin_index_source *source, int threads,
                        kin_error *err)
{
    size_t n = index->kind->training_rows(source->count);
    float *rows = rows_new(n, source->dim);
    if (rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu vectors to train on", n);
    kin_status status = gather(source, 0, (double)source->count / (double)n, n, rows, err);
    int code = 0;
    if (status == KIN_OK && (code = kin_faiss_train(index->faiss, n, rows, threads)) != 0)
        status = kin_index_faiss_failed(code, "train the index", err);
    free(rows);
    return status;
}

static kin_status add_all(kin_index *index, const kin_index_source *source,
                          const kin_index_options *options, double done, kin_error *err)
{
    size_t batch = source->count / BATCHES + 1;
    if (batch < BATCH_ROWS_MIN)
        batch = BATCH_ROWS_MIN;
    float *rows = rows_new(batch, source->dim);
    if (rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu vectors", batch);
    kin_status status = report(options, done, err);
    for (size_t from = 0; status == KIN_OK && from < source->count; from += batch) {
        size_t n = source->count - from < batch ? source->count - from : batch;
        int code = 0;
        status = gather(source, from, 1.0, n, rows, err);
        if (status == KIN_OK && (code = faiss_Index_add(index->faiss, (idx_t)n, rows)) != 0)
            status = kin_index_faiss_failed(code, "add to the index", err);
        if (status == KIN_OK)
            status = report(options,
                            done + (1.0 - done) * (double)(from + n) / (double)source->count, err);
    }
    free(rows);
    return status;
}

static kin_status build_structure(kin_index *index, const kin_index_source *source,
                                  const kin_index_options *options, kin_error *err)
{
    int threads = options->threads > 0 ? options->threads : kin_cpu_count();
    index->ids = malloc(source->count * sizeof *index->ids);
    if (index->ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu ids", source->count);
    memcpy(index->ids, source->ids, source->count * sizeof *index->ids);
    kin_status status = kin_faiss_scratch_new(&index->scratch, err);
    int before = kin_faiss_set_threads(threads);
    double done = 0;
    if (status == KIN_OK)
        status = index->kind->create(source->dim, source->count, &index->faiss, err);
    if (status == KIN_OK && index->kind->training_rows != NULL) {
        status = train(index, source, threads, err);
        done = training_share;
    }
    if (status == KIN_OK)
        status = add_all(index, source, options, done, err);
    kin_faiss_set_threads(before);
    return status;
}

kin_status kin_index_build(const kin_index_source *source, const kin_index_options *options,
                           kin_index **out, kin_error *err)
{
    static const kin_index_options defaults = {0};
    kin_error own = {0}; /* a source reports through it, whatever the caller wants to know */
    if (options == NULL)
        options = &defaults;
    const struct index_kind *kind = options->kind == NULL || strcmp(options->kind, "auto") == 0
                                        ? kin_index_kind_for(source->count, source->dim)
                                        : kin_index_kind_named(options->kind);
    if (kind == NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "there is no index kind %s", options->kind);
    if (err == NULL)
        err = &own;
    kin_status status = check_source(source, kind, err);
    if (status != KIN_OK)
        return status;
    kin_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an index");
    index->kind = kind;
    index->count = source->count;
    index->dim = source->dim;
    if (kind->create != NULL)
        status = build_structure(index, source, options, err);
    else
        status = report(options, 1.0, err);
    if (status != KIN_OK) {
        kin_index_free(index);
        return status;
    }
    *out = index;
    return KIN_OK;
}
