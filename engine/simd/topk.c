#include "simd/topk.h"

#include <math.h>

enum { BLOCK = 64 }; /* scores that are passed over together */

static void swap(kin_hit *a, kin_hit *b)
{
    kin_hit kept = *a;
    *a = *b;
    *b = kept;
}

/* Lets hits[at] rise towards the root for as long as it is worse than its parent. */
static void sift_up(kin_hit *hits, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!kin_hit_better(hits[parent], hits[at]))
            return;
        swap(&hits[parent], &hits[at]);
        at = parent;
    }
}

/* Lets hits[0] sink for as long as a child of it is worse. */
static void sift_down(kin_hit *hits, size_t count)
{
    size_t at = 0;
    for (;;) {
        size_t left = 2 * at + 1, right = left + 1, worst = at;
        if (left < count && kin_hit_better(hits[worst], hits[left]))
            worst = left;
        if (right < count && kin_hit_better(hits[worst], hits[right]))
            worst = right;
        if (worst == at)
            return;
        swap(&hits[at], &hits[worst]);
        at = worst;
    }
}

void kin_topk_offer(kin_topk *top, uint64_t id, float score)
{
    kin_hit hit = {.id = id, .score = score};
    if (score != score) /* NaN has no rank, and would break the heap's order */
        return;
    if (top->count < top->capacity) {
        top->hits[top->count] = hit;
        sift_up(top->hits, top->count++);
    } else if (top->capacity > 0 && kin_hit_better(hit, top->hits[0])) {
        top->hits[0] = hit;
        sift_down(top->hits, top->count);
    }
}

float kin_topk_bar(const kin_topk *top)
{
    if (top->capacity == 0)
        return INFINITY;
    return top->count < top->capacity ? -INFINITY : top->hits[0].score;
}

/* Whether any score is better than the bar, or as good as it where ties count.  Written so that
 * compilers make comparisons of whole registers of it; NaN is neither. */
static bool any_reaches(const float *scores, float bar, bool ties_count)
{
    unsigned reached = 0;
    if (ties_count)
        for (size_t i = 0; i < BLOCK; i++)
            reached |= scores[i] >= bar;
    else
        for (size_t i = 0; i < BLOCK; i++)
            reached |= scores[i] > bar;
    return reached != 0;
}

void kin_topk_offer_run(kin_topk *top, uint64_t first, const float *scores, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t n = count - i < BLOCK ? count - i : BLOCK;
        bool full = top->count == top->capacity;
        /* a tie enters only with a lower id than that of the worst kept hit */
        if (full && n == BLOCK &&
            (top->capacity == 0 ||
             !any_reaches(scores + i, top->hits[0].score, first + i < top->hits[0].id))) {
            i += BLOCK;
            continue;
        }
        for (size_t end = i + n; i < end; i++)
            kin_topk_offer(top, first + i, scores[i]);
    }
}

/* Heap sort: the worst goes last, then the worst of the rest before it. */
void kin_topk_sort(kin_topk *top)
{
    for (size_t left = top->count; left > 1; left--) {
        swap(&top->hits[0], &top->hits[left - 1]);
        sift_down(top->hits, left - 1);
    }
}
