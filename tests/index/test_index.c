/* Recall of each kind against the exact answer, also where ids are filtered; and building's own
 * manners. */
#include "vectors_support.h"

#include <pthread.h>

enum { COUNT = 20000, DIM = 48, QUERIES = 200, K = 10, CANDIDATES = 100 };

static struct vectors data, queries;

static int setup(void **unused)
{
    (void)unused;
    /* Queries of the same clusters: the tail of one set. */
    data = vectors_new(COUNT + QUERIES, DIM, 7);
    data.count = COUNT;
    queries = (struct vectors){.count = QUERIES, .dim = DIM, .data = data.data + COUNT * DIM};
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    vectors_free(&data);
    return 0;
}

/* Lets `keep` of each 100 ids through, chosen by a hash. */
static bool let_through(void *ctx, uint64_t id)
{
    return (id * UINT64_C(0x9E3779B97F4A7C15) >> 32) % 100 < *(const unsigned *)ctx;
}

/* Recall@K after the exact re-rank of `wanted` candidates, and that every answer is allowed, unique
 * and in order. */
static double recall(const kin_index *index, size_t wanted, double effort,
                     kin_index_allowed_fn allowed, void *ctx)
{
    size_t found_in_all = 0, expected_in_all = 0;
    for (size_t q = 0; q < queries.count; q++) {
        const float *query = queries.data + q * DIM;
        kin_hit candidates[CANDIDATES], ranked[K], truth[CANDIDATES];
        size_t found, allowed_count = exact(&data, query, wanted, allowed, ctx, truth);
        assert_int_equal(
            kin_index_search(index, query, wanted, effort, allowed, ctx, candidates, &found, NULL),
            KIN_OK);
        assert_int_equal(found, allowed_count); /* as many as there are, at most as wanted */
        for (size_t i = 0; i < found; i++) {
            assert_true(allowed == NULL || allowed(ctx, candidates[i].id));
            if (i > 0) {
                assert_true(kin_hit_better(candidates[i - 1], candidates[i]));
            }
        }
        assert_int_equal(hits_in_common(candidates, found, candidates, found), found);
        size_t n = rerank(&data, query, candidates, found, K, ranked);
        size_t k = allowed_count < K ? allowed_count : K;
        found_in_all += hits_in_common(ranked, n, truth, k);
        expected_in_all += k;
    }
    return expected_in_all > 0 ? (double)found_in_all / (double)expected_in_all : 1.0;
}

static void check_recall(const char *kind, size_t wanted, double least_at_half)
{
    static const double efforts[] = {0, 0.25, 0.5, 0.75, 1};
    kin_index *index = vectors_index(&data, kind);
    double last = 0;
    assert_string_equal(kin_index_kind_borrow(index), kind);
    assert_int_equal(kin_index_count(index), COUNT);
    assert_int_equal(kin_index_dim(index), DIM);
    assert_false(kin_index_is_flat(index));
    for (size_t e = 0; e < sizeof efforts / sizeof efforts[0]; e++) {
        double r = recall(index, wanted, efforts[e], NULL, NULL);
        print_message("%s, effort %.2f: recall@%d %.4f\n", kind, efforts[e], K, r);
        assert_true(r >= last - 0.01); /* more effort is not worse */
        if (efforts[e] >= 0.5)
            assert_true(r >= least_at_half);
        last = r;
    }
    static const unsigned shares[] = {99, 90, 50, 10, 1, 0};
    for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++) {
        unsigned share = shares[s];
        double r = recall(index, wanted, 0.5, let_through, &share);
        print_message("%s, %u%% allowed: recall@%d %.4f\n", kind, share, K, r);
        assert_true(r >= least_at_half);
    }
    kin_index_free(index);
}

static void test_recall_hnsw(void **unused)
{
    (void)unused;
    check_recall("hnsw", K, 0.98);
}

static void test_recall_ivfpq(void **unused)
{
    (void)unused;
    check_recall("ivfpq", CANDIDATES, 0.99);
}

/* Scores of a graph are exact inner products. */
static void test_hnsw_scores(void **unused)
{
    (void)unused;
    kin_index *index = vectors_index(&data, "hnsw");
    kin_hit hits[K], truth[K];
    size_t found;
    assert_int_equal(kin_index_search(index, queries.data, K, 1, NULL, NULL, hits, &found, NULL),
                     KIN_OK);
    assert_int_equal(exact(&data, queries.data, K, NULL, NULL, truth), found);
    for (size_t i = 0; i < found; i++) {
        assert_int_equal(hits[i].id, truth[i].id);
        assert_true(fabsf(hits[i].score - truth[i].score) < 1e-5f);
    }
    kin_index_free(index);
}

