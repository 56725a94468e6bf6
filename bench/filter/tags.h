/*
 * tags.h - sparse matrices of tags, as the filter track of the big-ann-benchmarks has them
 * (NeurIPS 2023, YFCC-10M): which tags each vector has, and which each query asks for.
 *
 * A file holds, little-endian: int64 nrow, ncol, nnz; int64 indptr[nrow + 1]; int32 indices[nnz];
 * float32 data[nnz] (compressed rows; what data says but is not 0 is "has the tag").
 *
 * A file is a stranger's: sizes are checked against it before they are believed, and every offset
 * and column is checked as it is opened.  It must not shrink while it is open.
 */
#ifndef KIN_BENCH_TAGS_H
#define KIN_BENCH_TAGS_H

#include <roaring/roaring.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "mapping.h"

enum { BENCH_TAGS_MAX = 1 << 26, BENCH_TAG_ROWS_MAX = INT32_MAX };

typedef struct bench_tags {
    size_t rows, tags;                      /* nrow, ncol */
    size_t entries;                         /* nnz */
    const uint8_t *starts, *columns, *data; /* within the file, aligned to nothing; not for users */
    bench_mapping file;
} bench_tags;

/* KIN_E_FORMAT: it contradicts itself or its size; KIN_E_LIMIT: beyond the maxima. */
kin_status bench_tags_open(const char *path, bench_tags *out, kin_error *err);
void bench_tags_close(bench_tags *tags);

/* Tags of a row: the i-th of *count is bench_tag_at(tags, *first + i). */
void bench_tags_of(const bench_tags *tags, size_t row, size_t *first, size_t *count);
/* The tag of an entry; false: its number is 0, so that the row has it not. */
bool bench_tag_at(const bench_tags *tags, size_t entry, uint32_t *tag);

/* --- the other way round --- */

/* For each tag the rows (below `rows`) that have it. */
typedef struct bench_tag_rows {
    size_t tags;
    roaring_bitmap_t **of; /* NULL: no row has it */
} bench_tag_rows;

kin_status bench_tag_rows_make(const bench_tags *tags, size_t rows, bench_tag_rows *out,
                               kin_error *err);
void bench_tag_rows_release(bench_tag_rows *rows);

/* Rows that have all tags that a row of `queries` has; all of [0, row_count) where it has none.  NULL
 * without memory; the caller frees it. */
roaring_bitmap_t *bench_tag_rows_with_all(const bench_tag_rows *rows, size_t row_count,
                                          const bench_tags *queries, size_t query);

#endif
