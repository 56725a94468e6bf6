/* eval_report.h - an evaluation's report, filled step by step. */
#ifndef KIN_ARCHIVE_EVAL_REPORT_H
#define KIN_ARCHIVE_EVAL_REPORT_H

#include "archive/eval_rank.h"
#include "archive/eval_set.h"

/* What the set tells: classes by name (the set's labels are renumbered so), counts. */
kin_status kin_eval_report_begin(kin_eval_report *report, kin_eval_set *set, kin_error *err);

/* Room for the models' answers; place: of each image among the queries, or SIZE_MAX. */
kin_status kin_eval_report_make_room(kin_eval_report *report, const kin_eval_set *set,
                                     const size_t *place, size_t queries, kin_error *err);

/* The measures, of judged[model][query]. */
kin_status kin_eval_report_fill(kin_eval_report *report, const kin_eval_set *set,
                                kin_judged *const *judged, kin_error *err);

#endif