static void test_flat_finds_nothing(void **unused)
{
    (void)unused;
    kin_index *index = vectors_index(&data, "flat");
    kin_hit hits[K];
    size_t found = 99;
    assert_true(kin_index_is_flat(index));
    assert_int_equal(kin_index_search(index, queries.data, K, 1, NULL, NULL, hits, &found, NULL),
                     KIN_OK);
    assert_int_equal(found, 0);
    kin_index_free(index);
}

static void test_want_more_than_there_are(void **unused)
{
    (void)unused;
    static const char *const kinds[] = {"hnsw", "ivfpq"};
    static const size_t counts[] = {1, 2, 30, 1024};
    kin_hit hits[2048];
    for (size_t k = 0; k < 2; k++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            struct vectors few = data;
            few.count = counts[c];
            if (k == 1 && counts[c] < 1024)
                continue;
            kin_index *index = vectors_index(&few, kinds[k]);
            size_t found;
            for (double effort = -1; effort <= 2; effort += 1)
                for (size_t want = 1; want <= 2048; want *= 8) {
                    assert_int_equal(kin_index_search(index, queries.data, want, effort, NULL, NULL,
                                                      hits, &found, NULL),
                                     KIN_OK);
                    assert_int_equal(found, want < few.count ? want : few.count);
                }
            assert_int_equal(
                kin_index_search(index, queries.data, 0, 1, NULL, NULL, NULL, &found, NULL),
                KIN_OK);
            assert_int_equal(found, 0);
            kin_index_free(index);
        }
}

/* Archives hold copies of one image: a graph of equal vectors must still give up as many as
 * asked. */
static void test_duplicates(void **unused)
{
    (void)unused;
    static const char *const kinds[] = {"hnsw", "ivfpq"};
    struct vectors same = vectors_new(3000, DIM, 3);
    for (size_t i = 0; i < 2000; i++)
        memcpy(same.data + i * DIM, same.data, DIM * sizeof(float));
    memset(same.data + 2000 * DIM, 0, 100 * DIM * sizeof(float)); /* what is similar to none */
    for (size_t k = 0; k < 2; k++) {
        kin_index *index = vectors_index(&same, kinds[k]);
        kin_hit hits[CANDIDATES];
        size_t found;
        assert_int_equal(
            kin_index_search(index, same.data, CANDIDATES, 0.5, NULL, NULL, hits, &found, NULL),
            KIN_OK);
        assert_int_equal(found, CANDIDATES);
        for (size_t i = 0; i < found; i++)
            assert_true(hits[i].id < same.ids[2000]);
        kin_index_free(index);
    }
    vectors_free(&same);
}

struct searcher {
    const kin_index *index;
    size_t from;
    kin_hit hits[QUERIES][K];
    size_t found[QUERIES];
};

static void *search_all(void *argument)
{
    struct searcher *s = argument;
    for (size_t i = 0; i < QUERIES; i++) {
        size_t q = (i + s->from) % QUERIES;
        if (kin_index_search(s->index, queries.data + q * DIM, K, (double)(q % 5) / 4, NULL, NULL,
                             s->hits[q], &s->found[q], NULL) != KIN_OK)
            s->found[q] = SIZE_MAX;
    }
    return NULL;
}

/* Searches of different efforts at the same time give what they give alone. */
static void test_concurrent_searches(void **unused)
{
    (void)unused;
    static const char *const kinds[] = {"hnsw", "ivfpq"};
    static struct searcher alone, together[3];
    for (size_t k = 0; k < 2; k++) {
        kin_index *index = vectors_index(&data, kinds[k]);
        pthread_t threads[3];
        alone.index = index;
        search_all(&alone);
        for (size_t t = 0; t < 3; t++) {
            together[t].index = index;
            together[t].from = t * 61;
            assert_int_equal(pthread_create(&threads[t], NULL, search_all, &together[t]), 0);
        }
        for (size_t t = 0; t < 3; t++)
            pthread_join(threads[t], NULL);
        for (size_t t = 0; t < 3; t++)
            for (size_t q = 0; q < QUERIES; q++) {
                assert_int_equal(together[t].found[q], alone.found[q]);
                for (size_t i = 0; i < alone.found[q]; i++)
                    assert_int_equal(together[t].hits[q][i].id, alone.hits[q][i].id);
            }
        kin_index_free(index);
    }
}

