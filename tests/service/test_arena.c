/* Memory of one answer: alignment, growth, text repair, refusal. */
#include "service/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_pieces_do_not_overlap(void **state)
{
    enum { PIECES = 2000 };
    kin_arena arena = {0};
    unsigned char *pieces[PIECES];
    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = kin_arena_new(&arena, i % 97, 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t j = 0; j < i % 97; j++)
            assert_int_equal(pieces[i][j], 0);
        memset(pieces[i], (int)(i % 251), i % 97);
    }
    for (size_t i = 0; i < PIECES; i++)
        for (size_t j = 0; j < i % 97; j++)
            assert_int_equal(pieces[i][j], i % 251);
    kin_arena_release(&arena);
}

static void test_larger_than_a_block(void **state)
{
    kin_arena arena = {0};
    (void)state;
    unsigned char *large = kin_arena_new(&arena, 1 << 20, 1);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    assert_non_null(kin_arena_new(&arena, 1, 1));
    kin_arena_release(&arena);
}

static void test_text(void **state)
{
    kin_arena arena = {0};
    const char good[] = "gut \xC3\xA4", broken[] = "a\xFF";
    (void)state;
    assert_ptr_equal(kin_arena_utf8(&arena, good), good);
    assert_string_equal(kin_arena_utf8(&arena, broken), "a\xEF\xBF\xBD");
    char *copy = kin_arena_copy(&arena, good);
    assert_ptr_not_equal(copy, good);
    assert_string_equal(copy, good);
    kin_arena_release(&arena);
}

/* What cannot be had is remembered, so that builders may check once. */
static void test_failure_stays(void **state)
{
    kin_arena arena = {0};
    (void)state;
    assert_null(kin_arena_new(&arena, SIZE_MAX, 2));
    assert_true(arena.failed);
    assert_null(kin_arena_new(&arena, 1, 1));
    kin_arena_release(&arena);
    assert_false(arena.failed);
    assert_non_null(kin_arena_new(&arena, 1, 1));
    kin_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_do_not_overlap),
        cmocka_unit_test(test_larger_than_a_block),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_failure_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
