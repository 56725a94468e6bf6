/* Cohorts of each selectivity and relation: as many rows as asked for, of the right classes, drawn
 * evenly; classes of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cohort.h"
#include "row_classes.h"

enum { ROWS = 10000, CLASSES = 10 };

/* Class 0 has a tenth of the rows, and so on. */
static void make_classes(uint32_t classes[ROWS])
{
    for (uint32_t row = 0; row < ROWS; row++)
        classes[row] = row % CLASSES;
}

static size_t count_of_class(const bench_cohort *cohort, const uint32_t *classes, uint32_t of)
{
    size_t count = 0;
    for (size_t row = 0; row < ROWS; row++)
        count += bench_cohort_has(cohort, row) && classes[row] == of;
    return count;
}

static void draw(const uint32_t *classes, bench_relation relation, double share, uint64_t seed,
                 bench_cohort *out)
{
    assert_int_equal(bench_cohort_draw(classes, ROWS, 3, relation, share, seed, out, NULL), KIN_OK);
    assert_int_equal(out->count, roaring_bitmap_get_cardinality(out->members));
    for (uint32_t row = 0; row < ROWS; row++)
        assert_int_equal(bench_cohort_has(out, row), roaring_bitmap_contains(out->members, row));
}

static void test_sizes(void **unused)
{
    (void)unused;
    static const double shares[] = {0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 1};
    uint32_t classes[ROWS];
    bench_cohort cohort;
    make_classes(classes);
    for (bench_relation r = BENCH_AT_RANDOM; r <= BENCH_OTHER_CLASSES; r++)
        for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
            draw(classes, r, shares[i], 1, &cohort);
            size_t wanted = (size_t)(shares[i] * ROWS + 0.5), own;
            if (r == BENCH_OTHER_CLASSES && wanted > ROWS - ROWS / CLASSES)
                wanted = ROWS - ROWS / CLASSES;
            assert_int_equal(cohort.count, wanted);
            own = count_of_class(&cohort, classes, 3);
            if (r == BENCH_SAME_CLASS)
                assert_int_equal(own, wanted < ROWS / CLASSES ? wanted : ROWS / CLASSES);
            if (r == BENCH_OTHER_CLASSES)
                assert_int_equal(own, 0);
            bench_cohort_release(&cohort);
        }
    draw(classes, BENCH_AT_RANDOM, 1e-9, 1, &cohort); /* at least one */
    assert_int_equal(cohort.count, 1);
    bench_cohort_release(&cohort);
}

/* Each row is drawn as often as any other: over 400 draws of a tenth, every row's count is within
 * five standard deviations (6 each) of 40. */
static void test_evenly(void **unused)
{
    (void)unused;
    enum { DRAWS = 400 };
    uint16_t counts[ROWS] = {0};
    bench_cohort cohort;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        assert_int_equal(
            bench_cohort_draw(NULL, ROWS, 0, BENCH_AT_RANDOM, 0.1, seed, &cohort, NULL), KIN_OK);
        for (size_t row = 0; row < ROWS; row++)
            counts[row] += bench_cohort_has(&cohort, row);
        bench_cohort_release(&cohort);
    }
    for (size_t row = 0; row < ROWS; row++)
        assert_in_range(counts[row], 10, 70);
}

static void test_seeds(void **unused)
{
    (void)unused;
    bench_cohort a, b, c;
    draw(NULL, BENCH_AT_RANDOM, 0.1, 5, &a);
    draw(NULL, BENCH_AT_RANDOM, 0.1, 5, &b);
    draw(NULL, BENCH_AT_RANDOM, 0.1, 6, &c);
    assert_true(roaring_bitmap_equals(a.members, b.members));
    assert_false(roaring_bitmap_equals(a.members, c.members));
    bench_cohort_release(&a);
    bench_cohort_release(&b);
    bench_cohort_release(&c);
}

/* Without labels a row's class is the nearest of a few rows: each has members, and near rows share
 * one. */
static void test_classes_without_labels(void **unused)
{
    (void)unused;
    const bench_set_options options = {.synthetic = "3000,16,clustered", .query_count = 50};
    bench_set set;
    bench_classes classes;
    size_t members[BENCH_ANCHORS] = {0};
    assert_int_equal(bench_set_open(&options, &set, NULL), KIN_OK);
    assert_int_equal(bench_classes_find(&set, NULL, &classes, NULL), KIN_OK);
    assert_int_equal(classes.count, BENCH_ANCHORS);
    assert_false(classes.from_labels);
    for (size_t row = 0; row < set.count; row++) {
        assert_true(classes.rows[row] < classes.count);
        members[classes.rows[row]]++;
    }
    for (size_t a = 0; a < BENCH_ANCHORS; a++) {
        assert_true(members[a] > 0);
        assert_int_equal(classes.rows[a * set.count / BENCH_ANCHORS], a); /* nearest to itself */
    }
    for (size_t q = 0; q < set.query_count; q++)
        assert_true(classes.queries[q] < classes.count);
    bench_classes_release(&classes);
    bench_set_close(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_evenly),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_classes_without_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
