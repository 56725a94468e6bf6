/*
 * backup.c - a consistent copy while others write.
 *
 * The catalog is copied first, from one snapshot; the copy names the rows, the model and the
 * generation.  Committed rows never change, so their files can be copied afterwards at leisure, up
 * to those rows.  The reindex lock, shared, keeps model and generation in place meanwhile.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/internal.h"
#include "archive/networks.h"

enum { COPY_BYTES = 1 << 20 };

static kin_status copy_contents(const kin_fs *fs, int from, int to, const char *source,
                                const char *target, char *buf, kin_error *err)
{
    off_t at = 0;
    for (;;) {
        ssize_t got = fs->pread(fs, from, buf, COPY_BYTES, at);
        if (got < 0)
            return kin_fail_errno(err, source, "cannot read");
        if (got == 0)
            break;
        kin_status status = kin_fs_write_all(fs, to, target, buf, (size_t)got, at, err);
        if (status != KIN_OK)
            return status;
        at += got;
    }
    return fs->fsync(fs, to) == 0 ? KIN_OK : kin_fail_errno(err, target, "cannot sync");
}

static kin_status copy_file(const kin_fs *fs, const char *source, const char *target,
                            kin_error *err)
{
    kin_status status = KIN_OK;
    int to = -1;
    char *buf = malloc(COPY_BYTES);
    int from = fs->open(fs, source, O_RDONLY, 0);
    if (from < 0)
        status = kin_fail_errno(err, source, "cannot open");
    else if (buf == NULL)
        status = kin_fail(err, KIN_E_NOMEM, source, "no memory to copy");
    else if ((to = fs->open(fs, target, O_WRONLY | O_CREAT | O_EXCL, 0666)) < 0)
        status = kin_fail_errno(err, target, "cannot create");
    else
        status = copy_contents(fs, from, to, source, target, buf, err);
    if (to >= 0 && fs->close(fs, to) != 0 && status == KIN_OK)
        status = kin_fail_errno(err, target, "cannot close");
    if (from >= 0)
        fs->close(fs, from);
    free(buf);
    return status;
}

/* Copies the segments that rows [0, rows) lie in, then cuts the copy to them. */
static kin_status copy_segments(const kin_fs *fs, const char *from, const char *to, const char *tag,
                                const kin_codec *codec, size_t length, uint64_t rows,
                                kin_error *err)
{
    kin_segments *copy = NULL;
    kin_status status = kin_fs_make_dirs(fs, to, err);
    for (uint64_t segment = 0; status == KIN_OK && segment * KIN_SEGMENT_ROWS < rows; segment++) {
        char name[32], source[PATH_MAX], target[PATH_MAX];
        snprintf(name, sizeof name, "%06" PRIu64, segment);
        status = kin_archive_path(from, name, "", ".seg", source, err);
        if (status == KIN_OK)
            status = kin_archive_path(to, name, "", ".seg", target, err);
        if (status == KIN_OK)
            status = copy_file(fs, source, target, err);
    }
    if (status == KIN_OK)
        status = kin_segments_open(fs, to, tag, codec, length, true, &copy, err);
    if (status == KIN_OK)
        status = kin_segments_trim(copy, rows, err);
    if (status == KIN_OK)
        status = kin_segments_sync(copy, err);
    kin_segments_close(copy);
    return status == KIN_OK ? kin_fs_sync_dir(fs, to, err) : status;
}

/* The files that the copied catalog names, from archive to the same places under dest. */
static kin_status copy_files(kin_archive *archive, const char *dest, kin_txn *txn, kin_error *err)
{
    const kin_fs *fs = archive->fs;
    char descriptors[KIN_SET_NAME_SIZE], model[KIN_EMBED_ID_SIZE], from[PATH_MAX], to[PATH_MAX],
        name[32];
    uint64_t rows = 0, generation = 0;
    kin_status status = kin_meta_get_text(txn, KIN_META_MODEL, model, sizeof model, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, KIN_META_DESCRIPTORS, descriptors, sizeof descriptors, err);
    if (status == KIN_OK)
        status = kin_catalog_rows(txn, &rows, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(txn, KIN_META_GENERATION, 0, &generation, err);
    if (status == KIN_OK)
        status = kin_path_of_model(archive, model, from, err);
    if (status == KIN_OK)
        status = kin_archive_path(dest, "models", model, ".model", to, err);
    if (status == KIN_OK)
        status = copy_file(fs, from, to, err);
    snprintf(name, sizeof name, "%06" PRIu64, generation);
    if (status == KIN_OK && generation > 0) {
        status = kin_path_of_generation(archive, generation, from, err);
        if (status == KIN_OK)
            status = kin_archive_path(dest, "generations", name, ".index", to, err);
        if (status == KIN_OK)
            status = copy_file(fs, from, to, err);
    }
    if (status == KIN_OK)
        status = kin_path_of_vectors(archive, model, from, err);
    if (status == KIN_OK)
        status = kin_archive_path(dest, "vectors", model, "", to, err);
    if (status == KIN_OK)
        status = copy_segments(fs, from, to, model, archive->codec, archive->dim, rows, err);
    if (status == KIN_OK)
        status = kin_path_of_descriptors(archive, descriptors, from, err);
    if (status == KIN_OK)
        status = kin_archive_path(dest, "descriptors", descriptors, "", to, err);
    if (status == KIN_OK)
        status = copy_segments(fs, from, to, archive->layout_tag, kin_codec_fp32,
                               archive->features.length, rows, err);
    return status;
}

static kin_status copy_all(kin_archive *archive, const char *dest, kin_error *err)
{
    char path[PATH_MAX];
    kin_catalog *copy = NULL;
    kin_txn *txn = NULL;
    kin_status status = kin_archive_path(dest, "catalog", "", "", path, err);
    if (status == KIN_OK)
        status = kin_catalog_backup(archive->catalog, path, err);
    if (status == KIN_OK)
        status = kin_catalog_open(path, false, &copy, err);
    if (status == KIN_OK)
        status = kin_catalog_read(copy, &txn, err);
    if (status == KIN_OK) {
        status = copy_files(archive, dest, txn, err);
        kin_txn_end(txn);
    }
    kin_catalog_close(copy);
    return status;
}

kin_status kin_archive_backup(kin_archive *archive, const char *dest, kin_error *err)
{
    int lock = -1;
    kin_status status = kin_archive_require_empty(dest, err);
    if (status == KIN_OK)
        status = kin_archive_make_folders(archive->fs, dest, err);
    if (status == KIN_OK)
        status = kin_reindex_lock(archive, false, true, &lock, err);
    if (status != KIN_OK)
        return status;
    status = copy_all(archive, dest, err);
    if (status == KIN_OK)
        status = kin_networks_copy(archive, dest, err);
    if (status == KIN_OK)
        status = kin_fs_sync_dir(archive->fs, dest, err);
    close(lock);
    return status;
}
