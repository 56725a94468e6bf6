/* exact.h - exact scores of given rows; private to this folder. */
#ifndef KIN_SEARCH_EXACT_H
#define KIN_SEARCH_EXACT_H

#include "simd/topk.h"
#include "store/codec.h"
#include "store/segments.h"

/* Offers rows ids[0..count) (ascending), scored exactly, to top. */
kin_status kin_exact_offer(kin_rows *rows, const kin_probe *probe, const uint32_t *ids,
                           size_t count, kin_topk *top, kin_error *err);

/* Replaces the scores of hits by exact ones. */
kin_status kin_exact_rescore(kin_rows *rows, const kin_probe *probe, kin_hit *hits, size_t count,
                             kin_error *err);

#endif
