/* The readers' side of a set of segments: verified views of committed rows. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/segments_private.h"

struct kin_rows {
    kin_segments *set;
    uint64_t count;
    kin_block_hash_fn expected;
    void *ctx;
    pthread_mutex_t asking;    /* held while expected() runs */
    atomic_bool tail_verified; /* the part filled last block */
};

kin_status kin_rows_open(kin_segments *set, uint64_t rows, kin_block_hash_fn expected, void *ctx,
                         kin_rows **out, kin_error *err)
{
    kin_rows *view = calloc(1, sizeof *view);
    if (view == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a view of rows");
    view->set = set;
    view->count = rows;
    view->expected = expected;
    view->ctx = ctx;
    pthread_mutex_init(&view->asking, NULL);
    *out = view;
    return KIN_OK;
}

void kin_rows_close(kin_rows *rows)
{
    if (rows == NULL)
        return;
    pthread_mutex_destroy(&rows->asking);
    free(rows);
}

uint64_t kin_rows_count(const kin_rows *rows)
{
    return rows->count;
}

/* Compares a block of `rows` rows with its checksum. */
static kin_status compare_block(kin_rows *view, const struct segment *segment, uint64_t block,
                                size_t rows, const char *path, kin_error *err)
{
    uint64_t expected;
    pthread_mutex_lock(&view->asking);
    kin_status status = view->expected(view->ctx, block, &expected, err);
    pthread_mutex_unlock(&view->asking);
    if (status != KIN_OK) {
        kin_error_name(err, path);
        return status;
    }
    size_t at = (size_t)(block % SEGMENT_BLOCKS) * KIN_BLOCK_ROWS;
    if (kin_segments_hash(view->set, segment, at, rows) != expected)
        return kin_fail(err, KIN_E_CORRUPT, path,
                        "rows %" PRIu64 " to %" PRIu64 " fail their checksum",
                        block * KIN_BLOCK_ROWS, block * KIN_BLOCK_ROWS + rows - 1);
    return KIN_OK;
}

/* Verifies the block unless that has been done.  Two threads may do it at once, to the same end. */
static kin_status verify_block(kin_rows *view, struct segment *segment, uint64_t block,
                               const char *path, kin_error *err)
{
    uint64_t left = view->count - block * KIN_BLOCK_ROWS;
    if (left < KIN_BLOCK_ROWS) {
        if (atomic_load_explicit(&view->tail_verified, memory_order_acquire))
            return KIN_OK;
        kin_status status = compare_block(view, segment, block, (size_t)left, path, err);
        if (status == KIN_OK)
            atomic_store_explicit(&view->tail_verified, true, memory_order_release);
        return status;
    }
    size_t number = (size_t)(block % SEGMENT_BLOCKS);
    atomic_uint_fast64_t *word = &segment->verified[number / 64];
    uint64_t bit = UINT64_C(1) << (number % 64);
    if ((atomic_load_explicit(word, memory_order_acquire) & bit) != 0)
        return KIN_OK;
    kin_status status = compare_block(view, segment, block, KIN_BLOCK_ROWS, path, err);
    if (status == KIN_OK)
        atomic_fetch_or_explicit(word, bit, memory_order_release);
    return status;
}

kin_status kin_rows_run(kin_rows *view, uint64_t first, size_t wanted, const float **out,
                        size_t *count, kin_error *err)
{
    if (wanted == 0 || first >= view->count)
        return kin_fail(err, KIN_E_ARG, NULL, "no rows from %llu in a view of %llu",
                        (unsigned long long)first, (unsigned long long)view->count);
    uint64_t number = first / KIN_SEGMENT_ROWS, end = (number + 1) * KIN_SEGMENT_ROWS;
    if (end > view->count)
        end = view->count;
    if (wanted < end - first)
        end = first + wanted;
    /* A block is verified whole, so its committed rows must be there whole. */
    uint64_t touched = (end + KIN_BLOCK_ROWS - 1) / KIN_BLOCK_ROWS * KIN_BLOCK_ROWS;
    if (touched > view->count)
        touched = view->count;
    char path[PATH_MAX];
    struct segment *segment = NULL;
    kin_status status = kin_segments_get(
        view->set, number, (size_t)(touched - number * KIN_SEGMENT_ROWS), &segment, path, err);
    for (uint64_t block = first / KIN_BLOCK_ROWS; status == KIN_OK && block * KIN_BLOCK_ROWS < end;
         block++) {
        kin_error ignored = {0};
        bool begun = block * KIN_BLOCK_ROWS > first;
        status = verify_block(view, segment, block, path, begun ? &ignored : err);
        if (status != KIN_OK && begun) {
            end = block * KIN_BLOCK_ROWS; /* the rows before it are good */
            status = KIN_OK;
            break;
        }
    }
    if (status != KIN_OK)
        return status;
    size_t at = kin_segment_size(&view->set->layout, (size_t)(first - number * KIN_SEGMENT_ROWS));
    *out = (const float *)(const void *)(segment->map + at);
    *count = (size_t)(end - first);
    return KIN_OK;
}
