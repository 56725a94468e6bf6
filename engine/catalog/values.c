/*
 * The index by_value: "name\0value" -> sorted ids of the images that have it.
 *
 * LMDB's keys have at most 511 bytes.  A longer one is cut so that it ends, at exactly 511 bytes,
 * in the 16 bytes of its value's XXH3-128; shorter keys have at most 510, so the length tells them
 * apart.  A digest may collide, by an attacker's doing even easily: whoever reads a cut key asks
 * the record.
 */
#include <string.h>

#include "catalog/internal.h"

enum { DIGEST_SIZE = sizeof(kin_digest) };

size_t kin_value_cut_length(const char *name)
{
    return KIN_LMDB_MAX_KEY - DIGEST_SIZE - (strlen(name) + 1);
}

void kin_value_key_make(kin_value_key *key, const char *name, const char *value)
{
    size_t head = strlen(name) + 1, length = strlen(value);
    memcpy(key->bytes, name, head);
    key->cut = length >= KIN_LMDB_MAX_KEY - head;
    if (!key->cut) {
        memcpy(key->bytes + head, value, length);
        key->size = head + length;
        return;
    }
    kin_digest digest = kin_digest_of(value, length);
    memcpy(key->bytes + head, value, kin_value_cut_length(name));
    memcpy(key->bytes + KIN_LMDB_MAX_KEY - DIGEST_SIZE, &digest, sizeof digest);
    key->size = KIN_LMDB_MAX_KEY;
}

/* --- writing --- */

struct writer {
    kin_txn *txn;
    MDB_cursor *cursor;
    uint32_t id;
    const kin_record *other; /* of an update: its values are left alone; else NULL */
    kin_error *err;
};

static kin_status writer_open(struct writer *writer, kin_txn *txn, uint64_t id,
                              const kin_record *other, kin_error *err)
{
    *writer = (struct writer){.txn = txn, .id = (uint32_t)id, .other = other, .err = err};
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->by_value, &writer->cursor);
    return rc == 0 ? KIN_OK : kin_txn_fail(txn, rc, "cannot open the index of values", err);
}

static bool other_has(const struct writer *writer, const char *name, const char *value)
{
    char scratch[KIN_RECORD_SCRATCH];
    if (writer->other == NULL)
        return false;
    const char *others = kin_record_value(writer->other, name, scratch);
    return others != NULL && strcmp(others, value) == 0;
}

/* An update changes what is known of an image that was there before. */
static kin_status note_change(const struct writer *writer, const char *name)
{
    return writer->other != NULL ? kin_changes_note(writer->txn, name, writer->err) : KIN_OK;
}

static kin_status add_one(void *ctx, const char *name, const char *value)
{
    struct writer *writer = ctx;
    kin_value_key bytes;
    if (other_has(writer, name, value))
        return KIN_OK;
    kin_status status = note_change(writer, name);
    if (status != KIN_OK)
        return status;
    kin_value_key_make(&bytes, name, value);
    MDB_val key = {.mv_size = bytes.size, .mv_data = bytes.bytes};
    MDB_val data = {.mv_size = sizeof writer->id, .mv_data = &writer->id};
    int rc = mdb_cursor_put(writer->cursor, &key, &data, MDB_NODUPDATA);
    /* An update that changes one cut value into another of the same digest finds it there. */
    if (rc == MDB_KEYEXIST && bytes.cut && writer->other != NULL)
        return KIN_OK;
    if (rc == MDB_KEYEXIST)
        return kin_fail(writer->err, KIN_E_CORRUPT, writer->txn->catalog->dir,
                        "the index of values holds an image that is not there");
    return rc == 0 ? KIN_OK : kin_txn_fail(writer->txn, rc, "cannot index a value", writer->err);
}

