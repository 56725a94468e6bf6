/* Every way to an answer against brute force, with members at random and against the query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "corpus_support.h"

enum { COUNT = 12000, DIM = 32, CLUSTERS = 40, K = 10, QUERIES = 40, INDEXED = 11000 };

static struct corpus_fixture hnsw, ivfpq, flat;

static int set_up(void **state)
{
    (void)state;
    corpus_make(&hnsw, COUNT, DIM, CLUSTERS, kin_codec_fp32, "hnsw", INDEXED);
    corpus_make(&ivfpq, COUNT, DIM, CLUSTERS, kin_codec_fp32, "ivfpq", INDEXED);
    corpus_make(&flat, COUNT, DIM, CLUSTERS, kin_codec_fp32, "flat", INDEXED);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_free(&hnsw);
    corpus_free(&ivfpq);
    corpus_free(&flat);
    return 0;
}

static void make_query(size_t number, float *out)
{
    uint64_t state = 77777 + number;
    corpus_vector(number % CLUSTERS, 0.8f, DIM, &state, out);
}

static double share_found(const kin_hit *exact, size_t exact_count, const kin_hit *hits,
                          size_t count)
{
    size_t good = 0;
    for (size_t i = 0; i < count; i++)
        good += exact_count > 0 && hits[i].score >= exact[exact_count - 1].score - 1e-5f;
    return exact_count == 0 ? 1 : (double)good / (double)exact_count;
}

enum selection { EVERYTHING, RANDOM, OWN_CLUSTER, OTHER_CLUSTERS };

static roaring_bitmap_t *select_rows(enum selection selection, double share, size_t cluster)
{
    uint64_t state = 5;
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (uint32_t r = 0; r < COUNT; r++) {
        bool own = r % CLUSTERS == cluster;
        if ((selection == RANDOM && corpus_random(&state) + 0.5 < share) ||
            (selection == OWN_CLUSTER && own) || (selection == OTHER_CLUSTERS && !own))
            roaring_bitmap_add(bitmap, r);
    }
    return bitmap;
}

static kin_status ask(const struct corpus_fixture *f, const float *query,
                      const kin_members *members, size_t k, const char *way,
                      const kin_index_setting *setting, kin_hit *hits, size_t *found,
                      kin_search_plan *plan)
{
    kin_error err = {0};
    kin_ask asked = {.vector = query,
                     .k = k,
                     .members = *members,
                     .member_count = kin_members_count(members, 0, f->count),
                     .way = way,
                     .setting = setting};
    return kin_search_nearest(&f->corpus, &asked, hits, found, plan, &err);
}

/* Mean recall of a way over queries; negative when it cannot be gone. */
static double recall_of(const struct corpus_fixture *f, const char *way,
                        const kin_index_setting *setting, enum selection selection, double share)
{
    double sum = 0;
    for (size_t q = 0; q < QUERIES; q++) {
        float query[DIM];
        kin_hit exact[K], hits[K];
        kin_search_plan plan;
        size_t found = 0;
        make_query(q, query);
        roaring_bitmap_t *only =
            selection == EVERYTHING ? NULL : select_rows(selection, share, q % CLUSTERS);
        kin_members members = {.only = only};
        size_t exact_count = corpus_brute_force(f, query, &members, K, exact);
        kin_status status = ask(f, query, &members, K, way, setting, hits, &found, &plan);
        if (only != NULL)
            roaring_bitmap_free(only);
        if (status == KIN_E_ARG)
            return -1;
        assert_int_equal(status, KIN_OK);
        assert_int_equal(found, exact_count);
        sum += share_found(exact, exact_count, hits, found);
    }
    return sum / QUERIES;
}

static const struct {
    enum selection selection;
    double share;
} selections[] = {{RANDOM, 0.9},   {RANDOM, 0.5},    {RANDOM, 0.1},      {RANDOM, 0.01},
                  {RANDOM, 0.001}, {OWN_CLUSTER, 0}, {OTHER_CLUSTERS, 0}};
