#include "quality_rows.h"

#include <stdio.h>
#include <string.h>

#include "report.h"

bool bench_quality_rows_init(bench_quality_rows *rows)
{
    *rows = (bench_quality_rows){json_array(), json_array(), json_array(), json_array()};
    return rows->models != NULL && rows->classes != NULL && rows->gains != NULL &&
           rows->speed != NULL;
}

void bench_quality_rows_release(bench_quality_rows *rows)
{
    json_decref(rows->models);
    json_decref(rows->classes);
    json_decref(rows->gains);
    json_decref(rows->speed);
}

/* --- rows --- */

/* Sets key to the value, key_low and key_high to the interval's ends, and key_text to all three. */
static void set_figure(json_t *row, const char *key, kin_eval_figure figure)
{
    char name[64], text[64];
    json_object_set_new(row, key, json_real(figure.value));
    snprintf(name, sizeof name, "%s_low", key);
    json_object_set_new(row, name, json_real(figure.low));
    snprintf(name, sizeof name, "%s_high", key);
    json_object_set_new(row, name, json_real(figure.high));
    snprintf(name, sizeof name, "%s_text", key);
    snprintf(text, sizeof text, "%.3f (%.3f to %.3f)", figure.value, figure.low, figure.high);
    json_object_set_new(row, name, json_string(text));
}

static json_t *row_of(const char *set, const char *features)
{
    return json_pack("{s:s, s:s}", "set", set, "features", features);
}

static void set_measures(json_t *row, const kin_eval_measures *measures)
{
    json_object_set_new(row, "queries", json_integer((json_int_t)measures->queries));
    set_figure(row, "p_at_1", measures->p_at_1);
    set_figure(row, "p_at_5", measures->p_at_5);
    set_figure(row, "p_at_10", measures->p_at_10);
    set_figure(row, "mmv_at_5", measures->mmv_at_5);
    set_figure(row, "map", measures->map);
    set_figure(row, "map_at_10", measures->map_at_10);
    set_figure(row, "ndcg_at_10", measures->ndcg_at_10);
    set_figure(row, "f1_at_1", measures->f1_at_1);
    set_figure(row, "f1_at_3", measures->f1_at_3);
    set_figure(row, "f1_at_5", measures->f1_at_5);
}

static void add_model(bench_quality_rows *rows, const bench_quality_set *set, const char *features,
                      const kin_eval_report *report, const kin_eval_model_report *model)
{
    json_t *row = row_of(set->name, features);
    json_object_set_new(row, "grouped", json_string(set->grouped));
    json_object_set_new(row, "groups", json_integer((json_int_t)report->groups));
    json_object_set_new(row, "database", json_integer((json_int_t)report->database));
    json_object_set_new(row, "model", json_string(model->name));
    json_object_set_new(row, "note", json_string(model->note));
    json_object_set_new(row, "learn_seconds", json_real(model->learn_seconds));
    set_measures(row, &model->all);
    json_array_append_new(rows->models, row);
}

static void add_classes(bench_quality_rows *rows, const bench_quality_set *set,
                        const char *features, const kin_eval_report *report)
{
    for (size_t c = 0; c < report->class_count; c++) {
        json_t *row = row_of(set->name, features);
        json_object_set_new(row, "model", json_string(report->models[0].name));
        json_object_set_new(row, "class", json_string(report->classes[c]));
        set_measures(row, &report->models[0].per_class[c]);
        json_array_append_new(rows->classes, row);
    }
}

void bench_quality_rows_add(bench_quality_rows *rows, const bench_quality_set *set,
                            const char *features, const kin_eval_options *options,
                            const kin_eval_report *report)
{
    for (size_t m = 0; m < report->model_count; m++)
        if (options->models[m].rescore == NULL)
            add_model(rows, set, features, report, &report->models[m]);
    add_classes(rows, set, features, report);
}

void bench_quality_rows_add_gain(bench_quality_rows *rows, const bench_quality_set *set,
                                 const kin_eval_report *report, size_t base, size_t better,
                                 kin_eval_figure gain)
{
    char text[64];
    json_t *row = json_pack("{s:s, s:s, s:s, s:f}", "set", set->name, "base",
                            report->models[base].name, "model", report->models[better].name,
                            "base_map", report->models[base].all.map.value);
    set_figure(row, "gain", gain);
    snprintf(text, sizeof text, "%+.3f (%+.3f to %+.3f)%s", gain.value, gain.low, gain.high,
             gain.low > 0 ? " *" : "");
    json_object_set_new(row, "gain_text", json_string(text));
    json_array_append_new(rows->gains, row);
}

