/* Each instruction set's sums of floats against sums in double precision: all short lengths, all
 * misalignments, values near the ends of the range, and none but the vectors' own memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tables.h"

enum { LENGTH_MAX = 300, LONG = 4099, OFFSETS = 16, ROWS_MAX = 11, QUERIES_MAX = 9 };

static const float scales[] = {1.0f, 1e-18f, 1e18f, 1e-21f /* products are subnormal */};
enum { SCALES = sizeof scales / sizeof scales[0] };

static uint64_t state = 88172645463325252u;

static void check_pair(const kin_kernels *k, const float *a, const float *b, size_t dim)
{
    reference r = reference_of(a, b, dim);
    double dot_error = fabs(k->dot(a, b, dim) - r.dot);
    double l2_error = fabs(k->l2sq(a, b, dim) - r.l2sq);
    if (dot_error > float_bound(r.dot_magnitude, dim) || l2_error > 2 * float_bound(r.l2sq, dim))
        fail_msg("%s, %zu floats: dot is off by %g, l2sq by %g", k->name, dim, dot_error, l2_error);
}

static void test_lengths_and_offsets(void **unused)
{
    (void)unused;
    fence fa = fence_new((LENGTH_MAX + OFFSETS) * sizeof(float));
    fence fb = fence_new((LENGTH_MAX + OFFSETS) * sizeof(float));
    for (size_t i = 0; i < TABLES; i++) {
        const kin_kernels *k = kin_kernels_named(all_tables[i]);
        if (k == NULL)
            print_message("%s does not run here\n", all_tables[i]);
        else
            assert_string_equal(k->name, all_tables[i]);
    }
    FOR_EACH_TABLE(k)
    for (size_t dim = 0; dim <= LENGTH_MAX; dim++)
        for (size_t offset = 0; offset < OFFSETS; offset++) {
            float scale = scales[(dim + offset) % SCALES];
            size_t size = (offset + dim) * sizeof(float);
            float *a = fence_back(&fa, size), *b = fence_front(&fb);
            fill_floats(&state, a, offset + dim, scale);
            fill_floats(&state, b, offset + dim, scale);
            check_pair(k, a + offset, b, dim);
            b = fence_back(&fb, size);
            fill_floats(&state, b, offset + dim, scale);
            check_pair(k, fence_front(&fa), b + offset, dim);
        }
    fence_free(&fa);
    fence_free(&fb);
}

static void test_long_vectors(void **unused)
{
    (void)unused;
    static float a[LONG], b[LONG];
    fill_floats(&state, a, LONG, 1.0f);
    fill_floats(&state, b, LONG, 1.0f);
    FOR_EACH_TABLE(k)
    for (size_t dim = LONG - 20; dim <= LONG; dim++)
        check_pair(k, a, b, dim);
}

/* A block of products, in memory that ends where it ends; out has a cell more than a row needs. */
static void check_block(const kin_kernels *k, size_t queries, size_t query_stride, size_t count,
                        size_t stride, size_t dim)
{
    size_t query_floats = queries > 0 ? (queries - 1) * query_stride + dim : 0;
    size_t row_floats = count > 0 ? (count - 1) * stride + dim : 0, out_stride = count + 1;
    fence fq = fence_new(query_floats * sizeof(float)), fr = fence_new(row_floats * sizeof(float));
    float *q = fence_back(&fq, query_floats * sizeof(float));
    float *r = fence_back(&fr, row_floats * sizeof(float));
    float *out = malloc((queries * out_stride + 1) * sizeof *out);
    fill_floats(&state, q, query_floats, 1.0f);
    fill_floats(&state, r, row_floats, 1.0f);
    for (size_t i = 0; i <= queries * out_stride; i++)
        out[i] = 77.0f;
    if (queries == 1)
        k->dot_rows(q, r, stride, count, dim, out);
    else
        k->dot_block(q, query_stride, queries, r, stride, count, dim, out, out_stride);
    for (size_t i = 0; i < queries; i++) {
        for (size_t j = 0; j < count; j++) {
            reference sums = reference_of(q + i * query_stride, r + j * stride, dim);
            double error = fabs(out[i * out_stride + j] - sums.dot);
            if (!(error <= float_bound(sums.dot_magnitude, dim)))
                fail_msg("%s, %zu floats, query %zu of %zu, row %zu of %zu: off by %g", k->name,
                         dim, i, queries, j, count, error);
        }
        assert_true(out[i * out_stride + count] == 77.0f); /* nothing past the end */
    }
    free(out);
    fence_free(&fq);
    fence_free(&fr);
}

