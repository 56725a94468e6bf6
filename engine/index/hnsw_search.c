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
 *
 * A search waits for memory more than it computes: the links and the code of each node are somewhere
 * else.  So while the neighbours of one candidate are on their way to the cache, those of the one
 * before are scored.  What is expanded next is thus chosen one step early, which costs a hundredth
 * more nodes and saves a fifth of the time (200,000 x 256, recall 0.99).
 */
#include "index/hnsw_search.h"

#include <string.h>

#include "simd/kernels.h"
#include "store/codec.h"

enum {
    NODES_AT_ONCE = 2 * HNSW_LINKS, /* a block of links */
    FIRST_CANDIDATES = 1024,
    PASSED_FOR_ONE = 8, /* see enough() */
    CACHE_LINE = 64
};

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

/* Neighbours of one candidate, on their way to be scored. */
struct batch {
    uint32_t nodes[NODES_AT_ONCE];
    size_t count;
};

/* Asks for a node's code. */
static void fetch_row(const struct walk *walk, uint32_t node)
{
    const char *row = (const char *)walk->index->codes + node * walk->index->stride;
    for (size_t at = 0; at < walk->index->stride; at += CACHE_LINE)
        __builtin_prefetch(row + at);
}

/* Collects a candidate's neighbours that have not been met, and asks for their codes.  Written for
 * a processor that cannot guess which have been. */
static void gather(struct walk *walk, uint64_t key, struct batch *batch)
{
    const uint32_t *links = hnsw_links(walk->graph, key_node(key), 0);
    const uint32_t *end = links + 2 * walk->graph->links;
    size_t count = 0;
    for (; links < end && *links < walk->graph->count; links++) {
        batch->nodes[count] = *links;
        count += !kin_scratch_meet(walk->scratch, *links);
    }
    batch->count = count;
    for (size_t i = 0; i < count; i++)
        fetch_row(walk, batch->nodes[i]);
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

/* The first place from `at` on that was not expanded. */
static size_t unexpanded(const struct keys *beam, size_t at)
{
    while (at < beam->count && key_is_expanded(beam->at[at]))
        at++;
    return at;
}

/* Scores a batch and puts it into the beam; returns the first place that was not expanded, where
 * `next` was that before. */
static size_t put(struct walk *walk, size_t width, const struct batch *batch, size_t next)
{
    struct keys *beam = &walk->scratch->beam;
    float scores[NODES_AT_ONCE];
    score(walk, batch->nodes, batch->count, scores);
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t key = key_of(scores[i], batch->nodes[i]);
        if (beam->count == width && key < beam->at[width - 1])
            continue;
        size_t place = insert(beam, width, key);
        if (place <= next) {
            prefetch_links(walk, key);
            next = place;
        }
    }
    next = unexpanded(beam, next);
    if (next < beam->count)
        prefetch_links(walk, beam->at[next]);
    return next;
}

/* False when the budget has ended it. */
static bool beam_over_all(struct walk *walk, size_t width)
{
    struct keys *beam = &walk->scratch->beam;
    struct batch batches[2];
    size_t next = 0, turn = 0;
    beam->at[0] = descend(walk);
    beam->count = 1;
    batches[turn].count = 0;
    while (next < beam->count || batches[turn].count > 0) {
        struct batch *coming = &batches[1 - turn];
        if (walk->scored >= walk->budget)
            return false;
        coming->count = 0;
        if (next < beam->count) {
            gather(walk, beam->at[next], coming);
            beam->at[next] |= 1;
            next = unexpanded(beam, next);
        }
        next = put(walk, width, &batches[turn], next);
        turn = 1 - turn;
    }
    return true;
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
        sift_down(results->at, results->count, key, SMALLEST_FIRST);
}

/* A search among members; the lowest bit of its keys tells members. */
struct filtered {
    const kin_members *members;
    size_t width;
    size_t passed; /* others expanded that were better than any member met until then */
    uint64_t best; /* of the members */
};

/* How many members must be met.  Where the query is far from all members (those of another class,
 * say) there are many others nearer, and the nearest members lie all around these, on a shell that
 * is met in one place first: the more others were passed, the more members must be seen before the
 * best are among them.  As much as an unfiltered beam must be wider for many answers than their
 * number: an eighth. */
static size_t enough(const struct filtered *filtered)
{
    return filtered->width + filtered->passed / PASSED_FOR_ONE;
}

/* Can a candidate lead to anything better than what was found? */
static bool is_worth(const struct keys *results, const struct filtered *filtered, uint64_t key)
{
    return results->count < enough(filtered) || key > results->at[0];
}

/* Scores a batch: what each of its nodes is good for, to go on from and as an answer.  False when
 * memory is out. */
static bool consider(struct walk *walk, struct filtered *filtered, const struct batch *batch)
{
    struct keys *beam = &walk->scratch->beam, *results = &walk->scratch->results;
    float scores[NODES_AT_ONCE];
    score(walk, batch->nodes, batch->count, scores);
    if (!kin_keys_reserve(beam, beam->count + batch->count) ||
        !kin_keys_reserve(results, enough(filtered)))
        return false;
    for (size_t i = 0; i < batch->count; i++) {
        uint64_t key = key_of(scores[i], batch->nodes[i]);
        if (!is_worth(results, filtered, key))
            continue;
        if (kin_generation_may_answer(walk->index, filtered->members, batch->nodes[i])) {
            key |= 1;
            offer_result(results, enough(filtered), key);
            if (key > filtered->best)
                filtered->best = key;
        }
        sift_up(beam->at, beam->count++, key, LARGEST_FIRST);
    }
    if (beam->count > 0)
        prefetch_links(walk, beam->at[0]);
    return true;
}

/* *gave_up: the budget has ended it.  False when memory is out. */
static bool beam_over_members(struct walk *walk, struct filtered *filtered, bool *gave_up)
{
    struct keys *beam = &walk->scratch->beam, *results = &walk->scratch->results;
    struct batch batches[2];
    size_t turn = 0;
    batches[turn] = (struct batch){.nodes = {key_node(descend(walk))}, .count = 1};
    for (;;) {
        struct batch *coming = &batches[1 - turn];
        bool more = beam->count > 0 && is_worth(results, filtered, beam->at[0]);
        if (!more && batches[turn].count == 0)
            return true;
        if (walk->scored >= walk->budget)
            break;
        coming->count = 0;
        if (more) {
            uint64_t key = pop_candidate(beam);
            filtered->passed += key > filtered->best && !(key & 1);
            gather(walk, key, coming);
        }
        if (!consider(walk, filtered, &batches[turn]))
            return false;
        turn = 1 - turn;
    }
    *gave_up = true;
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

/* The beam's end, best first, in *best.  False when memory is out. */
static bool go(struct walk *walk, const struct index_query *query, size_t width,
               const struct keys **best, bool *gave_up)
{
    search_scratch *scratch = walk->scratch;
    if (query->members == NULL && walk->index->gone == NULL) {
        if (!kin_keys_reserve(&scratch->beam, width))
            return false;
        *gave_up = !beam_over_all(walk, width);
        *best = &scratch->beam;
        return true;
    }
    struct filtered filtered = {.members = query->members, .width = width};
    if (!kin_keys_reserve(&scratch->beam, FIRST_CANDIDATES) ||
        !beam_over_members(walk, &filtered, gave_up))
        return false;
    sort_results(&scratch->results);
    *best = &scratch->results;
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