enum { SELECTIONS = sizeof selections / sizeof selections[0] };

static void test_scans_are_exact_whoever_may_answer(void **state)
{
    (void)state;
    const kin_index_setting many = {0, 200};
    assert_true(recall_of(&flat, "scan", NULL, EVERYTHING, 0) == 1);
    assert_true(recall_of(&flat, "two-stage scan", &many, EVERYTHING, 0) == 1);
    for (size_t i = 0; i < SELECTIONS; i++) {
        assert_true(recall_of(&flat, "scan", NULL, selections[i].selection, selections[i].share) ==
                    1);
        assert_true(recall_of(&flat, "two-stage scan", &many, selections[i].selection,
                              selections[i].share) == 1);
    }
}

static void test_the_index_finds_what_is_nearest_and_the_tail(void **state)
{
    (void)state;
    const kin_index_setting wide = {200, 100}, probes = {64, 200};
    assert_true(recall_of(&hnsw, "index", &wide, EVERYTHING, 0) >= 0.99);
    assert_true(recall_of(&ivfpq, "index", &probes, EVERYTHING, 0) >= 0.99);
    assert_true(recall_of(&flat, "index", &wide, EVERYTHING, 0) < 0);
}

static void test_a_filter_inside_the_index_costs_no_recall(void **state)
{
    (void)state;
    const kin_index_setting wide = {200, 100};
    for (size_t i = 0; i < SELECTIONS; i++) {
        double recall =
            recall_of(&hnsw, "filtered index", &wide, selections[i].selection, selections[i].share);
        print_message("filtered index, selection %zu: %.4f\n", i, recall);
        assert_true(recall < 0 || recall >= 0.99);
    }
    assert_true(recall_of(&hnsw, "filtered index", &wide, EVERYTHING, 0) <
                0); /* nothing to filter */
}

static void test_widening_costs_no_recall(void **state)
{
    (void)state;
    const kin_index_setting wide = {200, 200};
    for (size_t i = 0; i < 3; i++) {
        double recall =
            recall_of(&hnsw, "widening", &wide, selections[i].selection, selections[i].share);
        print_message("widening, selection %zu: %.4f\n", i, recall);
        assert_true(recall >= 0.99);
    }
}

static void test_fewer_than_wanted_are_all(void **state)
{
    (void)state;
    const struct corpus_fixture *all[] = {&hnsw, &ivfpq, &flat};
    for (size_t i = 0; i < 3; i++)
        for (size_t way = 0; kin_way_name(way) != NULL; way++) {
            float query[DIM];
            kin_hit hits[K];
            kin_search_plan plan;
            size_t found = 0;
            uint32_t few[] = {3, 5000, INDEXED - 1, INDEXED, COUNT - 1};
            roaring_bitmap_t *only = roaring_bitmap_of_ptr(5, few);
            kin_members members = {.only = only};
            make_query(1, query);
            kin_status status =
                ask(all[i], query, &members, K, kin_way_name(way), NULL, hits, &found, &plan);
            roaring_bitmap_free(only);
            assert_true(status == KIN_OK || status == KIN_E_ARG);
            if (status == KIN_OK)
                assert_int_equal(found, 5);
        }
}

static void test_nobody_may_answer(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit hits[K];
    kin_search_plan plan;
    size_t found = 1;
    roaring_bitmap_t *nobody = roaring_bitmap_create();
    kin_members members = {.only = nobody};
    make_query(1, query);
    assert_int_equal(ask(&hnsw, query, &members, K, NULL, NULL, hits, &found, &plan), KIN_OK);
    assert_int_equal(found, 0);
    roaring_bitmap_free(nobody);
}

