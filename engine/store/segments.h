/*
 * segments.h - encoded vectors as rows of append-only, memory-mapped segment files.
 *
 * A set of segments is a folder of files 000000.seg, 000001.seg, …, each with a header page and
 * room for KIN_SEGMENT_ROWS rows of one codec (codec.h), which says how far apart and on which
 * boundaries they begin.  Row r lies in segment r / KIN_SEGMENT_ROWS.
 *
 * The set does not know how many rows are committed: the catalog does, and each call is told.
 * Bytes past the committed rows are garbage from a crash; the next append overwrites them.  For the
 * same reason checksums live in the catalog, in the very transaction that commits the rows they
 * vouch for: one XXH3-64 per block of KIN_BLOCK_ROWS rows, of which the last may be part filled.
 *
 * Append, sync and trim belong to one writer at a time (the catalog's write transaction sees to
 * that); any number of threads and processes read meanwhile.
 *
 * Files hold numbers as the processor does, and every processor that Kindred runs on is
 * little-endian.
 */
#ifndef KIN_STORE_SEGMENTS_H
#define KIN_STORE_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fs.h"
#include "base/status.h"
#include "store/codec.h"

enum {
    KIN_SEGMENT_ROWS = 65536,
    KIN_BLOCK_ROWS = 64,
    KIN_SEGMENT_TAG_SIZE = 64,
    KIN_SEGMENT_LENGTH_MAX = 1 << 18, /* numbers in a row: a segment's mapping stays below 64 GiB */
    KIN_SEGMENTS_MAX = 1 << 14        /* segments in a set: 2^30 rows */
};

typedef struct kin_segments kin_segments;

/* Opens the set in folder `dir`, made (durably) when absent and `writable`; KIN_E_NOT_FOUND when
 * absent and not.  `tag` (less than KIN_SEGMENT_TAG_SIZE bytes) names what the rows are (a layout's
 * digest, a model's id): files of another tag, codec or length are KIN_E_CORRUPT.  `length` is
 * numbers in a row.  Headers are checked when a segment is first touched. */
kin_status kin_segments_open(const kin_fs *fs, const char *dir, const char *tag,
                             const kin_codec *codec, size_t length, bool writable,
                             kin_segments **out, kin_error *err);

/* Closes files and mappings; what was not synced may or may not survive a power failure. */
void kin_segments_close(kin_segments *set);

const kin_codec *kin_segments_codec(const kin_segments *set);
size_t kin_segments_length(const kin_segments *set); /* numbers in a row */
size_t kin_segments_stride(const kin_segments *set); /* bytes from one row to the next */

/* Encodes count vectors (each `length` floats, packed) and writes them as rows from `first` on, over
 * whatever is there.  Rows before `first` must exist (KIN_E_CORRUPT: the file is shorter than the
 * catalog believes); KIN_E_ARG: a vector that the codec cannot hold.  On failure the rows at and
 * after `first` are garbage, to be overwritten or trimmed; those before it are untouched. */
kin_status kin_segments_append(kin_segments *set, uint64_t first, const float *rows, size_t count,
                               kin_error *err);

/* Makes everything appended since the last sync durable: files and their folder.  After a failed
 * sync the kernel may have dropped the unwritten pages and report success the next time; so the set
 * then refuses to append and to sync (KIN_E_IO) until it is opened anew and the rows are appended
 * again. */
kin_status kin_segments_sync(kin_segments *set, kin_error *err);

/* Cuts off what lies past `rows` committed rows, whole segments included.  No reader of this set
 * may have a view of more rows.  A file that is shorter than its committed rows is
 * KIN_E_CORRUPT. */
kin_status kin_segments_trim(kin_segments *set, uint64_t rows, kin_error *err);

/* Checksum of the first `rows` rows (1..KIN_BLOCK_ROWS) of a block, over their full stride. */
kin_status kin_segments_block_hash(kin_segments *set, uint64_t block, size_t rows, uint64_t *hash,
                                   kin_error *err);

/* --- reading --- */

/* Gives the checksum that the catalog holds for a block; KIN_E_CORRUPT when it holds none. */
typedef kin_status (*kin_block_hash_fn)(void *ctx, uint64_t block, uint64_t *hash, kin_error *err);

/* A view of the first `rows` committed rows.  The first touch of a block verifies it against
 * `expected`; the outcome is remembered for the life of the set (whole blocks) or the reader (the
 * part filled last one).  Safe from several threads; expected() may then be called from each of
 * them, one at a time.  Close it before the set. */
typedef struct kin_rows kin_rows;
kin_status kin_rows_open(kin_segments *set, uint64_t rows, kin_block_hash_fn expected, void *ctx,
                         kin_rows **out, kin_error *err);
void kin_rows_close(kin_rows *rows);

/* Points *out at row `first` of a run of *count <= wanted rows (at least 1) that lie contiguously
 * (stride apart) and have been verified.  A run ends at its segment's end, at the view's end, or
 * before a block that is damaged: asking for that one is KIN_E_CORRUPT, which names the segment
 * file, as it is when the file is too short or its header is wrong.  KIN_E_ARG past the view's end,
 * or for wanted = 0. */
kin_status kin_rows_run(kin_rows *rows, uint64_t first, size_t wanted, const void **out,
                        size_t *count, kin_error *err);

/* The row, when its block has been mapped and verified before; else NULL: then kin_rows_run() finds
 * out.  Takes no lock and a few nanoseconds, for rows here and there. */
const void *kin_rows_peek(const kin_rows *rows, uint64_t row);

/* Asks memory for a row that kin_rows_peek() will be asked for in a moment: scoring scattered rows
 * takes half the time when each is asked for some six rows ahead. */
void kin_rows_prefetch(const kin_rows *rows, uint64_t row);

/* Points *out at the floats of one row: its own (fp32), or those decoded into buffer (room for
 * `length` floats).  Fails as kin_rows_run() does. */
kin_status kin_rows_vector(kin_rows *rows, uint64_t row, float *buffer, const float **out,
                           kin_error *err);

uint64_t kin_rows_count(const kin_rows *rows);
const kin_codec *kin_rows_codec(const kin_rows *rows);

#endif
