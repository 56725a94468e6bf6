#include "ingest_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"
#include "cli.h"
#include "json_record.h"
#include "numbers.h"
#include "reindexing.h"
#include "table.h"
#include "text.h"

static const char *const event_names[] = {
    [KIN_INGEST_STORED] = "stored",   [KIN_INGEST_DUPLICATE] = "duplicate",
    [KIN_INGEST_UPDATED] = "updated", [KIN_INGEST_REPLACED] = "replaced",
    [KIN_INGEST_SKIPPED] = "skipped", [KIN_INGEST_FAILED] = "failed",
};

static void print_event(const char *event, const char *path, const char *reason)
{
    fputs(event, stdout);
    fputc(' ', stdout);
    kin_text_put(stdout, path);
    if (reason[0] != '\0') {
        fputs(": ", stdout);
        kin_text_put(stdout, reason);
    }
    fputc('\n', stdout);
}

void kin_ingest_report_event(kin_ingest_report *report, kin_ingest_event event, const char *path,
                             uint64_t images, const char *reason)
{
    reason = reason != NULL ? reason : "";
    /* What is missing of a file that was stored is worth telling. */
    bool missing = event != KIN_INGEST_SKIPPED && reason[0] != '\0';
    if (!report->verbose && event != KIN_INGEST_FAILED && !missing)
        return;
    kin_progress_clear(&report->progress);
    if (report->verbose && report->json)
        kin_cli_print_json_line(json_pack("{s:s, s:o, s:I, s:o}", "event", event_names[event],
                                          "path", kin_json_text(path), "images", (json_int_t)images,
                                          "reason", kin_json_text(reason)),
                                KIN_EXIT_DONE);
    else if (report->verbose && event != KIN_INGEST_FAILED)
        print_event(event_names[event], path, reason);
    fflush(stdout);
    if (event == KIN_INGEST_FAILED || (missing && !report->verbose))
        kin_cli_message(path, "%s", reason);
}

static double images_per_second(const kin_ingest_summary *summary)
{
    return summary->seconds > 0 ? (double)summary->images / summary->seconds : 0;
}

static void count_row(kin_table *table, const char *name, uint64_t count)
{
    kin_table_cell(table, name);
    kin_table_cellf(table, "%" PRIu64, count);
}

/* A row for a count that is worth mentioning only when it is not zero. */
static void count_row_if_any(kin_table *table, const char *name, uint64_t count)
{
    if (count > 0)
        count_row(table, name, count);
}

bool kin_ingest_report_print(const kin_ingest_summary *summary)
{
    static const kin_column columns[] = {{.kind = KIN_COLUMN_TEXT}, {.kind = KIN_COLUMN_NUMBER}};
    kin_table *table = kin_table_new(columns, 2);
    count_row(table, "files", summary->files);
    count_row(table, "images stored", summary->images);
    count_row_if_any(table, "regions stored", summary->regions);
    count_row_if_any(table, "files already there", summary->duplicate);
    count_row_if_any(table, "files with new labels", summary->updated);
    count_row_if_any(table, "files replaced", summary->replaced);
    count_row_if_any(table, "files skipped", summary->skipped);
    for (size_t i = 0; i < summary->reason_count; i++) {
        char name[sizeof summary->reasons[i].text + 2];
        snprintf(name, sizeof name, "  %s", summary->reasons[i].text);
        count_row(table, name, summary->reasons[i].files);
    }
    count_row(table, "files failed", summary->failed);
    count_row_if_any(table, "decoders restarted", summary->worker_restarts);
    kin_table_cell(table, "seconds");
    kin_table_cellf(table, "%.1f", summary->seconds);
    kin_table_cell(table, "images/s");
    kin_table_cellf(table, "%.1f", images_per_second(summary));
    bool ok = kin_table_print(table, stdout, kin_terminal_width(stdout));
    kin_table_free(table);
    return ok;
}

/* {"reason": files, …} */
static json_t *reasons_json(const kin_ingest_summary *summary)
{
    json_t *reasons = json_object();
    for (size_t i = 0; reasons != NULL && i < summary->reason_count; i++) {
        char *name = kin_utf8_repair(summary->reasons[i].text);
        if (name == NULL ||
            json_object_set_new_nocheck(reasons, name,
                                        json_integer((json_int_t)summary->reasons[i].files)) != 0) {
            json_decref(reasons);
            reasons = NULL;
        }
        free(name);
    }
    return reasons;
}

int kin_ingest_report_json(const kin_ingest_report *report, const kin_ingest_summary *summary,
                           bool cancelled, const kin_reindex_report *reindexed, int exit_code)
{
    json_t *value = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:f, s:f, s:f, s:f, "
        "s:b, s:o}",
        "event", "summary", "files", (json_int_t)summary->files, "images",
        (json_int_t)summary->images, "regions", (json_int_t)summary->regions, "annotations",
        (json_int_t)summary->annotations, "stored", (json_int_t)summary->stored, "duplicate",
        (json_int_t)summary->duplicate, "updated", (json_int_t)summary->updated, "replaced",
        (json_int_t)summary->replaced, "skipped", (json_int_t)summary->skipped, "failed",
        (json_int_t)summary->failed, "reasons", reasons_json(summary), "worker_restarts",
        (json_int_t)summary->worker_restarts, "seconds", summary->seconds, "images_per_second",
        images_per_second(summary), "decode_seconds", summary->decode_seconds, "commit_seconds",
        summary->commit_seconds, "cancelled", cancelled, "reindex",
        reindexed != NULL ? kin_reindex_report_json(reindexed) : json_null());
    return report->verbose ? kin_cli_print_json_line(value, exit_code)
                           : kin_cli_print_json(value, exit_code);
}
