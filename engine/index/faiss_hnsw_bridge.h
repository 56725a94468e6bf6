/*
 * faiss_hnsw_bridge.h - building a graph with FAISS 1.7.3's HNSW over int8 codes; private to this
 * folder.
 *
 * FAISS's index around its graph is not used: it would hold the vectors as floats, and it makes a
 * lock for every node at each call of add.  Here nodes are put into the graph one by one by as many
 * threads as are wanted, so that progress and cancelling have nothing to wait for.
 */
#ifndef KIN_INDEX_FAISS_HNSW_BRIDGE_H
#define KIN_INDEX_FAISS_HNSW_BRIDGE_H

#include "index/hnsw_graph.h"

#ifdef __cplusplus
extern "C" {
#endif

#include "base/status.h"

typedef struct kin_graph kin_graph;

/* int8 rows (store/codec.h) of all nodes that the graph will have; borrowed. */
struct graph_codes {
    const int8_t *rows;
    size_t stride, dim, count;
};

/* A graph without nodes. */
kin_status kin_graph_new(kin_graph **out, kin_error *err);
void kin_graph_free(kin_graph *graph);

/* Fills a new graph with the nodes and links of one that was laid out (its M must be HNSW_LINKS),
 * with room for as many nodes as it will have.  KIN_E_CORRUPT when it contradicts itself. */
kin_status kin_graph_restore(kin_graph *graph, const struct hnsw_graph *from, size_t room,
                             kin_error *err);

/* Adds the nodes that codes has and the graph has not.  progress(ctx, share) is called from the
 * calling thread with the share of them that is in; nonzero cancels: KIN_E_CANCELLED, and the graph
 * can only be freed. */
kin_status kin_graph_grow(kin_graph *graph, const struct graph_codes *codes, int threads,
                          int (*progress)(void *ctx, double share), void *ctx, kin_error *err);

/* Blocks of M links that the levels above the lowest take. */
size_t kin_graph_upper_blocks(const kin_graph *graph);

/* Writes the graph into arrays of those sizes (hnsw_graph.h) and fills `out`, whose arrays they
 * are.  The graph's own links are given up on the way, so that they do not lie in memory twice: it
 * can only be freed afterwards. */
void kin_graph_lay_out(kin_graph *graph, uint32_t *lowest, uint32_t *upper_at, uint32_t *upper,
                       struct hnsw_graph *out);

#ifdef __cplusplus
}
#endif
#endif
