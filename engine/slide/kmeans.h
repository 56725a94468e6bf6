/*
 * kmeans.h - a few groups of many points: k-means++ (Arthur and Vassilvitskii, SODA 2007) and
 * Lloyd's iterations, with random numbers of a fixed seed: the same points give the same groups.
 */
#ifndef KIN_SLIDE_KMEANS_H
#define KIN_SLIDE_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { KIN_KMEANS_ITERATIONS = 50 };

/*
 * points: count x dim floats, finite; 1 <= k <= count.  groups: count numbers below k; centres:
 * k x dim floats.  A group may stay empty where points coincide.  KIN_E_NOMEM.
 */
kin_status kin_kmeans(const float *points, size_t count, size_t dim, size_t k, uint64_t seed,
                      uint32_t *groups, float *centres, kin_error *err);

/* The squared Euclidean distance. */
double kin_squared_distance(const float *a, const float *b, size_t dim);

#endif
