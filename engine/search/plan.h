/* plan.h - which way an answer is likely to be cheapest; private to this folder. */
#ifndef KIN_SEARCH_PLAN_H
#define KIN_SEARCH_PLAN_H

#include "search/search.h"

enum way { WAY_SCAN, WAY_TWO_STAGE, WAY_INDEX, WAY_FILTERED, WAY_WIDENING };
_Static_assert(WAY_WIDENING + 1 == KIN_PLAN_WAYS, "a name and an estimate for each");

/* So few of the index's vectors are left out of any answer without a filter in the index: the query
 * itself, say, or what was deleted since. */
enum { PLAN_EXCLUDED_MAX = 32 };

/* What decides, worked out once for a query. */
struct plan_facts {
    uint64_t members, tail;         /* members; those newer than the index */
    size_t codes;                   /* the index's vectors, without those that have gone */
    size_t excluded;                /* of them, no members */
    double selectivity;             /* members among all that the index holds, in [0, 1]; once the
                                       index was looked into: among the query's neighbours */
    bool looked;                    /* it was */
    double spent;                   /* nanoseconds that it took, as estimated */
    const kin_index_tuning *tuning; /* that reaches the recall asked for; NULL: none does */
};

struct plan_choice {
    enum way way;
    kin_index_setting setting;
    size_t budget; /* codes that the index may score */
    bool threads;  /* a scan is worth more than one */
};

void kin_plan_facts(const kin_corpus *corpus, const kin_ask *ask, struct plan_facts *out);

/* Fills *choice and the estimates in *plan.  KIN_E_ARG: ask->way cannot be gone. */
kin_status kin_plan_choose(const kin_corpus *corpus, const kin_ask *ask,
                           const struct plan_facts *facts, struct plan_choice *choice,
                           kin_search_plan *plan, kin_error *err);

/* Is it worth to look who lies around the query before the choice is followed?  A condition is rarely
 * independent of the query: filtering is quick where the query's own kind is asked for, and slow where
 * all but its own kind is.  An unfiltered search tells, at a small part of what is at stake. */
bool kin_plan_is_unsure(const kin_ask *ask, const struct plan_facts *facts,
                        const kin_search_plan *plan);

/* The choice of a way after another has failed: *plan has the estimates.  False where it cannot be
 * gone. */
bool kin_plan_instead(const kin_corpus *corpus, const kin_ask *ask, const struct plan_facts *facts,
                      enum way way, const kin_search_plan *plan, struct plan_choice *choice);

/* Threads that one scan may use. */
int kin_plan_threads(const kin_corpus *corpus);

/* Whether a scan of so many nanoseconds is worth starting threads for. */
bool kin_plan_worth_threads(const kin_corpus *corpus, double nanoseconds);

#endif
