/*
 * reindex.c - learn, embed, build, check, swap.
 *
 * Everything is written to new files from a snapshot, while writers go on under the old model.  One
 * transaction at the end embeds what came in meanwhile and puts the new names into the catalog:
 * before it the old generation serves, after it the new one.  Killed at any moment, it leaves files
 * that no catalog names; the next reindex sweeps them away.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive/internal.h"
#include "archive/recall.h"
#include "archive/reembed.h"
#include "archive/sweep.h"
#include "base/checked.h"
#include "base/clock.h"

enum {
    TRAIN_MIN = 2, /* fewer images teach nothing: the bootstrap model stays */
    CHECK_QUERIES = 200
};

#define RECALL_BOUND 0.95

struct reindex {
    kin_archive *archive;
    const kin_reindex_options *options;
    kin_reindex_report *report;
    kin_state *state; /* what serves at the snapshot */
    uint64_t rows;    /* committed then */
    roaring_bitmap_t *live;
    uint32_t *ids; /* the live ids, ascending */
    size_t count;
    kin_rows *descriptors;
    kin_hashes descriptor_hashes;
    bool new_model;
    kin_embedder *embedder;   /* the one to serve: learnt, or the snapshot's */
    kin_segments *vectors;    /* its vectors: new, or the snapshot's */
    kin_hashes vector_hashes; /* of those that serve, or computed for the new ones */
    kin_rows *vector_rows;
    kin_index *index;
    uint64_t generation;
    kin_embedder *learnt;      /* owned, when new_model */
    kin_segments *new_vectors; /* owned, when new_model */
};

static kin_status step(const struct reindex *re, const char *stage, double done, kin_error *err)
{
    if (re->options->progress != NULL &&
        re->options->progress(re->options->progress_ctx, stage, done) != 0)
        return kin_fail(err, KIN_E_CANCELLED, re->archive->dir, "the reindex was cancelled");
    return KIN_OK;
}

/* Reads all that the work needs and ends the transaction: a reader that stays for minutes keeps
 * LMDB from using its free pages again. */
static kin_status read_catalog(struct reindex *re, kin_snapshot *snapshot, kin_error *err)
{
    re->rows = snapshot->rows;
    re->state = snapshot->state;
    snapshot->state = NULL;
    kin_status status = kin_catalog_live(snapshot->txn, &re->live, err);
    if (status == KIN_OK)
        status = kin_hashes_load(snapshot->txn, KIN_SET_DESCRIPTORS, re->rows,
                                 &re->descriptor_hashes, err);
    if (status == KIN_OK)
        status =
            kin_hashes_load(snapshot->txn, re->state->model, re->rows, &re->vector_hashes, err);
    return status;
}

static kin_status take_snapshot(struct reindex *re, kin_error *err)
{
    kin_snapshot snapshot;
    kin_status status = kin_snapshot_open(re->archive, &snapshot, err);
    if (status != KIN_OK)
        return status;
    status = read_catalog(re, &snapshot, err);
    kin_snapshot_close(&snapshot);
    if (status != KIN_OK)
        return status;
    re->count = (size_t)roaring_bitmap_get_cardinality(re->live);
    re->ids = malloc((re->count > 0 ? re->count : 1) * sizeof *re->ids);
    if (re->ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, re->archive->dir, "no memory for %zu ids", re->count);
    roaring_bitmap_to_uint32_array(re->live, re->ids);
    re->report->images = re->count;
    return kin_rows_open(re->state->descriptors, re->rows, kin_hashes_expected,
                         &re->descriptor_hashes, &re->descriptors, err);
}

static const float *live_descriptor(void *ctx, size_t i, kin_error *err)
{
    struct reindex *re = ctx;
    const float *row = NULL;
    size_t got;
    return kin_rows_run(re->descriptors, re->ids[i], 1, &row, &got, err) == KIN_OK ? row : NULL;
}

