/*
 * The search of Malkov and Yashunin's graph (2018, algorithms 2 and 5): greedily down the levels,
 * then a beam on the lowest.
 *
 * A candidate is one 64-bit key: its score, turned into a number that orders as the score does, over
 * its node, turned round so that of equal scores the lower node (and so the lower id) is the larger
 * key; the lowest bit says whether it was expanded.  So comparing candidates is comparing integers.
 *
 * Without a filter the beam is one array in descending order, the best `width` met: as NSG's
 * reference code has it (Fu et al., VLDB 2019).  A filter lets candidates pass that are no answers,
 * any number of them; then there are two heaps, of what to expand and of the best `width` members.
 */
#include "index/hnsw_search.h"

#include <string.h>

#include "simd/kernels.h"
#include "store/codec.h"

enum {
    NODES_AT_ONCE = 64, /* of one block of links: no graph of ours has more */
    FIRST_CANDIDATES = 1024,
    CACHE_LINE = 64
};
_Static_assert(2 * HNSW_LINKS <= NODES_AT_ONCE, "a block fits");

struct walk {
    const kin_index *index;
    const struct hnsw_graph *graph;
    const kin_kernels *kernels;
    search_scratch *scratch;
    size_t scale_at; /* bytes from a code row's begin to its scale */
    size_t scored, budget;
    size_t unseen; /* a node to go by, or SIZE_MAX */
};

static uint64_t key_of(float score, uint32_t node)
{
    int32_t bits;
    memcpy(&bits, &score, sizeof bits);
    uint32_t ordered = (uint32_t)bits ^ ((uint32_t)(bits >> 31) | UINT32_C(0x80000000));
    return (uint64_t)ordered << 32 | (uint64_t)(INT32_MAX - node) << 1;
}

static float key_score(uint64_t key)
{
    uint32_t ordered = (uint32_t)(key >> 32);
    uint32_t bits = ordered & UINT32_C(0x80000000) ? ordered ^ UINT32_C(0x80000000) : ~ordered;
    float score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

static uint32_t key_node(uint64_t key)
{
    return INT32_MAX - ((uint32_t)key >> 1);
}

static bool key_is_expanded(uint64_t key)
{
    return key & 1;
}

/* Scores nodes, without the factor that all share: the query's scale. */
static void score(struct walk *walk, const uint32_t *nodes, size_t count, float *scores)
{
    const kin_index *index = walk->index;
    int32_t sums[NODES_AT_ONCE];
    walk->kernels->dot_gather_code(walk->scratch->query, index->codes, index->stride, nodes, count,
                                   index->dim, sums);
    for (size_t i = 0; i < count; i++) {
        float scale;
        memcpy(&scale, index->codes + nodes[i] * index->stride + walk->scale_at, sizeof scale);
        scores[i] = scale * (float)sums[i];
    }
    walk->scored += count;
}

static void prefetch_links(const struct walk *walk, uint64_t key)
{
    const char *block = (const char *)hnsw_links(walk->graph, key_node(key), 0);
    for (size_t at = 0; at < 2 * walk->graph->links * sizeof(uint32_t); at += CACHE_LINE)
        __builtin_prefetch(block + at);
}

/* The key of the node that is nearest on the lowest level as far as going downhill finds it. */
static uint64_t descend(struct walk *walk)
{
    const struct hnsw_graph *graph = walk->graph;
    uint32_t best = graph->entry, nodes[NODES_AT_ONCE];
    float best_score, scores[NODES_AT_ONCE];
    score(walk, &best, 1, &best_score);
    for (uint32_t level = graph->levels; level > 0; level--)
        for (bool moved = true; moved && walk->scored < walk->budget;) {
            const uint32_t *links = hnsw_links(graph, best, level);
            size_t count = 0;
            moved = false;
            for (; links != NULL && count < graph->links && links[count] < graph->count; count++)
                nodes[count] = links[count];
            score(walk, nodes, count, scores);
            for (size_t i = 0; i < count; i++)
                if (scores[i] > best_score && nodes[i] != walk->unseen) {
                    best_score = scores[i];
                    best = nodes[i];
                    moved = true;
                }
        }
    kin_scratch_meet(walk->scratch, best);
    return key_of(best_score, best);
}

/* Scores the neighbours of a candidate that have not been met; returns how many they are. */
static size_t expand(struct walk *walk, uint64_t key, uint32_t *nodes, float *scores)
{
    const uint32_t *links = hnsw_links(walk->graph, key_node(key), 0);
    size_t block = 2 * walk->graph->links, count = 0;
    for (size_t i = 0; i < block && links[i] < walk->graph->count; i++)
        if (!kin_scratch_meet(walk->scratch, links[i]))
            nodes[count++] = links[i];
    score(walk, nodes, count, scores);
    return count;
}

/* --- every node may be an answer --- */

/* Puts a key into the descending beam of at most `width`; returns its place, or the beam's end. */
static size_t insert(struct keys *beam, size_t width, uint64_t key)
{
    size_t low = 0, high = beam->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (beam->at[middle] > key)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == width)
        return width;
    if (beam->count < width)
        beam->count++;
    memmove(beam->at + low + 1, beam->at + low, (beam->count - 1 - low) * sizeof *beam->at);
    beam->at[low] = key;
    return low;
}

