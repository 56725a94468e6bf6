#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "neighbours.h"
#include "rescore.h"

enum { K1 = 20, K2 = 6, HALF = K1 / 2, MOST = K1 * (HALF + 1), GRAIN = 8 };
#define LAMBDA 0.3f

/* A sparse encoding: members ascending, weights that add up to 1. */
struct encoding {
    size_t count;
    uint32_t *member;
    float *weight;
};

struct reciprocal {
    kin_eval_scores *scores;
    bench_neighbour *nearest;   /* [database x K1] */
    struct encoding *encodings; /* [database], each a mean over its K2 nearest */
    struct encoding *own;       /* [database], before that */
    atomic_bool failed;
};

/* Whether an image finds something that scores so with it among its first k. */
static bool finds(const bench_neighbour *nearest, size_t image, size_t k, float score)
{
    return score >= nearest[image * K1 + k - 1].score;
}

/* Members of list[0 .. count) that find the list's owner among their own first k. */
static size_t reciprocal_of(const bench_neighbour *nearest, const bench_neighbour *list,
                            size_t count, size_t k, bench_neighbour *out)
{
    size_t found = 0;
    for (size_t i = 0; i < count && i < k; i++)
        if (list[i].score > 0 && finds(nearest, list[i].image, k, list[i].score))
            out[found++] = list[i];
    return found;
}

static bool holds(const bench_neighbour *set, size_t count, uint32_t image)
{
    for (size_t i = 0; i < count; i++)
        if (set[i].image == image)
            return true;
    return false;
}

/* The reciprocal neighbours of a list's owner, and those of them whose own (of half the number)
 * overlap with them by two thirds. */
static size_t expanded(const bench_neighbour *nearest, const bench_neighbour *list, size_t count,
                       bench_neighbour out[MOST])
{
    bench_neighbour theirs[HALF];
    size_t first = reciprocal_of(nearest, list, count, K1, out), found = first;
    for (size_t i = 0; i < first; i++) {
        size_t common = 0;
        size_t their_count = reciprocal_of(nearest, nearest + out[i].image * K1, K1, HALF, theirs);
        for (size_t n = 0; n < their_count; n++)
            common += holds(out, first, theirs[n].image);
        if (3 * common < 2 * their_count)
            continue;
        for (size_t n = 0; n < their_count; n++)
            if (!holds(out, found, theirs[n].image))
                out[found++] = theirs[n];
    }
    return found;
}

/* --- encodings --- */

static int by_image(const void *a, const void *b)
{
    const bench_neighbour *x = a, *y = b;
    return (x->image > y->image) - (x->image < y->image);
}

/* Weights exp(-distance) of (image, similarity to the owner), scaled to add up to 1. */
static bool encode(bench_neighbour *set, size_t count, struct encoding *out)
{
    float sum = 0;
    *out = (struct encoding){count, malloc((count + 1) * sizeof *out->member),
                             malloc((count + 1) * sizeof *out->weight)};
    if (out->member == NULL || out->weight == NULL)
        return false;
    qsort(set, count, sizeof *set, by_image);
    for (size_t i = 0; i < count; i++) {
        out->member[i] = set[i].image;
        out->weight[i] = expf(-2 * (1 - set[i].score)); /* |x - y|^2 of vectors of length 1 */
        sum += out->weight[i];
    }
    for (size_t i = 0; i < count; i++)
        out->weight[i] /= sum;
    return true;
}

static void encoding_release(struct encoding *encoding)
{
    free(encoding->member);
    free(encoding->weight);
}

/* The mean of encodings: what those nearest to one think of the rest, too. */
static bool mean_of(const struct encoding *const *parts, size_t part_count, size_t database,
                    struct encoding *out)
{
    size_t total = 0, kept = 0;
    for (size_t p = 0; p < part_count; p++)
        total += parts[p]->count;
    float *sums = calloc(database + 1, sizeof *sums);
    *out = (struct encoding){0, malloc((total + 1) * sizeof *out->member),
                             malloc((total + 1) * sizeof *out->weight)};
    bool made = sums != NULL && out->member != NULL && out->weight != NULL;
    for (size_t p = 0; made && p < part_count; p++)
        for (size_t i = 0; i < parts[p]->count; i++)
            sums[parts[p]->member[i]] += parts[p]->weight[i] / (float)part_count;
    for (size_t i = 0; made && i < database; i++) {
        if (sums[i] <= 0)
            continue;
        out->member[kept] = (uint32_t)i;
        out->weight[kept++] = sums[i];
    }
    out->count = kept;
    free(sums);
    return made;
}

