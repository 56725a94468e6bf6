/*
 * fs.h - the one way to an archive's files.
 *
 * Store segments, models and index generations are written only through a kin_fs, a table of the
 * few operations that they need.  kin_fs_posix() is the real one; tests put a table of their own in
 * its place to fail the n-th operation, to fill the disk, or to drop what was not synced, as a
 * power failure does (tests/support/fault_fs.h).  LMDB does its own input and output and is not
 * behind it.
 *
 * All operations return 0 or more on success, or -1 with errno set, as the system calls they stand
 * for.  Short writes are possible: callers use kin_fs_write_all().
 */
#ifndef KIN_BASE_FS_H
#define KIN_BASE_FS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_fs kin_fs;
struct kin_fs {
    int (*open)(const kin_fs *fs, const char *path, int flags, mode_t mode);
    int (*close)(const kin_fs *fs, int fd);
    ssize_t (*pread)(const kin_fs *fs, int fd, void *buf, size_t size, off_t at);
    ssize_t (*pwrite)(const kin_fs *fs, int fd, const void *buf, size_t size, off_t at);
    int (*fsync)(const kin_fs *fs, int fd);
    int (*ftruncate)(const kin_fs *fs, int fd, off_t size);
    int (*rename)(const kin_fs *fs, const char *from, const char *to);
    int (*unlink)(const kin_fs *fs, const char *path);
    int (*mkdir)(const kin_fs *fs, const char *path, mode_t mode);
    void *state; /* the table's own, untouched by Kindred */
};

/* The operating system's files.  Static: never freed. */
const kin_fs *kin_fs_posix(void);

/* Writes all of buf at offset `at`, going on after short writes and EINTR. */
kin_status kin_fs_write_all(const kin_fs *fs, int fd, const char *path, const void *buf,
                            size_t size, off_t at, kin_error *err);

/* Reads exactly `size` bytes at `at`; an early end of file is KIN_E_CORRUPT. */
kin_status kin_fs_read_all(const kin_fs *fs, int fd, const char *path, void *buf, size_t size,
                           off_t at, kin_error *err);

/* Makes a directory's entries durable: a created or renamed file survives power loss only after
 * it. */
kin_status kin_fs_sync_dir(const kin_fs *fs, const char *dir, kin_error *err);

/* The same for the folder that `path` lies in. */
kin_status kin_fs_sync_parent(const kin_fs *fs, const char *path, kin_error *err);

/* Makes `dir` and its missing parents, for the owner alone (they hold patients' data); one that
 * exists is fine and keeps its permissions. */
kin_status kin_fs_make_dirs(const kin_fs *fs, const char *dir, kin_error *err);

/* Replaces the file at `path` by buf, atomically and durably: temporary sibling, sync, rename, sync
 * of the directory.  On failure the old content stays and the temporary file is removed; when only
 * the last sync fails, the new content is in place, though a power loss may still undo it. */
kin_status kin_fs_replace(const kin_fs *fs, const char *path, const void *buf, size_t size,
                          kin_error *err);

/* Reads a whole file of at most `limit` bytes into memory from malloc, which the caller frees.  A
 * NUL that *out_size does not count stands behind them, so that a text is one.
 * A larger file is KIN_E_LIMIT; what is not a regular file is KIN_E_UNSUPPORTED. */
kin_status kin_fs_read_file(const kin_fs *fs, const char *path, size_t limit, void **out,
                            size_t *out_size, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
