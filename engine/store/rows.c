/* The readers' side of a set of segments: verified views of committed rows. */
#include <inttypes.h>
#include <stdlib.h>

#include "store/gather.h"
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

const kin_codec *kin_rows_codec(const kin_rows *rows)
{
    return rows->set->layout.codec;
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

/* Of the view's rows those that lie in a block. */
static inline size_t rows_in(const kin_rows *view, uint64_t block)
{
    uint64_t left = view->count - block * KIN_BLOCK_ROWS;
    return left < KIN_BLOCK_ROWS ? (size_t)left : KIN_BLOCK_ROWS;
}

static inline bool is_verified(const kin_rows *view, const struct segment *segment, uint64_t block)
{
    if (rows_in(view, block) < KIN_BLOCK_ROWS)
        return atomic_load_explicit(&view->tail_verified, memory_order_acquire);
    size_t number = (size_t)(block % SEGMENT_BLOCKS);
    uint64_t word = atomic_load_explicit(&segment->verified[number / 64], memory_order_acquire);
    return (word >> (number % 64) & 1) != 0;
}

static void set_verified(kin_rows *view, struct segment *segment, uint64_t block)
{
    size_t number = (size_t)(block % SEGMENT_BLOCKS);
    if (rows_in(view, block) < KIN_BLOCK_ROWS)
        atomic_store_explicit(&view->tail_verified, true, memory_order_release);
    else
        atomic_fetch_or_explicit(&segment->verified[number / 64], UINT64_C(1) << (number % 64),
                                 memory_order_release);
}

static inline const void *row_at(const kin_rows *view, const struct segment *segment, uint64_t row)
{
    return segment->map + kin_segment_size(&view->set->layout, (size_t)(row % KIN_SEGMENT_ROWS));
}

const void *kin_rows_peek(const kin_rows *view, uint64_t row)
{
    if (row >= view->count)
        return NULL;
    const struct segment *segment = kin_segments_mapped(view->set, row / KIN_SEGMENT_ROWS);
    if (segment == NULL || !is_verified(view, segment, row / KIN_BLOCK_ROWS))
        return NULL;
    return row_at(view, segment, row);
}

void kin_rows_prefetch(const kin_rows *view, uint64_t row)
{
    const void *at = kin_rows_peek(view, row);
    if (at != NULL)
        kin_gather_fetch(at, view->set->layout.stride);
}

/* Verifies blocks from *block on, as far as rows before `end` lie in them; *block stops at the first
 * that fails.  Two threads may do it at once, to the same end. */
static kin_status verify_blocks(kin_rows *view, uint64_t *block, uint64_t end,
                                struct segment **segment, kin_error *err)
{
    char path[PATH_MAX];
    uint64_t number = *block / SEGMENT_BLOCKS, last = (end - 1) / KIN_BLOCK_ROWS;
    /* A block is verified whole, so its committed rows must be there whole. */
    size_t touched = (size_t)(last % SEGMENT_BLOCKS) * KIN_BLOCK_ROWS + rows_in(view, last);
    kin_status status = kin_segments_get(view->set, number, touched, segment, path, err);
    for (; status == KIN_OK && *block <= last; (*block)++) {
        if (is_verified(view, *segment, *block))
            continue;
        status = compare_block(view, *segment, *block, rows_in(view, *block), path, err);
        if (status != KIN_OK)
            break;
        set_verified(view, *segment, *block);
    }
    return status;
}

kin_status kin_rows_run(kin_rows *view, uint64_t first, size_t wanted, const void **out,
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
    struct segment *segment = kin_segments_mapped(view->set, number);
    uint64_t block = first / KIN_BLOCK_ROWS;
    while (segment != NULL && block * KIN_BLOCK_ROWS < end && is_verified(view, segment, block))
        block++;
    if (segment == NULL || block * KIN_BLOCK_ROWS < end) {
        kin_error damage = {0};
        kin_status status = verify_blocks(view, &block, end, &segment, &damage);
        if (status != KIN_OK && block * KIN_BLOCK_ROWS <= first) {
            if (err != NULL)
                *err = damage;
            return status;
        }
        if (status != KIN_OK)
            end = block * KIN_BLOCK_ROWS; /* the rows before it are good */
    }
    *out = row_at(view, segment, first);
    *count = (size_t)(end - first);
    return KIN_OK;
}

kin_status kin_rows_vector(kin_rows *view, uint64_t row, float *buffer, const float **out,
                           kin_error *err)
{
    const struct segment_layout *layout = &view->set->layout;
    const void *bytes = kin_rows_peek(view, row);
    size_t got;
    kin_status status = bytes != NULL ? KIN_OK : kin_rows_run(view, row, 1, &bytes, &got, err);
    if (status != KIN_OK)
        return status;
    if (layout->codec == kin_codec_fp32) {
        *out = bytes;
    } else {
        kin_codec_decode(layout->codec, bytes, layout->length, buffer);
        *out = buffer;
    }
    return KIN_OK;
}
