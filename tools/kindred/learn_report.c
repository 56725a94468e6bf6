#include "learn_report.h"

#include <inttypes.h>
#include <string.h>

#include "json_record.h"
#include "reindex_report.h"
#include "table.h"

static const char *label_of(const kin_archive_learn_options *options)
{
    return options->label != NULL ? options->label : KIN_LEARN_DEFAULT_LABEL;
}

static bool is_none(const kin_archive_learn_options *options)
{
    return options->method != NULL && strcmp(options->method, KIN_LEARN_NONE) == 0;
}

/* --- for people --- */

static bool print_classes(const kin_archive_learn_report *report,
                          const kin_archive_learn_options *options, FILE *out, size_t width)
{
    const kin_column columns[] = {{.heading = label_of(options), .kind = KIN_COLUMN_TEXT},
                                  {.heading = "images", .kind = KIN_COLUMN_NUMBER}};
    kin_table *table = kin_table_new(columns, 2);
    for (size_t c = 0; c < report->class_count; c++) {
        kin_table_cell(table, report->classes[c].name);
        kin_table_cellf(table, "%" PRIu64, report->classes[c].images);
    }
    bool ok = kin_table_print(table, out, width);
    kin_table_free(table);
    return ok;
}

static void gain_cells(kin_table *table, double gain, double low, double high)
{
    kin_table_cellf(table, "%+.3f", gain);
    if (low <= -1 && high >= 1)
        kin_table_cell(table, "too few groups");
    else
        kin_table_cellf(table, "%+.3f to %+.3f", low, high);
}

static void score_row(kin_table *table, const kin_learn_score *score, bool is_base)
{
    kin_table_cell(table, is_base ? "none" : score->method);
    kin_table_cellf(table, "%.3f", score->p_at_1);
    kin_table_cellf(table, "%.3f", score->map);
    kin_table_cellf(table, "%.3f", score->chance);
    if (is_base) {
        for (int i = 0; i < 4; i++)
            kin_table_cell(table, "");
        return;
    }
    gain_cells(table, score->gain, score->gain_low, score->gain_high);
    gain_cells(table, score->beyond, score->beyond_low, score->beyond_high);
}

static bool print_scores(const kin_learn_report *learn, FILE *out, size_t width)
{
    static const kin_column columns[] = {
        {.heading = "method", .kind = KIN_COLUMN_NAME},
        {.heading = "P@1", .kind = KIN_COLUMN_NUMBER},
        {.heading = "mAP", .kind = KIN_COLUMN_NUMBER},
        {.heading = "by chance", .kind = KIN_COLUMN_NUMBER},
        {.heading = "gain", .kind = KIN_COLUMN_NUMBER},
        {.heading = "95% interval", .kind = KIN_COLUMN_NAME},
        {.heading = "beyond chance", .kind = KIN_COLUMN_NUMBER},
        {.heading = "95% interval", .kind = KIN_COLUMN_NAME},
    };
    kin_table *table = kin_table_new(columns, sizeof columns / sizeof columns[0]);
    score_row(table, &learn->base, true);
    for (size_t c = 0; c < learn->candidate_count; c++)
        score_row(table, &learn->candidates[c], false);
    bool ok = kin_table_print(table, out, width);
    kin_table_free(table);
    return ok;
}

/* Was the candidate taken against the validation's advice? */
static bool is_forced(const kin_learn_report *learn)
{
    return learn->taken >= 0 && !(learn->candidates[learn->taken].gain_low > 0 &&
                                  learn->candidates[learn->taken].beyond_low > 0);
}

static void print_outcome(const kin_archive_learn_report *report,
                          const kin_archive_learn_options *options, FILE *out)
{
    const kin_learn_report *learn = &report->learn;
    const char *taken = is_none(options)    ? KIN_LEARN_NONE
                        : learn->taken >= 0 ? learn->candidates[learn->taken].method
                                            : NULL;
    if (taken == NULL)
        return;
    if (is_forced(learn))
        fprintf(out, "%s has not proven better than none: it is taken as asked\n", taken);
    if (options->dry_run) {
        fprintf(out, "%s would be taken: nothing was changed, as asked\n", taken);
        return;
    }
    fprintf(out, "%s is taken: model %s (%s), generation %" PRIu64 " (%s), %.1f s in all\n", taken,
            report->reindex.model, report->reindex.model_kind, report->reindex.generation,
            report->reindex.index_kind, report->seconds);
}

bool kin_learn_report_print(const kin_archive_learn_report *report,
                            const kin_archive_learn_options *options, FILE *out, size_t width)
{
    const kin_learn_report *learn = &report->learn;
    if (!is_none(options)) {
        fprintf(out, "%zu of %" PRIu64 " images have a %s; ", learn->labelled, report->images,
                label_of(options));
        fprintf(out,
                "%zu groups of them (%" PRIu64
                " by patient, the others by likeness) in %d folds\n\n",
                learn->groups, report->by_patient, learn->folds);
        if (!print_classes(report, options, out, width))
            return false;
        fputc('\n', out);
        if (!print_scores(learn, out, width))
            return false;
        fputc('\n', out);
    }
    print_outcome(report, options, out);
    return true;
}

/* --- for machines --- */

static json_t *score_json(const kin_learn_score *score)
{
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:[f, f], s:f, s:[f, f], s:f}", "method",
                     score->method, "p_at_1", score->p_at_1, "map", score->map, "chance",
                     score->chance, "gain", score->gain, "gain_interval", score->gain_low,
                     score->gain_high, "beyond_chance", score->beyond, "beyond_chance_interval",
                     score->beyond_low, score->beyond_high, "seconds", score->seconds);
}

static json_t *candidates_json(const kin_learn_report *learn)
{
    json_t *array = json_array();
    for (size_t c = 0; c < learn->candidate_count; c++)
        if (json_array_append_new(array, score_json(&learn->candidates[c])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *classes_json(const kin_archive_learn_report *report)
{
    json_t *array = json_array();
    for (size_t c = 0; c < report->class_count; c++)
        if (json_array_append_new(array, json_pack("{s:o, s:I}", "name",
                                                   kin_json_text(report->classes[c].name), "images",
                                                   (json_int_t)report->classes[c].images)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

json_t *kin_learn_report_json(const kin_archive_learn_report *report,
                              const kin_archive_learn_options *options)
{
    const kin_learn_report *learn = &report->learn;
    bool applied = report->changed && !options->dry_run;
    const char *taken = is_none(options)    ? KIN_LEARN_NONE
                        : learn->taken >= 0 ? learn->candidates[learn->taken].method
                                            : NULL;
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:i, s:o, s:o, s:o, s:s?, s:b, s:o, s:f}", "label",
                     is_none(options) ? json_null() : kin_json_text(label_of(options)), "images",
                     (json_int_t)report->images, "labelled", (json_int_t)learn->labelled,
                     "by_patient", (json_int_t)report->by_patient, "groups",
                     (json_int_t)learn->groups, "folds", learn->folds, "classes",
                     classes_json(report), "base",
                     is_none(options) ? json_null() : score_json(&learn->base), "candidates",
                     candidates_json(learn), "taken", taken, "changed", applied, "reindex",
                     applied ? kin_reindex_report_json(&report->reindex) : json_null(), "seconds",
                     report->seconds);
}
