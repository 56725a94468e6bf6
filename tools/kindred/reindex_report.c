#include "reindex_report.h"

#include <inttypes.h>
#include <string.h>

#include "numbers.h"
#include "table.h"
#include "tuning_report.h"

enum { LEARNABLE = 2 /* images: fewer teach nothing */ };

void kin_forecast_print(const char *index_kind, uint64_t peak_bytes, FILE *out)
{
    char size[16];
    kin_format_bytes(peak_bytes, size);
    fprintf(out, "building the index (%s) will take %s of memory at its peak\n", index_kind, size);
}

/* Was the model learnt from labels? */
static bool is_metric(const kin_reindex_report *report)
{
    return strcmp(report->model_kind, "lda") == 0 || strcmp(report->model_kind, "mlp") == 0;
}

static const char *why_learnt(const kin_reindex_report *report, const kin_reindex_options *options)
{
    if (options->model == KIN_REINDEX_LEARN)
        return is_metric(report)
                   ? "learnt anew from its label, as asked; not validated (kindred learn)"
                   : "learnt anew, as asked";
    if (report->drift.learn)
        return "learnt anew: newer images had moved away from the one before";
    return "learnt: there was none yet, or it knew half of the images at most";
}

static const char *why_kept(const kin_reindex_report *report, const kin_reindex_options *options)
{
    if (options->model == KIN_REINDEX_KEEP)
        return "kept, as asked";
    if (report->metric_due)
        return options->model == KIN_REINDEX_LEARN
                   ? "kept: its label no longer suffices to learn it anew (kindred learn)"
                   : "kept, as it was learnt from labels; it should be learnt anew (kindred learn)";
    if (report->images < LEARNABLE)
        return "kept: there are too few images to learn from";
    if (options->model == KIN_REINDEX_LEARN || report->drift.learn)
        return "kept: the same images have taught the same again";
    if (is_metric(report))
        return "kept: it was learnt from labels, and still fits";
    return "kept: the archive has neither doubled nor moved away from it";
}

static void model_row(kin_table *table, const kin_reindex_report *report,
                      const kin_reindex_options *options)
{
    const kin_drift *drift = &report->drift;
    const char *why = report->learnt ? why_learnt(report, options) : why_kept(report, options);
    kin_table_cell(table, "model");
    if (drift->new_error > 0) /* there were newer images to judge by */
        kin_table_cellf(table, "%s (what it loses of newer images: %.3g, of the others: %.3g)", why,
                        drift->new_error, drift->old_error);
    else
        kin_table_cell(table, why);
}

static const char *why_built(const kin_reindex_report *report, const kin_reindex_options *options)
{
    if (report->extended)
        return "extended by what is new";
    if (options->rebuild)
        return "built anew, as asked";
    if (report->learnt)
        return "built anew, under the new model";
    if (report->drift.retrain)
        return "built anew: it has doubled, or newer images had moved away from it";
    return "built anew: none could be extended";
}

static void index_row(kin_table *table, const kin_reindex_report *report,
                      const kin_reindex_options *options)
{
    const kin_drift *drift = &report->drift;
    kin_table_cell(table, "index");
    if (drift->new_index_error > 0)
        kin_table_cellf(table,
                        "%s (what its codes lose of newer images: %.3g, of the others: %.3g)",
                        why_built(report, options), drift->new_index_error, drift->old_index_error);
    else
        kin_table_cell(table, why_built(report, options));
}

static bool print_facts(const kin_reindex_report *report, const kin_reindex_options *options,
                        FILE *out, size_t width)
{
    static const kin_column columns[] = {{.kind = KIN_COLUMN_NAME}, {.kind = KIN_COLUMN_TEXT}};
    char forecast[16], peak[16];
    kin_table *table = kin_table_new(columns, 2);
    kin_format_bytes(report->forecast_bytes, forecast);
    kin_format_bytes(report->peak_bytes, peak);
    model_row(table, report, options);
    index_row(table, report, options);
    kin_table_cell(table, "memory");
    kin_table_cellf(table, "%s at the build's peak, %s foretold", peak, forecast);
    kin_table_cell(table, "time");
    kin_table_cellf(table, "%.1f s building, %.1f s tuning, %.1f s swapping", report->build_seconds,
                    report->tune_seconds, report->swap_seconds);
    if (report->recall_queries > 0) {
        kin_table_cell(table, "recall@10");
        kin_table_cellf(table, "%.4f against the exact answer, of %zu queries",
                        report->recall_at_10, report->recall_queries);
    }
    bool ok = kin_table_print(table, out, width);
    kin_table_free(table);
    return ok;
}

bool kin_reindex_report_print(const kin_reindex_report *report, const kin_reindex_options *options,
                              FILE *out, size_t width)
{
    fprintf(out,
            "reindexed %" PRIu64 " image%s in %.1f s: model %s (%s), generation %" PRIu64 " (%s)\n",
            report->images, report->images == 1 ? "" : "s", report->seconds, report->model,
            report->model_kind, report->generation, report->index_kind);
    if (!print_facts(report, options, out, width))
        return false;
    fputc('\n', out);
    return kin_tunings_print(report->tunings, report->tuning_count, out, width);
}

static json_t *drift_json(const kin_drift *drift)
{
    return json_pack("{s:b, s:f, s:f, s:b, s:f, s:f, s:b}", "judged", drift->judged, "old_error",
                     drift->old_error, "new_error", drift->new_error, "learn", drift->learn,
                     "old_index_error", drift->old_index_error, "new_index_error",
                     drift->new_index_error, "retrain", drift->retrain);
}

json_t *kin_reindex_report_json(const kin_reindex_report *report)
{
    return json_pack(
        "{s:I, s:s, s:s, s:b, s:b, s:I, s:s, s:b, s:o, s:f, s:I, s:f, s:b, s:o, s:I, s:I, s:f, "
        "s:f, "
        "s:f, s:f}",
        "images", (json_int_t)report->images, "model", report->model, "model_kind",
        report->model_kind, "learnt", report->learnt, "metric_due", report->metric_due,
        "generation", (json_int_t)report->generation, "index_kind", report->index_kind, "extended",
        report->extended, "drift", drift_json(&report->drift), "recall_at_10", report->recall_at_10,
        "recall_queries", (json_int_t)report->recall_queries, "recall_bound", report->recall_bound,
        "below_bound", report->below_bound, "tunings",
        kin_tunings_json(report->tunings, report->tuning_count), "forecast_bytes",
        (json_int_t)report->forecast_bytes, "peak_bytes", (json_int_t)report->peak_bytes,
        "build_seconds", report->build_seconds, "tune_seconds", report->tune_seconds,
        "swap_seconds", report->swap_seconds, "seconds", report->seconds);
}
