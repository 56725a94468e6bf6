/* eval_bootstrap.h - measures over judged queries, with percentile bootstrap intervals. */
#ifndef KIN_ARCHIVE_EVAL_BOOTSTRAP_H
#define KIN_ARCHIVE_EVAL_BOOTSTRAP_H

#include <stdint.h>

#include "archive/eval.h"
#include "archive/eval_rank.h"

typedef struct kin_bootstrap_options {
    size_t resamples;
    uint64_t seed;
    size_t classes; /* labels and votes are below it */
    int label; /* measure this class alone: means over its queries, its own F1 over all; or -1 */
} kin_bootstrap_options;

/*
 * Measures over queries[0..count) and their 95% intervals from `resamples` resamplings with
 * replacement (Efron 1979), drawn by a generator seeded with seed.  groups (may be NULL) gives each
 * query's group: then whole groups are drawn, since queries of one patient are not independent; -1
 * is a group of its own.  A resampling in which a measure has nothing to measure (none of a class's
 * queries was drawn) does not count for it.
 */
kin_status kin_bootstrap(const kin_judged *queries, const int *groups, size_t count,
                         const kin_bootstrap_options *options, kin_eval_measures *out,
                         kin_error *err);

#endif
