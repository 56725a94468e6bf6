/* The tests' own file layer: what it promises is what the other tests stand on. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_fs.h"
#include "temp_folder.h"

static char root[PATH_MAX];

static int setup(void **unused)
{
    (void)unused;
    temp_folder_make(root);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    temp_folder_remove(root);
    return 0;
}

static const char *below(const char *folder, const char *name)
{
    static char path[4][PATH_MAX + 64];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* Content after a power loss into a fresh folder; "-" when the file is gone. */
static void survives(fault_fs *faults, uint64_t seed, const char *name, const char *expected)
{
    char into[PATH_MAX], text[64] = {0};
    temp_folder_make(into);
    fault_fs_power_loss(faults, into, seed);
    int fd = open(below(into, name), O_RDONLY);
    if (fd < 0)
        strcpy(text, "-");
    else
        assert_true(read(fd, text, sizeof text - 1) >= 0);
    if (fd >= 0)
        close(fd);
    temp_folder_remove(into);
    assert_string_equal(text, expected);
}

static void test_power_loss_drops_what_is_not_synced(void **unused)
{
    (void)unused;
    int old = open(below(root, "old"), O_WRONLY | O_CREAT, 0666);
    assert_int_equal(write(old, "before", 6), 6);
    close(old);
    fault_fs *faults = fault_fs_new(root);
    const kin_fs *fs = fault_fs_borrow(faults);
    survives(faults, 0, "old", "before");

    int fd = fs->open(fs, below(root, "new"), O_WRONLY | O_CREAT, 0666);
    assert_int_equal(fs->pwrite(fs, fd, "abc", 3, 0), 3);
    survives(faults, 0, "new", "-");
    assert_int_equal(fs->fsync(fs, fd), 0);
    survives(faults, 0, "new", "-"); /* its name is not safe */
    assert_int_equal(kin_fs_sync_dir(fs, root, NULL), KIN_OK);
    survives(faults, 0, "new", "abc");
    assert_int_equal(fs->pwrite(fs, fd, "XY", 2, 2), 2);
    assert_int_equal(fs->ftruncate(fs, fd, 3), 0);
    survives(faults, 0, "new", "abc");
    assert_int_equal(fs->fsync(fs, fd), 0);
    survives(faults, 0, "new", "abX");
    fs->close(fs, fd);

    assert_int_equal(fs->rename(fs, below(root, "new"), below(root, "old")), 0);
    survives(faults, 0, "old", "before");
    survives(faults, 0, "new", "abX");
    assert_int_equal(kin_fs_sync_dir(fs, root, NULL), KIN_OK);
    survives(faults, 0, "old", "abX");
    survives(faults, 0, "new", "-");
    assert_int_equal(fs->unlink(fs, below(root, "old")), 0);
    survives(faults, 0, "old", "abX");
    assert_int_equal(kin_fs_sync_dir(fs, root, NULL), KIN_OK);
    survives(faults, 0, "old", "-");
    fault_fs_free(faults);
}

static void test_power_loss_of_a_folder(void **unused)
{
    (void)unused;
    fault_fs *faults = fault_fs_new(root);
    const kin_fs *fs = fault_fs_borrow(faults);
    assert_int_equal(fs->mkdir(fs, below(root, "d"), 0777), 0);
    int fd = fs->open(fs, below(root, "d/f"), O_WRONLY | O_CREAT, 0666);
    assert_int_equal(fs->pwrite(fs, fd, "abc", 3, 0), 3);
    assert_int_equal(fs->fsync(fs, fd), 0);
    fs->close(fs, fd);
    assert_int_equal(kin_fs_sync_dir(fs, below(root, "d"), NULL), KIN_OK);
    survives(faults, 0, "d/f", "-"); /* the folder's own name is not safe */
    assert_int_equal(kin_fs_sync_dir(fs, root, NULL), KIN_OK);
    survives(faults, 0, "d/f", "abc");
    fault_fs_free(faults);
}

/* By chance: over many seeds unsynced bytes must be seen both to survive and to be lost. */
static void test_power_loss_by_chance(void **unused)
{
    (void)unused;
    fault_fs *faults = fault_fs_new(root);
    const kin_fs *fs = fault_fs_borrow(faults);
    int fd = fs->open(fs, below(root, "f"), O_WRONLY | O_CREAT, 0666);
    assert_int_equal(fs->pwrite(fs, fd, "old", 3, 0), 3);
    assert_int_equal(fs->fsync(fs, fd), 0);
    assert_int_equal(kin_fs_sync_dir(fs, root, NULL), KIN_OK);
    assert_int_equal(fs->pwrite(fs, fd, "new", 3, 0), 3);
    int seen_old = 0, seen_new = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        char into[PATH_MAX], text[4] = {0};
        temp_folder_make(into);
        fault_fs_power_loss(faults, into, seed);
        int copy = open(below(into, "f"), O_RDONLY);
        assert_int_equal(read(copy, text, 3), 3);
        close(copy);
        temp_folder_remove(into);
        seen_old += strcmp(text, "old") == 0;
        seen_new += strcmp(text, "new") == 0;
    }
    assert_int_equal(seen_old + seen_new, 40);
    assert_true(seen_old > 5 && seen_new > 5);
    fs->close(fs, fd);
    fault_fs_free(faults);
}

static void test_failures_and_space(void **unused)
{
    (void)unused;
    fault_fs *faults = fault_fs_new(root);
    const kin_fs *fs = fault_fs_borrow(faults);
    fault_fs_fail_at(faults, 2, EIO, 0);
    int fd = fs->open(fs, below(root, "f"), O_WRONLY | O_CREAT, 0666);
    assert_true(fd >= 0);
    assert_int_equal(fs->pwrite(fs, fd, "abc", 3, 0), -1);
    assert_int_equal(errno, EIO);
    assert_int_equal(fs->pwrite(fs, fd, "abc", 3, 0), 3);
    assert_int_equal(fault_fs_operations(faults), 3);
    fault_fs_fail_at(faults, 1, EACCES, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fs->fsync(fs, fd), -1);
        assert_int_equal(errno, EACCES);
    }
    fault_fs_fail_at(faults, 0, 0, 0);
    fault_fs_space(faults, 4);
    assert_int_equal(fs->pwrite(fs, fd, "abc", 3, 0), 3);
    assert_int_equal(fs->pwrite(fs, fd, "abc", 3, 3), 1); /* a disk's last bytes */
    assert_int_equal(fs->pwrite(fs, fd, "abc", 3, 3), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(fault_fs_written(faults), 7);
    fs->close(fs, fd);
    fault_fs_free(faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_power_loss_drops_what_is_not_synced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_loss_of_a_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_power_loss_by_chance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_and_space, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
