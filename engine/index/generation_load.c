/*
 * Loading in two passes over one open file.  The first hashes everything, compares with the
 * checksum at the end, and remembers a hash of each piece of FAISS's part; the second hands those
 * pieces to FAISS, each compared again: so FAISS sees no byte that the checksum does not cover,
 * even if the disk gives others the second time, and the file need not fit into memory beside the
 * index.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "index/generation_file.h"
#include "index/kinds.h"

struct input {
    const kin_fs *fs;
    int fd;
    const char *path;
    uint64_t size; /* of the file */
    struct generation_header header;
    unsigned char *piece;
    XXH64_hash_t *hashes;  /* of the structure's pieces */
    uint64_t structure_at; /* where it begins */
    uint64_t next;         /* the second pass: how much of the structure was read… */
    size_t held, given;    /* …and how much of the piece has been given */
};

static kin_status corrupt(const struct input *in, const char *why, kin_error *err)
{
    return kin_fail(err, KIN_E_CORRUPT, in->path, "%s", why);
}

static kin_status open_file(struct input *in, kin_error *err)
{
    struct stat st;
    in->fd = in->fs->open(in->fs, in->path, O_RDONLY | O_NONBLOCK, 0);
    if (in->fd < 0)
        return kin_fail_errno(err, in->path, "cannot open the index");
    if (fstat(in->fd, &st) != 0)
        return kin_fail_errno(err, in->path, "cannot stat the index");
    if (!S_ISREG(st.st_mode))
        return corrupt(in, "index is not a regular file", err);
    in->size = (uint64_t)st.st_size;
    if (in->size < sizeof in->header + sizeof(XXH64_hash_t))
        return corrupt(in, "index file ends early", err);
    return kin_fs_read_all(in->fs, in->fd, in->path, &in->header, sizeof in->header, 0, err);
}

/* Do the header's numbers agree with each other and with the file?  They are believed only if so,
 * whether or not the checksum is right. */
static kin_status check_header(struct input *in, kin_error *err)
{
    const struct generation_header *h = &in->header;
    size_t ids = 0, total;
    if (memcmp(h->magic, GENERATION_MAGIC, sizeof h->magic) != 0)
        return corrupt(in, "file is no index", err);
    if (h->version != GENERATION_VERSION || h->header_size != sizeof *h)
        return corrupt(in, "index is of another version", err);
    if (memchr(h->kind, '\0', sizeof h->kind) == NULL ||
        memchr(h->model, '\0', sizeof h->model) == NULL || kin_index_kind_named(h->kind) == NULL)
        return corrupt(in, "index is of an unknown kind", err);
    const struct index_kind *kind = kin_index_kind_named(h->kind);
    if (h->dim == 0 || h->dim > KIN_INDEX_DIM_MAX || h->count > KIN_INDEX_COUNT_MAX ||
        h->count > h->rows || h->count < kind->count_min)
        return corrupt(in, "index's counts are impossible", err);
    if (kind->create != NULL && !kin_mul_size((size_t)h->count, sizeof(uint64_t), &ids))
        return corrupt(in, "index's counts are impossible", err);
    if (h->ids_size != ids || h->file_size != in->size ||
        (kind->create == NULL && h->structure_size != 0))
        return corrupt(in, "index's sizes contradict the file's", err);
    if (!kin_add_size(sizeof *h + sizeof(XXH64_hash_t), ids, &total) ||
        !kin_add_size(total, (size_t)h->structure_size, &total) || total != in->size)
        return corrupt(in, "index's sizes contradict the file's", err);
    in->structure_at = sizeof *h + ids;
    return KIN_OK;
}

/* Hashes [from, to) of the file into the whole's state; each piece's hash goes to `pieces` unless
 * NULL. */
static kin_status hash_range(struct input *in, XXH3_state_t *whole, uint64_t from, uint64_t to,
                             XXH64_hash_t *pieces, kin_error *err)
{
    kin_status status = KIN_OK;
    while (from < to && status == KIN_OK) {
        size_t n = to - from < GENERATION_PIECE ? (size_t)(to - from) : GENERATION_PIECE;
        status = kin_fs_read_all(in->fs, in->fd, in->path, in->piece, n, (off_t)from, err);
        if (status != KIN_OK)
            break;
        XXH3_64bits_update(whole, in->piece, n);
        if (pieces != NULL)
            *pieces++ = XXH3_64bits(in->piece, n);
        from += n;
    }
    return status;
}

