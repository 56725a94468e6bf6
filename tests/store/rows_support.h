/* What the tests of the store share: rows whose values say where they belong, and a catalog's
 * stand-in. */
#ifndef KIN_TEST_ROWS_SUPPORT_H
#define KIN_TEST_ROWS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/segments.h"

enum { HASHES_MAX = 4096 };

#define ROW_LARGEST 127.0f

/* Checksums as the catalog would hold them, for the first `rows` rows. */
struct ledger {
    uint64_t rows;
    uint64_t hashes[HASHES_MAX];
};

/* What the number in a row and column is: small integers beside ROW_LARGEST, which every codec gives
 * back as they were (int8's scale is 1). */
static inline float cell(uint64_t row, size_t column)
{
    uint64_t mixed = (row * 31 + column) * UINT64_C(0x9e3779b97f4a7c15);
    return column == 0 ? ROW_LARGEST : (float)((mixed >> 32) % 251) - 125;
}

static inline float *make_rows(uint64_t first, size_t count, size_t length)
{
    float *rows = malloc(count * length * sizeof *rows);
    assert_non_null(rows);
    for (size_t r = 0; r < count; r++)
        for (size_t c = 0; c < length; c++)
            rows[r * length + c] = cell(first + r, c);
    return rows;
}

static inline kin_status append_rows(kin_segments *set, uint64_t first, size_t count,
                                     kin_error *err)
{
    float *rows = make_rows(first, count, kin_segments_length(set));
    kin_status status = kin_segments_append(set, first, rows, count, err);
    free(rows);
    return status;
}

static inline kin_status ledger_hash(void *ctx, uint64_t block, uint64_t *hash, kin_error *err)
{
    const struct ledger *ledger = ctx;
    if (block * KIN_BLOCK_ROWS >= ledger->rows)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "no checksum for the block");
    *hash = ledger->hashes[block];
    return KIN_OK;
}

/* Commits: takes the checksums of all blocks from the one with row `from` to the end. */
static inline kin_status ledger_commit(struct ledger *ledger, kin_segments *set, uint64_t from,
                                       uint64_t rows, kin_error *err)
{
    kin_status status = KIN_OK;
    for (uint64_t block = from / KIN_BLOCK_ROWS; block * KIN_BLOCK_ROWS < rows; block++) {
        uint64_t left = rows - block * KIN_BLOCK_ROWS;
        size_t n = left < KIN_BLOCK_ROWS ? (size_t)left : KIN_BLOCK_ROWS;
        status = kin_segments_block_hash(set, block, n, &ledger->hashes[block], err);
        if (status != KIN_OK)
            return status;
    }
    ledger->rows = rows;
    return status;
}

/* Does the encoded row hold what make_rows() made, and zeros up to its stride? */
static inline bool is_row(const kin_segments *set, uint64_t row, const unsigned char *bytes,
                          float *scratch)
{
    const kin_codec *codec = kin_segments_codec(set);
    size_t length = kin_segments_length(set), size = kin_codec_row_size(codec, length);
    kin_codec_decode(codec, bytes, length, scratch);
    for (size_t c = 0; c < length; c++)
        if (scratch[c] != cell(row, c))
            return false;
    for (size_t b = size; b < kin_segments_stride(set); b++)
        if (bytes[b] != 0)
            return false;
    return true;
}

/* Reads every row of the ledger and compares it with what make_rows() made.  0, the first status
 * that is not KIN_OK, or KIN_E_INTERNAL for wrong values that passed the checksum. */
static inline kin_status read_all_rows(kin_segments *set, struct ledger *ledger, kin_error *err)
{
    kin_rows *rows = NULL;
    bool cache_lines = kin_segments_codec(set) != kin_codec_int8;
    float *scratch = malloc(kin_segments_length(set) * sizeof *scratch);
    assert_non_null(scratch);
    kin_status status = kin_rows_open(set, ledger->rows, ledger_hash, ledger, &rows, err);
    for (uint64_t row = 0; status == KIN_OK && row < ledger->rows;) {
        const void *at;
        size_t count;
        status = kin_rows_run(rows, row, SIZE_MAX, &at, &count, err);
        if (status != KIN_OK)
            break;
        assert_true(count > 0 && (uintptr_t)at % (cache_lines ? 64 : 4) == 0);
        const unsigned char *bytes = at;
        for (size_t r = 0; r < count; r++, row++, bytes += kin_segments_stride(set))
            if (kin_rows_peek(rows, row) != bytes || !is_row(set, row, bytes, scratch))
                status = KIN_E_INTERNAL;
    }
    kin_rows_close(rows);
    free(scratch);
    return status;
}

#endif
