/* Sets of vectors: where queries come from, what is refused, labels; right answers against a plain
 * search; what counts as found. */
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "temp_folder.h"
#include "vector_set.h"
#include "write_file.h"

static char folder[PATH_MAX];

static void name_file(char path[PATH_MAX + 64], const char *name)
{
    snprintf(path, PATH_MAX + 64, "%s/%s", folder, name);
}

static void write_npy(const char *name, const float *rows, size_t count, size_t dim)
{
    char path[PATH_MAX + 64];
    bench_npy_writer *writer;
    name_file(path, name);
    assert_int_equal(bench_npy_begin(path, count, dim, &writer, NULL), KIN_OK);
    assert_int_equal(bench_npy_rows(writer, rows, count, NULL), KIN_OK);
    assert_int_equal(bench_npy_end(writer, NULL), KIN_OK);
}

static void test_file_without_queries(void **unused)
{
    (void)unused;
    char path[PATH_MAX + 64];
    const float rows[] = {3, 4, 0, 2, 0, 0, 1, 0, -5, 0};
    float row[2];
    bench_set set;
    write_npy("plain.npy", rows, 5, 2);
    name_file(path, "plain.npy");
    const bench_set_options options = {.file = path, .query_count = 2};
    assert_int_equal(bench_set_open(&options, &set, NULL), KIN_OK);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.query_count, 2);
    assert_false(set.synthetic);
    bench_set_read(&set, 0, 1, row);
    assert_true(fabsf(row[0] - 0.6f) < 1e-6f && fabsf(row[1] - 0.8f) < 1e-6f);
    bench_set_read(&set, 2, 1, row); /* nothing has no direction */
    assert_true(row[0] == 0 && row[1] == 0);
    assert_true(set.queries[0] == 1 && set.queries[2] == -1);
    bench_set_close(&set);
}

static void test_queries_beside(void **unused)
{
    (void)unused;
    char path[PATH_MAX + 64];
    const float rows[] = {3, 4, 0, 2, 0, 0}, queries[] = {0, 7}, wide[] = {0, 7, 1};
    bench_set set;
    write_npy("two.npy", rows, 3, 2);
    write_npy("two.queries.npy", queries, 1, 2);
    name_file(path, "two.npy");
    const bench_set_options options = {.file = path};
    assert_int_equal(bench_set_open(&options, &set, NULL), KIN_OK);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.query_count, 1);
    assert_true(set.queries[0] == 0 && set.queries[1] == 1);
    bench_set_close(&set);
    write_npy("two.queries.npy", wide, 1, 3);
    assert_int_equal(bench_set_open(&options, &set, NULL), KIN_E_ARG);
}

static void test_refused(void **unused)
{
    (void)unused;
    char path[PATH_MAX + 64];
    const float rows[] = {3, NAN, 0, 2};
    bench_set set;
    write_npy("nan.npy", rows, 2, 2);
    name_file(path, "nan.npy");
    const char *const bad[] = {"",
                               "5",
                               "5,",
                               "0,4",
                               "5,0",
                               "-1,4",
                               "5,4,round",
                               "5,4,manifol",
                               "5;4",
                               "x,4",
                               "5,4,",
                               "5,99999999",
                               "99999999999999999999,4"};
    assert_int_equal(bench_set_open(&(bench_set_options){.file = path}, &set, NULL), KIN_E_FORMAT);
    assert_int_equal(bench_set_open(&(bench_set_options){0}, &set, NULL), KIN_E_ARG);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(bench_set_open(&(bench_set_options){.synthetic = bad[i]}, &set, NULL),
                         KIN_E_ARG);
}

