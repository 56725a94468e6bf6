/* eval_ranking.h - a fold's queries ranked and judged by one model. */
#ifndef KIN_ARCHIVE_EVAL_RANKING_H
#define KIN_ARCHIVE_EVAL_RANKING_H

#include "archive/eval_models.h"
#include "archive/eval_rank.h"

typedef struct kin_eval_ranking {
    const kin_eval_set *set;
    const kin_eval_fold *fold;
    const kin_eval_model *model;
    const float *vectors; /* [images x dim] */
    size_t dim;
    const size_t *place;      /* of each image among all queries */
    kin_eval_answer *answers; /* [all queries]: those of the fold are filled */
    kin_judged *judged;       /* [all queries] */
} kin_eval_ranking;

kin_status kin_eval_rank(const kin_eval_ranking *ranking, kin_error *err);

#endif
