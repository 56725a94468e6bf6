#include "vector_set.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/parallel.h"

enum { AT_ONCE = 4096, ALIGNMENT = 64 };

/* Synthetic queries are rows far beyond any set's. */
#define FIRST_SYNTHETIC_QUERY (UINT64_C(1) << 48)

void bench_set_read(const bench_set *set, size_t first, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++, out += set->dim) {
        if (set->made != NULL) {
            bench_synthetic_row(set->made, first + i, out);
        } else {
            bench_matrix_row(&set->matrix, first + i, out);
            bench_make_unit(out, set->dim);
        }
    }
}

struct reading_all {
    const bench_set *set;
    float *out;
};

static void read_some(void *ctx, size_t from, size_t to)
{
    const struct reading_all *all = ctx;
    bench_set_read(all->set, from, to - from, all->out + from * all->set->dim);
}

kin_status bench_set_read_all(const bench_set *set, int threads, float **out, kin_error *err)
{
    size_t row, bytes;
    *out = NULL;
    if (!kin_mul_size(set->dim, sizeof **out, &row) || !kin_mul_size(row, set->count, &bytes) ||
        !kin_add_size(bytes, ALIGNMENT, &bytes))
        return kin_fail(err, KIN_E_LIMIT, set->title, "too many vectors for memory");
    float *rows = aligned_alloc(ALIGNMENT, bytes / ALIGNMENT * ALIGNMENT);
    if (rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, set->title, "no memory for %zu vectors", set->count);
    struct reading_all all = {set, rows};
    kin_parallel_for(set->count, AT_ONCE, threads, read_some, &all);
    *out = rows;
    return KIN_OK;
}

/* --- files --- */

struct checking {
    const bench_matrix *matrix;
    atomic_bool bad;
};

static void check_some(void *ctx, size_t from, size_t to)
{
    struct checking *check = ctx;
    size_t dim = check->matrix->dim;
    float *row = malloc(dim * sizeof *row);
    bool bad = row == NULL;
    for (size_t i = from; !bad && i < to; i++) {
        bench_matrix_row(check->matrix, i, row);
        for (size_t d = 0; d < dim; d++)
            bad = bad || !isfinite(row[d]);
    }
    free(row);
    if (bad)
        atomic_store(&check->bad, true);
}

/* Numbers that are not finite have no place in any index. */
static kin_status check_finite(const bench_matrix *matrix, const char *path, kin_error *err)
{
    struct checking check = {.matrix = matrix};
    if (matrix->number == BENCH_F32)
        kin_parallel_for(matrix->count, AT_ONCE, 0, check_some, &check);
    return atomic_load(&check.bad)
               ? kin_fail(err, KIN_E_FORMAT, path, "not all of its numbers are finite")
               : KIN_OK;
}

static bool swap_end(const char *path, const char *end, const char *other, char *out, size_t size)
{
    size_t length = strlen(path), end_length = strlen(end);
    if (length <= end_length || strcmp(path + length - end_length, end) != 0)
        return false;
    int written = snprintf(out, size, "%.*s%s", (int)(length - end_length), path, other);
    return written > 0 && (size_t)written < size;
}

bool bench_queries_file(const char *vectors_file, char *out, size_t size)
{
    return (swap_end(vectors_file, ".npy", ".queries.npy", out, size) ||
            swap_end(vectors_file, "_base.fvecs", "_query.fvecs", out, size) ||
            swap_end(vectors_file, "_base.bvecs", "_query.bvecs", out, size)) &&
           access(out, R_OK) == 0;
}

static kin_status room_for_queries(bench_set *set, kin_error *err)
{
    set->queries = calloc(set->query_count, set->dim * sizeof *set->queries);
    return set->queries != NULL ? KIN_OK
                                : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for queries");
}

static kin_status queries_from_file(bench_set *set, const char *path, size_t wanted, kin_error *err)
{
    bench_matrix matrix;
    kin_status status = bench_matrix_open(path, &matrix, err);
    if (status == KIN_OK)
        status = check_finite(&matrix, path, err);
    if (status == KIN_OK && matrix.dim != set->dim)
        status = kin_fail(err, KIN_E_ARG, path, "queries of %zu dimensions, vectors of %zu",
                          matrix.dim, set->dim);
    if (status == KIN_OK) {
        set->query_count = matrix.count < wanted ? matrix.count : wanted;
        status = room_for_queries(set, err);
    }
    for (size_t i = 0; status == KIN_OK && i < set->query_count; i++) {
        bench_matrix_row(&matrix, i, set->queries + i * set->dim);
        bench_make_unit(set->queries + i * set->dim, set->dim);
    }
    bench_matrix_close(&matrix);
    return status;
}