void bench_quality_rows_add_speed(bench_quality_rows *rows, const char *set, const char *features,
                                  size_t images, double seconds)
{
    json_t *row = row_of(set, features);
    json_object_set_new(row, "images", json_integer((json_int_t)images));
    json_object_set_new(row, "milliseconds", json_real(1000 * seconds));
    json_array_append_new(rows->speed, row);
}

/* --- tables --- */

static void print_cell(const json_t *row, const bench_column *column)
{
    const json_t *value = json_object_get(row, column->key);
    if (json_is_string(value))
        printf(" %s |", json_string_value(value));
    else if (column->form == BENCH_NUMBER && json_is_number(value))
        printf(" %.*f |", column->decimals, json_number_value(value));
    else if (json_is_number(value))
        printf(" %lld |", (long long)json_number_value(value));
    else
        printf(" - |");
}

static void print_markdown(const char *title, const json_t *rows, const bench_column *columns,
                           size_t column_count)
{
    size_t i;
    const json_t *row;
    printf("%s\n\n|", title);
    for (size_t c = 0; c < column_count; c++)
        printf(" %s |", columns[c].head);
    printf("\n|");
    for (size_t c = 0; c < column_count; c++)
        printf("---|");
    putchar('\n');
    json_array_foreach(rows, i, row)
    {
        putchar('|');
        for (size_t c = 0; c < column_count; c++)
            print_cell(row, &columns[c]);
        putchar('\n');
    }
    putchar('\n');
}

static void print_table(const char *title, const json_t *rows, const bench_column *columns,
                        size_t column_count, bool markdown)
{
    if (json_array_size(rows) == 0)
        return;
    if (markdown)
        print_markdown(title, rows, columns, column_count);
    else
        bench_table_print(stdout, title, rows, columns, column_count);
}

void bench_quality_rows_print(const bench_quality_rows *rows, bool markdown)
{
    static const bench_column models[] = {
        {"set", "set", BENCH_TEXT, 0},
        {"grouped", "kept together", BENCH_TEXT, 0},
        {"features", "features", BENCH_TEXT, 0},
        {"model", "model", BENCH_TEXT, 0},
        {"queries", "queries", BENCH_GROUPED, 0},
        {"p_at_1_text", "P@1 (95%)", BENCH_TEXT, 0},
        {"p_at_10", "P@10", BENCH_NUMBER, 3},
        {"mmv_at_5", "mMV@5", BENCH_NUMBER, 3},
        {"map_text", "mAP (95%)", BENCH_TEXT, 0},
        {"map_at_10", "mAP@10", BENCH_NUMBER, 3},
        {"ndcg_at_10", "nDCG@10", BENCH_NUMBER, 3},
        {"f1_at_1", "F1@1", BENCH_NUMBER, 3},
        {"f1_at_3", "F1@3", BENCH_NUMBER, 3},
        {"f1_at_5", "F1@5", BENCH_NUMBER, 3},
        {"note", "learnt", BENCH_TEXT, 0},
    };
    static const bench_column classes[] = {
        {"set", "set", BENCH_TEXT, 0},
        {"features", "features", BENCH_TEXT, 0},
        {"model", "model", BENCH_TEXT, 0},
        {"class", "class", BENCH_TEXT, 0},
        {"queries", "queries", BENCH_GROUPED, 0},
        {"p_at_1_text", "P@1 (95%)", BENCH_TEXT, 0},
        {"map_text", "mAP (95%)", BENCH_TEXT, 0},
        {"f1_at_5_text", "F1@5 (95%)", BENCH_TEXT, 0},
    };
    static const bench_column gains[] = {
        {"set", "set", BENCH_TEXT, 0},
        {"base", "ranked by", BENCH_TEXT, 0},
        {"base_map", "mAP", BENCH_NUMBER, 3},
        {"model", "then", BENCH_TEXT, 0},
        {"gain_text", "gain in mAP (95%; * beyond it)", BENCH_TEXT, 0},
    };
    static const bench_column speed[] = {
        {"features", "features", BENCH_TEXT, 0},
        {"set", "images of", BENCH_TEXT, 0},
        {"images", "images", BENCH_GROUPED, 0},
        {"milliseconds", "ms an image, one core", BENCH_NUMBER, 1},
    };
    print_table("Every set, every model", rows->models, models, sizeof models / sizeof models[0],
                markdown);
    print_table("By class", rows->classes, classes, sizeof classes / sizeof classes[0], markdown);
    print_table("Rankings changed after the fact", rows->gains, gains,
                sizeof gains / sizeof gains[0], markdown);
    print_table("Describing an image", rows->speed, speed, sizeof speed / sizeof speed[0],
                markdown);
}
