#include "archive/reembed.h"

#include <stdlib.h>
#include <string.h>

enum { EMBED_CHUNK = 512 /* rows embedded and appended at a time */ };

/* Room to embed a chunk of rows. */
struct chunk {
    float *packed;  /* live descriptors */
    float *vectors; /* their embeddings */
    float *rows;    /* the embeddings in row order, zeros for dead rows */
};

static void chunk_release(struct chunk *chunk)
{
    free(chunk->packed);
    free(chunk->vectors);
    free(chunk->rows);
}

static kin_status chunk_init(struct chunk *chunk, const kin_embedder *embedder, kin_error *err)
{
    chunk->packed = malloc((size_t)EMBED_CHUNK * kin_embedder_input(embedder) * sizeof(float));
    chunk->vectors = malloc((size_t)EMBED_CHUNK * kin_embedder_dim(embedder) * sizeof(float));
    chunk->rows = malloc((size_t)EMBED_CHUNK * kin_embedder_dim(embedder) * sizeof(float));
    if (chunk->packed == NULL || chunk->vectors == NULL || chunk->rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to embed");
    return KIN_OK;
}

/* Embeds rows [from, to) into chunk->rows. */
static kin_status embed_chunk(const kin_reembed *work, uint64_t from, uint64_t to,
                              struct chunk *chunk, kin_error *err)
{
    size_t dim = kin_embedder_dim(work->embedder), length = kin_embedder_input(work->embedder);
    size_t count = 0;
    for (uint64_t row = from; row < to; row++) {
        const float *descriptor;
        size_t got;
        if (!roaring_bitmap_contains(work->live, (uint32_t)row))
            continue;
        kin_status status = kin_rows_run(work->descriptors, row, 1, &descriptor, &got, err);
        if (status != KIN_OK)
            return status;
        memcpy(chunk->packed + count++ * length, descriptor, length * sizeof(float));
    }
    kin_status status =
        count > 0 ? kin_embedder_apply(work->embedder, chunk->packed, count, chunk->vectors, err)
                  : KIN_OK;
    if (status != KIN_OK)
        return status;
    memset(chunk->rows, 0, (size_t)(to - from) * dim * sizeof(float));
    const float *vector = chunk->vectors;
    for (uint64_t row = from; row < to; row++) {
        if (!roaring_bitmap_contains(work->live, (uint32_t)row))
            continue;
        memcpy(chunk->rows + (size_t)(row - from) * dim, vector, dim * sizeof(float));
        vector += dim;
    }
    return KIN_OK;
}

kin_status kin_reembed_rows(const kin_reembed *work, uint64_t from, uint64_t to, kin_error *err)
{
    struct chunk chunk = {0};
    kin_status status = chunk_init(&chunk, work->embedder, err);
    for (uint64_t at = from; status == KIN_OK && at < to;) {
        uint64_t end = to - at > EMBED_CHUNK ? at + EMBED_CHUNK : to;
        if (work->progress != NULL)
            status = work->progress(work->ctx, (double)(at - from) / (double)(to - from), err);
        if (status == KIN_OK)
            status = embed_chunk(work, at, end, &chunk, err);
        if (status == KIN_OK)
            status = kin_segments_append(work->into, at, chunk.rows, (size_t)(end - at), err);
        at = end;
    }
    chunk_release(&chunk);
    return status;
}