static kin_status drop_one(void *ctx, const char *name, const char *value)
{
    struct writer *writer = ctx;
    kin_value_key bytes;
    if (other_has(writer, name, value))
        return KIN_OK;
    kin_status status = note_change(writer, name);
    if (status != KIN_OK)
        return status;
    kin_value_key_make(&bytes, name, value);
    MDB_val key = {.mv_size = bytes.size, .mv_data = bytes.bytes};
    MDB_val data = {.mv_size = sizeof writer->id, .mv_data = &writer->id};
    int rc = mdb_cursor_get(writer->cursor, &key, &data, MDB_GET_BOTH);
    if (rc == 0)
        rc = mdb_cursor_del(writer->cursor, 0);
    if (rc == MDB_NOTFOUND)
        return kin_fail(writer->err, KIN_E_CORRUPT, writer->txn->catalog->dir,
                        "the index of values lacks a value of the image");
    return rc == 0
               ? KIN_OK
               : kin_txn_fail(writer->txn, rc, "cannot take a value out of the index", writer->err);
}

kin_status kin_values_add(kin_txn *txn, const kin_record *record, kin_error *err)
{
    struct writer writer;
    kin_status status = writer_open(&writer, txn, record->id, NULL, err);
    if (status != KIN_OK)
        return status;
    status = kin_record_each_value(record, add_one, &writer);
    mdb_cursor_close(writer.cursor);
    return status;
}

kin_status kin_values_drop(kin_txn *txn, const kin_record *record, kin_error *err)
{
    struct writer writer;
    kin_status status = writer_open(&writer, txn, record->id, NULL, err);
    if (status != KIN_OK)
        return status;
    status = kin_record_each_value(record, drop_one, &writer);
    mdb_cursor_close(writer.cursor);
    return status;
}

/* First what goes, then what comes: in this order a cut key that both share ends up present. */
kin_status kin_values_change(kin_txn *txn, const kin_record *from, const kin_record *to,
                             kin_error *err)
{
    struct writer writer;
    kin_status status = writer_open(&writer, txn, to->id, to, err);
    if (status != KIN_OK)
        return status;
    status = kin_record_each_value(from, drop_one, &writer);
    writer.other = from;
    if (status == KIN_OK)
        status = kin_record_each_value(to, add_one, &writer);
    mdb_cursor_close(writer.cursor);
    return status;
}

/* --- reading --- */

/* The value of `name` in the record of `id`, which a cut key of the index has led to. */
static kin_status full_value(kin_txn *txn, uint32_t id, const char *name, kin_record *record,
                             const char **value, kin_error *err)
{
    char scratch[KIN_RECORD_SCRATCH];
    kin_status status = kin_catalog_get(txn, id, record, err);
    if (status == KIN_E_NOT_FOUND)
        return kin_fail(err, KIN_E_CORRUPT, txn->catalog->dir,
                        "the index of values holds an image that is not there");
    if (status != KIN_OK)
        return status;
    *value = kin_record_value(record, name, scratch);
    if (*value == NULL || *value == scratch) {
        kin_record_release(record);
        return kin_fail(err, KIN_E_CORRUPT, txn->catalog->dir,
                        "the index of values holds a value that its image lacks");
    }
    return KIN_OK;
}

/* Visits those of a cut key's ids whose record says that they have the very value. */
struct cut_lookup {
    kin_txn *txn;
    const char *name, *value;
    kin_ids_visitor *visit;
    void *ctx;
    kin_error *err;
};

static kin_status visit_if_equal(void *ctx, const uint32_t *ids, size_t count)
{
    const struct cut_lookup *lookup = ctx;
    for (size_t i = 0; i < count; i++) {
        kin_record record;
        const char *value = "";
        kin_status status =
            full_value(lookup->txn, ids[i], lookup->name, &record, &value, lookup->err);
        if (status != KIN_OK)
            return status;
        bool equal = strcmp(value, lookup->value) == 0;
        kin_record_release(&record);
        if (equal && (status = lookup->visit(lookup->ctx, &ids[i], 1)) != KIN_OK)
            return status;
    }
    return KIN_OK;
}

