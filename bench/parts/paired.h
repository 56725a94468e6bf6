/* paired.h - a gain over the same queries, with its interval. */
#ifndef KIN_BENCH_PAIRED_H
#define KIN_BENCH_PAIRED_H

#include <stddef.h>

#include "base/status.h"

typedef struct bench_gain {
    double mean, low, high; /* of the differences; 95% */
} bench_gain;

/* The mean of after[i] - before[i], with the percentile interval of 2000 resamplings of whole groups
 * (Efron 1979), the same every time.  group[i] < count says which queries belong together. */
kin_status bench_paired_gain(const double *before, const double *after, const size_t *group,
                             size_t count, bench_gain *out, kin_error *err);

#endif
