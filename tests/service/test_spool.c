/* Files that are still arriving: kept in order, bounded, and without a name. */
#include "service/spool.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "temp_folder.h"

static size_t entries(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void test_chunks_in_order(void **state)
{
    kin_spool spool = {.fd = -1};
    char folder[PATH_MAX], back[8] = "";
    kin_error err;
    (void)state;
    temp_folder_make(folder);
    assert_int_equal(kin_spool_begin(&spool, folder, 7, &err), KIN_OK);
    assert_int_equal(kin_spool_append(&spool, "abc", 3, &err), KIN_OK);
    assert_int_equal(kin_spool_append(&spool, "", 0, &err), KIN_OK);
    assert_int_equal(kin_spool_append(&spool, "defg", 4, &err), KIN_OK);
    assert_int_equal(spool.bytes, 7);
    assert_int_equal(pread(spool.fd, back, sizeof back, 0), 7);
    assert_string_equal(back, "abcdefg");
    assert_int_equal(entries(folder), 0); /* a kill leaves nothing behind */
    kin_spool_end(&spool);
    kin_spool_end(&spool);
    temp_folder_remove(folder);
}

static void test_bound(void **state)
{
    kin_spool spool = {.fd = -1};
    char folder[PATH_MAX];
    kin_error err;
    (void)state;
    temp_folder_make(folder);
    assert_int_equal(kin_spool_begin(&spool, folder, 4, &err), KIN_OK);
    assert_int_equal(kin_spool_append(&spool, "abc", 3, &err), KIN_OK);
    assert_int_equal(kin_spool_append(&spool, "de", 2, &err), KIN_E_LIMIT);
    assert_int_equal(spool.bytes, 3);
    /* The next file begins anew. */
    assert_int_equal(kin_spool_begin(&spool, folder, 4, &err), KIN_OK);
    assert_int_equal(spool.bytes, 0);
    assert_int_equal(kin_spool_append(&spool, "wxyz", 4, &err), KIN_OK);
    kin_spool_end(&spool);
    temp_folder_remove(folder);
}

static void test_no_folder(void **state)
{
    kin_spool spool = {.fd = -1};
    kin_error err;
    (void)state;
    assert_int_equal(kin_spool_begin(&spool, "/nonexistent/folder", 4, &err), KIN_E_NOT_FOUND);
    assert_int_equal(spool.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_in_order),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