static kin_status look_up_key(kin_txn *txn, MDB_cursor *cursor, const char *name, const char *value,
                              uint32_t from, kin_ids_visitor *visit, void *ctx, kin_error *err)
{
    kin_value_key bytes;
    MDB_val first;
    kin_value_key_make(&bytes, name, value);
    MDB_val key = {.mv_size = bytes.size, .mv_data = bytes.bytes};
    int rc = mdb_cursor_get(cursor, &key, &first, MDB_SET_KEY);
    if (rc == MDB_NOTFOUND)
        return KIN_OK;
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot look a value up", err);
    if (!bytes.cut)
        return kin_ids_visit(txn, cursor, &first, from, visit, ctx, err);
    struct cut_lookup lookup = {
        .txn = txn, .name = name, .value = value, .visit = visit, .ctx = ctx, .err = err};
    return kin_ids_visit(txn, cursor, &first, from, visit_if_equal, &lookup, err);
}

kin_status kin_values_look_up(kin_txn *txn, const char *name, const char *value, uint32_t from,
                              kin_ids_visitor *visit, void *ctx, kin_error *err)
{
    MDB_cursor *cursor;
    if (strlen(name) > KIN_RECORD_MAX_NAME)
        return KIN_OK; /* no record has such a name */
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->by_value, &cursor);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot open the index of values", err);
    kin_status status = look_up_key(txn, cursor, name, value, from, visit, ctx, err);
    mdb_cursor_close(cursor);
    return status;
}