/* The first pass. */
static kin_status verify(struct input *in, kin_error *err)
{
    uint64_t end = in->size - sizeof(XXH64_hash_t);
    size_t pieces = (size_t)(in->header.structure_size / GENERATION_PIECE + 1);
    XXH64_hash_t stored;
    XXH3_state_t *whole = XXH3_createState();
    in->hashes = calloc(pieces, sizeof *in->hashes);
    in->piece = malloc(GENERATION_PIECE);
    kin_status status = KIN_OK;
    if (whole == NULL || in->hashes == NULL || in->piece == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, in->path, "no memory to verify the index");
        goto out;
    }
    XXH3_64bits_reset(whole);
    status = hash_range(in, whole, 0, in->structure_at, NULL, err);
    if (status == KIN_OK)
        status = hash_range(in, whole, in->structure_at, end, in->hashes, err);
    if (status == KIN_OK)
        status = kin_fs_read_all(in->fs, in->fd, in->path, &stored, sizeof stored, (off_t)end, err);
    if (status == KIN_OK && XXH3_64bits_digest(whole) != stored)
        status = corrupt(in, "index fails its checksum", err);
out:
    XXH3_freeState(whole);
    return status;
}

/* Reads the next piece of the structure, and compares it with what the first pass saw. */
static kin_status next_piece(struct input *in, kin_error *err)
{
    uint64_t left = in->header.structure_size - in->next;
    size_t n = left < GENERATION_PIECE ? (size_t)left : GENERATION_PIECE;
    kin_status status = kin_fs_read_all(in->fs, in->fd, in->path, in->piece, n,
                                        (off_t)(in->structure_at + in->next), err);
    if (status != KIN_OK)
        return status;
    if (n == 0 || XXH3_64bits(in->piece, n) != in->hashes[in->next / GENERATION_PIECE])
        return corrupt(in, "index changed while it was read", err);
    in->next += n;
    in->held = n;
    in->given = 0;
    return KIN_OK;
}

static kin_status get(void *ctx, void *bytes, size_t size, kin_error *err)
{
    struct input *in = ctx;
    for (unsigned char *to = bytes; size > 0;) {
        if (in->given == in->held) {
            kin_status status = next_piece(in, err);
            if (status != KIN_OK)
                return status;
        }
        size_t n = in->held - in->given < size ? in->held - in->given : size;
        memcpy(to, in->piece + in->given, n);
        in->given += n;
        to += n;
        size -= n;
    }
    return KIN_OK;
}

static kin_status load_ids(struct input *in, kin_index *index, kin_error *err)
{
    index->ids = malloc((size_t)in->header.ids_size);
    if (index->ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, in->path, "no memory for %zu ids", index->count);
    kin_status status = kin_fs_read_all(in->fs, in->fd, in->path, index->ids,
                                        (size_t)in->header.ids_size, sizeof in->header, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; i < index->count; i++)
        if (index->ids[i] >= in->header.rows || (i > 0 && index->ids[i] <= index->ids[i - 1]))
            return corrupt(in, "index's ids are out of order", err);
    return KIN_OK;
}

static kin_status load_index(struct input *in, kin_index **out, kin_error *err)
{
    const struct generation_header *h = &in->header;
    kin_status status = KIN_OK;
    kin_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return kin_fail(err, KIN_E_NOMEM, in->path, "no memory for the index");
    index->kind = kin_index_kind_named(h->kind);
    index->count = (size_t)h->count;
    index->dim = (size_t)h->dim;
    if (index->kind->create != NULL) {
        status = load_ids(in, index, err);
        if (status == KIN_OK)
            status = kin_faiss_scratch_new(&index->scratch, err);
        if (status == KIN_OK)
            status =
                kin_faiss_read(get, in, (size_t)h->structure_size, index->kind == &kin_index_hnsw,
                               index->dim, index->count, &index->faiss, err);
    }
    if (status != KIN_OK) {
        kin_index_free(index);
        return status;
    }
    *out = index;
    return KIN_OK;
}

kin_status kin_index_load(const kin_fs *fs, const char *path, const char *model, kin_index **out,
                          uint64_t *rows, kin_error *err)
{
    struct input in = {.fs = fs, .fd = -1, .path = path};
    kin_status status = open_file(&in, err);
    if (status == KIN_OK)
        status = check_header(&in, err);
    if (status == KIN_OK)
        status = verify(&in, err);
    if (status == KIN_OK && strcmp(in.header.model, model) != 0)
        status = corrupt(&in, "index was built for another model", err);
    if (status == KIN_OK)
        status = load_index(&in, out, err);
    if (status == KIN_OK)
        *rows = in.header.rows;
    else
        kin_error_name(err, path);
    if (in.fd >= 0)
        fs->close(fs, in.fd);
    free(in.hashes);
    free(in.piece);
    return status;
}
