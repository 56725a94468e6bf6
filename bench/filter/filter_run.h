/* filter_run.h - the measurements of `kindred-bench filter`: each appends rows to its tables. */
#ifndef KIN_BENCH_FILTER_RUN_H
#define KIN_BENCH_FILTER_RUN_H

#include <jansson.h>

#include "corpus_index.h"
#include "filter_conditions.h"
#include "filter_peers.h"

typedef struct bench_filter {
    bench_set set;
    bench_classes classes;
    bench_store store;
    bench_generation generation;
    bench_filter_peers peers;
    bool with_peers;
    size_t k;
    double recall;  /* asked for */
    double seconds; /* for each figure */
    int threads;    /* of one query's scan */
    uint64_t seed;
    json_t *cells, *ways, *others, *deletions; /* tables */
} bench_filter;

/* The queries numbered `queries` under their conditions: the planner's choice into `cells`, each way
 * forced into `ways`, others' indexes into `others`.  relation and share (0: unknown) name the
 * rows. */
kin_status bench_filter_measure(bench_filter *filter, const bench_conditions *conditions,
                                const bench_truth *truth, const size_t *queries, size_t count,
                                const char *relation, double share, kin_error *err);

/* Conditions of each selectivity in shares, at random and correlated. */
kin_status bench_filter_shares(bench_filter *filter, const double *shares, size_t count,
                               kin_error *err);

/* Conditions by tags, together by the power of ten of their selectivity. */
kin_status bench_filter_tags(bench_filter *filter, const bench_tags *tags,
                             const bench_tags *query_tags, kin_error *err);

/* Recall while all rows are there, after a share of them has been deleted, and after a generation
 * without them was made, into `deletions`. */
kin_status bench_filter_deletions(bench_filter *filter, double share, kin_error *err);

/* Truth under the cell's conditions. */
kin_status bench_filter_truth(bench_cell *cell, bench_truth *out, kin_error *err);

#endif
