/* Recall of each kind against the exact answer, by its ladder of settings; and a search's own
 * manners. */
#include "vectors_support.h"

#include <pthread.h>

#include "store/codec.h"

enum { COUNT = 20000, DIM = 48, QUERIES = 200, K = 10, CANDIDATES = 100 };

static const char *const graphs_and_lists[] = {"hnsw", "ivfpq"};
static struct vectors data, queries;
static kin_index *built[2]; /* of those kinds, over data */

static int setup(void **unused)
{
    (void)unused;
    data = vectors_new_asked(COUNT, QUERIES, DIM, 7, &queries);
    for (size_t k = 0; k < 2; k++)
        built[k] = vectors_index(&data, graphs_and_lists[k]);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < 2; k++)
        kin_index_free(built[k]);
    vectors_free(&data);
    return 0;
}

/* Settings cost more and find more from one to the next, and one of them finds nearly all. */
static void check_ladder(const kin_index *index)
{
    kin_index_setting setting, before = {0};
    double best = 0;
    size_t i = 0;
    for (; kin_index_setting_at(index, K, i, &setting); i++) {
        assert_true(setting.width >= before.width && setting.candidates >= K);
        assert_true(setting.width > before.width || setting.candidates > before.candidates);
        double r = recall_of(index, &data, &queries, K, setting, NULL);
        print_message("%s, width %u, candidates %u: recall@%d %.4f\n", kin_index_kind_borrow(index),
                      setting.width, setting.candidates, K, r);
        if (setting.width == before.width || kin_index_kind_borrow(index)[0] == 'h')
            assert_true(r >= best - 0.02);
        best = r > best ? r : best;
        before = setting;
        if (best >= 0.9995)
            break;
    }
    assert_true(i >= 3 && best >= 0.999);
}

static void test_recall(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < 2; k++) {
        assert_string_equal(kin_index_kind_borrow(built[k]), graphs_and_lists[k]);
        assert_int_equal(kin_index_count(built[k]), COUNT);
        assert_int_equal(kin_index_dim(built[k]), DIM);
        assert_false(kin_index_is_flat(built[k]));
        check_ladder(built[k]);
    }
}

static void test_ladders_of_any_k(void **unused)
{
    (void)unused;
    static const size_t ks[] = {1, 10, 100, 3000, 1000000, (size_t)KIN_INDEX_COUNT_MAX * 4};
    kin_index *flat = vectors_index(&data, "flat");
    const kin_index *all[] = {flat, built[0], built[1]};
    for (size_t x = 0; x < 3; x++)
        for (size_t k = 0; k < sizeof ks / sizeof ks[0]; k++) {
            kin_index_setting setting;
            size_t i = 0;
            for (; kin_index_setting_at(all[x], ks[k], i, &setting); i++)
                assert_true(setting.candidates >= ks[k] &&
                            (all[x] != built[0] || setting.width >= setting.candidates));
            assert_true(ks[k] > KIN_INDEX_COUNT_MAX || i >= 3);
            assert_true(i < 100);
        }
    kin_index_free(flat);
}

/* Scores are those of the codes, which the store's own functions compute the same. */
static void test_scores_are_the_codes(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < 2; k++) {
        kin_probe *probe = NULL;
        kin_hit hits[CANDIDATES];
        kin_index_codes codes = kin_index_codes_borrow(built[k]);
        size_t stride = kin_codec_stride(kin_codec_int8, DIM), position;
        assert_int_equal(codes.count, COUNT);
        assert_int_equal(codes.dim, DIM);
        assert_int_equal(kin_probe_new(kin_codec_int8, queries.data, DIM, &probe, NULL), KIN_OK);
        size_t found =
            search(built[k], queries.data, (kin_index_setting){100, CANDIDATES}, NULL, hits);
        assert_int_equal(found, CANDIDATES);
        for (size_t i = 0; i < found; i++) {
            assert_true(kin_index_position(built[k], hits[i].id, &position));
            assert_int_equal(codes.ids[position], hits[i].id);
            float score = kin_probe_score(probe, (const char *)codes.rows + position * stride);
            assert_true(fabsf(score - hits[i].score) <= 1e-6f);
        }
        assert_false(kin_index_position(built[k], data.ids[0] + 1, &position));
        assert_false(kin_index_position(built[k], UINT64_MAX, &position));
        kin_probe_free(probe);
    }
}

static void test_flat_finds_nothing_and_has_codes(void **unused)
{
    (void)unused;
    kin_index *index = vectors_index(&data, "flat");
    kin_hit hits[K];
    kin_index_codes codes = kin_index_codes_borrow(index);
    assert_true(kin_index_is_flat(index));
    assert_int_equal(search(index, queries.data, (kin_index_setting){0, K}, NULL, hits), 0);
    assert_int_equal(codes.count, COUNT);
    assert_memory_equal(codes.ids, data.ids, COUNT * sizeof *data.ids);
    assert_memory_equal(codes.rows, kin_index_codes_borrow(built[0]).rows,
                        COUNT * kin_codec_stride(kin_codec_int8, DIM));
    kin_index_free(index);
}

