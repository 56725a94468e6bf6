#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "archive/internal.h"

kin_status kin_archive_path(const char *dir, const char *folder, const char *name,
                            const char *ending, char buf[PATH_MAX], kin_error *err)
{
    int length = snprintf(buf, PATH_MAX, "%s/%s%s%s%s", dir, folder, name[0] != '\0' ? "/" : "",
                          name, ending);
    if (length < 0 || length >= PATH_MAX)
        return kin_fail(err, KIN_E_ARG, dir, "path is too long");
    return KIN_OK;
}

kin_status kin_path_of_model(const kin_archive *archive, const char *model, char buf[PATH_MAX],
                             kin_error *err)
{
    return kin_archive_path(archive->dir, "models", model, ".model", buf, err);
}

kin_status kin_path_of_descriptors(const kin_archive *archive, const char *name, char buf[PATH_MAX],
                                   kin_error *err)
{
    return kin_archive_path(archive->dir, "descriptors", name, "", buf, err);
}

kin_status kin_path_of_vectors(const kin_archive *archive, const char *model, char buf[PATH_MAX],
                               kin_error *err)
{
    return kin_archive_path(archive->dir, "vectors", model, "", buf, err);
}

kin_status kin_path_of_generation(const kin_archive *archive, uint64_t generation,
                                  char buf[PATH_MAX], kin_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "%06" PRIu64, generation);
    return kin_archive_path(archive->dir, "generations", name, ".index", buf, err);
}

kin_status kin_reindex_lock(const kin_archive *archive, bool alone, bool wait, int *fd,
                            kin_error *err)
{
    char path[PATH_MAX];
    kin_status status = kin_archive_path(archive->dir, "reindex.lock", "", "", path, err);
    if (status != KIN_OK)
        return status;
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0)
        return kin_fail_errno(err, path, "cannot open the lock");
    int operation = (alone ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);
    while (flock(lock, operation) != 0) {
        if (errno == EINTR)
            continue;
        status = errno == EWOULDBLOCK ? kin_fail(err, KIN_E_BUSY, archive->dir,
                                                 "a reindex or a backup of this archive is running")
                                      : kin_fail_errno(err, path, "cannot lock");
        close(lock);
        return status;
    }
    *fd = lock;
    return KIN_OK;
}
