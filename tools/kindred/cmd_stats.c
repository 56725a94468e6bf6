/* kindred stats: what the archive holds, how large it is, and what serves its searches. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "commands.h"
#include "json_record.h"
#include "numbers.h"
#include "table.h"
#include "target.h"
#include "tuning_report.h"

struct options {
    const char *values; /* name whose values to list, or NULL */
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KIN_KEY_JSON:
        options->json = true;
        return 0;
    case 'v':
        options->values = arg;
        return 0;
    case ARGP_KEY_ARG:
        return kin_cli_no_argument(state, arg);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"values", 'v', "NAME", 0, "Only the values of a field or label, with their numbers of images",
     0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print as JSON", 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Shows what the archive holds, how large it is, and which model and index serve its "
           "searches."
           "\vExamples:\n"
           "  kindred stats\n"
           "  kindred stats --values diagnosis",
};

/* --- values of a name --- */

struct value_rows {
    kin_table *table;
    size_t count;
};

static int add_value_row(void *ctx, const char *value, uint64_t images)
{
    struct value_rows *rows = ctx;
    kin_table_cellf(rows->table, "%" PRIu64, images);
    kin_table_cell(rows->table, value);
    rows->count++;
    return 0;
}

/* Prints the values of a name behind `before`, and nothing when there are none; *count of them. */
static int print_values(kin_target *target, const char *name, const char *before, size_t *count)
{
    const kin_column columns[] = {{.heading = "images", .kind = KIN_COLUMN_NUMBER},
                                  {.heading = name, .kind = KIN_COLUMN_TEXT}};
    struct value_rows rows = {.table = kin_table_new(columns, 2)};
    kin_error err = {0};
    int exit_code = KIN_EXIT_DONE;
    if (target->ops->each_value(target, name, add_value_row, &rows, &err) != KIN_OK) {
        exit_code = kin_cli_fail(&err);
    } else if (rows.count > 0) {
        fputs(before, stdout);
        if (!kin_table_print(rows.table, stdout, kin_terminal_width(stdout)))
            exit_code = kin_cli_no_memory();
    }
    kin_table_free(rows.table);
    *count = rows.count;
    return exit_code;
}

static int add_value(void *ctx, const char *value, uint64_t images)
{
    char *valid = kin_utf8_repair(value);
    int failed = valid == NULL ||
                 json_object_set_new_nocheck(ctx, valid, json_integer((json_int_t)images)) != 0;
    free(valid);
    return failed;
}

/* {"value": images, …}; NULL on failure. */
static json_t *values_json(kin_target *target, const char *name, kin_error *err)
{
    json_t *object = json_object();
    if (object != NULL && target->ops->each_value(target, name, add_value, object, err) == KIN_OK)
        return object;
    json_decref(object);
    return NULL;
}

static int show_values(kin_target *target, const struct options *options)
{
    kin_error err = {0};
    size_t count;
    if (options->json) {
        json_t *values = values_json(target, options->values, &err);
        return values == NULL && err.code != KIN_OK ? kin_cli_fail(&err)
                                                    : kin_cli_print_json(values, KIN_EXIT_DONE);
    }
    int exit_code = print_values(target, options->values, "", &count);
    if (exit_code == KIN_EXIT_DONE && count == 0)
        kin_cli_message(options->values, "no image has a field or label of this name");
    return exit_code;
}

/* --- the archive --- */

/* Names whose values are counted by default. */
static const char *const counted[] = {"modality", "diagnosis"};
enum { COUNTED = sizeof counted / sizeof counted[0] };

static void number_row(kin_table *table, const char *name, uint64_t number)
{
    kin_table_cell(table, name);
    kin_table_cellf(table, "%" PRIu64, number);
}

static void bytes_row(kin_table *table, const char *name, uint64_t bytes)
{
    char text[16];
    kin_format_bytes(bytes, text);
    kin_table_cell(table, name);
    kin_table_cell(table, text);
}

static void generation_row(kin_table *table, const kin_archive_stats *stats)
{
    kin_table_cell(table, "index");
    if (stats->generation == 0) {
        kin_table_cell(table, "none yet: searches scan (kindred reindex)");
        return;
    }
    kin_table_cellf(table, "%s, generation %" PRIu64 " of %s, recall@10 %.4f", stats->index_kind,
                    stats->generation, stats->generation_time, stats->generation_recall);
}

static void vectors_row(kin_table *table, const kin_archive_stats *stats)
{
    char text[16];
    kin_format_bytes(stats->vector_bytes, text);
    kin_table_cell(table, "vectors");
    kin_table_cellf(table, "%s, kept as %s", text, stats->codec);
}

/* Where a metric that was learnt from labels has them from. */
static void metric_row(kin_table *table, const kin_archive_stats *stats)
{
    if (stats->metric.label[0] == '\0')
        return;
    char validated[64] = "not validated since";
    if (stats->metric.map >= 0)
        snprintf(validated, sizeof validated, "mAP %.3f beside %.3f without labels",
                 stats->metric.map, stats->metric.base_map);
    kin_table_cell(table, "metric");
    kin_table_cellf(table, "of %s%s%s: %" PRIu64 " classes of %" PRIu64 " images, %s",
                    stats->metric.label, stats->metric.where[0] != '\0' ? " where " : "",
                    stats->metric.where, stats->metric.classes, stats->metric.images, validated);
}

