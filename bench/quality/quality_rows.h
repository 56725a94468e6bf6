/* quality_rows.h - evaluations as rows of JSON, and those as tables. */
#ifndef KIN_BENCH_QUALITY_ROWS_H
#define KIN_BENCH_QUALITY_ROWS_H

#include <jansson.h>
#include <stdbool.h>

#include "archive/eval.h"
#include "quality_sets.h"

/* What has been measured: {"models": […], "classes": […], "gains": […], "speed": […]}. */
typedef struct bench_quality_rows {
    json_t *models, *classes, *gains, *speed;
} bench_quality_rows;

bool bench_quality_rows_init(bench_quality_rows *rows);
void bench_quality_rows_release(bench_quality_rows *rows);

/* Adds a row for each model that is not rescored, and of the first one a row a class. */
void bench_quality_rows_add(bench_quality_rows *rows, const bench_quality_set *set,
                            const char *features, const kin_eval_options *options,
                            const kin_eval_report *report);

/* Adds what `better` gains over `base`. */
void bench_quality_rows_add_gain(bench_quality_rows *rows, const bench_quality_set *set,
                                 const kin_eval_report *report, size_t base, size_t better,
                                 kin_eval_figure gain);

void bench_quality_rows_add_speed(bench_quality_rows *rows, const char *set, const char *features,
                                  size_t images, double seconds);

/* Tables for people, or in Markdown. */
void bench_quality_rows_print(const bench_quality_rows *rows, bool markdown);

#endif
