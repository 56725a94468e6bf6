/* Segments on a file system that fails, fills up, or loses power, at every operation in turn; rows of
 * floats, and the int8 ones that no cache line holds whole. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault_fs.h"
#include "rows_support.h"
#include "temp_folder.h"

/* Each round appends across the end of the first segment (4 MiB of short rows). */
enum { LENGTH = 3, BEFORE = KIN_SEGMENT_ROWS - 70, ADDED = 140 };

static char root[PATH_MAX], dir[PATH_MAX + 8];
static const kin_codec *codec;  /* of the group of tests that runs */
static struct ledger committed; /* BEFORE rows in a folder that every round begins with */

static void open_set(const kin_fs *fs, const char *path, kin_segments **set, kin_error *err)
{
    *set = NULL;
    if (kin_segments_open(fs, path, "tag", codec, LENGTH, true, set, err) == KIN_OK)
        assert_non_null(*set);
}

static int setup(void **unused)
{
    (void)unused;
    temp_folder_make(root);
    snprintf(dir, sizeof dir, "%s/set", root);
    memset(&committed, 0, sizeof committed);
    kin_segments *set;
    open_set(kin_fs_posix(), dir, &set, NULL);
    assert_int_equal(append_rows(set, 0, BEFORE, NULL), KIN_OK);
    assert_int_equal(kin_segments_sync(set, NULL), KIN_OK);
    assert_int_equal(ledger_commit(&committed, set, 0, BEFORE, NULL), KIN_OK);
    kin_segments_close(set);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    temp_folder_remove(root);
    return 0;
}

/* What an ingest does: append in two parts, sync, take the checksums, commit. */
static kin_status ingest(const kin_fs *fs, struct ledger *ledger, kin_error *err)
{
    kin_segments *set;
    open_set(fs, dir, &set, err);
    if (set == NULL)
        return err->code;
    struct ledger next = *ledger;
    kin_status status = append_rows(set, ledger->rows, 30, err);
    if (status == KIN_OK)
        status = append_rows(set, ledger->rows + 30, ADDED - 30, err);
    if (status == KIN_OK)
        status = kin_segments_sync(set, err);
    if (status == KIN_OK)
        status = ledger_commit(&next, set, ledger->rows, ledger->rows + ADDED, err);
    if (status == KIN_OK)
        *ledger = next;
    kin_segments_close(set);
    return status;
}

static void check_readable(const char *path, struct ledger *ledger)
{
    kin_error err = {0};
    kin_segments *set;
    open_set(kin_fs_posix(), path, &set, &err);
    assert_non_null(set);
    kin_status status = read_all_rows(set, ledger, &err);
    if (status != KIN_OK)
        fail_msg("%llu rows: %s: %s", (unsigned long long)ledger->rows, err.subject, err.message);
    kin_segments_close(set);
}

static void cut_back(void)
{
    kin_segments *set;
    open_set(kin_fs_posix(), dir, &set, NULL);
    assert_int_equal(kin_segments_trim(set, BEFORE, NULL), KIN_OK);
    kin_segments_close(set);
}

/* Whichever operation fails: it is reported, what was committed can be read, and the next try
 * works. */
static void test_each_operation_fails(void **unused)
{
    (void)unused;
    size_t n = 1;
    for (;; n++) {
        fault_fs *faults = fault_fs_new(root);
        const kin_fs *fs = fault_fs_borrow(faults);
        struct ledger ledger = committed;
        kin_error err = {0};
        fault_fs_fail_at(faults, n, EIO, n % 2 == 0);
        kin_status status = ingest(fs, &ledger, &err);
        bool reached = fault_fs_operations(faults) >= n;
        fault_fs_fail_at(faults, 0, 0, 0);
        if (status != KIN_OK) {
            assert_int_equal(err.code, status);
            assert_int_equal(status, KIN_E_IO);
            assert_true(err.message[0] != '\0' && err.subject[0] != '\0');
            assert_int_equal(ledger.rows, BEFORE);
        }
        check_readable(dir, &ledger);
        if (status != KIN_OK) {
            assert_int_equal(ingest(fs, &ledger, &err), KIN_OK);
            check_readable(dir, &ledger);
        }
        fault_fs_free(faults);
        cut_back();
        if (!reached)
            break;
    }
    assert_true(n > 15);
    print_message("%zu operations, each failed in turn\n", n - 1);
}

static void test_each_operation_of_a_trim_fails(void **unused)
{
    (void)unused;
    for (size_t n = 1;; n++) {
        fault_fs *faults = fault_fs_new(root);
        const kin_fs *fs = fault_fs_borrow(faults);
        struct ledger grown = committed, ledger = committed;
        assert_int_equal(ingest(fs, &grown, NULL), KIN_OK);
        kin_segments *set;
        kin_error err = {0};
        open_set(fs, dir, &set, &err);
        fault_fs_fail_at(faults, n, EIO, 0);
        kin_status status = kin_segments_trim(set, BEFORE, &err);
        bool reached = fault_fs_operations(faults) >= n;
        fault_fs_fail_at(faults, 0, 0, 0);
        if (status != KIN_OK)
            assert_int_equal(status, KIN_E_IO);
        kin_segments_close(set);
        check_readable(dir, &ledger);
        fault_fs_free(faults);
        cut_back();
        if (!reached)
            break;
    }
}

