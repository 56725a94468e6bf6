/* tuning_report.h - a generation's settings and what they give, as a table for people or as JSON. */
#ifndef KINDRED_TUNING_REPORT_H
#define KINDRED_TUNING_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "archive/archive.h"

/* Prints a row for each target, or one line where there are none.  False without memory. */
bool kin_tunings_print(const kin_tuning *tunings, size_t count, FILE *out, size_t width);

/* [{"target", "recall", "microseconds", "width", "candidates"}, …]; NULL without memory. */
json_t *kin_tunings_json(const kin_tuning *tunings, size_t count);

#endif
