/* open.c - the life of an archive: made, opened, closed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/internal.h"

/* In the folder of an archive whose making is not over: one that was cut off may be begun again. */
#define UNFINISHED "unfinished"

kin_status kin_archive_require_empty(const char *dir, kin_error *err)
{
    DIR *open_dir = opendir(dir);
    if (open_dir == NULL)
        return errno == ENOENT ? KIN_OK : kin_fail_errno(err, dir, "cannot open the folder");
    kin_status status = KIN_OK;
    for (struct dirent *entry; status == KIN_OK && (entry = readdir(open_dir)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = kin_fail(err, KIN_E_EXISTS, dir, "the folder is not empty");
    closedir(open_dir);
    return status;
}

/* The signature, digested to fit a segment's tag. */
static void layout_tag(char tag[KIN_LAYOUT_TAG_SIZE])
{
    char signature[KIN_LAYOUT_SIGNATURE_SIZE];
    kin_descriptor_signature(signature);
    kin_digest digest = kin_digest_of(signature, strlen(signature));
    snprintf(tag, KIN_LAYOUT_TAG_SIZE, "%016llx", (unsigned long long)digest.low);
}

struct first_settings {
    const char *model;
    const kin_codec *codec;
    size_t dim;
};

static kin_status write_first_settings(kin_txn *txn, void *ctx, kin_error *err)
{
    const struct first_settings *first = ctx;
    char signature[KIN_LAYOUT_SIGNATURE_SIZE], model[KIN_EMBED_ID_SIZE];
    kin_descriptor_signature(signature);
    kin_status status = kin_meta_get_text(txn, KIN_META_MODEL, model, sizeof model, err);
    if (status == KIN_OK && model[0] != '\0')
        status = kin_fail(err, KIN_E_EXISTS, NULL, "there is an archive already");
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_LAYOUT, signature, err);
    if (status == KIN_OK)
        status = kin_meta_set_u64(txn, KIN_META_DIM, first->dim, err);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_CODEC, kin_codec_name_borrow(first->codec), err);
    if (status == KIN_OK)
        status = kin_meta_set_u64(txn, KIN_META_GENERATION, 0, err);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_DESCRIPTORS, "d000000", err);
    /* The model last: an archive is one once its catalog names a model. */
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_MODEL, first->model, err);
    return status;
}

kin_status kin_archive_make_folders(const kin_fs *fs, const char *dir, kin_error *err)
{
    static const char *const folders[] = {"catalog", "descriptors", "vectors", "models",
                                          "generations"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_MAX];
        kin_status status = kin_archive_path(dir, folders[i], "", "", path, err);
        if (status == KIN_OK)
            status = kin_fs_make_dirs(fs, path, err);
        if (status != KIN_OK)
            return status;
    }
    return kin_fs_sync_dir(fs, dir, err);
}

/* Makes the folder and holds it alone: of two programs that make an archive in it at once, one waits
 * and finds the other's. */
