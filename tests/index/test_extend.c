/* A generation is extended by what is new: the same recall as if it had been built anew, what has
 * gone is not returned, and it is built anew when too much has gone or the vectors have moved. */
#include "vectors_support.h"

#include <stdio.h>

#include "temp_folder.h"

enum { COUNT = 8000, OLD = 5000, DIM = 32, QUERIES = 100, K = 10, CANDIDATES = 40 };

static const char *const kinds[] = {"flat", "hnsw", "ivfpq"};
enum { KINDS = 3, FLAT = 0, IVFPQ = 2 };
static struct vectors data, queries;
static char root[PATH_MAX], path[PATH_MAX + 16];

static int setup(void **unused)
{
    (void)unused;
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/generation", root);
    data = vectors_new_asked(COUNT, QUERIES, DIM, 7, &queries);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    vectors_free(&data);
    temp_folder_remove(root);
    return 0;
}

/* The first `count` of data without those that `gone` names (i % every == 0; 0: none). */
static struct vectors part(size_t count, size_t every)
{
    struct vectors v = {.dim = DIM};
    v.data = malloc(count * DIM * sizeof *v.data);
    v.ids = malloc(count * sizeof *v.ids);
    assert_true(v.data != NULL && v.ids != NULL);
    for (size_t i = 0; i < count; i++)
        if (every == 0 || i % every != 0) {
            memcpy(v.data + v.count * DIM, data.data + i * DIM, DIM * sizeof *v.data);
            v.ids[v.count++] = data.ids[i];
        }
    return v;
}

