/* eval_rank.h - one query's ranking judged: the measures of eval.h. */
#ifndef KIN_ARCHIVE_EVAL_RANK_H
#define KIN_ARCHIVE_EVAL_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Those that are means over queries. */
enum { KIN_MEASURES = 7 };
typedef enum kin_measure {
    KIN_P_AT_1,
    KIN_P_AT_5,
    KIN_P_AT_10,
    KIN_MMV_AT_5,
    KIN_AP,
    KIN_AP_AT_10,
    KIN_NDCG_AT_10
} kin_measure;

/* Those that are votes: the class of most of the first 1, 3, 5. */
enum { KIN_VOTES = 3 };

typedef struct kin_judged {
    double value[KIN_MEASURES];
    int label;           /* the query's class */
    int vote[KIN_VOTES]; /* classes voted for */
} kin_judged;

/* An image of a ranking: its class, and its value of the graded column, or -1 for none. */
typedef struct kin_ranked {
    int label, grade;
} kin_ranked;

/* Judges a ranking, best first, of a query.  false (and *out undefined) when none of it is
 * relevant. */
bool kin_judge_ranking(const kin_ranked *ranked, size_t count, kin_ranked query, kin_judged *out);

#endif
