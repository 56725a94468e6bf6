/* eval_models.h - the vectors that a model gives an evaluation's images in one fold. */
#ifndef KIN_ARCHIVE_EVAL_MODELS_H
#define KIN_ARCHIVE_EVAL_MODELS_H

#include "archive/eval_set.h"

/* One fold: which images ask, which are ranked, which may be learnt from. */
typedef struct kin_eval_fold {
    size_t *queries, *database, *training; /* numbers of images, ascending */
    size_t query_count, database_count, training_count;
} kin_eval_fold;

/* The fold of that number, or of the queries of their own (number -1), or every image against all
 * others (KIN_EVAL_ALL_FOLD). */
enum { KIN_EVAL_QUERIES_FOLD = -1, KIN_EVAL_ALL_FOLD = -2 };
kin_status kin_eval_fold_make(const kin_eval_set *set, int number, kin_eval_fold *out,
                              kin_error *err);
void kin_eval_fold_release(kin_eval_fold *fold);

/* *vectors: [set->count x *dim], from malloc; rows of images outside the fold are undefined.  note
 * gets a word on what was learnt. */
kin_status kin_eval_embed(const kin_eval_set *set, const kin_eval_model *model,
                          const kin_eval_fold *fold, float **vectors, size_t *dim,
                          char note[KIN_EVAL_NOTE_SIZE], kin_error *err);

#endif
