#include "search_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "attributes.h"
#include "cli.h"
#include "json_record.h"
#include "labels_line.h"
#include "plan_report.h"
#include "table.h"

enum { LABELS_WIDEST = 48 /* a DICOM file may have dozens: `show` prints them all */ };

/* "2 Tumor, 40x32 at 118,96": which region of the image it is. */
static void region_cell(kin_table *table, const kin_record *record)
{
    const char *label = kin_label_text(record, KIN_LABEL_REGION_LABEL);
    if (record->region == 0)
        kin_table_cell(table, "");
    else
        kin_table_cellf(
            table, "%" PRIu32 "%s%s, %sx%s at %s,%s", record->region, label[0] != '\0' ? " " : "",
            label, kin_label_text(record, KIN_LABEL_REGION_WIDTH),
            kin_label_text(record, KIN_LABEL_REGION_HEIGHT),
            kin_label_text(record, KIN_LABEL_REGION_X), kin_label_text(record, KIN_LABEL_REGION_Y));
}

static void result_row(kin_table *table, const kin_search_report *report, size_t rank,
                       const kin_result *result)
{
    const kin_record *record = &result->record;
    char *labels = kin_labels_line(record);
    kin_table_cellf(table, "%zu", rank);
    kin_table_cellf(table, "%.4f", (double)result->score);
    kin_table_cell(table, record->modality);
    kin_table_cell(table, labels);
    kin_table_cell(table, record->outcome);
    kin_table_cell(table, record->patient_id);
    region_cell(table, record);
    kin_table_cell(table, report->uids ? record->sop_instance_uid : "");
    if (record->frame > 0)
        kin_table_cellf(table, "%s frame %" PRIu32, record->path, record->frame);
    else
        kin_table_cell(table, record->path);
    free(labels);
}

static bool print_results(const kin_search_report *report, const kin_results *results)
{
    static const kin_column columns[] = {
        {.heading = "rank", .kind = KIN_COLUMN_NUMBER},
        {.heading = "score", .kind = KIN_COLUMN_NUMBER},
        {.heading = "modality", .kind = KIN_COLUMN_NAME, .max = 16, .hide_if_empty = true},
        {.heading = "labels", .kind = KIN_COLUMN_TEXT, .max = LABELS_WIDEST, .hide_if_empty = true},
        {.heading = "outcome", .kind = KIN_COLUMN_TEXT, .max = 32, .hide_if_empty = true},
        {.heading = "patient", .kind = KIN_COLUMN_TEXT, .max = 32, .hide_if_empty = true},
        {.heading = "region", .kind = KIN_COLUMN_TEXT, .max = 40, .hide_if_empty = true},
        {.heading = "SOP instance UID", .kind = KIN_COLUMN_NAME, .hide_if_empty = true},
        {.heading = "where", .kind = KIN_COLUMN_PATH},
    };
    kin_table *table = kin_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < results->count; i++)
        result_row(table, report, i + 1, &results->items[i]);
    bool ok = kin_table_print(table, stdout, kin_terminal_width(stdout));
    kin_table_free(table);
    return ok;
}

static json_t *results_json(const kin_results *results)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < results->count; i++)
        if (json_array_append_new(list, kin_json_result(i + 1, (double)results->items[i].score,
                                                        &results->items[i].record)) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

/* The query: the file or UID that it came from, its frame, and whether it is a stored image. */
static json_t *query_json(const kin_search_report *report, const kin_query *query, uint32_t frame)
{
    return json_pack("{s:o, s:I, s:I, s:o, s:b}", "name", kin_json_text(query->name), "frame",
                     (json_int_t)frame, "region", (json_int_t)report->stored_region, "patient_id",
                     kin_json_text(query->patient_id), "stored",
                     query->self != KIN_QUERY_NOT_STORED);
}

int kin_search_report_print(const kin_search_report *report, const kin_query *query, uint32_t frame,
                            const kin_results *results)
{
    if (report->json)
        return kin_cli_print_json(
            json_pack("{s:o, s:o, s:b, s:b, s:o}", "query", query_json(report, query, frame),
                      "plan", kin_plan_json(&results->plan), "complete", results->complete, "exact",
                      results->exact, "results", results_json(results)),
            KIN_EXIT_DONE);
    if (results->count == 0)
        puts("no image found");
    else if (!print_results(report, results))
        return kin_cli_no_memory();
    if (!report->explain)
        return KIN_EXIT_DONE;
    putchar('\n');
    return kin_plan_print(results, stdout, kin_terminal_width(stdout)) ? KIN_EXIT_DONE
                                                                       : kin_cli_no_memory();
}
