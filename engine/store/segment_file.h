/* segment_file.h - one segment file: its header page and its mapping; private to this folder. */
#ifndef KIN_STORE_SEGMENT_FILE_H
#define KIN_STORE_SEGMENT_FILE_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "store/segments.h"

enum {
    SEGMENT_PAGE = 4096, /* the header's size: rows begin on a page */
    SEGMENT_BLOCKS = KIN_SEGMENT_ROWS / KIN_BLOCK_ROWS
};

/* What all segments of a set have in common. */
struct segment_layout {
    char tag[KIN_SEGMENT_TAG_SIZE]; /* padded with zeros */
    const kin_codec *codec;
    size_t length, stride; /* numbers of a row; bytes from one row to the next */
};

/* A segment that is mapped for reading.  The mapping is as long as a full segment from the start,
 * so that it never moves; only the first `size` bytes of the file are known to exist. */
struct segment {
    unsigned char *map;
    size_t map_size;
    dev_t device;
    ino_t inode;
    atomic_size_t size;
    atomic_uint_fast64_t verified[SEGMENT_BLOCKS / 64]; /* a bit for each whole block */
};

/* "dir/000012.seg"; KIN_E_ARG when that is too long. */
kin_status kin_segment_path(const char *dir, uint64_t number, char *path, size_t size,
                            kin_error *err);

/* Bytes of a segment file that holds `rows` rows. */
size_t kin_segment_size(const struct segment_layout *layout, size_t rows);

/* Fills in a header page. */
void kin_segment_header_make(const struct segment_layout *layout, uint64_t number,
                             unsigned char page[SEGMENT_PAGE]);

/* KIN_E_FORMAT when the page is not a whole header (a crash may leave that in a segment without
 * rows); KIN_E_CORRUPT when it is one for other rows, another version or another place. */
kin_status kin_segment_header_check(const struct segment_layout *layout, uint64_t number,
                                    const unsigned char page[SEGMENT_PAGE], const char *path,
                                    kin_error *err);

/* Opens, checks and maps.  Any fault of the file is KIN_E_CORRUPT, its absence as well: the caller
 * asks because rows of it are committed. */
kin_status kin_segment_map(const kin_fs *fs, const struct segment_layout *layout, const char *path,
                           uint64_t number, struct segment **out, kin_error *err);
void kin_segment_unmap(struct segment *segment);

/* Makes sure that the file has at least `size` bytes, asking the system when it had fewer so far:
 * touching a mapping past its file's end would be a SIGBUS. */
kin_status kin_segment_has(const kin_fs *fs, struct segment *segment, const char *path, size_t size,
                           kin_error *err);

#endif
