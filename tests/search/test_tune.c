/* What a tuning promises, other queries get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "corpus_support.h"
#include "search/tune.h"

enum { COUNT = 8000, DIM = 32, CLUSTERS = 30, QUERIES = 200, K = 10 };

static void check_kind(const char *kind)
{
    struct corpus_fixture f;
    kin_error err = {0};
    kin_tune_result result;
    roaring_bitmap_t *live = roaring_bitmap_from_range(0, COUNT, 1);
    corpus_make(&f, COUNT, DIM, CLUSTERS, kin_codec_fp32, kind, COUNT);
    kin_tune_options options = {.queries = QUERIES};
    assert_int_equal(kin_search_tune(&f.corpus, live, &options, &result, &err), KIN_OK);
    assert_int_equal(result.queries, QUERIES);
    assert_true(result.count >= 3); /* 0.90, 0.95 and 0.99 at least */
    for (size_t i = 0; i < result.count; i++) {
        print_message("%s: target %.3f: recall %.4f, width %u, candidates %u\n", kind,
                      result.tunings[i].target, result.tunings[i].recall,
                      result.tunings[i].setting.width, result.tunings[i].setting.candidates);
        assert_true(result.tunings[i].recall >= result.tunings[i].target);
        assert_true(result.tunings[i].scored > 0);
        assert_true(i == 0 || result.tunings[i].target > result.tunings[i - 1].target);
        assert_true(result.best >= result.tunings[i].recall);
    }
    kin_index_set_tunings(f.index, result.tunings, result.count);
    double sum = 0;
    for (size_t q = 0; q < QUERIES; q++) {
        float query[DIM];
        uint64_t state = 31337 + q;
        kin_hit exact[K], hits[K];
        size_t found, exact_found;
        kin_search_plan plan;
        corpus_vector(q % CLUSTERS, 0.8f, DIM, &state, query);
        kin_ask asked = {.vector = query, .k = K, .recall = 1, .member_count = COUNT};
        assert_int_equal(kin_search_nearest(&f.corpus, &asked, exact, &exact_found, &plan, &err),
                         KIN_OK);
        asked.recall = 0.99;
        asked.way = kin_index_is_flat(f.index) ? "two-stage scan" : "index";
        assert_int_equal(kin_search_nearest(&f.corpus, &asked, hits, &found, &plan, &err), KIN_OK);
        for (size_t i = 0; i < found; i++)
            sum += hits[i].score >= exact[K - 1].score - 1e-6f;
    }
    assert_true(sum / (QUERIES * K) >= 0.985); /* 0.99, and what 200 queries may miss it by */
    corpus_free(&f);
    roaring_bitmap_free(live);
}

static void test_each_kind_keeps_its_promise(void **state)
{
    (void)state;
    check_kind("hnsw");
    check_kind("ivfpq");
    check_kind("flat");
}

static int at_once(void *ctx, double done)
{
    (void)ctx;
    return done > 0.6;
}

static void test_it_can_be_cancelled(void **state)
{
    (void)state;
    struct corpus_fixture f;
    kin_error err = {0};
    kin_tune_result result;
    roaring_bitmap_t *live = roaring_bitmap_from_range(0, 2000, 1);
    corpus_make(&f, 2000, DIM, CLUSTERS, kin_codec_fp16, "flat", 2000);
    kin_tune_options options = {.queries = 50, .progress = at_once};
    assert_int_equal(kin_search_tune(&f.corpus, live, &options, &result, &err), KIN_E_CANCELLED);
    roaring_bitmap_free(live);
    corpus_free(&f);
}

static void test_one_row_has_nothing_to_ask(void **state)
{
    (void)state;
    struct corpus_fixture f;
    kin_error err = {0};
    kin_tune_result result;
    roaring_bitmap_t *live = roaring_bitmap_of(1, 0);
    corpus_make(&f, 1, DIM, CLUSTERS, kin_codec_fp32, "flat", 1);
    kin_tune_options options = {0};
    assert_int_equal(kin_search_tune(&f.corpus, live, &options, &result, &err), KIN_OK);
    assert_int_equal(result.queries, 0);
    assert_int_equal(result.count, 0);
    roaring_bitmap_free(live);
    corpus_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_keeps_its_promise),
        cmocka_unit_test(test_it_can_be_cancelled),
        cmocka_unit_test(test_one_row_has_nothing_to_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
