/* state.c - the model, vectors and generation that serve, and snapshots of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"

/* A reindex elsewhere may take the files of an old snapshot away between reading its name and
 * opening it: then a fresh snapshot names newer ones. */
enum { SNAPSHOT_TRIES = 5 };

void kin_state_return(kin_state *state)
{
    if (state == NULL || atomic_fetch_sub(&state->references, 1) != 1)
        return;
    kin_index_free(state->index);
    kin_segments_close(state->vectors);
    kin_segments_close(state->descriptors);
    kin_embedder_free(state->embedder);
    free(state);
}

/* What the catalog says should serve. */
struct names {
    char model[KIN_EMBED_ID_SIZE];
    char descriptors[KIN_SET_NAME_SIZE];
    uint64_t generation;
};

static kin_status read_names(kin_txn *txn, struct names *names, kin_error *err)
{
    kin_status status =
        kin_meta_get_text(txn, KIN_META_MODEL, names->model, sizeof names->model, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, KIN_META_DESCRIPTORS, names->descriptors,
                                   sizeof names->descriptors, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(txn, KIN_META_GENERATION, 0, &names->generation, err);
    return status;
}

static bool is_named(const kin_state *state, const struct names *names)
{
    return state != NULL && strcmp(state->model, names->model) == 0 &&
           strcmp(state->descriptors_name, names->descriptors) == 0 &&
           state->generation == names->generation;
}

/* A generation that fails to load does not stop the archive: the exact scan serves in its place. */
static void load_generation(const kin_archive *archive, kin_state *state)
{
    char path[PATH_MAX];
    if (state->generation == 0)
        return;
    kin_status status = kin_path_of_generation(archive, state->generation, path, &state->doubt);
    if (status == KIN_OK)
        status = kin_index_load(archive->fs, path, state->model, &state->index, &state->index_rows,
                                &state->doubt);
    if (status == KIN_OK && kin_index_dim(state->index) != archive->dim) {
        kin_fail(&state->doubt, KIN_E_CORRUPT, path,
                 "the generation's dimension is not the archive's");
        kin_index_free(state->index);
        state->index = NULL;
    }
    if (state->index == NULL)
        state->index_rows = 0;
}

static kin_status load_state(const kin_archive *archive, const struct names *names, kin_state **out,
                             kin_error *err)
{
    char path[PATH_MAX];
    kin_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return kin_fail(err, KIN_E_NOMEM, archive->dir, "no memory to load the model");
    atomic_init(&state->references, 1);
    memcpy(state->model, names->model, sizeof state->model);
    memcpy(state->descriptors_name, names->descriptors, sizeof state->descriptors_name);
    state->generation = names->generation;
    const char *model = state->model;
    kin_status status = kin_path_of_model(archive, model, path, err);
    if (status == KIN_OK)
        status = kin_embedder_load(archive->fs, path, &state->embedder, err);
    if (status == KIN_OK && (kin_embedder_dim(state->embedder) != archive->dim ||
                             kin_embedder_input(state->embedder) != archive->descriptor_length ||
                             strcmp(kin_embedder_id_borrow(state->embedder), model) != 0))
        status =
            kin_fail(err, KIN_E_CORRUPT, path, "the model is not the one that the catalog names");
    if (status == KIN_OK)
        status = kin_path_of_descriptors(archive, state->descriptors_name, path, err);
    if (status == KIN_OK)
        status = kin_segments_open(archive->fs, path, archive->layout_tag,
                                   archive->descriptor_length, true, &state->descriptors, err);
    if (status == KIN_OK)
        status = kin_path_of_vectors(archive, model, path, err);
    if (status == KIN_OK)
        status =
            kin_segments_open(archive->fs, path, model, archive->dim, true, &state->vectors, err);
    if (status != KIN_OK) {
        kin_state_return(state);
        return status;
    }
    load_generation(archive, state);
    *out = state;
    return KIN_OK;
}

kin_status kin_state_borrow(kin_archive *archive, kin_txn *txn, kin_state **out, kin_error *err)
{
    struct names names = {0};
    kin_status status = read_names(txn, &names, err);
    if (status != KIN_OK)
        return status;
    pthread_mutex_lock(&archive->state_lock);
    kin_state *state = archive->state;
    if (!is_named(state, &names)) {
        state = NULL;
        status = load_state(archive, &names, &state, err);
        if (status == KIN_OK) {
            kin_state_return(archive->state);
            archive->state = state;
        }
    }
    if (status == KIN_OK) {
        atomic_fetch_add(&state->references, 1);
        *out = state;
    }
    pthread_mutex_unlock(&archive->state_lock);
    return status;
}

void kin_state_forget(kin_archive *archive)
{
    pthread_mutex_lock(&archive->state_lock);
    kin_state_return(archive->state);
    archive->state = NULL;
    pthread_mutex_unlock(&archive->state_lock);
}

static kin_status try_snapshot(kin_archive *archive, kin_snapshot *out, kin_error *err)
{
    kin_status status = kin_catalog_read(archive->catalog, &out->txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_catalog_rows(out->txn, &out->rows, err);
    if (status == KIN_OK)
        status = kin_state_borrow(archive, out->txn, &out->state, err);
    if (status != KIN_OK) {
        kin_txn_end(out->txn);
        out->txn = NULL;
    }
    return status;
}

kin_status kin_snapshot_open(kin_archive *archive, kin_snapshot *out, kin_error *err)
{
    kin_status status = KIN_OK;
    memset(out, 0, sizeof *out);
    out->archive = archive;
    for (int i = 0; i < SNAPSHOT_TRIES; i++) {
        status = try_snapshot(archive, out, err);
        if (status != KIN_E_NOT_FOUND)
            return status;
    }
    /* What the newest snapshot names is missing: that is damage, not a race. */
    if (err != NULL)
        err->code = KIN_E_CORRUPT;
    return KIN_E_CORRUPT;
}

void kin_snapshot_close(kin_snapshot *snapshot)
{
    if (snapshot->txn != NULL)
        kin_txn_end(snapshot->txn);
    kin_state_return(snapshot->state);
    memset(snapshot, 0, sizeof *snapshot);
}

kin_status kin_expected_hash(void *ctx, uint64_t block, uint64_t *hash, kin_error *err)
{
    const kin_expected *expected = ctx;
    return kin_block_get(expected->txn, expected->set, block, hash, err);
}

kin_status kin_hashes_load(kin_txn *txn, const char *set, uint64_t rows, kin_hashes *out,
                           kin_error *err)
{
    out->count = kin_blocks_of(rows);
    out->values = calloc(out->count > 0 ? out->count : 1, sizeof *out->values);
    if (out->values == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu checksums", out->count);
    for (size_t block = 0; block < out->count; block++) {
        kin_status status = kin_block_get(txn, set, block, &out->values[block], err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

kin_status kin_hashes_expected(void *ctx, uint64_t block, uint64_t *hash, kin_error *err)
{
    const kin_hashes *hashes = ctx;
    if (block >= hashes->count)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "no checksum is kept for block %llu",
                        (unsigned long long)block);
    *hash = hashes->values[block];
    return KIN_OK;
}

kin_status kin_blocks_record(kin_txn *txn, kin_segments *set, const char *name, uint64_t first,
                             uint64_t end, kin_error *err)
{
    for (uint64_t block = first / KIN_BLOCK_ROWS; block * KIN_BLOCK_ROWS < end; block++) {
        uint64_t hash;
        kin_status status =
            kin_segments_block_hash(set, block, kin_block_filled(end, block), &hash, err);
        if (status == KIN_OK)
            status = kin_block_put(txn, name, block, hash, err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}
