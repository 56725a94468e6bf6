/* put.c - instances into the archive: rows first, then the transaction that names them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/put.h"
#include "base/checked.h"
#include "base/clock.h"

static void known_release(kin_known *known)
{
    kin_records_free(known->records, known->count);
    known->records = NULL;
    known->count = 0;
}

static kin_status known_load(kin_txn *txn, const char *uid, kin_known *known, kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    known->records = NULL;
    known->count = 0;
    kin_status status = kin_catalog_with_value(txn, "sop_instance_uid", uid, &ids, err);
    if (status != KIN_OK)
        return status;
    size_t count = (size_t)roaring_bitmap_get_cardinality(ids);
    if (count > 0 && (known->records = calloc(count, sizeof *known->records)) == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu records", count);
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        status = kin_catalog_get(txn, at->current_value, &known->records[known->count], err);
        if (status == KIN_OK)
            known->count++;
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    if (status != KIN_OK)
        known_release(known);
    return status;
}

const kin_record *kin_known_frame(const kin_known *known, uint32_t frame)
{
    for (size_t i = 0; i < known->count; i++)
        if (known->records[i].frame == frame && known->records[i].region == 0)
            return &known->records[i];
    return NULL;
}

static bool same_labels(const kin_record *a, const kin_record *b)
{
    if (a->label_count != b->label_count)
        return false;
    for (size_t i = 0; i < a->label_count; i++)
        if (strcmp(a->labels[i].name, b->labels[i].name) != 0 ||
            strcmp(a->labels[i].value, b->labels[i].value) != 0)
            return false;
    return true;
}

bool kin_put_same_description(const kin_record *a, const kin_record *b)
{
    return strcmp(a->series_instance_uid, b->series_instance_uid) == 0 &&
           strcmp(a->study_instance_uid, b->study_instance_uid) == 0 &&
           strcmp(a->patient_id, b->patient_id) == 0 && strcmp(a->modality, b->modality) == 0 &&
           strcmp(a->body_part, b->body_part) == 0 && strcmp(a->study_date, b->study_date) == 0 &&
           strcmp(a->outcome, b->outcome) == 0 && a->width == b->width && a->height == b->height &&
           same_labels(a, b);
}

/* A byte-for-byte copy in another place adds nothing while the first one is still there.  An upload
 * has no place: its path is a client's word, by which no file of ours is looked at. */
static bool is_mere_copy(const kin_record *fresh, const kin_record *old)
{
    return !fresh->uploaded && !old->uploaded && kin_digest_equal(fresh->file, old->file) &&
           strcmp(fresh->path, old->path) != 0 && access(old->path, F_OK) == 0;
}

bool kin_put_same_place(const kin_record *a, const kin_record *b)
{
    return a->uploaded == b->uploaded && strcmp(a->path, b->path) == 0 &&
           kin_digest_equal(a->file, b->file);
}

static kin_put_outcome judge(const kin_record *fresh, const kin_record *old)
{
    if (old == NULL)
        return KIN_PUT_STORED;
    if (!kin_digest_equal(fresh->content, old->content))
        return KIN_PUT_REPLACED;
    if (is_mere_copy(fresh, old))
        return KIN_PUT_DUPLICATE;
    return kin_put_same_description(fresh, old) && kin_put_same_place(fresh, old)
               ? KIN_PUT_DUPLICATE
               : KIN_PUT_UPDATED;
}

/* How much an outcome changes. */
static int weight(kin_put_outcome outcome)
{
    switch (outcome) {
    case KIN_PUT_DUPLICATE:
        return 0;
    case KIN_PUT_UPDATED:
        return 1;
    case KIN_PUT_STORED:
        return 2;
    case KIN_PUT_REPLACED:
        return 3;
    }
    return 0;
}

kin_put_outcome kin_put_outcome_of(kin_put_outcome a, kin_put_outcome b)
{
    return weight(b) > weight(a) ? b : a;
}

static kin_status add_preview(kin_txn *txn, const kin_item *item, kin_error *err)
{
    return item->preview != NULL
               ? kin_preview_add(txn, item->record.id, item->preview, item->preview_size, err)
               : KIN_OK;
}

