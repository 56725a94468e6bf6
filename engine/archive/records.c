/* records.c - finding, listing and deleting what is stored. */
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"
#include "archive/regions.h"

/* The field whose value names all images of a level. */
static const char *const level_field[] = {
    [KIN_LEVEL_IMAGE] = "sop_instance_uid",       [KIN_LEVEL_SERIES] = "series_instance_uid",
    [KIN_LEVEL_STUDY] = "study_instance_uid",     [KIN_LEVEL_PATIENT] = "patient_id",
    [KIN_LEVEL_REGION] = KIN_LABEL_REGION_SOURCE,
};

bool kin_level_parse(const char *text, kin_level *out)
{
    static const struct {
        const char *name;
        kin_level level;
    } names[] = {
        {"image", KIN_LEVEL_IMAGE}, {"instance", KIN_LEVEL_IMAGE},  {"series", KIN_LEVEL_SERIES},
        {"study", KIN_LEVEL_STUDY}, {"patient", KIN_LEVEL_PATIENT}, {"region", KIN_LEVEL_REGION},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i].name) == 0) {
            *out = names[i].level;
            return true;
        }
    }
    return false;
}

void kin_records_free(kin_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kin_record_release(&records[i]);
    free(records);
}

const char *kin_level_field(kin_level level)
{
    return level_field[level];
}

/* Of ids that have a label as regions have it, those that are regions: a manifest may say of an image
 * what it likes. */
static kin_status keep_regions(kin_txn *txn, roaring_bitmap_t *ids, kin_error *err)
{
    kin_bitmap *regions;
    if (roaring_bitmap_is_empty(ids))
        return KIN_OK;
    kin_status status = kin_regions_all(txn, &regions, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_and_inplace(ids, kin_bitmap_borrow(regions));
    kin_bitmap_free(regions);
    return KIN_OK;
}

/* The ids that uid names at a level; NULL where there are none. */
static kin_status ids_at(kin_txn *txn, const char *uid, kin_level level, roaring_bitmap_t **out,
                         kin_error *err)
{
    roaring_bitmap_t *ids;
    *out = NULL;
    kin_status status = kin_catalog_with_value(txn, level_field[level], uid, &ids, err);
    if (status != KIN_OK)
        return status;
    if (level == KIN_LEVEL_REGION)
        status = keep_regions(txn, ids, err);
    if (status == KIN_OK && !roaring_bitmap_is_empty(ids))
        *out = ids;
    else
        roaring_bitmap_free(ids);
    return status;
}

kin_status kin_ids_named(kin_txn *txn, const char *uid, roaring_bitmap_t **ids, kin_level *level,
                         kin_error *err)
{
    for (int at = KIN_LEVEL_IMAGE; uid[0] != '\0' && at <= KIN_LEVEL_REGION; at++) {
        kin_status status = ids_at(txn, uid, (kin_level)at, ids, err);
        if (status != KIN_OK)
            return status;
        if (*ids != NULL) {
            *level = (kin_level)at;
            return KIN_OK;
        }
    }
    return kin_fail(err, KIN_E_NOT_FOUND, uid,
                    "no instance, series, study or patient of this name is stored, and no regions "
                    "that an object of this name marks");
}

static kin_status load_records(kin_txn *txn, const roaring_bitmap_t *ids, size_t max,
                               kin_record **out, size_t *out_count, kin_error *err)
{
    size_t count = (size_t)roaring_bitmap_get_cardinality(ids), done = 0;
    if (count > max)
        count = max;
    kin_record *records = calloc(count > 0 ? count : 1, sizeof *records);
    if (records == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu records", count);
    kin_status status = KIN_OK;
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && done < count && at->has_value; roaring_advance_uint32_iterator(at)) {
        status = kin_catalog_get(txn, at->current_value, &records[done], err);
        if (status == KIN_OK)
            done++;
    }
    roaring_free_uint32_iterator(at);
    if (status != KIN_OK) {
        kin_records_free(records, done);
        return status;
    }
    *out = records;
    *out_count = count;
    return KIN_OK;
}

kin_status kin_archive_find(kin_archive *archive, const char *uid, size_t max, kin_record **records,
                            size_t *count, kin_level *level, kin_error *err)
{
    kin_txn *txn = NULL;
    roaring_bitmap_t *ids = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_ids_named(txn, uid, &ids, level, err);
    if (status == KIN_OK) {
        status = load_records(txn, ids, max, records, count, err);
        roaring_bitmap_free(ids);
    }
    kin_txn_end(txn);
    return status;
}

/* A region's record names its image's file. */
static kin_status drop_regions(kin_txn *txn, roaring_bitmap_t *ids, kin_error *err)
{
    kin_bitmap *regions;
    if (roaring_bitmap_is_empty(ids))
        return KIN_OK;
    kin_status status = kin_regions_all(txn, &regions, err);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_andnot_inplace(ids, kin_bitmap_borrow(regions));
    kin_bitmap_free(regions);
    return KIN_OK;
}

kin_status kin_archive_find_file(kin_archive *archive, kin_digest file, kin_record **records,
                                 size_t *count, kin_error *err)
{
    kin_record key = {.file = file};
    char scratch[KIN_RECORD_SCRATCH];
    kin_txn *txn = NULL;
    roaring_bitmap_t *ids = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status =
        kin_catalog_with_value(txn, "file", kin_record_value(&key, "file", scratch), &ids, err);
    if (status == KIN_OK) {
        status = drop_regions(txn, ids, err);
        if (status == KIN_OK)
            status = load_records(txn, ids, SIZE_MAX, records, count, err);
        roaring_bitmap_free(ids);
    }
    kin_txn_end(txn);
    return status;
}

struct removal {
    const char *uid;
    uint64_t images, regions; /* removed */
};

/* Takes out all of ids, of which `regions` has those that are regions. */
static kin_status remove_ids(kin_txn *txn, const roaring_bitmap_t *ids,
                             const roaring_bitmap_t *regions, struct removal *removal,
                             kin_error *err)
{
    kin_status status = KIN_OK;
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        bool region = roaring_bitmap_contains(regions, at->current_value);
        status = kin_catalog_remove(txn, at->current_value, err);
        removal->images += status == KIN_OK && !region;
        removal->regions += status == KIN_OK && region;
    }
    roaring_free_uint32_iterator(at);
    return status;
}