/* The last rows become queries. */
static kin_status queries_from_rows(bench_set *set, size_t wanted, kin_error *err)
{
    if (set->count < 2)
        return kin_fail(err, KIN_E_ARG, set->title, "too few vectors to keep some as queries");
    set->query_count = wanted < set->count / 2 ? wanted : set->count / 2;
    set->count -= set->query_count;
    kin_status status = room_for_queries(set, err);
    if (status == KIN_OK)
        bench_set_read(set, set->count, set->query_count, set->queries);
    return status;
}

static kin_status open_file(const bench_set_options *options, size_t wanted, bench_set *set,
                            kin_error *err)
{
    char beside[PATH_MAX];
    const char *name = strrchr(options->file, '/'), *queries = options->queries;
    kin_status status = bench_matrix_open(options->file, &set->matrix, err);
    if (status == KIN_OK)
        status = check_finite(&set->matrix, options->file, err);
    if (status != KIN_OK)
        return status;
    set->count = set->matrix.count;
    set->dim = set->matrix.dim;
    if (queries == NULL && bench_queries_file(options->file, beside, sizeof beside))
        queries = beside;
    /* Cut first: else the queries' rows would be cut away with their set. */
    if (options->count > 0 && options->count < set->count)
        set->count = options->count;
    status = queries != NULL ? queries_from_file(set, queries, wanted, err)
                             : queries_from_rows(set, wanted, err);
    snprintf(set->title, sizeof set->title, "%s, %zu x %zu",
             name != NULL ? name + 1 : options->file, set->count, set->dim);
    return status;
}

/* --- made-up ones --- */

/* "COUNT,DIM[,SHAPE]". */
static bool parse_synthetic(const char *text, size_t *count, bench_synthetic_options *out)
{
    char *at;
    errno = 0;
    unsigned long long rows = strtoull(text, &at, 10);
    if (at == text || *at != ',')
        return false;
    unsigned long long dim = strtoull(at + 1, &at, 10);
    if (errno != 0 || rows == 0 || rows > FIRST_SYNTHETIC_QUERY || dim == 0 || dim > BENCH_DIM_MAX)
        return false;
    *count = (size_t)rows;
    out->dim = (size_t)dim;
    out->shape = BENCH_MANIFOLD;
    if (*at == '\0')
        return true;
    for (int shape = 0; bench_shape_name(shape) != NULL; shape++)
        if (*at == ',' && strcmp(at + 1, bench_shape_name(shape)) == 0) {
            out->shape = shape;
            return true;
        }
    return false;
}

static kin_status make_up(const bench_set_options *options, size_t wanted, bench_set *set,
                          kin_error *err)
{
    bench_synthetic_options shape = {.seed = options->seed};
    if (!parse_synthetic(options->synthetic, &set->count, &shape))
        return kin_fail(err, KIN_E_ARG, options->synthetic, "no synthetic set: COUNT,DIM[,SHAPE]");
    kin_status status = bench_synthetic_new(&shape, &set->made, err);
    if (status != KIN_OK)
        return status;
    set->synthetic = true;
    set->dim = shape.dim;
    if (options->count > 0 && options->count < set->count)
        set->count = options->count;
    set->query_count = wanted;
    snprintf(set->title, sizeof set->title, "synthetic (%s), %zu x %zu",
             bench_shape_name(shape.shape), set->count, set->dim);
    status = room_for_queries(set, err);
    if (status == KIN_OK)
        bench_set_read(set, FIRST_SYNTHETIC_QUERY, set->query_count, set->queries);
    return status;
}

kin_status bench_set_open(const bench_set_options *options, bench_set *out, kin_error *err)
{
    size_t wanted = options->query_count > 0 ? options->query_count : BENCH_QUERIES_DEFAULT;
    memset(out, 0, sizeof *out);
    if ((options->file != NULL) == (options->synthetic != NULL))
        return kin_fail(err, KIN_E_ARG, NULL, "either a file of vectors or a synthetic set");
    kin_status status = options->file != NULL ? open_file(options, wanted, out, err)
                                              : make_up(options, wanted, out, err);
    if (status != KIN_OK)
        bench_set_close(out);
    return status;
}

void bench_set_close(bench_set *set)
{
    bench_matrix_close(&set->matrix);
    bench_synthetic_free(set->made);
    free(set->queries);
    memset(set, 0, sizeof *set);
}
