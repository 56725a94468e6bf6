/* Files: whole reads and writes whatever the system calls do, folders, atomic replacement. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_fs.h"
#include "temp_folder.h"

static char root[PATH_MAX];

static int setup(void **state)
{
    (void)state;
    temp_folder_make(root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    temp_folder_remove(root);
    return 0;
}

static const char *in_root(const char *name)
{
    static char path[PATH_MAX + 256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void expect_content(const char *path, const char *expected)
{
    void *bytes;
    size_t size;
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, 1000, &bytes, &size, NULL), KIN_OK);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(bytes, expected, size);
    free(bytes);
}

static unsigned files_in(const char *dir)
{
    unsigned count = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* --- a layer that does as little as it may: one byte a call, EINTR before each --- */

struct grudging {
    unsigned calls;
};

static bool interrupted(const kin_fs *fs)
{
    struct grudging *grudging = fs->state;
    errno = EINTR;
    return grudging->calls++ % 2 == 0;
}

static ssize_t grudging_pread(const kin_fs *fs, int fd, void *buf, size_t size, off_t at)
{
    return interrupted(fs) ? -1 : pread(fd, buf, size > 0 ? 1 : 0, at);
}

static ssize_t grudging_pwrite(const kin_fs *fs, int fd, const void *buf, size_t size, off_t at)
{
    return interrupted(fs) ? -1 : pwrite(fd, buf, size > 0 ? 1 : 0, at);
}

