#include "simd/topk.h"

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

/* Heap sort: the worst goes last, then the worst of the rest before it. */
void kin_topk_sort(kin_topk *top)
{
    for (size_t left = top->count; left > 1; left--) {
        swap(&top->hits[0], &top->hits[left - 1]);
        sift_down(top->hits, left - 1);
    }
}
