/* scan.h - scoring every member of a range: by its row, or by its code; private to this folder. */
#ifndef KIN_SEARCH_SCAN_H
#define KIN_SEARCH_SCAN_H

#include "search/search.h"
#include "simd/topk.h"

/* A scan of members by their rows in [from, end), or by their codes in [0, end) where codes is
 * set. */
typedef struct kin_scan {
    const kin_corpus *corpus;
    const kin_probe *probe;
    const kin_members *members;
    const kin_index_codes *codes; /* NULL: rows */
    uint64_t from, end;
    int threads; /* 1: the caller's alone */
    const kin_stop *stop;
} kin_scan;

/* Offers every member to top; *scored counts them. */
kin_status kin_scan_run(const kin_scan *scan, kin_topk *top, uint64_t *scored, kin_error *err);

#endif
