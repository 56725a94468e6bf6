#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "catalog/internal.h"

/* Another process may grow the map between our taking it over and LMDB's own transaction. */
enum { COPY_ATTEMPTS = 16, DATABASE_MODE = 0666 };

static kin_status check_empty(const char *dir, kin_error *err)
{
    const struct dirent *entry;
    bool empty = true;
    DIR *folder = opendir(dir);
    if (folder == NULL)
        return kin_fail_errno(err, dir, "cannot open the folder for the backup");
    while (empty && (entry = readdir(folder)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(folder);
    return empty ? KIN_OK
                 : kin_fail(err, KIN_E_EXISTS, dir, "the folder for the backup is not empty");
}

/* LMDB's copier begins a transaction of its own.  Ours, around it, keeps the map as it is. */
static kin_status copy_once(kin_catalog *catalog, int fd, int *rc, kin_error *err)
{
    kin_txn txn;
    kin_status status = kin_txn_begin(catalog, false, &txn, err);
    if (status != KIN_OK)
        return status;
    *rc = mdb_env_copyfd2(catalog->env, fd, 0);
    kin_txn_abandon(&txn);
    return KIN_OK;
}

static kin_status copy_into(kin_catalog *catalog, int fd, const char *dir, kin_error *err)
{
    int rc = 0;
    for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
        kin_status status = copy_once(catalog, fd, &rc, err);
        if (status != KIN_OK)
            return status;
        if (rc == 0 && fsync(fd) != 0)
            return kin_fail_errno(err, dir, "cannot sync the backup");
        if (rc != MDB_MAP_RESIZED)
            break;
        if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
            return kin_fail_errno(err, dir, "cannot begin the backup anew");
    }
    return rc == 0 ? KIN_OK : kin_fail_lmdb(err, rc, dir, "cannot copy the catalog");
}

kin_status kin_catalog_backup(kin_catalog *catalog, const char *dir, kin_error *err)
{
    char path[PATH_MAX];
    /* LMDB's copier takes the write lock for a moment, and would wait for this very thread. */
    if (kin_gate_thread_is_writing(catalog))
        return kin_fail(err, KIN_E_ARG, NULL, "a body cannot back its catalog up");
    kin_status status = check_empty(dir, err);
    if (status != KIN_OK)
        return status;
    if (snprintf(path, sizeof path, "%s/data.mdb", dir) >= (int)sizeof path)
        return kin_fail(err, KIN_E_ARG, dir, "path is too long");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, DATABASE_MODE);
    if (fd < 0)
        return kin_fail_errno(err, path, "cannot create the backup");
    status = copy_into(catalog, fd, dir, err);
    if (close(fd) != 0 && status == KIN_OK)
        status = kin_fail_errno(err, path, "cannot close the backup");
    if (status == KIN_OK)
        status = kin_fs_sync_dir(kin_fs_posix(), dir, err);
    if (status != KIN_OK)
        unlink(path);
    return status;
}
