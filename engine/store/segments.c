#include "store/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/segments_private.h"

static kin_status check_folder(const kin_fs *fs, const char *dir, kin_error *err)
{
    int fd = fs->open(fs, dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return kin_fail_errno(err, dir, "cannot open the segments' folder");
    fs->close(fs, fd);
    return KIN_OK;
}

kin_status kin_segments_open(const kin_fs *fs, const char *dir, const char *tag,
                             const kin_codec *codec, size_t length, bool writable,
                             kin_segments **out, kin_error *err)
{
    if (length == 0 || length > KIN_SEGMENT_LENGTH_MAX || length > kin_codec_dim_max(codec))
        return kin_fail(err, KIN_E_ARG, dir, "rows of %zu numbers are not supported", length);
    if (strlen(tag) >= KIN_SEGMENT_TAG_SIZE)
        return kin_fail(err, KIN_E_ARG, dir, "tag is too long");
    if (strlen(dir) >= PATH_MAX)
        return kin_fail(err, KIN_E_ARG, dir, "path is too long");
    kin_status status = writable ? kin_fs_make_dirs(fs, dir, err) : check_folder(fs, dir, err);
    if (status != KIN_OK)
        return status;
    kin_segments *set = calloc(1, sizeof *set);
    char *kept_dir = strdup(dir);
    if (set == NULL || kept_dir == NULL) {
        free(set);
        free(kept_dir);
        return kin_fail(err, KIN_E_NOMEM, dir, "no memory for a set of segments");
    }
    set->fs = fs;
    set->dir = kept_dir;
    set->writable = writable;
    set->layout.codec = codec;
    set->layout.length = length;
    set->layout.stride = kin_codec_stride(codec, length);
    snprintf(set->layout.tag, sizeof set->layout.tag, "%s", tag);
    set->writer.number = NO_SEGMENT;
    pthread_mutex_init(&set->opening, NULL);
    *out = set;
    return KIN_OK;
}

void kin_segments_close(kin_segments *set)
{
    if (set == NULL)
        return;
    if (set->writer.number != NO_SEGMENT)
        set->fs->close(set->fs, set->writer.fd);
    for (size_t i = 0; i < KIN_SEGMENTS_MAX; i++)
        kin_segment_unmap(atomic_load_explicit(&set->segments[i], memory_order_relaxed));
    pthread_mutex_destroy(&set->opening);
    free(set->dir);
    free(set);
}

size_t kin_segments_length(const kin_segments *set)
{
    return set->layout.length;
}

const kin_codec *kin_segments_codec(const kin_segments *set)
{
    return set->layout.codec;
}

size_t kin_segments_stride(const kin_segments *set)
{
    return set->layout.stride;
}

kin_status kin_segments_get(kin_segments *set, uint64_t number, size_t rows, struct segment **out,
                            char path[PATH_MAX], kin_error *err)
{
    if (number >= KIN_SEGMENTS_MAX)
        return kin_fail(err, KIN_E_ARG, set->dir, "no set has that many rows");
    kin_status status = kin_segment_path(set->dir, number, path, PATH_MAX, err);
    if (status != KIN_OK)
        return status;
    struct segment *segment = atomic_load_explicit(&set->segments[number], memory_order_acquire);
    if (segment == NULL) {
        pthread_mutex_lock(&set->opening);
        segment = atomic_load_explicit(&set->segments[number], memory_order_relaxed);
        if (segment == NULL)
            status = kin_segment_map(set->fs, &set->layout, path, number, &segment, err);
        if (status == KIN_OK)
            atomic_store_explicit(&set->segments[number], segment, memory_order_release);
        pthread_mutex_unlock(&set->opening);
        if (status != KIN_OK)
            return status;
    }
    *out = segment;
    return kin_segment_has(set->fs, segment, path, kin_segment_size(&set->layout, rows), err);
}

uint64_t kin_segments_hash(const kin_segments *set, const struct segment *segment, size_t at,
                           size_t rows)
{
    return XXH3_64bits(segment->map + kin_segment_size(&set->layout, at),
                       rows * set->layout.stride);
}

kin_status kin_segments_block_hash(kin_segments *set, uint64_t block, size_t rows, uint64_t *hash,
                                   kin_error *err)
{
    if (rows == 0 || rows > KIN_BLOCK_ROWS)
        return kin_fail(err, KIN_E_ARG, set->dir, "a block has no %zu rows", rows);
    char path[PATH_MAX];
    struct segment *segment = NULL;
    size_t at = (size_t)(block % SEGMENT_BLOCKS) * KIN_BLOCK_ROWS;
    kin_status status =
        kin_segments_get(set, block / SEGMENT_BLOCKS, at + rows, &segment, path, err);
    if (status == KIN_OK)
        *hash = kin_segments_hash(set, segment, at, rows);
    return status;
}
