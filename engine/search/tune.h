/*
 * tune.h - finding the cheapest settings of an index for each recall, on the archive's own vectors.
 *
 * Queries are stored vectors spread evenly over the archive, each left out of its own answer and of a
 * graph that it is a node of (kin_index_query.unseen: with its own links to go by, a query had recall
 * 0.997 where others had 0.98).  The truth is the exact scan of all members (kin_search_batch()).
 * Settings are tried from the cheapest up; a target gets the first whose mean recall@10, less two
 * standard errors, reaches it (a candidate as similar as the tenth counts, so that ties do not).  A
 * target that no setting reaches is left out of the table: searches that ask for it scan.
 */
#ifndef KIN_SEARCH_TUNE_H
#define KIN_SEARCH_TUNE_H

#include "search/search.h"

enum { KIN_TUNE_K = 10, KIN_TUNE_QUERIES = 400 };

typedef struct kin_tune_options {
    size_t queries; /* 0: KIN_TUNE_QUERIES, or fewer where there are fewer rows */
    /* Called with the share done; nonzero cancels (KIN_E_CANCELLED).  May be NULL. */
    int (*progress)(void *ctx, double done);
    void *progress_ctx;
} kin_tune_options;

/* What a tuning found. */
typedef struct kin_tune_result {
    kin_index_tuning tunings[KIN_INDEX_TUNINGS_MAX];
    size_t count;   /* targets that were reached */
    size_t queries; /* asked */
    double best;    /* the highest mean recall of any setting; 1 of 0 queries */
} kin_tune_result;

/* Tunes corpus->index over the rows that live, as at its snapshot.  The flat kind is tuned as well:
 * recall of the two-stage scan by its number of candidates.  With fewer than two rows there is
 * nothing to ask. */
kin_status kin_search_tune(const kin_corpus *corpus, const roaring_bitmap_t *live,
                           const kin_tune_options *options, kin_tune_result *out, kin_error *err);

#endif
