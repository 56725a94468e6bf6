/*
 * scratch.h - working memory of graph searches, kept from one to the next; private to this folder.
 *
 * Which nodes a search has met is kept in words of 32 nodes each beside the number of the search
 * that wrote them: a word of an earlier search counts as empty, so that nothing is cleared between
 * searches, and a million nodes take 250 KiB, which stay in a core's cache.
 */
#ifndef KIN_INDEX_SCRATCH_H
#define KIN_INDEX_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A growing array of 64-bit keys. */
struct keys {
    uint64_t *at;
    size_t count, room;
};

typedef struct search_scratch {
    uint64_t *met; /* upper half: the search's number; lower half: a bit for each of 32 nodes */
    uint32_t epoch;
    struct keys beam, results; /* as hnsw_search.c uses them */
    int8_t *query;             /* the query's code: one row */
    struct search_scratch *next;
} search_scratch;

typedef struct scratch_pool scratch_pool;

/* For graphs of count nodes and code rows of stride bytes. */
kin_status kin_scratch_pool_new(size_t count, size_t stride, scratch_pool **out, kin_error *err);
void kin_scratch_pool_free(scratch_pool *pool);

/* One that no other search has, nothing met; NULL when memory is out.  To be given back. */
search_scratch *kin_scratch_take(scratch_pool *pool);
void kin_scratch_give(scratch_pool *pool, search_scratch *scratch);

/* Room for at least `room` keys; false when memory is out. */
bool kin_keys_reserve(struct keys *keys, size_t room);

/* Has the search met the node?  It has from now on. */
static inline bool kin_scratch_meet(search_scratch *scratch, uint32_t node)
{
    uint64_t *word = &scratch->met[node / 32], bit = UINT64_C(1) << (node % 32);
    uint64_t now =
        (uint32_t)(*word >> 32) == scratch->epoch ? *word : (uint64_t)scratch->epoch << 32;
    *word = now | bit;
    return (now & bit) != 0;
}

#endif
