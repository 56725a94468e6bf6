/*
 * filter_cell.h - queries with one sort of condition, and what each way to answer them gives: its
 * recall, its speed, how many answers come.
 */
#ifndef KIN_BENCH_FILTER_CELL_H
#define KIN_BENCH_FILTER_CELL_H

#include "cohort.h"
#include "search/search.h"
#include "timing.h"
#include "vector_set.h"

typedef struct bench_cell {
    const bench_set *set;
    const bench_truth *truth; /* of all of the set's queries under their conditions */
    size_t k;
    const size_t *queries; /* those of the set's queries that are asked */
    size_t count;
    const bench_cohort *const *cohorts; /* of each query of the set; an entry NULL: no condition */
    const roaring_bitmap_t *gone;       /* rows that have been deleted, or NULL */
} bench_cell;

typedef struct bench_answers {
    bench_timing timing; /* calls 0: this way cannot be gone to all of them */
    double recall;       /* mean over the queries that were asked in the time */
    double returned;     /* mean number of answers */
    size_t asked,
        short_answers; /* queries; of them with fewer answers than k, though there are more
                                    members */
    /* Of Kindred's: */
    const char *way;          /* taken most often (static text) */
    double way_share;         /* how often */
    double fell_back;         /* share of the answers that a scan gave after all */
    double estimate_of_truth; /* median of estimated by measured time */
} bench_answers;

/* May a row be an answer to a query of the cell (ctx)?  A bench_may_fn. */
bool bench_cell_may(void *cell, size_t query, size_t row);
/* How many rows may be. */
uint64_t bench_cell_members(const bench_cell *cell, size_t query);

/* Answers by kin_search_nearest().  way: NULL: the planner's; else forced.  Each query is asked once
 * at least where `all`, else as many as the seconds allow. */
kin_status bench_cell_ask_kindred(const bench_cell *cell, const kin_corpus *corpus, const char *way,
                                  double recall, bool all, double seconds, bench_answers *out,
                                  kin_error *err);

/* Answers to the set's query number `query`, up to k, into ids. */
typedef kin_status (*bench_answer_fn)(void *ctx, const bench_cell *cell, size_t query,
                                      uint64_t *ids, size_t *found, kin_error *err);

/* By anything else. */
kin_status bench_cell_ask(const bench_cell *cell, bench_answer_fn answer, void *ctx, bool all,
                          double seconds, bench_answers *out, kin_error *err);

#endif
