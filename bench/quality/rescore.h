/*
 * rescore.h - rankings changed after the fact, by what lies around a query's answers: what the
 * literature says lifts results without any learning, tried on Kindred's own vectors.
 *
 * Each is a kin_eval_rescore.  What a query may not see (kin_eval_scores.left_out) has no part in
 * its own neighbourhood either.
 */
#ifndef KIN_BENCH_RESCORE_H
#define KIN_BENCH_RESCORE_H

#include "archive/eval.h"

/* Average query expansion (Chum et al., "Total recall", 2007; weights s^alpha after Radenovic, Tolias
 * and Chum, 2018): the query becomes the mean of itself and its 10 nearest, weighted by the cube of
 * their similarity. */
kin_status bench_rescore_expansion(void *ctx, kin_eval_scores *scores, kin_error *err);

/* k-reciprocal neighbours (Zhong et al., "Re-ranking person re-identification with k-reciprocal
 * encoding", 2017): the Jaccard distance of neighbourhoods that find each other, mixed with the
 * distance itself; their k1 = 20, k2 = 6, lambda = 0.3. */
kin_status bench_rescore_reciprocal(void *ctx, kin_eval_scores *scores, kin_error *err);

/* Diffusion on the graph of neighbours (Zhou et al., "Ranking on data manifolds", 2003; Iscen et al.,
 * 2017): f = alpha S f + (1 - alpha) y, with 20 neighbours, affinity s^3 and alpha = 0.9. */
kin_status bench_rescore_diffusion(void *ctx, kin_eval_scores *scores, kin_error *err);

#endif
