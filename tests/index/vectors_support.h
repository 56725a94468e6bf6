/* What the tests of the index share: clustered unit vectors, exact answers, and recall. */
#ifndef KIN_TEST_VECTORS_SUPPORT_H
#define KIN_TEST_VECTORS_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "index/index.h"
#include "random.h"
#include "simd/kernels.h"

/* Vectors, and the rows that they are known by: not consecutive, as after deletions. */
struct vectors {
    size_t count, dim;
    float *data;
    uint64_t *ids;
};

/* About normal: the sum of four uniform numbers. */
static inline float random_normal(uint64_t *state)
{
    float sum = 0;
    for (int i = 0; i < 4; i++)
        sum += random_unit(state) - 0.5f;
    return sum * 1.73205f;
}

static inline void normalise(float *v, size_t dim)
{
    float norm = sqrtf(kin_kernels_best()->dot(v, v, dim));
    for (size_t d = 0; d < dim; d++)
        v[d] /= norm;
}

/* Clusters of about 200 vectors whose spread equals the distance between their centres' neighbours
 * about: neither isolated balls nor noise. */
static inline struct vectors vectors_new(size_t count, size_t dim, uint64_t seed)
{
    struct vectors v = {.count = count, .dim = dim};
    size_t centres = count / 200 + 1;
    uint64_t state = seed * 2 + 1;
    float *centre = malloc(centres * dim * sizeof *centre);
    v.data = malloc((count + 1) * dim * sizeof *v.data);
    v.ids = malloc((count + 1) * sizeof *v.ids);
    assert_true(centre != NULL && v.data != NULL && v.ids != NULL);
    for (size_t i = 0; i < centres * dim; i++)
        centre[i] = random_normal(&state);
    for (size_t i = 0; i < count; i++) {
        const float *c = centre + random_bits(&state) % centres * dim;
        for (size_t d = 0; d < dim; d++)
            v.data[i * dim + d] = c[d] + 0.7f * random_normal(&state);
        normalise(v.data + i * dim, dim);
        v.ids[i] = i * 3 + i / 100;
    }
    free(centre);
    return v;
}

/* The same, of which the last `asked` are no part of the set, but queries of the same clusters, to be
 * freed with it. */
static inline struct vectors vectors_new_asked(size_t count, size_t asked, size_t dim,
                                               uint64_t seed, struct vectors *queries)
{
    struct vectors v = vectors_new(count + asked, dim, seed);
    v.count = count;
    *queries = (struct vectors){.count = asked, .dim = dim, .data = v.data + count * dim};
    return v;
}

static inline void vectors_free(struct vectors *v)
{
    free(v->data);
    free(v->ids);
}

static inline const float *vectors_read(void *ctx, size_t i, kin_error *err)
{
    const struct vectors *v = ctx;
    (void)err;
    return v->data + i * v->dim;
}

static inline kin_index_source vectors_source(struct vectors *v)
{
    return (kin_index_source){
        .count = v->count, .dim = v->dim, .ids = v->ids, .vector = vectors_read, .ctx = v};
}

static inline kin_index *vectors_index(struct vectors *v, const char *kind)
{
    kin_index *index = NULL;
    kin_error err = {0};
    kin_index_source source = vectors_source(v);
    kin_index_options options = {.kind = kind};
    if (kin_index_build(&source, &options, &index, NULL, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return index;
}

/* The best k of the members (NULL: all), by scanning all. */
static inline size_t exact(const struct vectors *v, const float *query, size_t k,
                           const kin_members *members, kin_hit *hits)
{
    const kin_kernels *kernels = kin_kernels_best();
    kin_topk top = {.hits = hits, .capacity = k};
    for (size_t i = 0; i < v->count; i++)
        if (members == NULL || kin_members_have(members, v->ids[i]))
            kin_topk_offer(&top, v->ids[i], kernels->dot(query, v->data + i * v->dim, v->dim));
    kin_topk_sort(&top);
    return top.count;
}

/* One search that must not fail; returns how many it found. */
static inline size_t search(const kin_index *index, const float *query, kin_index_setting setting,
                            const kin_members *members, kin_hit *hits)
{
    size_t found = SIZE_MAX;
    kin_index_work work;
    kin_error err = {0};
    kin_index_query asked = {.vector = query, .setting = setting, .members = members};
    if (kin_index_search(index, &asked, hits, &found, &work, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_false(work.gave_up); /* without a budget */
    return found;
}

/* The i-th setting of an index's ladder, or its last. */
static inline kin_index_setting setting_near(const kin_index *index, size_t k, size_t i)
{
    kin_index_setting setting = {0};
    while (!kin_index_setting_at(index, k, i, &setting))
        i--;
    return setting;
}

/* Ranks candidates exactly, as the archive does with the store's vectors, and keeps the best k. */
static inline size_t rerank(const struct vectors *v, const float *query, const kin_hit *candidates,
                            size_t count, size_t k, kin_hit *hits)
{
    const kin_kernels *kernels = kin_kernels_best();
    kin_topk top = {.hits = hits, .capacity = k};
    for (size_t c = 0; c < count; c++) {
        size_t low = 0, high = v->count;
        while (high - low > 1) {
            size_t mid = low + (high - low) / 2;
            if (v->ids[mid] <= candidates[c].id)
                low = mid;
            else
                high = mid;
        }
        assert_int_equal(v->ids[low], candidates[c].id); /* no id that was never put in */
        kin_topk_offer(&top, candidates[c].id, kernels->dot(query, v->data + low * v->dim, v->dim));
    }
    kin_topk_sort(&top);
    return top.count;
}

static inline size_t hits_in_common(const kin_hit *a, size_t a_count, const kin_hit *b,
                                    size_t b_count)
{
    size_t common = 0;
    for (size_t i = 0; i < a_count; i++)
        for (size_t j = 0; j < b_count; j++)
            common += a[i].id == b[j].id;
    return common;
}

/* Recall@k of `queries` (count of them, packed) over all or members, after the exact ranking of the
 * candidates; and that every answer is a member, unique and in order.  k <= 100. */
static inline double recall_of(const kin_index *index, const struct vectors *v,
                               const struct vectors *queries, size_t k, kin_index_setting setting,
                               const kin_members *members)
{
    size_t common = 0, expected = 0;
    kin_hit *candidates = calloc(setting.candidates + 1, sizeof *candidates);
    assert_non_null(candidates);
    for (size_t q = 0; q < queries->count; q++) {
        const float *query = queries->data + q * v->dim;
        kin_hit ranked[100], truth[100];
        size_t there_are = exact(v, query, k, members, truth);
        size_t found = search(index, query, setting, members, candidates);
        assert_true(found <= setting.candidates);
        for (size_t i = 0; i < found; i++) {
            assert_true(members == NULL || kin_members_have(members, candidates[i].id));
            assert_true(i == 0 || candidates[i - 1].score >= candidates[i].score);
        }
        assert_int_equal(hits_in_common(candidates, found, candidates, found), found);
        size_t n = rerank(v, query, candidates, found, k, ranked);
        common += hits_in_common(ranked, n, truth, there_are);
        expected += there_are;
    }
    free(candidates);
    return expected > 0 ? (double)common / (double)expected : 1.0;
}

#endif
