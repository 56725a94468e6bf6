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

/* What lies in the archive's folders and is to stay. */
struct all_kept {
    struct kept models, vectors, descriptors, generations;
};

static kin_status read_names(kin_txn *txn, int i, struct all_kept *kept, kin_error *err)
{
    static const char *const model_keys[] = {KIN_META_MODEL, KIN_META_PREVIOUS_MODEL};
    static const char *const descriptor_keys[] = {KIN_META_DESCRIPTORS,
                                                  KIN_META_PREVIOUS_DESCRIPTORS};
    static const char *const generation_keys[] = {KIN_META_GENERATION,
                                                  KIN_META_PREVIOUS_GENERATION};
    char model[KIN_EMBED_ID_SIZE] = "";
    uint64_t generation = 0;
    kin_status status = kin_meta_get_text(txn, model_keys[i], model, sizeof model, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, descriptor_keys[i], kept->descriptors.names[i],
                                   KIN_SET_NAME_SIZE, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(txn, generation_keys[i], 0, &generation, err);
    snprintf(kept->vectors.names[i], sizeof kept->vectors.names[i], "%s", model);
    snprintf(kept->models.names[i], sizeof kept->models.names[i], "%s.model", model);
    snprintf(kept->generations.names[i], sizeof kept->generations.names[i], "%06" PRIu64 ".index",
             generation);
    return status;
}

static kin_status read_kept(kin_archive *archive, int count, struct all_kept *kept, kin_error *err)
{
    kin_txn *txn = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    for (int i = 0; status == KIN_OK && i < count; i++)
        status = read_names(txn, i, kept, err);
    kin_txn_end(txn);
    return status;
}

kin_status kin_archive_sweep(kin_archive *archive, bool keep_previous, kin_error *err)
{
    struct all_kept kept = {0};
    const struct {
        const char *folder;
        const struct kept *kept;
        kin_status (*remove_one)(const kin_fs *fs, const char *path, kin_error *err);
    } folders[] = {
        {"models", &kept.models, remove_file},
        {"generations", &kept.generations, remove_file},
        {"vectors", &kept.vectors, remove_folder},
        {"descriptors", &kept.descriptors, remove_folder},
    };
    kin_status status = read_kept(archive, keep_previous ? 2 : 1, &kept, err);
    for (size_t i = 0; status == KIN_OK && i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_MAX];
        status = kin_archive_path(archive->dir, folders[i].folder, "", "", path, err);
        if (status == KIN_OK)
            status = sweep_folder(archive->fs, path, folders[i].kept, folders[i].remove_one, err);
    }
    return status;
}
