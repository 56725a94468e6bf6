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

/* Checksums as the catalog would hold them, for the first `rows` rows. */
struct ledger {
    uint64_t rows;
    uint64_t hashes[HASHES_MAX];
};

static inline float cell(uint64_t row, size_t column)
{
    return (float)((row * 31 + column * 7) % 65521) + 0.5f;
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

/* Reads every row of the ledger and compares it with what make_rows() made.  0, the first status
 * that is not KIN_OK, or KIN_E_INTERNAL for wrong values that passed the checksum. */
static inline kin_status read_all_rows(kin_segments *set, struct ledger *ledger, kin_error *err)
{
    kin_rows *rows = NULL;
    kin_status status = kin_rows_open(set, ledger->rows, ledger_hash, ledger, &rows, err);
    for (uint64_t row = 0; status == KIN_OK && row < ledger->rows;) {
        const float *at;
        size_t count;
        status = kin_rows_run(rows, row, SIZE_MAX, &at, &count, err);
        if (status != KIN_OK)
            break;
        assert_true(count > 0 && (uintptr_t)at % 64 == 0);
        for (size_t r = 0; r < count; r++, row++, at += kin_segments_stride(set))
            for (size_t c = 0; c < kin_segments_stride(set); c++)
                if (at[c] != (c < kin_segments_length(set) ? cell(row, c) : 0.0f))
                    status = KIN_E_INTERNAL;
    }
    kin_rows_close(rows);
    return status;
}

#endif
