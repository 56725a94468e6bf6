/* What is measured is right: a set's rows come back out of the store, exact ways give the answers that
 * OpenBLAS gives, with conditions and deletions too, and the tables say so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filter_run.h"
#include "scan_batch.h"

enum { ROWS = 3000, QUERIES = 40, DIM = 24, K = 10 };

static bench_filter filter;

static void assert_done(kin_status status, const kin_error *err)
{
    if (status != KIN_OK)
        print_error("%s: %s\n", err->subject, err->message);
    assert_int_equal(status, KIN_OK);
}

static int set_up(void **unused)
{
    (void)unused;
    const bench_set_options options = {.synthetic = "3000,24", .query_count = QUERIES};
    const bench_generation_wish wish = {.kind = "hnsw", .tune = true};
    kin_error err = {0};
    filter = (bench_filter){.k = K, .recall = 0.99, .seconds = 0.001, .threads = 1};
    filter.cells = json_array();
    filter.ways = json_array();
    filter.others = json_array();
    filter.deletions = json_array();
    assert_done(bench_set_open(&options, &filter.set, &err), &err);
    assert_done(bench_classes_find(&filter.set, NULL, &filter.classes, &err), &err);
    assert_done(bench_store_make(&filter.set, NULL, &filter.store, &err), &err);
    assert_done(bench_generation_make(&filter.store, &wish, &filter.generation, &err), &err);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    bench_generation_release(&filter.generation);
    bench_store_release(&filter.store);
    bench_classes_release(&filter.classes);
    bench_set_close(&filter.set);
    json_decref(filter.cells);
    json_decref(filter.ways);
    json_decref(filter.others);
    json_decref(filter.deletions);
    return 0;
}

static void test_store(void **unused)
{
    (void)unused;
    float wanted[DIM], buffer[DIM];
    const float *got;
    assert_int_equal(kin_rows_count(filter.store.rows), ROWS);
    for (size_t row = 0; row < ROWS; row += 7) {
        bench_set_read(&filter.set, row, 1, wanted);
        assert_int_equal(kin_rows_vector(filter.store.rows, row, buffer, &got, NULL), KIN_OK);
        assert_memory_equal(got, wanted, sizeof wanted);
    }
    assert_int_equal(filter.store.bytes, kin_codec_stride(kin_codec_fp32, DIM) * (uint64_t)ROWS);
    bench_store no_store;
    assert_int_equal(bench_store_make(&filter.set, "fp8", &no_store, NULL), KIN_E_ARG);
    bench_store_release(&no_store);
}

static void test_generation(void **unused)
{
    (void)unused;
    size_t tunings;
    assert_string_equal(kin_index_kind_borrow(filter.generation.index), "hnsw");
    assert_int_equal(kin_index_count(filter.generation.index), ROWS);
    assert_int_equal(filter.generation.rows, ROWS);
    kin_index_tunings_borrow(filter.generation.index, &tunings);
    assert_true(tunings > 0);
    assert_true(filter.generation.forecast_bytes > 0 && filter.generation.file_bytes > 0);
}

/* Every cell of the filter's table: all that there are come back, and nearly all the right ones. */
static void test_filter_tables(void **unused)
{
    (void)unused;
    static const double shares[] = {0.001, 0.05, 0.6};
    kin_error err = {0};
    size_t index;
    json_t *row;
    assert_done(bench_filter_shares(&filter, shares, 3, &err), &err);
    assert_int_equal(json_array_size(filter.cells), 9);
    assert_true(json_array_size(filter.ways) >= 9 * 3);
    json_array_foreach(filter.cells, index, row)
    {
        assert_int_equal(json_integer_value(json_object_get(row, "short_answers")), 0);
        assert_true(json_number_value(json_object_get(row, "recall")) >= 0.98);
        assert_int_equal(json_integer_value(json_object_get(row, "queries")), QUERIES);
        assert_true(json_number_value(json_object_get(row, "times_best")) > 0);
    }
    json_array_foreach(filter.ways, index, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "by")), "scan") == 0)
            assert_true(json_number_value(json_object_get(row, "recall")) == 1);
    }
    /* 0.1 % of 3000 rows are 3: that many come. */
    row = json_array_get(filter.cells, 0);
    assert_true(json_number_value(json_object_get(row, "members")) == 3);
    assert_true(json_number_value(json_object_get(row, "returned")) == 3);
}