static kin_status remove_body(kin_txn *txn, void *ctx, kin_error *err)
{
    struct removal *removal = ctx;
    roaring_bitmap_t *ids = NULL;
    kin_bitmap *regions = NULL;
    kin_level level;
    removal->images = removal->regions = 0;
    kin_status status = kin_ids_named(txn, removal->uid, &ids, &level, err);
    if (status == KIN_OK)
        status = kin_regions_all(txn, &regions, err);
    if (status == KIN_OK)
        status = remove_ids(txn, ids, kin_bitmap_borrow(regions), removal, err);
    kin_bitmap_free(regions);
    if (ids != NULL)
        roaring_bitmap_free(ids);
    return status;
}

kin_status kin_archive_delete(kin_archive *archive, const char *uid, uint64_t *removed,
                              uint64_t *regions, kin_error *err)
{
    struct removal removal = {.uid = uid};
    kin_status status = kin_catalog_write(archive->catalog, remove_body, &removal, err);
    *removed = status == KIN_OK ? removal.images : 0;
    if (regions != NULL)
        *regions = status == KIN_OK ? removal.regions : 0;
    return status;
}

struct retirement {
    const char *source, *file;
    struct removal removal;
    uint64_t left;
};

static kin_status retire_body(kin_txn *txn, void *ctx, kin_error *err)
{
    struct retirement *retirement = ctx;
    roaring_bitmap_t *ids = NULL, *present = NULL;
    retirement->removal.images = retirement->removal.regions = retirement->left = 0;
    kin_status status = ids_at(txn, retirement->source, KIN_LEVEL_REGION, &ids, err);
    if (status != KIN_OK || ids == NULL)
        return status;
    status = kin_catalog_with_value(txn, KIN_LABEL_REGION_FILE, retirement->file, &present, err);
    if (status == KIN_OK) {
        retirement->left = roaring_bitmap_and_cardinality(ids, present);
        roaring_bitmap_andnot_inplace(ids, present);
        status = remove_ids(txn, ids, ids, &retirement->removal, err);
        roaring_bitmap_free(present);
    }
    roaring_bitmap_free(ids);
    return status;
}

kin_status kin_archive_retire_regions(kin_archive *archive, const char *source, const char *file,
                                      uint64_t *removed, uint64_t *left, kin_error *err)
{
    struct retirement retirement = {.source = source, .file = file};
    kin_status status = kin_catalog_write(archive->catalog, retire_body, &retirement, err);
    *removed = status == KIN_OK ? retirement.removal.regions : 0;
    *left = retirement.left;
    return status;
}

kin_status kin_archive_each_record(kin_archive *archive, const kin_condition *where,
                                   int (*visit)(void *ctx, const kin_record *record), void *ctx,
                                   kin_error *err)
{
    kin_txn *txn = NULL;
    roaring_bitmap_t *ids = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = where != NULL ? kin_condition_evaluate(where, txn, &ids, err)
                           : kin_catalog_live(txn, &ids, err);
    if (status == KIN_OK) {
        int stop = 0;
        roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
        for (; status == KIN_OK && !stop && at->has_value; roaring_advance_uint32_iterator(at)) {
            kin_record record;
            status = kin_catalog_get(txn, at->current_value, &record, err);
            if (status == KIN_OK) {
                stop = visit(ctx, &record);
                kin_record_release(&record);
            }
        }
        roaring_free_uint32_iterator(at);
        roaring_bitmap_free(ids);
    }
    kin_txn_end(txn);
    return status;
}

kin_status kin_archive_each_value(kin_archive *archive, const char *name,
                                  int (*visit)(void *ctx, const char *value, uint64_t images),
                                  void *ctx, kin_error *err)
{
    kin_txn *txn = NULL;
    kin_bitmap *regions = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    bool of_regions = strcmp(name, KIN_FIELD_REGION) == 0 || kin_record_is_region_label(name);
    if (!of_regions)
        status = kin_regions_all(txn, &regions, err);
    if (status == KIN_OK)
        status = kin_catalog_each_value(
            txn, name, kin_bitmap_count(regions) > 0 ? kin_bitmap_borrow(regions) : NULL, visit,
            ctx, err);
    kin_bitmap_free(regions);
    kin_txn_end(txn);
    return status;
}

kin_status kin_archive_each_name(kin_archive *archive, int (*visit)(void *ctx, const char *name),
                                 void *ctx, kin_error *err)
{
    kin_txn *txn = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status == KIN_OK) {
        status = kin_catalog_each_name(txn, visit, ctx, err);
        kin_txn_end(txn);
    }
    return status;
}

kin_status kin_archive_unknown_names(kin_archive *archive, const kin_condition *where, char *out,
                                     size_t size, kin_error *err)
{
    kin_txn *txn = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status == KIN_OK) {
        status = kin_condition_unknown_names(where, txn, out, size, err);
        kin_txn_end(txn);
    }
    return status;
}
