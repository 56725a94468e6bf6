/* filter_conditions.h - a condition for each query of a set: by selectivity and class, or by tags. */
#ifndef KIN_BENCH_FILTER_CONDITIONS_H
#define KIN_BENCH_FILTER_CONDITIONS_H

#include "cohort.h"
#include "row_classes.h"
#include "tags.h"

typedef struct bench_conditions {
    const bench_cohort **of_query; /* for each query of the set */
    bench_cohort *cohorts;
    size_t count;
    double members; /* mean of the queries' conditions */
} bench_conditions;

/* One cohort for each class that some query has: see bench_cohort_draw(). */
kin_status bench_conditions_draw(const bench_set *set, const bench_classes *classes,
                                 bench_relation relation, double share, uint64_t seed,
                                 bench_conditions *out, kin_error *err);
/* Rows that have all of a query's tags. */
kin_status bench_conditions_by_tags(const bench_set *set, const bench_tags *tags,
                                    const bench_tags *query_tags, bench_conditions *out,
                                    kin_error *err);
/* None: every row may be an answer. */
kin_status bench_conditions_none(const bench_set *set, bench_conditions *out, kin_error *err);
void bench_conditions_release(bench_conditions *conditions);

#endif
