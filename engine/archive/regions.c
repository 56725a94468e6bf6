#include "archive/regions.h"

#include <string.h>

/* Takes out the labels that only a region has, backwards, as each closes the gap behind it. */
static kin_status drop_own_labels(kin_record *record, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = record->label_count; status == KIN_OK && i > 0; i--)
        if (kin_record_is_region_label(record->labels[i - 1].name))
            status = kin_record_set_label(record, record->labels[i - 1].name, NULL, err);
    return status;
}

kin_status kin_region_record(const kin_record *image, const kin_record *region, kin_record *out,
                             kin_error *err)
{
    kin_status status = kin_record_copy(image, out, err);
    if (status != KIN_OK)
        return status;
    status = drop_own_labels(out, err);
    for (size_t i = 0; status == KIN_OK && i < region->label_count; i++)
        if (kin_record_is_region_label(region->labels[i].name))
            status =
                kin_record_set_label(out, region->labels[i].name, region->labels[i].value, err);
    out->id = region->id;
    out->region = region->region;
    out->content = region->content;
    if (status != KIN_OK)
        kin_record_release(out);
    return status;
}

kin_status kin_regions_all(kin_txn *txn, kin_bitmap **out, kin_error *err)
{
    kin_condition *condition = NULL;
    kin_status status = kin_condition_parse(KIN_FIELD_REGION " > 0", &condition, err);
    if (status != KIN_OK)
        return status;
    status = kin_condition_members(condition, txn, out, err);
    kin_condition_free(condition);
    return status;
}

/* Adds those of an instance's rows that are of the frame. */
static kin_status add_of_frame(kin_txn *txn, const roaring_bitmap_t *rows, uint32_t frame,
                               roaring_bitmap_t *ids, kin_error *err)
{
    kin_status status = KIN_OK;
    roaring_uint32_iterator_t *at = roaring_create_iterator(rows);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        kin_record record;
        status = kin_catalog_get(txn, at->current_value, &record, err);
        if (status != KIN_OK)
            break;
        if (record.frame == frame)
            roaring_bitmap_add(ids, at->current_value);
        kin_record_release(&record);
    }
    roaring_free_uint32_iterator(at);
    return status;
}

kin_status kin_regions_of_image(kin_txn *txn, uint64_t id, const roaring_bitmap_t *regions,
                                roaring_bitmap_t *ids, kin_error *err)
{
    kin_record record;
    roaring_bitmap_t *rows = NULL;
    roaring_bitmap_add(ids, (uint32_t)id);
    if (roaring_bitmap_is_empty(regions))
        return KIN_OK;
    kin_status status = kin_catalog_get(txn, id, &record, err);
    if (status == KIN_E_NOT_FOUND) /* it was deleted since the query was made */
        return KIN_OK;
    if (status != KIN_OK)
        return status;
    status = kin_catalog_with_value(txn, "sop_instance_uid", record.sop_instance_uid, &rows, err);
    if (status == KIN_OK && roaring_bitmap_intersect(rows, regions))
        status = add_of_frame(txn, rows, record.frame, ids, err);
    if (rows != NULL)
        roaring_bitmap_free(rows);
    kin_record_release(&record);
    return status;
}
