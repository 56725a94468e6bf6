/*
 * set_score.h - how alike two sets of vectors are: the tiles of two slides, the slices of two
 * volumes (late interaction: every vector of the query is compared with every one of the other
 * set).
 */
#ifndef KIN_SEARCH_SET_SCORE_H
#define KIN_SEARCH_SET_SCORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/*
 * How the likeness of each of the query's vectors to its nearest one makes that of the sets.
 * Between the two, on eight pieces of two patients' slides beside other tissue, the mean found a
 * piece of the same patient first 7 times of 8, the median 5 times; without other tissue both 7
 * times.
 */
typedef enum kin_set_rule {
    KIN_SET_MEAN,  /* their mean (Khattab and Zaharia, "ColBERT", SIGIR 2020, whose sum it is,
                      divided): the default */
    KIN_SET_MEDIAN /* their median: half of a slide may be something else (the median of minimum
                      distances: Kalra et al., "Yottixel", Medical Image Analysis 65, 2020) */
} kin_set_rule;

/* A set that the query's vectors are compared with, row by row. */
typedef struct kin_set_scorer kin_set_scorer;

/* queries: count vectors of dim floats, packed, borrowed until the scorer is freed; at least
 * one. */
kin_status kin_set_scorer_new(const float *queries, size_t count, size_t dim, kin_set_scorer **out,
                              kin_error *err);
void kin_set_scorer_free(kin_set_scorer *scorer);

/* Begins a new set. */
void kin_set_scorer_begin(kin_set_scorer *scorer);

/* Compares a row of the set with all of the query's vectors; returns the best of those inner
 * products. */
float kin_set_scorer_add(kin_set_scorer *scorer, const float *row);

/* The score of the set, of which at least one row was added. */
float kin_set_scorer_score(kin_set_scorer *scorer, kin_set_rule rule);

#endif
