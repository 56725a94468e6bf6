/* The order of FAISS's fields, apart from FAISS: what a file may not make it read.  (That real
 * generations pass is shown by every test that loads one.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "index/faiss_shape.h"

enum { DIM = 24, COUNT = 1100, LEFT = 1 << 20 };

static bool give(struct faiss_shape *shape, size_t size, uint64_t value)
{
    return kin_faiss_shape_expects(shape, size, 1) && kin_faiss_shape_accepts(shape, &value, LEFT);
}

static uint64_t letters(const char *name)
{
    uint32_t value;
    memcpy(&value, name, sizeof value);
    return value;
}

/* Passes an array of no items. */
static bool give_empty(struct faiss_shape *shape, size_t item)
{
    return give(shape, 8, 0) && kin_faiss_shape_expects(shape, item, 0) &&
           kin_faiss_shape_accepts(shape, NULL, LEFT);
}

static bool give_header(struct faiss_shape *shape, const char *name, uint64_t count)
{
    return give(shape, 4, letters(name)) && give(shape, 4, DIM) && give(shape, 8, count) &&
           give(shape, 8, 1 << 20) && give(shape, 8, UINT64_MAX) && give(shape, 1, 1) &&
           give(shape, 4, 0);
}

static void test_other_kinds_are_refused(void **state)
{
    (void)state;
    static const char *const others[] = {"IHNf", "IHNp", "IHNs", "IwPQ", "IxPT", "IxMp", "il00"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct faiss_shape shape = kin_faiss_shape(DIM, COUNT);
        assert_false(give(&shape, 4, letters(others[i])));
    }
}

static void test_a_header_is_as_told(void **state)
{
    (void)state;
    static const struct {
        size_t field, size;
        uint64_t lie;
    } lies[] = {{1, 4, DIM + 1}, {2, 8, COUNT + 1}, {5, 1, 0}, {5, 1, 59}, {6, 4, 1}};
    static const uint64_t good[] = {0, DIM, COUNT, 7, 7, 1, 0};
    static const size_t sizes[] = {4, 4, 8, 8, 8, 1, 4};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct faiss_shape shape = kin_faiss_shape(DIM, COUNT);
        assert_true(give(&shape, 4, letters("IwPf")));
        for (size_t field = 1; field < lies[i].field; field++)
            assert_true(give(&shape, sizes[field], good[field]));
        assert_false(give(&shape, lies[i].size, lies[i].lie));
    }
}

static void test_counts_fit_what_remains(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        bool accepted;
    } counts[] = {{LEFT / 4, true},
                  {LEFT / 4 + 1, false},
                  {UINT64_MAX, false},
                  {(UINT64_C(1) << 62) + 1, false}}; /* times 4 it is 4 again */
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        /* the floats of the lists' centres */
        struct faiss_shape shape = kin_faiss_shape(DIM, COUNT);
        assert_true(give_header(&shape, "IwPf", COUNT) && give(&shape, 8, 25) &&
                    give(&shape, 8, 1) && give_header(&shape, "IxFI", 25));
        assert_false(kin_faiss_shape_expects(&shape, 4, 1)); /* a count has 8 bytes */
        assert_false(kin_faiss_shape_expects(&shape, 8, 2)); /* and there is one of it */
        assert_int_equal(give(&shape, 8, counts[i].value), counts[i].accepted);
    }
}

/* Up to where the product quantiser begins. */
static struct faiss_shape at_quantiser(void)
{
    struct faiss_shape shape = kin_faiss_shape(DIM, COUNT);
    assert_true(give_header(&shape, "IwPf", COUNT) && give(&shape, 8, 25) && give(&shape, 8, 1));
    assert_true(give_header(&shape, "IxFI", 25) && give_empty(&shape, 1));
    assert_true(give(&shape, 1, 0) && give_empty(&shape, 8));
    assert_true(give(&shape, 1, 1) && give(&shape, 8, 6) && give(&shape, 4, 32));
    assert_true(give(&shape, 8, 12) && give(&shape, 4, 0) && give(&shape, 8, 0));
    return shape;
}

/* FAISS divides by M and allocates d << nbits floats as soon as it has read them. */
static void test_a_quantiser_divides_by_no_zero(void **state)
{
    (void)state;
    static const struct {
        uint64_t d, subspaces, bits;
    } lies[] = {{DIM, 0, 4}, {DIM, DIM + 1, 4}, {1 << 20, 12, 4}, {DIM, 12, 0}, {DIM, 12, 30}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct faiss_shape shape = at_quantiser();
        assert_false(give(&shape, 8, lies[i].d) && give(&shape, 8, lies[i].subspaces) &&
                     give(&shape, 8, lies[i].bits));
    }
    struct faiss_shape shape = at_quantiser();
    assert_true(give(&shape, 8, DIM) && give(&shape, 8, 12) && give(&shape, 8, 4));
    assert_true(give_empty(&shape, 4));
    assert_true(give(&shape, 4, letters("ilbl")) && give(&shape, 8, 25));
    for (int i = 0; i < 3; i++)
        assert_true(give(&shape, 8, 32));
    for (int list = 0; list < 100; list++) /* as many as there are */
        assert_true(give_empty(&shape, 8) && give_empty(&shape, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_kinds_are_refused),
        cmocka_unit_test(test_a_header_is_as_told),
        cmocka_unit_test(test_counts_fit_what_remains),
        cmocka_unit_test(test_a_quantiser_divides_by_no_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
