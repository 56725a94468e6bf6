/*
 * A generation is mapped, its header and sizes are checked against the file's, then all of it is
 * hashed, by all processors; nothing else in it is looked at before.  What is searched in place
 * checks the numbers by which it goes as it goes; what FAISS reads is checked as it reads
 * (faiss_shape.h).
 */
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "base/parallel.h"
#include "index/generation_file.h"
#include "index/kinds.h"
#include "store/codec.h"

struct input {
    const char *path;
    const unsigned char *map;
    size_t size; /* of the file */
    struct generation_header header;
    struct generation_layout layout;
    atomic_bool bad; /* a piece that fails its hash */
};

static kin_status corrupt(const struct input *in, const char *why, kin_error *err)
{
    return kin_fail(err, KIN_E_CORRUPT, in->path, "%s", why);
}

static kin_status map_file(struct input *in, const kin_fs *fs, kin_error *err)
{
    struct stat st;
    kin_status status = KIN_OK;
    int fd = fs->open(fs, in->path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return kin_fail_errno(err, in->path, "cannot open the index");
    if (fstat(fd, &st) != 0)
        status = kin_fail_errno(err, in->path, "cannot stat the index");
    else if (!S_ISREG(st.st_mode))
        status = corrupt(in, "index is not a regular file", err);
    else if ((uint64_t)st.st_size < sizeof in->header)
        status = corrupt(in, "index file ends early", err);
    if (status == KIN_OK) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            status = kin_fail_errno(err, in->path, "cannot map the index");
        else {
            madvise(map, (size_t)st.st_size, MADV_HUGEPAGE); /* where the file system can */
            in->map = map;
            in->size = (size_t)st.st_size;
            memcpy(&in->header, map, sizeof in->header);
        }
    }
    fs->close(fs, fd);
    return status;
}

/* Do the header's numbers agree with each other and with the file?  They are believed only if so,
 * whether or not the checksum is right. */
static kin_status check_header(struct input *in, kin_error *err)
{
    const struct generation_header *h = &in->header;
    if (memcmp(h->magic, GENERATION_MAGIC, sizeof h->magic) != 0)
        return corrupt(in, "file is no index", err);
    if (h->version != GENERATION_VERSION || h->header_size != sizeof *h)
        return corrupt(in, "index is of another version", err);
    if (memchr(h->kind, '\0', sizeof h->kind) == NULL ||
        memchr(h->model, '\0', sizeof h->model) == NULL || kin_index_kind_named(h->kind) == NULL)
        return corrupt(in, "index is of an unknown kind", err);
    if (h->dim == 0 || h->dim > KIN_INDEX_DIM_MAX || h->count > KIN_INDEX_COUNT_MAX ||
        h->count > h->rows || h->count < kin_index_kind_named(h->kind)->count_min ||
        h->gone > h->count || h->trained > h->count || h->tuning_count > KIN_INDEX_TUNINGS_MAX)
        return corrupt(in, "index's counts are impossible", err);
    if (!kin_generation_lay_out(h->sizes, &in->layout) || in->layout.size != in->size ||
        h->file_size != in->size)
        return corrupt(in, "index's sizes contradict the file's", err);
    return KIN_OK;
}

static void hash_pieces(void *ctx, size_t from, size_t to)
{
    struct input *in = ctx;
    for (size_t i = from; i < to && !in->bad; i++) {
        uint64_t at = (uint64_t)i * GENERATION_PIECE, left = in->layout.hashes_at - at;
        XXH64_hash_t stored;
        memcpy(&stored, in->map + in->layout.hashes_at + i * sizeof stored, sizeof stored);
        if (XXH3_64bits(in->map + at, left < GENERATION_PIECE ? left : GENERATION_PIECE) != stored)
            in->bad = true;
    }
}

