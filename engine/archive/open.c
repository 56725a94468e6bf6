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
#include "archive/networks.h"

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

/* A signature, digested to fit a segment's tag. */
static void layout_tag(const char *signature, char tag[KIN_LAYOUT_TAG_SIZE])
{
    kin_digest digest = kin_digest_of(signature, strlen(signature));
    snprintf(tag, KIN_LAYOUT_TAG_SIZE, "%016llx", (unsigned long long)digest.low);
}

struct first_settings {
    const char *model, *signature;
    const kin_codec *codec;
    size_t dim;
};

static kin_status write_first_settings(kin_txn *txn, void *ctx, kin_error *err)
{
    const struct first_settings *first = ctx;
    char model[KIN_EMBED_ID_SIZE];
    kin_status status = kin_meta_get_text(txn, KIN_META_MODEL, model, sizeof model, err);
    if (status == KIN_OK && model[0] != '\0')
        status = kin_fail(err, KIN_E_EXISTS, NULL, "there is an archive already");
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_LAYOUT, first->signature, err);
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

/* Saves the model that serves until there is something to learn from. */
static kin_status make_first_model(const kin_fs *fs, const char *dir,
                                   const kin_extractor *extractor, size_t dim, kin_embedder **out,
                                   kin_error *err)
{
    char path[PATH_MAX];
    kin_status status = kin_embedder_bootstrap(kin_extractor_signature_borrow(extractor),
                                               kin_extractor_length(extractor), dim, out, err);
    if (status == KIN_OK)
        status = kin_archive_path(dir, "models", kin_embedder_id_borrow(*out), ".model", path, err);
    return status == KIN_OK ? kin_embedder_save(*out, fs, path, err) : status;
}

static kin_status make_catalog(const char *dir, const struct first_settings *first, kin_error *err)
{
    char path[PATH_MAX];
    kin_catalog *catalog = NULL;
    kin_status status = kin_archive_path(dir, "catalog", "", "", path, err);
    if (status == KIN_OK)
        status = kin_catalog_open(path, true, &catalog, err);
    if (status == KIN_OK)
        status = kin_catalog_write(catalog, write_first_settings, (void *)first, err);
    kin_catalog_close(catalog);
    return status;
}

/* The archive describes by its own copies: what happens to the originals does not matter. */
static kin_status keep_networks(const kin_fs *fs, const char *dir, const kin_extractor *extractor,
                                kin_error *err)
{
    char path[PATH_MAX];
    kin_status status = kin_networks_path(dir, path, err);
    return status == KIN_OK ? kin_extractor_copy_networks(extractor, fs, path, err) : status;
}

/* Everything in the folder of an archive, which the caller holds. */
static kin_status make_archive(const kin_fs *fs, const char *dir, const kin_extractor *extractor,
                               const kin_codec *codec, size_t dim, kin_error *err)
{
    char mark[PATH_MAX];
    kin_embedder *embedder = NULL;
    kin_status status = kin_archive_path(dir, UNFINISHED, "", "", mark, err);
    if (status == KIN_OK)
        status = begin_making(fs, dir, mark, err);
    if (status == KIN_OK)
        status = kin_archive_make_folders(fs, dir, err);
    if (status == KIN_OK)
        status = keep_networks(fs, dir, extractor, err);
    if (status == KIN_OK)
        status = make_first_model(fs, dir, extractor, dim, &embedder, err);
    if (status == KIN_OK) {
        const struct first_settings first = {kin_embedder_id_borrow(embedder),
                                             kin_extractor_signature_borrow(extractor), codec,
                                             kin_embedder_dim(embedder)};
        status = make_catalog(dir, &first, err);
    }
    kin_embedder_free(embedder);
    return status == KIN_OK ? end_making(fs, dir, mark, err) : status;
}

kin_status kin_archive_init(const kin_fs *fs, const char *dir, const kin_archive_settings *settings,
                            kin_error *err)
{
    static const kin_archive_settings defaults = {0};
    const kin_archive_settings *given = settings != NULL ? settings : &defaults;
    const kin_codec *codec = given->codec != NULL ? kin_codec_named(given->codec) : kin_codec_fp32;
    kin_extractor *extractor = NULL;
    int lock = -1;
    if (codec == NULL)
        return kin_fail(err, KIN_E_ARG, given->codec, "vectors are kept as fp32, fp16 or int8");
    kin_status status = kin_extractor_new(given->features, &extractor, err);
    if (status == KIN_OK)
        status = hold_folder(fs, dir, &lock, err);
    if (status == KIN_OK)
        status = make_archive(fs, dir, extractor, codec, given->dim, err);
    if (lock >= 0)
        close(lock);
    kin_extractor_free(extractor);
    return status;
}

struct settings {
    char layout[KIN_LAYOUT_SIGNATURE_SIZE];
    char codec[2 * KIN_CODEC_NAME_SIZE];
    uint64_t dim;
};

static kin_status read_meta(kin_archive *archive, struct settings *out, kin_error *err)
{
    kin_txn *txn = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_meta_get_text(txn, KIN_META_LAYOUT, out->layout, sizeof out->layout, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(txn, KIN_META_DIM, 0, &out->dim, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, KIN_META_CODEC, out->codec, sizeof out->codec, err);
    kin_txn_end(txn);
    return status;
}

/* What the layout says of the features; no network is loaded for it. */
static kin_status take_layout(kin_archive *archive, const char *layout, kin_error *err)
{
    kin_decode_features *features = &archive->features;
    char networks[PATH_MAX], *spec = NULL;
    kin_status status = kin_layout_length(layout, &features->length, err);
    if (status == KIN_OK)
        status = kin_networks_path(archive->dir, networks, err);
    if (status == KIN_OK)
        status = kin_layout_spec(layout, networks, &spec, err);
    if (status != KIN_OK)
        return status;
    features->spec = spec;
    features->signature = strdup(layout);
    if (features->signature == NULL)
        return kin_fail(err, KIN_E_NOMEM, archive->dir, "no memory to open the archive");
    layout_tag(layout, archive->layout_tag);
    return KIN_OK;
}

/* Reads what must hold before anything else is believed: the layout and the dimension. */
static kin_status read_settings(kin_archive *archive, kin_error *err)
{
    struct settings settings = {0};
    kin_status status = read_meta(archive, &settings, err);
    if (status != KIN_OK)
        return status;
    if (settings.layout[0] == '\0' || settings.dim == 0)
        return kin_fail(err, KIN_E_NOT_FOUND, archive->dir,
                        "no archive here (its making was cut off)");
    archive->codec = settings.codec[0] != '\0' ? kin_codec_named(settings.codec) : kin_codec_fp32;
    if (archive->codec == NULL)
        return kin_fail(err, KIN_E_UNSUPPORTED, archive->dir,
                        "the archive keeps its vectors in a way that this program does not know");
    archive->dim = (size_t)settings.dim;
    return take_layout(archive, settings.layout, err);
}

const kin_decode_features *kin_archive_features_borrow(const kin_archive *archive)
{
    return &archive->features;
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
    free((char *)archive->features.spec);
    free((char *)archive->features.signature);
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
    status = kin_archive_init(fs, dir, NULL, err);
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