kin_status kin_put_row(kin_put *put, kin_txn *txn, kin_record *record, const float *descriptor,
                       const float *vector, kin_error *err)
{
    if (descriptor == NULL)
        return kin_fail(err, KIN_E_NOT_FOUND, record->sop_instance_uid,
                        "the image is not stored and came without a descriptor");
    kin_status status = kin_catalog_put(txn, record, err);
    if (status == KIN_OK)
        status = kin_segments_append(put->state->descriptors, record->id, descriptor, 1, err);
    if (status == KIN_OK)
        status = kin_segments_append(put->state->vectors, record->id, vector, 1, err);
    return status;
}

/* Another description of the same picture, for its regions too. */
static kin_status update_image(kin_put *put, kin_txn *txn, kin_item *item, const kin_known *known,
                               const kin_record *old, kin_error *err)
{
    item->record.id = old->id;
    kin_status status = kin_catalog_update(txn, &item->record, err);
    if (status == KIN_OK)
        status = add_preview(txn, item, err);
    return status == KIN_OK ? kin_put_follow(put, txn, known, &item->record, err) : status;
}

static kin_status put_item(kin_put *put, kin_txn *txn, kin_item *item, const float *vector,
                           const kin_known *known, kin_put_outcome *outcome, kin_error *err)
{
    kin_status status = KIN_OK;
    const kin_record *old = kin_known_frame(known, item->record.frame);
    item->record.region = 0;
    item->record.ingested_us = put->now;
    *outcome = judge(&item->record, old);
    if (*outcome == KIN_PUT_DUPLICATE)
        return KIN_OK;
    if (*outcome == KIN_PUT_UPDATED)
        return update_image(put, txn, item, known, old, err);
    if (*outcome == KIN_PUT_REPLACED) {
        status = kin_put_drop_regions(txn, known, old->frame, err);
        if (status == KIN_OK)
            status = kin_catalog_remove(txn, old->id, err);
    }
    if (status == KIN_OK)
        status = kin_put_row(put, txn, &item->record, item->descriptor, vector, err);
    return status == KIN_OK ? add_preview(txn, item, err) : status;
}

/* Frames that the stored instance had and the new one has no more, with their regions. */
static kin_status remove_beyond(kin_txn *txn, const kin_known *known, uint32_t frames,
                                bool *removed, kin_error *err)
{
    for (size_t i = 0; i < known->count; i++) {
        if (known->records[i].frame < frames)
            continue;
        kin_status status = kin_catalog_remove(txn, known->records[i].id, err);
        if (status != KIN_OK)
            return status;
        *removed = true;
    }
    return KIN_OK;
}

static kin_status put_frames(kin_put *put, kin_txn *txn, kin_instance *instance,
                             const kin_known *known, const float *vectors, kin_error *err)
{
    kin_status status = KIN_OK;
    bool removed = false;
    for (size_t i = 0; status == KIN_OK && i < instance->count; i++) {
        kin_put_outcome outcome = KIN_PUT_DUPLICATE;
        status = put_item(put, txn, &instance->items[i], vectors + i * put->archive->dim, known,
                          &outcome, err);
        instance->outcome = kin_put_outcome_of(instance->outcome, outcome);
    }
    if (status != KIN_OK || !instance->complete)
        return status;
    uint32_t frames = instance->items[instance->count - 1].record.frame + 1;
    status = remove_beyond(txn, known, frames, &removed, err);
    if (removed)
        instance->outcome = KIN_PUT_REPLACED;
    return status;
}

static kin_status put_instance(kin_put *put, kin_txn *txn, kin_instance *instance,
                               const float *vectors, kin_error *err)
{
    kin_known known;
    if (instance->count == 0)
        return KIN_OK;
    instance->outcome = KIN_PUT_DUPLICATE;
    kin_status status = known_load(txn, instance->items[0].record.sop_instance_uid, &known, err);
    if (status == KIN_OK && instance->regions)
        status = kin_put_regions(put, txn, instance, &known, vectors, err);
    else if (status == KIN_OK)
        status = put_frames(put, txn, instance, &known, vectors, err);
    known_release(&known);
    return status;
}

static size_t item_count(const kin_put *put)
{
    size_t items = 0;
    for (size_t i = 0; i < put->count; i++)
        items += put->instances[i].count;
    return items;
}