static void test_odd_dimensions(void **unused)
{
    (void)unused;
    static const size_t dims[] = {1, 3, 33, 257, 516};
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        struct vectors v = vectors_new(1100, dims[i], 5);
        static const char *const kinds[] = {"hnsw", "ivfpq"};
        for (size_t k = 0; k < 2; k++) {
            kin_index *index = vectors_index(&v, kinds[k]);
            kin_hit hits[200], ranked[1], truth[1];
            size_t found;
            assert_int_equal(
                kin_index_search(index, v.data, 200, 1, NULL, NULL, hits, &found, NULL), KIN_OK);
            assert_int_equal(found, 200);
            assert_int_equal(rerank(&v, v.data, hits, found, 1, ranked), 1);
            exact(&v, v.data, 1, NULL, NULL, truth);
            assert_true(ranked[0].score == truth[0].score);
            kin_index_free(index);
        }
        vectors_free(&v);
    }
}

static void test_auto_chooses_by_size(void **unused)
{
    (void)unused;
    struct vectors few = data;
    few.count = 500;
    kin_index *index = vectors_index(&few, "auto");
    assert_string_equal(kin_index_kind_borrow(index), "flat");
    kin_index_free(index);
    few.count = 9000;
    index = vectors_index(&few, NULL);
    assert_string_equal(kin_index_kind_borrow(index), "hnsw");
    kin_index_free(index);
}

struct progress {
    double last, cancel_at;
    size_t calls;
};

static int on_progress(void *ctx, double done)
{
    struct progress *p = ctx;
    p->calls++;
    assert_true(done >= p->last && done <= 1.0);
    p->last = done;
    return done >= p->cancel_at;
}

static void test_progress_and_cancelling(void **unused)
{
    (void)unused;
    static const char *const kinds[] = {"flat", "hnsw", "ivfpq"};
    struct vectors few = data;
    few.count = 9000; /* three batches */
    kin_index_source source = vectors_source(&few);
    for (size_t k = 0; k < 3; k++) {
        struct progress p = {.cancel_at = 2};
        kin_index_options options = {
            .kind = kinds[k], .threads = 1, .progress = on_progress, .progress_ctx = &p};
        kin_index *index = NULL;
        assert_int_equal(kin_index_build(&source, &options, &index, NULL), KIN_OK);
        assert_true(p.calls > 0 && p.last == 1.0);
        kin_index_free(index);
        index = NULL;
        p = (struct progress){.cancel_at = 0.5};
        assert_int_equal(kin_index_build(&source, &options, &index, NULL), KIN_E_CANCELLED);
        assert_null(index);
    }
}

static const float *fail_at_7000(void *ctx, size_t i, kin_error *err)
{
    if (i != 7000)
        return vectors_read(ctx, i, err);
    kin_fail(err, KIN_E_CORRUPT, "000000.seg", "rows fail their checksum");
    return NULL;
}

static void test_bad_sources(void **unused)
{
    (void)unused;
    kin_index *index = NULL;
    kin_error err = {0};
    kin_index_source source = vectors_source(&data);
    kin_index_options options = {.kind = "hnsw"};
    source.count = 8000;
    source.vector = fail_at_7000;
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_CORRUPT);
    assert_string_equal(err.subject, "000000.seg");
    assert_int_equal(kin_index_build(&source, &options, &index, NULL), KIN_E_CORRUPT);
    source.vector = vectors_read;

    float kept = data.data[7500 * DIM + 5];
    data.data[7500 * DIM + 5] = NAN;
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_CORRUPT);
    options.kind = "ivfpq";
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_CORRUPT);
    data.data[7500 * DIM + 5] = kept;

    options.kind = "tree";
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_ARG);
    options.kind = "ivfpq";
    source.count = 1023;
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_ARG);
    options.kind = "hnsw";
    source.count = 0;
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_ARG);
    source.count = 10;
    source.dim = 0;
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_ARG);
    source.dim = DIM;
    uint64_t swapped = data.ids[3];
    data.ids[3] = data.ids[2];
    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_E_ARG);
    data.ids[3] = swapped;
    assert_null(index);

    assert_int_equal(kin_index_build(&source, &options, &index, &err), KIN_OK);
    float query[DIM] = {0};
    kin_hit hits[K];
    size_t found;
    query[DIM - 1] = INFINITY;
    assert_int_equal(kin_index_search(index, query, K, 0.5, NULL, NULL, hits, &found, &err),
                     KIN_E_ARG);
    query[DIM - 1] = NAN;
    assert_int_equal(kin_index_search(index, query, K, 0.5, NULL, NULL, hits, &found, &err),
                     KIN_E_ARG);
    kin_index_free(index);
    kin_index_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recall_hnsw),
        cmocka_unit_test(test_recall_ivfpq),
        cmocka_unit_test(test_hnsw_scores),
        cmocka_unit_test(test_flat_finds_nothing),
        cmocka_unit_test(test_want_more_than_there_are),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_concurrent_searches),
        cmocka_unit_test(test_odd_dimensions),
        cmocka_unit_test(test_auto_chooses_by_size),
        cmocka_unit_test(test_progress_and_cancelling),
        cmocka_unit_test(test_bad_sources),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
