/* embeddings.c - rows of stored images, handed out. */
#include <inttypes.h>
#include <string.h>

#include "archive/internal.h"

kin_status kin_read_rows(const kin_snapshot *snapshot, kin_segments *set, const char *name,
                         const uint64_t *ids, size_t count, float *out, kin_error *err)
{
    size_t length = kin_segments_length(set);
    kin_expected expected = {snapshot->txn, name};
    kin_rows *rows = NULL;
    kin_status status =
        kin_rows_open(set, snapshot->rows, kin_expected_hash, &expected, &rows, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        const float *row;
        float *to = out + i * length;
        status = kin_rows_vector(rows, ids[i], to, &row, err);
        if (status == KIN_OK && row != to)
            memcpy(to, row, length * sizeof *to);
    }
    kin_rows_close(rows);
    return status;
}

size_t kin_archive_dim(const kin_archive *archive)
{
    return archive->dim;
}

/* Only rows of live images are anybody's business. */
static kin_status require_live(const kin_snapshot *snapshot, const uint64_t *ids, size_t count,
                               kin_error *err)
{
    roaring_bitmap_t *live = NULL;
    kin_status status = kin_catalog_live(snapshot->txn, &live, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        if (ids[i] > UINT32_MAX || !roaring_bitmap_contains(live, (uint32_t)ids[i]))
            status = kin_fail(err, KIN_E_NOT_FOUND, NULL, "no image %" PRIu64 " is stored", ids[i]);
    roaring_bitmap_free(live);
    return status;
}

static kin_status embeddings_once(kin_archive *archive, const uint64_t *ids, size_t count,
                                  float *out, char model[17], kin_error *err)
{
    kin_snapshot snapshot;
    kin_status status = kin_snapshot_open(archive, &snapshot, err);
    if (status != KIN_OK)
        return status;
    const kin_state *state = snapshot.state;
    memcpy(model, state->model, sizeof state->model);
    status = require_live(&snapshot, ids, count, err);
    if (status == KIN_OK)
        status = kin_read_rows(&snapshot, state->vectors, state->model, ids, count, out, err);
    kin_snapshot_close(&snapshot);
    return status;
}

kin_status kin_archive_embeddings(kin_archive *archive, const uint64_t *ids, size_t count,
                                  float *out, char model[17], kin_error *err)
{
    kin_status status = embeddings_once(archive, ids, count, out, model, err);
    /* Files of an old snapshot may go while they are read: see kin_archive_search(). */
    if (status == KIN_E_CORRUPT)
        status = embeddings_once(archive, ids, count, out, model, err);
    return status;
}
