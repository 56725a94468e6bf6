#include "eval_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "json_record.h"
#include "table.h"

/* The measures, in the order of columns. */
static const struct measure {
    const char *name, *heading;
    size_t offset; /* of the kin_eval_figure in kin_eval_measures */
} measures[] = {
    {"p_at_1", "P@1", offsetof(kin_eval_measures, p_at_1)},
    {"p_at_5", "P@5", offsetof(kin_eval_measures, p_at_5)},
    {"p_at_10", "P@10", offsetof(kin_eval_measures, p_at_10)},
    {"mmv_at_5", "mMV@5", offsetof(kin_eval_measures, mmv_at_5)},
    {"map", "mAP", offsetof(kin_eval_measures, map)},
    {"map_at_10", "mAP@10", offsetof(kin_eval_measures, map_at_10)},
    {"ndcg_at_10", "nDCG@10", offsetof(kin_eval_measures, ndcg_at_10)},
    {"f1_at_1", "F1@1", offsetof(kin_eval_measures, f1_at_1)},
    {"f1_at_3", "F1@3", offsetof(kin_eval_measures, f1_at_3)},
    {"f1_at_5", "F1@5", offsetof(kin_eval_measures, f1_at_5)},
};
enum { MEASURES = sizeof measures / sizeof measures[0] };

enum {
    CONFUSION_COLUMN_WIDEST = 11,
    CONFUSION_CLASSES_MAX = 24 /* more fit no screen: JSON has them all */
};

static const kin_eval_figure *figure_of(const kin_eval_measures *of, size_t measure)
{
    return (const kin_eval_figure *)((const char *)of + measures[measure].offset);
}

/* --- tables --- */

static bool print_and_free(kin_table *table)
{
    bool ok = kin_table_print(table, stdout, kin_terminal_width(stdout));
    kin_table_free(table);
    return ok;
}

static bool print_measures(const kin_eval_measures *all)
{
    static const kin_column columns[] = {{.heading = "measure", .kind = KIN_COLUMN_NAME},
                                         {.heading = "value", .kind = KIN_COLUMN_NUMBER},
                                         {.heading = "95% interval", .kind = KIN_COLUMN_NAME}};
    kin_table *table = kin_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < MEASURES; i++) {
        const kin_eval_figure *figure = figure_of(all, i);
        kin_table_cell(table, measures[i].heading);
        kin_table_cellf(table, "%.4f", figure->value);
        kin_table_cellf(table, "%.4f to %.4f", figure->low, figure->high);
    }
    return print_and_free(table);
}

/* A line a model, with every measure. */
static bool print_models(const kin_eval_report *report)
{
    kin_column columns[1 + MEASURES] = {{.heading = "model", .kind = KIN_COLUMN_NAME}};
    for (size_t i = 0; i < MEASURES; i++)
        columns[1 + i] = (kin_column){.heading = measures[i].heading, .kind = KIN_COLUMN_NUMBER};
    kin_table *table = kin_table_new(columns, 1 + MEASURES);
    for (size_t m = 0; m < report->model_count; m++) {
        kin_table_cell(table, report->models[m].name);
        for (size_t i = 0; i < MEASURES; i++)
            kin_table_cellf(table, "%.4f", figure_of(&report->models[m].all, i)->value);
    }
    return print_and_free(table);
}

static void print_notes(const kin_eval_report *report)
{
    for (size_t m = 0; m < report->model_count; m++)
        if (report->models[m].note[0] != '\0')
            printf("%s: %s\n", report->models[m].name, report->models[m].note);
}

static bool print_classes(const kin_eval_report *report)
{
    const kin_eval_model_report *model = &report->models[0];
    enum { BEFORE = 3 };
    kin_column columns[BEFORE + MEASURES] = {{.heading = "class", .kind = KIN_COLUMN_TEXT},
                                             {.heading = "images", .kind = KIN_COLUMN_NUMBER},
                                             {.heading = "queries", .kind = KIN_COLUMN_NUMBER}};
    for (size_t i = 0; i < MEASURES; i++)
        columns[BEFORE + i] =
            (kin_column){.heading = measures[i].heading, .kind = KIN_COLUMN_NUMBER};
    kin_table *table = kin_table_new(columns, BEFORE + MEASURES);
    for (size_t c = 0; c < report->class_count; c++) {
        kin_table_cell(table, report->classes[c]);
        kin_table_cellf(table, "%zu", report->class_sizes[c]);
        kin_table_cellf(table, "%zu", model->per_class[c].queries);
        for (size_t i = 0; i < MEASURES; i++)
            if (model->per_class[c].queries > 0)
                kin_table_cellf(table, "%.4f", figure_of(&model->per_class[c], i)->value);
            else
                kin_table_cell(table, "-");
    }
    return print_and_free(table);
}

static bool print_confusion(const kin_eval_report *report)
{
    const size_t *confusion = report->models[0].confusion;
    size_t count = report->class_count;
    kin_column *columns = calloc(count + 1, sizeof *columns);
    if (columns == NULL)
        return false;
    columns[0] = (kin_column){.heading = "", .kind = KIN_COLUMN_TEXT};
    for (size_t c = 0; c < count; c++)
        columns[c + 1] = (kin_column){.heading = report->classes[c],
                                      .kind = KIN_COLUMN_NUMBER,
                                      .max = CONFUSION_COLUMN_WIDEST};
    kin_table *table = kin_table_new(columns, count + 1);
    for (size_t row = 0; row < count; row++) {
        kin_table_cell(table, report->classes[row]);
        for (size_t column = 0; column < count; column++)
            kin_table_cellf(table, "%zu", confusion[row * count + column]);
    }
    bool ok = print_and_free(table);
    free(columns);
    return ok;
}

