/* learn_judge.h - folds of groups, rankings of queries, and what a gain is worth; private to this
 * folder and its tests. */
#ifndef KIN_EMBED_LEARN_JUDGE_H
#define KIN_EMBED_LEARN_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/*
 * Deals groups out to folds, the largest first, each to the fold that has the fewest rows of the
 * group's class (its first known one), then the fewest rows: fold[count].  Group numbers are from 0
 * to below count.
 */
kin_status kin_learn_folds(const int *label, const int *group, size_t count, size_t classes,
                           int folds, uint64_t seed, int *fold, kin_error *err);

/* A query's ranking, judged. */
struct learn_judged {
    double precision; /* average precision: mean of the precision at each row of the query's class;
                       * -1: none is there */
    double chance;    /* what that would be on average if the query's class were drawn by lot */
    double first;     /* 1 when the first row is of the query's class, else 0 */
};

/*
 * Ranks `rows` database rows (unit vectors of dim floats) for each query by their inner product and
 * judges the whole ranking.  Of equally similar rows those of other classes come first.
 *
 * Why chance: a ranking in blocks of classes has a high average precision also where the query's class
 * has nothing to do with the order of the blocks (0.50 for three large classes of equal size; rows in
 * random order 0.33), so that learning labels that mean nothing would seem to gain.  share[classes]
 * says how likely each class is; as the database and its order stay as they are, the mean of
 * precision - chance over queries of random class is zero whatever the embedding.
 */
struct learn_database {
    const float *rows; /* [count][dim] */
    const int *label;
    size_t count, dim, classes;
    const double *share; /* [classes] */
};
kin_status kin_learn_judge(const struct learn_database *database, const float *query,
                           const int *label, size_t queries, struct learn_judged *out,
                           kin_error *err);

/*
 * The mean of gain[count] with its 95% interval by resampling groups (Efron, 1979), widened for few
 * groups as Hesterberg ("What teachers should know about the bootstrap", 2015) has it: percentiles
 * at the normal distribution's shares beyond sqrt(n / (n - 1)) times Student's quantile.  With fewer
 * than LEARN_GROUPS_MIN groups nothing is known: the interval is -1 to 1.
 */
enum { LEARN_GROUPS_MIN = 6 /* all of five gaining has a chance of 1 in 16, two-sided */ };
kin_status kin_learn_gain(const double *gain, const int *group, size_t count, uint64_t seed,
                          double *mean, double *low, double *high, kin_error *err);

#endif
