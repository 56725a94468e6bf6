#include "archive/eval_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/eval_bootstrap.h"

enum { MAJORITY = KIN_VOTES - 1 };

static int by_name(const void *a, const void *b, void *names)
{
    return strcmp(((char **)names)[*(const int *)a], ((char **)names)[*(const int *)b]);
}

/* Renumbers the classes by name, so that reports do not depend on the order of rows. */
static kin_status sort_classes(kin_eval_report *report, kin_eval_set *set, kin_error *err)
{
    size_t count = set->classes.count;
    int *order = calloc(count, sizeof *order), *number = calloc(count, sizeof *number);
    report->classes = calloc(count, sizeof *report->classes);
    report->class_sizes = calloc(count, sizeof *report->class_sizes);
    kin_status status = KIN_OK;
    if (order == NULL || number == NULL || report->classes == NULL || report->class_sizes == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu classes", count);
    } else {
        report->class_count = count;
        for (size_t i = 0; i < count; i++)
            order[i] = (int)i;
        qsort_r(order, count, sizeof *order, by_name, set->classes.names);
        for (size_t i = 0; i < count; i++) {
            number[order[i]] = (int)i;
            report->classes[i] = set->classes.names[order[i]];
            set->classes.names[order[i]] = NULL; /* the report owns it now */
        }
        for (size_t i = 0; i < set->count; i++)
            set->images[i].label = number[set->images[i].label];
    }
    free(order);
    free(number);
    return status;
}

kin_status kin_eval_report_begin(kin_eval_report *report, kin_eval_set *set, kin_error *err)
{
    kin_status status = sort_classes(report, set, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; i < set->count; i++) {
        if (set->images[i].query)
            continue;
        report->database++;
        report->class_sizes[set->images[i].label]++;
    }
    report->duplicates = set->duplicates;
    report->missing = set->missing;
    report->described = set->count - set->stored;
    report->near = set->near_images;
    report->groups = set->groups;
    report->grouping = set->grouping;
    report->describe_seconds = set->describe_seconds;
    snprintf(report->features, sizeof report->features, "%s", set->signature);
    return KIN_OK;
}

static kin_status make_model(kin_eval_model_report *report, const kin_eval_model *model,
                             size_t classes, size_t queries, kin_error *err)
{
    report->name = strdup(model->name != NULL ? model->name : model->model);
    report->per_class = calloc(classes, sizeof *report->per_class);
    report->confusion = calloc(classes * classes, sizeof *report->confusion);
    report->answers = calloc(queries, sizeof *report->answers);
    return report->name != NULL && report->per_class != NULL && report->confusion != NULL &&
                   report->answers != NULL
               ? KIN_OK
               : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", queries);
}

