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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_full_sort),
        cmocka_unit_test(test_nan_is_never_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