/* Rows left out of everything, as the deleted are. */
static void test_those_left_out_never_answer(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit exact[K], hits[K];
    kin_search_plan plan;
    size_t found;
    const kin_index_setting wide = {200, 100};
    roaring_bitmap_t *without = select_rows(RANDOM, 0.3, 0);
    kin_members members = {.without = without};
    for (size_t q = 0; q < QUERIES; q++) {
        make_query(q, query);
        size_t exact_count = corpus_brute_force(&hnsw, query, &members, K, exact);
        for (size_t way = 0; kin_way_name(way) != NULL; way++) {
            kin_status status =
                ask(&hnsw, query, &members, K, kin_way_name(way), &wide, hits, &found, &plan);
            if (status == KIN_E_ARG)
                continue;
            assert_int_equal(status, KIN_OK);
            assert_int_equal(found, exact_count);
            for (size_t i = 0; i < found; i++)
                assert_false(roaring_bitmap_contains(without, (uint32_t)hits[i].id));
        }
    }
    roaring_bitmap_free(without);
}

static void give_tuning(struct corpus_fixture *f, double recall)
{
    kin_index_tuning tunings[] = {{0.9, 0.92, 20, 300, {20, 20}},
                                  {0.99, recall, 60, 900, {150, 60}}};
    kin_index_set_tunings(f->index, tunings, 2);
}

static void test_the_planner_takes_what_costs_least(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit hits[K];
    kin_search_plan plan;
    size_t found;
    make_query(3, query);
    kin_members all = {0};
    give_tuning(&hnsw, 0.993);
    assert_int_equal(ask(&hnsw, query, &all, K, NULL, NULL, hits, &found, &plan), KIN_OK);
    assert_string_equal(plan.way, "index");
    assert_int_equal(plan.setting.width, 150);
    assert_true(plan.expected_recall == 0.993);
    assert_int_equal(plan.tail, COUNT - INDEXED);
    assert_false(plan.exact);
    double chosen = plan.estimated_microseconds;
    for (size_t i = 0; i < plan.considered_count; i++)
        assert_true(plan.considered[i].microseconds < 0 ||
                    plan.considered[i].microseconds >= chosen);
    /* Few members: their rows, or codes, are compared one by one. */
    roaring_bitmap_t *few = select_rows(RANDOM, 0.01, 0);
    kin_members members = {.only = few};
    assert_int_equal(ask(&hnsw, query, &members, K, NULL, NULL, hits, &found, &plan), KIN_OK);
    assert_true(strcmp(plan.way, "scan") == 0 || strcmp(plan.way, "two-stage scan") == 0);
    roaring_bitmap_free(few);
    /* More than was tuned for: nothing but the rows will do. */
    kin_error err = {0};
    kin_ask demanding = {.vector = query, .k = K, .recall = 1, .member_count = COUNT};
    assert_int_equal(kin_search_nearest(&hnsw.corpus, &demanding, hits, &found, &plan, &err),
                     KIN_OK);
    assert_string_equal(plan.way, "scan");
    assert_true(plan.exact);
    kin_index_set_tunings(hnsw.index, NULL, 0);
}

/* An index that cannot keep its promise within the budget gives way, and nothing is lost. */
static void test_an_index_that_gives_up_is_made_up_for(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit exact[K], hits[K];
    kin_search_plan plan;
    size_t found;
    /* A tuning that believes a code costs the index a hundred times what it does, and needs few. */
    kin_index_tuning tuning = {0.99, 0.995, 40, 2, {150, 60}};
    kin_index_set_tunings(hnsw.index, &tuning, 1);
    roaring_bitmap_t *only = select_rows(OTHER_CLUSTERS, 0, 3);
    kin_members members = {.only = only};
    make_query(3, query);
    size_t exact_count = corpus_brute_force(&hnsw, query, &members, K, exact);
    assert_int_equal(ask(&hnsw, query, &members, K, "filtered index", NULL, hits, &found, &plan),
                     KIN_OK);
    assert_true(plan.fell_back);
    assert_int_equal(found, exact_count);
    assert_true(share_found(exact, exact_count, hits, found) == 1);
    roaring_bitmap_free(only);
    kin_index_set_tunings(hnsw.index, NULL, 0);
}

static bool stop_after(void *ctx)
{
    return --*(int *)ctx < 0;
}

