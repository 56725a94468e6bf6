/* Arithmetic of sizes: exact where it fits, refused where it does not. */
#include "base/checked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random.h"

static void test_products(void **state)
{
    static const struct {
        size_t a, b;
        bool fits;
    } cases[] = {
        {0, 0, true},
        {0, SIZE_MAX, true},
        {1, SIZE_MAX, true},
        {2, SIZE_MAX / 2, true},
        {2, SIZE_MAX / 2 + 1, false},
        {(size_t)1 << 32, ((size_t)1 << 32) - 1, true},
        {(size_t)1 << 32, (size_t)1 << 32, false},
        {SIZE_MAX, SIZE_MAX, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t out;
        assert_int_equal(kin_mul_size(cases[i].a, cases[i].b, &out), cases[i].fits);
        if (cases[i].fits)
            assert_true(out == cases[i].a * cases[i].b);
        assert_int_equal(kin_mul_size(cases[i].b, cases[i].a, &out), cases[i].fits);
    }
}

static void test_sums(void **state)
{
    size_t out;
    (void)state;
    assert_true(kin_add_size(0, SIZE_MAX, &out));
    assert_true(out == SIZE_MAX);
    assert_true(kin_add_size(SIZE_MAX - 7, 7, &out));
    assert_true(out == SIZE_MAX);
    assert_false(kin_add_size(1, SIZE_MAX, &out));
    assert_false(kin_add_size(SIZE_MAX - 7, 8, &out));
    assert_false(kin_add_size(SIZE_MAX, SIZE_MAX, &out));
}

/* Against arithmetic of twice the width; shifted, so that about half of the products fit. */
static void test_against_128_bits(void **state)
{
    uint64_t random = 5;
    unsigned fit = 0, overflowed = 0;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        size_t a = random_bits(&random) >> (random_bits(&random) % 64);
        size_t b = random_bits(&random) >> (random_bits(&random) % 64);
        size_t out;
        unsigned __int128 product = (unsigned __int128)a * b, sum = (unsigned __int128)a + b;
        bool fits = product <= SIZE_MAX;
        assert_int_equal(kin_mul_size(a, b, &out), fits);
        assert_true(!fits || out == product);
        assert_int_equal(kin_add_size(a, b, &out), sum <= SIZE_MAX);
        assert_true(sum > SIZE_MAX || out == sum);
        fit += fits;
        overflowed += !fits;
    }
    assert_true(fit > 10000 && overflowed > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_against_128_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
