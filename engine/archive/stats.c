/* stats.c - sizes and ages of an archive. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/internal.h"
#include "archive/learn_note.h"
#include "archive/regions.h"

static int count_value(void *ctx, const char *value, uint64_t images)
{
    uint64_t *count = ctx;
    (void)images;
    *count += value[0] != '\0';
    return 0;
}

static kin_status count_values(kin_txn *txn, const char *name, uint64_t *count, kin_error *err)
{
    *count = 0;
    return kin_catalog_each_value(txn, name, NULL, count_value, count, err);
}

/* Bytes on disk of the regular files in a folder; 0 where it is absent. */
static uint64_t folder_bytes(const char *dir)
{
    uint64_t bytes = 0;
    DIR *open_dir = opendir(dir);
    if (open_dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(open_dir)) != NULL;) {
        char path[PATH_MAX];
        struct stat st;
        if (kin_archive_path(dir, entry->d_name, "", "", path, NULL) == KIN_OK &&
            stat(path, &st) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_blocks * 512;
    }
    closedir(open_dir);
    return bytes;
}

static kin_status count_rows(const kin_snapshot *snapshot, kin_archive_stats *out, kin_error *err)
{
    roaring_bitmap_t *live = NULL;
    kin_bitmap *regions = NULL;
    uint64_t older = snapshot->state->index_rows;
    kin_status status = kin_regions_all(snapshot->txn, &regions, err);
    if (status == KIN_OK)
        status = kin_catalog_live(snapshot->txn, &live, err);
    out->regions = kin_bitmap_count(regions);
    kin_bitmap_free(regions);
    if (status != KIN_OK)
        return status;
    out->rows = snapshot->rows;
    uint64_t count = roaring_bitmap_get_cardinality(live);
    out->images = count - out->regions;
    out->dead = out->rows - count;
    out->tail = count - (older > 0 ? roaring_bitmap_rank(live, (uint32_t)(older - 1)) : 0);
    roaring_bitmap_free(live);
    return KIN_OK;
}

static kin_status count_levels(const kin_snapshot *snapshot, kin_archive_stats *out, kin_error *err)
{
    kin_status status = count_values(snapshot->txn, "patient_id", &out->patients, err);
    if (status == KIN_OK)
        status = count_values(snapshot->txn, "study_instance_uid", &out->studies, err);
    if (status == KIN_OK)
        status = count_values(snapshot->txn, "series_instance_uid", &out->series, err);
    if (status == KIN_OK)
        status = count_values(snapshot->txn, "sop_instance_uid", &out->instances, err);
    return status;
}

static void describe_tunings(const kin_state *state, kin_archive_stats *out)
{
    if (state->index == NULL)
        return;
    const kin_index_tuning *tunings = kin_index_tunings_borrow(state->index, &out->tuning_count);
    kin_tunings_copy(tunings, out->tuning_count, out->tunings);
}

static kin_status describe_generation(const kin_snapshot *snapshot, kin_archive_stats *out,
                                      kin_error *err)
{
    char recall[32];
    out->generation = snapshot->state->generation;
    snprintf(out->index_kind, sizeof out->index_kind, "%s",
             snapshot->state->index != NULL ? kin_index_kind_borrow(snapshot->state->index)
                                            : "none");
    describe_tunings(snapshot->state, out);
    kin_status status = kin_meta_get_text(snapshot->txn, KIN_META_GENERATION_TIME,
                                          out->generation_time, sizeof out->generation_time, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(snapshot->txn, KIN_META_GENERATION_RECALL, recall, sizeof recall,
                                   err);
    if (status == KIN_OK)
        out->generation_recall = recall[0] != '\0' ? strtod(recall, NULL) : -1;
    return status;
}

/* What a model that was learnt from labels has from where. */
static kin_status describe_metric(const kin_snapshot *snapshot, kin_archive_stats *out,
                                  kin_error *err)
{
    kin_learn_note note;
    kin_status status = kin_learn_note_read(snapshot->txn, &note, err);
    if (status != KIN_OK || note.label[0] == '\0' || strcmp(note.model, out->model) != 0)
        return status;
    snprintf(out->metric.label, sizeof out->metric.label, "%s", note.label);
    snprintf(out->metric.where, sizeof out->metric.where, "%s", note.where);
    out->metric.images = note.images;
    out->metric.classes = note.classes;
    out->metric.groups = note.groups;
    out->metric.map = note.map;
    out->metric.base_map = note.base_map;
    return KIN_OK;
}

static void describe_model(const kin_snapshot *snapshot, kin_archive_stats *out)
{
    const kin_embedder *embedder = snapshot->state->embedder;
    snprintf(out->model, sizeof out->model, "%s", snapshot->state->model);
    snprintf(out->model_kind, sizeof out->model_kind, "%s", kin_embedder_kind_borrow(embedder));
    snprintf(out->layout, sizeof out->layout, "%s", kin_embedder_signature_borrow(embedder));
    out->model_trained_on = kin_embedder_trained_on(embedder);
    out->dim = snapshot->archive->dim;
    snprintf(out->codec, sizeof out->codec, "%s", kin_codec_name_borrow(snapshot->archive->codec));
    out->descriptor_length = snapshot->archive->features.length;
}

static kin_status measure_files(const kin_snapshot *snapshot, kin_archive_stats *out,
                                kin_error *err)
{
    const kin_archive *archive = snapshot->archive;
    char path[PATH_MAX];
    uint64_t map;
    kin_status status = kin_catalog_size(archive->catalog, &out->catalog_bytes, &map, err);
    if (status == KIN_OK)
        status = kin_path_of_descriptors(archive, snapshot->state->descriptors_name, path, err);
    if (status == KIN_OK) {
        out->descriptor_bytes = folder_bytes(path);
        status = kin_path_of_vectors(archive, snapshot->state->model, path, err);
    }
    if (status == KIN_OK) {
        out->vector_bytes = folder_bytes(path);
        status = kin_path_of_generation(archive, snapshot->state->generation, path, err);
    }
    struct stat st;
    if (status == KIN_OK)
        out->index_bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    return status;
}

kin_status kin_archive_stats_read(kin_archive *archive, kin_archive_stats *out, kin_error *err)
{
    kin_snapshot snapshot;
    memset(out, 0, sizeof *out);
    kin_status status = kin_snapshot_open(archive, &snapshot, err);
    if (status != KIN_OK)
        return status;
    describe_model(&snapshot, out);
    status = describe_metric(&snapshot, out, err);
    if (status == KIN_OK)
        status = count_rows(&snapshot, out, err);
    if (status == KIN_OK)
        status = count_levels(&snapshot, out, err);
    if (status == KIN_OK)
        status = kin_previews_measure(snapshot.txn, &out->previews, &out->preview_bytes, err);
    if (status == KIN_OK)
        status = describe_generation(&snapshot, out, err);
    if (status == KIN_OK)
        status = measure_files(&snapshot, out, err);
    kin_snapshot_close(&snapshot);
    return status;
}
