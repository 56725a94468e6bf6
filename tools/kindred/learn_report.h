/* learn_report.h - what `learn` found, for people and machines. */
#ifndef KINDRED_LEARN_REPORT_H
#define KINDRED_LEARN_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "archive/learn.h"

/* Prints what there was to learn from, the base and the candidates, and what became of it, unless that is nothing.  width as
 * for tables; false without memory. */
bool kin_learn_report_print(const kin_archive_learn_report *report,
                            const kin_archive_learn_options *options, FILE *out, size_t width);

/* The same as an object; NULL without memory. */
json_t *kin_learn_report_json(const kin_archive_learn_report *report,
                              const kin_archive_learn_options *options);

#endif