static void test_synthetic(void **unused)
{
    (void)unused;
    const char *const shapes[] = {"600,24,clustered", "600,24,manifold"};
    for (size_t s = 0; s < 2; s++) {
        const bench_set_options options = {.synthetic = shapes[s], .seed = 7, .query_count = 5};
        bench_set set, again;
        float *all, row[24];
        assert_int_equal(bench_set_open(&options, &set, NULL), KIN_OK);
        assert_int_equal(bench_set_open(&options, &again, NULL), KIN_OK);
        assert_true(set.synthetic);
        assert_non_null(strstr(set.title, "synthetic"));
        assert_int_equal(set.count, 600);
        assert_memory_equal(set.queries, again.queries, 5 * 24 * sizeof *row);
        assert_int_equal(bench_set_read_all(&set, 2, &all, NULL), KIN_OK);
        for (size_t i = 0; i < 600; i++) { /* in any order the same; of unit length */
            double sum = 0;
            bench_set_read(&again, 599 - i, 1, row);
            assert_memory_equal(row, all + (599 - i) * 24, sizeof row);
            for (size_t d = 0; d < 24; d++)
                sum += (double)row[d] * row[d];
            assert_true(fabs(sum - 1) < 1e-5);
        }
        free(all);
        bench_set_close(&again);
        bench_set_close(&set);
    }
}

/* --- right answers --- */

static double score(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t d = 0; d < dim; d++)
        sum += (double)a[d] * b[d];
    return sum;
}

static bool every_seventh(void *ctx, size_t query, size_t row)
{
    (void)ctx;
    return row % 7 == query % 7;
}

static void check_truth(const bench_set *set, const float *all, const bench_truth *truth,
                        bench_may_fn may)
{
    for (size_t q = 0; q < set->query_count; q++) {
        const float *query = set->queries + q * set->dim;
        const kin_hit *right = truth->hits + q * truth->k;
        assert_int_equal(truth->counts[q], truth->k);
        double last = score(query, all + right[truth->k - 1].id * set->dim, set->dim);
        size_t better = 0;
        for (size_t i = 0; i < set->count; i++)
            if (may == NULL || may(NULL, q, i))
                better += score(query, all + i * set->dim, set->dim) > last + 1e-6;
        assert_true(better < truth->k);
        for (size_t i = 0; i < truth->k; i++) {
            assert_true(may == NULL || may(NULL, q, right[i].id));
            assert_true(i == 0 || right[i - 1].score >= right[i].score);
        }
    }
}

static void test_truth(void **unused)
{
    (void)unused;
    const bench_set_options options = {
        .synthetic = "9001,20,clustered", .seed = 3, .query_count = 37};
    bench_set set;
    bench_truth truth;
    float *all;
    assert_int_equal(bench_set_open(&options, &set, NULL), KIN_OK);
    assert_int_equal(bench_set_read_all(&set, 0, &all, NULL), KIN_OK);
    assert_int_equal(bench_truth_find(&set, 10, NULL, NULL, 2, &truth, NULL), KIN_OK);
    check_truth(&set, all, &truth, NULL);
    bench_truth_release(&truth);
    assert_int_equal(bench_truth_find(&set, 10, every_seventh, NULL, 1, &truth, NULL), KIN_OK);
    check_truth(&set, all, &truth, every_seventh);
    bench_truth_release(&truth);
    assert_int_equal(bench_truth_find(&set, 0, NULL, NULL, 1, &truth, NULL), KIN_E_ARG);
    free(all);
    bench_set_close(&set);
}

static bool first_three(void *ctx, size_t query, size_t row)
{
    (void)ctx;
    (void)query;
    return row < 3;
}

