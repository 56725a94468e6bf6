/* eval_report.h - an evaluation as tables for people or as JSON. */
#ifndef KINDRED_EVAL_REPORT_H
#define KINDRED_EVAL_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "archive/eval.h"

/* The first model's measures with their intervals, all models side by side, the first one's measures
 * per class, and its confusion table unless that is too large for a screen; false without memory. */
bool kin_eval_report_print(const kin_eval_report *report);

/*
 * {"queries", "database", MODEL…, "duplicates", "missing", "described", "unjudged", "groups",
 *  "near_duplicates", "folds" (0: queries of their own), "label", "leave_out", "grouping",
 *  "features", "models": [{MODEL…}, …]}
 * where MODEL, at the top the first model's, is
 *  "model", "note", "p_at_1", "p_at_5", "p_at_10", "mmv_at_5", "map", "map_at_10", "ndcg_at_10",
 *  "f1_at_1", "f1_at_3", "f1_at_5", "intervals": {"p_at_1": [low, high], …},
 *  "per_class": {CLASS: {"size", "queries", measures…, "intervals"}},
 *  "confusion": {CLASS: {CLASS: queries}}
 * NULL without memory.
 */
json_t *kin_eval_report_json(const kin_eval_report *report, const kin_eval_options *options);

#endif