static void test_short_and_interrupted_calls(void **state)
{
    struct grudging grudging = {0};
    kin_fs fs = *kin_fs_posix();
    const char text[] = "what is to be written";
    char back[sizeof text];
    (void)state;
    fs.pread = grudging_pread;
    fs.pwrite = grudging_pwrite;
    fs.state = &grudging;
    int fd = fs.open(&fs, in_root("f"), O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(kin_fs_write_all(&fs, fd, "f", text, sizeof text, 5, NULL), KIN_OK);
    assert_int_equal(kin_fs_read_all(&fs, fd, "f", back, sizeof back, 5, NULL), KIN_OK);
    assert_string_equal(back, text);
    assert_true(grudging.calls >= 4 * sizeof text);
    fs.close(&fs, fd);
}

static void test_early_end(void **state)
{
    kin_error err;
    char back[16];
    const kin_fs *fs = kin_fs_posix();
    (void)state;
    int fd = fs->open(fs, in_root("f"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(kin_fs_write_all(fs, fd, "f", "ten bytes.", 10, 0, NULL), KIN_OK);
    assert_int_equal(kin_fs_read_all(fs, fd, "name", back, 11, 0, &err), KIN_E_CORRUPT);
    assert_string_equal(err.subject, "name");
    assert_int_equal(kin_fs_read_all(fs, fd, "name", back, 1, 100, &err), KIN_E_CORRUPT);
    assert_int_equal(kin_fs_read_all(fs, fd, "name", back, 0, 100, &err), KIN_OK);
    fs->close(fs, fd);
    assert_int_equal(kin_fs_read_all(fs, -1, "name", back, 1, 0, &err), KIN_E_IO);
    assert_int_equal(kin_fs_write_all(fs, -1, "name", back, 1, 0, &err), KIN_E_IO);
}

static void test_make_dirs(void **state)
{
    struct stat st;
    char path[PATH_MAX + 256];
    const kin_fs *fs = kin_fs_posix();
    kin_error err;
    (void)state;
    snprintf(path, sizeof path, "%s/a/b//c", root);
    assert_int_equal(kin_fs_make_dirs(fs, path, &err), KIN_OK);
    assert_int_equal(kin_fs_make_dirs(fs, path, &err), KIN_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(st.st_mode & 077, 0); /* patients' data: the owner's alone */
    snprintf(path, sizeof path, "%s/x/", root);
    assert_int_equal(kin_fs_make_dirs(fs, path, &err), KIN_OK);
    assert_int_equal(stat(in_root("x"), &st), 0);
    assert_int_equal(kin_fs_replace(fs, in_root("file"), "x", 1, &err), KIN_OK);
    snprintf(path, sizeof path, "%s/file/below", root);
    assert_int_equal(kin_fs_make_dirs(fs, path, &err), KIN_E_IO);
    char *longer = malloc(2 * PATH_MAX);
    memset(longer, 'x', 2 * PATH_MAX - 1);
    longer[2 * PATH_MAX - 1] = '\0';
    assert_int_equal(kin_fs_make_dirs(fs, longer, &err), KIN_E_ARG);
    free(longer);
}

static void test_sync_dir(void **state)
{
    kin_error err;
    const kin_fs *fs = kin_fs_posix();
    (void)state;
    assert_int_equal(kin_fs_sync_dir(fs, root, &err), KIN_OK);
    assert_int_equal(kin_fs_sync_dir(fs, in_root("absent"), &err), KIN_E_NOT_FOUND);
    assert_int_equal(kin_fs_replace(fs, in_root("file"), "x", 1, &err), KIN_OK);
    assert_int_equal(kin_fs_sync_dir(fs, in_root("file"), &err), KIN_E_IO);
    assert_int_equal(kin_fs_sync_parent(fs, in_root("file"), &err), KIN_OK);
    assert_int_equal(kin_fs_sync_parent(fs, in_root("not/there"), &err), KIN_E_NOT_FOUND);
    assert_int_equal(kin_fs_sync_parent(fs, "here", &err), KIN_OK);
    assert_int_equal(kin_fs_sync_parent(fs, "/top", &err), KIN_OK);
}

static void test_replace(void **state)
{
    const kin_fs *fs = kin_fs_posix();
    kin_error err;
    (void)state;
    assert_int_equal(kin_fs_replace(fs, in_root("f"), "old", 3, &err), KIN_OK);
    expect_content(in_root("f"), "old");
    assert_int_equal(kin_fs_replace(fs, in_root("f"), "newer", 5, &err), KIN_OK);
    expect_content(in_root("f"), "newer");
    assert_int_equal(kin_fs_replace(fs, in_root("f"), "", 0, &err), KIN_OK);
    expect_content(in_root("f"), "");
    assert_int_equal(files_in(root), 1);
    assert_int_equal(kin_fs_replace(fs, in_root("no/f"), "x", 1, &err), KIN_E_NOT_FOUND);
}

/* Each operation fails once in turn: the file is the old or the new one, whole, and nothing is left
 * over. */
static void test_replace_with_every_operation_failing(void **state)
{
    kin_status status = KIN_E_IO;
    size_t at = 0, kept_old = 0;
    (void)state;
    for (; status != KIN_OK; at++) {
        assert_int_equal(kin_fs_replace(kin_fs_posix(), in_root("f"), "old", 3, NULL), KIN_OK);
        fault_fs *faults = fault_fs_new(root);
        fault_fs_fail_at(faults, at + 1, EIO, 0);
        kin_error err;
        status = kin_fs_replace(fault_fs_borrow(faults), in_root("f"), "newer", 5, &err);
        fault_fs_free(faults);
        assert_true(status == KIN_OK || status == KIN_E_IO);
        assert_int_equal(files_in(root), 1);
        void *bytes;
        size_t size;
        assert_int_equal(kin_fs_read_file(kin_fs_posix(), in_root("f"), 9, &bytes, &size, NULL),
                         KIN_OK);
        bool old = size == 3 && memcmp(bytes, "old", 3) == 0;
        bool new = size == 5 && memcmp(bytes, "newer", 5) == 0;
        assert_true(old || new);
        assert_true(status != KIN_OK || new);
        kept_old += old;
        free(bytes);
    }
    assert_true(kept_old >= 4); /* open, write, sync, rename at least */
}

static void test_replace_on_a_full_disk(void **state)
{
    (void)state;
    assert_int_equal(kin_fs_replace(kin_fs_posix(), in_root("f"), "old", 3, NULL), KIN_OK);
    fault_fs *faults = fault_fs_new(root);
    fault_fs_space(faults, 2);
    assert_int_equal(kin_fs_replace(fault_fs_borrow(faults), in_root("f"), "newer", 5, NULL),
                     KIN_E_FULL);
    fault_fs_free(faults);
    expect_content(in_root("f"), "old");
    assert_int_equal(files_in(root), 1);
}

/* What replace() promises is the old or the new content after a power loss at any moment, and the
 * new one once it has returned. */
static void test_replace_survives_power_loss(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        char into[PATH_MAX], path[PATH_MAX + 8];
        assert_int_equal(kin_fs_replace(kin_fs_posix(), in_root("f"), "old", 3, NULL), KIN_OK);
        fault_fs *faults = fault_fs_new(root);
        assert_int_equal(kin_fs_replace(fault_fs_borrow(faults), in_root("f"), "newer", 5, NULL),
                         KIN_OK);
        temp_folder_make(into);
        fault_fs_power_loss(faults, into, seed);
        fault_fs_free(faults);
        snprintf(path, sizeof path, "%s/f", into);
        expect_content(path, "newer");
        temp_folder_remove(into);
    }
}

static void test_read_file(void **state)
{
    const kin_fs *fs = kin_fs_posix();
    kin_error err;
    void *bytes;
    size_t size;
    (void)state;
    assert_int_equal(kin_fs_replace(fs, in_root("f"), "0123456789", 10, NULL), KIN_OK);
    assert_int_equal(kin_fs_read_file(fs, in_root("f"), 10, &bytes, &size, &err), KIN_OK);
    assert_int_equal(((char *)bytes)[size], '\0');
    free(bytes);
    assert_int_equal(kin_fs_read_file(fs, in_root("f"), 9, &bytes, &size, &err), KIN_E_LIMIT);
    assert_int_equal(kin_fs_read_file(fs, in_root("no"), 9, &bytes, &size, &err), KIN_E_NOT_FOUND);
    assert_int_equal(kin_fs_read_file(fs, root, 9, &bytes, &size, &err), KIN_E_UNSUPPORTED);
    /* Opening a FIFO without a writer would wait for ever. */
    assert_int_equal(mkfifo(in_root("fifo"), 0600), 0);
    assert_int_equal(kin_fs_read_file(fs, in_root("fifo"), 9, &bytes, &size, &err),
                     KIN_E_UNSUPPORTED);
    assert_int_equal(kin_fs_read_file(fs, "/dev/null", 9, &bytes, &size, &err), KIN_E_UNSUPPORTED);
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_short_and_interrupted_calls),
        IN_A_FOLDER(test_early_end),
        IN_A_FOLDER(test_make_dirs),
        IN_A_FOLDER(test_sync_dir),
        IN_A_FOLDER(test_replace),
        IN_A_FOLDER(test_replace_with_every_operation_failing),
        IN_A_FOLDER(test_replace_on_a_full_disk),
        IN_A_FOLDER(test_replace_survives_power_loss),
        IN_A_FOLDER(test_read_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
