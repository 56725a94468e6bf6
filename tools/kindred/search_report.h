/* search_report.h - a search's results as a table for people or as JSON. */
#ifndef KINDRED_SEARCH_REPORT_H
#define KINDRED_SEARCH_REPORT_H

#include <stdbool.h>

#include "archive/archive.h"

typedef struct kin_search_report {
    bool json;
    bool explain;           /* the table is followed by the plan; JSON always holds it */
    bool uids;              /* the table has a column of SOP instance UIDs */
    uint32_t stored_region; /* of the stored image that was asked with; 0: the whole */
} kin_search_report;

/* Prints and returns the exit code. */
int kin_search_report_print(const kin_search_report *report, const kin_query *query, uint32_t frame,
                            const kin_results *results);

#endif
