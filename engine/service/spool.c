#include "service/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"

/* Where the file system cannot make nameless files one with a name is made and unlinked at once. */
static int open_unlinked(const char *dir)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/upload-XXXXXX", dir);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

kin_status kin_spool_begin(kin_spool *spool, const char *dir, uint64_t limit, kin_error *err)
{
    kin_spool_end(spool);
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_unlinked(dir);
    if (fd < 0)
        return kin_fail_errno(err, NULL, "cannot make a file for an upload");
    *spool = (kin_spool){.fd = fd, .limit = limit};
    return KIN_OK;
}

kin_status kin_spool_append(kin_spool *spool, const void *bytes, size_t size, kin_error *err)
{
    if (size > spool->limit - spool->bytes)
        return kin_fail(err, KIN_E_LIMIT, NULL, "the file is larger than %llu bytes",
                        (unsigned long long)spool->limit);
    kin_status status =
        kin_fs_write_all(kin_fs_posix(), spool->fd, NULL, bytes, size, (off_t)spool->bytes, err);
    if (status == KIN_OK)
        spool->bytes += size;
    return status;
}

void kin_spool_end(kin_spool *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    *spool = (kin_spool){.fd = -1};
}
