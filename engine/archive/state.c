/*
 * state.c - the model, vectors and generation that serve, and snapshots of them.
 *
 * After a reindex, here or in another process, the catalog names a state that is not loaded.  The
 * first who needs it loads it, without a lock or a transaction: queries that began before the swap
 * go on with the old state, those that come meanwhile wait for the new one.
 */
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

static kin_status read_names(kin_txn *txn, kin_state_names *names, kin_error *err)
{
    memset(names, 0, sizeof *names);
    kin_status status =
        kin_meta_get_text(txn, KIN_META_MODEL, names->model, sizeof names->model, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, KIN_META_DESCRIPTORS, names->descriptors,
                                   sizeof names->descriptors, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(txn, KIN_META_GENERATION, 0, &names->generation, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, KIN_META_COSTS, names->costs, sizeof names->costs, err);
    return status;
}

static bool is_named(const kin_state *state, const kin_state_names *names)
{
    return state != NULL && strcmp(state->model, names->model) == 0 &&
           strcmp(state->descriptors_name, names->descriptors) == 0 &&
           state->generation == names->generation;
}

static bool same_names(const kin_state_names *a, const kin_state_names *b)
{
    return strcmp(a->model, b->model) == 0 && strcmp(a->descriptors, b->descriptors) == 0 &&
           a->generation == b->generation;
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

static kin_status load_state(const kin_archive *archive, const kin_state_names *names,
                             kin_state **out, kin_error *err)
{
    char path[PATH_MAX];
    kin_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return kin_fail(err, KIN_E_NOMEM, archive->dir, "no memory to load the model");
    atomic_init(&state->references, 1);
    memcpy(state->model, names->model, sizeof state->model);
    memcpy(state->descriptors_name, names->descriptors, sizeof state->descriptors_name);
    state->generation = names->generation;
    if (!kin_costs_parse(names->costs, &state->costs))
        state->costs = kin_costs_default(archive->dim, archive->codec);
    const char *model = state->model;
    kin_status status = kin_path_of_model(archive, model, path, err);
    if (status == KIN_OK)
        status = kin_embedder_load(archive->fs, path, &state->embedder, err);
    if (status == KIN_OK && (kin_embedder_dim(state->embedder) != archive->dim ||
                             kin_embedder_input(state->embedder) != archive->features.length ||
                             strcmp(kin_embedder_id_borrow(state->embedder), model) != 0))
        status =
            kin_fail(err, KIN_E_CORRUPT, path, "the model is not the one that the catalog names");
    if (status == KIN_OK)
        status = kin_path_of_descriptors(archive, state->descriptors_name, path, err);
    if (status == KIN_OK)
        status = kin_segments_open(archive->fs, path, archive->layout_tag, kin_codec_fp32,
                                   archive->features.length, true, &state->descriptors, err);
    if (status == KIN_OK)
        status = kin_path_of_vectors(archive, model, path, err);
    if (status == KIN_OK)
        status = kin_segments_open(archive->fs, path, model, archive->codec, archive->dim, true,
                                   &state->vectors, err);
    if (status != KIN_OK) {
        kin_state_return(state);
        return status;
    }
    load_generation(archive, state);
    *out = state;
    return KIN_OK;
}

/* The loaded state when it is the named one, with a reference for the caller; else NULL.  Called
 * with the lock held. */
static kin_state *at_hand(kin_archive *archive, const kin_state_names *names)
{
    if (!is_named(archive->state, names))
        return NULL;
    atomic_fetch_add(&archive->state->references, 1);
    return archive->state;
}

/* Puts a fresh state in the archive's place, unless a query of an old snapshot had it loaded: the
 * newest stays.  Gives back the one that has to go, to be returned without the lock, since freeing
 * an index takes its time; NULL when none.  Called with the lock held. */
static kin_state *install(kin_archive *archive, kin_state *state)
{
    kin_state *former = archive->state;
    if (former != NULL && former->generation > state->generation)
        return NULL;
    archive->state = state;
    atomic_fetch_add(&state->references, 1);
    return former;
}

/* Loads the named state, and tells those who wait for it.  Called with the lock held, and lets it
 * go. */
static kin_status load_and_unlock(kin_archive *archive, const kin_state_names *names,
                                  kin_state **out, kin_error *err)
{
    kin_state *former = NULL;
    bool announced = !archive->loading;
    if (announced) {
        archive->loading = true;
        archive->loading_names = *names;
    }
    pthread_mutex_unlock(&archive->state_lock);
    kin_status status = load_state(archive, names, out, err);
    pthread_mutex_lock(&archive->state_lock);
    if (announced)
        archive->loading = false;
    if (status == KIN_OK)
        former = install(archive, *out);
    pthread_cond_broadcast(&archive->state_changed);
    pthread_mutex_unlock(&archive->state_lock);
    kin_state_return(former);
    return status;
}

/* The named state, with a reference for the caller: the loaded one, the one that another thread is
 * about to have loaded, or else loaded here. */
static kin_status obtain(kin_archive *archive, const kin_state_names *names, kin_state **out,
                         kin_error *err)
{
    pthread_mutex_lock(&archive->state_lock);
    while ((*out = at_hand(archive, names)) == NULL && archive->loading &&
           same_names(&archive->loading_names, names))
        pthread_cond_wait(&archive->state_changed, &archive->state_lock);
    if (*out == NULL)
        return load_and_unlock(archive, names, out, err);
    pthread_mutex_unlock(&archive->state_lock);
    return KIN_OK;
}

kin_status kin_state_borrow(kin_archive *archive, kin_txn *txn, kin_state **out, kin_error *err)
{
    kin_state_names names;
    kin_status status = read_names(txn, &names, err);
    return status == KIN_OK ? obtain(archive, &names, out, err) : status;
}

void kin_state_forget(kin_archive *archive)
{
    pthread_mutex_lock(&archive->state_lock);
    kin_state *former = archive->state;
    archive->state = NULL;
    pthread_mutex_unlock(&archive->state_lock);
    kin_state_return(former);
}

/* Begins a snapshot; without a state where the one that it names is not loaded. */
static kin_status begin_snapshot(kin_archive *archive, kin_snapshot *out, kin_state_names *names,
                                 kin_error *err)
{
    kin_status status = kin_catalog_read(archive->catalog, &out->txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_catalog_rows(out->txn, &out->rows, err);
    if (status == KIN_OK)
        status = read_names(out->txn, names, err);
    if (status == KIN_OK) {
        pthread_mutex_lock(&archive->state_lock);
        out->state = at_hand(archive, names);
        pthread_mutex_unlock(&archive->state_lock);
    } else {
        kin_txn_end(out->txn);
        out->txn = NULL;
    }
    return status;
}

/* A state that is not at hand is loaded between two snapshots: under one, a writer that has to let
 * the catalog grow would wait for the loading to end. */
static kin_status try_snapshot(kin_archive *archive, bool patient, kin_snapshot *out, bool *loaded,
                               kin_error *err)
{
    kin_state_names names;
    *loaded = false;
    kin_status status = begin_snapshot(archive, out, &names, err);
    if (status != KIN_OK || out->state != NULL)
        return status;
    if (!patient) {
        kin_txn_end(out->txn);
        out->txn = NULL;
    }
    status = obtain(archive, &names, &out->state, err);
    if (status != KIN_OK) {
        kin_txn_end(out->txn);
        out->txn = NULL;
    } else if (!patient) {
        *loaded = true; /* by the time a snapshot names it, it is at hand */
        kin_state_return(out->state);
        out->state = NULL;
    }
    return status;
}

kin_status kin_snapshot_open(kin_archive *archive, kin_snapshot *out, kin_error *err)
{
    kin_status status = KIN_OK;
    memset(out, 0, sizeof *out);
    out->archive = archive;
    for (int i = 0; i < SNAPSHOT_TRIES; i++) {
        bool loaded;
        status = try_snapshot(archive, i + 1 == SNAPSHOT_TRIES, out, &loaded, err);
        if (status != KIN_E_NOT_FOUND && !loaded)
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

static kin_status refresh_once(kin_archive *archive, bool *changed, kin_error *err)
{
    kin_snapshot snapshot = {.archive = archive};
    kin_state_names names;
    kin_status status = begin_snapshot(archive, &snapshot, &names, err);
    if (status != KIN_OK)
        return status;
    *changed = snapshot.state == NULL;
    kin_state *loaded = NULL;
    kin_snapshot_close(&snapshot);
    if (*changed)
        status = obtain(archive, &names, &loaded, err);
    kin_state_return(loaded);
    return status;
}

kin_status kin_archive_refresh(kin_archive *archive, bool *changed, kin_error *err)
{
    kin_status status = KIN_E_NOT_FOUND;
    for (int i = 0; i < SNAPSHOT_TRIES && status == KIN_E_NOT_FOUND; i++)
        status = refresh_once(archive, changed, err);
    if (status != KIN_OK)
        *changed = false;
    if (status == KIN_E_NOT_FOUND && err != NULL)
        err->code = KIN_E_CORRUPT; /* as in kin_snapshot_open() */
    return status == KIN_E_NOT_FOUND ? KIN_E_CORRUPT : status;
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
