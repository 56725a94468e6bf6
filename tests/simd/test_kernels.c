/* Each instruction set's kernels against sums in double precision, over all short lengths,
 * misalignments and values near the ends of the range. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "simd/kernels.h"

enum { LENGTH_MAX = 70, OFFSETS = 16, ROWS = 11 };

static const char *const all_names[] = {"scalar", "avx2", "avx512", "neon"};
enum { NAMES = sizeof all_names / sizeof all_names[0] };

static uint64_t state = 88172645463325252u;

/* In [-1, 1). */
static float noise(void)
{
    return (float)(int64_t)(random_bits(&state) >> 11) / (float)(INT64_C(1) << 52) - 1.0f;
}

static void fill(float *v, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        v[i] = noise() * scale;
}

/* What the header promises. */
static double bound(double magnitude, size_t dim)
{
    return ((double)dim / 8 + 16) * (double)FLT_EPSILON / 2 * magnitude + DBL_MIN;
}

static void check_pair(const kin_kernels *k, const float *a, const float *b, size_t dim)
{
    double dot = 0, dot_magnitude = 0, l2 = 0;
    for (size_t i = 0; i < dim; i++) {
        dot += (double)a[i] * b[i];
        dot_magnitude += fabs((double)a[i] * b[i]);
        l2 += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    }
    double dot_error = fabs(k->dot(a, b, dim) - dot);
    double l2_error = fabs(k->l2sq(a, b, dim) - l2);
    if (dot_error > bound(dot_magnitude, dim) || l2_error > 2 * bound(l2, dim))
        fail_msg("%s, %zu floats: dot is off by %g, l2sq by %g", k->name, dim, dot_error, l2_error);
}

/* Buffers end where the vectors end, so that AddressSanitizer sees a kernel that reads past. */
static void test_lengths_and_offsets(void **unused)
{
    (void)unused;
    static const float scales[] = {1.0f, 1e-18f, 1e18f};
    for (size_t n = 0; n < NAMES; n++) {
        const kin_kernels *k = kin_kernels_named(all_names[n]);
        if (k == NULL) {
            print_message("%s does not run here\n", all_names[n]);
            continue;
        }
        assert_string_equal(k->name, all_names[n]);
        for (size_t dim = 0; dim <= LENGTH_MAX; dim++)
            for (size_t offset = 0; offset < OFFSETS; offset++) {
                float *a = malloc((offset + dim + 1) * sizeof *a);
                float *b = malloc((OFFSETS + dim) * sizeof *b);
                float scale = scales[(dim + offset) % 3];
                fill(a, offset + dim, scale);
                fill(b, OFFSETS + dim, scale);
                check_pair(k, a + offset, b + OFFSETS - offset, dim);
                free(a);
                free(b);
            }
    }
}

static void test_long_vectors(void **unused)
{
    (void)unused;
    enum { DIM = 4099 };
    static float a[DIM], b[DIM];
    fill(a, DIM, 1.0f);
    fill(b, DIM, 1.0f);
    for (size_t n = 0; n < NAMES; n++) {
        const kin_kernels *k = kin_kernels_named(all_names[n]);
        if (k != NULL)
            check_pair(k, a, b, DIM);
    }
}

static void test_rows_equal_single_products(void **unused)
{
    (void)unused;
    for (size_t n = 0; n < NAMES; n++) {
        const kin_kernels *k = kin_kernels_named(all_names[n]);
        if (k == NULL)
            continue;
        for (size_t dim = 0; dim <= LENGTH_MAX; dim++)
            for (size_t count = 0; count <= ROWS; count++) {
                size_t stride = dim + count % 3;
                size_t size = count > 0 ? (count - 1) * stride + dim : 0;
                float *rows = malloc((size + 1) * sizeof *rows);
                float query[LENGTH_MAX], out[ROWS + 1];
                fill(rows, size, 1.0f);
                fill(query, dim, 1.0f);
                for (size_t r = 0; r <= ROWS; r++)
                    out[r] = 77.0f;
                k->dot_rows(query, rows, stride, count, dim, out);
                for (size_t r = 0; r < count; r++) {
                    double expected = 0, magnitude = 0;
                    for (size_t i = 0; i < dim; i++) {
                        expected += (double)query[i] * rows[r * stride + i];
                        magnitude += fabs((double)query[i] * rows[r * stride + i]);
                    }
                    assert_true(fabs(out[r] - expected) <= bound(magnitude, dim));
                }
                assert_true(out[count] == 77.0f); /* nothing past the end */
                free(rows);
            }
    }
}

/* Overflow, infinity and NaN come out; what lies past a vector's end must never leak in. */
static void test_special_values(void **unused)
{
    (void)unused;
    for (size_t n = 0; n < NAMES; n++) {
        const kin_kernels *k = kin_kernels_named(all_names[n]);
        if (k == NULL)
            continue;
        for (size_t dim = 1; dim <= LENGTH_MAX; dim++)
            for (size_t at = 0; at < dim; at++) {
                float a[LENGTH_MAX + 16], b[LENGTH_MAX + 16];
                for (size_t i = 0; i < LENGTH_MAX + 16; i++)
                    a[i] = b[i] = i < dim ? 1.0f : NAN;
                assert_true(k->dot(a, b, dim) == (float)dim);
                assert_true(k->l2sq(a, b, dim) == 0.0f);
                a[at] = FLT_MAX;
                b[at] = 2.0f;
                assert_true(isinf(k->dot(a, b, dim)));
                assert_true(isinf(k->l2sq(a, b, dim)));
                a[at] = -INFINITY;
                assert_true(k->dot(a, b, dim) == -INFINITY);
                a[at] = NAN;
                float out;
                k->dot_rows(a, b, dim, 1, dim, &out);
                assert_true(isnan(k->dot(a, b, dim)) && isnan(k->l2sq(a, b, dim)) && isnan(out));
                a[at] = 1e-30f; /* its square is below the normal range: no error, no NaN */
                b[at] = 1e-30f;
                assert_true(k->dot(a, b, dim) == (float)(dim - 1) || dim == 1);
            }
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
    if (__builtin_cpu_supports("avx512f"))
        assert_string_equal(best->name, "avx512");
#elif defined(__aarch64__)
    assert_string_equal(best->name, "neon");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_and_offsets),
        cmocka_unit_test(test_long_vectors),
        cmocka_unit_test(test_rows_equal_single_products),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