static kin_index *extend(const kin_index *previous, struct vectors *v, const char *kind,
                         bool expected)
{
    kin_index *index = NULL;
    kin_error err = {0};
    bool extended = !expected;
    kin_index_source source = vectors_source(v);
    kin_index_options options = {.kind = kind, .previous = previous};
    if (kin_index_build(&source, &options, &index, &extended, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(extended, expected);
    return index;
}

/* As from the archive: the earlier generation is one that was saved and mapped. */
static kin_index *saved_and_mapped(kin_index *index)
{
    kin_index *mapped = NULL;
    uint64_t rows;
    kin_error err = {0};
    assert_int_equal(kin_index_save(index, kin_fs_posix(), path, "model", 1 << 20, &err), KIN_OK);
    kin_index_free(index);
    if (kin_index_load(kin_fs_posix(), path, "model", &mapped, &rows, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return mapped;
}

static const kin_index_setting settings[KINDS] = {
    {0, CANDIDATES}, {48, CANDIDATES}, {24, CANDIDATES}};

static void check_codes(const kin_index *index, const struct vectors *v)
{
    kin_index_codes codes = kin_index_codes_borrow(index);
    size_t position;
    for (size_t i = 0; i < v->count; i++) {
        assert_true(kin_index_position(index, v->ids[i], &position));
        assert_int_equal(codes.ids[position], v->ids[i]);
    }
    for (size_t i = 1; i < codes.count; i++)
        assert_true(codes.ids[i] > codes.ids[i - 1]);
}

/* In three steps to the whole, beside one build of it. */
static void test_recall_is_that_of_a_fresh_build(void **unused)
{
    (void)unused;
    static const size_t steps[] = {OLD, OLD + 1, OLD + 1200, COUNT};
    for (size_t k = 0; k < KINDS; k++) {
        struct vectors v = part(steps[0], 0);
        kin_index *index = saved_and_mapped(vectors_index(&v, kinds[k]));
        vectors_free(&v);
        for (size_t s = 1; s < sizeof steps / sizeof steps[0]; s++) {
            v = part(steps[s], 0);
            kin_index *longer = extend(index, &v, kinds[k], true);
            kin_index_free(index);
            index = saved_and_mapped(longer);
            assert_int_equal(kin_index_count(index), steps[s]);
            check_codes(index, &v);
            vectors_free(&v);
        }
        if (k != FLAT) {
            kin_index *fresh = vectors_index(&data, kinds[k]);
            double anew = recall_of(fresh, &data, &queries, K, settings[k], NULL);
            double extended = recall_of(index, &data, &queries, K, settings[k], NULL);
            print_message("%s: recall@%d %.4f built anew, %.4f extended\n", kinds[k], K, anew,
                          extended);
            assert_true(anew >= 0.98 && extended >= anew - 0.01);
            kin_index_free(fresh);
        }
        kin_index_free(index);
    }
}

/* Those that have gone are not returned, nor found; before saving, after it, and once extended
 * again. */
static void test_gone_are_never_returned(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < KINDS; k++) {
        struct vectors old = part(OLD, 0), fewer = part(COUNT, 5), position_of = part(OLD, 0);
        kin_index *first = vectors_index(&old, kinds[k]);
        kin_index *index = saved_and_mapped(extend(first, &fewer, kinds[k], true));
        size_t position;
        check_codes(index, &fewer);
        assert_false(kin_index_position(index, data.ids[0], &position));
        assert_int_equal(kin_index_count(index), k == FLAT ? fewer.count : fewer.count + OLD / 5);
        if (k != FLAT) { /* recall_of() looks each answer up among what there is */
            assert_true(recall_of(index, &fewer, &queries, K, settings[k], NULL) >= 0.98);
            kin_index *again = extend(index, &fewer, kinds[k], true); /* by nothing */
            assert_true(recall_of(again, &fewer, &queries, K, settings[k], NULL) >= 0.98);
            kin_index_free(again);
        }
        kin_index_free(first);
        kin_index_free(index);
        vectors_free(&old);
        vectors_free(&fewer);
        vectors_free(&position_of);
    }
}

static void test_built_anew_where_it_must_be(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < KINDS; k++) {
        struct vectors old = part(OLD, 0), third_gone = part(COUNT, 3);
        kin_index *first = vectors_index(&old, kinds[k]);
        kin_index *index = extend(first, &third_gone, kinds[k], false);
        assert_int_equal(kin_index_count(index), third_gone.count);
        kin_index_free(index);

        /* another kind */
        index = extend(first, &data, kinds[(k + 1) % KINDS], false);
        kin_index_free(index);

        /* an id among the old ones that was not there */
        struct vectors fewer = part(OLD, 7);
        kin_index *second = vectors_index(&fewer, kinds[k]);
        index = extend(second, &data, kinds[k], false);
        assert_int_equal(kin_index_count(index), COUNT);
        kin_index_free(index);
        kin_index_free(second);

        /* what had gone and is back */
        index = extend(first, &fewer, kinds[k], true);
        kin_index *back = extend(index, &old, kinds[k], false);
        kin_index_free(back);
        kin_index_free(index);
        kin_index_free(first);
        vectors_free(&old);
        vectors_free(&third_gone);
        vectors_free(&fewer);
    }
}

static void test_drift(void **unused)
{
    (void)unused;
    struct vectors moved = part(COUNT, 0), old = part(OLD, 0);
    uint64_t state = 99;
    for (size_t i = OLD; i < COUNT; i++) { /* what comes is of no cluster */
        for (size_t d = 0; d < DIM; d++)
            moved.data[i * DIM + d] = random_normal(&state);
        normalise(moved.data + i * DIM, DIM);
    }
    for (size_t k = 0; k < KINDS; k++) {
        kin_index *first = vectors_index(&old, kinds[k]);
        kin_index_drift_report same, other, none;
        kin_index_source source = vectors_source(&data), changed = vectors_source(&moved),
                         before = vectors_source(&old);
        assert_int_equal(kin_index_drift(first, &source, &same, NULL), KIN_OK);
        assert_int_equal(kin_index_drift(first, &changed, &other, NULL), KIN_OK);
        assert_int_equal(kin_index_drift(first, &before, &none, NULL), KIN_OK);
        assert_true(same.old_rows == OLD && same.new_rows == COUNT - OLD && none.new_rows == 0);
        assert_true(same.old_error > 0 && same.old_error < 1 && same.new_error > 0);
        assert_true(!same.retrain && !none.retrain);
        print_message("%s: error %.5f, %.5f of the same kind, %.5f of another\n", kinds[k],
                      same.old_error, same.new_error, other.new_error);
        assert_int_equal(other.retrain, k == IVFPQ);
        kin_index *index = extend(first, &moved, kinds[k], k != IVFPQ);
        kin_index_free(index);
        changed.dim = DIM + 1;
        assert_int_equal(kin_index_drift(first, &changed, &other, NULL), KIN_E_ARG);
        kin_index_free(first);
    }
    vectors_free(&moved);
    vectors_free(&old);
}

/* Lists that have doubled are too long, however alike what came is. */
static void test_growth_asks_for_training(void **unused)
{
    (void)unused;
    struct vectors old = part(COUNT / 2, 0);
    for (size_t k = 0; k < KINDS; k++) {
        kin_index *first = vectors_index(&old, kinds[k]);
        kin_index_drift_report report;
        kin_index_source source = vectors_source(&data);
        assert_int_equal(kin_index_drift(first, &source, &report, NULL), KIN_OK);
        assert_int_equal(report.retrain, k == IVFPQ);
        kin_index_free(first);
    }
    vectors_free(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recall_is_that_of_a_fresh_build),
        cmocka_unit_test(test_gone_are_never_returned),
        cmocka_unit_test(test_built_anew_where_it_must_be),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_growth_asks_for_training),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
