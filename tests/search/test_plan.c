/* The planner's choices, with made-up costs and tunings, and what happens when a choice fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "corpus_support.h"

enum { COUNT = 6000, DIM = 16, CLUSTERS = 20, K = 10 };

/* What the tests believe of the machine and of the index: round numbers, so that what is cheapest can
 * be worked out by heart.  An unfiltered search takes 100 microseconds, a scan of all rows 6000, of all
 * codes 600. */
static const kin_costs made_up = {.scan_row = 1000,
                                  .scatter_row = 2000,
                                  .scan_code = 100,
                                  .scatter_code = 200,
                                  .beam_code = 100,
                                  .member = 1,
                                  .next_member = 1,
                                  .keep = 1,
                                  .thread = 1e9,
                                  .threads = 2};
static const kin_index_tuning tunings[] = {{0.9, 0.92, 50, 500, {60, 40}},
                                           {0.99, 0.993, 100, 1000, {120, 60}}};

static struct corpus_fixture corpus;

static int set_up(void **state)
{
    (void)state;
    corpus_make(&corpus, COUNT, DIM, CLUSTERS, kin_codec_fp32, "hnsw", COUNT);
    corpus.costs = made_up;
    kin_index_set_tunings(corpus.index, tunings, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_free(&corpus);
    return 0;
}

struct answer {
    kin_status status;
    kin_search_plan plan;
    kin_hit hits[400];
    size_t found;
};

static void make_query(size_t number, float *out)
{
    uint64_t state = 31 + number;
    corpus_vector(number, 0.8f, DIM, &state, out);
}

static struct answer ask(kin_members members, kin_ask asked)
{
    struct answer answer;
    float query[DIM];
    kin_error err = {0};
    make_query(3, query);
    asked.vector = query;
    asked.members = members;
    asked.k = asked.k > 0 ? asked.k : K;
    asked.member_count = kin_members_count(&members, 0, corpus.count);
    answer.status =
        kin_search_nearest(&corpus.corpus, &asked, answer.hits, &answer.found, &answer.plan, &err);
    return answer;
}

/* Every n-th row, from the first on. */
static roaring_bitmap_t *every(uint32_t n)
{
    return roaring_bitmap_from_range(0, COUNT, n);
}

static double estimate_of(const kin_search_plan *plan, const char *way)
{
    for (size_t i = 0; i < plan->considered_count; i++)
        if (strcmp(plan->considered[i].way, way) == 0)
            return plan->considered[i].microseconds;
    fail_msg("%s was not considered", way);
    return 0;
}

static void assert_near(double is, double should)
{
    if (fabs(is - should) > 0.15 * should)
        fail_msg("%g is not about %g", is, should);
}

static void test_estimates_are_what_the_costs_make_of_it(void **state)
{
    (void)state;
    kin_search_plan all = ask((kin_members){0}, (kin_ask){0}).plan;
    assert_int_equal(all.considered_count, KIN_PLAN_WAYS);
    assert_near(estimate_of(&all, "scan"), 6000);
    assert_near(estimate_of(&all, "two-stage scan"), 600 + 128); /* with 64 rows apart */
    assert_near(estimate_of(&all, "index"), 100);
    assert_true(estimate_of(&all, "filtered index") < 0);
    assert_true(estimate_of(&all, "widening") < 0);
    roaring_bitmap_t *fourth = every(4), *few = every(1000);
    kin_search_plan some = ask((kin_members){.only = fourth}, (kin_ask){0}).plan;
    assert_near(estimate_of(&some, "scan"), 3000); /* 1500 rows apart */
    assert_near(estimate_of(&some, "two-stage scan"), 300 + 128);
    assert_true(estimate_of(&some, "index") < 0);
    assert_near(estimate_of(&some, "filtered index"), 400);
    assert_true(estimate_of(&some, "widening") > estimate_of(&some, "filtered index"));
    some = ask((kin_members){.only = few}, (kin_ask){0}).plan;
    assert_near(estimate_of(&some, "scan"), 12);
    assert_true(estimate_of(&some, "filtered index") < 0); /* too far apart for a beam */
    roaring_bitmap_free(fourth);
    roaring_bitmap_free(few);
}

/* As members grow rarer the choice goes from the index to a scan of codes to one of rows, and never
 * back. */
static void test_rarer_members_are_scanned(void **state)
{
    (void)state;
    static const char *const order[] = {"filtered index", "two-stage scan", "scan"};
    size_t at = 0, seen = 1;
    for (uint32_t n = 2; n < 1000; n += n / 4 + 1) {
        roaring_bitmap_t *members = every(n), *gone = roaring_bitmap_flip(members, 0, COUNT);
        struct answer answer = ask((kin_members){.only = members}, (kin_ask){0});
        assert_int_equal(answer.status, KIN_OK);
        while (at < 3 && strcmp(answer.plan.way, order[at]) != 0) {
            at++;
            seen++;
        }
        assert_true(at < 3);
        /* It is the same who may answer and who may not. */
        assert_string_equal(ask((kin_members){.without = gone}, (kin_ask){0}).plan.way, order[at]);
        roaring_bitmap_free(gone);
        roaring_bitmap_free(members);
    }
    assert_int_equal(seen, 3);
}

static void test_what_a_step_costs_decides(void **state)
{
    (void)state;
    roaring_bitmap_t *members = every(7);
    kin_members some = {.only = members};
    assert_string_equal(ask(some, (kin_ask){0}).plan.way, "two-stage scan");
    corpus.costs.scan_code *= 10; /* a slow memory */
    corpus.costs.scatter_code *= 10;
    assert_string_equal(ask(some, (kin_ask){0}).plan.way, "filtered index");
    corpus.costs.member = 500; /* bitmaps that are slow to ask */
    assert_string_equal(ask(some, (kin_ask){0}).plan.way, "widening");
    corpus.costs = made_up;
    roaring_bitmap_free(members);
}

/* One in twenty is a member: the query's own kind, or another. */
static void test_who_lies_around_the_query_decides(void **state)
{
    (void)state;
    corpus.costs.scan_code *= 20;
    corpus.costs.scatter_code *= 20;
    corpus.costs.scan_row *= 20;
    corpus.costs.scatter_row *= 20;
    for (uint32_t cluster = 3; cluster < 5; cluster++) {
        roaring_bitmap_t *members = roaring_bitmap_from_range(cluster, COUNT, CLUSTERS);
        struct answer answer = ask((kin_members){.only = members}, (kin_ask){0});
        struct answer exact = ask((kin_members){.only = members}, (kin_ask){.recall = 1});
        assert_string_equal(answer.plan.way, cluster == 3 ? "filtered index" : "two-stage scan");
        assert_true(answer.plan.estimated_microseconds > 100); /* the look counts */
        assert_false(answer.plan.fell_back);
        for (size_t i = 0; i < K; i++)
            assert_int_equal(answer.hits[i].id, exact.hits[i].id);
        roaring_bitmap_free(members);
    }
    corpus.costs = made_up;
}

static void test_the_recall_asked_for_decides(void **state)
{
    (void)state;
    struct {
        double recall;
        const char *way;
        uint32_t width;
        double expected;
    } cases[] = {{0.5, "index", 60, 0.92},         {0.9, "index", 60, 0.92},
                 {0.91, "index", 120, 0.993},      {0, "index", 120, 0.993}, /* the default */
                 {0.99, "index", 120, 0.993},      {0.995, "two-stage scan", 0, 1},
                 {0.9999, "two-stage scan", 0, 1}, {1, "scan", 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct answer answer = ask((kin_members){0}, (kin_ask){.recall = cases[i].recall});
        assert_int_equal(answer.status, KIN_OK);
        assert_string_equal(answer.plan.way, cases[i].way);
        assert_int_equal(answer.plan.setting.width, cases[i].width);
        assert_true(answer.plan.expected_recall == cases[i].expected);
        assert_true(answer.plan.recall == (cases[i].recall > 0 ? cases[i].recall : 0.99));
        assert_int_equal(answer.plan.exact, cases[i].recall == 1);
    }
}

static void test_more_hits_take_a_wider_beam(void **state)
{
    (void)state;
    kin_search_plan ten = ask((kin_members){0}, (kin_ask){0}).plan;
    kin_search_plan forty = ask((kin_members){0}, (kin_ask){.k = 40}).plan;
    assert_string_equal(forty.way, "index");
    assert_true(forty.setting.width > 2 * ten.setting.width);
    assert_true(forty.setting.width < 4 * ten.setting.width);
    assert_true(forty.setting.candidates >= 40);
    assert_true(forty.estimated_microseconds > ten.estimated_microseconds);
    assert_string_equal(ask((kin_members){0}, (kin_ask){.k = 400}).plan.way, "index");
}

/* The query itself, or what was deleted since: no reason for a filter. */
static void test_few_left_out_are_taken_from_the_answer(void **state)
{
    (void)state;
    struct answer all = ask((kin_members){0}, (kin_ask){0});
    roaring_bitmap_t *few = roaring_bitmap_create();
    for (size_t i = 0; i < 5; i++)
        roaring_bitmap_add(few, (uint32_t)all.hits[i].id);
    struct answer rest = ask((kin_members){.without = few}, (kin_ask){0});
    assert_string_equal(rest.plan.way, "index");
    assert_int_equal(rest.plan.setting.width, all.plan.setting.width + 5);
    assert_int_equal(rest.plan.setting.candidates, all.plan.setting.candidates + 5);
    assert_int_equal(rest.found, K);
    for (size_t i = 0; i + 5 < K; i++)
        assert_int_equal(rest.hits[i].id, all.hits[i + 5].id);
    roaring_bitmap_free(few);
}

static void test_a_way_can_be_forced_where_there_is_one(void **state)
{
    (void)state;
    roaring_bitmap_t *half = every(2);
    for (size_t way = 0; kin_way_name(way) != NULL; way++) {
        bool filter = way == 3 || way == 4;
        struct answer all = ask((kin_members){0}, (kin_ask){.way = kin_way_name(way)});
        struct answer some = ask((kin_members){.only = half}, (kin_ask){.way = kin_way_name(way)});
        assert_int_equal(all.status, filter ? KIN_E_ARG : KIN_OK);
        assert_int_equal(some.status, way == 2 ? KIN_E_ARG : KIN_OK);
        if (all.status == KIN_OK)
            assert_string_equal(all.plan.way, kin_way_name(way));
        if (some.status == KIN_OK)
            assert_string_equal(some.plan.way, kin_way_name(way));
    }
    assert_int_equal(ask((kin_members){0}, (kin_ask){.way = "index", .recall = 1}).status,
                     KIN_E_ARG);
    roaring_bitmap_free(half);
}

/* An index that was extended keeps what has gone as a stepping stone: no answer, and no filter. */
static void test_what_has_gone_from_an_extended_index_is_no_answer(void **state)
{
    (void)state;
    roaring_bitmap_t *live = roaring_bitmap_from_range(0, COUNT, 1), *dead;
    struct answer before = ask((kin_members){0}, (kin_ask){0});
    roaring_bitmap_remove(live, (uint32_t)before.hits[0].id);
    for (uint32_t r = 7; r < COUNT; r += 11)
        roaring_bitmap_remove(live, r);
    dead = roaring_bitmap_flip(live, 0, COUNT);
    kin_index *previous = corpus.index;
    corpus.index = NULL;
    corpus_index(&corpus, "hnsw", COUNT, live, previous);
    kin_index_set_tunings(corpus.index, tunings, 2);
    assert_int_equal(kin_index_gone(corpus.index), roaring_bitmap_get_cardinality(dead));
    struct answer after = ask((kin_members){.without = dead}, (kin_ask){0});
    assert_string_equal(after.plan.way, "index");
    assert_int_equal(after.found, K);
    float query[DIM];
    kin_hit exact[K];
    make_query(3, query);
    corpus_brute_force(&corpus, query, &(kin_members){.only = live}, K, exact);
    for (size_t i = 0; i < K; i++) {
        assert_true(roaring_bitmap_contains(live, (uint32_t)after.hits[i].id));
        assert_true(fabsf(after.hits[i].score - exact[i].score) < 1e-5f);
    }
    kin_index_free(previous);
    roaring_bitmap_free(live);
    roaring_bitmap_free(dead);
}

/* Nobody is near the query: a search that filters afterwards finds too few, and goes on inside. */
static void test_a_widening_that_fails_is_made_up_for(void **state)
{
    (void)state;
    roaring_bitmap_t *far = roaring_bitmap_create();
    kin_hit exact[K], nearest[COUNT / 2];
    float query[DIM];
    make_query(3, query);
    corpus_brute_force(&corpus, query, &(kin_members){0}, COUNT / 2, nearest);
    roaring_bitmap_add_range(far, 0, COUNT);
    for (size_t i = 0; i < COUNT / 2; i++)
        roaring_bitmap_remove(far, (uint32_t)nearest[i].id);
    kin_members members = {.only = far};
    size_t count = corpus_brute_force(&corpus, query, &members, K, exact);
    static const char *const ways[] = {"widening", "filtered index"};
    for (size_t w = 0; w < 2; w++) {
        struct answer answer = ask(members, (kin_ask){.way = ways[w]});
        assert_int_equal(answer.status, KIN_OK);
        assert_string_equal(answer.plan.way, ways[w]);
        assert_true(answer.plan.fell_back || w == 1);
        assert_int_equal(answer.found, count);
        for (size_t i = 0; i < count; i++)
            assert_true(fabsf(answer.hits[i].score - exact[i].score) < 1e-5f);
    }
    roaring_bitmap_free(far);
}

/* A beam that may do little work gives up, and a scan answers: all that was compared is bounded. */
static void test_the_budget_is_what_a_scan_would_take(void **state)
{
    (void)state;
    roaring_bitmap_t *half = every(2);
    kin_members members = {.only = half};
    /* The index believes itself very fast, at far too narrow a beam's price. */
    kin_index_tuning boast = {0.99, 0.99, 0.01, 1, {120, 60}};
    kin_index_set_tunings(corpus.index, &boast, 1);
    corpus.costs.scan_code = corpus.costs.scatter_code = 0.001;
    corpus.costs.scan_row = corpus.costs.scatter_row = 0.01;
    corpus.costs.next_member = 0.001;
    corpus.costs.keep = 0.001;
    float query[DIM];
    kin_hit exact[K];
    make_query(3, query);
    size_t count = corpus_brute_force(&corpus, query, &members, K, exact);
    struct answer answer = ask(members, (kin_ask){.way = "filtered index"});
    assert_int_equal(answer.status, KIN_OK);
    assert_true(answer.plan.fell_back);
    assert_true(answer.plan.scored < 2 * COUNT);
    assert_int_equal(answer.found, count);
    for (size_t i = 0; i < count; i++)
        assert_true(fabsf(answer.hits[i].score - exact[i].score) < 1e-5f);
    corpus.costs = made_up;
    kin_index_set_tunings(corpus.index, tunings, 2);
    roaring_bitmap_free(half);
}

/* No index, one of nothing, one that is all tail. */
static void test_an_index_may_be_missing_or_empty(void **state)
{
    (void)state;
    kin_index *index = corpus.index;
    corpus.corpus.index = NULL;
    corpus.corpus.index_rows = 0;
    struct answer answer = ask((kin_members){0}, (kin_ask){0});
    assert_int_equal(answer.status, KIN_OK);
    assert_string_equal(answer.plan.way, "scan");
    assert_int_equal(answer.plan.tail, COUNT);
    assert_int_equal(ask((kin_members){0}, (kin_ask){.way = "two-stage scan"}).status, KIN_E_ARG);
    corpus.index = NULL;
    roaring_bitmap_t *nothing = roaring_bitmap_create();
    corpus_index(&corpus, "flat", 0, nothing, NULL);
    answer = ask((kin_members){0}, (kin_ask){0});
    assert_int_equal(answer.status, KIN_OK);
    assert_string_equal(answer.plan.way, "scan");
    assert_int_equal(answer.found, K);
    roaring_bitmap_free(nothing);
    kin_index_free(corpus.index);
    corpus.index = index;
    corpus.corpus.index = index;
    corpus.corpus.index_rows = COUNT;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimates_are_what_the_costs_make_of_it),
        cmocka_unit_test(test_rarer_members_are_scanned),
        cmocka_unit_test(test_what_a_step_costs_decides),
        cmocka_unit_test(test_who_lies_around_the_query_decides),
        cmocka_unit_test(test_the_recall_asked_for_decides),
        cmocka_unit_test(test_more_hits_take_a_wider_beam),
        cmocka_unit_test(test_few_left_out_are_taken_from_the_answer),
        cmocka_unit_test(test_a_way_can_be_forced_where_there_is_one),
        cmocka_unit_test(test_a_widening_that_fails_is_made_up_for),
        cmocka_unit_test(test_the_budget_is_what_a_scan_would_take),
        cmocka_unit_test(test_an_index_may_be_missing_or_empty),
        cmocka_unit_test(test_what_has_gone_from_an_extended_index_is_no_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
