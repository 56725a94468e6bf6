#include "archive/eval.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "archive/eval_bootstrap.h"
#include "archive/eval_items.h"
#include "base/parallel.h"
#include "simd/kernels.h"
#include "simd/topk.h"

enum { RESAMPLES = 1000, QUERY_GRAIN = 8, RESAMPLES_MAX = 1000000 };
#define SEED UINT64_C(20261124)

/* An evaluation under way. */
struct eval {
    const kin_eval_options *options;
    kin_eval_report *report;
    kin_names classes, groups;
    kin_eval_items database, queries; /* queries unused when they are the database itself */
    const kin_eval_items *asked;
    size_t dim;
    kin_judged *judged; /* of each query asked */
    bool *valid;        /* whether it had anything relevant */
    atomic_bool out_of_memory;
};

static int best_first(const void *a, const void *b)
{
    const kin_hit *x = a, *y = b;
    return kin_hit_better(*x, *y) ? -1 : kin_hit_better(*y, *x) ? 1 : 0;
}

static bool left_out(const kin_eval_item *query, const kin_eval_item *item)
{
    return item->id == query->id || kin_digest_equal(item->content, query->content) ||
           (query->group >= 0 && item->group == query->group);
}

/* Ranks the database for one query and judges it.  scores, hits and labels have room for the
 * database. */
static void judge_query(struct eval *eval, size_t query, float *scores, kin_hit *hits, int *labels)
{
    const kin_eval_items *database = &eval->database;
    const kin_eval_item *asked = &eval->asked->items[query];
    size_t kept = 0;
    kin_kernels_best()->dot_rows(eval->asked->vectors + query * eval->dim, database->vectors,
                                 eval->dim, database->count, eval->dim, scores);
    for (size_t i = 0; i < database->count; i++)
        if (!left_out(asked, &database->items[i]))
            hits[kept++] = (kin_hit){i, scores[i]};
    qsort(hits, kept, sizeof *hits, best_first);
    for (size_t i = 0; i < kept; i++)
        labels[i] = database->items[hits[i].id].label;
    eval->valid[query] = kin_judge_ranking(labels, kept, asked->label, &eval->judged[query]);
}

static void judge_range(void *ctx, size_t from, size_t to)
{
    struct eval *eval = ctx;
    size_t count = eval->database.count > 0 ? eval->database.count : 1;
    float *scores = malloc(count * sizeof *scores);
    kin_hit *hits = malloc(count * sizeof *hits);
    int *labels = malloc(count * sizeof *labels);
    if (scores == NULL || hits == NULL || labels == NULL)
        atomic_store(&eval->out_of_memory, true);
    else
        for (size_t query = from; query < to; query++)
            judge_query(eval, query, scores, hits, labels);
    free(scores);
    free(hits);
    free(labels);
}

