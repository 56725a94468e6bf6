/*
 * Every cross-reference of the catalog.
 *
 * Each record is read, and each of its values looked up in the index.  Where all are found, the
 * index can only have too much; its entries are counted, and looked at one by one only when there
 * are more than the records account for.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "catalog/internal.h"

struct verification {
    kin_txn *txn;
    void (*report)(void *ctx, const char *fault);
    void *ctx;
    kin_error *err;
    uint64_t faults, rows;
    uint64_t values_expected, values_indexed;
    roaring_bitmap_t *recorded; /* ids that have a record, sound or not */
    MDB_cursor *index;
    uint32_t id; /* of the record at hand */
};

static void fault(struct verification *verification, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(struct verification *verification, const char *fmt, ...)
{
    char text[KIN_ERROR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    verification->faults++;
    if (verification->report != NULL)
        verification->report(verification->ctx, text);
}

/* --- records, and from them to the index --- */

static kin_status check_value(void *ctx, const char *name, const char *value)
{
    struct verification *verification = ctx;
    kin_value_key bytes;
    kin_value_key_make(&bytes, name, value);
    MDB_val key = {.mv_size = bytes.size, .mv_data = bytes.bytes};
    MDB_val data = {.mv_size = sizeof verification->id, .mv_data = &verification->id};
    int rc = mdb_cursor_get(verification->index, &key, &data, MDB_GET_BOTH);
    if (rc == 0)
        verification->values_expected++;
    else if (rc == MDB_NOTFOUND)
        fault(verification, "image %" PRIu32 ": its %s is not in the index", verification->id,
              name);
    else
        return kin_txn_fail(verification->txn, rc, "cannot look a value up", verification->err);
    return KIN_OK;
}

static kin_status check_image(struct verification *verification, const MDB_val *key,
                              const MDB_val *data)
{
    uint64_t id = UINT64_MAX;
    kin_record record;
    kin_error why;
    if (key->mv_size == sizeof id)
        memcpy(&id, key->mv_data, sizeof id);
    id = be64toh(id);
    if (id >= verification->rows) {
        fault(verification, "a record's id, %" PRIu64 ", is beyond the %" PRIu64 " rows", id,
              verification->rows);
        return KIN_OK;
    }
    roaring_bitmap_add(verification->recorded, (uint32_t)id);
    kin_status status = kin_image_decode(key, data, &record, &why);
    if (status == KIN_E_CORRUPT) {
        fault(verification, "image %" PRIu64 ": %s", id, why.message);
        return KIN_OK;
    }
    if (status != KIN_OK)
        return kin_fail(verification->err, status, NULL, "%s", why.message);
    verification->id = (uint32_t)id;
    status = kin_record_each_value(&record, check_value, verification);
    kin_record_release(&record);
    return status;
}

static kin_status check_images(struct verification *verification)
{
    kin_txn *txn = verification->txn;
    MDB_cursor *cursor;
    MDB_val key, data;
    kin_status status = KIN_OK;
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->images, &cursor);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot walk the images", verification->err);
    while (status == KIN_OK && (rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0)
        status = check_image(verification, &key, &data);
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND)
        status = kin_txn_fail(txn, rc, "cannot walk the images", verification->err);
    return status;
}

/* --- rows: each is either recorded or dead --- */

/* Reports each stretch of `ids`, all below the number of rows.  Stretches, since a number of rows
 * that is wrong may leave billions without a record. */
static kin_status report_rows(struct verification *verification, const roaring_bitmap_t *ids,
                              const char *what)
{
    roaring_uint32_iterator_t at, others_at;
    uint32_t last_row = (uint32_t)(verification->rows - 1);
    roaring_bitmap_t *others = roaring_bitmap_flip(ids, 0, verification->rows);
    if (others == NULL)
        return kin_fail(verification->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    roaring_init_iterator(ids, &at);
    roaring_init_iterator(others, &others_at);
    while (at.has_value) {
        uint32_t first = at.current_value;
        bool more = roaring_move_uint32_iterator_equalorlarger(&others_at, first);
        uint32_t last = more ? others_at.current_value - 1 : last_row;
        if (first == last)
            fault(verification, "image %" PRIu32 ": %s", first, what);
        else
            fault(verification, "images %" PRIu32 " to %" PRIu32 ": %s", first, last, what);
        roaring_move_uint32_iterator_equalorlarger(&at, last);
        roaring_advance_uint32_iterator(&at);
    }
    roaring_bitmap_free(others);
    return KIN_OK;
}

static kin_status check_rows(struct verification *verification)
{
    uint64_t rows = verification->rows;
    roaring_bitmap_t *dead = NULL, *both = NULL, *neither = NULL;
    kin_status status = kin_dead_all(verification->txn, &dead, verification->err);
    if (status != KIN_OK)
        return status;
    if (!roaring_bitmap_is_empty(dead) && roaring_bitmap_maximum(dead) >= rows)
        fault(verification, "a removed image's id is beyond the %" PRIu64 " rows", rows);
    roaring_bitmap_remove_range_closed(dead, (uint32_t)rows, UINT32_MAX);
    both = roaring_bitmap_and(dead, verification->recorded);
    neither = roaring_bitmap_or(dead, verification->recorded);
    if (both == NULL || neither == NULL) {
        status = kin_fail(verification->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
        goto out;
    }
    roaring_bitmap_flip_inplace(neither, 0, rows);
    status = report_rows(verification, both, "removed, and with a record");
    if (status == KIN_OK)
        status = report_rows(verification, neither, "without a record, and not removed");
out:
    if (both != NULL)
        roaring_bitmap_free(both);
    if (neither != NULL)
        roaring_bitmap_free(neither);
    roaring_bitmap_free(dead);
    return status;
}

/* --- from the index to the records --- */

static kin_status count_ids(void *ctx, const uint32_t *ids, size_t count)
{
    struct verification *verification = ctx;
    (void)ids;
    verification->values_indexed += count;
    return KIN_OK;
}

/* The key at hand while its ids are compared with their records. */
struct key_check {
    struct verification *verification;
    const MDB_val *key;
};

/* Has the record a value that leads to this key? */
static bool record_has_key(const kin_record *record, const MDB_val *key)
{
    char scratch[KIN_RECORD_SCRATCH];
    kin_value_key expected;
    const char *name = key->mv_data;
    size_t length = strnlen(name, key->mv_size);
    if (length == key->mv_size || length > KIN_RECORD_MAX_NAME)
        return false;
    const char *value = kin_record_value(record, name, scratch);
    if (value == NULL)
        return false;
    kin_value_key_make(&expected, name, value);
    return expected.size == key->mv_size &&
           memcmp(expected.bytes, key->mv_data, expected.size) == 0;
}

static kin_status compare_with_records(void *ctx, const uint32_t *ids, size_t count)
{
    struct key_check *check = ctx;
    struct verification *verification = check->verification;
    for (size_t i = 0; i < count; i++) {
        kin_record record;
        kin_error why;
        kin_status status = kin_catalog_get(verification->txn, ids[i], &record, &why);
        if (status == KIN_E_CORRUPT)
            continue; /* reported with the records */
        if (status == KIN_E_NOT_FOUND) {
            fault(verification, "image %" PRIu32 ": it is in the index and has no record", ids[i]);
            continue;
        }
        if (status != KIN_OK)
            return kin_fail(verification->err, status, NULL, "%s", why.message);
        if (!record_has_key(&record, check->key))
            fault(verification, "image %" PRIu32 ": it is in the index with a value that it lacks",
                  ids[i]);
        kin_record_release(&record);
    }
    return KIN_OK;
}

/* Walks the index, counting its entries or comparing each with its record. */
static kin_status walk_index(struct verification *verification, bool compare)
{
    kin_txn *txn = verification->txn;
    MDB_val key, first;
    kin_status status = KIN_OK;
    int rc = mdb_cursor_get(verification->index, &key, &first, MDB_FIRST);
    while (rc == 0 && status == KIN_OK) {
        struct key_check check = {.verification = verification, .key = &key};
        if (compare)
            status = kin_ids_visit(txn, verification->index, &first, 0, compare_with_records,
                                   &check, verification->err);
        else
            status = kin_ids_visit(txn, verification->index, &first, 0, count_ids, verification,
                                   verification->err);
        if (status == KIN_OK)
            rc = mdb_cursor_get(verification->index, &key, &first, MDB_NEXT_NODUP);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        status = kin_txn_fail(txn, rc, "cannot walk the index of values", verification->err);
    return status;
}

static kin_status check_index(struct verification *verification)
{
    MDB_stat stat;
    kin_status status = walk_index(verification, false);
    if (status != KIN_OK)
        return status;
    int rc = mdb_stat(verification->txn->mdb, verification->txn->catalog->by_value, &stat);
    if (rc != 0)
        return kin_txn_fail(verification->txn, rc, "cannot count the index", verification->err);
    if (stat.ms_entries != verification->values_indexed)
        fault(verification, "the index counts %zu entries and holds %" PRIu64, stat.ms_entries,
              verification->values_indexed);
    if (verification->values_indexed != verification->values_expected)
        status = walk_index(verification, true);
    return status;
}

/* --- previews --- */

static void check_preview(struct verification *verification, const MDB_val *key,
                          const MDB_val *data)
{
    uint64_t id = UINT64_MAX;
    const void *bytes;
    size_t size;
    kin_error why;
    if (kin_preview_check(key, data, &bytes, &size, &why) != KIN_OK)
        fault(verification, "%s", why.message);
    if (key->mv_size != sizeof id)
        return;
    memcpy(&id, key->mv_data, sizeof id);
    id = be64toh(id);
    if (id > UINT32_MAX || !roaring_bitmap_contains(verification->recorded, (uint32_t)id))
        fault(verification, "image %" PRIu64 ": a preview, and no record", id);
}

static kin_status check_previews(struct verification *verification)
{
    kin_txn *txn = verification->txn;
    MDB_cursor *cursor;
    MDB_val key, data;
    if (!txn->previews)
        return KIN_OK;
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->previews, &cursor);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot walk the previews", verification->err);
    while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0)
        check_preview(verification, &key, &data);
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND
               ? KIN_OK
               : kin_txn_fail(txn, rc, "cannot walk the previews", verification->err);
}

/* --- blocks --- */

static kin_status check_blocks(struct verification *verification)
{
    kin_txn *txn = verification->txn;
    MDB_cursor *cursor;
    MDB_val key, data;
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->blocks, &cursor);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot walk the blocks", verification->err);
    while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
        size_t name = strnlen(key.mv_data, key.mv_size);
        if (name + 1 + sizeof(uint64_t) != key.mv_size || data.mv_size != sizeof(uint64_t))
            fault(verification, "a block's checksum has a malformed key or size");
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? KIN_OK
                              : kin_txn_fail(txn, rc, "cannot walk the blocks", verification->err);
}

kin_status kin_catalog_verify(kin_txn *txn, void (*report)(void *ctx, const char *fault), void *ctx,
                              uint64_t *faults, kin_error *err)
{
    struct verification verification = {.txn = txn, .report = report, .ctx = ctx, .err = err};
    kin_status status = kin_catalog_rows(txn, &verification.rows, err);
    if (status != KIN_OK)
        return status;
    verification.recorded = roaring_bitmap_create();
    if (verification.recorded == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->by_value, &verification.index);
    if (rc != 0) {
        status = kin_txn_fail(txn, rc, "cannot open the index of values", err);
        goto out;
    }
    status = check_images(&verification);
    if (status == KIN_OK)
        status = check_rows(&verification);
    if (status == KIN_OK)
        status = check_index(&verification);
    if (status == KIN_OK)
        status = check_previews(&verification);
    if (status == KIN_OK)
        status = check_blocks(&verification);
    *faults = verification.faults;
out:
    if (verification.index != NULL)
        mdb_cursor_close(verification.index);
    roaring_bitmap_free(verification.recorded);
    return status;
}
