/* put_regions.c - regions of stored images, into the archive and after their images. */
#include <string.h>

#include "archive/put.h"
#include "archive/regions.h"

static bool same_label(const kin_record *a, const kin_record *b, const char *name)
{
    char scratch_a[KIN_RECORD_SCRATCH], scratch_b[KIN_RECORD_SCRATCH];
    const char *of_a = kin_record_value(a, name, scratch_a);
    const char *of_b = kin_record_value(b, name, scratch_b);
    return of_a != NULL && of_b != NULL && strcmp(of_a, of_b) == 0;
}

/* The stored version of a region: of the same frame, marked by the same object under the same number;
 * or NULL. */
static const kin_record *stored_version(const kin_known *known, const kin_record *fresh)
{
    for (size_t i = 0; i < known->count; i++) {
        const kin_record *old = &known->records[i];
        if (old->region > 0 && old->frame == fresh->frame &&
            same_label(old, fresh, KIN_LABEL_REGION_SOURCE) &&
            same_label(old, fresh, KIN_LABEL_REGION_NUMBER))
            return old;
    }
    return NULL;
}

/* One more than the highest number that a region of the frame has: stored, or of the `before` items
 * that were put before this one. */
static uint32_t next_number(const kin_known *known, const kin_instance *instance, size_t before)
{
    uint32_t frame = instance->items[before].record.frame, highest = 0;
    for (size_t i = 0; i < known->count; i++)
        if (known->records[i].frame == frame && known->records[i].region > highest)
            highest = known->records[i].region;
    for (size_t i = 0; i < before; i++)
        if (instance->items[i].record.frame == frame && instance->items[i].record.region > highest)
            highest = instance->items[i].record.region;
    return highest + 1;
}

static kin_put_outcome judge(const kin_record *fresh, const kin_record *old)
{
    if (old == NULL)
        return KIN_PUT_STORED;
    if (!kin_digest_equal(fresh->content, old->content))
        return KIN_PUT_REPLACED;
    return kin_put_same_description(fresh, old) && kin_put_same_place(fresh, old)
               ? KIN_PUT_DUPLICATE
               : KIN_PUT_UPDATED;
}

static kin_status store(kin_put *put, kin_txn *txn, kin_item *item, kin_record *fresh,
                        const float *vector, const kin_record *old, kin_put_outcome outcome,
                        kin_error *err)
{
    kin_status status = KIN_OK;
    if (outcome == KIN_PUT_DUPLICATE)
        return KIN_OK;
    if (outcome == KIN_PUT_UPDATED) {
        fresh->id = old->id;
        return kin_catalog_update(txn, fresh, err);
    }
    if (outcome == KIN_PUT_REPLACED)
        status = kin_catalog_remove(txn, old->id, err);
    return status == KIN_OK ? kin_put_row(put, txn, fresh, item->descriptor, vector, err) : status;
}

static kin_status put_region(kin_put *put, kin_txn *txn, kin_item *item, const kin_known *known,
                             const float *vector, kin_put_outcome *outcome, kin_error *err)
{
    kin_record fresh;
    const kin_record *image = kin_known_frame(known, item->record.frame);
    const kin_record *old = stored_version(known, &item->record);
    if (image == NULL)
        return kin_fail(err, KIN_E_NOT_FOUND, item->record.sop_instance_uid,
                        "the image that the region lies on is not stored");
    if (old != NULL)
        item->record.region = old->region;
    kin_status status = kin_region_record(image, &item->record, &fresh, err);
    if (status != KIN_OK)
        return status;
    fresh.ingested_us = put->now;
    *outcome = judge(&fresh, old);
    status = store(put, txn, item, &fresh, vector, old, *outcome, err);
    item->record.id = fresh.id;
    kin_record_release(&fresh);
    return status;
}

kin_status kin_put_regions(kin_put *put, kin_txn *txn, kin_instance *instance,
                           const kin_known *known, const float *vectors, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < instance->count; i++) {
        kin_put_outcome outcome = KIN_PUT_DUPLICATE;
        instance->items[i].record.region = next_number(known, instance, i);
        status = put_region(put, txn, &instance->items[i], known, vectors + i * put->archive->dim,
                            &outcome, err);
        instance->outcome = kin_put_outcome_of(instance->outcome, outcome);
    }
    return status;
}

kin_status kin_put_follow(kin_put *put, kin_txn *txn, const kin_known *known,
                          const kin_record *image, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < known->count; i++) {
        kin_record fresh;
        const kin_record *old = &known->records[i];
        if (old->region == 0 || old->frame != image->frame)
            continue;
        status = kin_region_record(image, old, &fresh, err);
        if (status != KIN_OK)
            break;
        fresh.ingested_us = put->now;
        status = kin_catalog_update(txn, &fresh, err);
        kin_record_release(&fresh);
    }
    return status;
}

kin_status kin_put_drop_regions(kin_txn *txn, const kin_known *known, uint32_t frame,
                                kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < known->count; i++)
        if (known->records[i].region > 0 && known->records[i].frame == frame)
            status = kin_catalog_remove(txn, known->records[i].id, err);
    return status;
}
