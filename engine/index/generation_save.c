#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index/faiss_ivf_bridge.h"
#include "index/generation_file.h"
#include "index/kinds.h"

/* Bytes on their way to the file: collected to pieces, hashed, counted. */
struct output {
    const kin_fs *fs; /* NULL: only count */
    int fd;
    const char *path;
    unsigned char *piece;
    size_t held;
    uint64_t size;        /* including what is held */
    XXH64_hash_t *hashes; /* one for each piece that was written, */
    size_t pieces, room;  /* of which there are so many and may be so many */
};

static kin_status write_piece(struct output *out, kin_error *err)
{
    off_t at = (off_t)(out->size - out->held);
    kin_status status =
        kin_fs_write_all(out->fs, out->fd, out->path, out->piece, out->held, at, err);
    if (status == KIN_OK && out->pieces == out->room)
        status = kin_fail(err, KIN_E_INTERNAL, out->path, "index changed while it was written");
    if (status == KIN_OK)
        out->hashes[out->pieces++] = XXH3_64bits(out->piece, out->held);
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
            status = write_piece(out, err);
    }
    return status;
}

/* Zeros up to an offset. */
static kin_status put_zeros(struct output *out, uint64_t until, kin_error *err)
{
    static const unsigned char zeros[GENERATION_PAGE];
    if (until < out->size || until - out->size > sizeof zeros)
        return kin_fail(err, KIN_E_INTERNAL, out->path, "index changed while it was written");
    return put(out, zeros, (size_t)(until - out->size), err);
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
        .trained = index->trained,
        .gone = index->gone_count,
        .links = index->graph.links,
        .entry = index->graph.entry,
        .levels = index->graph.levels,
        .tuning_count = (uint32_t)index->tuning_count,
    };
    if (strlen(model) >= sizeof header->model)
        return kin_fail(err, KIN_E_ARG, NULL, "model's id is too long");
    if (index->count > 0 && index->ids[index->count - 1] >= rows)
        return kin_fail(err, KIN_E_ARG, NULL, "index has rows past the snapshot");
    memcpy(header->magic, GENERATION_MAGIC, sizeof header->magic);
    memcpy(header->kind, index->kind->name, strlen(index->kind->name));
    memcpy(header->model, model, strlen(model));
    memcpy(header->tunings, index->tunings, index->tuning_count * sizeof *index->tunings);
    for (size_t s = 0; s < SECTIONS; s++)
        header->sizes[s] = index->sections[s].size;
    /* The size must be in the header, and FAISS tells it only by writing: so it writes twice. */
    if (index->ivf != NULL) {
        kin_status status = kin_ivf_write(index->ivf, put, &counter, err);
        if (status != KIN_OK)
            return status;
        header->sizes[SECTION_FAISS] = counter.size;
    }
    return KIN_OK;
}

/* Writes and syncs the whole file. */
static kin_status write_file(const kin_index *index, const struct generation_header *header,
                             const struct generation_layout *layout, struct output *out,
                             kin_error *err)
{
    kin_status status = put(out, header, sizeof *header, err);
    for (size_t s = 0; s < SECTIONS && status == KIN_OK; s++) {
        status = put_zeros(out, layout->at[s], err);
        if (status == KIN_OK && s == SECTION_FAISS && index->ivf != NULL)
            status = kin_ivf_write(index->ivf, put, out, err);
        else if (status == KIN_OK)
            status = put(out, index->sections[s].bytes, index->sections[s].size, err);
    }
    if (status == KIN_OK)
        status = put_zeros(out, layout->hashes_at, err);
    if (status == KIN_OK && out->held > 0)
        status = write_piece(out, err);
    if (status == KIN_OK && out->pieces != layout->pieces)
        return kin_fail(err, KIN_E_INTERNAL, out->path, "index changed while it was written");
    if (status != KIN_OK)
        return status;
    size_t hashes = out->pieces * sizeof *out->hashes;
    out->hashes[out->pieces] = XXH3_64bits(out->hashes, hashes);
    status = kin_fs_write_all(out->fs, out->fd, out->path, out->hashes,
                              hashes + sizeof *out->hashes, (off_t)layout->hashes_at, err);
    if (status == KIN_OK && out->fs->fsync(out->fs, out->fd) != 0)
        status = kin_fail_errno(err, out->path, "cannot sync");
    return status;
}

kin_status kin_index_save(const kin_index *index, const kin_fs *fs, const char *path,
                          const char *model, uint64_t rows, kin_error *err)
{
    struct generation_header header;
    struct generation_layout layout;
    char temporary[PATH_MAX];
    struct output out = {.fs = fs, .fd = -1, .path = temporary};
    kin_status status = make_header(index, model, rows, &header, err);
    if (status != KIN_OK)
        return status;
    if (!kin_generation_lay_out(header.sizes, &layout))
        return kin_fail(err, KIN_E_LIMIT, path, "index is too large for a file");
    header.file_size = layout.size;
    if (snprintf(temporary, sizeof temporary, "%s.tmp%ld", path, (long)getpid()) >=
        (int)sizeof temporary)
        return kin_fail(err, KIN_E_ARG, path, "path is too long");
    out.room = layout.pieces;
    out.piece = malloc(GENERATION_PIECE);
    out.hashes = reallocarray(NULL, layout.pieces + 1, sizeof *out.hashes);
    if (out.piece == NULL || out.hashes == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, path, "no memory to write the index");
        goto out;
    }
    out.fd = fs->open(fs, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (out.fd < 0) {
        status = kin_fail_errno(err, temporary, "cannot create");
        goto out;
    }
    status = write_file(index, &header, &layout, &out, err);
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
    free(out.hashes);
    free(out.piece);
    return status;
}
