#include "plan_report.h"

#include <inttypes.h>
#include <string.h>

#include "table.h"

/* Who may be an answer, and how long it took to find out. */
static void members_row(kin_table *table, const kin_plan *plan)
{
    kin_table_cell(table, "members");
    kin_table_cellf(table,
                    "%" PRIu64 " of %" PRIu64 " images may be answers, found out in %.2f ms; "
                    "%" PRIu64 " of them newer than the index",
                    plan->members, plan->live, plan->members_milliseconds, plan->tail);
}

static void recall_row(kin_table *table, const kin_results *results)
{
    const kin_plan *plan = &results->plan;
    kin_table_cell(table, "recall");
    if (results->exact)
        kin_table_cellf(table, "%g asked for; every member was compared exactly", plan->recall);
    else
        kin_table_cellf(table, "%g asked for, %.4f promised", plan->recall, plan->expected_recall);
}

/* What one line each can tell. */
static bool print_facts(const kin_results *results, FILE *out, size_t width)
{
    static const kin_column columns[] = {{.kind = KIN_COLUMN_NAME}, {.kind = KIN_COLUMN_TEXT}};
    const kin_plan *plan = &results->plan;
    kin_table *table = kin_table_new(columns, 2);
    kin_table_cell(table, "plan");
    kin_table_cellf(table, "%s%s", plan->method,
                    plan->fell_back ? ", which gave up: a surer one answered" : "");
    kin_table_cell(table, "index");
    kin_table_cellf(table, "%s, generation %" PRIu64 ", model %s", plan->index_kind,
                    plan->generation, plan->model);
    members_row(table, plan);
    if (plan->members > 0) /* else there was nothing to rank */
        recall_row(table, results);
    if (plan->candidates > 0) {
        kin_table_cell(table, "setting");
        if (plan->width > 0)
            kin_table_cellf(table, "width %" PRIu32 ", %" PRIu32 " candidates", plan->width,
                            plan->candidates);
        else
            kin_table_cellf(table, "%" PRIu32 " candidates", plan->candidates);
    }
    kin_table_cell(table, "compared");
    kin_table_cellf(table, "%" PRIu64 " by their codes, %" PRIu64 " exactly", plan->scored,
                    plan->scanned);
    kin_table_cell(table, "ranking");
    kin_table_cellf(table, "%.2f ms, estimated %.2f ms", plan->ranking_milliseconds,
                    plan->estimated_milliseconds);
    kin_table_cell(table, "in all");
    kin_table_cellf(table, "%.2f ms", plan->milliseconds);
    bool ok = kin_table_print(table, out, width);
    kin_table_free(table);
    return ok;
}

/* The methods that the planner weighed. */
static bool print_considered(const kin_plan *plan, FILE *out, size_t width)
{
    static const kin_column columns[] = {
        {.heading = "method", .kind = KIN_COLUMN_NAME},
        {.heading = "estimated ms", .kind = KIN_COLUMN_NUMBER},
        {.heading = "", .kind = KIN_COLUMN_TEXT},
    };
    if (plan->considered_count == 0)
        return true;
    kin_table *table = kin_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < plan->considered_count; i++) {
        const char *method = plan->considered[i].method;
        double milliseconds = plan->considered[i].milliseconds;
        kin_table_cell(table, method);
        if (milliseconds >= 0)
            kin_table_cellf(table, "%.3f", milliseconds);
        else
            kin_table_cell(table, "not possible");
        kin_table_cell(table, strcmp(method, plan->method) == 0 ? "taken" : "");
    }
    fputc('\n', out);
    bool ok = kin_table_print(table, out, width);
    kin_table_free(table);
    return ok;
}

bool kin_plan_print(const kin_results *results, FILE *out, size_t width)
{
    return print_facts(results, out, width) && print_considered(&results->plan, out, width);
}

static json_t *considered_json(const kin_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < plan->considered_count; i++) {
        double milliseconds = plan->considered[i].milliseconds;
        json_t *item = json_pack("{s:s, s:o}", "method", plan->considered[i].method, "milliseconds",
                                 milliseconds >= 0 ? json_real(milliseconds) : json_null());
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

json_t *kin_plan_json(const kin_plan *plan)
{
    return json_pack(
        "{s:s, s:b, s:f, s:f, s:I, s:I, s:o, s:f, s:f, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
        "s:f, s:f}",
        "method", plan->method, "fell_back", plan->fell_back, "recall", plan->recall,
        "expected_recall", plan->expected_recall, "width", (json_int_t)plan->width, "candidates",
        (json_int_t)plan->candidates, "considered", considered_json(plan), "estimated_milliseconds",
        plan->estimated_milliseconds, "ranking_milliseconds", plan->ranking_milliseconds,
        "index_kind", plan->index_kind, "model", plan->model, "generation",
        (json_int_t)plan->generation, "live", (json_int_t)plan->live, "members",
        (json_int_t)plan->members, "tail", (json_int_t)plan->tail, "scored",
        (json_int_t)plan->scored, "scanned", (json_int_t)plan->scanned, "members_milliseconds",
        plan->members_milliseconds, "milliseconds", plan->milliseconds);
}
