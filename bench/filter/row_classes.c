#include "row_classes.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "simd/kernels.h"

enum { GRAIN = 1024 };

/* --- by the nearest anchor --- */

struct assigning {
    const bench_set *set;
    const kin_kernels *kernels;
    const float *anchors;
    size_t anchor_count;
    uint32_t *out;
};

static uint32_t nearest_anchor(const struct assigning *assign, const float *vector)
{
    float scores[BENCH_ANCHORS];
    uint32_t best = 0;
    size_t dim = assign->set->dim;
    assign->kernels->dot_rows(vector, assign->anchors, dim, assign->anchor_count, dim, scores);
    for (uint32_t a = 1; a < assign->anchor_count; a++)
        if (scores[a] > scores[best])
            best = a;
    return best;
}

static void assign_rows(void *ctx, size_t from, size_t to)
{
    const struct assigning *assign = ctx;
    float *vector = malloc(assign->set->dim * sizeof *vector);
    for (size_t row = from; vector != NULL && row < to; row++) {
        bench_set_read(assign->set, row, 1, vector);
        assign->out[row] = nearest_anchor(assign, vector);
    }
    free(vector);
}

static kin_status find_by_anchors(const bench_set *set, bench_classes *out, kin_error *err)
{
    struct assigning assign = {.set = set, .kernels = kin_kernels_best(), .out = out->rows};
    assign.anchor_count = set->count < BENCH_ANCHORS ? set->count : BENCH_ANCHORS;
    float *anchors = calloc(assign.anchor_count, set->dim * sizeof *anchors);
    if (anchors == NULL)
        return kin_fail(err, KIN_E_NOMEM, set->title, "no memory for classes");
    for (size_t a = 0; a < assign.anchor_count; a++)
        bench_set_read(set, a * set->count / assign.anchor_count, 1, anchors + a * set->dim);
    assign.anchors = anchors;
    kin_parallel_for(set->count, GRAIN, 0, assign_rows, &assign);
    for (size_t q = 0; q < set->query_count; q++)
        out->queries[q] = nearest_anchor(&assign, set->queries + q * set->dim);
    out->count = assign.anchor_count;
    free(anchors);
    return KIN_OK;
}

/* --- by labels --- */

/* Queries have a file of their own, or were the set's last rows. */
static kin_status take_labels(const bench_set *set, const char *file, const bench_labels *labels,
                              bench_classes *out, kin_error *err)
{
    char beside[PATH_MAX];
    bench_labels of_queries = {0};
    kin_status status = KIN_OK;
    bool own = bench_queries_file(file, beside, sizeof beside);
    if (own)
        status = bench_labels_read(beside, labels, &of_queries, err);
    if (status != KIN_OK)
        return status;
    const uint32_t *queries = own ? of_queries.classes : labels->classes + set->count;
    size_t known = own ? of_queries.count : labels->count - set->count;
    out->count = own ? of_queries.class_count : labels->class_count;
    if (known < set->query_count)
        status = kin_fail(err, KIN_E_FORMAT, file, "fewer labels than queries");
    else if (out->count == 0 || out->count > BENCH_CLASSES_MAX)
        status = kin_fail(err, KIN_E_LIMIT, file, "%zu classes", out->count);
    else {
        memcpy(out->rows, labels->classes, set->count * sizeof *out->rows);
        memcpy(out->queries, queries, set->query_count * sizeof *out->queries);
        out->from_labels = true;
    }
    bench_labels_release(&of_queries);
    return status;
}

/* KIN_E_NOT_FOUND where there are none. */
static kin_status find_by_labels(const bench_set *set, const char *file, bench_classes *out,
                                 kin_error *err)
{
    bench_labels labels;
    kin_status status = bench_labels_read(file, NULL, &labels, err);
    if (status != KIN_OK)
        return status;
    status =
        labels.count >= set->count
            ? take_labels(set, file, &labels, out, err)
            : kin_fail(err, KIN_E_FORMAT, file, "%zu labels of %zu rows", labels.count, set->count);
    bench_labels_release(&labels);
    return status;
}

kin_status bench_classes_find(const bench_set *set, const char *file, bench_classes *out,
                              kin_error *err)
{
    memset(out, 0, sizeof *out);
    out->rows = calloc(set->count, sizeof *out->rows);
    out->queries = calloc(set->query_count, sizeof *out->queries);
    if (out->rows == NULL || out->queries == NULL) {
        bench_classes_release(out);
        return kin_fail(err, KIN_E_NOMEM, set->title, "no memory for classes");
    }
    kin_status status = file != NULL ? find_by_labels(set, file, out, err) : KIN_E_NOT_FOUND;
    if (status == KIN_E_NOT_FOUND)
        status = find_by_anchors(set, out, err);
    if (status != KIN_OK)
        bench_classes_release(out);
    return status;
}

void bench_classes_release(bench_classes *classes)
{
    free(classes->rows);
    free(classes->queries);
    memset(classes, 0, sizeof *classes);
}
