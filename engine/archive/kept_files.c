#include "archive/kept_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/upload.h"

enum {
    FIRST_FILES = 16,
    SHARE = 2 /* of the process's descriptors, files may take one part in … */
};

/* The lowest free number goes to a new descriptor: it tells how many the whole process has. */
static bool is_crowded(int fd)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           (rlim_t)fd >= limit.rlim_cur / SHARE;
}

static bool grow(kin_kept_files *kept)
{
    if (kept->count < kept->capacity)
        return true;
    size_t capacity = kept->capacity > 0 ? kept->capacity * 2 : FIRST_FILES;
    kin_kept_file *larger = reallocarray(kept->files, capacity, sizeof *larger);
    if (larger == NULL)
        return false;
    kept->files = larger;
    kept->capacity = capacity;
    return true;
}

static const kin_kept_file *find(const kin_kept_files *kept, kin_digest digest)
{
    for (size_t i = kept->count; i > 0; i--) /* what came last is asked for first, most likely */
        if (kin_digest_equal(kept->files[i - 1].digest, digest))
            return &kept->files[i - 1];
    return NULL;
}

void kin_kept_files_add(kin_kept_files *kept, kin_digest digest, int fd)
{
    struct stat st;
    if (find(kept, digest) != NULL || fstat(fd, &st) != 0 ||
        (uint64_t)st.st_size > KIN_UPLOAD_KEPT_BYTES - kept->bytes || !grow(kept))
        return;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0 && is_crowded(copy)) {
        close(copy);
        return;
    }
    if (copy < 0)
        return;
    kept->files[kept->count++] = (kin_kept_file){digest, copy};
    kept->bytes += (uint64_t)st.st_size;
}

bool kin_kept_files_open(const kin_kept_files *kept, kin_digest digest, int *fd)
{
    const kin_kept_file *file = find(kept, digest);
    if (file != NULL)
        *fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    return file != NULL && *fd >= 0;
}

void kin_kept_files_release(kin_kept_files *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        close(kept->files[i].fd);
    free(kept->files);
    memset(kept, 0, sizeof *kept);
}
