/* The indexes of others answer as they should behind our interface: else comparing with them would
 * be unfair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

enum { COUNT = 4000, K = 10 };

static bench_set set;
static bench_truth truth;
static uint8_t odd[COUNT / 8];

static double recall_of(const peer *index, const uint8_t *allowed, bench_may_fn may)
{
    uint64_t ids[K];
    size_t found;
    double sum = 0;
    for (size_t q = 0; q < set.query_count; q++) {
        assert_int_equal(
            peer_search(index, set.queries + q * set.dim, K, allowed, ids, &found, NULL), KIN_OK);
        sum += bench_recall(&set, &truth, q, ids, found, may, NULL);
    }
    return sum / (double)set.query_count;
}

static void test_hnswlib(void **unused)
{
    (void)unused;
    peer *index;
    if (!peer_has_hnswlib()) {
        print_message("skipped: built without hnswlib\n");
        skip();
    }
    assert_int_equal(peer_hnswlib_new(&set, 16, 200, 2, &index, NULL), KIN_OK);
    peer_set(index, 10, 0);
    double narrow = recall_of(index, NULL, NULL);
    peer_set(index, 300, 0);
    double wide = recall_of(index, NULL, NULL);
    assert_true(wide > 0.99 && wide >= narrow);
    /* Vectors, 33 links of the lowest level with their count, a label; and a little more. */
    size_t least = COUNT * (set.dim * 4 + 33 * 4 + 8);
    assert_in_range(peer_bytes(index), least, least * 5 / 4);
    peer_free(index);
}

static void test_faiss(void **unused)
{
    (void)unused;
    static const struct {
        const char *factory;
        size_t width, candidates;
        double recall;
    } cases[] = {{"Flat", 0, 0, 1},
                 {"HNSW32", 300, 0, 0.99},
                 {"IVF64,Flat", 64, 0, 1},
                 {"IVF64,PQ16x4fs,RFlat", 64, 400, 0.99}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        peer *index;
        assert_int_equal(peer_faiss_new(&set, cases[i].factory, 200, 2, &index, NULL), KIN_OK);
        peer_set(index, cases[i].width, cases[i].candidates);
        assert_true(recall_of(index, NULL, NULL) >= cases[i].recall);
        assert_true(peer_bytes(index) >= COUNT * set.dim * sizeof(float));
        peer_free(index);
    }
    peer *index;
    assert_int_equal(peer_faiss_new(&set, "no such index", 200, 2, &index, NULL), KIN_E_INTERNAL);
    assert_null(index);
}

static bool is_odd(void *ctx, size_t query, size_t row)
{
    (void)ctx;
    (void)query;
    return row % 2 == 1;
}

static void test_filters(void **unused)
{
    (void)unused;
    peer *index;
    uint64_t ids[K];
    size_t found;
    memset(odd, 0xAA, sizeof odd);
    bench_truth_release(&truth);
    assert_int_equal(bench_truth_find(&set, K, is_odd, NULL, 1, &truth, NULL), KIN_OK);
    assert_int_equal(peer_faiss_new(&set, "IVF64,Flat", 200, 1, &index, NULL), KIN_OK);
    peer_set(index, 64, 0);
    assert_true(recall_of(index, odd, is_odd) == 1);
    peer_free(index);
    assert_int_equal(peer_faiss_new(&set, "IVF64,PQ16x4fs,RFlat", 200, 1, &index, NULL), KIN_OK);
    assert_int_equal(peer_search(index, set.queries, K, odd, ids, &found, NULL), KIN_E_UNSUPPORTED);
    peer_free(index);
}

static int set_up(void **unused)
{
    (void)unused;
    const bench_set_options options = {
        .synthetic = "4000,32,manifold", .seed = 1, .query_count = 100};
    if (bench_set_open(&options, &set, NULL) != KIN_OK)
        return -1;
    return bench_truth_find(&set, K, NULL, NULL, 1, &truth, NULL) == KIN_OK ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    bench_truth_release(&truth);
    bench_set_close(&set);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hnswlib),
        cmocka_unit_test(test_faiss),
        cmocka_unit_test(test_filters),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
