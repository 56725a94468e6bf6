/*
 * peer.h - other people's indexes, as they are, behind one interface: what Kindred is measured beside.
 *
 *   hnswlib  the reference of HNSW (Malkov and Yashunin), compiled for the machine it runs on
 *   FAISS    any index that its factory makes; built for the machine by tools/setup
 *
 * Both get the unit vectors of a set, numbered as in the set, and rank by inner product.
 */
#ifndef KIN_BENCH_PEER_H
#define KIN_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "vector_set.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peer peer;

/* False where hnswlib was not there when this was built: then it is KIN_E_UNSUPPORTED. */
bool peer_has_hnswlib(void);

/* m: links a node (twice as many on the lowest level). */
kin_status peer_hnswlib_new(const bench_set *set, size_t m, size_t ef_construction, int threads,
                            peer **out, kin_error *err);

/* factory: as FAISS's index_factory() takes it: "Flat", "HNSW32", "IVF1024,Flat",
 * "IVF1024,PQ128x4fs,RFlat" (the last ranks its candidates exactly).  HNSW graphs are built with the
 * given ef_construction (FAISS's own default, 40, makes a worse graph than hnswlib's usual 200). */
kin_status peer_faiss_new(const bench_set *set, const char *factory, size_t ef_construction,
                          int threads, peer **out, kin_error *err);
void peer_free(peer *index);

/* What the next searches use.  width: ef of a graph, lists probed.  candidates: that are ranked
 * exactly afterwards (RFlat; nothing for the others).  Not while searches run. */
void peer_set(peer *index, size_t width, size_t candidates);

/* The k nearest that it finds, best first, into ids.  allowed: a bit a row, of those that may be
 * answers; NULL: all.  KIN_E_UNSUPPORTED where the index knows no such filter (hnswlib 0.6, fast
 * scan).  One thread each; safe from several. */
kin_status peer_search(const peer *index, const float *query, size_t k, const uint8_t *allowed,
                       uint64_t *ids, size_t *found, kin_error *err);

/* Bytes of the structures that a search may touch, computed from their sizes (of hnswlib: vectors,
 * links, levels, labels; its locks and hash table of labels are left out, which flatters it). */
size_t peer_bytes(const peer *index);

#ifdef __cplusplus
}
#endif

#endif