static void test_a_search_ends_when_asked_to(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit hits[K];
    kin_search_plan plan;
    kin_error err = {0};
    size_t found;
    make_query(3, query);
    for (int patience = 0; patience < 2; patience++) {
        int left = patience;
        kin_ask asked = {.vector = query,
                         .k = K,
                         .recall = 1,
                         .member_count = COUNT,
                         .stop = {stop_after, &left}};
        assert_int_equal(kin_search_nearest(&hnsw.corpus, &asked, hits, &found, &plan, &err),
                         KIN_E_CANCELLED);
    }
}

static void test_what_cannot_be_asked_is_refused(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit hits[K];
    kin_search_plan plan;
    kin_error err = {0};
    size_t found;
    make_query(3, query);
    kin_ask good = {.vector = query, .k = K, .member_count = COUNT}, bad = good;
    bad.k = 0;
    assert_int_equal(kin_search_nearest(&hnsw.corpus, &bad, hits, &found, &plan, &err), KIN_E_ARG);
    for (size_t i = 0; i < 3; i++) {
        bad = good;
        bad.recall = (const double[]){-0.1, 1.1, NAN}[i];
        assert_int_equal(kin_search_nearest(&hnsw.corpus, &bad, hits, &found, &plan, &err),
                         KIN_E_ARG);
    }
    bad = good;
    bad.way = "guessing";
    assert_int_equal(kin_search_nearest(&hnsw.corpus, &bad, hits, &found, &plan, &err), KIN_E_ARG);
    query[DIM - 1] = NAN;
    assert_int_equal(kin_search_nearest(&hnsw.corpus, &good, hits, &found, &plan, &err), KIN_E_ARG);
}

static void test_many_queries_at_once_are_each_answered(void **state)
{
    (void)state;
    const kin_codec *codecs[] = {kin_codec_fp32, kin_codec_fp16, kin_codec_int8};
    enum { MANY = 70 };
    for (size_t c = 0; c < 3; c++)
        for (int filtered = 0; filtered < 2; filtered++) {
            struct corpus_fixture f;
            kin_error err = {0};
            corpus_make(&f, 3000, DIM, CLUSTERS, codecs[c], NULL, 0);
            float *queries = malloc(MANY * DIM * sizeof *queries);
            kin_hit *hits = malloc(MANY * K * sizeof *hits), exact[K];
            size_t found[MANY];
            roaring_bitmap_t *without = select_rows(RANDOM, 0.2, 0);
            kin_members members = {.without = filtered ? without : NULL};
            for (size_t q = 0; q < MANY; q++)
                make_query(q, queries + q * DIM);
            assert_int_equal(
                kin_search_batch(&f.corpus, queries, MANY, K, &members, hits, found, NULL, &err),
                KIN_OK);
            for (size_t q = 0; q < MANY; q++) {
                size_t count = corpus_brute_force(&f, queries + q * DIM, &members, K, exact);
                assert_int_equal(found[q], count);
                float slack = codecs[c] == kin_codec_int8 ? 0.02f : 2e-3f;
                for (size_t i = 0; i < count; i++)
                    assert_true(fabsf(hits[q * K + i].score - exact[i].score) < slack);
            }
            roaring_bitmap_free(without);
            free(queries);
            free(hits);
            corpus_free(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scans_are_exact_whoever_may_answer),
        cmocka_unit_test(test_the_index_finds_what_is_nearest_and_the_tail),
        cmocka_unit_test(test_a_filter_inside_the_index_costs_no_recall),
        cmocka_unit_test(test_widening_costs_no_recall),
        cmocka_unit_test(test_fewer_than_wanted_are_all),
        cmocka_unit_test(test_nobody_may_answer),
        cmocka_unit_test(test_those_left_out_never_answer),
        cmocka_unit_test(test_the_planner_takes_what_costs_least),
        cmocka_unit_test(test_an_index_that_gives_up_is_made_up_for),
        cmocka_unit_test(test_a_search_ends_when_asked_to),
        cmocka_unit_test(test_what_cannot_be_asked_is_refused),
        cmocka_unit_test(test_many_queries_at_once_are_each_answered),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
