/*
 * topk.h - the k best of a stream of scored ids, in a bounded heap.
 *
 * Higher scores are better; among equal scores the lower id wins, so that results do not depend on
 * the order of arrival.  A NaN score is never kept.
 *
 *     kin_hit hits[10];
 *     kin_topk top = {.hits = hits, .capacity = 10};
 *     kin_topk_offer(&top, id, score); …
 *     kin_topk_sort(&top);           // hits[0 .. top.count), best first
 */
#ifndef KIN_SIMD_TOPK_H
#define KIN_SIMD_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_hit {
    uint64_t id;
    float score;
} kin_hit;

/* A heap over memory that the caller owns: hits has room for capacity entries (0 keeps none). */
typedef struct kin_topk {
    kin_hit *hits; /* the worst kept hit first (heap order) */
    size_t count, capacity;
} kin_topk;

static inline bool kin_hit_better(kin_hit a, kin_hit b)
{
    return a.score > b.score || (a.score == b.score && a.id < b.id);
}

/* Offers one hit; it displaces the worst when the heap is full and it is better.  Ids are not
 * compared with those kept: an id offered twice may be kept twice. */
void kin_topk_offer(kin_topk *top, uint64_t id, float score);

/* Offers count hits, of ids first, first + 1 …: as offering each, but blocks of scores none of
 * which can enter are passed over at the speed of a comparison of vectors. */
void kin_topk_offer_run(kin_topk *top, uint64_t first, const float *scores, size_t count);

/* The score below which nothing enters any more: -INFINITY until the heap is full, INFINITY for one
 * that keeps none. */
float kin_topk_bar(const kin_topk *top);

/* Sorts the kept hits best first; afterwards the heap takes no more. */
void kin_topk_sort(kin_topk *top);

#ifdef __cplusplus
}
#endif

#endif
