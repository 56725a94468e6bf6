/* hnsw_search.h - searching a graph in place by int8 codes; private to this folder. */
#ifndef KIN_INDEX_HNSW_SEARCH_H
#define KIN_INDEX_HNSW_SEARCH_H

#include "index/kinds.h"

/* kin_index_search() of the kind hnsw. */
kin_status kin_hnsw_search(const kin_index *index, const struct index_query *query, kin_hit *hits,
                           size_t *found, kin_index_work *work, kin_error *err);

#endif
