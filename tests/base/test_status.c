/* Errors: what they say, and that they never run over. */
#include "base/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_fail_fills_the_error(void **state)
{
    kin_error err;
    (void)state;
    assert_int_equal(kin_fail(&err, KIN_E_FORMAT, "a/file", "%d of %s", 3, "four"), KIN_E_FORMAT);
    assert_int_equal(err.code, KIN_E_FORMAT);
    assert_string_equal(err.message, "3 of four");
    assert_string_equal(err.subject, "a/file");
    kin_fail(&err, KIN_E_LIMIT, NULL, "again");
    assert_string_equal(err.message, "again");
    assert_string_equal(err.subject, "");
    kin_error_clear(&err);
    assert_int_equal(err.code, KIN_OK);
    assert_string_equal(err.message, "");
}

static void test_null_error_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(kin_fail(NULL, KIN_E_BUSY, "x", "y"), KIN_E_BUSY);
    errno = ENOENT;
    assert_int_equal(kin_fail_errno(NULL, "x", "y"), KIN_E_NOT_FOUND);
    assert_int_equal(kin_error_name(NULL, "x"), KIN_OK);
    kin_error_clear(NULL);
}

static void test_long_text_is_cut(void **state)
{
    static char longer[4096];
    struct {
        kin_error err;
        char behind[16];
    } guarded;
    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    memset(guarded.behind, 0x5A, sizeof guarded.behind);
    kin_fail(&guarded.err, KIN_E_IO, longer, "%s", longer);
    assert_int_equal(strlen(guarded.err.message), KIN_ERROR_MESSAGE_MAX - 1);
    assert_int_equal(strlen(guarded.err.subject), KIN_ERROR_SUBJECT_MAX - 1);
    errno = EIO;
    kin_fail_errno(&guarded.err, longer, "%s", longer);
    assert_int_equal(strlen(guarded.err.message), KIN_ERROR_MESSAGE_MAX - 1);
    for (size_t i = 0; i < sizeof guarded.behind; i++)
        assert_int_equal(guarded.behind[i], 0x5A);
}

static void test_errno(void **state)
{
    static const struct {
        int number;
        kin_status status;
    } cases[] = {{ENOENT, KIN_E_NOT_FOUND}, {ENOMEM, KIN_E_NOMEM}, {EEXIST, KIN_E_EXISTS},
                 {EACCES, KIN_E_IO},        {EIO, KIN_E_IO},       {ENOSPC, KIN_E_FULL},
                 {EDQUOT, KIN_E_FULL},      {EFBIG, KIN_E_FULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_error err;
        errno = cases[i].number;
        assert_int_equal(kin_fail_errno(&err, "f", "cannot open %s", "it"), cases[i].status);
        char expected[128];
        strcpy(expected, "cannot open it: ");
        strcat(expected, strerror(cases[i].number));
        assert_string_equal(err.message, expected);
        assert_string_equal(err.subject, "f");
    }
}

/* A callee's error gets a subject from its caller, unless it has one; and may be wrapped. */
static void test_naming_and_wrapping(void **state)
{
    kin_error err;
    (void)state;
    kin_fail(&err, KIN_E_FORMAT, NULL, "broken");
    assert_int_equal(kin_error_name(&err, "first"), KIN_E_FORMAT);
    assert_int_equal(kin_error_name(&err, "second"), KIN_E_FORMAT);
    assert_string_equal(err.subject, "first");
    kin_fail(&err, KIN_E_CORRUPT, err.subject, "wrapped");
    assert_string_equal(err.subject, "first");
    assert_string_equal(err.message, "wrapped");
}

static void test_every_status_has_a_name(void **state)
{
    (void)state;
    for (int code = KIN_E_FULL; code <= KIN_OK; code++) {
        assert_string_not_equal(kin_status_text((kin_status)code), "unknown status");
        for (int other = KIN_E_FULL; other < code; other++)
            assert_string_not_equal(kin_status_text((kin_status)code),
                                    kin_status_text((kin_status)other));
    }
    assert_string_equal(kin_status_text(KIN_E_FULL - 1), "unknown status");
    assert_string_equal(kin_status_text(1), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_fills_the_error), cmocka_unit_test(test_null_error_is_allowed),
        cmocka_unit_test(test_long_text_is_cut),     cmocka_unit_test(test_errno),
        cmocka_unit_test(test_naming_and_wrapping),  cmocka_unit_test(test_every_status_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