static void test_rows_equal_single_products(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k)
    for (size_t dim = 0; dim <= LENGTH_MAX; dim += dim < 70 ? 1 : 23)
        for (size_t count = 0; count <= ROWS_MAX; count++)
            check_block(k, 1, 0, count, dim + count % 3, dim);
}

static void test_blocks_equal_single_products(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k)
    {
        for (size_t dim = 0; dim <= LENGTH_MAX; dim += dim < 36 ? 1 : 37)
            for (size_t queries = 2; queries <= QUERIES_MAX; queries++)
                for (size_t count = 0; count <= ROWS_MAX; count += 1 + dim % 3)
                    check_block(k, queries, dim + queries % 2, count, dim + count % 3, dim);
        /* more than one group of queries and one block of rows */
        check_block(k, 67, 256, 403, 256, 256);
        check_block(k, 0, 256, 10, 256, 256);
        check_block(k, 5, 3001, 37, 3008, 3001);
    }
}

/* Overflow, infinity and NaN come out; what lies past a vector's end must never leak in. */
static void test_special_values(void **unused)
{
    (void)unused;
    enum { LENGTH = 70, PADDED = LENGTH + 16 };
    FOR_EACH_TABLE(k)
    for (size_t dim = 1; dim <= LENGTH; dim++)
        for (size_t at = 0; at < dim; at++) {
            float a[PADDED], b[PADDED], out[4];
            for (size_t i = 0; i < PADDED; i++)
                a[i] = b[i] = i < dim ? 1.0f : NAN;
            assert_true(k->dot(a, b, dim) == (float)dim);
            assert_true(k->l2sq(a, b, dim) == 0.0f);
            a[at] = FLT_MAX;
            b[at] = 2.0f;
            assert_true(isinf(k->dot(a, b, dim)));
            assert_true(isinf(k->l2sq(a, b, dim)));
            a[at] = -INFINITY;
            assert_true(k->dot(a, b, dim) == -INFINITY);
            k->dot_rows(a, b, 0, 4, dim, out); /* the same row four times */
            assert_true(out[0] == -INFINITY && out[3] == -INFINITY);
            a[at] = NAN;
            k->dot_rows(a, b, dim, 1, dim, out);
            assert_true(isnan(k->dot(a, b, dim)) && isnan(k->l2sq(a, b, dim)) && isnan(*out));
            k->dot_block(a, 0, 2, b, 0, 4, dim, out, 0);
            assert_true(isnan(out[0]) && isnan(out[3]));
            a[at] = 1e-30f; /* its square is below the normal range: no error, no NaN */
            b[at] = 1e-30f;
            assert_true(k->dot(a, b, dim) == (float)(dim - 1) || dim == 1);
        }
}

static void test_choice(void **unused)
{
    (void)unused;
    assert_non_null(kin_kernels_named("scalar"));
    assert_null(kin_kernels_named("sse9"));
    assert_null(kin_kernels_named(""));
    setenv("KINDRED_SIMD", "scalar", 1);
    assert_string_equal(kin_kernels_best()->name, "scalar");
    setenv("KINDRED_SIMD", "sse9", 1); /* unknown: the best one, not a failure */
    const kin_kernels *best = kin_kernels_best();
    unsetenv("KINDRED_SIMD");
    assert_ptr_equal(best, kin_kernels_best());
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw"))
        assert_string_equal(best->name, "avx512vnni");
#elif defined(__aarch64__)
    assert_int_equal(strncmp(best->name, "neon", 4), 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_and_offsets),
        cmocka_unit_test(test_long_vectors),
        cmocka_unit_test(test_rows_equal_single_products),
        cmocka_unit_test(test_blocks_equal_single_products),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
