/*
 * learn.h - a supervised projection, learnt from labels and believed only when it proves itself.
 *
 * Candidates (each a named method, tried on the same folds):
 *   lda   linear discriminants with Ledoit and Wolf's (2004) shrinkage of the within-class scatter
 *   mlp   a small multilayer projection trained on a metric loss
 * beside the base: the unsupervised projection of embed.h, learnt from the same rows.
 *
 * Validation is by folds that never divide a group (a patient, or near-duplicates): base and
 * candidates are learnt from the other folds, the fold's rows are queries against them.  A candidate
 * is taken when the lower ends of the 95% bootstrap intervals (over groups) of two paired gains over
 * the base are above zero:
 *   in mAP,
 *   in mAP beyond chance.  A metric that draws classes together ranks them in blocks, and blocks have
 *     a high average precision even where labels mean nothing (three large classes 0.50, random order
 *     0.33).  So from each query's average precision its mean over classes drawn by lot, with the
 *     ranking as it is, is taken away: of labels by chance nothing remains.
 *     Labels that were drawn by lot for each group of made-up images (30 to 100 groups, two or three
 *     classes) were believed by lda 4 to 7 times in 100; by the gain in mAP alone 47 to 93 times.
 * Of several candidates the one with the highest mAP is taken, and learnt from all rows.
 *
 * Brain MRI (2,767 slices in 1,725 near-duplicate groups, four classes, all families of features.h),
 * lung histology (717 tiles, three classes) and organs' histology (60 tiles of 30 patients, seven
 * organs), mAP / P@1:
 *
 *                 brain          lung           organs
 *     base        .429 / .897    .750 / .946    .515 / .550
 *     lda         .900 / .899    .944 / .962    .646 / .600
 *     mlp         .946 / .927    .969 / .957    .685 / .600
 */
#ifndef KIN_EMBED_LEARN_H
#define KIN_EMBED_LEARN_H

#include <stdbool.h>

#include "embed/embed.h"

enum { KIN_LEARN_CANDIDATES_MAX = 8, KIN_LEARN_DEFAULT_FOLDS = 5 };

/* Rows with what is known of them.  Rows of unknown label take part in the unsupervised steps only. */
typedef struct kin_learn_rows {
    kin_embed_rows rows;
    const int *label; /* [count]: from 0 to classes - 1, or -1 for unknown */
    const int *group; /* [count]: from 0 to below count; rows of one group stay in one fold */
    size_t classes;
} kin_learn_rows;

typedef struct kin_learn_options {
    kin_embed_options embed; /* dim, threads, … of base and candidates alike */
    int folds;               /* 0: KIN_LEARN_DEFAULT_FOLDS, or as many as there are groups */
    uint64_t seed;           /* 0: a fixed one */
    const char *method;      /* try this candidate only; NULL: all */
    bool force;              /* take the best candidate even without a gain (for comparing) */
    int (*progress)(void *ctx, const char *stage, double done); /* nonzero cancels; may be NULL */
    void *progress_ctx;
} kin_learn_options;

typedef struct kin_learn_score {
    const char *method;               /* static; "base" for the base */
    double map, p_at_1;               /* over all folds' queries */
    double chance;                    /* mAP of the same rankings if classes were drawn by lot */
    double gain, gain_low, gain_high; /* in mAP over the base, with its 95% interval */
    double beyond, beyond_low, beyond_high; /* the same of mAP - chance */
    double seconds;
} kin_learn_score;

typedef struct kin_learn_report {
    size_t labelled, classes, groups;
    int folds;
    kin_learn_score base, candidates[KIN_LEARN_CANDIDATES_MAX];
    size_t candidate_count;
    int taken; /* which candidate, or -1: none is better than the base */
} kin_learn_report;

/* *out: the embedder of the candidate that was taken, or NULL (report.taken -1, KIN_OK).  KIN_E_ARG:
 * fewer than 2 classes with 2 groups each; the message says what is missing. */
kin_status kin_embedder_learn(const char *signature, const kin_learn_rows *rows,
                              const kin_learn_options *options, kin_embedder **out,
                              kin_learn_report *report, kin_error *err);

/* One method learnt from all labelled rows without validation ("lda", "mlp"), for folds that
 * somebody else makes. */
kin_status kin_embedder_learn_method(const char *signature, const kin_learn_rows *rows,
                                     const char *method, const kin_embed_options *options,
                                     kin_embedder **out, kin_error *err);

#endif
