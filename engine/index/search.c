#include <math.h>
#include <stdlib.h>

#include "index/kinds.h"

void kin_index_free(kin_index *index)
{
    if (index == NULL)
        return;
    faiss_Index_free(index->faiss);
    kin_faiss_scratch_free(index->scratch);
    free(index->ids);
    free(index);
}

kin_status kin_index_search(const kin_index *index, const float *query, size_t want, double effort,
                            kin_index_allowed_fn allowed, void *allowed_ctx, kin_hit *hits,
                            size_t *found, kin_error *err)
{
    *found = 0;
    for (size_t d = 0; d < index->dim; d++)
        if (!isfinite(query[d]))
            return kin_fail(err, KIN_E_ARG, NULL, "query is not finite");
    if (want == 0 || index->count == 0)
        return KIN_OK;
    struct index_query asked = {
        .vector = query,
        .want = want,
        .effort = effort > 0 ? (effort < 1 ? effort : 1) : 0,
        .allowed = allowed,
        .ctx = allowed_ctx,
    };
    kin_topk top = {.hits = hits, .capacity = want};
    kin_status status = index->kind->search(index, &asked, &top, err);
    if (status != KIN_OK)
        return status;
    kin_topk_sort(&top);
    *found = top.count;
    return KIN_OK;
}

bool kin_index_is_flat(const kin_index *index)
{
    return index->kind == &kin_index_flat;
}

const char *kin_index_kind_borrow(const kin_index *index)
{
    return index->kind->name;
}

size_t kin_index_count(const kin_index *index)
{
    return index->count;
}

size_t kin_index_dim(const kin_index *index)
{
    return index->dim;
}