static kin_status hold_folder(const kin_fs *fs, const char *dir, int *fd, kin_error *err)
{
    kin_status status = kin_fs_make_dirs(fs, dir, err);
    if (status != KIN_OK)
        return status;
    int held = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (held < 0)
        return kin_fail_errno(err, dir, "cannot open the folder");
    while (flock(held, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        status = kin_fail_errno(err, dir, "cannot lock the folder");
        close(held);
        return status;
    }
    *fd = held;
    return KIN_OK;
}

/* Marks the folder, which must be empty or hold what a making before left when it was cut off. */
static kin_status begin_making(const kin_fs *fs, const char *dir, const char *mark, kin_error *err)
{
    struct stat st;
    kin_status status = stat(mark, &st) == 0 ? KIN_OK : kin_archive_require_empty(dir, err);
    return status == KIN_OK ? kin_fs_replace(fs, mark, "", 0, err) : status;
}

static kin_status end_making(const kin_fs *fs, const char *dir, const char *mark, kin_error *err)
{
    if (fs->unlink(fs, mark) != 0)
        return kin_fail_errno(err, mark, "cannot remove");
    return kin_fs_sync_dir(fs, dir, err);
}

kin_status kin_archive_init(const kin_fs *fs, const char *dir, size_t dim, const char *codec,
                            kin_error *err)
{
    char signature[KIN_LAYOUT_SIGNATURE_SIZE], path[PATH_MAX], mark[PATH_MAX];
    kin_embedder *embedder = NULL;
    kin_catalog *catalog = NULL;
    const kin_codec *kept = codec != NULL ? kin_codec_named(codec) : kin_codec_fp32;
    int lock = -1;

    if (kept == NULL)
        return kin_fail(err, KIN_E_ARG, codec, "vectors are kept as fp32, fp16 or int8");
    kin_descriptor_signature(signature);
    kin_status status = hold_folder(fs, dir, &lock, err);
    if (status == KIN_OK)
        status = kin_archive_path(dir, UNFINISHED, "", "", mark, err);
    if (status == KIN_OK)
        status = begin_making(fs, dir, mark, err);
    if (status == KIN_OK)
        status = kin_archive_make_folders(fs, dir, err);
    if (status == KIN_OK)
        status = kin_embedder_bootstrap(signature, kin_descriptor_length(), dim, &embedder, err);
    if (status == KIN_OK)
        status =
            kin_archive_path(dir, "models", kin_embedder_id_borrow(embedder), ".model", path, err);
    if (status == KIN_OK)
        status = kin_embedder_save(embedder, fs, path, err);
    if (status == KIN_OK)
        status = kin_archive_path(dir, "catalog", "", "", path, err);
    if (status == KIN_OK)
        status = kin_catalog_open(path, true, &catalog, err);
    if (status == KIN_OK) {
        struct first_settings first = {kin_embedder_id_borrow(embedder), kept,
                                       kin_embedder_dim(embedder)};
        status = kin_catalog_write(catalog, write_first_settings, &first, err);
    }
    kin_catalog_close(catalog);
    kin_embedder_free(embedder);
    if (status == KIN_OK)
        status = end_making(fs, dir, mark, err);
    if (lock >= 0)
        close(lock);
    return status;
}

/* Reads what must hold before anything else is believed: the layout and the dimension. */
static kin_status read_settings(kin_archive *archive, kin_error *err)
{
    kin_txn *txn = NULL;
    char stored[KIN_LAYOUT_SIGNATURE_SIZE], ours[KIN_LAYOUT_SIGNATURE_SIZE];
    char codec[2 * KIN_CODEC_NAME_SIZE];
    uint64_t dim = 0;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_meta_get_text(txn, KIN_META_LAYOUT, stored, sizeof stored, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(txn, KIN_META_DIM, 0, &dim, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, KIN_META_CODEC, codec, sizeof codec, err);
    kin_txn_end(txn);
    if (status != KIN_OK)
        return status;
    kin_descriptor_signature(ours);
    if (stored[0] == '\0' || dim == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, archive->dir,
                        "no archive here (its making was cut off)");
    if (strcmp(stored, ours) != 0)
        return kin_fail(
            err, KIN_E_UNSUPPORTED, archive->dir,
            "the archive's descriptors have another layout than this program's: ingest anew");
    archive->codec = codec[0] != '\0' ? kin_codec_named(codec) : kin_codec_fp32;
    if (archive->codec == NULL)
        return kin_fail(err, KIN_E_UNSUPPORTED, archive->dir,
                        "the archive keeps its vectors in a way that this program does not know");
    archive->dim = (size_t)dim;
    archive->descriptor_length = kin_descriptor_length();
    layout_tag(archive->layout_tag);
    return KIN_OK;
}

kin_status kin_archive_open(const kin_fs *fs, const char *dir, kin_archive **out, kin_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    kin_archive *archive = calloc(1, sizeof *archive);
    if (archive == NULL)
        return kin_fail(err, KIN_E_NOMEM, dir, "no memory to open the archive");
    archive->fs = fs;
    pthread_mutex_init(&archive->state_lock, NULL);
    pthread_cond_init(&archive->state_changed, NULL);
    kin_status status = KIN_OK;
    if (snprintf(archive->dir, sizeof archive->dir, "%s", dir) >= (int)sizeof archive->dir)
        status = kin_fail(err, KIN_E_ARG, dir, "path is too long");
    if (status == KIN_OK)
        status = kin_archive_path(dir, "catalog", "data.mdb", "", path, err);
    if (status == KIN_OK && stat(path, &st) != 0)
        status = errno == ENOENT ? kin_fail(err, KIN_E_NOT_FOUND, dir,
                                            "no archive here (`kindred init` makes one)")
                                 : kin_fail_errno(err, dir, "cannot open the archive");
    if (status == KIN_OK)
        status = kin_archive_path(dir, "catalog", "", "", path, err);
    if (status == KIN_OK)
        status = kin_catalog_open(path, false, &archive->catalog, err);
    if (status == KIN_OK)
        status = read_settings(archive, err);
    if (status != KIN_OK) {
        kin_archive_close(archive);
        return status;
    }
    *out = archive;
    return KIN_OK;
}

void kin_archive_close(kin_archive *archive)
{
    if (archive == NULL)
        return;
    kin_state_return(archive->state);
    kin_catalog_close(archive->catalog);
    pthread_cond_destroy(&archive->state_changed);
    pthread_mutex_destroy(&archive->state_lock);
    free(archive);
}

kin_status kin_archive_open_or_make(const kin_fs *fs, const char *dir, kin_archive **out,
                                    bool *made, kin_error *err)
{
    if (made != NULL)
        *made = false;
    kin_status status = kin_archive_open(fs, dir, out, err);
    if (status != KIN_E_NOT_FOUND)
        return status;
    status = kin_archive_init(fs, dir, 0, NULL, err);
    if (status == KIN_OK) {
        if (made != NULL)
            *made = true;
        return kin_archive_open(fs, dir, out, err);
    }
    /* Whoever else made it in between made it for us, too. */
    if (status == KIN_E_EXISTS && kin_archive_open(fs, dir, out, NULL) == KIN_OK)
        return KIN_OK;
    return status;
}