static bool print_stats(const kin_target *target, const kin_archive_stats *stats)
{
    static const kin_column columns[] = {{.kind = KIN_COLUMN_NAME}, {.kind = KIN_COLUMN_TEXT}};
    kin_table *table = kin_table_new(columns, 2);
    kin_table_cell(table, "archive");
    kin_table_cell(table, target->archive);
    number_row(table, "images", stats->images);
    if (stats->regions > 0)
        number_row(table, "regions", stats->regions);
    number_row(table, "instances", stats->instances);
    number_row(table, "series", stats->series);
    number_row(table, "studies", stats->studies);
    number_row(table, "patients", stats->patients);
    number_row(table, "deleted or replaced", stats->dead);
    number_row(table, "newer than the index", stats->tail);
    kin_table_cell(table, "model");
    kin_table_cellf(table, "%s (%s), %zu dimensions of %zu, learnt from %zu images", stats->model,
                    stats->model_kind, stats->dim, stats->descriptor_length,
                    stats->model_trained_on);
    metric_row(table, stats);
    kin_table_cell(table, "features");
    kin_table_cell(table, stats->layout);
    generation_row(table, stats);
    bytes_row(table, "catalog", stats->catalog_bytes);
    bytes_row(table, "descriptors", stats->descriptor_bytes);
    vectors_row(table, stats);
    bytes_row(table, "index file", stats->index_bytes);
    bool ok = kin_table_print(table, stdout, kin_terminal_width(stdout));
    kin_table_free(table);
    return ok;
}

static int show_stats(kin_target *target, const kin_archive_stats *stats)
{
    if (!print_stats(target, stats))
        return kin_cli_no_memory();
    int exit_code = KIN_EXIT_DONE;
    if (stats->generation > 0) {
        putchar('\n');
        if (!kin_tunings_print(stats->tunings, stats->tuning_count, stdout,
                               kin_terminal_width(stdout)))
            exit_code = kin_cli_no_memory();
    }
    for (size_t i = 0; i < COUNTED && exit_code == KIN_EXIT_DONE; i++) {
        size_t count;
        exit_code = print_values(target, counted[i], "\n", &count);
    }
    return exit_code;
}

static json_t *metric_json(const kin_archive_stats *stats)
{
    if (stats->metric.label[0] == '\0')
        return json_null();
    bool validated = stats->metric.map >= 0;
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "label", kin_json_text(stats->metric.label), "where",
        kin_json_text(stats->metric.where), "images", (json_int_t)stats->metric.images, "classes",
        (json_int_t)stats->metric.classes, "groups", (json_int_t)stats->metric.groups, "map",
        validated ? json_real(stats->metric.map) : json_null(), "base_map",
        validated ? json_real(stats->metric.base_map) : json_null());
}

static json_t *stats_json(const kin_target *target, const kin_archive_stats *stats)
{
    json_t *generation =
        stats->generation == 0
            ? json_null()
            : json_pack("{s:I, s:s, s:s, s:f, s:o}", "number", (json_int_t)stats->generation,
                        "kind", stats->index_kind, "time", stats->generation_time, "recall_at_10",
                        stats->generation_recall, "tunings",
                        kin_tunings_json(stats->tunings, stats->tuning_count));
    json_t *model = json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:o}", "id", stats->model,
                              "kind", stats->model_kind, "dim", (json_int_t)stats->dim,
                              "descriptor_length", (json_int_t)stats->descriptor_length,
                              "trained_on", (json_int_t)stats->model_trained_on, "layout",
                              stats->layout, "codec", stats->codec, "metric", metric_json(stats));
    json_t *bytes =
        json_pack("{s:I, s:I, s:I, s:I}", "catalog", (json_int_t)stats->catalog_bytes,
                  "descriptors", (json_int_t)stats->descriptor_bytes, "vectors",
                  (json_int_t)stats->vector_bytes, "index", (json_int_t)stats->index_bytes);
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "archive",
                     kin_json_text(target->archive), "images", (json_int_t)stats->images, "regions",
                     (json_int_t)stats->regions, "instances", (json_int_t)stats->instances,
                     "series", (json_int_t)stats->series, "studies", (json_int_t)stats->studies,
                     "patients", (json_int_t)stats->patients, "rows", (json_int_t)stats->rows,
                     "dead", (json_int_t)stats->dead, "tail", (json_int_t)stats->tail, "model",
                     model, "generation", generation, "bytes", bytes);
}

static int show_stats_json(kin_target *target, const kin_archive_stats *stats)
{
    kin_error err = {0};
    json_t *object = stats_json(target, stats);
    for (size_t i = 0; i < COUNTED && object != NULL; i++)
        if (json_object_set_new(object, counted[i], values_json(target, counted[i], &err)) != 0) {
            json_decref(object);
            object = NULL;
        }
    return object == NULL && err.code != KIN_OK ? kin_cli_fail(&err)
                                                : kin_cli_print_json(object, KIN_EXIT_DONE);
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_error err = {0};
    kin_target *target;
    kin_archive_stats stats;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_target_open(cli, false, &target);
    if (exit_code != KIN_EXIT_DONE)
        return exit_code;
    if (options.values != NULL) {
        exit_code = show_values(target, &options);
    } else if (target->ops->stats(target, &stats, &err) != KIN_OK) {
        kin_error_name(&err, target->name);
        exit_code = kin_cli_fail(&err);
    } else {
        exit_code = options.json ? show_stats_json(target, &stats) : show_stats(target, &stats);
    }
    kin_target_close(target);
    return exit_code;
}

const kin_command kin_command_stats = {"stats",
                                       "show what the archive holds and what serves searches", run};
