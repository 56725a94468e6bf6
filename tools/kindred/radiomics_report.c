#include "radiomics_report.h"

#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "csv_write.h"
#include "json_record.h"
#include "table.h"

enum { VALUE_SIZE = 32 };

/* A figure as text; "" for what is not defined. */
static const char *value_text(double value, int digits, char text[VALUE_SIZE])
{
    text[0] = '\0';
    if (isfinite(value))
        snprintf(text, VALUE_SIZE, "%.*g", digits, value);
    return text;
}

static int print_table(const kin_radiomics *radiomics)
{
    static const kin_column columns[] = {{.heading = "family", .kind = KIN_COLUMN_NAME},
                                         {.heading = "feature", .kind = KIN_COLUMN_NAME},
                                         {.heading = "aggregation", .kind = KIN_COLUMN_NAME},
                                         {.heading = "IBSI", .kind = KIN_COLUMN_NAME},
                                         {.heading = "value", .kind = KIN_COLUMN_NUMBER}};
    char text[VALUE_SIZE];
    printf("%zu voxels of %.4g x %.4g x %.4g mm, of the shape %zu, in %d grey levels\n\n",
           radiomics->voxels, radiomics->spacing[0], radiomics->spacing[1], radiomics->spacing[2],
           radiomics->shape_voxels, radiomics->levels);
    kin_table *table = kin_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < radiomics->count; i++) {
        kin_radiomics_description is;
        if (!kin_radiomics_describe(&radiomics->values[i], &is))
            continue;
        kin_table_cell(table, is.family);
        kin_table_cell(table, is.name);
        kin_table_cell(table, is.aggregation);
        kin_table_cell(table, is.code);
        kin_table_cell(table, value_text(radiomics->values[i].value, 6, text));
    }
    bool ok = kin_table_print(table, stdout, kin_terminal_width(stdout));
    kin_table_free(table);
    return ok ? KIN_EXIT_DONE : kin_cli_no_memory();
}

static int print_csv(const kin_radiomics *radiomics)
{
    static const char *const heading[] = {"family",           "feature", "aggregation",
                                          "aggregation_code", "code",    "value"};
    enum { COLUMNS = sizeof heading / sizeof heading[0] };
    char text[VALUE_SIZE];
    for (int c = 0; c < COLUMNS; c++) {
        kin_csv_field(stdout, heading[c]);
        if (c + 1 < COLUMNS)
            kin_csv_comma(stdout);
    }
    kin_csv_end(stdout);
    for (size_t i = 0; i < radiomics->count; i++) {
        kin_radiomics_description is;
        if (!kin_radiomics_describe(&radiomics->values[i], &is))
            continue;
        const char *const fields[] = {
            is.family,           is.name, is.aggregation,
            is.aggregation_code, is.code, value_text(radiomics->values[i].value, 12, text)};
        for (int c = 0; c < COLUMNS; c++) {
            kin_csv_field(stdout, fields[c]);
            if (c + 1 < COLUMNS)
                kin_csv_comma(stdout);
        }
        kin_csv_end(stdout);
    }
    return KIN_EXIT_DONE;
}

static json_t *json_figure(const kin_radiomics_value *value)
{
    kin_radiomics_description is;
    if (!kin_radiomics_describe(value, &is))
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "family", is.family, "name", is.name, "code",
                     is.code, "aggregation", is.aggregation, "aggregation_code",
                     is.aggregation_code, "value",
                     isfinite(value->value) ? json_real(value->value) : json_null());
}

static json_t *json_bound(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *json_settings(const kin_radiomics_settings *settings)
{
    bool by_width = settings->discretisation == KIN_BINS_FIXED_SIZE;
    json_t *json = json_pack("{s:f, s:b, s:b, s:f}", "spacing_mm", settings->spacing_mm, "round",
                             settings->round_values, "by_slice", settings->by_slice,
                             "outliers_sigma", settings->outlier_sigma);
    if (json == NULL)
        return NULL;
    if (settings->has_range)
        json_object_set_new(
            json, "range",
            json_pack("[o, o]", json_bound(settings->low), json_bound(settings->high)));
    if (by_width)
        json_object_set_new(json, "bin_width", json_real(settings->bin_width));
    else
        json_object_set_new(
            json, "bins",
            json_integer(settings->bins > 0 ? settings->bins : KIN_RADIOMICS_BINS_DEFAULT));
    if (settings->has_bin_from)
        json_object_set_new(json, "bin_from", json_real(settings->bin_from));
    if (settings->ivh_bin_width > 0.0)
        json_object_set_new(json, "ivh_bin_width", json_real(settings->ivh_bin_width));
    return json;
}

static int print_json(const kin_measure_task *task, const kin_radiomics *radiomics)
{
    json_t *figures = json_array();
    for (size_t i = 0; figures != NULL && i < radiomics->count; i++)
        if (json_array_append_new(figures, json_figure(&radiomics->values[i])) != 0) {
            json_decref(figures);
            figures = NULL;
        }
    const double *mm = radiomics->spacing;
    return kin_cli_print_json(
        json_pack("{s:o, s:o, s:i, s:o, s:I, s:I, s:i, s:[f, f, f], s:o}", "image",
                  kin_json_text(task->image), "mask", kin_json_text(task->mask), "label",
                  task->label, "settings", json_settings(&task->settings), "voxels",
                  (json_int_t)radiomics->voxels, "shape_voxels",
                  (json_int_t)radiomics->shape_voxels, "grey_levels", radiomics->levels,
                  "spacing_mm", mm[0], mm[1], mm[2], "features", figures),
        KIN_EXIT_DONE);
}

int kin_radiomics_report(kin_radiomics_format format, const kin_measure_task *task,
                         const kin_radiomics *radiomics)
{
    switch (format) {
    case KIN_RADIOMICS_JSON:
        return print_json(task, radiomics);
    case KIN_RADIOMICS_CSV:
        return print_csv(radiomics);
    default:
        return print_table(radiomics);
    }
}
