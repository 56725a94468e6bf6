/*
 * estimate.h - what each way to an answer takes, and how hard the index looks on it; private to this
 * folder.
 *
 * With m members, of which t are newer than the index; s the share of the index's vectors that are
 * members; T the time and w the codes of an unfiltered search of the tuned setting:
 *
 *   scan            m rows
 *   two-stage scan  (m - t) codes, what keeping and ranking the best takes, and t rows
 *   index           T, and t rows                                      (next to nothing is left out)
 *   filtered index  T / s, a question to the bitmap for each code, and t rows: a beam of Malkov and
 *                   Yashunin's ends by what it has found, and of 1 / s nodes one is a member
 *   widening        T / s, since the search is 1 / s as wide, and t rows; and the filtered index
 *                   after it, as often as members turn out to be rarer around the query than
 *                   elsewhere
 *
 * A beam that goes on meets ever more nodes that it has met before: its time grows as 1 / s and the
 * codes that it scores as (1 / s)^(2 / 3); inverted lists are read at one go, so theirs grows more
 * slowly.  More hits take a beam that is as wide as k^0.7.  All measured on embeddings of medical
 * images: at s = 0.5, 0.1, 0.01 a graph's time was 2.0, 8.1, 83 times that of s = 1 and its codes 1.6,
 * 4.6, 23 times, that of lists 1.3, 3.9, 33 times and theirs 1.5, 3.8, 19 times; recall at k = 160 and
 * 1000 rose a little.
 */
#ifndef KIN_SEARCH_ESTIMATE_H
#define KIN_SEARCH_ESTIMATE_H

#include "search/plan.h"

/* Nanoseconds of a way, or a negative number where it cannot be gone. */
double kin_estimate(const kin_corpus *corpus, const kin_ask *ask, const struct plan_facts *facts,
                    enum way way);

/* Nanoseconds of an unfiltered search of the index; 0 where it has not been tuned. */
double kin_estimate_plain(const kin_ask *ask, const struct plan_facts *facts);

/* How hard the index, or a two-stage scan, looks for an answer of ask->k on this way. */
kin_index_setting kin_estimate_setting(const kin_corpus *corpus, const kin_ask *ask,
                                       const struct plan_facts *facts, enum way way);

/* Codes that a way by the index scores in that time. */
size_t kin_estimate_codes(const kin_corpus *corpus, const struct plan_facts *facts, enum way way,
                          double nanoseconds);

/* Nanoseconds of a scan by one thread: of rows, or of the index's codes. */
double kin_estimate_rows(const kin_corpus *corpus, uint64_t members, uint64_t among);
double kin_estimate_codes_scan(const kin_corpus *corpus, uint64_t members, uint64_t among);

#endif
