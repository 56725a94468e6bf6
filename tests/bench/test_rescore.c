/* Rankings changed after the fact, on vectors whose right order is known. */
#include "rescore.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "neighbours.h"
#include "random.h"

enum { DIM = 16, MOST = 128 };

static float database[MOST][DIM], query[DIM];
static unsigned char left_out[MOST];
static float scores[MOST];

static float dot(const float *a, const float *b)
{
    float sum = 0;
    for (int d = 0; d < DIM; d++)
        sum += a[d] * b[d];
    return sum;
}

static void unit(float *vector)
{
    float length = sqrtf(dot(vector, vector));
    for (int d = 0; d < DIM; d++)
        vector[d] /= length;
}

/* One query and `count` images. */
static void rescore(kin_eval_rescore *by, size_t count)
{
    kin_error err;
    kin_eval_scores all = {.queries = 1,
                           .database = count,
                           .dim = DIM,
                           .query_vectors = query,
                           .database_vectors = database[0],
                           .left_out = left_out,
                           .scores = scores,
                           .threads = 1};
    for (size_t i = 0; i < count; i++)
        scores[i] = dot(query, database[i]);
    assert_int_equal(by(NULL, &all, &err), KIN_OK);
}

static int set_up(void **state)
{
    (void)state;
    memset(database, 0, sizeof database);
    memset(query, 0, sizeof query);
    memset(left_out, 0, sizeof left_out);
    return 0;
}

static void make_random(size_t count, uint64_t seed)
{
    for (int d = 0; d < DIM; d++)
        query[d] = random_unit(&seed);
    unit(query);
    for (size_t i = 0; i < count; i++) {
        for (int d = 0; d < DIM; d++)
            database[i][d] = random_unit(&seed) - 0.2f;
        unit(database[i]);
    }
}

/* The definition, naively: the ten best by repeated search. */
static void test_expansion_by_definition(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    float wanted[DIM];
    bool taken[COUNT] = {false};
    make_random(COUNT, 5);
    left_out[17] = left_out[23] = 1;
    memcpy(wanted, query, sizeof wanted);
    for (int n = 0; n < 10; n++) {
        int best = -1;
        for (int i = 0; i < COUNT; i++)
            if (!taken[i] && !left_out[i] &&
                (best < 0 || dot(query, database[i]) > dot(query, database[best])))
                best = i;
        taken[best] = true;
        for (int d = 0; d < DIM; d++)
            wanted[d] += powf(dot(query, database[best]), 3) * database[best][d];
    }
    rescore(bench_rescore_expansion, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_true(fabsf(scores[i] - dot(wanted, database[i])) < 1e-5f);
}

static void on_circle(float *vector, double degrees, int other_axis, double tilt)
{
    vector[0] = (float)(cos(degrees * M_PI / 180) * cos(tilt * M_PI / 180));
    vector[1] = (float)(sin(degrees * M_PI / 180) * cos(tilt * M_PI / 180));
    vector[other_axis] = (float)sin(tilt * M_PI / 180);
}

/* A chain of images from the query on, each like the next, and a clump that is more like the query
 * than the chain's far end is, but like nothing of the chain. */
static void test_diffusion_follows_the_chain(void **state)
{
    (void)state;
    enum { CHAIN = 50, CLUMP = 30 };
    on_circle(query, 0, 2, 0);
    for (int i = 0; i < CHAIN; i++)
        on_circle(database[i], 2 * (i + 1), 2, 0); /* up to 100 degrees */
    for (int i = 0; i < CLUMP; i++) {
        on_circle(database[CHAIN + i], 0, 2, 60);
        database[CHAIN + i][3 + i % 8] = 0.05f * (float)(1 + i / 8);
        unit(database[CHAIN + i]);
    }
    assert_true(dot(query, database[CHAIN]) > dot(query, database[CHAIN - 1]));
    rescore(bench_rescore_diffusion, CHAIN + CLUMP);
    for (int i = 0; i < CHAIN; i++)
        for (int c = 0; c < CLUMP; c++)
            assert_true(scores[i] > scores[CHAIN + c]);
}

/* Images around the query, each as like it as it can be, and one a little more like it that has a
 * crowd of its own: the query finds that one, but it does not find the query. */
static void test_reciprocal_neighbours_find_each_other(void **state)
{
    (void)state;
    enum { AROUND = 14, CROWD = 40 };
    query[0] = 1;
    for (int i = 0; i < AROUND; i++) {
        database[i][0] = 0.8f;
        database[i][1 + i] = 0.6f;
    }
    for (int i = 0; i < CROWD; i++) {
        float *one = database[AROUND + i];
        one[0] = i == 0 ? 0.85f : 0.75f;
        one[15] = sqrtf(1 - one[0] * one[0]);
        one[1 + i % 14] = 0.002f * (float)(1 + i / 14);
        unit(one);
    }
    assert_true(dot(query, database[AROUND]) > dot(query, database[0]));
    rescore(bench_rescore_reciprocal, AROUND + CROWD);
    for (int i = 0; i < AROUND; i++)
        assert_true(scores[i] > scores[AROUND]);
}

static void test_the_best_and_their_neighbours(void **state)
{
    (void)state;
    enum { COUNT = 40, K = 7 };
    static bench_neighbour found[COUNT * K];
    bench_neighbour best[K];
    kin_error err;
    const float few[] = {0.3f, 0.9f, 0.1f, 0.9f, 0.5f};
    const unsigned char skip[] = {0, 1, 0, 0, 0};
    assert_int_equal(bench_best(few, skip, 4, 5, K, best), 3);
    assert_int_equal(best[0].image, 3);
    assert_int_equal(best[1].image, 0);
    assert_int_equal(best[2].image, 2);

    make_random(COUNT, 9);
    assert_int_equal(bench_neighbours_find(database[0], COUNT, DIM, K, 2, found, &err), KIN_OK);
    for (size_t i = 0; i < COUNT; i++) {
        int nearer = 0;
        for (size_t j = 0; j < COUNT; j++)
            nearer += j != i && dot(database[i], database[j]) > found[i * K + K - 1].score + 1e-6f;
        assert_true(nearer <= K - 1);
        for (size_t n = 0; n < K; n++)
            assert_int_not_equal(found[i * K + n].image, i);
    }
    /* Three images have two neighbours each. */
    assert_int_equal(bench_neighbours_find(database[0], 3, DIM, K, 1, found, &err), KIN_OK);
    assert_int_equal(found[2].image, 0);
    assert_true(found[2].score < 0);
}

/* Fewer images than neighbours are wanted, one, and none. */
static void test_small_databases(void **state)
{
    (void)state;
    kin_eval_rescore *const all[] = {bench_rescore_expansion, bench_rescore_reciprocal,
                                     bench_rescore_diffusion};
    make_random(3, 4);
    for (size_t r = 0; r < 3; r++) {
        for (size_t count = 0; count <= 3; count++) {
            rescore(all[r], count);
            for (size_t i = 0; i < count; i++)
                assert_true(isfinite(scores[i]));
        }
        left_out[0] = 1; /* all that there is is left out */
        rescore(all[r], 1);
        assert_true(isfinite(scores[0]));
        left_out[0] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_expansion_by_definition, set_up),
        cmocka_unit_test_setup(test_diffusion_follows_the_chain, set_up),
        cmocka_unit_test_setup(test_reciprocal_neighbours_find_each_other, set_up),
        cmocka_unit_test_setup(test_the_best_and_their_neighbours, set_up),
        cmocka_unit_test_setup(test_small_databases, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