static void beam_over_all(struct walk *walk, size_t width)
{
    struct keys *beam = &walk->scratch->beam;
    uint32_t nodes[NODES_AT_ONCE];
    float scores[NODES_AT_ONCE];
    beam->at[0] = descend(walk);
    beam->count = 1;
    for (size_t next = 0; next < beam->count && walk->scored < walk->budget;) {
        uint64_t key = beam->at[next];
        beam->at[next] |= 1;
        if (next + 1 < beam->count)
            prefetch_links(walk, beam->at[next + 1]);
        size_t count = expand(walk, key, nodes, scores), first = next + 1;
        for (size_t i = 0; i < count; i++) {
            uint64_t met = key_of(scores[i], nodes[i]);
            if (beam->count == width && met < beam->at[width - 1])
                continue;
            size_t place = insert(beam, width, met);
            if (place < first) {
                first = place;
                prefetch_links(walk, met);
            }
        }
        for (next = first; next < beam->count && key_is_expanded(beam->at[next]); next++)
            ;
    }
}

/* --- only members may be answers --- */

/* A heap whose root is its largest key, or its smallest; `flip` turns one into the other. */
static void sift_up(uint64_t *heap, size_t at, uint64_t key, uint64_t flip)
{
    while (at > 0 && (heap[(at - 1) / 2] ^ flip) < (key ^ flip)) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = key;
}

/* Puts `key` in the place of the root of a heap of count. */
static void sift_down(uint64_t *heap, size_t count, uint64_t key, uint64_t flip)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && (heap[child + 1] ^ flip) > (heap[child] ^ flip))
            child++;
        if ((heap[child] ^ flip) <= (key ^ flip))
            break;
        heap[at] = heap[child];
    }
    heap[at] = key;
}

enum { LARGEST_FIRST = 0 };
#define SMALLEST_FIRST UINT64_MAX

static bool push_candidate(struct keys *beam, uint64_t key)
{
    if (!kin_keys_reserve(beam, beam->count + 1))
        return false;
    sift_up(beam->at, beam->count++, key, LARGEST_FIRST);
    return true;
}

static uint64_t pop_candidate(struct keys *beam)
{
    uint64_t best = beam->at[0];
    beam->count--;
    sift_down(beam->at, beam->count, beam->at[beam->count], LARGEST_FIRST);
    return best;
}

static void offer_result(struct keys *results, size_t width, uint64_t key)
{
    if (results->count < width)
        sift_up(results->at, results->count++, key, SMALLEST_FIRST);
    else if (key > results->at[0])
        sift_down(results->at, width, key, SMALLEST_FIRST);
}

