#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/generation_file.h"
#include "index/kinds.h"

/* Bytes on their way to the file: collected to pieces, hashed, counted. */
struct output {
    const kin_fs *fs; /* NULL: only count */
    int fd;
    const char *path;
    XXH3_state_t *hash;
    unsigned char *piece;
    size_t held;
    uint64_t size; /* including what is held */
};

static kin_status flush(struct output *out, kin_error *err)
{
    off_t at = (off_t)(out->size - out->held);
    kin_status status =
        kin_fs_write_all(out->fs, out->fd, out->path, out->piece, out->held, at, err);
    XXH3_64bits_update(out->hash, out->piece, out->held);
    out->held = 0;
    return status;
}

static kin_status put(void *ctx, const void *bytes, size_t size, kin_error *err)
{
    struct output *out = ctx;
    kin_status status = KIN_OK;
    if (out->fs == NULL) {
        out->size += size;
        return KIN_OK;
    }
    for (const unsigned char *from = bytes; size > 0 && status == KIN_OK;) {
        size_t n = GENERATION_PIECE - out->held < size ? GENERATION_PIECE - out->held : size;
        memcpy(out->piece + out->held, from, n);
        out->held += n;
        out->size += n;
        from += n;
        size -= n;
        if (out->held == GENERATION_PIECE)
            status = flush(out, err);
    }
    return status;
}

static kin_status make_header(const kin_index *index, const char *model, uint64_t rows,
                              struct generation_header *header, kin_error *err)
{
    struct output counter = {0};
    *header = (struct generation_header){
        .version = GENERATION_VERSION,
        .header_size = sizeof *header,
        .dim = index->dim,
        .count = index->count,
        .rows = rows,
        .ids_size = index->ids != NULL ? index->count * sizeof *index->ids : 0,
    };
    if (strlen(model) >= sizeof header->model)
        return kin_fail(err, KIN_E_ARG, NULL, "model's id is too long");
    if (index->ids != NULL && index->ids[index->count - 1] >= rows)
        return kin_fail(err, KIN_E_ARG, NULL, "index has rows past the snapshot");
    memcpy(header->magic, GENERATION_MAGIC, sizeof header->magic);
    memcpy(header->kind, index->kind->name, strlen(index->kind->name));
    memcpy(header->model, model, strlen(model));
    /* The size must be in the header, and FAISS tells it only by writing: so it writes twice. */
    if (index->faiss != NULL) {
        kin_status status = kin_faiss_write(index->faiss, put, &counter, err);
        if (status != KIN_OK)
            return status;
    }
    header->structure_size = counter.size;
    header->file_size =
        sizeof *header + header->ids_size + header->structure_size + sizeof(XXH64_hash_t);
    return KIN_OK;
}

/* Writes and syncs the whole file. */
static kin_status write_file(const kin_index *index, const struct generation_header *header,
                             struct output *out, kin_error *err)
{
    kin_status status = put(out, header, sizeof *header, err);
    if (status == KIN_OK && header->ids_size > 0)
        status = put(out, index->ids, (size_t)header->ids_size, err);
    if (status == KIN_OK && index->faiss != NULL)
        status = kin_faiss_write(index->faiss, put, out, err);
    if (status == KIN_OK)
        status = flush(out, err);
    if (status != KIN_OK)
        return status;
    XXH64_hash_t checksum = XXH3_64bits_digest(out->hash);
    status = put(out, &checksum, sizeof checksum, err);
    if (status == KIN_OK)
        status = flush(out, err);
    if (status == KIN_OK && out->size != header->file_size)
        return kin_fail(err, KIN_E_INTERNAL, out->path, "index changed while it was written");
    if (status == KIN_OK && out->fs->fsync(out->fs, out->fd) != 0)
        status = kin_fail_errno(err, out->path, "cannot sync");
    return status;
}

kin_status kin_index_save(const kin_index *index, const kin_fs *fs, const char *path,
                          const char *model, uint64_t rows, kin_error *err)
{
    struct generation_header header;
    char temporary[PATH_MAX];
    struct output out = {.fs = fs, .fd = -1, .path = temporary};
    kin_status status = make_header(index, model, rows, &header, err);
    if (status != KIN_OK)
        return status;
    if (snprintf(temporary, sizeof temporary, "%s.tmp%ld", path, (long)getpid()) >=
        (int)sizeof temporary)
        return kin_fail(err, KIN_E_ARG, path, "path is too long");
    out.piece = malloc(GENERATION_PIECE);
    out.hash = XXH3_createState();
    if (out.piece == NULL || out.hash == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, path, "no memory to write the index");
        goto out;
    }
    XXH3_64bits_reset(out.hash);
    out.fd = fs->open(fs, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (out.fd < 0) {
        status = kin_fail_errno(err, temporary, "cannot create");
        goto out;
    }
    status = write_file(index, &header, &out, err);
    if (fs->close(fs, out.fd) != 0 && status == KIN_OK)
        status = kin_fail_errno(err, temporary, "cannot close");
    if (status == KIN_OK && fs->rename(fs, temporary, path) != 0)
        status = kin_fail_errno(err, path, "cannot rename into place");
    if (status != KIN_OK)
        fs->unlink(fs, temporary);
    else
        status = kin_fs_sync_parent(fs, path, err);
out:
    if (status != KIN_OK)
        kin_error_name(err, path);
    XXH3_freeState(out.hash);
    free(out.piece);
    return status;
}
