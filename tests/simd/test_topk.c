/* The bounded heap against a full sort, for many sizes, with ties and NaN. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "simd/topk.h"

enum { OFFERED_MAX = 200 };

static int compare(const void *a, const void *b)
{
    kin_hit x = *(const kin_hit *)a, y = *(const kin_hit *)b;
    return kin_hit_better(x, y) ? -1 : kin_hit_better(y, x);
}

static void test_equals_full_sort(void **unused)
{
    (void)unused;
    uint64_t random = 1;
    for (size_t offered = 0; offered <= OFFERED_MAX; offered += 7)
        for (size_t k = 0; k <= offered + 3; k++) {
            kin_hit all[OFFERED_MAX], kept[OFFERED_MAX + 4];
            kin_topk top = {.hits = kept, .capacity = k};
            for (size_t i = 0; i < offered; i++) {
                /* few distinct scores: many ties; ids in no order */
                all[i] = (kin_hit){.id = (i * 7919) % 10007,
                                   .score = (float)(random_bits(&random) % 16) - 8.0f};
                kin_topk_offer(&top, all[i].id, all[i].score);
            }
            kin_topk_sort(&top);
            qsort(all, offered, sizeof *all, compare);
            size_t expected = k < offered ? k : offered;
            assert_int_equal(top.count, expected);
            for (size_t i = 0; i < expected; i++) {
                assert_int_equal(top.hits[i].id, all[i].id);
                assert_true(top.hits[i].score == all[i].score);
            }
        }
}

static void test_nan_is_never_kept(void **unused)
{
    (void)unused;
    kin_hit kept[4];
    kin_topk top = {.hits = kept, .capacity = 4};
    kin_topk_offer(&top, 1, NAN);
    kin_topk_offer(&top, 2, -INFINITY);
    kin_topk_offer(&top, 3, NAN);
    kin_topk_offer(&top, 4, INFINITY);
    kin_topk_offer(&top, 5, -NAN);
    kin_topk_sort(&top);
    assert_int_equal(top.count, 2);
    assert_int_equal(kept[0].id, 4);
    assert_int_equal(kept[1].id, 2);
}

static void assert_same(const kin_topk *a, const kin_topk *b)
{
    assert_int_equal(a->count, b->count);
    assert_true(kin_topk_bar(a) == kin_topk_bar(b));
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->hits[i].id, b->hits[i].id);
        assert_true(a->hits[i].score == b->hits[i].score);
    }
}

enum { SCORES = 1000 };

/* Few distinct scores, or many; one in sixteen is NaN, and a few are infinite. */
static void fill_scores(uint64_t *random, float *scores, unsigned distinct)
{
    for (size_t i = 0; i < SCORES; i++) {
        uint64_t bits = random_bits(random);
        scores[i] = (float)((bits >> 8) % distinct);
        if (bits % 16 == 0)
            scores[i] = NAN;
        else if (bits % 64 == 1)
            scores[i] = (bits >> 6 & 1) != 0 ? INFINITY : -INFINITY;
    }
}

/* Runs of all lengths, in and out of the order of their ids, one by one and as runs. */
static void test_runs_equal_single_offers(void **unused)
{
    (void)unused;
    static const unsigned distinct[] = {1, 3, 100, 1000000};
    static const size_t capacities[] = {0, 1, 2, 10, 100, SCORES + 5};
    uint64_t random = 7;
    for (size_t d = 0; d < 4; d++)
        for (size_t c = 0; c < 6; c++)
            for (size_t round = 0; round < 40; round++) {
                static float scores[SCORES];
                static kin_hit one_hits[SCORES + 5], run_hits[SCORES + 5];
                kin_topk one = {.hits = one_hits, .capacity = capacities[c]};
                kin_topk run = {.hits = run_hits, .capacity = capacities[c]};
                fill_scores(&random, scores, distinct[d]);
                size_t turn = random_bits(&random) % SCORES; /* later ids may come first */
                for (size_t done = 0; done < SCORES;) {
                    size_t from = (done + turn) % SCORES, n = 1 + random_bits(&random) % 300;
                    n = n > SCORES - from ? SCORES - from : n;
                    n = n > SCORES - done ? SCORES - done : n;
                    kin_topk_offer_run(&run, 5000 + from, scores + from, n);
                    for (size_t i = from; i < from + n; i++)
                        kin_topk_offer(&one, 5000 + i, scores[i]);
                    assert_same(&run, &one);
                    done += n;
                }
                kin_topk_offer_run(&run, 0, NULL, 0);
                kin_topk_sort(&run);
                kin_topk_sort(&one);
                assert_same(&run, &one);
            }
}

static void test_bar(void **unused)
{
    (void)unused;
    kin_hit kept[2];
    kin_topk top = {.hits = kept, .capacity = 2}, none = {.hits = kept, .capacity = 0};
    assert_true(kin_topk_bar(&none) == INFINITY);
    assert_true(kin_topk_bar(&top) == -INFINITY);
    kin_topk_offer(&top, 1, 5.0f);
    assert_true(kin_topk_bar(&top) == -INFINITY);
    kin_topk_offer(&top, 2, 3.0f);
    assert_true(kin_topk_bar(&top) == 3.0f);
    kin_topk_offer(&top, 3, 4.0f);
    assert_true(kin_topk_bar(&top) == 4.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_full_sort),
        cmocka_unit_test(test_nan_is_never_kept),
        cmocka_unit_test(test_runs_equal_single_offers),
        cmocka_unit_test(test_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
