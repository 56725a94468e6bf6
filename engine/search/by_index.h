/* by_index.h - candidates from the index generation; private to this folder. */
#ifndef KIN_SEARCH_BY_INDEX_H
#define KIN_SEARCH_BY_INDEX_H

#include "search/plan.h"

/* Proposes candidates by the chosen way into hits (room for choice->setting.candidates).  *enough is
 * false when the index gave up, or found fewer members than it should have: then a scan must
 * answer. */
kin_status kin_by_index(const kin_corpus *corpus, const kin_ask *ask,
                        const struct plan_facts *facts, const struct plan_choice *choice,
                        kin_hit *hits, size_t *found, bool *enough, kin_search_plan *plan,
                        kin_error *err);

/* Looks who lies around the query, by an unfiltered search: facts->selectivity becomes the share of
 * members there. */
kin_status kin_look_around(const kin_corpus *corpus, const kin_ask *ask, struct plan_facts *facts,
                           kin_search_plan *plan, kin_error *err);

#endif