/* The measures of the valid queries of one class, or of all (-1). */
static kin_status summarise(const struct eval *eval, int label, kin_eval_measures *out,
                            kin_error *err)
{
    size_t kept = 0,
           resamples = eval->options->bootstrap > 0 ? eval->options->bootstrap : RESAMPLES;
    kin_judged *judged = malloc((eval->asked->count + 1) * sizeof *judged);
    int *groups = malloc((eval->asked->count + 1) * sizeof *groups);
    kin_status status = KIN_OK;
    if (judged == NULL || groups == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", eval->asked->count);
    for (size_t i = 0; status == KIN_OK && i < eval->asked->count; i++) {
        if (!eval->valid[i] || (label >= 0 && eval->asked->items[i].label != label))
            continue;
        judged[kept] = eval->judged[i];
        groups[kept++] = eval->asked->items[i].group;
    }
    if (status == KIN_OK)
        status =
            kin_bootstrap(judged, eval->options->leave_out != NULL ? groups : NULL, kept, resamples,
                          eval->options->seed != 0 ? eval->options->seed : SEED, out, err);
    free(judged);
    free(groups);
    return status;
}

static kin_status column_of(const kin_manifest *manifest, const char *name, int *column,
                            kin_error *err)
{
    *column = kin_manifest_find_column(manifest, name);
    return *column >= 0 ? KIN_OK
                        : kin_fail(err, KIN_E_ARG, name, "the manifest has no such column");
}

static kin_status load_one(struct eval *eval, const kin_snapshot *snapshot,
                           const kin_manifest *manifest, kin_eval_items *out, kin_error *err)
{
    int label, leave_out = -1;
    kin_status status = column_of(
        manifest, eval->options->label != NULL ? eval->options->label : "diagnosis", &label, err);
    if (status == KIN_OK && eval->options->leave_out != NULL)
        status = column_of(manifest, eval->options->leave_out, &leave_out, err);
    if (status == KIN_OK)
        status = kin_eval_items_load(snapshot, manifest, label, leave_out, &eval->classes,
                                     &eval->groups, out, err);
    return status;
}

static kin_status load(struct eval *eval, kin_archive *archive, const kin_manifest *manifest,
                       kin_error *err)
{
    kin_snapshot snapshot;
    kin_status status = kin_snapshot_open(archive, &snapshot, err);
    if (status != KIN_OK)
        return status;
    eval->dim = archive->dim;
    eval->asked = &eval->database;
    status = load_one(eval, &snapshot, manifest, &eval->database, err);
    if (status == KIN_OK && eval->options->queries != NULL) {
        eval->asked = &eval->queries;
        status = load_one(eval, &snapshot, eval->options->queries, &eval->queries, err);
    }
    kin_snapshot_close(&snapshot);
    eval->report->database = eval->database.count;
    eval->report->duplicates = eval->database.duplicates;
    eval->report->missing = eval->database.missing + eval->queries.missing;
    if (status == KIN_OK && eval->database.count < 2)
        status = kin_fail(err, KIN_E_NOT_FOUND, NULL,
                          "fewer than 2 images of the manifest are in the archive");
    return status;
}

static int by_name(const void *a, const void *b, void *names)
{
    return strcmp(((char **)names)[*(const int *)a], ((char **)names)[*(const int *)b]);
}

/* Renumbers the classes by name, so that reports do not depend on the order of rows. */
static kin_status sort_classes(struct eval *eval, kin_error *err)
{
    kin_eval_report *report = eval->report;
    size_t count = eval->classes.count;
    int *order = calloc(count, sizeof *order), *number = calloc(count, sizeof *number);
    report->classes = calloc(count, sizeof *report->classes);
    report->class_sizes = calloc(count, sizeof *report->class_sizes);
    report->per_class = calloc(count, sizeof *report->per_class);
    report->confusion = calloc(count * count, sizeof *report->confusion);
    kin_status status = KIN_OK;
    if (order == NULL || number == NULL || report->classes == NULL || report->class_sizes == NULL ||
        report->per_class == NULL || report->confusion == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu classes", count);
    } else {
        report->class_count = count;
        for (size_t i = 0; i < count; i++)
            order[i] = (int)i;
        qsort_r(order, count, sizeof *order, by_name, eval->classes.names);
        for (size_t i = 0; i < count; i++) {
            number[order[i]] = (int)i;
            report->classes[i] = eval->classes.names[order[i]];
            eval->classes.names[order[i]] = NULL; /* the report owns it now */
        }
        for (size_t i = 0; i < eval->database.count; i++)
            eval->database.items[i].label = number[eval->database.items[i].label];
        for (size_t i = 0; i < eval->queries.count; i++)
            eval->queries.items[i].label = number[eval->queries.items[i].label];
    }
    free(order);
    free(number);
    return status;
}

static kin_status judge_all(struct eval *eval, kin_error *err)
{
    size_t count = eval->asked->count;
    eval->judged = calloc(count + 1, sizeof *eval->judged);
    eval->valid = calloc(count + 1, sizeof *eval->valid);
    if (eval->judged == NULL || eval->valid == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", count);
    kin_parallel_for(count, QUERY_GRAIN, eval->options->threads, judge_range, eval);
    return atomic_load(&eval->out_of_memory) ? kin_fail(err, KIN_E_NOMEM, NULL, "no memory to rank")
                                             : KIN_OK;
}

static kin_status fill_report(struct eval *eval, kin_error *err)
{
    kin_eval_report *report = eval->report;
    for (size_t i = 0; i < eval->database.count; i++)
        report->class_sizes[eval->database.items[i].label]++;
    for (size_t i = 0; i < eval->asked->count; i++) {
        if (!eval->valid[i])
            report->unjudged++;
        else
            report->confusion[(size_t)eval->asked->items[i].label * report->class_count +
                              (size_t)eval->judged[i].majority]++;
    }
    kin_status status = summarise(eval, -1, &report->all, err);
    for (size_t i = 0; status == KIN_OK && i < report->class_count; i++)
        status = summarise(eval, (int)i, &report->per_class[i], err);
    return status;
}

kin_status kin_eval(kin_archive *archive, const kin_manifest *manifest,
                    const kin_eval_options *options, kin_eval_report *out, kin_error *err)
{
    struct eval eval = {.options = options, .report = out};
    memset(out, 0, sizeof *out);
    if (options->bootstrap > RESAMPLES_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "at most %d resamplings", RESAMPLES_MAX);
    kin_status status = load(&eval, archive, manifest, err);
    if (status == KIN_OK)
        status = sort_classes(&eval, err);
    if (status == KIN_OK)
        status = judge_all(&eval, err);
    if (status == KIN_OK)
        status = fill_report(&eval, err);
    kin_eval_items_release(&eval.database);
    kin_eval_items_release(&eval.queries);
    kin_names_release(&eval.classes);
    kin_names_release(&eval.groups);
    free(eval.judged);
    free(eval.valid);
    if (status != KIN_OK)
        kin_eval_report_release(out);
    return status;
}

void kin_eval_report_release(kin_eval_report *report)
{
    for (size_t i = 0; i < report->class_count; i++)
        free(report->classes[i]);
    free(report->classes);
    free(report->class_sizes);
    free(report->per_class);
    free(report->confusion);
    memset(report, 0, sizeof *report);
}