static void test_recall(void **unused)
{
    (void)unused;
    /* By falling likeness to the query: 0, then 1, 2, 3, which are one vector. */
    char path[PATH_MAX + 64];
    const float rows[] = {1, 0, 1, 1, 1, 1, 1, 1, 0, 1, -1, 0}, query[] = {1, 0};
    bench_set set;
    bench_truth truth;
    write_npy("r.npy", rows, 6, 2);
    write_npy("r.queries.npy", query, 1, 2);
    name_file(path, "r.npy");
    assert_int_equal(bench_set_open(&(bench_set_options){.file = path}, &set, NULL), KIN_OK);
    assert_int_equal(bench_truth_find(&set, 2, NULL, NULL, 1, &truth, NULL), KIN_OK);
    const struct {
        uint64_t ids[3];
        size_t count;
        double recall;
    } cases[] = {
        {{0, 1}, 2, 1},   {{0, 3}, 2, 1}, /* as good as 1 */
        {{2, 3}, 2, 1},                   /* two no worse than the second */
        {{0, 0}, 2, 0.5},                 /* the same twice */
        {{0, 4}, 2, 0.5}, {{5, 4}, 2, 0}, {{0}, 0, 0}, {{0, 99}, 2, 0.5}, {{0, 1, 2}, 3, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_true(bench_recall(&set, &truth, 0, cases[i].ids, cases[i].count, NULL, NULL) ==
                    cases[i].recall);
    bench_truth_release(&truth);
    /* Fewer may be answers than are wanted: all of them are all there is. */
    assert_int_equal(bench_truth_find(&set, 5, first_three, NULL, 1, &truth, NULL), KIN_OK);
    assert_int_equal(truth.counts[0], 3);
    assert_true(bench_recall(&set, &truth, 0, (uint64_t[]){2, 1, 0}, 3, first_three, NULL) == 1);
    assert_true(fabs(bench_recall(&set, &truth, 0, (uint64_t[]){2, 3, 0}, 3, first_three, NULL) -
                     2.0 / 3) < 1e-9);
    bench_truth_release(&truth);
    bench_set_close(&set);
}

/* --- labels --- */

static kin_status read_labels(const char *text, const bench_labels *known, bench_labels *out)
{
    char path[PATH_MAX + 64];
    name_file(path, "l.labels");
    write_file(path, text, strlen(text));
    name_file(path, "l.npy");
    return bench_labels_read(path, known, out, NULL);
}

static void test_labels(void **unused)
{
    (void)unused;
    bench_labels labels, queries;
    assert_int_equal(read_labels("image,view,set,diagnosis\n7,0,\"brain\",\"a \"\"big\"\" one\"\n"
                                 "8,0,\"lung\",\"\"\n7,1,\"brain\",\"a \"\"big\"\" one\"\n",
                                 NULL, &labels),
                     KIN_OK);
    assert_int_equal(labels.count, 3);
    assert_int_equal(labels.class_count, 2);
    assert_string_equal(labels.class_names[0], "brain/a \"big\" one");
    assert_string_equal(labels.class_names[1], "lung/");
    assert_int_equal(labels.image[1], 8);
    assert_int_equal(labels.classes[2], 0);
    /* The queries' classes are numbered as the set's. */
    assert_int_equal(
        read_labels("image,view,set,diagnosis\n1,1,x,y\n2,1,lung,\n", &labels, &queries), KIN_OK);
    assert_int_equal(queries.classes[0], 2);
    assert_int_equal(queries.classes[1], 1);
    bench_labels_release(&queries);
    bench_labels_release(&labels);
    assert_int_equal(read_labels("image,view,set,diagnosis\n1,1,x\n", NULL, &labels), KIN_E_FORMAT);
    assert_int_equal(read_labels("image,view,set,diagnosis\nx,1,x,y\n", NULL, &labels),
                     KIN_E_FORMAT);
    assert_int_equal(read_labels("image,view,set,diagnosis\n1,1,x,\"y\n", NULL, &labels),
                     KIN_E_FORMAT);
    assert_int_equal(read_labels("image,view,set,diagnosis\n4294967296,1,x,y\n", NULL, &labels),
                     KIN_E_FORMAT);
    assert_int_equal(bench_labels_read("/nowhere/x.npy", NULL, &labels, NULL), KIN_E_NOT_FOUND);
    assert_int_equal(bench_labels_read("x.fvecs", NULL, &labels, NULL), KIN_E_NOT_FOUND);
}

static int set_up(void **unused)
{
    (void)unused;
    temp_folder_make(folder);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    temp_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_without_queries),
        cmocka_unit_test(test_queries_beside),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_synthetic),
        cmocka_unit_test(test_truth),
        cmocka_unit_test(test_recall),
        cmocka_unit_test(test_labels),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