static kin_status check_previews(const kin_put *put, kin_error *err)
{
    for (size_t i = 0; i < put->count; i++)
        for (size_t j = 0; j < put->instances[i].count; j++)
            if (put->instances[i].items[j].preview_size > KIN_PREVIEW_MAX)
                return kin_fail(err, KIN_E_ARG, put->instances[i].items[j].record.sop_instance_uid,
                                "a preview has at most %d bytes", KIN_PREVIEW_MAX);
    return KIN_OK;
}

static kin_status embed_items(kin_put *put, kin_error *err)
{
    size_t dim = put->archive->dim;
    float *to = put->vectors;
    for (size_t i = 0; i < put->count; i++) {
        for (size_t j = 0; j < put->instances[i].count; j++, to += dim) {
            const float *descriptor = put->instances[i].items[j].descriptor;
            if (descriptor == NULL)
                continue; /* a change of labels alone */
            kin_status status = kin_embedder_apply(put->state->embedder, descriptor, 1, to, err);
            if (status != KIN_OK)
                return status;
        }
    }
    return KIN_OK;
}

/* A reindex may have swapped the model since the embeddings were made: then they are made again. */
static kin_status follow_model(kin_put *put, kin_txn *txn, kin_error *err)
{
    kin_state *state = NULL;
    kin_status status = kin_state_borrow(put->archive, txn, &state, err);
    if (status != KIN_OK)
        return status;
    bool same = strcmp(state->model, put->state->model) == 0; /* the embedding, not the files */
    kin_state_return(put->state);
    put->state = state;
    return same ? KIN_OK : embed_items(put, err);
}

static kin_status put_body(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_put *put = ctx;
    uint64_t first, end;
    kin_status status = follow_model(put, txn, err);
    if (status == KIN_OK)
        status = kin_catalog_rows(txn, &first, err);
    const float *vectors = put->vectors;
    for (size_t i = 0; status == KIN_OK && i < put->count; i++) {
        status = put_instance(put, txn, &put->instances[i], vectors, err);
        vectors += put->instances[i].count * put->archive->dim;
    }
    if (status == KIN_OK)
        status = kin_catalog_rows(txn, &end, err);
    if (status != KIN_OK || end == first)
        return status;
    /* Rows must be on the disk before the commit that names them. */
    status = kin_segments_sync(put->state->descriptors, err);
    if (status == KIN_OK)
        status = kin_segments_sync(put->state->vectors, err);
    if (status == KIN_OK)
        status = kin_blocks_record(txn, put->state->descriptors, put->state->descriptors_name,
                                   first, end, err);
    if (status == KIN_OK)
        status = kin_blocks_record(txn, put->state->vectors, put->state->model, first, end, err);
    return status;
}

void kin_instance_release(kin_instance *instance)
{
    for (size_t i = 0; i < instance->count; i++) {
        kin_record_release(&instance->items[i].record);
        free(instance->items[i].descriptor);
        free(instance->items[i].preview);
    }
    free(instance->items);
    instance->items = NULL;
    instance->count = 0;
}

kin_status kin_archive_put(kin_archive *archive, kin_instance *instances, size_t count,
                           kin_error *err)
{
    kin_put put = {
        .archive = archive, .instances = instances, .count = count, .now = kin_clock_wall_us()};
    kin_snapshot snapshot;
    size_t items = item_count(&put), size;
    if (items == 0)
        return KIN_OK;
    kin_status status = check_previews(&put, err);
    if (status != KIN_OK)
        return status;
    if (!kin_mul_size(items, archive->dim * sizeof(float), &size) ||
        (put.vectors = calloc(1, size)) == NULL)
        return kin_fail(err, KIN_E_NOMEM, archive->dir, "no memory for %zu embeddings", items);
    status = kin_snapshot_open(archive, &snapshot, err);
    if (status == KIN_OK) {
        put.state = snapshot.state;
        snapshot.state =
            NULL; /* kept by put; the snapshot itself must not outlive the write's begin */
        kin_snapshot_close(&snapshot);
        status = embed_items(&put, err);
        if (status == KIN_OK)
            status = kin_catalog_write(archive->catalog, put_body, &put, err);
        kin_state_return(put.state);
        if (status == KIN_E_IO || status == KIN_E_FULL)
            kin_state_forget(archive);
    }
    free(put.vectors);
    return status;
}
