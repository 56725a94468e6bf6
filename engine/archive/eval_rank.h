/* eval_rank.h - one query's ranking judged: the measures of eval.h. */
#ifndef KIN_ARCHIVE_EVAL_RANK_H
#define KIN_ARCHIVE_EVAL_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { KIN_MEASURES = 5 };
typedef enum kin_measure {
    KIN_P_AT_1,
    KIN_P_AT_10,
    KIN_MMV_AT_5,
    KIN_AP,
    KIN_NDCG_AT_10
} kin_measure;

typedef struct kin_judged {
    double value[KIN_MEASURES];
    int majority; /* class of most of the first 5; -1 without any */
} kin_judged;

/* Judges a ranking: labels[0..count) are the classes of the ranked images, best first; label is the
 * query's. false (and *out undefined) when none of them is relevant. */
bool kin_judge_ranking(const int *labels, size_t count, int label, kin_judged *out);

#endif
