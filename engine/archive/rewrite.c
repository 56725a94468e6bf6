#include "archive/rewrite.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 512 /* rows made and appended at a time */ };

/* Room for a chunk of rows. */
struct chunk {
    float *packed;  /* live descriptors */
    float *vectors; /* their embeddings */
    float *rows;    /* what is appended: in row order, zeros for dead rows */
};

kin_status kin_rewrite_open(kin_rewrite *rewrite, const kin_fs *fs, const char *path,
                            const char *tag, const kin_codec *codec, size_t length, kin_error *err)
{
    rewrite->rows = 0;
    return kin_segments_open(fs, path, tag, codec, length, true, &rewrite->set, err);
}

void kin_rewrite_release(kin_rewrite *rewrite)
{
    kin_segments_close(rewrite->set);
    free(rewrite->hashes.values);
    memset(rewrite, 0, sizeof *rewrite);
}

static void chunk_release(struct chunk *chunk)
{
    free(chunk->packed);
    free(chunk->vectors);
    free(chunk->rows);
}

static kin_status chunk_init(struct chunk *chunk, size_t input, size_t output, kin_error *err)
{
    chunk->packed = malloc((size_t)CHUNK_ROWS * input * sizeof(float));
    chunk->vectors = malloc((size_t)CHUNK_ROWS * output * sizeof(float));
    chunk->rows = malloc((size_t)CHUNK_ROWS * output * sizeof(float));
    if (chunk->packed == NULL || chunk->vectors == NULL || chunk->rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a chunk of rows");
    return KIN_OK;
}

/* Copies the live descriptors of rows [from, to) into chunk->packed, one after the other. */
static kin_status pack(kin_rows *descriptors, const roaring_bitmap_t *live, uint64_t from,
                       uint64_t to, size_t input, struct chunk *chunk, size_t *count,
                       kin_error *err)
{
    *count = 0;
    for (uint64_t row = from; row < to; row++) {
        const float *descriptor;
        float *place = chunk->packed + *count * input;
        if (!roaring_bitmap_contains(live, (uint32_t)row))
            continue;
        kin_status status = kin_rows_vector(descriptors, row, place, &descriptor, err);
        if (status != KIN_OK)
            return status;
        if (descriptor != place)
            memcpy(place, descriptor, input * sizeof *place);
        (*count)++;
    }
    return KIN_OK;
}

/* Lays what was made of the live rows out in row order. */
static void spread(const float *made, const roaring_bitmap_t *live, uint64_t from, uint64_t to,
                   size_t output, float *rows)
{
    memset(rows, 0, (size_t)(to - from) * output * sizeof(float));
    for (uint64_t row = from; row < to; row++) {
        if (!roaring_bitmap_contains(live, (uint32_t)row))
            continue;
        memcpy(rows + (size_t)(row - from) * output, made, output * sizeof(float));
        made += output;
    }
}

static kin_status make_chunk(const kin_rewrite *rewrite, kin_rows *descriptors,
                             const roaring_bitmap_t *live, uint64_t from, uint64_t to,
                             struct chunk *chunk, kin_error *err)
{
    size_t output = kin_segments_length(rewrite->set), count;
    size_t input = rewrite->embedder != NULL ? kin_embedder_input(rewrite->embedder) : output;
    kin_status status = pack(descriptors, live, from, to, input, chunk, &count, err);
    if (status == KIN_OK && rewrite->embedder != NULL && count > 0)
        status = kin_embedder_apply(rewrite->embedder, chunk->packed, count, chunk->vectors, err);
    if (status != KIN_OK)
        return status;
    spread(rewrite->embedder != NULL ? chunk->vectors : chunk->packed, live, from, to, output,
           chunk->rows);
    return kin_segments_append(rewrite->set, from, chunk->rows, (size_t)(to - from), err);
}

static kin_status make_rows(const kin_rewrite *rewrite, kin_rows *descriptors,
                            const roaring_bitmap_t *live, uint64_t to, kin_error *err)
{
    struct chunk chunk = {0};
    uint64_t from = rewrite->rows;
    size_t output = kin_segments_length(rewrite->set);
    size_t input = rewrite->embedder != NULL ? kin_embedder_input(rewrite->embedder) : output;
    kin_status status = chunk_init(&chunk, input, output, err);
    for (uint64_t at = from; status == KIN_OK && at < to;) {
        uint64_t end = to - at > CHUNK_ROWS ? at + CHUNK_ROWS : to;
        if (rewrite->progress != NULL)
            status =
                rewrite->progress(rewrite->ctx, (double)(at - from) / (double)(to - from), err);
        if (status == KIN_OK)
            status = make_chunk(rewrite, descriptors, live, at, end, &chunk, err);
        at = end;
    }
    chunk_release(&chunk);
    return status;
}

/* Hashes the blocks that rows [rewrite->rows, to) lie in. */
static kin_status hash_rows(kin_rewrite *rewrite, uint64_t to, kin_error *err)
{
    kin_hashes *hashes = &rewrite->hashes;
    size_t count = kin_blocks_of(to);
    uint64_t *values = reallocarray(hashes->values, count > 0 ? count : 1, sizeof *values);
    if (values == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu checksums", count);
    hashes->values = values;
    hashes->count = count;
    for (size_t block = (size_t)(rewrite->rows / KIN_BLOCK_ROWS); block < count; block++) {
        size_t filled = kin_block_filled(to, block);
        kin_status status =
            kin_segments_block_hash(rewrite->set, block, filled, &values[block], err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

kin_status kin_rewrite_advance(kin_rewrite *rewrite, kin_rows *descriptors,
                               const roaring_bitmap_t *live, uint64_t to, kin_error *err)
{
    if (to < rewrite->rows)
        return KIN_OK;
    kin_status status = make_rows(rewrite, descriptors, live, to, err);
    if (status == KIN_OK && to > rewrite->rows)
        status = kin_segments_sync(rewrite->set, err);
    if (status == KIN_OK)
        status = hash_rows(rewrite, to, err);
    if (status == KIN_OK)
        rewrite->rows = to;
    return status;
}

kin_status kin_rewrite_record(const kin_rewrite *rewrite, kin_txn *txn, kin_error *err)
{
    for (size_t block = 0; block < rewrite->hashes.count; block++) {
        kin_status status =
            kin_block_put(txn, rewrite->name, block, rewrite->hashes.values[block], err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}
