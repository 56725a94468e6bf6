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
    if (kin_index_build(&source, &options, &index, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return index;
}

/* The best k of those that allowed() lets through, by scanning all. */
static inline size_t exact(const struct vectors *v, const float *query, size_t k,
                           kin_index_allowed_fn allowed, void *ctx, kin_hit *hits)
{
    const kin_kernels *kernels = kin_kernels_best();
    kin_topk top = {.hits = hits, .capacity = k};
    for (size_t i = 0; i < v->count; i++)
        if (allowed == NULL || allowed(ctx, v->ids[i]))
            kin_topk_offer(&top, v->ids[i], kernels->dot(query, v->data + i * v->dim, v->dim));
    kin_topk_sort(&top);
    return top.count;
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

#endif