/* Jaccard's similarity of two: both add up to 1. */
static float overlap(const struct encoding *a, const struct encoding *b)
{
    float least = 0;
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        if (a->member[i] == b->member[j]) {
            least += fminf(a->weight[i], b->weight[j]);
            i++;
            j++;
        } else if (a->member[i] < b->member[j]) {
            i++;
        } else {
            j++;
        }
    }
    return least / (2 - least);
}

/* --- all images, then all queries --- */

static void encode_range(void *ctx, size_t from, size_t to)
{
    struct reciprocal *work = ctx;
    bench_neighbour set[MOST + 1];
    for (size_t i = from; i < to; i++) {
        size_t found = expanded(work->nearest, work->nearest + i * K1, K1, set);
        if (!holds(set, found, (uint32_t)i))
            set[found++] = (bench_neighbour){(uint32_t)i, 1};
        if (!encode(set, found, &work->own[i]))
            atomic_store(&work->failed, true);
    }
}

static void average_range(void *ctx, size_t from, size_t to)
{
    struct reciprocal *work = ctx;
    for (size_t i = from; i < to; i++) {
        const struct encoding *parts[K2] = {&work->own[i]};
        size_t count = 1;
        for (size_t n = 0; n + 1 < K2 && work->nearest[i * K1 + n].score > 0; n++)
            parts[count++] = &work->own[work->nearest[i * K1 + n].image];
        if (!mean_of(parts, count, work->scores->database, &work->encodings[i]))
            atomic_store(&work->failed, true);
    }
}

static bool rescore_query(struct reciprocal *work, size_t q)
{
    kin_eval_scores *scores = work->scores;
    size_t count = scores->database;
    float *row = scores->scores + q * count;
    bench_neighbour list[K1], set[MOST + 1];
    struct encoding own, mean = {0};
    size_t listed = bench_best(row, scores->left_out + q * count, SIZE_MAX, count, K1, list);
    size_t found = expanded(work->nearest, list, listed, set), part_count = 1;
    const struct encoding *parts[K2] = {&own};
    bool made = encode(set, found, &own);
    for (size_t n = 0; n + 1 < K2 && n < listed; n++)
        parts[part_count++] = &work->own[list[n].image];
    made = made && mean_of(parts, part_count, count, &mean);
    for (size_t i = 0; made && i < count; i++)
        row[i] = (1 - LAMBDA) * overlap(&mean, &work->encodings[i]) + LAMBDA * row[i];
    encoding_release(&own);
    encoding_release(&mean);
    return made;
}

static void rescore_range(void *ctx, size_t from, size_t to)
{
    struct reciprocal *work = ctx;
    for (size_t q = from; q < to; q++)
        if (!rescore_query(work, q))
            atomic_store(&work->failed, true);
}

kin_status bench_rescore_reciprocal(void *ctx, kin_eval_scores *scores, kin_error *err)
{
    size_t count = scores->database;
    struct reciprocal work = {.scores = scores,
                              .nearest = malloc((count * K1 + 1) * sizeof *work.nearest),
                              .encodings = calloc(count + 1, sizeof *work.encodings),
                              .own = calloc(count + 1, sizeof *work.own)};
    (void)ctx;
    kin_status status = KIN_OK;
    if (work.nearest == NULL || work.encodings == NULL || work.own == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", count);
    if (status == KIN_OK)
        status = bench_neighbours_find(scores->database_vectors, count, scores->dim, K1,
                                       scores->threads, work.nearest, err);
    if (status == KIN_OK)
        kin_parallel_for(count, GRAIN, scores->threads, encode_range, &work);
    if (status == KIN_OK && !atomic_load(&work.failed))
        kin_parallel_for(count, GRAIN, scores->threads, average_range, &work);
    if (status == KIN_OK && !atomic_load(&work.failed))
        kin_parallel_for(scores->queries, GRAIN, scores->threads, rescore_range, &work);
    if (status == KIN_OK && atomic_load(&work.failed))
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for encodings");
    for (size_t i = 0; i < count; i++) {
        if (work.encodings != NULL)
            encoding_release(&work.encodings[i]);
        if (work.own != NULL)
            encoding_release(&work.own[i]);
    }
    free(work.nearest);
    free(work.encodings);
    free(work.own);
    return status;
}
