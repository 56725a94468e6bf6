/*
 * rewrite.h - a set of rows made anew beside the one that serves.
 *
 * A reindex makes vectors under a new model, and descriptors without those of deleted images.  Both
 * are written up to a snapshot at leisure, brought up to date while writers go on, and in the
 * swap's transaction for good.
 */
#ifndef KIN_ARCHIVE_REWRITE_H
#define KIN_ARCHIVE_REWRITE_H

#include "archive/internal.h"

typedef struct kin_rewrite {
    char name[KIN_SET_NAME_SIZE]; /* the set's name in the catalog's blocks */
    kin_segments *set;
    const kin_embedder *embedder; /* makes vectors; NULL: descriptors are copied */
    kin_hashes hashes;            /* of the blocks of the rows made so far */
    uint64_t rows;                /* made so far, durable */
    /* Called with the share done of an advance; a failure ends it.  May be NULL. */
    kin_status (*progress)(void *ctx, double done, kin_error *err);
    void *ctx;
} kin_rewrite;

/* Opens the set in folder `path` for rows of `length` numbers with `tag` and `codec` (segments.h); it
 * starts empty, whatever lies there.  The name and the functions are the caller's to set before. */
kin_status kin_rewrite_open(kin_rewrite *rewrite, const kin_fs *fs, const char *path,
                            const char *tag, const kin_codec *codec, size_t length, kin_error *err);
void kin_rewrite_release(kin_rewrite *rewrite);

/* Makes the rows up to `to` from descriptors; rows that are not in `live` become zeros, so that
 * nothing of a deleted image is left.  Synced on return. */
kin_status kin_rewrite_advance(kin_rewrite *rewrite, kin_rows *descriptors,
                               const roaring_bitmap_t *live, uint64_t to, kin_error *err);

/* Puts the checksums of all blocks into the catalog. */
kin_status kin_rewrite_record(const kin_rewrite *rewrite, kin_txn *txn, kin_error *err);

#endif