kin_status kin_eval_report_make_room(kin_eval_report *report, const kin_eval_set *set,
                                     const size_t *place, size_t queries, kin_error *err)
{
    const kin_eval_options *options = set->options;
    kin_status status = KIN_OK;
    report->query_groups = calloc(queries, sizeof *report->query_groups);
    report->models = calloc(options->model_count, sizeof *report->models);
    if (report->query_groups == NULL || report->models == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", queries);
    report->query_count = queries;
    report->model_count = options->model_count;
    for (size_t i = 0; i < set->count; i++)
        if (place[i] != SIZE_MAX)
            report->query_groups[place[i]] = set->images[i].group;
    for (size_t m = 0; status == KIN_OK && m < options->model_count; m++)
        status =
            make_model(&report->models[m], &options->models[m], report->class_count, queries, err);
    return status;
}

/* --- measures --- */

/* The queries that were judged, and their groups. */
struct kept {
    kin_judged *judged;
    int *groups;
    size_t count;
};

static void keep_judged(const kin_eval_report *report, const kin_eval_answer *answers,
                        const kin_judged *judged, struct kept *out)
{
    out->count = 0;
    for (size_t q = 0; q < report->query_count; q++) {
        if (!answers[q].judged)
            continue;
        out->judged[out->count] = judged[q];
        out->groups[out->count++] = report->query_groups[q];
    }
}

static kin_status fill_model(const kin_eval_report *report, kin_eval_model_report *model,
                             const kin_eval_options *options, const struct kept *kept,
                             kin_error *err)
{
    kin_bootstrap_options bootstrap = {.resamples = options->bootstrap,
                                       .seed = options->seed,
                                       .classes = report->class_count,
                                       .label = -1};
    for (size_t i = 0; i < kept->count; i++)
        model->confusion[(size_t)kept->judged[i].label * report->class_count +
                         (size_t)kept->judged[i].vote[MAJORITY]]++;
    kin_status status =
        kin_bootstrap(kept->judged, kept->groups, kept->count, &bootstrap, &model->all, err);
    for (size_t c = 0; status == KIN_OK && c < report->class_count; c++) {
        bootstrap.label = (int)c;
        status = kin_bootstrap(kept->judged, kept->groups, kept->count, &bootstrap,
                               &model->per_class[c], err);
    }
    return status;
}

static kin_status kept_init(struct kept *kept, size_t queries, kin_error *err)
{
    *kept = (struct kept){calloc(queries + 1, sizeof *kept->judged),
                          calloc(queries + 1, sizeof *kept->groups), 0};
    return kept->judged != NULL && kept->groups != NULL
               ? KIN_OK
               : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu queries", queries);
}

static void kept_release(struct kept *kept)
{
    free(kept->judged);
    free(kept->groups);
}

kin_status kin_eval_report_fill(kin_eval_report *report, const kin_eval_set *set,
                                kin_judged *const *judged, kin_error *err)
{
    struct kept kept;
    kin_status status = kept_init(&kept, report->query_count, err);
    for (size_t m = 0; status == KIN_OK && m < report->model_count; m++) {
        keep_judged(report, report->models[m].answers, judged[m], &kept);
        report->unjudged = report->query_count - kept.count; /* the same by every model */
        status = fill_model(report, &report->models[m], set->options, &kept, err);
    }
    kept_release(&kept);
    return status;
}

/* A gain's mean is that of a measure whose values are the differences. */
kin_status kin_eval_gain(const kin_eval_report *report, size_t base, size_t better,
                         const kin_eval_options *options, kin_eval_figure *out, kin_error *err)
{
    const kin_bootstrap_options bootstrap = {.resamples =
                                                 options->bootstrap > 0 ? options->bootstrap : 1000,
                                             .seed = options->seed > 0 ? options->seed : 1,
                                             .classes = 1,
                                             .label = -1};
    const kin_eval_answer *from = report->models[base].answers,
                          *to = report->models[better].answers;
    kin_eval_measures measures;
    struct kept kept;
    kin_status status = kept_init(&kept, report->query_count, err);
    for (size_t q = 0; status == KIN_OK && q < report->query_count; q++) {
        if (!from[q].judged)
            continue;
        kept.judged[kept.count].value[KIN_AP] = to[q].ap - from[q].ap;
        kept.groups[kept.count++] = report->query_groups[q];
    }
    if (status == KIN_OK)
        status = kin_bootstrap(kept.judged, kept.groups, kept.count, &bootstrap, &measures, err);
    kept_release(&kept);
    if (status == KIN_OK)
        *out = measures.map;
    return status;
}

void kin_eval_report_release(kin_eval_report *report)
{
    for (size_t c = 0; c < report->class_count; c++)
        free(report->classes[c]);
    for (size_t m = 0; m < report->model_count; m++) {
        free(report->models[m].name);
        free(report->models[m].per_class);
        free(report->models[m].confusion);
        free(report->models[m].answers);
    }
    free(report->classes);
    free(report->class_sizes);
    free(report->query_groups);
    free(report->models);
    memset(report, 0, sizeof *report);
}
