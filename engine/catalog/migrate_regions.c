/*
 * To schema 3, in which an image's record may be that of a region of it.
 *
 * All records so far are of whole images: the field `region` is 0, as a record says that has none.
 * The index of values must know it, too.  A label of the same name gives way: it is called
 * KIN_LABEL_OLD_REGION from now on (record_pack.c reads it as that), in the records and the index.
 */
#include <string.h>

#include "catalog/internal.h"

static const char whole[] = KIN_FIELD_REGION "\0"
                                             "0";
enum { NAME_SIZE = sizeof KIN_FIELD_REGION, WHOLE_SIZE = sizeof whole - 1 };

/* Takes every key of the old label out of the index; its images' ids go to ids. */
static kin_status drop_old_keys(kin_txn *txn, MDB_cursor *cursor, roaring_bitmap_t *ids,
                                kin_error *err)
{
    MDB_val key = {.mv_size = NAME_SIZE, .mv_data = (void *)KIN_FIELD_REGION}, first;
    int rc = mdb_cursor_get(cursor, &key, &first, MDB_SET_RANGE);
    while (rc == 0 && key.mv_size >= NAME_SIZE &&
           memcmp(key.mv_data, KIN_FIELD_REGION, NAME_SIZE) == 0) {
        kin_status status = kin_ids_visit(txn, cursor, &first, 0, kin_ids_add_to_bitmap, ids, err);
        if (status != KIN_OK)
            return status;
        rc = mdb_cursor_del(cursor, MDB_NODUPDATA);
        key = (MDB_val){.mv_size = NAME_SIZE, .mv_data = (void *)KIN_FIELD_REGION};
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &key, &first, MDB_SET_RANGE);
    }
    return rc == 0 || rc == MDB_NOTFOUND ? KIN_OK
                                         : kin_txn_fail(txn, rc, "cannot rename a label", err);
}

/* Writes the record of an image anew, and the value of its renamed label into the index. */
static kin_status rename_label(kin_txn *txn, MDB_cursor *cursor, uint32_t id, kin_error *err)
{
    kin_record record;
    kin_value_key bytes;
    char scratch[KIN_RECORD_SCRATCH];
    kin_status status = kin_catalog_get(txn, id, &record, err);
    if (status != KIN_OK)
        return status;
    status = kin_image_store(txn, &record, 0, err);
    const char *value = kin_record_value(&record, KIN_LABEL_OLD_REGION, scratch);
    if (status == KIN_OK && value != NULL) {
        kin_value_key_make(&bytes, KIN_LABEL_OLD_REGION, value);
        MDB_val key = {.mv_size = bytes.size, .mv_data = bytes.bytes};
        MDB_val data = {.mv_size = sizeof id, .mv_data = &id};
        int rc = mdb_cursor_put(cursor, &key, &data, 0); /* it may be there by its own right */
        if (rc != 0)
            status = kin_txn_fail(txn, rc, "cannot rename a label", err);
    }
    kin_record_release(&record);
    return status;
}

/* All live images are whole ones.  Their ids come in order, and so are appended. */
static kin_status index_whole_images(kin_txn *txn, MDB_cursor *cursor, kin_error *err)
{
    roaring_bitmap_t *live;
    int rc = 0;
    kin_status status = kin_catalog_live(txn, &live, err);
    if (status != KIN_OK)
        return status;
    roaring_uint32_iterator_t *at = roaring_create_iterator(live);
    for (; rc == 0 && at->has_value; roaring_advance_uint32_iterator(at)) {
        uint32_t id = at->current_value;
        MDB_val key = {.mv_size = WHOLE_SIZE, .mv_data = (void *)whole};
        MDB_val data = {.mv_size = sizeof id, .mv_data = &id};
        rc = mdb_cursor_put(cursor, &key, &data, MDB_APPENDDUP);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(live);
    return rc == 0 ? KIN_OK : kin_txn_fail(txn, rc, "cannot index the whole images", err);
}

kin_status kin_migrate_regions(kin_txn *txn, kin_error *err)
{
    MDB_cursor *cursor;
    roaring_bitmap_t *old = roaring_bitmap_create();
    if (old == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->by_value, &cursor);
    if (rc != 0) {
        roaring_bitmap_free(old);
        return kin_txn_fail(txn, rc, "cannot open the index of values", err);
    }
    kin_status status = drop_old_keys(txn, cursor, old, err);
    roaring_uint32_iterator_t *at = roaring_create_iterator(old);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at))
        status = rename_label(txn, cursor, at->current_value, err);
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(old);
    if (status == KIN_OK)
        status = index_whole_images(txn, cursor, err);
    mdb_cursor_close(cursor);
    return status;
}