/* Learns a model from the live descriptors, or keeps the one that serves. */
static kin_status learn(struct reindex *re, kin_error *err)
{
    kin_state *state = re->state;
    re->embedder = state->embedder;
    if (re->options->keep_model || re->count < TRAIN_MIN)
        return KIN_OK;
    kin_status status = step(re, "learning the embedding", 0, err);
    if (status != KIN_OK)
        return status;
    kin_embed_rows rows = {re->count, re->archive->descriptor_length, live_descriptor, re};
    kin_embed_options options = {.dim = re->archive->dim, .threads = re->options->threads};
    status = kin_embedder_train(kin_embedder_signature_borrow(state->embedder), &rows, &options,
                                &re->learnt, err);
    if (status != KIN_OK)
        return status;
    /* The same images teach the same model: then its vectors are there already. */
    if (strcmp(kin_embedder_id_borrow(re->learnt), state->model) == 0)
        return KIN_OK;
    re->embedder = re->learnt;
    re->new_model = true;
    return KIN_OK;
}

/* Checksums of the new vectors' blocks, kept until the swap puts them into the catalog. */
static kin_status hash_blocks(struct reindex *re, kin_error *err)
{
    kin_hashes *hashes = &re->vector_hashes;
    for (size_t block = 0; block < hashes->count; block++) {
        uint64_t left = re->rows - (uint64_t)block * KIN_BLOCK_ROWS;
        size_t filled = left > KIN_BLOCK_ROWS ? KIN_BLOCK_ROWS : (size_t)left;
        kin_status status =
            kin_segments_block_hash(re->vectors, block, filled, &hashes->values[block], err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

static kin_status embed_progress(void *ctx, double done, kin_error *err)
{
    return step(ctx, "embedding", done, err);
}

/* The vectors that the index will stand on: a new set under a new model, else those that serve. */
static kin_status make_vectors(struct reindex *re, kin_error *err)
{
    kin_archive *archive = re->archive;
    char path[PATH_MAX];
    if (!re->new_model) {
        re->vectors = re->state->vectors;
        return kin_rows_open(re->vectors, re->rows, kin_hashes_expected, &re->vector_hashes,
                             &re->vector_rows, err);
    }
    const char *model = kin_embedder_id_borrow(re->learnt);
    kin_status status = kin_path_of_model(archive, model, path, err);
    if (status == KIN_OK)
        status = kin_embedder_save(re->learnt, archive->fs, path, err);
    if (status == KIN_OK)
        status = kin_path_of_vectors(archive, model, path, err);
    if (status == KIN_OK)
        status =
            kin_segments_open(archive->fs, path, model, archive->dim, true, &re->new_vectors, err);
    if (status != KIN_OK)
        return status;
    re->vectors = re->new_vectors;
    kin_reembed work = {re->embedder, re->descriptors, re->live, re->vectors, embed_progress, re};
    status = kin_reembed_rows(&work, 0, re->rows, err);
    if (status == KIN_OK)
        status = kin_segments_sync(re->vectors, err);
    if (status == KIN_OK)
        status = hash_blocks(re, err);
    if (status == KIN_OK)
        status = kin_rows_open(re->vectors, re->rows, kin_hashes_expected, &re->vector_hashes,
                               &re->vector_rows, err);
    return status;
}

static const float *live_vector(void *ctx, size_t i, kin_error *err)
{
    struct reindex *re = ctx;
    const float *row = NULL;
    size_t got;
    return kin_rows_run(re->vector_rows, re->ids[i], 1, &row, &got, err) == KIN_OK ? row : NULL;
}

static int build_progress(void *ctx, double done)
{
    return step(ctx, "building the index", done, NULL) != KIN_OK;
}

static kin_status build(struct reindex *re, const char *kind, kin_error *err)
{
    uint64_t *ids = malloc((re->count > 0 ? re->count : 1) * sizeof *ids);
    if (ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, re->archive->dir, "no memory for %zu ids", re->count);
    for (size_t i = 0; i < re->count; i++)
        ids[i] = re->ids[i];
    kin_index_source source = {re->count, re->archive->dim, ids, live_vector, re};
    kin_index_options options = {.kind = kind,
                                 .threads = re->options->threads,
                                 .progress = build_progress,
                                 .progress_ctx = re};
    kin_index_free(re->index);
    re->index = NULL;
    kin_status status = kin_index_build(&source, &options, &re->index, err);
    free(ids);
    if (status == KIN_OK)
        re->report->index_kind = kin_index_kind_borrow(re->index);
    return status;
}

/* Measures the built index; one that misses its bound gives way to the exact scan. */
static kin_status check(struct reindex *re, kin_error *err)
{
    kin_reindex_report *report = re->report;
    double bound = re->options->recall_bound > 0 ? re->options->recall_bound : RECALL_BOUND;
    size_t queries = re->options->check_queries > 0 ? re->options->check_queries : CHECK_QUERIES;
    kin_vectors vectors = {re->vector_rows, re->archive->dim, kin_segments_stride(re->vectors)};
    kin_status status = step(re, "checking recall", 0, err);
    if (status == KIN_OK)
        status = kin_recall_check(&vectors, re->index, re->ids, re->count, queries,
                                  &report->recall_at_10, &report->recall_queries, err);
    if (status != KIN_OK)
        return status;
    report->below_bound = report->recall_at_10 < bound;
    return report->below_bound ? build(re, "flat", err) : KIN_OK;
}

static kin_status claim_generation(kin_txn *txn, void *ctx, kin_error *err)
{
    struct reindex *re = ctx;
    uint64_t last;
    kin_status status = kin_meta_get_u64(txn, KIN_META_LAST_GENERATION, 0, &last, err);
    if (status != KIN_OK)
        return status;
    re->generation = last + 1;
    return kin_meta_set_u64(txn, KIN_META_LAST_GENERATION, re->generation, err);
}

static kin_status save_generation(struct reindex *re, kin_error *err)
{
    char path[PATH_MAX];
    kin_status status = kin_catalog_write(re->archive->catalog, claim_generation, re, err);
    if (status == KIN_OK)
        status = kin_path_of_generation(re->archive, re->generation, path, err);
    if (status == KIN_OK)
        status = kin_index_save(re->index, re->archive->fs, path,
                                kin_embedder_id_borrow(re->embedder), re->rows, err);
    return status;
}

/* Rows that came in since the snapshot, under the new model; then the checksums of the whole set.
 */
static kin_status catch_up(struct reindex *re, kin_txn *txn, kin_error *err)
{
    const char *model = kin_embedder_id_borrow(re->embedder);
    kin_expected expected = {txn, KIN_SET_DESCRIPTORS};
    roaring_bitmap_t *live = NULL;
    kin_rows *descriptors = NULL;
    uint64_t rows, from = re->rows;
    kin_status status = kin_catalog_rows(txn, &rows, err);
    if (status == KIN_OK)
        status = kin_catalog_live(txn, &live, err);
    if (status == KIN_OK)
        status = kin_rows_open(re->state->descriptors, rows, kin_expected_hash, &expected,
                               &descriptors, err);
    if (status == KIN_OK && rows > from) {
        kin_reembed work = {re->embedder, descriptors, live, re->vectors, NULL, NULL};
        status = kin_reembed_rows(&work, from, rows, err);
        if (status == KIN_OK)
            status = kin_segments_sync(re->vectors, err);
    }
    kin_rows_close(descriptors);
    if (live != NULL)
        roaring_bitmap_free(live);
    uint64_t whole = from / KIN_BLOCK_ROWS; /* blocks that no later row has touched */
    for (uint64_t block = 0; status == KIN_OK && block < whole; block++)
        status = kin_block_put(txn, model, block, re->vector_hashes.values[block], err);
    if (status == KIN_OK && rows > whole * KIN_BLOCK_ROWS)
        status = kin_blocks_record(txn, re->vectors, model, whole * KIN_BLOCK_ROWS, rows, err);
    return status;
}

static kin_status name_model(struct reindex *re, kin_txn *txn, kin_error *err)
{
    char previous[KIN_EMBED_ID_SIZE], oldest[KIN_EMBED_ID_SIZE];
    const char *model = kin_embedder_id_borrow(re->embedder);
    kin_status status = kin_meta_get_text(txn, KIN_META_MODEL, previous, sizeof previous, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, KIN_META_PREVIOUS_MODEL, oldest, sizeof oldest, err);
    if (status == KIN_OK && oldest[0] != '\0' && strcmp(oldest, model) != 0 &&
        strcmp(oldest, previous) != 0)
        status = kin_block_drop_set(txn, oldest, err);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_PREVIOUS_MODEL, previous, err);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_MODEL, model, err);
    return status;
}

static kin_status name_generation(struct reindex *re, kin_txn *txn, kin_error *err)
{
    char text[32];
    uint64_t previous;
    time_t now = time(NULL);
    struct tm utc;
    kin_status status = kin_meta_get_u64(txn, KIN_META_GENERATION, 0, &previous, err);
    if (status == KIN_OK)
        status = kin_meta_set_u64(txn, KIN_META_PREVIOUS_GENERATION, previous, err);
    if (status == KIN_OK)
        status = kin_meta_set_u64(txn, KIN_META_GENERATION, re->generation, err);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_GENERATION_TIME, text, err);
    snprintf(text, sizeof text, "%.6f", re->report->below_bound ? 1.0 : re->report->recall_at_10);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_GENERATION_RECALL, text, err);
    return status;
}

