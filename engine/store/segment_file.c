#include "store/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "store/codec_table.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "segment files are little-endian");
_Static_assert(sizeof(float) == 4, "vectors are IEEE 754 single precision");
_Static_assert(sizeof(size_t) == 8, "a segment's mapping may be larger than 32 bits can say");

static const char magic[8] = {'K', 'I', 'N', 'S', 'E', 'G', '\r', '\n'};

enum { VERSION = 1 };

/* As in the file; the rest of the page is zero. */
struct header {
    char magic[8];
    uint32_t version;
    uint32_t codec;          /* its number: codec_table.h */
    uint64_t length, stride; /* in the codec's numbers */
    uint64_t segment_rows;
    uint64_t number; /* of the segment: a file under another's name is noticed */
    char tag[KIN_SEGMENT_TAG_SIZE];
    uint64_t checksum; /* XXH3-64 of all fields before it */
};
_Static_assert(sizeof(struct header) == 120, "no padding in the header");

kin_status kin_segment_path(const char *dir, uint64_t number, char *path, size_t size,
                            kin_error *err)
{
    int length = snprintf(path, size, "%s/%06llu.seg", dir, (unsigned long long)number);
    if (length < 0 || (size_t)length >= size)
        return kin_fail(err, KIN_E_ARG, dir, "path is too long");
    return KIN_OK;
}

size_t kin_segment_size(const struct segment_layout *layout, size_t rows)
{
    return SEGMENT_PAGE + rows * layout->stride;
}

void kin_segment_header_make(const struct segment_layout *layout, uint64_t number,
                             unsigned char page[SEGMENT_PAGE])
{
    struct header header = {
        .version = VERSION,
        .codec = layout->codec->number,
        .length = layout->length,
        .stride = layout->stride / layout->codec->number_size,
        .segment_rows = KIN_SEGMENT_ROWS,
        .number = number,
    };
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.tag, layout->tag, sizeof header.tag);
    header.checksum = XXH3_64bits(&header, offsetof(struct header, checksum));
    memset(page, 0, SEGMENT_PAGE);
    memcpy(page, &header, sizeof header);
}

kin_status kin_segment_header_check(const struct segment_layout *layout, uint64_t number,
                                    const unsigned char page[SEGMENT_PAGE], const char *path,
                                    kin_error *err)
{
    struct header header;
    memcpy(&header, page, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) != 0 ||
        header.checksum != XXH3_64bits(&header, offsetof(struct header, checksum)))
        return kin_fail(err, KIN_E_FORMAT, path, "segment's header is damaged");
    const kin_codec *codec = kin_codec_numbered(header.codec);
    if (header.version != VERSION || codec == NULL)
        return kin_fail(err, KIN_E_CORRUPT, path, "segment is of version %u, codec %u",
                        (unsigned)header.version, (unsigned)header.codec);
    if (codec != layout->codec)
        return kin_fail(err, KIN_E_CORRUPT, path, "segment holds rows of %s, not %s", codec->name,
                        layout->codec->name);
    if (header.length != layout->length ||
        header.stride != layout->stride / layout->codec->number_size ||
        header.segment_rows != KIN_SEGMENT_ROWS)
        return kin_fail(err, KIN_E_CORRUPT, path, "segment holds rows of %llu numbers, not %zu",
                        (unsigned long long)header.length, layout->length);
    if (memcmp(header.tag, layout->tag, sizeof header.tag) != 0)
        return kin_fail(err, KIN_E_CORRUPT, path, "segment belongs to another set");
    if (header.number != number)
        return kin_fail(err, KIN_E_CORRUPT, path, "segment is number %llu of its set",
                        (unsigned long long)header.number);
    return KIN_OK;
}

/* Opens for reading; a file that is missing or no regular file is damage here.  O_NONBLOCK: opening
 * a FIFO must not wait. */
static kin_status open_committed(const kin_fs *fs, const char *path, int *fd, struct stat *st,
                                 kin_error *err)
{
    *fd = fs->open(fs, path, O_RDONLY | O_NONBLOCK, 0);
    if (*fd < 0 && errno == ENOENT)
        return kin_fail(err, KIN_E_CORRUPT, path, "segment is missing");
    if (*fd < 0)
        return kin_fail_errno(err, path, "cannot open the segment");
    kin_status status = KIN_OK;
    if (fstat(*fd, st) != 0)
        status = kin_fail_errno(err, path, "cannot stat the segment");
    else if (!S_ISREG(st->st_mode))
        status = kin_fail(err, KIN_E_CORRUPT, path, "segment is not a regular file");
    if (status != KIN_OK)
        fs->close(fs, *fd);
    return status;
}

kin_status kin_segment_map(const kin_fs *fs, const struct segment_layout *layout, const char *path,
                           uint64_t number, struct segment **out, kin_error *err)
{
    int fd = -1;
    struct stat st = {0};
    unsigned char page[SEGMENT_PAGE];
    struct segment *segment = NULL;
    kin_status status = open_committed(fs, path, &fd, &st, err);
    if (status != KIN_OK)
        return status;
    status = kin_fs_read_all(fs, fd, path, page, sizeof page, 0, err);
    if (status == KIN_OK)
        status = kin_segment_header_check(layout, number, page, path, err);
    if (status == KIN_E_FORMAT) { /* rows are committed, so it cannot be the remains of a crash */
        status = KIN_E_CORRUPT;
        if (err != NULL)
            err->code = status;
    }
    if (status != KIN_OK)
        goto out;
    segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, path, "no memory for a segment");
        goto out;
    }
    segment->map_size = kin_segment_size(layout, KIN_SEGMENT_ROWS);
    segment->map = mmap(NULL, segment->map_size, PROT_READ, MAP_SHARED, fd, 0);
    if (segment->map == MAP_FAILED) {
        status = kin_fail_errno(err, path, "cannot map the segment");
        free(segment);
        goto out;
    }
    segment->device = st.st_dev;
    segment->inode = st.st_ino;
    atomic_init(&segment->size, (size_t)st.st_size);
    *out = segment;
out:
    fs->close(fs, fd);
    return status;
}

void kin_segment_unmap(struct segment *segment)
{
    if (segment == NULL)
        return;
    munmap(segment->map, segment->map_size);
    free(segment);
}

kin_status kin_segment_has(const kin_fs *fs, struct segment *segment, const char *path, size_t size,
                           kin_error *err)
{
    if (size <= atomic_load_explicit(&segment->size, memory_order_acquire))
        return KIN_OK;
    int fd = -1;
    struct stat st = {0};
    kin_status status = open_committed(fs, path, &fd, &st, err);
    if (status != KIN_OK)
        return status;
    if (st.st_dev != segment->device || st.st_ino != segment->inode)
        status = kin_fail(err, KIN_E_CORRUPT, path, "segment was replaced while it was in use");
    else if ((size_t)st.st_size < size)
        status = kin_fail(err, KIN_E_CORRUPT, path, "segment ends early: %zu bytes of %zu",
                          (size_t)st.st_size, size);
    else
        atomic_store_explicit(&segment->size, (size_t)st.st_size, memory_order_release);
    fs->close(fs, fd);
    return status;
}
