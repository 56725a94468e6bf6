#include "decode/source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "folder";
    case S_IFIFO:
        return "FIFO";
    case S_IFSOCK:
        return "socket";
    case S_IFCHR:
    case S_IFBLK:
        return "device";
    default:
        return "special file";
    }
}

static kin_status not_regular(mode_t mode, kin_error *err)
{
    return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "not a regular file (%s)", kind_of(mode));
}

static kin_status check_size(size_t size, size_t max_bytes, kin_error *err)
{
    if (size <= max_bytes)
        return KIN_OK;
    return kin_fail(err, KIN_E_LIMIT, NULL, "%zu bytes are over the limit of %zu", size, max_bytes);
}

/* The open file must be a regular one of at most max_bytes. */
static kin_status check_file(int fd, size_t max_bytes, kin_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return kin_fail_errno(err, NULL, "cannot stat");
    if (!S_ISREG(st.st_mode))
        return not_regular(st.st_mode, err);
    return check_size((size_t)st.st_size, max_bytes, err);
}

kin_status kin_source_open(const char *path, size_t max_bytes, int *fd, kin_error *err)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0) {
        int reason = errno;
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a socket, for one, cannot be opened */
            return not_regular(st.st_mode, err);
        errno = reason;
        return kin_fail_errno(err, NULL, "cannot open");
    }
    kin_status status = check_file(*fd, max_bytes, err);
    if (status != KIN_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

kin_status kin_source_from_fd(int fd, size_t max_bytes, int *source, kin_error *err)
{
    char path[64];
    *source = -1;
    if (fcntl(fd, F_GETFD) < 0)
        return kin_fail(err, KIN_E_ARG, NULL, "descriptor %d is not open", fd);
    /* Before it is opened: to open a device or a FIFO may do something. */
    kin_status status = check_file(fd, max_bytes, err);
    if (status != KIN_OK)
        return status;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    *source = open(path, O_RDONLY | O_CLOEXEC);
    return *source >= 0 ? KIN_OK : kin_fail_errno(err, NULL, "cannot open for reading");
}

kin_status kin_source_from_bytes(const void *bytes, size_t size, size_t max_bytes, int *fd,
                                 kin_error *err)
{
    *fd = -1;
    kin_status status = check_size(size, max_bytes, err);
    if (status != KIN_OK)
        return status;
    *fd = memfd_create("kindred", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return kin_fail_errno(err, NULL, "cannot make a file in memory");
    status = kin_fs_write_all(kin_fs_posix(), *fd, NULL, bytes, size, 0, err);
    if (status == KIN_OK &&
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        status = kin_fail_errno(err, NULL, "cannot seal a file in memory");
    if (status != KIN_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}
