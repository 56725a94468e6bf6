#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"

static int posix_open(const kin_fs *fs, const char *path, int flags, mode_t mode)
{
    (void)fs;
    return open(path, flags | O_CLOEXEC, mode);
}

static int posix_close(const kin_fs *fs, int fd)
{
    (void)fs;
    return close(fd);
}

static ssize_t posix_pread(const kin_fs *fs, int fd, void *buf, size_t size, off_t at)
{
    (void)fs;
    return pread(fd, buf, size, at);
}

static ssize_t posix_pwrite(const kin_fs *fs, int fd, const void *buf, size_t size, off_t at)
{
    (void)fs;
    return pwrite(fd, buf, size, at);
}

static int posix_fsync(const kin_fs *fs, int fd)
{
    (void)fs;
    return fsync(fd);
}

static int posix_ftruncate(const kin_fs *fs, int fd, off_t size)
{
    (void)fs;
    return ftruncate(fd, size);
}

static int posix_rename(const kin_fs *fs, const char *from, const char *to)
{
    (void)fs;
    return rename(from, to);
}

static int posix_unlink(const kin_fs *fs, const char *path)
{
    (void)fs;
    return unlink(path);
}

static int posix_mkdir(const kin_fs *fs, const char *path, mode_t mode)
{
    (void)fs;
    return mkdir(path, mode);
}

const kin_fs *kin_fs_posix(void)
{
    static const kin_fs posix = {
        .open = posix_open,
        .close = posix_close,
        .pread = posix_pread,
        .pwrite = posix_pwrite,
        .fsync = posix_fsync,
        .ftruncate = posix_ftruncate,
        .rename = posix_rename,
        .unlink = posix_unlink,
        .mkdir = posix_mkdir,
        .state = NULL,
    };
    return &posix;
}

kin_status kin_fs_write_all(const kin_fs *fs, int fd, const char *path, const void *buf,
                            size_t size, off_t at, kin_error *err)
{
    const char *from = buf;
    while (size > 0) {
        ssize_t wrote = fs->pwrite(fs, fd, from, size, at);
        if (wrote < 0) {
            if (errno == EINTR)
                continue;
            return kin_fail_errno(err, path, "cannot write");
        }
        if (wrote == 0) /* no system promises that trying again would help */
            return kin_fail(err, KIN_E_IO, path, "cannot write: nothing more is taken");
        from += wrote;
        at += wrote;
        size -= (size_t)wrote;
    }
    return KIN_OK;
}

kin_status kin_fs_read_all(const kin_fs *fs, int fd, const char *path, void *buf, size_t size,
                           off_t at, kin_error *err)
{
    char *to = buf;
    while (size > 0) {
        ssize_t got = fs->pread(fs, fd, to, size, at);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return kin_fail_errno(err, path, "cannot read");
        }
        if (got == 0)
            return kin_fail(err, KIN_E_CORRUPT, path, "file ends early: %zu bytes are missing",
                            size);
        to += got;
        at += got;
        size -= (size_t)got;
    }
    return KIN_OK;
}

kin_status kin_fs_sync_dir(const kin_fs *fs, const char *dir, kin_error *err)
{
    int fd = fs->open(fs, dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return kin_fail_errno(err, dir, "cannot open the folder to sync it");
    kin_status status = KIN_OK;
    if (fs->fsync(fs, fd) != 0)
        status = kin_fail_errno(err, dir, "cannot sync the folder");
    fs->close(fs, fd);
    return status;
}

kin_status kin_fs_make_dirs(const kin_fs *fs, const char *dir, kin_error *err)
{
    char path[PATH_MAX];
    if (dir[0] == '\0' || snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
        return kin_fail(err, KIN_E_ARG, dir, "path is empty or too long");
    for (char *slash = path + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        char kept = *slash;
        *slash = '\0';
        if (fs->mkdir(fs, path, 0700) != 0 && errno != EEXIST)
            return kin_fail_errno(err, path, "cannot make the folder");
        if (kept == '\0')
            return KIN_OK;
        *slash = kept;
    }
}

kin_status kin_fs_sync_parent(const kin_fs *fs, const char *path, kin_error *err)
{
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s", path);
    size_t length = strlen(dir);
    while (length > 1 && dir[length - 1] == '/')
        dir[--length] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash == NULL)
        snprintf(dir, sizeof dir, ".");
    else
        slash[slash == dir ? 1 : 0] = '\0';
    return kin_fs_sync_dir(fs, dir, err);
}

kin_status kin_fs_replace(const kin_fs *fs, const char *path, const void *buf, size_t size,
                          kin_error *err)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.tmp%ld", path, (long)getpid()) >=
        (int)sizeof temporary)
        return kin_fail(err, KIN_E_ARG, path, "path is too long");
    int fd = fs->open(fs, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        return kin_fail_errno(err, temporary, "cannot create");
    kin_status status = kin_fs_write_all(fs, fd, temporary, buf, size, 0, err);
    if (status == KIN_OK && fs->fsync(fs, fd) != 0)
        status = kin_fail_errno(err, temporary, "cannot sync");
    if (fs->close(fs, fd) != 0 && status == KIN_OK)
        status = kin_fail_errno(err, temporary, "cannot close");
    if (status == KIN_OK && fs->rename(fs, temporary, path) != 0)
        status = kin_fail_errno(err, path, "cannot rename into place");
    if (status != KIN_OK) {
        fs->unlink(fs, temporary);
        return status;
    }
    return kin_fs_sync_parent(fs, path, err);
}

kin_status kin_fs_read_file(const kin_fs *fs, const char *path, size_t limit, void **out,
                            size_t *out_size, kin_error *err)
{
    kin_status status = KIN_OK;
    void *bytes = NULL;
    struct stat st;
    /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
    int fd = fs->open(fs, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return kin_fail_errno(err, path, "cannot open");
    if (fstat(fd, &st) != 0) {
        status = kin_fail_errno(err, path, "cannot stat");
    } else if (!S_ISREG(st.st_mode)) {
        status = kin_fail(err, KIN_E_UNSUPPORTED, path, "not a regular file");
    } else if ((uintmax_t)st.st_size > limit) {
        status = kin_fail(err, KIN_E_LIMIT, path, "file of %jd bytes is over the limit of %zu",
                          (intmax_t)st.st_size, limit);
    } else {
        size_t size = (size_t)st.st_size;
        size_t room;
        bytes = kin_add_size(size, 1, &room) ? malloc(room) : NULL;
        if (bytes == NULL)
            status = kin_fail(err, KIN_E_NOMEM, path, "no memory for %zu bytes", size);
        else
            status = kin_fs_read_all(fs, fd, path, bytes, size, 0, err);
        if (status == KIN_OK)
            ((char *)bytes)[size] = '\0';
        *out_size = size;
    }
    fs->close(fs, fd);
    if (status != KIN_OK) {
        free(bytes);
        return status;
    }
    *out = bytes;
    return KIN_OK;
}