static kin_status verify(struct input *in, kin_error *err)
{
    const unsigned char *hashes = in->map + in->layout.hashes_at;
    size_t size = (size_t)in->layout.pieces * sizeof(XXH64_hash_t);
    XXH64_hash_t stored;
    memcpy(&stored, hashes + size, sizeof stored);
    if (XXH3_64bits(hashes, size) != stored)
        return corrupt(in, "index fails its checksum", err);
    kin_parallel_for((size_t)in->layout.pieces, 1, 0, hash_pieces, in);
    return in->bad ? corrupt(in, "index fails its checksum", err) : KIN_OK;
}

static bool setting_is_sound(const kin_index_tuning *tuning)
{
    return tuning->target > 0 && tuning->target <= 1 && isfinite(tuning->recall) &&
           isfinite(tuning->microseconds) && isfinite(tuning->scored) &&
           tuning->setting.candidates > 0 && tuning->setting.candidates <= KIN_INDEX_COUNT_MAX &&
           tuning->setting.width <= KIN_INDEX_COUNT_MAX;
}

/* The sections that all kinds have, by the header's numbers; then the kind's own. */
static bool sections_are_sound(const struct input *in, const kin_index *index)
{
    const struct section *s = index->sections;
    size_t codes, gone = index->gone_count > 0 ? kin_gone_words(index->count) * 8 : 0;
    if (!kin_mul_size(index->count, index->stride, &codes) || s[SECTION_CODES].size != codes ||
        s[SECTION_IDS].size != index->count * sizeof(uint64_t) || s[SECTION_GONE].size != gone ||
        !index->kind->sizes_are_right(index))
        return false;
    for (size_t i = 0; i < index->tuning_count; i++)
        if (!setting_is_sound(&index->tunings[i]))
            return false;
    for (size_t i = 0; i < index->count; i++)
        if (index->ids[i] >= in->header.rows || (i > 0 && index->ids[i] <= index->ids[i - 1]))
            return false;
    return true;
}

/* Takes the header's numbers over, and the sections where they lie in the mapping. */
static void fill(const struct input *in, kin_index *index)
{
    const struct generation_header *h = &in->header;
    for (size_t s = 0; s < SECTIONS; s++)
        index->sections[s] = (struct section){.bytes = (void *)(in->map + in->layout.at[s]),
                                              .size = (size_t)h->sizes[s]};
    index->trained = (size_t)h->trained;
    index->gone_count = (size_t)h->gone;
    index->graph.links = h->links;
    index->graph.entry = h->entry;
    index->graph.levels = h->levels;
    index->tuning_count = h->tuning_count;
    memcpy(index->tunings, h->tunings, sizeof index->tunings);
    kin_generation_point(index);
}

static kin_status attach(struct input *in, kin_index **out, kin_error *err)
{
    const struct generation_header *h = &in->header;
    kin_index *index = NULL;
    kin_status status = kin_generation_new(kin_index_kind_named(h->kind), (size_t)h->count,
                                           (size_t)h->dim, &index, err);
    if (status != KIN_OK)
        return status;
    fill(in, index);
    status = sections_are_sound(in, index) ? index->kind->attach(index, err)
                                           : corrupt(in, "index contradicts itself", err);
    if (status != KIN_OK) {
        kin_index_free(index);
        return status;
    }
    index->map = (void *)in->map;
    index->map_size = in->size;
    in->map = NULL;
    *out = index;
    return KIN_OK;
}

kin_status kin_index_load(const kin_fs *fs, const char *path, const char *model, kin_index **out,
                          uint64_t *rows, kin_error *err)
{
    struct input in = {.path = path};
    kin_status status = map_file(&in, fs, err);
    if (status == KIN_OK)
        status = check_header(&in, err);
    if (status == KIN_OK)
        status = verify(&in, err);
    if (status == KIN_OK && strcmp(in.header.model, model) != 0)
        status = corrupt(&in, "index was built for another model", err);
    if (status == KIN_OK)
        status = attach(&in, out, err);
    if (status == KIN_OK)
        *rows = in.header.rows;
    else
        kin_error_name(err, path);
    if (in.map != NULL)
        munmap((void *)in.map, in.size);
    return status;
}
