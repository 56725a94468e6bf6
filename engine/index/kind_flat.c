/* No structure: the caller scans the store, which is exact. */
#include "index/kinds.h"

static kin_status search(const kin_index *index, const struct index_query *query, kin_topk *top,
                         kin_error *err)
{
    (void)index;
    (void)query;
    (void)top;
    (void)err;
    return KIN_OK;
}

const struct index_kind kin_index_flat = {.name = "flat", .search = search};
