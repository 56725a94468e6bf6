/* The writer's side of a set of segments: append, sync, trim. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/segments_private.h"

enum { PACK_BYTES = 1 << 18 }; /* rows are encoded in pieces of about this size */

/* Forgets which blocks of the segment from row `at` on were verified: they are about to change. */
static void forget_verified(kin_segments *set, uint64_t number, size_t at)
{
    struct segment *segment = atomic_load_explicit(&set->segments[number], memory_order_acquire);
    if (segment == NULL)
        return;
    for (size_t block = at / KIN_BLOCK_ROWS; block < SEGMENT_BLOCKS; block++)
        atomic_fetch_and(&segment->verified[block / 64], ~(UINT64_C(1) << (block % 64)));
}

static kin_status check_writer(const kin_segments *set, kin_error *err)
{
    if (!set->writable)
        return kin_fail(err, KIN_E_ARG, set->dir, "segments were opened for reading only");
    if (set->writer.failed)
        return kin_fail(err, KIN_E_IO, set->dir, "an earlier sync failed: open the set anew");
    return KIN_OK;
}

kin_status kin_segments_sync(kin_segments *set, kin_error *err)
{
    struct segment_writer *w = &set->writer;
    kin_status status = check_writer(set, err);
    if (status != KIN_OK)
        return status;
    if (w->file_dirty && set->fs->fsync(set->fs, w->fd) != 0) {
        w->failed = true;
        return kin_fail_errno(err, w->path, "cannot sync the segment");
    }
    w->file_dirty = false;
    if (w->folder_dirty)
        status = kin_fs_sync_dir(set->fs, set->dir, err);
    /* The folder's own name too: it may be as new as the file. */
    if (w->folder_dirty && status == KIN_OK)
        status = kin_fs_sync_parent(set->fs, set->dir, err);
    if (status != KIN_OK) {
        w->failed = true;
        return status;
    }
    w->folder_dirty = false;
    return KIN_OK;
}

/* Closes the writer's file.  What was written is still in the page cache, and its sync was the
 * caller's to ask for. */
static void writer_close(kin_segments *set)
{
    if (set->writer.number == NO_SEGMENT)
        return;
    set->fs->close(set->fs, set->writer.fd);
    set->writer.number = NO_SEGMENT;
    set->writer.file_dirty = false;
}

/* Looks how large the writer's file is by now: other processes append to it, too. */
static kin_status refresh_size(struct segment_writer *w, kin_error *err)
{
    off_t size = lseek(w->fd, 0, SEEK_END);
    if (size < 0)
        return kin_fail_errno(err, w->path, "cannot find the segment's size");
    w->size = (size_t)size;
    return KIN_OK;
}

/* Checks the header of the writer's file, or writes it where it is absent or was torn by a crash
 * and the segment has no committed rows (`fresh`). */
static kin_status prepare_header(kin_segments *set, uint64_t number, bool fresh, kin_error *err)
{
    struct segment_writer *w = &set->writer;
    unsigned char page[SEGMENT_PAGE];
    kin_status status = refresh_size(w, err);
    if (status != KIN_OK)
        return status;
    status = KIN_E_FORMAT;
    if (w->size >= SEGMENT_PAGE) {
        status = kin_fs_read_all(set->fs, w->fd, w->path, page, sizeof page, 0, err);
        if (status == KIN_OK)
            status = kin_segment_header_check(&set->layout, number, page, w->path, err);
    }
    if (status != KIN_E_FORMAT)
        return status;
    if (!fresh)
        return kin_fail(err, KIN_E_CORRUPT, w->path, "segment's header is damaged or missing");
    kin_segment_header_make(&set->layout, number, page);
    w->file_dirty = true;
    if (w->size < SEGMENT_PAGE)
        w->size = SEGMENT_PAGE;
    return kin_fs_write_all(set->fs, w->fd, w->path, page, sizeof page, 0, err);
}

/* Makes `number` the segment that is appended to; `fresh` when it has no committed rows. */
static kin_status writer_select(kin_segments *set, uint64_t number, bool fresh, kin_error *err)
{
    struct segment_writer *w = &set->writer;
    if (w->number == (int64_t)number)
        return KIN_OK;
    /* Segments become durable in order, so that after a power failure there is none without those
     * before it. */
    kin_status status = kin_segments_sync(set, err);
    if (status != KIN_OK)
        return status;
    writer_close(set);
    status = kin_segment_path(set->dir, number, w->path, sizeof w->path, err);
    if (status != KIN_OK)
        return status;
    w->fd = set->fs->open(set->fs, w->path, O_RDWR | O_CREAT | O_NONBLOCK, 0666);
    if (w->fd < 0)
        return kin_fail_errno(err, w->path, "cannot open the segment");
    w->number = (int64_t)number;
    /* Even a file that was there: a killed process may have made it and never synced the folder. */
    w->folder_dirty = true;
    status = prepare_header(set, number, fresh, err);
    if (status != KIN_OK)
        writer_close(set);
    return status;
}

static kin_status encode_rows(const kin_segments *set, const float *rows, size_t count,
                              unsigned char *packed, kin_error *err)
{
    const struct segment_layout *layout = &set->layout;
    for (size_t r = 0; r < count; r++) {
        kin_status status = kin_codec_encode(layout->codec, rows + r * layout->length,
                                             layout->length, packed + r * layout->stride, err);
        if (status != KIN_OK) {
            kin_error_name(err, set->writer.path);
            return status;
        }
    }
    return KIN_OK;
}

