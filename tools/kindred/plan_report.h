/* plan_report.h - how an answer was found, as tables for people or as JSON. */
#ifndef KINDRED_PLAN_REPORT_H
#define KINDRED_PLAN_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "archive/archive.h"

/* Prints who may have been an answer, what was compared, and what the planner weighed.  False
 * without memory. */
bool kin_plan_print(const kin_results *results, FILE *out, size_t width);

/* The plan with all of its fields; a method that is not possible has null milliseconds.  NULL
 * without memory. */
json_t *kin_plan_json(const kin_plan *plan);

#endif
