/* timing.h - how long the same kind of question takes, asked again and again by one caller. */
#ifndef KIN_BENCH_TIMING_H
#define KIN_BENCH_TIMING_H

#include <stddef.h>

#include "base/status.h"

typedef struct bench_timing {
    size_t calls;
    double per_second;
    double mean, p50, p99, worst; /* of a call, in microseconds */
} bench_timing;

/* Asks the i-th question, i = 0, 1, …, from the calling thread. */
typedef kin_status (*bench_ask_fn)(void *ctx, size_t i, kin_error *err);

/* Asks until `least` questions have been asked and, after them, `seconds` have passed since the
 * first; with least = 0 at least once.  Ends at the first failure.  The first `warm` questions are
 * asked once beforehand and not counted. */
kin_status bench_timing_run(size_t warm, size_t least, double seconds, bench_ask_fn ask, void *ctx,
                            bench_timing *out, kin_error *err);

/* The figures of `count` durations in seconds, which are sorted. */
bench_timing bench_timing_of(double *durations, size_t count);

#endif
