#include "tuning_report.h"

#include <inttypes.h>

#include "table.h"

static void add_row(kin_table *table, const kin_tuning *tuning)
{
    kin_table_cellf(table, "%g", tuning->target);
    kin_table_cellf(table, "%.4f", tuning->recall);
    if (tuning->width > 0) /* flat has no beam and no lists */
        kin_table_cellf(table, "%" PRIu32, tuning->width);
    else
        kin_table_cell(table, "");
    kin_table_cellf(table, "%" PRIu32, tuning->candidates);
    kin_table_cellf(table, "%.1f", tuning->microseconds);
}

bool kin_tunings_print(const kin_tuning *tunings, size_t count, FILE *out, size_t width)
{
    static const kin_column columns[] = {
        {.heading = "recall asked for", .kind = KIN_COLUMN_NUMBER},
        {.heading = "measured", .kind = KIN_COLUMN_NUMBER},
        {.heading = "width", .kind = KIN_COLUMN_NUMBER, .hide_if_empty = true},
        {.heading = "candidates", .kind = KIN_COLUMN_NUMBER},
        {.heading = "microseconds", .kind = KIN_COLUMN_NUMBER},
    };
    if (count == 0) {
        fputs("no setting of the index is tuned: searches scan\n", out);
        return true;
    }
    kin_table *table = kin_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++)
        add_row(table, &tunings[i]);
    bool ok = kin_table_print(table, out, width);
    kin_table_free(table);
    return ok;
}

json_t *kin_tunings_json(const kin_tuning *tunings, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < count; i++) {
        json_t *item = json_pack("{s:f, s:f, s:f, s:I, s:I}", "target", tunings[i].target, "recall",
                                 tunings[i].recall, "microseconds", tunings[i].microseconds,
                                 "width", (json_int_t)tunings[i].width, "candidates",
                                 (json_int_t)tunings[i].candidates);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}
