#include "search/by_index.h"

#include "search/estimate.h"

enum {
    NEIGHBOURS = 64, /* looked at, to know how many of them are members */
    EXPECTED = 16    /* as many more, of which as many are as anywhere, count against chance */
};

/* Keeps the members among hits. */
static size_t members_of(const kin_members *members, kin_hit *hits, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kin_members_have(members, hits[i].id))
            hits[kept++] = hits[i];
    return kept;
}

kin_status kin_by_index(const kin_corpus *corpus, const kin_ask *ask,
                        const struct plan_facts *facts, const struct plan_choice *choice,
                        kin_hit *hits, size_t *found, bool *enough, kin_search_plan *plan,
                        kin_error *err)
{
    uint64_t older = facts->members - facts->tail;
    size_t due = ask->k < older ? ask->k : (size_t)older;
    kin_index_work work;
    kin_index_query query = {.vector = ask->vector,
                             .setting = choice->setting,
                             .members = choice->way == WAY_FILTERED ? &ask->members : NULL,
                             .budget = choice->budget,
                             .unseen = ask->unseen};
    kin_status status = kin_index_search(corpus->index, &query, hits, found, &work, err);
    if (status != KIN_OK)
        return status;
    if (choice->way != WAY_FILTERED && facts->excluded > 0)
        *found = members_of(&ask->members, hits, *found);
    plan->scored += work.scored;
    *enough = !work.gave_up && *found >= due;
    return KIN_OK;
}

kin_status kin_look_around(const kin_corpus *corpus, const kin_ask *ask, struct plan_facts *facts,
                           kin_search_plan *plan, kin_error *err)
{
    kin_hit hits[NEIGHBOURS];
    size_t found;
    kin_index_work work;
    kin_index_query query = {.vector = ask->vector,
                             .setting = {facts->tuning->setting.width, NEIGHBOURS},
                             .unseen = ask->unseen};
    facts->spent = kin_estimate_plain(ask, facts);
    facts->looked = true;
    kin_status status = kin_index_search(corpus->index, &query, hits, &found, &work, err);
    if (status != KIN_OK)
        return status;
    plan->scored += work.scored;
    facts->selectivity =
        ((double)members_of(&ask->members, hits, found) + EXPECTED * facts->selectivity) /
        ((double)found + EXPECTED);
    return KIN_OK;
}
