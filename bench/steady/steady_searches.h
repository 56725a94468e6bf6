/* steady_searches.h - searches of an archive one after the other, while something goes on beside. */
#ifndef KIN_BENCH_STEADY_SEARCHES_H
#define KIN_BENCH_STEADY_SEARCHES_H

#include <stdatomic.h>

#include "archive/archive.h"
#include "timing.h"

enum { BENCH_STEADY_K = 10 };

/* Stored images to ask for, with the exact answers, which leave out nothing. */
typedef struct bench_questions {
    float *vectors;  /* count * dim */
    uint64_t *right; /* count * BENCH_STEADY_K ids, best first */
    float *scores;   /* theirs */
    size_t *right_counts;
    size_t count, dim;
    uint64_t first_new; /* rows from here on came after the right answers were made */
} bench_questions;

/* Up to `wanted` images, spread evenly over the archive. */
kin_status bench_questions_make(kin_archive *archive, size_t wanted, bench_questions *out,
                                kin_error *err);
void bench_questions_release(bench_questions *questions);

/* What searches gave. */
typedef struct bench_searches {
    bench_timing timing;
    size_t failed, short_answers;
    double recall; /* of what was there when the right answers were made */
    char first_failure[KIN_ERROR_MESSAGE_MAX];
} bench_searches;

/* Searches for so many seconds, at least once, and, where `until` is not NULL, until it is set. */
kin_status bench_searches_run(kin_archive *archive, const bench_questions *questions,
                              double seconds, const _Atomic bool *until, bench_searches *out,
                              kin_error *err);

#endif
