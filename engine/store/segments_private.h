/* segments_private.h - the inside of a set of segments; private to this folder. */
#ifndef KIN_STORE_SEGMENTS_PRIVATE_H
#define KIN_STORE_SEGMENTS_PRIVATE_H

#include <limits.h>
#include <pthread.h>

#include "store/segment_file.h"

enum { NO_SEGMENT = -1 };

/* The file that is being appended to; only the writer touches this. */
struct segment_writer {
    int64_t number; /* NO_SEGMENT when none is open */
    int fd;
    char path[PATH_MAX];
    size_t size;       /* bytes of the file that are there, as far as rows are concerned */
    bool file_dirty;   /* bytes since the last sync */
    bool folder_dirty; /* the file's name may not be durable */
    bool failed;       /* a sync failed: see kin_segments_sync() */
};

struct kin_segments {
    const kin_fs *fs;
    char *dir;
    struct segment_layout layout;
    bool writable;
    struct segment_writer writer;
    pthread_mutex_t opening; /* held while a segment is mapped or dropped */
    _Atomic(struct segment *) segments[KIN_SEGMENTS_MAX]; /* NULL until first touched */
};

/* The segment of that number when it has been mapped before, else NULL. */
static inline struct segment *kin_segments_mapped(kin_segments *set, uint64_t number)
{
    return number < KIN_SEGMENTS_MAX
               ? atomic_load_explicit(&set->segments[number], memory_order_acquire)
               : NULL;
}

/* The mapped segment of that number, opened at its first use, with at least `rows` rows in its
 * file. path (PATH_MAX) receives its name. */
kin_status kin_segments_get(kin_segments *set, uint64_t number, size_t rows, struct segment **out,
                            char path[PATH_MAX], kin_error *err);

/* Hash of `rows` rows of a mapped segment from row `at` on, which must exist. */
uint64_t kin_segments_hash(const kin_segments *set, const struct segment *segment, size_t at,
                           size_t rows);

#endif