kin_status kin_catalog_with_value(kin_txn *txn, const char *name, const char *value,
                                  roaring_bitmap_t **out, kin_error *err)
{
    roaring_bitmap_t *ids = roaring_bitmap_create();
    if (ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    kin_status status = kin_values_look_up(txn, name, value, 0, kin_ids_add_to_bitmap, ids, err);
    if (status != KIN_OK) {
        roaring_bitmap_free(ids);
        return status;
    }
    *out = ids;
    return KIN_OK;
}

/* --- walking all values of a name --- */

/* A value's ids, at the cursor; or, of a key that was cut, one of them at a time. */
struct kin_value_ids {
    kin_txn *txn;
    MDB_cursor *cursor;
    const MDB_val *first;
    uint32_t from;
    const uint32_t *single; /* NULL: those at the cursor */
    kin_error *err;
};

kin_status kin_value_ids_count(const kin_value_ids *ids, uint64_t *out)
{
    size_t count;
    *out = 1;
    if (ids->single != NULL)
        return KIN_OK;
    int rc = mdb_cursor_count(ids->cursor, &count);
    if (rc != 0)
        return kin_txn_fail(ids->txn, rc, "cannot count the images with a value", ids->err);
    *out = count;
    return KIN_OK;
}

kin_status kin_value_ids_visit(const kin_value_ids *ids, kin_ids_visitor *visit, void *ctx)
{
    if (ids->single != NULL)
        return visit(ctx, ids->single, 1);
    return kin_ids_visit(ids->txn, ids->cursor, ids->first, ids->from, visit, ctx, ids->err);
}

struct walk {
    kin_txn *txn;
    const char *name;
    uint32_t from;
    kin_value_visitor *visit;
    void *ctx;
    kin_error *err;
};

static kin_status visit_cut(void *ctx, const uint32_t *ids, size_t count)
{
    const struct walk *walk = ctx;
    for (size_t i = 0; i < count; i++) {
        kin_record record;
        const char *value = "";
        kin_value_ids one = {.single = &ids[i]};
        kin_status status = full_value(walk->txn, ids[i], walk->name, &record, &value, walk->err);
        if (status != KIN_OK)
            return status;
        status = walk->visit(walk->ctx, value, &one);
        kin_record_release(&record);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

static kin_status walk_key(struct walk *walk, MDB_cursor *cursor, const MDB_val *key,
                           const MDB_val *first, size_t head)
{
    char value[KIN_LMDB_MAX_KEY + 1];
    size_t length = key->mv_size - head;
    if (key->mv_size >= KIN_LMDB_MAX_KEY)
        return kin_ids_visit(walk->txn, cursor, first, walk->from, visit_cut, walk, walk->err);
    memcpy(value, (const char *)key->mv_data + head, length);
    value[length] = '\0';
    kin_value_ids ids = {walk->txn, cursor, first, walk->from, NULL, walk->err};
    return walk->visit(walk->ctx, value, &ids);
}

static bool begins_with(const MDB_val *key, const char *prefix, size_t size)
{
    return key->mv_size >= size && memcmp(key->mv_data, prefix, size) == 0;
}

kin_status kin_values_walk(kin_txn *txn, const char *name, uint32_t from, kin_value_visitor *visit,
                           void *ctx, kin_error *err)
{
    struct walk walk = {txn, name, from, visit, ctx, err};
    MDB_cursor *cursor;
    size_t head = strlen(name) + 1;
    MDB_val key = {.mv_size = head, .mv_data = (void *)name}, first;
    kin_status status = KIN_OK;
    if (head > KIN_RECORD_MAX_NAME + 1)
        return KIN_OK;
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->by_value, &cursor);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot open the index of values", err);
    rc = mdb_cursor_get(cursor, &key, &first, MDB_SET_RANGE);
    while (rc == 0 && status == KIN_OK && begins_with(&key, name, head)) {
        status = walk_key(&walk, cursor, &key, &first, head);
        if (status == KIN_OK)
            rc = mdb_cursor_get(cursor, &key, &first, MDB_NEXT_NODUP);
    }
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return kin_txn_fail(txn, rc, "cannot walk a name's values", err);
    return status;
}

kin_status kin_values_name_exists(kin_txn *txn, const char *name, bool *out, kin_error *err)
{
    MDB_cursor *cursor;
    size_t head = strlen(name) + 1;
    MDB_val key = {.mv_size = head, .mv_data = (void *)name}, data;
    *out = false;
    if (head > KIN_RECORD_MAX_NAME + 1)
        return KIN_OK;
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->by_value, &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
        *out = rc == 0 && begins_with(&key, name, head);
        mdb_cursor_close(cursor);
    }
    return rc == 0 || rc == MDB_NOTFOUND ? KIN_OK
                                         : kin_txn_fail(txn, rc, "cannot look a name up", err);
}

/* --- names --- */

/* Copies the name at the head of a key; false for a key that none of ours is like. */
static bool name_of(const MDB_val *key, char name[KIN_RECORD_MAX_NAME + 2])
{
    size_t length = strnlen(key->mv_data, key->mv_size);
    if (length == 0 || length > KIN_RECORD_MAX_NAME || length == key->mv_size)
        return false;
    memcpy(name, key->mv_data, length);
    name[length] = '\0';
    return true;
}

kin_status kin_catalog_each_name(kin_txn *txn, int (*visit)(void *ctx, const char *name), void *ctx,
                                 kin_error *err)
{
    MDB_cursor *cursor;
    MDB_val key, data;
    char name[KIN_RECORD_MAX_NAME + 2];
    kin_status status = KIN_OK;
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->by_value, &cursor);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot open the index of values", err);
    rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
    while (rc == 0) {
        if (!name_of(&key, name)) {
            status = kin_fail(err, KIN_E_CORRUPT, txn->catalog->dir,
                              "the index of values has a key without a name");
            break;
        }
        if (visit(ctx, name) != 0)
            break;
        /* The next name's first key is the first that is not below "name\1". */
        size_t length = strlen(name);
        name[length] = '\1';
        key = (MDB_val){.mv_size = length + 1, .mv_data = name};
        rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    }
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return kin_txn_fail(txn, rc, "cannot walk the names", err);
    return status;
}
