#include "archive/regions.h"

#include <stdlib.h>
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

/* The records of ids in their order, from malloc. */
static kin_status load(kin_txn *txn, const roaring_bitmap_t *ids, kin_record **out, size_t *count,
                       kin_error *err)
{
    size_t all = (size_t)roaring_bitmap_get_cardinality(ids);
    kin_status status = KIN_OK;
    *count = 0;
    *out = calloc(all > 0 ? all : 1, sizeof **out);
    if (*out == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu records", all);
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        status = kin_catalog_get(txn, at->current_value, &(*out)[*count], err);
        *count += status == KIN_OK;
    }
    roaring_free_uint32_iterator(at);
    if (status != KIN_OK) {
        kin_records_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return status;
}

kin_status kin_regions_load(kin_archive *archive, const char *sop_instance_uid,
                            kin_record **records, size_t *count, kin_error *err)
{
    kin_txn *txn = NULL;
    roaring_bitmap_t *ids = NULL;
    *records = NULL;
    *count = 0;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status =
        kin_catalog_with_value(txn, kin_level_field(KIN_LEVEL_IMAGE), sop_instance_uid, &ids, err);
    if (status == KIN_OK) {
        status = load(txn, ids, records, count, err);
        roaring_bitmap_free(ids);
    }
    kin_txn_end(txn);
    return status;
}

/* Adds the UID of a record, unless it is that of the one before: frames of one file stand together.
 * One that comes twice all the same is looked at twice, to no other effect. */
static kin_status add_uid(kin_txn *txn, uint32_t id, char **uids, size_t *count, kin_error *err)
{
    kin_record record;
    kin_status status = kin_catalog_get(txn, id, &record, err);
    if (status != KIN_OK)
        return status;
    if (*count == 0 || strcmp(uids[*count - 1], record.sop_instance_uid) != 0) {
        uids[*count] = strdup(record.sop_instance_uid);
        if (uids[*count] == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a UID");
        else
            ++*count;
    }
    kin_record_release(&record);
    return status;
}

static kin_status list_uids(kin_txn *txn, const roaring_bitmap_t *ids, char ***uids, size_t *count,
                            kin_error *err)
{
    size_t all = (size_t)roaring_bitmap_get_cardinality(ids);
    kin_status status = KIN_OK;
    *uids = calloc(all > 0 ? all : 1, sizeof **uids);
    if (*uids == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu UIDs", all);
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at))
        status = add_uid(txn, at->current_value, *uids, count, err);
    roaring_free_uint32_iterator(at);
    return status;
}

kin_status kin_regions_instances(kin_archive *archive, const char *name, const char *value,
                                 char ***uids, size_t *count, kin_error *err)
{
    kin_txn *txn = NULL;
    kin_bitmap *regions = NULL;
    roaring_bitmap_t *ids = NULL;
    *uids = NULL;
    *count = 0;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_catalog_with_value(txn, name, value, &ids, err);
    if (status == KIN_OK)
        status = kin_regions_all(txn, &regions, err);
    if (status == KIN_OK) {
        roaring_bitmap_andnot_inplace(ids, kin_bitmap_borrow(regions));
        status = list_uids(txn, ids, uids, count, err);
    }
    kin_bitmap_free(regions);
    if (ids != NULL)
        roaring_bitmap_free(ids);
    kin_txn_end(txn);
    return status;
}