static void test_deletions(void **unused)
{
    (void)unused;
    kin_error err = {0};
    size_t index;
    json_t *row;
    assert_done(bench_filter_deletions(&filter, 0.3, &err), &err);
    assert_int_equal(json_array_size(filter.deletions), 6);
    json_array_foreach(filter.deletions, index, row)
    {
        assert_true(json_number_value(json_object_get(row, "recall")) >= 0.98);
        assert_int_equal(json_integer_value(json_object_get(row, "short_answers")), 0);
    }
}

/* Answers that are wrong, few or repeated are seen to be. */
static kin_status answer_badly(void *ctx, const bench_cell *cell, size_t query, uint64_t *ids,
                               size_t *found, kin_error *err)
{
    (void)err;
    const bench_truth *truth = cell->truth;
    *found = *(const size_t *)ctx;
    for (size_t i = 0; i < *found; i++)
        ids[i] = truth->hits[query * truth->k + i / 2].id; /* each twice */
    return KIN_OK;
}

static void test_bad_answers(void **unused)
{
    (void)unused;
    bench_conditions none;
    bench_truth truth;
    bench_answers answers;
    size_t queries[QUERIES], found = 8;
    assert_int_equal(bench_conditions_none(&filter.set, &none, NULL), KIN_OK);
    bench_cell cell = {&filter.set, NULL, K, queries, QUERIES, none.of_query, NULL};
    for (size_t q = 0; q < QUERIES; q++)
        queries[q] = q;
    assert_int_equal(bench_filter_truth(&cell, &truth, NULL), KIN_OK);
    assert_int_equal(bench_cell_ask(&cell, answer_badly, &found, true, 0, &answers, NULL), KIN_OK);
    assert_int_equal(answers.asked, QUERIES);
    assert_int_equal(answers.short_answers, QUERIES);
    assert_true(fabs(answers.recall - 0.4) < 1e-9); /* four different ones of ten */
    assert_true(answers.returned == 8);
    bench_truth_release(&truth);
    bench_conditions_release(&none);
}

static void test_scans(void **unused)
{
    (void)unused;
    bench_truth truth;
    kin_error err = {0};
    json_t *rows = json_array(), *row;
    size_t index;
    assert_int_equal(bench_truth_find(&filter.set, K, NULL, NULL, 0, &truth, &err), KIN_OK);
    const bench_scan scan = {&filter.set, &truth, K, 0.001};
    for (int threads = 1; threads <= 2; threads++) {
        assert_done(
            bench_scan_single(&scan, &filter.store, &filter.generation, threads, 1e9, rows, &err),
            &err);
        assert_done(bench_scan_batch(&scan, &filter.store, 1, threads, rows, &err), &err);
        assert_done(bench_scan_batch(&scan, &filter.store, 17, threads, rows, &err), &err);
    }
    assert_int_equal(json_array_size(rows), 10);
    json_array_foreach(rows, index, row)
    {
        const json_t *recall = json_object_get(row, "recall");
        const json_t *blas = json_object_get(row, "blas_recall");
        assert_true(recall == NULL || json_number_value(recall) >= 0.99);
        assert_true(blas == NULL || json_number_value(blas) == 1);
    }
    json_decref(rows);
    bench_truth_release(&truth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store),         cmocka_unit_test(test_generation),
        cmocka_unit_test(test_filter_tables), cmocka_unit_test(test_deletions),
        cmocka_unit_test(test_bad_answers),   cmocka_unit_test(test_scans),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