/* Writes `count` rows, encoded, at row `at` of the writer's file. */
static kin_status write_rows(kin_segments *set, size_t at, const float *rows, size_t count,
                             kin_error *err)
{
    struct segment_writer *w = &set->writer;
    const size_t length = set->layout.length, stride = set->layout.stride;
    kin_status status = refresh_size(w, err);
    if (status != KIN_OK)
        return status;
    if (kin_segment_size(&set->layout, at) > w->size)
        return kin_fail(err, KIN_E_CORRUPT, w->path, "segment ends before row %zu", at);
    size_t piece = PACK_BYTES / stride;
    if (piece == 0)
        piece = 1;
    if (piece > count)
        piece = count;
    if (piece == 0) /* no rows */
        return KIN_OK;
    unsigned char *packed = malloc(piece * stride);
    if (packed == NULL)
        return kin_fail(err, KIN_E_NOMEM, w->path, "no memory to append rows");
    for (size_t done = 0; done < count && status == KIN_OK; done += piece) {
        size_t n = count - done < piece ? count - done : piece;
        status = encode_rows(set, rows + done * length, n, packed, err);
        if (status != KIN_OK)
            break;
        w->file_dirty = true;
        status = kin_fs_write_all(set->fs, w->fd, w->path, packed, n * stride,
                                  (off_t)kin_segment_size(&set->layout, at + done), err);
        size_t end = kin_segment_size(&set->layout, at + done + n);
        if (status == KIN_OK && end > w->size)
            w->size = end;
    }
    free(packed);
    return status;
}

kin_status kin_segments_append(kin_segments *set, uint64_t first, const float *rows, size_t count,
                               kin_error *err)
{
    const uint64_t rows_max = (uint64_t)KIN_SEGMENTS_MAX * KIN_SEGMENT_ROWS;
    kin_status status = check_writer(set, err);
    if (status == KIN_OK && (first > rows_max || count > rows_max - first))
        status = kin_fail(err, KIN_E_LIMIT, set->dir, "a set has at most %llu rows",
                          (unsigned long long)rows_max);
    while (count > 0 && status == KIN_OK) {
        uint64_t number = first / KIN_SEGMENT_ROWS;
        size_t at = (size_t)(first % KIN_SEGMENT_ROWS), n = KIN_SEGMENT_ROWS - at;
        if (n > count)
            n = count;
        forget_verified(set, number, at);
        status = writer_select(set, number, at == 0, err);
        if (status == KIN_OK)
            status = write_rows(set, at, rows, n, err);
        first += n;
        rows += n * set->layout.length;
        count -= n;
    }
    return status;
}

/* Drops the mapping of a segment that is about to be removed. */
static void drop_mapping(kin_segments *set, uint64_t number)
{
    pthread_mutex_lock(&set->opening);
    kin_segment_unmap(atomic_exchange(&set->segments[number], NULL));
    pthread_mutex_unlock(&set->opening);
}

/* Removes the segments from `first` on, the last one first: a crash midway leaves no gap. */
static kin_status remove_segments(kin_segments *set, uint64_t first, kin_error *err)
{
    char path[PATH_MAX];
    kin_status status;
    uint64_t end = first;
    for (; end < KIN_SEGMENTS_MAX; end++) {
        if ((status = kin_segment_path(set->dir, end, path, sizeof path, err)) != KIN_OK)
            return status;
        int fd = set->fs->open(set->fs, path, O_RDONLY | O_NONBLOCK, 0);
        if (fd < 0 && errno == ENOENT)
            break;
        if (fd < 0)
            return kin_fail_errno(err, path, "cannot open the segment");
        set->fs->close(set->fs, fd);
    }
    for (; end > first; end--) {
        drop_mapping(set, end - 1);
        if ((status = kin_segment_path(set->dir, end - 1, path, sizeof path, err)) != KIN_OK)
            return status;
        if (set->fs->unlink(set->fs, path) != 0)
            return kin_fail_errno(err, path, "cannot remove the segment");
        set->writer.folder_dirty = true;
    }
    return KIN_OK;
}

/* Cuts the segment down to its first `rows` rows. */
static kin_status cut_segment(kin_segments *set, uint64_t number, size_t rows, kin_error *err)
{
    struct segment_writer *w = &set->writer;
    size_t size = kin_segment_size(&set->layout, rows);
    forget_verified(set, number, rows);
    kin_status status = writer_select(set, number, false, err);
    if (status == KIN_OK)
        status = refresh_size(w, err);
    if (status != KIN_OK)
        return status;
    if (w->size < size)
        return kin_fail(err, KIN_E_CORRUPT, w->path, "segment ends early: %zu bytes of %zu",
                        w->size, size);
    struct segment *segment = atomic_load_explicit(&set->segments[number], memory_order_acquire);
    if (segment != NULL) /* before the cut: nobody may rely on more from here on */
        atomic_store_explicit(&segment->size, size, memory_order_release);
    if (set->fs->ftruncate(set->fs, w->fd, (off_t)size) != 0)
        return kin_fail_errno(err, w->path, "cannot cut the segment");
    w->size = size;
    w->file_dirty = true;
    return KIN_OK;
}

kin_status kin_segments_trim(kin_segments *set, uint64_t rows, kin_error *err)
{
    kin_status status = check_writer(set, err);
    if (status != KIN_OK)
        return status;
    uint64_t whole = rows / KIN_SEGMENT_ROWS;
    size_t rest = (size_t)(rows % KIN_SEGMENT_ROWS);
    if (whole + (rest > 0) > KIN_SEGMENTS_MAX)
        return kin_fail(err, KIN_E_ARG, set->dir, "no set has that many rows");
    if (set->writer.number >= (int64_t)(whole + (rest > 0)))
        writer_close(set);
    status = remove_segments(set, whole + (rest > 0), err);
    if (status == KIN_OK && rest > 0)
        status = cut_segment(set, whole, rest, err);
    return status;
}
