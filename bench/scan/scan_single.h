/* scan_single.h - one query at a time over every row: kernels alone, and as Kindred searches. */
#ifndef KIN_BENCH_SCAN_SINGLE_H
#define KIN_BENCH_SCAN_SINGLE_H

#include <jansson.h>

#include "corpus_index.h"
#include "timing.h"

/* What every measurement of a scan shares. */
typedef struct bench_scan {
    const bench_set *set;
    const bench_truth *truth; /* of the set's queries */
    size_t k;
    double seconds; /* for each measurement */
} bench_scan;

/* Appends a row for each of: the codec's kernel alone (scores computed and dropped), the scan by
 * kin_search_nearest(), and, with a generation, the two-stage scan; by so many threads.
 * bandwidth: bytes per second, what the rows' "share" is of. */
kin_status bench_scan_single(const bench_scan *scan, const bench_store *store,
                             const bench_generation *generation, int threads, double bandwidth,
                             json_t *rows, kin_error *err);

#endif
