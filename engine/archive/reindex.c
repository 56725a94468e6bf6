/*
 * reindex.c - learn, embed, build, check, swap.
 *
 * Everything is written to new files from a snapshot, while writers go on under the old model.  One
 * transaction at the end embeds what came in meanwhile and puts the new names into the catalog:
 * before it the old generation serves, after it the new one.  Killed at any moment, it leaves files
 * that no catalog names; the next reindex sweeps them away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/internal.h"
#include "archive/reindex_work.h"
#include "archive/sweep.h"
#include "base/clock.h"

kin_status kin_reindex_step(const kin_reindex *re, const char *stage, double done, kin_error *err)
{
    if (re->options->progress != NULL &&
        re->options->progress(re->options->progress_ctx, stage, done) != 0)
        return kin_fail(err, KIN_E_CANCELLED, re->archive->dir, "the reindex was cancelled");
    return KIN_OK;
}

/* Reads all that the work needs and ends the transaction: a reader that stays for minutes keeps
 * LMDB from using its free pages again. */
static kin_status read_catalog(kin_reindex *re, kin_snapshot *snapshot, kin_error *err)
{
    re->rows = snapshot->rows;
    re->state = snapshot->state;
    snapshot->state = NULL;
    kin_status status = kin_catalog_live(snapshot->txn, &re->live, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(snapshot->txn, KIN_META_SCRUBBED, 0, &re->scrubbed, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(snapshot->txn, KIN_META_MODEL_ROWS, 0, &re->model_rows, err);
    if (status == KIN_OK)
        status = kin_hashes_load(snapshot->txn, re->state->descriptors_name, re->rows,
                                 &re->descriptor_hashes, err);
    if (status == KIN_OK)
        status =
            kin_hashes_load(snapshot->txn, re->state->model, re->rows, &re->vector_hashes, err);
    return status;
}

static kin_status take_snapshot(kin_reindex *re, kin_error *err)
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

static kin_status embed_progress(void *ctx, double done, kin_error *err)
{
    return kin_reindex_step(ctx, "embedding", done, err);
}

static kin_status scrub_progress(void *ctx, double done, kin_error *err)
{
    return kin_reindex_step(ctx, "scrubbing deleted images", done, err);
}

/* Vectors under the learnt model, as far as the snapshot. */
static kin_status make_vectors(kin_reindex *re, kin_error *err)
{
    kin_archive *archive = re->archive;
    kin_rewrite *made = &re->new_vectors;
    const char *model = kin_embedder_id_borrow(re->learnt);
    char path[PATH_MAX];
    snprintf(made->name, sizeof made->name, "%s", model);
    made->embedder = re->learnt;
    made->progress = embed_progress;
    made->ctx = re;
    kin_status status = kin_path_of_model(archive, model, path, err);
    if (status == KIN_OK)
        status = kin_embedder_save(re->learnt, archive->fs, path, err);
    if (status == KIN_OK)
        status = kin_path_of_vectors(archive, model, path, err);
    if (status == KIN_OK)
        status =
            kin_rewrite_open(made, archive->fs, path, model, archive->codec, archive->dim, err);
    if (status == KIN_OK)
        status = kin_rewrite_advance(made, re->descriptors, re->live, re->rows, err);
    return status;
}

/* The vectors that the index will stand on: new under a learnt model, else those that serve. */
static kin_status choose_vectors(kin_reindex *re, kin_error *err)
{
    kin_status status = re->learnt != NULL ? make_vectors(re, err) : KIN_OK;
    if (status != KIN_OK)
        return status;
    re->vectors = re->learnt != NULL ? re->new_vectors.set : re->state->vectors;
    re->vector = calloc(re->archive->dim, sizeof *re->vector);
    if (re->vector == NULL)
        return kin_fail(err, KIN_E_NOMEM, re->archive->dir, "no memory for a vector");
    return kin_rows_open(re->vectors, re->rows, kin_hashes_expected,
                         re->learnt != NULL ? &re->new_vectors.hashes : &re->vector_hashes,
                         &re->vector_rows, err);
}

/* Descriptors without those of images deleted since the last time. */
static kin_status scrub(kin_reindex *re, kin_error *err)
{
    kin_archive *archive = re->archive;
    kin_rewrite *made = &re->new_descriptors;
    char path[PATH_MAX];
    if (kin_reindex_dead_rows(re) <= re->scrubbed)
        return KIN_OK;
    snprintf(made->name, sizeof made->name, "d%06llu", (unsigned long long)re->generation);
    made->progress = scrub_progress;
    made->ctx = re;
    kin_status status = kin_path_of_descriptors(archive, made->name, path, err);
    if (status == KIN_OK)
        status = kin_rewrite_open(made, archive->fs, path, archive->layout_tag, kin_codec_fp32,
                                  archive->features.length, err);
    if (status == KIN_OK)
        status = kin_rewrite_advance(made, re->descriptors, re->live, re->rows, err);
    return status;
}

static kin_status claim_generation(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_reindex *re = ctx;
    uint64_t last;
    kin_status status = kin_meta_get_u64(txn, KIN_META_LAST_GENERATION, 0, &last, err);
    if (status != KIN_OK)
        return status;
    re->generation = last + 1;
    return kin_meta_set_u64(txn, KIN_META_LAST_GENERATION, re->generation, err);
}

static kin_status save_generation(kin_reindex *re, kin_error *err)
{
    char path[PATH_MAX];
    kin_status status = kin_path_of_generation(re->archive, re->generation, path, err);
    if (status == KIN_OK)
        status = kin_index_save(re->index, re->archive->fs, path,
                                kin_embedder_id_borrow(re->embedder), re->rows, err);
    return status;
}

static void clean_up(kin_reindex *re)
{
    kin_rows_close(re->vector_rows);
    kin_rows_close(re->descriptors);
    kin_index_free(re->index);
    kin_rewrite_release(&re->new_vectors);
    kin_rewrite_release(&re->new_descriptors);
    kin_embedder_free(re->learnt);
    kin_state_return(re->state);
    if (re->live != NULL)
        roaring_bitmap_free(re->live);
    free(re->ids);
    free(re->vector);
    free(re->descriptor_hashes.values);
    free(re->vector_hashes.values);
}

/* Makes and swaps in what the chosen model needs. */
static kin_status build(kin_reindex *re, kin_error *err)
{
    kin_status status = kin_catalog_write(re->archive->catalog, claim_generation, re, err);
    if (status == KIN_OK)
        status = choose_vectors(re, err);
    if (status == KIN_OK)
        status = scrub(re, err);
    if (status == KIN_OK)
        status = kin_reindex_build_index(re, err);
    if (status == KIN_OK)
        status = save_generation(re, err);
    if (status == KIN_OK)
        status = kin_reindex_step(re, "swapping", 1, err);
    double began = kin_clock_monotonic();
    if (status == KIN_OK)
        status = kin_reindex_swap(re, err);
    re->report->swap_seconds = kin_clock_monotonic() - began;
    return status;
}

/* Text that outlives the embedder. */
static const char *model_kind(const kin_embedder *embedder)
{
    static const char *const kinds[] = {"bootstrap", "pca-whitened", "lda", "mlp"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kin_embedder_kind_borrow(embedder), kinds[i]) == 0)
            return kinds[i];
    return "unknown";
}

static void fill_report(kin_reindex *re)
{
    kin_reindex_report *report = re->report;
    report->generation = re->generation;
    snprintf(report->model, sizeof report->model, "%s", kin_embedder_id_borrow(re->embedder));
    report->model_kind = model_kind(re->embedder);
}

static kin_status choose_by_itself(void *ctx, kin_reindex *re, kin_error *err)
{
    (void)ctx;
    return kin_reindex_choose_model(re, err);
}

bool kin_reindex_is_kind(const char *name)
{
    return kin_index_is_kind(name);
}

kin_status kin_archive_reindex(kin_archive *archive, const kin_reindex_options *options,
                               kin_reindex_report *report, kin_error *err)
{
    return kin_reindex_taught(archive, options, choose_by_itself, NULL, report, err);
}

kin_status kin_reindex_taught(kin_archive *archive, const kin_reindex_options *options,
                              kin_status (*teach)(void *ctx, kin_reindex *re, kin_error *err),
                              void *ctx, kin_reindex_report *report, kin_error *err)
{
    kin_reindex re = {.archive = archive, .options = options, .report = report};
    double began = kin_clock_monotonic();
    int lock = -1;
    memset(report, 0, sizeof *report);
    kin_status status = kin_reindex_lock(archive, true, false, &lock, err);
    if (status != KIN_OK)
        return status;
    status = kin_archive_sweep(archive, false, err);
    if (status == KIN_OK)
        status = take_snapshot(&re, err);
    re.embedder = re.state != NULL ? re.state->embedder : NULL;
    if (status == KIN_OK)
        status = teach(ctx, &re, err);
    if (status == KIN_OK && !re.stop)
        status = build(&re, err);
    if (status == KIN_OK)
        fill_report(&re);
    bool changed = !re.stop;
    clean_up(&re);
    if (status == KIN_OK && changed)
        status = kin_archive_sweep(archive, true, err);
    close(lock);
    report->seconds = kin_clock_monotonic() - began;
    return status;
}