/* What a node that was met is good for: to go on from, and as an answer.  False: no memory. */
static bool consider(struct walk *walk, const kin_members *members, size_t width, uint64_t key)
{
    struct keys *results = &walk->scratch->results;
    if (results->count == width && key < results->at[0])
        return true;
    if (kin_generation_may_answer(walk->index, members, key_node(key)))
        offer_result(results, width, key);
    return push_candidate(&walk->scratch->beam, key);
}

static bool beam_over_members(struct walk *walk, const kin_members *members, size_t width)
{
    struct keys *beam = &walk->scratch->beam, *results = &walk->scratch->results;
    uint32_t nodes[NODES_AT_ONCE];
    float scores[NODES_AT_ONCE];
    if (!consider(walk, members, width, descend(walk)))
        return false;
    while (beam->count > 0 && walk->scored < walk->budget) {
        uint64_t key = pop_candidate(beam);
        if (results->count == width && key < results->at[0]) {
            beam->count = 0; /* nothing that is left can better what was found */
            break;
        }
        if (beam->count > 0)
            prefetch_links(walk, beam->at[0]);
        size_t count = expand(walk, key, nodes, scores);
        for (size_t i = 0; i < count; i++)
            if (!consider(walk, members, width, key_of(scores[i], nodes[i])))
                return false;
    }
    return true;
}

/* Sorts the results best first. */
static void sort_results(struct keys *results)
{
    for (size_t left = results->count; left > 1;) {
        uint64_t worst = results->at[0];
        left--;
        sift_down(results->at, left, results->at[left], SMALLEST_FIRST);
        results->at[left] = worst;
    }
}

/* --- both --- */

static bool go(struct walk *walk, const struct index_query *query, size_t width,
               const struct keys **best, bool *gave_up)
{
    search_scratch *scratch = walk->scratch;
    if (query->members == NULL && walk->index->gone == NULL) {
        if (!kin_keys_reserve(&scratch->beam, width))
            return false;
        beam_over_all(walk, width);
        *best = &scratch->beam;
        size_t next = 0;
        while (next < scratch->beam.count && key_is_expanded(scratch->beam.at[next]))
            next++;
        *gave_up = next < scratch->beam.count;
        return true;
    }
    if (!kin_keys_reserve(&scratch->beam, FIRST_CANDIDATES) ||
        !kin_keys_reserve(&scratch->results, width) ||
        !beam_over_members(walk, query->members, width))
        return false;
    sort_results(&scratch->results);
    *best = &scratch->results;
    *gave_up = scratch->beam.count > 0;
    return true;
}

kin_status kin_hnsw_search(const kin_index *index, const struct index_query *query, kin_hit *hits,
                           size_t *found, kin_index_work *work, kin_error *err)
{
    search_scratch *scratch = kin_scratch_take(index->scratch);
    const struct keys *best = NULL;
    float scale;
    if (scratch == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to search the index");
    struct walk walk = {
        .index = index,
        .graph = &index->graph,
        .kernels = index->kernels,
        .scratch = scratch,
        .scale_at = kin_codec_row_size(kin_codec_int8, index->dim) - sizeof(float),
        .budget = query->budget,
        .unseen = query->unseen,
    };
    size_t candidates = query->setting.candidates, width = query->setting.width;
    if (candidates > index->count)
        candidates = index->count;
    if (width < candidates)
        width = candidates;
    if (width > index->count)
        width = index->count;
    if (query->unseen < index->count)
        kin_scratch_meet(scratch, (uint32_t)query->unseen);
    kin_status status =
        kin_codec_encode(kin_codec_int8, query->vector, index->dim, scratch->query, err);
    if (status == KIN_OK && !go(&walk, query, width, &best, &work->gave_up))
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to search the index");
    if (status == KIN_OK) {
        memcpy(&scale, scratch->query + walk.scale_at, sizeof scale);
        *found = best->count < candidates ? best->count : candidates;
        for (size_t i = 0; i < *found; i++)
            hits[i] = (kin_hit){.id = index->ids[key_node(best->at[i])],
                                .score = scale * key_score(best->at[i])};
        work->scored = walk.scored;
    }
    kin_scratch_give(index->scratch, scratch);
    return status;
}
