/* Scores of sets against sums written out, and the properties that they promise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "random.h"
#include "search/set_score.h"

enum { DIM = 24, QUERIES = 7, ROWS = 40 };

static void fill(float *values, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        values[i] = random_unit(&seed) - 0.5f;
}

static double dot(const float *a, const float *b)
{
    double sum = 0;
    for (int i = 0; i < DIM; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void test_against_plain_sums(void **state)
{
    (void)state;
    float queries[QUERIES * DIM], rows[ROWS * DIM];
    fill(queries, QUERIES * DIM, 3);
    fill(rows, ROWS * DIM, 11);
    for (size_t count = 1; count <= QUERIES; count++)
        for (size_t set = 1; set <= ROWS; set += 13) {
            double best[QUERIES], mean = 0;
            kin_set_scorer *scorer;
            kin_error err;
            assert_int_equal(kin_set_scorer_new(queries, count, DIM, &scorer, &err), KIN_OK);
            for (int again = 0; again < 2; again++) {
                kin_set_scorer_begin(scorer);
                for (size_t r = 0; r < set; r++) {
                    double nearest = -INFINITY;
                    for (size_t q = 0; q < count; q++)
                        nearest = fmax(nearest, dot(queries + q * DIM, rows + r * DIM));
                    float got = kin_set_scorer_add(scorer, rows + r * DIM);
                    assert_true(fabs((double)got - nearest) < 1e-5);
                }
                mean = 0;
                for (size_t q = 0; q < count; q++) {
                    best[q] = -INFINITY;
                    for (size_t r = 0; r < set; r++)
                        best[q] = fmax(best[q], dot(queries + q * DIM, rows + r * DIM));
                    mean += best[q] / (double)count;
                }
                qsort(best, count, sizeof *best, by_value);
                double median = (best[(count - 1) / 2] + best[count / 2]) / 2;
                /* Asking for one does not spoil the other. */
                assert_true(fabs((double)kin_set_scorer_score(scorer, KIN_SET_MEDIAN) - median) <
                            1e-5);
                assert_true(fabs((double)kin_set_scorer_score(scorer, KIN_SET_MEAN) - mean) < 1e-5);
                assert_true(fabs((double)kin_set_scorer_score(scorer, KIN_SET_MEDIAN) - median) <
                            1e-5);
            }
            kin_set_scorer_free(scorer);
        }
}

static void test_an_empty_query(void **state)
{
    (void)state;
    kin_set_scorer *scorer;
    kin_error err;
    assert_int_equal(kin_set_scorer_new(NULL, 0, DIM, &scorer, &err), KIN_E_ARG);
    assert_null(scorer);
    kin_set_scorer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_plain_sums),
        cmocka_unit_test(test_an_empty_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
