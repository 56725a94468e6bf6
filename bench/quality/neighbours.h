/* neighbours.h - the nearest of each image among the others of a fold. */
#ifndef KIN_BENCH_NEIGHBOURS_H
#define KIN_BENCH_NEIGHBOURS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct bench_neighbour {
    uint32_t image;
    float score;
} bench_neighbour;

/* The k best of scores[0 .. count), best first, without those that skip (may be NULL) marks and
 * without `self` (SIZE_MAX: none); returns how many there are. */
size_t bench_best(const float *scores, const unsigned char *skip, size_t self, size_t count,
                  size_t k, bench_neighbour *out);

/* The k nearest of each of count vectors, itself left out: out has count x k, in order; where there
 * are fewer, the rest has score -1 and repeats the image itself. */
kin_status bench_neighbours_find(const float *vectors, size_t count, size_t dim, size_t k,
                                 int threads, bench_neighbour *out, kin_error *err);

#endif
