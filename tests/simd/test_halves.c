/* Halves: every bit pattern there is against a reference made from IEEE 754's definition, and sums
 * over them against sums of the floats they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tables.h"

enum { PATTERNS = 1 << 16, LENGTH_MAX = 300, LONG = 4099, OFFSETS = 16, ROWS_MAX = 9 };

static uint64_t state = 362436069u;

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* IEEE 754-2008, 3.4: (-1)^sign 2^(exponent - 15) (1 + fraction / 2^10), and its special cases. */
static float value_of(uint16_t half)
{
    int exponent = half >> 10 & 31, fraction = half & 0x3ff;
    float sign = (half & 0x8000) != 0 ? -1.0f : 1.0f;
    if (exponent == 31)
        return fraction == 0 ? sign * INFINITY : NAN;
    if (exponent == 0)
        return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(1024 + fraction), exponent - 25);
}

static void test_every_half_widens(void **unused)
{
    (void)unused;
    uint16_t *from = malloc(PATTERNS * sizeof *from);
    float *to = malloc(PATTERNS * sizeof *to);
    for (size_t i = 0; i < PATTERNS; i++)
        from[i] = (uint16_t)i;
    FOR_EACH_TABLE(k)
    {
        memset(to, 0, PATTERNS * sizeof *to);
        k->from_half(from, to, PATTERNS);
        for (size_t i = 0; i < PATTERNS; i++) {
            float expected = value_of((uint16_t)i);
            if (isnan(expected)) { /* quiet, with the half's sign and payload */
                uint32_t bits = (uint32_t)(i & 0x8000) << 16 | 0x7fc00000u | (i & 0x3ff) << 13;
                assert_int_equal(bits_of(to[i]), bits);
            } else {
                assert_int_equal(bits_of(to[i]), bits_of(expected));
            }
        }
    }
    free(from);
    free(to);
}

static uint16_t narrowed(const kin_kernels *k, float f)
{
    uint16_t half = 0xaaaa;
    k->to_half(&f, &half, 1);
    return half;
}

/* Back from every half to itself, and to the right neighbour from all around the middle between two
 * halves. */
static void test_every_half_returns(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k)
    for (uint32_t i = 0; i < PATTERNS; i++) {
        uint16_t half = (uint16_t)i, magnitude = half & 0x7fff, sign = half & 0x8000;
        float value = value_of(half);
        if (magnitude > 0x7c00) {
            value = float_of((uint32_t)sign << 16 | 0x7f800000u | (i & 0x3ff) << 13);
            assert_int_equal(narrowed(k, value), half | 0x200); /* quiet */
            continue;
        }
        assert_int_equal(narrowed(k, value), half);
        if (magnitude >= 0x7c00)
            continue;
        /* for the largest half, the next one would be 2^16 if there were room for it */
        float next =
            magnitude == 0x7bff ? copysignf(65536.0f, value) : value_of((uint16_t)(half + 1));
        float middle = (float)(((double)value + (double)next) / 2); /* exact in single */
        uint16_t even = (half & 1) == 0 ? half : (uint16_t)(half + 1);
        assert_int_equal(narrowed(k, middle), even);
        assert_int_equal(narrowed(k, nextafterf(middle, 0)), half);
        assert_int_equal(narrowed(k, nextafterf(middle, 2 * next)), half + 1);
    }
}

static void test_far_floats_narrow(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k)
    {
        assert_int_equal(narrowed(k, FLT_MAX), 0x7c00);
        assert_int_equal(narrowed(k, -FLT_MAX), 0xfc00);
        assert_int_equal(narrowed(k, 65536.0f), 0x7c00);
        assert_int_equal(narrowed(k, FLT_TRUE_MIN), 0);
        assert_int_equal(narrowed(k, -FLT_MIN), 0x8000);
        assert_int_equal(narrowed(k, float_of(0x7f800001u)), 0x7e00); /* a payload that is lost */
        assert_int_equal(narrowed(k, float_of(0xffffffffu)), 0xffff);
    }
}

/* Random bits, so all kinds of floats: every table narrows as the plain one does. */
static void test_tables_narrow_alike(void **unused)
{
    (void)unused;
    enum { COUNT = 10007 };
    static float from[COUNT];
    static uint16_t expected[COUNT], got[COUNT + 1];
    const kin_kernels *scalar = kin_kernels_named("scalar");
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t bits = random_bits(&state);
            /* half of them with exponents that halves have, or nearly */
            uint32_t near = ((uint32_t)bits & 0x807fffffu) | (uint32_t)(98 + bits % 48) << 23;
            from[i] = float_of((bits >> 63) != 0 ? near : (uint32_t)(bits >> 20));
        }
        scalar->to_half(from, expected, COUNT);
        FOR_EACH_TABLE(k)
        {
            size_t count = COUNT - round;
            got[count] = 0x7777;
            k->to_half(from, got, count);
            assert_memory_equal(got, expected, count * sizeof *got);
            assert_int_equal(got[count], 0x7777);
        }
    }
}

static void test_conversions_stay_inside(void **unused)
{
    (void)unused;
    fence ff = fence_new(LENGTH_MAX * sizeof(float)), fh = fence_new(LENGTH_MAX * 2);
    FOR_EACH_TABLE(k)
    for (size_t n = 0; n <= LENGTH_MAX; n++) {
        float *floats = fence_back(&ff, n * sizeof(float));
        uint16_t *halves = fence_back(&fh, n * sizeof(uint16_t));
        for (size_t i = 0; i < n; i++)
            floats[i] = (float)i - 100;
        k->to_half(floats, halves, n);
        memset(floats, 0, n * sizeof(float));
        k->from_half(halves, floats, n);
        for (size_t i = 0; i < n; i++)
            assert_true(floats[i] == (float)i - 100);
        floats = fence_front(&ff);
        halves = fence_front(&fh);
        k->from_half(halves, floats, n);
        k->to_half(floats, halves, n);
    }
    fence_free(&ff);
    fence_free(&fh);
}

