/* Codes: every table's sums equal those of 64-bit integers, from the shortest vectors to the
 * longest that are allowed, with the ends of the range in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tables.h"

enum { LENGTH_MAX = 300, OFFSETS = 64, ROWS_MAX = 21 };

static uint64_t state = 521288629u;

static int64_t dot_of(const int8_t *a, const int8_t *b, size_t dim)
{
    int64_t sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (int64_t)a[i] * b[i];
    return sum;
}

static void check_pair(const kin_kernels *k, const int8_t *a, const int8_t *b, size_t dim)
{
    int64_t l2sq = dot_of(a, a, dim) - 2 * dot_of(a, b, dim) + dot_of(b, b, dim);
    if (k->dot_code(a, b, dim) != dot_of(a, b, dim) || k->l2sq_code(a, b, dim) != l2sq)
        fail_msg("%s, %zu codes: %d for %lld, %lld for %lld", k->name, dim, k->dot_code(a, b, dim),
                 (long long)dot_of(a, b, dim), (long long)k->l2sq_code(a, b, dim), (long long)l2sq);
}

static void test_lengths_and_offsets(void **unused)
{
    (void)unused;
    fence fa = fence_new(LENGTH_MAX + OFFSETS), fb = fence_new(LENGTH_MAX + OFFSETS);
    FOR_EACH_TABLE(k)
    for (size_t dim = 0; dim <= LENGTH_MAX; dim++)
        for (size_t offset = 0; offset < OFFSETS; offset += 1 + dim % 7) {
            int8_t *a = fence_back(&fa, dim), *b = (int8_t *)fence_front(&fb) + offset;
            fill_codes(&state, a, dim);
            fill_codes(&state, b, dim);
            check_pair(k, a, b, dim);
            check_pair(k, b, a, dim);
            b = fence_back(&fb, dim);
            fill_codes(&state, b, dim);
            check_pair(k, fence_front(&fa), b, dim);
        }
    fence_free(&fa);
    fence_free(&fb);
}

/* The largest sums that can be, and lengths at which they might overflow a part of a kernel. */
static void test_extremes(void **unused)
{
    (void)unused;
    static const int8_t ends[] = {-128, -127, 0, 127};
    enum { ENDS = sizeof ends };
    int8_t *a = malloc(KIN_CODE_DIM_MAX), *b = malloc(KIN_CODE_DIM_MAX);
    FOR_EACH_TABLE(k)
    for (size_t i = 0; i < ENDS * ENDS; i++) {
        memset(a, ends[i / ENDS], KIN_CODE_DIM_MAX);
        memset(b, ends[i % ENDS], KIN_CODE_DIM_MAX);
        for (size_t dim = 1; dim <= KIN_CODE_DIM_MAX; dim = dim * 3 / 2 + 1)
            check_pair(k, a, b, dim);
        check_pair(k, a, b, KIN_CODE_DIM_MAX);
        int32_t out[5];
        k->dot_rows_code(a, b, 0, 5, KIN_CODE_DIM_MAX, out);
        for (size_t r = 0; r < 5; r++)
            assert_int_equal(out[r], dot_of(a, b, KIN_CODE_DIM_MAX));
    }
    free(a);
    free(b);
}

/* All pairs of values, in each lane. */
static void test_all_pairs_of_values(void **unused)
{
    (void)unused;
    enum { DIM = 80 };
    FOR_EACH_TABLE(k)
    for (int x = -128; x <= 127; x++)
        for (int y = -128; y <= 127; y++) {
            int8_t a[DIM] = {0}, b[DIM] = {0};
            size_t at = (size_t)(x * 7 + y * 3 + 2048) % DIM;
            a[at] = (int8_t)x;
            b[at] = (int8_t)y;
            assert_int_equal(k->dot_code(a, b, DIM), x * y);
            assert_int_equal(k->l2sq_code(a, b, DIM), (x - y) * (x - y));
        }
}

static void check_rows(const kin_kernels *k, size_t count, size_t stride, size_t dim)
{
    size_t size = count > 0 ? (count - 1) * stride + dim : 0;
    fence fq = fence_new(dim), fr = fence_new(size), fo = fence_new(ROWS_MAX * sizeof(int32_t));
    int8_t *query = fence_back(&fq, dim), *rows = fence_back(&fr, size);
    int32_t *out = fence_back(&fo, count * sizeof *out);
    uint32_t at[ROWS_MAX];
    fill_codes(&state, query, dim);
    fill_codes(&state, rows, size);
    k->dot_rows_code(query, rows, stride, count, dim, out);
    for (size_t r = 0; r < count; r++) {
        assert_int_equal(out[r], dot_of(query, rows + r * stride, dim));
        at[r] = (uint32_t)(random_bits(&state) % count); /* in no order, some twice */
    }
    k->dot_gather_code(query, rows, stride, at, count, dim, out);
    for (size_t r = 0; r < count; r++)
        assert_int_equal(out[r], dot_of(query, rows + at[r] * stride, dim));
    fence_free(&fq);
    fence_free(&fr);
    fence_free(&fo);
}

static void test_rows_equal_single_products(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k)
    for (size_t dim = 0; dim <= LENGTH_MAX; dim += dim < 70 ? 1 : 23)
        for (size_t count = 0; count <= ROWS_MAX; count += 1 + dim % 2)
            check_rows(k, count, dim + count % 5, dim);
}

/* Rows more than 2^31 and 2^32 bytes away, of which only those that are asked for exist. */
static void test_gather_from_afar(void **unused)
{
    (void)unused;
    const size_t stride = (size_t)3 << 20, rows = 2000, size = rows * stride;
    uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) {
        print_message("no room for %zu bytes of addresses\n", size);
        skip();
    }
    const uint32_t at[] = {1999, 0, 1024, 700, 1500};
    enum { COUNT = sizeof at / sizeof at[0], DIM = 100 };
    int8_t query[DIM], *codes = (int8_t *)map;
    int32_t out[COUNT];
    fill_codes(&state, query, DIM);
    for (size_t i = 0; i < COUNT; i++)
        fill_codes(&state, codes + at[i] * stride, DIM);
    FOR_EACH_TABLE(k)
    {
        k->dot_gather_code(query, codes, stride, at, COUNT, DIM, out);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(out[i], dot_of(query, codes + at[i] * stride, DIM));
    }
    munmap(map, size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_and_offsets),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_all_pairs_of_values),
        cmocka_unit_test(test_rows_equal_single_products),
        cmocka_unit_test(test_gather_from_afar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
