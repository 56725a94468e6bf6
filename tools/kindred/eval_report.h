/* eval_report.h - an evaluation as tables for people or as JSON. */
#ifndef KINDRED_EVAL_REPORT_H
#define KINDRED_EVAL_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "archive/eval.h"

/* Measures with their intervals, the same per class, and the confusion table unless it is too
 * large for a screen; false without memory. */
bool kin_eval_report_print(const kin_eval_report *report);

/*
 * {"queries", "database", "p_at_1", "p_at_10", "mmv_at_5", "map", "ndcg_at_10",
 *  "intervals": {"p_at_1": [low, high], …}, "duplicates", "missing", "unjudged", "label",
 *  "leave_out", "per_class": {CLASS: {"size", "queries", measures…, "intervals"}},
 *  "confusion": {CLASS: {CLASS: queries}}}
 * NULL without memory.
 */
json_t *kin_eval_report_json(const kin_eval_report *report, const kin_eval_options *options);

#endif