/* Halves whose values are at most 1 in magnitude, subnormal ones among them. */
static void fill_halves(uint16_t *v, float *wide, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = random_bits(&state);
        v[i] = (uint16_t)((bits & 0x8000) | (bits >> 20) % 0x3c01);
        wide[i] = value_of(v[i]);
    }
}

static void check_pair(const kin_kernels *k, const float *query, const uint16_t *row,
                       const float *wide, size_t dim)
{
    reference r = reference_of(query, wide, dim);
    double dot_error = fabs(k->dot_half(query, row, dim) - r.dot);
    double l2_error = fabs(k->l2sq_half(query, row, dim) - r.l2sq);
    if (!(dot_error <= float_bound(r.dot_magnitude, dim)) ||
        !(l2_error <= 2 * float_bound(r.l2sq, dim)))
        fail_msg("%s, %zu halves: dot is off by %g, l2sq by %g", k->name, dim, dot_error, l2_error);
}

static void test_lengths_and_offsets(void **unused)
{
    (void)unused;
    static float wide[LONG], query[LONG];
    static uint16_t row[LONG];
    fence fq = fence_new((LENGTH_MAX + OFFSETS) * sizeof(float));
    fence fr = fence_new((LENGTH_MAX + OFFSETS) * sizeof(uint16_t));
    FOR_EACH_TABLE(k)
    {
        for (size_t dim = 0; dim <= LENGTH_MAX; dim++)
            for (size_t offset = 0; offset < OFFSETS; offset++) {
                float *q = fence_back(&fq, dim * sizeof(float));
                uint16_t *back = fence_back(&fr, dim * sizeof(uint16_t));
                uint16_t *front = (uint16_t *)fence_front(&fr) + offset;
                fill_floats(&state, q, dim, 1.0f);
                fill_halves(front, wide, dim);
                check_pair(k, q, front, wide, dim);
                fill_halves(back, wide, dim);
                check_pair(k, q, back, wide, dim);
            }
        fill_floats(&state, query, LONG, 1.0f);
        fill_halves(row, wide, LONG);
        check_pair(k, query, row, wide, LONG);
    }
    fence_free(&fq);
    fence_free(&fr);
}

static void check_rows(const kin_kernels *k, size_t count, size_t stride, size_t dim)
{
    size_t size = count > 0 ? (count - 1) * stride + dim : 0;
    float query[LENGTH_MAX], out[ROWS_MAX + 1], *wide = malloc((size + 1) * sizeof *wide);
    fence f = fence_new(size * sizeof(uint16_t));
    uint16_t *rows = fence_back(&f, size * sizeof(uint16_t));
    fill_halves(rows, wide, size);
    fill_floats(&state, query, dim, 1.0f);
    out[count] = 77.0f;
    k->dot_rows_half(query, rows, stride, count, dim, out);
    for (size_t r = 0; r < count; r++) {
        reference sums = reference_of(query, wide + r * stride, dim);
        assert_true(fabs(out[r] - sums.dot) <= float_bound(sums.dot_magnitude, dim));
    }
    assert_true(out[count] == 77.0f); /* nothing past the end */
    free(wide);
    fence_free(&f);
}

static void test_rows_equal_single_products(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k)
    for (size_t dim = 0; dim <= LENGTH_MAX; dim += dim < 70 ? 1 : 23)
        for (size_t count = 0; count <= ROWS_MAX; count++)
            check_rows(k, count, dim + count % 3, dim);
}

static void test_special_values(void **unused)
{
    (void)unused;
    enum { LENGTH = 70, ONE = 0x3c00, INFINITE = 0x7c00, NOT_A_NUMBER = 0x7e00 };
    FOR_EACH_TABLE(k)
    for (size_t dim = 1; dim <= LENGTH; dim++)
        for (size_t at = 0; at < dim; at++) {
            float query[LENGTH + 16], out[4];
            uint16_t row[LENGTH + 16];
            for (size_t i = 0; i < LENGTH + 16; i++) {
                query[i] = i < dim ? 1.0f : NAN;
                row[i] = i < dim ? ONE : NOT_A_NUMBER;
            }
            assert_true(k->dot_half(query, row, dim) == (float)dim);
            assert_true(k->l2sq_half(query, row, dim) == 0.0f);
            row[at] = INFINITE;
            k->dot_rows_half(query, row, 0, 4, dim, out);
            assert_true(out[0] == INFINITY && out[3] == INFINITY);
            assert_true(k->dot_half(query, row, dim) == INFINITY);
            assert_true(k->l2sq_half(query, row, dim) == INFINITY);
            row[at] = NOT_A_NUMBER;
            k->dot_rows_half(query, row, 0, 4, dim, out);
            assert_true(isnan(out[0]) && isnan(out[3]));
            assert_true(isnan(k->dot_half(query, row, dim)));
            assert_true(isnan(k->l2sq_half(query, row, dim)));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half_widens),
        cmocka_unit_test(test_every_half_returns),
        cmocka_unit_test(test_far_floats_narrow),
        cmocka_unit_test(test_tables_narrow_alike),
        cmocka_unit_test(test_conversions_stay_inside),
        cmocka_unit_test(test_lengths_and_offsets),
        cmocka_unit_test(test_rows_equal_single_products),
        cmocka_unit_test(test_special_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