static void print_count(size_t count, const char *what)
{
    if (count > 0)
        printf(", %zu %s", count, what);
}

static void print_head(const kin_eval_report *report)
{
    printf("%zu queries, %zu images ranked", report->models[0].all.queries, report->database);
    print_count(report->duplicates, "duplicates left out");
    print_count(report->described, "described for this");
    print_count(report->missing, "without a readable image");
    print_count(report->unjudged, "queries without any relevant image");
    printf("\ngroups that stay together: %zu, by %s", report->groups, report->grouping);
    print_count(report->near, "images with near-duplicates");
    if (report->folds > 1)
        printf("; %d folds", report->folds);
    puts("\n");
}

bool kin_eval_report_print(const kin_eval_report *report)
{
    print_head(report);
    printf("model: %s\n", report->models[0].name);
    bool ok = print_measures(&report->models[0].all);
    if (ok && report->model_count > 1) {
        fputc('\n', stdout);
        ok = print_models(report);
    }
    print_notes(report);
    if (ok && report->class_count > 0) {
        fputc('\n', stdout);
        ok = print_classes(report);
    }
    if (ok && report->class_count > 0 && report->class_count <= CONFUSION_CLASSES_MAX) {
        puts("\nqueries of a class (row) whose first 5 are mostly of another (column)");
        ok = print_confusion(report);
    }
    return ok;
}

/* --- JSON --- */

/* Numbers that are not finite (no queries) have no form in JSON. */
static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* Sets object[key], and gives up the object where that fails: then it and all later steps are
 * NULL. */
static json_t *with(json_t *object, const char *key, json_t *value)
{
    char *valid = kin_utf8_repair(key);
    if (object == NULL || valid == NULL) {
        json_decref(value);
        value = NULL;
    }
    if (value == NULL || json_object_set_new_nocheck(object, valid, value) != 0) {
        json_decref(object);
        object = NULL;
    }
    free(valid);
    return object;
}

/* Adds the measures and their intervals. */
static json_t *with_measures(json_t *object, const kin_eval_measures *of)
{
    json_t *intervals = json_object();
    for (size_t i = 0; i < MEASURES; i++) {
        const kin_eval_figure *figure = figure_of(of, i);
        object = with(object, measures[i].name, real(figure->value));
        intervals = with(intervals, measures[i].name,
                         json_pack("[o, o]", real(figure->low), real(figure->high)));
    }
    return with(object, "intervals", intervals);
}

static json_t *classes_json(const kin_eval_report *report, const kin_eval_model_report *model)
{
    json_t *classes = json_object();
    for (size_t c = 0; c < report->class_count; c++) {
        json_t *one = json_pack("{s:I, s:I}", "size", (json_int_t)report->class_sizes[c], "queries",
                                (json_int_t)model->per_class[c].queries);
        classes = with(classes, report->classes[c], with_measures(one, &model->per_class[c]));
    }
    return classes;
}

static json_t *confusion_json(const kin_eval_report *report, const kin_eval_model_report *model)
{
    json_t *rows = json_object();
    for (size_t row = 0; row < report->class_count; row++) {
        json_t *columns = json_object();
        for (size_t column = 0; column < report->class_count; column++) {
            size_t queries = model->confusion[row * report->class_count + column];
            columns = with(columns, report->classes[column], json_integer((json_int_t)queries));
        }
        rows = with(rows, report->classes[row], columns);
    }
    return rows;
}

/* What a model has of its own. */
static json_t *with_model(json_t *object, const kin_eval_report *report,
                          const kin_eval_model_report *model)
{
    object = with(object, "model", kin_json_text(model->name));
    object = with(object, "note", kin_json_text(model->note));
    object = with_measures(object, &model->all);
    object = with(object, "per_class", classes_json(report, model));
    return with(object, "confusion", confusion_json(report, model));
}

static json_t *models_json(const kin_eval_report *report)
{
    json_t *models = json_array();
    for (size_t m = 0; models != NULL && m < report->model_count; m++) {
        json_t *model = with_model(json_object(), report, &report->models[m]);
        if (model == NULL || json_array_append_new(models, model) != 0) {
            json_decref(models);
            return NULL;
        }
    }
    return models;
}

json_t *kin_eval_report_json(const kin_eval_report *report, const kin_eval_options *options)
{
    const struct {
        const char *key;
        size_t count;
    } counts[] = {
        {"duplicates", report->duplicates}, {"missing", report->missing},
        {"described", report->described},   {"unjudged", report->unjudged},
        {"groups", report->groups},         {"near_duplicates", report->near},
        {"folds", (size_t)report->folds},
    };
    json_t *object = json_pack("{s:I, s:I}", "queries", (json_int_t)report->models[0].all.queries,
                               "database", (json_int_t)report->database);
    object = with_model(object, report, &report->models[0]);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        object = with(object, counts[i].key, json_integer((json_int_t)counts[i].count));
    object =
        with(object, "label", kin_json_text(options->label != NULL ? options->label : "diagnosis"));
    object = with(object, "leave_out",
                  options->leave_out != NULL ? kin_json_text(options->leave_out) : json_null());
    object = with(object, "grouping", kin_json_text(report->grouping));
    object = with(object, "features", kin_json_text(report->features));
    return with(object, "models", models_json(report));
}
