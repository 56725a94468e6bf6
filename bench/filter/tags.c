#include "tags.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { HEAD_SIZE = 3 * sizeof(int64_t) };

static int64_t read_i64(const uint8_t *at)
{
    int64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static int32_t read_i32(const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* --- opening --- */

static kin_status read_head(const char *path, bench_tags *out, kin_error *err)
{
    const uint8_t *bytes = out->file.bytes;
    size_t starts, columns, size;
    if (out->file.size < HEAD_SIZE)
        return kin_fail(err, KIN_E_FORMAT, path, "too short for a sparse matrix");
    int64_t rows = read_i64(bytes), tags = read_i64(bytes + 8), entries = read_i64(bytes + 16);
    if (rows < 0 || tags < 0 || entries < 0)
        return kin_fail(err, KIN_E_FORMAT, path, "claims less than nothing");
    if (rows > BENCH_TAG_ROWS_MAX || tags > BENCH_TAGS_MAX)
        return kin_fail(err, KIN_E_LIMIT, path, "%lld rows of %lld tags are too many",
                        (long long)rows, (long long)tags);
    if (!kin_mul_size((size_t)rows + 1, sizeof(int64_t), &starts) ||
        !kin_mul_size((size_t)entries, sizeof(int32_t), &columns) ||
        !kin_add_size(starts + HEAD_SIZE, columns, &size) || !kin_add_size(size, columns, &size) ||
        size != out->file.size)
        return kin_fail(err, KIN_E_FORMAT, path, "%zu bytes cannot be %lld rows with %lld tags",
                        out->file.size, (long long)rows, (long long)entries);
    out->rows = (size_t)rows;
    out->tags = (size_t)tags;
    out->entries = (size_t)entries;
    out->starts = bytes + HEAD_SIZE;
    out->columns = out->starts + starts;
    out->data = out->columns + columns;
    return KIN_OK;
}

static kin_status check_body(const char *path, const bench_tags *tags, kin_error *err)
{
    int64_t before = read_i64(tags->starts);
    if (before != 0)
        return kin_fail(err, KIN_E_FORMAT, path, "the first row does not begin at the beginning");
    for (size_t row = 1; row <= tags->rows; row++) {
        int64_t start = read_i64(tags->starts + row * sizeof start);
        if (start < before || (uint64_t)start > tags->entries)
            return kin_fail(err, KIN_E_FORMAT, path, "row %zu ends before it begins", row - 1);
        before = start;
    }
    if ((uint64_t)before != tags->entries)
        return kin_fail(err, KIN_E_FORMAT, path, "rows end before the tags do");
    for (size_t i = 0; i < tags->entries; i++) {
        int32_t column = read_i32(tags->columns + i * sizeof column);
        if (column < 0 || (size_t)column >= tags->tags)
            return kin_fail(err, KIN_E_FORMAT, path, "tag %d is none of %zu", column, tags->tags);
    }
    return KIN_OK;
}

kin_status bench_tags_open(const char *path, bench_tags *out, kin_error *err)
{
    memset(out, 0, sizeof *out);
    kin_status status = bench_mapping_open(path, &out->file, err);
    if (status == KIN_OK)
        status = read_head(path, out, err);
    if (status == KIN_OK)
        status = check_body(path, out, err);
    if (status != KIN_OK)
        bench_tags_close(out);
    return status;
}

void bench_tags_close(bench_tags *tags)
{
    bench_mapping_close(&tags->file);
    memset(tags, 0, sizeof *tags);
}

/* --- reading --- */

void bench_tags_of(const bench_tags *tags, size_t row, size_t *first, size_t *count)
{
    const uint8_t *at = tags->starts + row * sizeof(int64_t);
    size_t from = (size_t)read_i64(at), to = (size_t)read_i64(at + sizeof(int64_t));
    /* Checked as it was opened; checked again, since a file may change. */
    to = to < tags->entries ? to : tags->entries;
    *first = from < to ? from : to;
    *count = to - *first;
}

bool bench_tag_at(const bench_tags *tags, size_t entry, uint32_t *tag)
{
    float number;
    memcpy(&number, tags->data + entry * sizeof number, sizeof number);
    *tag = (uint32_t)read_i32(tags->columns + entry * sizeof(int32_t));
    return number != 0 && *tag < tags->tags;
}

/* --- rows of each tag --- */

static kin_status add_row(bench_tag_rows *out, const bench_tags *tags, size_t row, kin_error *err)
{
    size_t first, count;
    uint32_t tag;
    bench_tags_of(tags, row, &first, &count);
    for (size_t i = 0; i < count; i++) {
        if (!bench_tag_at(tags, first + i, &tag))
            continue;
        if (out->of[tag] == NULL && (out->of[tag] = roaring_bitmap_create()) == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the rows of a tag");
        roaring_bitmap_add(out->of[tag], (uint32_t)row);
    }
    return KIN_OK;
}

kin_status bench_tag_rows_make(const bench_tags *tags, size_t rows, bench_tag_rows *out,
                               kin_error *err)
{
    kin_status status = KIN_OK;
    out->tags = tags->tags;
    out->of = calloc(tags->tags + 1, sizeof *out->of);
    if (out->of == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu tags", tags->tags);
    else if (rows > tags->rows)
        status =
            kin_fail(err, KIN_E_FORMAT, NULL, "%zu vectors, but tags of %zu", rows, tags->rows);
    for (size_t row = 0; status == KIN_OK && row < rows; row++)
        status = add_row(out, tags, row, err);
    if (status != KIN_OK)
        bench_tag_rows_release(out);
    return status;
}

void bench_tag_rows_release(bench_tag_rows *rows)
{
    for (size_t tag = 0; rows->of != NULL && tag < rows->tags; tag++)
        if (rows->of[tag] != NULL)
            roaring_bitmap_free(rows->of[tag]);
    free(rows->of);
    memset(rows, 0, sizeof *rows);
}

roaring_bitmap_t *bench_tag_rows_with_all(const bench_tag_rows *rows, size_t row_count,
                                          const bench_tags *queries, size_t query)
{
    size_t first, count;
    uint32_t tag;
    roaring_bitmap_t *all = roaring_bitmap_from_range(0, row_count, 1);
    bench_tags_of(queries, query, &first, &count);
    for (size_t i = 0; all != NULL && i < count; i++) {
        if (!bench_tag_at(queries, first + i, &tag))
            continue;
        if (tag < rows->tags && rows->of[tag] != NULL)
            roaring_bitmap_and_inplace(all, rows->of[tag]);
        else
            roaring_bitmap_clear(all); /* a tag that no row has */
    }
    return all;
}
