#include <math.h>

#include "index/kinds.h"

kin_status kin_index_search(const kin_index *index, const kin_index_query *query, kin_hit *hits,
                            size_t *found, kin_index_work *work, kin_error *err)
{
    *found = 0;
    *work = (kin_index_work){0};
    for (size_t d = 0; d < index->dim; d++)
        if (!isfinite(query->vector[d]))
            return kin_fail(err, KIN_E_ARG, NULL, "query is not finite");
    if (query->setting.candidates == 0 || index->count == 0)
        return KIN_OK;
    struct index_query asked = {
        .vector = query->vector,
        .setting = query->setting,
        .members = query->members,
        .budget = query->budget > 0 ? query->budget : SIZE_MAX,
        .unseen = SIZE_MAX,
    };
    if (query->unseen != NULL && !kin_index_position(index, *query->unseen, &asked.unseen))
        asked.unseen = SIZE_MAX;
    if (asked.members != NULL && asked.members->only == NULL && asked.members->without == NULL)
        asked.members = NULL; /* all, after all */
    return index->kind->search(index, &asked, hits, found, work, err);
}

bool kin_index_setting_at(const kin_index *index, size_t k, size_t i, kin_index_setting *out)
{
    return index->kind->setting_at(index, k, i, out);
}
