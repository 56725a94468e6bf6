/* eval_bootstrap.h - means of judged queries, with percentile bootstrap intervals. */
#ifndef KIN_ARCHIVE_EVAL_BOOTSTRAP_H
#define KIN_ARCHIVE_EVAL_BOOTSTRAP_H

#include <stdint.h>

#include "archive/eval.h"
#include "archive/eval_rank.h"

/*
 * Means over queries[0..count) and their 95% intervals from `resamples` resamplings with
 * replacement (Efron 1979), drawn by a generator seeded with seed.  groups (may be NULL) gives each
 * query's group: then whole groups are drawn, since queries of one patient are not independent.
 */
kin_status kin_bootstrap(const kin_judged *queries, const int *groups, size_t count,
                         size_t resamples, uint64_t seed, kin_eval_measures *out, kin_error *err);

#endif
