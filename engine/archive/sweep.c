#include "archive/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Names of files in use: serving and previous, with their ending. */
struct kept {
    char names[2][64];
};

static bool is_kept(const struct kept *kept, const char *name)
{
    return strcmp(kept->names[0], name) == 0 || strcmp(kept->names[1], name) == 0;
}

/* Calls remove_one for each entry of dir that is not kept. */
static kin_status sweep_folder(const kin_fs *fs, const char *dir, const struct kept *kept,
                               kin_status (*remove_one)(const kin_fs *fs, const char *path,
                                                        kin_error *err),
                               kin_error *err)
{
    DIR *open_dir = opendir(dir);
    if (open_dir == NULL)
        return kin_fail_errno(err, dir, "cannot open the folder");
    kin_status status = KIN_OK;
    for (struct dirent *entry; status == KIN_OK && (entry = readdir(open_dir)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.' || (kept != NULL && is_kept(kept, entry->d_name)))
            continue;
        status = kin_archive_path(dir, entry->d_name, "", "", path, err);
        if (status == KIN_OK)
            status = remove_one(fs, path, err);
    }
    closedir(open_dir);
    return status;
}

static kin_status remove_file(const kin_fs *fs, const char *path, kin_error *err)
{
    if (fs->unlink(fs, path) != 0 && errno != ENOENT)
        return kin_fail_errno(err, path, "cannot remove");
    return KIN_OK;
}

static kin_status remove_folder(const kin_fs *fs, const char *path, kin_error *err)
{
    kin_status status = sweep_folder(fs, path, NULL, remove_file, err);
    if (status == KIN_OK && rmdir(path) != 0 && errno != ENOENT)
        status = kin_fail_errno(err, path, "cannot remove the folder");
    return status;
}

static kin_status read_kept(kin_archive *archive, int count, struct kept *models,
                            struct kept *vectors, struct kept *generations, kin_error *err)
{
    static const char *const model_keys[] = {KIN_META_MODEL, KIN_META_PREVIOUS_MODEL};
    static const char *const generation_keys[] = {KIN_META_GENERATION,
                                                  KIN_META_PREVIOUS_GENERATION};
    kin_txn *txn = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    for (int i = 0; status == KIN_OK && i < count; i++) {
        uint64_t generation = 0;
        status = kin_meta_get_text(txn, model_keys[i], vectors->names[i], KIN_EMBED_ID_SIZE, err);
        snprintf(models->names[i], sizeof models->names[i], "%.16s.model", vectors->names[i]);
        if (status == KIN_OK)
            status = kin_meta_get_u64(txn, generation_keys[i], 0, &generation, err);
        snprintf(generations->names[i], sizeof generations->names[i], "%06" PRIu64 ".index",
                 generation);
    }
    kin_txn_end(txn);
    return status;
}

kin_status kin_archive_sweep(kin_archive *archive, bool keep_previous, kin_error *err)
{
    struct kept models = {0}, vectors = {0}, generations = {0};
    char path[PATH_MAX];
    kin_status status =
        read_kept(archive, keep_previous ? 2 : 1, &models, &vectors, &generations, err);
    if (status == KIN_OK)
        status = kin_archive_path(archive->dir, "models", "", "", path, err);
    if (status == KIN_OK)
        status = sweep_folder(archive->fs, path, &models, remove_file, err);
    if (status == KIN_OK)
        status = kin_archive_path(archive->dir, "generations", "", "", path, err);
    if (status == KIN_OK)
        status = sweep_folder(archive->fs, path, &generations, remove_file, err);
    if (status == KIN_OK)
        status = kin_archive_path(archive->dir, "vectors", "", "", path, err);
    if (status == KIN_OK)
        status = sweep_folder(archive->fs, path, &vectors, remove_folder, err);
    return status;
}
