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
 * is taken when the lower end of the 95% bootstrap interval (over groups) of its paired gain in mAP
 * over the base is above zero; of several the one with the highest mAP.  It is then learnt from all
 * rows.
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
    const int *group; /* [count]: from 0; rows of one group stay in one fold */
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
    const char *method; /* static; "base" for the base */
    double map, p_at_1; /* over all folds' queries */
    double gain, gain_low, gain_high; /* in mAP over the base, with its 95% interval */
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