static void test_disk_full(void **unused)
{
    (void)unused;
    const size_t whole =
        ADDED * kin_codec_stride(codec, LENGTH) + 4096; /* rows, and the second segment's header */
    for (size_t space = 0; space <= whole; space += space < 200 ? 13 : 511) {
        fault_fs *faults = fault_fs_new(root);
        const kin_fs *fs = fault_fs_borrow(faults);
        struct ledger ledger = committed;
        kin_error err = {0};
        fault_fs_space(faults, space);
        assert_int_equal(ingest(fs, &ledger, &err), space < whole ? KIN_E_FULL : KIN_OK);
        assert_true(space == whole || strstr(err.message, "No space left") != NULL);
        check_readable(dir, &ledger);
        fault_fs_space(faults, SIZE_MAX); /* somebody made room */
        if (space < whole)
            assert_int_equal(ingest(fs, &ledger, &err), KIN_OK);
        check_readable(dir, &ledger);
        fault_fs_free(faults);
        cut_back();
    }
}

/* A failed sync may have lost pages for good: trying it again must not turn into a success. */
static void test_failed_sync_is_final(void **unused)
{
    (void)unused;
    fault_fs *faults = fault_fs_new(root);
    const kin_fs *fs = fault_fs_borrow(faults);
    kin_segments *set;
    open_set(fs, dir, &set, NULL);
    assert_int_equal(append_rows(set, BEFORE, 1, NULL), KIN_OK);
    fault_fs_fail_at(faults, 1, EIO, 0);
    assert_int_equal(kin_segments_sync(set, NULL), KIN_E_IO);
    assert_int_equal(kin_segments_sync(set, NULL), KIN_E_IO);
    assert_int_equal(append_rows(set, BEFORE, 1, NULL), KIN_E_IO);
    kin_segments_close(set);
    fault_fs_free(faults);
}

/* Power fails after each operation of an ingest; whatever part of the unsynced bytes and names
 * survives, the committed rows are whole, and the archive takes new ones. */
static void test_power_loss_at_each_operation(void **unused)
{
    (void)unused;
    size_t outcomes = 0;
    for (size_t n = 1;; n++) {
        fault_fs *faults = fault_fs_new(root);
        struct ledger ledger = committed;
        kin_error err = {0};
        fault_fs_fail_at(faults, n, EIO, 1); /* from here on nothing reaches the disk */
        ingest(fault_fs_borrow(faults), &ledger, &err);
        bool reached = fault_fs_operations(faults) >= n;
        for (uint64_t seed = 0; seed < 3; seed++) {
            char into[PATH_MAX], survived[PATH_MAX + 8];
            temp_folder_make(into);
            fault_fs_power_loss(faults, into, seed);
            snprintf(survived, sizeof survived, "%s/set", into);
            check_readable(survived, &ledger);
            kin_segments *set;
            struct ledger after = ledger;
            open_set(kin_fs_posix(), survived, &set, NULL);
            assert_int_equal(kin_segments_trim(set, ledger.rows, NULL), KIN_OK);
            assert_int_equal(append_rows(set, ledger.rows, 99, NULL), KIN_OK);
            assert_int_equal(ledger_commit(&after, set, ledger.rows, ledger.rows + 99, NULL),
                             KIN_OK);
            kin_segments_close(set);
            check_readable(survived, &after);
            temp_folder_remove(into);
            outcomes++;
        }
        fault_fs_free(faults);
        cut_back();
        if (!reached)
            break;
    }
    print_message("%zu outcomes of power loss\n", outcomes);
}

/* The same for a set that does not exist yet: once committed, its folder's name must be safe
 * too. */
static void test_power_loss_of_a_young_set(void **unused)
{
    (void)unused;
    temp_folder_remove(dir);
    fault_fs *faults = fault_fs_new(root);
    struct ledger ledger = {0};
    assert_int_equal(ingest(fault_fs_borrow(faults), &ledger, NULL), KIN_OK);
    for (uint64_t seed = 0; seed < 8; seed++) {
        char into[PATH_MAX], survived[PATH_MAX + 8];
        temp_folder_make(into);
        fault_fs_power_loss(faults, into, seed);
        snprintf(survived, sizeof survived, "%s/set", into);
        check_readable(survived, &ledger);
        temp_folder_remove(into);
    }
    fault_fs_free(faults);
}

static int run(const char *name)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_each_operation_fails),
        TEST(test_each_operation_of_a_trim_fails),
        TEST(test_disk_full),
        TEST(test_failed_sync_is_final),
        TEST(test_power_loss_at_each_operation),
        TEST(test_power_loss_of_a_young_set),
    };
    codec = kin_codec_named(name);
    return _cmocka_run_group_tests(name, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}

int main(void)
{
    return run("fp32") + run("int8");
}
