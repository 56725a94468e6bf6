/* corpus_support.h - rows in a scratch set and an index over them, for tests of searches. */
#ifndef KIN_TESTS_CORPUS_SUPPORT_H
#define KIN_TESTS_CORPUS_SUPPORT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/search.h"
#include "temp_folder.h"

struct corpus_fixture {
    char dir[PATH_MAX];
    size_t count, dim;
    float *vectors; /* count x dim, unit length: rows of clusters, cluster r % clusters */
    uint64_t *ids;
    kin_segments *set;
    kin_rows *rows;
    kin_index *index;
    kin_costs costs;
    kin_corpus corpus;
};

static inline float corpus_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (float)((*state >> 40) + 0.5) / (float)(1 << 24) - 0.5f;
}

/* A unit vector near the centre of a cluster. */
static inline void corpus_vector(size_t cluster, float spread, size_t dim, uint64_t *state,
                                 float *out)
{
    uint64_t centre = 1000 + cluster * 7919;
    double square = 0;
    for (size_t d = 0; d < dim; d++) {
        out[d] = corpus_random(&centre) + spread * corpus_random(state);
        square += (double)out[d] * out[d];
    }
    for (size_t d = 0; d < dim; d++)
        out[d] /= (float)sqrt(square);
}

static inline kin_status corpus_hash(void *ctx, uint64_t block, uint64_t *hash, kin_error *err)
{
    struct corpus_fixture *f = ctx;
    uint64_t left = f->count - block * KIN_BLOCK_ROWS;
    return kin_segments_block_hash(
        f->set, block, left < KIN_BLOCK_ROWS ? (size_t)left : KIN_BLOCK_ROWS, hash, err);
}

static inline const float *corpus_row(void *ctx, size_t i, kin_error *err)
{
    struct corpus_fixture *f = ctx;
    (void)err;
    return f->vectors + f->ids[i] * f->dim;
}

/* `indexed` of the rows are in an index of that kind (NULL: none). */
static inline void corpus_make(struct corpus_fixture *f, size_t count, size_t dim, size_t clusters,
                               const kin_codec *codec, const char *kind, size_t indexed)
{
    kin_error err = {0};
    uint64_t state = 42;
    memset(f, 0, sizeof *f);
    f->count = count;
    f->dim = dim;
    f->vectors = malloc(count * dim * sizeof *f->vectors);
    f->ids = malloc(count * sizeof *f->ids);
    for (size_t r = 0; r < count; r++) {
        corpus_vector(r % clusters, 0.8f, dim, &state, f->vectors + r * dim);
        f->ids[r] = r;
    }
    temp_folder_make(f->dir);
    assert_int_equal(
        KIN_OK, kin_segments_open(kin_fs_posix(), f->dir, "test", codec, dim, true, &f->set, &err));
    assert_int_equal(KIN_OK, kin_segments_append(f->set, 0, f->vectors, count, &err));
    assert_int_equal(KIN_OK, kin_rows_open(f->set, count, corpus_hash, f, &f->rows, &err));
    if (kind != NULL) {
        kin_index_source source = {indexed, dim, f->ids, corpus_row, f};
        kin_index_options options = {.kind = kind};
        assert_int_equal(KIN_OK, kin_index_build(&source, &options, &f->index, NULL, &err));
    }
    f->costs = kin_costs_default(dim, codec);
    f->corpus = (kin_corpus){.rows = f->rows,
                             .dim = dim,
                             .index = f->index,
                             .index_rows = kind != NULL ? indexed : 0,
                             .costs = &f->costs};
}

/* Puts another index in the place of the fixture's: over rows that `keep` has (NULL: all) of the first
 * `before`, an extension of `previous` where that is not NULL. */
static inline void corpus_index(struct corpus_fixture *f, const char *kind, size_t before,
                                const roaring_bitmap_t *keep, const kin_index *previous)
{
    kin_error err = {0};
    kin_index *index;
    size_t count = 0;
    bool extended = false;
    for (size_t r = 0; r < before; r++)
        if (keep == NULL || roaring_bitmap_contains(keep, (uint32_t)r))
            f->ids[count++] = r;
    kin_index_source source = {count, f->dim, f->ids, corpus_row, f};
    kin_index_options options = {.kind = kind, .previous = previous};
    assert_int_equal(KIN_OK, kin_index_build(&source, &options, &index, &extended, &err));
    assert_int_equal(extended, previous != NULL);
    kin_index_free(f->index);
    f->index = index;
    f->corpus.index = index;
    f->corpus.index_rows = before;
}

/* The exact answer, by the plainest means. */
static inline size_t corpus_brute_force(const struct corpus_fixture *f, const float *query,
                                        const kin_members *members, size_t k, kin_hit *hits)
{
    kin_topk top = {.hits = hits, .capacity = k};
    for (size_t r = 0; r < f->count; r++) {
        double score = 0;
        if (!kin_members_have(members, r))
            continue;
        for (size_t d = 0; d < f->dim; d++)
            score += (double)query[d] * f->vectors[r * f->dim + d];
        kin_topk_offer(&top, r, (float)score);
    }
    kin_topk_sort(&top);
    return top.count;
}

static inline void corpus_free(struct corpus_fixture *f)
{
    kin_index_free(f->index);
    kin_rows_close(f->rows);
    kin_segments_close(f->set);
    temp_folder_remove(f->dir);
    free(f->vectors);
    free(f->ids);
}

#endif
