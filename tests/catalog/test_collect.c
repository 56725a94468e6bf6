/* Ids into bitmaps: few and many, at the bounds of containers, and ids that cannot be. */
#include "catalog/collect.h"

#include "samples.h"

enum { CONTAINER = 1 << 16, IDS_MAX = 3 * CONTAINER, PIECE = 1000 };

static uint32_t ids[IDS_MAX];

/* Collects the ids in two passes of sorted pieces, as two values with interleaved ids come, and
 * compares with what CRoaring makes of them. */
static void check_collected(size_t count, uint64_t rows)
{
    kin_collector collector;
    roaring_bitmap_t *collected, *expected = roaring_bitmap_of_ptr(count, ids);
    assert_ok(kin_collector_begin(&collector, rows, NULL));
    for (int odd = 0; odd < 2; odd++) {
        uint32_t piece[PIECE];
        size_t used = 0;
        for (size_t i = (size_t)odd; i < count; i += 2) {
            piece[used++] = ids[i];
            if (used == PIECE || i + 2 >= count) {
                assert_ok(kin_collect(&collector, piece, used));
                used = 0;
            }
        }
    }
    assert_ok(kin_collector_finish(&collector, &collected));
    assert_true(roaring_bitmap_equals(collected, expected));
    assert_int_equal(roaring_bitmap_get_cardinality(collected), count);
    roaring_bitmap_free(collected);
    roaring_bitmap_free(expected);
}

/* Every step-th id below rows, from `first` on. */
static size_t fill(uint32_t first, uint64_t rows, uint32_t step)
{
    size_t count = 0;
    for (uint64_t id = first; id < rows; id += step)
        ids[count++] = (uint32_t)id;
    return count;
}

static void test_densities(void **state)
{
    static const uint64_t rows[] = {1,      63, 64, 65, CONTAINER - 1, CONTAINER, CONTAINER + 1,
                                    IDS_MAX};
    /* 16: as many ids in a container as an array holds. */
    static const uint32_t steps[] = {1, 2, 15, 16, 17, 63, 64, 65, 5000, CONTAINER};
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++)
            for (uint32_t first = 0; first < 3; first++)
                check_collected(fill(first, rows[r], steps[s]), rows[r]);
}

static void test_random(void **state)
{
    rng random = {71};
    (void)state;
    for (int round = 0; round < 60; round++) {
        uint64_t rows = 1 + rng_below(&random, IDS_MAX);
        size_t count = 0;
        for (uint64_t id = 0; id < rows; id += 1 + rng_below(&random, 1u << rng_below(&random, 12)))
            ids[count++] = (uint32_t)id;
        check_collected(count, rows);
    }
}

static void test_ids_beyond_the_rows(void **state)
{
    static const uint32_t beyond[] = {1, 2, 100};
    kin_collector collector;
    kin_error err;
    (void)state;
    assert_ok(kin_collector_begin(&collector, 100, &err));
    assert_int_equal(kin_collect(&collector, beyond, 3), KIN_E_CORRUPT);
    kin_collector_abandon(&collector);
    assert_ok(kin_collector_begin(&collector, 0, &err));
    assert_int_equal(kin_collect(&collector, beyond, 1), KIN_E_CORRUPT);
    kin_collector_abandon(&collector);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_densities),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_ids_beyond_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
