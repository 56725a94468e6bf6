/* reindex_report.h - what a reindex did and why, for people or as JSON. */
#ifndef KINDRED_REINDEX_REPORT_H
#define KINDRED_REINDEX_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "archive/archive.h"

/* What building will take, said before it: one line. */
void kin_forecast_print(const char *index_kind, uint64_t peak_bytes, FILE *out);

/* What was learnt and built, why, with what memory and time, and the table of its settings.  options
 * are those of the reindex.  False without memory. */
bool kin_reindex_report_print(const kin_reindex_report *report, const kin_reindex_options *options,
                              FILE *out, size_t width);

/* The report with all of its fields; NULL without memory. */
json_t *kin_reindex_report_json(const kin_reindex_report *report);

#endif
