/* learn_run.h - supervised learning under way: what its parts share; private to this folder. */
#ifndef KIN_EMBED_LEARN_RUN_H
#define KIN_EMBED_LEARN_RUN_H

#include "embed/learn.h"
#include "embed/learn_judge.h"
#include "embed/learn_methods.h"

/* The judgements of the base or of a method: of every labelled row, with precision -1 where it was no
 * query. */
struct learn_trial {
    const struct learn_method *method; /* NULL: the base */
    struct learn_judged *judged;       /* [labelled] */
    double seconds;
};

struct learn_run {
    const char *signature;
    const kin_learn_rows *rows;
    const kin_learn_options *options;
    kin_embed_options embed;
    uint64_t seed;
    size_t *labelled,
        labelled_count;     /* numbers of the rows whose label is known, or some of them */
    double *share_of;       /* [classes]: of the labelled rows */
    size_t *all, all_count; /* numbers of rows for the components */
    int *fold, folds;       /* [rows] */
    struct learn_trial trials[1 + LEARN_METHODS];
    size_t trial_count;
    const char *stage; /* for progress */
    double done, share;
};

/* Learns base and methods from the rows outside a fold and judges them by those inside. */
kin_status kin_learn_validate_fold(struct learn_run *run, int fold, kin_error *err);

/* A method's embedder, learnt from all labelled rows. */
kin_status kin_learn_all(struct learn_run *run, const struct learn_method *method,
                         kin_embedder **out, kin_error *err);

#endif
