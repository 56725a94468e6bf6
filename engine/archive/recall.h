/* recall.h - an index measured against the exact answer. */
#ifndef KIN_ARCHIVE_RECALL_H
#define KIN_ARCHIVE_RECALL_H

#include "archive/scan.h"
#include "index/index.h"

/*
 * Recall@10 of index at its default effort, with the exact re-ranking that a search does: over
 * `queries` vectors spread evenly over ids[0..count), the share of the exact 10 nearest others that
 * come back (a candidate as similar as the tenth counts, so that ties do not).  An index without
 * structure (flat) is asked the same through the scan that serves it.  *asked receives the number
 * of queries; with fewer than 2 images recall is 1 of 0 queries.
 */
kin_status kin_recall_check(const kin_vectors *vectors, const kin_index *index, const uint32_t *ids,
                            size_t count, size_t queries, double *recall, size_t *asked,
                            kin_error *err);

#endif
