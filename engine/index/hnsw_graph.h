/*
 * hnsw_graph.h - a navigable small-world graph as it is searched: flat arrays of node numbers;
 * private to this folder.
 *
 * A node has 2M links on the lowest level, in a block of its own, and M on each level above that it
 * is on.  A block ends at its first number that is no node (NO_NODE from us; whatever a hostile file
 * holds): that one comparison is both the end and the check of bounds.
 */
#ifndef KIN_INDEX_HNSW_GRAPH_H
#define KIN_INDEX_HNSW_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HNSW_LINKS = 16,            /* M */
    HNSW_EF_CONSTRUCTION = 200, /* beam while building: the paper's and hnswlib's usual */
    HNSW_LEVELS_MAX = 32
};

#define NO_NODE UINT32_MAX

struct hnsw_graph {
    uint32_t count, links;  /* nodes; M */
    uint32_t entry;         /* where searches begin, a node on the topmost level */
    uint32_t levels;        /* above the lowest */
    const uint32_t *lowest; /* count blocks of 2M */
    /* For each node, its first block among `upper`, that of level 1 (level 2's follows it);
     * NO_NODE when it is on the lowest level only. */
    const uint32_t *upper_at;
    const uint32_t *upper; /* upper_blocks blocks of M */
    size_t upper_blocks;
};

/* A node's links on a level (0: the lowest), or NULL where it has none. */
static inline const uint32_t *hnsw_links(const struct hnsw_graph *graph, uint32_t node,
                                         uint32_t level)
{
    if (level == 0)
        return graph->lowest + (size_t)node * 2 * graph->links;
    size_t block = (size_t)graph->upper_at[node] + level - 1;
    return block < graph->upper_blocks ? graph->upper + block * graph->links : NULL;
}

#ifdef __cplusplus
}
#endif

#endif
