/* bench_ann_report.h - what `kindred-bench ann` found, as tables, JSON and a plot. */
#ifndef KIN_BENCH_ANN_REPORT_H
#define KIN_BENCH_ANN_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "bench_ann_measure.h"

/* Everything, as an object; NULL without memory. */
json_t *ann_report_json(const ann_course *course, const ann_field *field);

/* The tables: indexes, the best of each at some recalls, settings (all points where `all`), and the
 * comparison with hnswlib. */
void ann_report_print(FILE *out, const json_t *report, bool all);

/* Recall against queries per second, a curve for each family. */
kin_status ann_report_plot(const ann_course *course, const ann_field *field, const char *path,
                           kin_error *err);

#endif