static kin_status swap_body(kin_txn *txn, void *ctx, kin_error *err)
{
    struct reindex *re = ctx;
    kin_status status = KIN_OK;
    if (re->new_model) {
        status = catch_up(re, txn, err);
        if (status == KIN_OK)
            status = name_model(re, txn, err);
    }
    return status == KIN_OK ? name_generation(re, txn, err) : status;
}

static void clean_up(struct reindex *re)
{
    kin_rows_close(re->vector_rows);
    kin_rows_close(re->descriptors);
    kin_index_free(re->index);
    kin_segments_close(re->new_vectors);
    kin_embedder_free(re->learnt);
    kin_state_return(re->state);
    if (re->live != NULL)
        roaring_bitmap_free(re->live);
    free(re->ids);
    free(re->descriptor_hashes.values);
    free(re->vector_hashes.values);
}

static kin_status run(struct reindex *re, kin_error *err)
{
    kin_status status = take_snapshot(re, err);
    if (status == KIN_OK)
        status = learn(re, err);
    if (status == KIN_OK)
        status = make_vectors(re, err);
    if (status == KIN_OK)
        status = build(re, re->options->index_kind, err);
    if (status == KIN_OK)
        status = check(re, err);
    if (status != KIN_OK)
        return status;
    status = save_generation(re, err);
    if (status == KIN_OK)
        status = step(re, "swapping", 1, err);
    if (status == KIN_OK)
        status = kin_catalog_write(re->archive->catalog, swap_body, re, err);
    return status;
}

/* Text that outlives the embedder. */
static const char *model_kind(const kin_embedder *embedder)
{
    return strcmp(kin_embedder_kind_borrow(embedder), "bootstrap") == 0 ? "bootstrap"
                                                                        : "pca-whitened";
}

kin_status kin_archive_reindex(kin_archive *archive, const kin_reindex_options *options,
                               kin_reindex_report *report, kin_error *err)
{
    struct reindex re = {.archive = archive, .options = options, .report = report};
    double began = kin_clock_monotonic();
    int lock = -1;
    memset(report, 0, sizeof *report);
    kin_status status = kin_reindex_lock(archive, true, false, &lock, err);
    if (status != KIN_OK)
        return status;
    status = kin_archive_sweep(archive, false, err);
    if (status == KIN_OK)
        status = run(&re, err);
    if (status == KIN_OK) {
        report->generation = re.generation;
        snprintf(report->model, sizeof report->model, "%s", kin_embedder_id_borrow(re.embedder));
        report->model_kind = model_kind(re.embedder);
    }
    clean_up(&re);
    if (status == KIN_OK)
        status = kin_archive_sweep(archive, true, err);
    close(lock);
    report->seconds = kin_clock_monotonic() - began;
    return status;
}