static void test_want_more_than_there_are(void **unused)
{
    (void)unused;
    static const size_t counts[] = {1, 2, 30, 1024};
    static kin_hit hits[2048];
    for (size_t k = 0; k < 2; k++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            struct vectors few = data;
            few.count = counts[c];
            if (k == 1 && counts[c] < 1024)
                continue;
            kin_index *index = vectors_index(&few, graphs_and_lists[k]);
            for (uint32_t width = 0; width <= 4096; width = 2 * width + 1)
                for (uint32_t want = 1; want <= 2048; want *= 8) {
                    kin_index_setting setting = {width, want};
                    size_t found = search(index, queries.data, setting, NULL, hits);
                    assert_true(found <= want && found <= few.count);
                    if (k == 0 || width > 100) /* else too few lists may have been probed */
                        assert_int_equal(found, want < few.count ? want : few.count);
                }
            assert_int_equal(search(index, queries.data, (kin_index_setting){10, 0}, NULL, hits),
                             0);
            kin_index_free(index);
        }
}

/* Archives hold copies of one image: a graph of equal vectors must still give up as many as
 * asked. */
static void test_duplicates(void **unused)
{
    (void)unused;
    struct vectors same = vectors_new(3000, DIM, 3);
    for (size_t i = 0; i < 2000; i++)
        memcpy(same.data + i * DIM, same.data, DIM * sizeof(float));
    memset(same.data + 2000 * DIM, 0, 100 * DIM * sizeof(float)); /* what is similar to none */
    for (size_t k = 0; k < 2; k++) {
        kin_index *index = vectors_index(&same, graphs_and_lists[k]);
        kin_hit hits[CANDIDATES];
        size_t found = search(index, same.data, (kin_index_setting){100, CANDIDATES}, NULL, hits);
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
        kin_index_work work;
        kin_index_query asked = {.vector = queries.data + q * DIM,
                                 .setting = {(uint32_t)(10 + q % 5 * 20), K}};
        if (kin_index_search(s->index, &asked, s->hits[q], &s->found[q], &work, NULL) != KIN_OK)
            s->found[q] = SIZE_MAX;
    }
    return NULL;
}

/* Searches of different widths at the same time give what they give alone. */
static void test_concurrent_searches(void **unused)
{
    (void)unused;
    static struct searcher alone, together[3];
    for (size_t k = 0; k < 2; k++) {
        pthread_t threads[3];
        alone.index = built[k];
        search_all(&alone);
        for (size_t t = 0; t < 3; t++) {
            together[t].index = built[k];
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
    }
}

static void test_odd_dimensions(void **unused)
{
    (void)unused;
    static const size_t dims[] = {1, 3, 33, 257, 516};
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        struct vectors v = vectors_new(1100, dims[i], 5);
        for (size_t k = 0; k < 2; k++) {
            kin_index *index = vectors_index(&v, graphs_and_lists[k]);
            kin_hit hits[200], ranked[1], truth[1];
            size_t found = search(index, v.data, (kin_index_setting){400, 200}, NULL, hits);
            assert_int_equal(found, 200);
            assert_int_equal(rerank(&v, v.data, hits, found, 1, ranked), 1);
            exact(&v, v.data, 1, NULL, truth);
            assert_true(ranked[0].score == truth[0].score);
            kin_index_free(index);
        }
        vectors_free(&v);
    }
}

/* A search that may score few codes ends with few scored, and says that it is not done. */
static void test_budget(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < 2; k++) {
        kin_hit hits[CANDIDATES];
        kin_index_query asked = {.vector = queries.data, .setting = {64, CANDIDATES}};
        kin_index_work free_of_bounds, bounded;
        size_t found;
        assert_int_equal(kin_index_search(built[k], &asked, hits, &found, &free_of_bounds, NULL),
                         KIN_OK);
        assert_true(found == CANDIDATES && free_of_bounds.scored > CANDIDATES);
        assert_false(free_of_bounds.gave_up);
        for (asked.budget = 1; asked.budget < 2 * free_of_bounds.scored; asked.budget *= 3) {
            assert_int_equal(kin_index_search(built[k], &asked, hits, &found, &bounded, NULL),
                             KIN_OK);
            assert_true(bounded.scored < asked.budget + 2 * 64); /* a block of links or two more */
            assert_true(bounded.gave_up || bounded.scored == free_of_bounds.scored);
            assert_true(asked.budget > free_of_bounds.scored / 2 || bounded.gave_up);
        }
    }
}

static void test_queries_that_are_no_vectors(void **unused)
{
    (void)unused;
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < 3; i++) {
            float query[DIM] = {0};
            kin_hit hits[K];
            size_t found;
            kin_index_work work;
            kin_index_query asked = {.vector = query, .setting = {10, K}};
            assert_int_equal(kin_index_search(built[k], &asked, hits, &found, &work, NULL),
                             KIN_OK);          /* zeros are as near to all */
            assert_true(found == K || k == 1); /* FAISS finds nothing like nothing */
            query[DIM - 1] = bad[i];
            assert_int_equal(kin_index_search(built[k], &asked, hits, &found, &work, NULL),
                             KIN_E_ARG);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recall),
        cmocka_unit_test(test_ladders_of_any_k),
        cmocka_unit_test(test_scores_are_the_codes),
        cmocka_unit_test(test_flat_finds_nothing_and_has_codes),
        cmocka_unit_test(test_want_more_than_there_are),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_concurrent_searches),
        cmocka_unit_test(test_odd_dimensions),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_queries_that_are_no_vectors),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
