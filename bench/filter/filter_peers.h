/*
 * filter_peers.h - filtered search as others have it, on the same vectors:
 *   hnswlib, filtered afterwards  k / selectivity neighbours are asked for, up to a bound, and those
 *                                 that are no members are dropped (0.6 has no filter of its own)
 *   FAISS HNSW, selector          IDSelectorBitmap within the graph's search
 *   FAISS IVF, selector           IDSelectorBitmap within the lists' scan
 * Each is set to what gives recall 0.99 without a condition, and has one thread.
 */
#ifndef KIN_BENCH_FILTER_PEERS_H
#define KIN_BENCH_FILTER_PEERS_H

#include <jansson.h>

#include "filter_cell.h"
#include "peer.h"

enum { BENCH_FILTER_PEERS = 3 };

typedef struct bench_filter_peers {
    peer *of[BENCH_FILTER_PEERS]; /* NULL: not there */
    size_t width[BENCH_FILTER_PEERS];
    double recall[BENCH_FILTER_PEERS]; /* without a condition, at that width */
    size_t ask_most;                   /* bound of what is asked for and filtered afterwards */
} bench_filter_peers;

const char *bench_filter_peer_name(size_t which);

/* Builds and sets them.  plain: all queries without condition.  Released also after a failure. */
kin_status bench_filter_peers_make(const bench_cell *plain, size_t m, size_t ef_construction,
                                   size_t ask_most, int threads, bench_filter_peers *out,
                                   kin_error *err);
void bench_filter_peers_release(bench_filter_peers *peers);

/* What each is and how it was set: an array of objects. */
json_t *bench_filter_peers_describe(const bench_filter_peers *peers);

/* Its answers to a cell's queries; calls = 0 where it is not there. */
kin_status bench_filter_peer_ask(const bench_filter_peers *peers, size_t which,
                                 const bench_cell *cell, double seconds, bench_answers *out,
                                 kin_error *err);

#endif
