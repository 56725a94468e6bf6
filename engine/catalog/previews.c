/*
 * Previews: id (8 bytes, big endian) -> checksum (XXH3-64, little endian, seeded with the id) and a
 * small picture of the image, of which the catalog knows nothing but its bytes.
 *
 * A catalog made before there were previews lacks the database.  It is made before the first write;
 * until then a reader finds no preview.  LMDB wants that a database is opened by one transaction at
 * a time, and a transaction can use only what was open when it began: so the handle is opened here,
 * under a lock, by a transaction that does nothing else, and each transaction notes whether it may
 * use it.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "catalog/internal.h"

enum { CHECKSUM_SIZE = sizeof(uint64_t) };

/* --- the database --- */

static kin_status make_database(kin_txn *txn, void *ctx, kin_error *err)
{
    (void)ctx;
    kin_status status = kin_catalog_check_schema(txn, err);
    if (status != KIN_OK)
        return status;
    int rc = mdb_dbi_open(txn->mdb, KIN_PREVIEWS_DATABASE, MDB_CREATE, &txn->catalog->previews);
    return rc == 0 ? KIN_OK : kin_txn_fail(txn, rc, "cannot make the previews' database", err);
}

/* *found is false where no process has made it yet. */
static kin_status find_database(kin_catalog *catalog, bool *found, kin_error *err)
{
    kin_txn txn;
    kin_status status = kin_txn_begin(catalog, false, &txn, err);
    if (status != KIN_OK)
        return status;
    unsigned flags;
    int rc = mdb_dbi_open(txn.mdb, KIN_PREVIEWS_DATABASE, 0, &catalog->previews);
    if (rc == 0 && (rc = mdb_dbi_flags(txn.mdb, catalog->previews, &flags)) == 0 && flags != 0)
        rc = MDB_INCOMPATIBLE; /* LMDB opens it all the same */
    *found = rc == 0;
    if (rc == 0)
        return kin_txn_commit(&txn, err); /* which keeps the handle */
    if (rc != MDB_NOTFOUND)
        status = kin_txn_fail(&txn, rc, "cannot open the previews' database", err);
    kin_txn_abandon(&txn);
    return status;
}

kin_status kin_previews_open(kin_catalog *catalog, bool create, kin_error *err)
{
    bool found = false;
    if (atomic_load(&catalog->has_previews))
        return KIN_OK;
    if (kin_gate_thread_is_inside(catalog))
        return kin_fail(err, KIN_E_ARG, NULL, "a thread must end its snapshot before it writes");
    pthread_mutex_lock(&catalog->previews_lock);
    kin_status status = KIN_OK;
    if (!atomic_load(&catalog->has_previews)) {
        status = find_database(catalog, &found, err);
        if (status == KIN_OK && !found && create) {
            status = kin_txn_run(catalog, make_database, NULL, err);
            found = status == KIN_OK;
        }
        if (status == KIN_OK && found)
            atomic_store(&catalog->has_previews, true);
    }
    pthread_mutex_unlock(&catalog->previews_lock);
    return status;
}

kin_status kin_previews_find(kin_catalog *catalog, kin_error *err)
{
    return kin_previews_open(catalog, false, err);
}

/* --- one preview --- */

kin_status kin_preview_add(kin_txn *txn, uint64_t id, const void *bytes, size_t size,
                           kin_error *err)
{
    uint64_t big;
    MDB_val key = kin_id_key(id, &big), record, data = {.mv_size = CHECKSUM_SIZE + size};
    kin_status status = kin_txn_check_writing(txn, err);
    if (status != KIN_OK)
        return status;
    int rc = mdb_get(txn->mdb, txn->catalog->images, &key, &record);
    if (rc == MDB_NOTFOUND)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "no image %" PRIu64 " in the catalog", id);
    if (rc == 0)
        rc = mdb_put(txn->mdb, txn->catalog->previews, &key, &data, MDB_NOOVERWRITE | MDB_RESERVE);
    if (rc == MDB_KEYEXIST)
        return KIN_OK;
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot write an image's preview", err);
    uint64_t little = htole64(XXH3_64bits_withSeed(bytes, size, id));
    memcpy(data.mv_data, &little, sizeof little);
    memcpy((char *)data.mv_data + CHECKSUM_SIZE, bytes, size);
    return KIN_OK;
}

kin_status kin_preview_check(const MDB_val *key, const MDB_val *data, const void **bytes,
                             size_t *size, kin_error *err)
{
    uint64_t big, little;
    if (key->mv_size != sizeof big || data->mv_size < CHECKSUM_SIZE)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "a preview's key or value has a wrong size");
    memcpy(&big, key->mv_data, sizeof big);
    memcpy(&little, data->mv_data, sizeof little);
    uint64_t id = be64toh(big);
    *bytes = (const char *)data->mv_data + CHECKSUM_SIZE;
    *size = data->mv_size - CHECKSUM_SIZE;
    if (XXH3_64bits_withSeed(*bytes, *size, id) != le64toh(little))
        return kin_fail(err, KIN_E_CORRUPT, NULL, "the preview of image %" PRIu64 " is damaged",
                        id);
    return KIN_OK;
}

kin_status kin_preview_get(kin_txn *txn, uint64_t id, void **out, size_t *size, kin_error *err)
{
    uint64_t big;
    const void *bytes;
    MDB_val key = kin_id_key(id, &big), data;
    int rc = txn->previews ? mdb_get(txn->mdb, txn->catalog->previews, &key, &data) : MDB_NOTFOUND;
    if (rc == MDB_NOTFOUND)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "image %" PRIu64 " has no preview", id);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot read an image's preview", err);
    kin_status status = kin_preview_check(&key, &data, &bytes, size, err);
    if (status != KIN_OK)
        return status;
    *out = malloc(*size > 0 ? *size : 1);
    if (*out == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a preview of %zu bytes", *size);
    memcpy(*out, bytes, *size);
    return KIN_OK;
}

kin_status kin_preview_remove(kin_txn *txn, uint64_t id, kin_error *err)
{
    uint64_t big;
    MDB_val key = kin_id_key(id, &big);
    int rc = mdb_del(txn->mdb, txn->catalog->previews, &key, NULL);
    return rc == 0 || rc == MDB_NOTFOUND
               ? KIN_OK
               : kin_txn_fail(txn, rc, "cannot remove an image's preview", err);
}

kin_status kin_previews_measure(kin_txn *txn, uint64_t *count, uint64_t *bytes, kin_error *err)
{
    MDB_stat stat = {0};
    int rc = txn->previews ? mdb_stat(txn->mdb, txn->catalog->previews, &stat) : 0;
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot count the previews", err);
    *count = stat.ms_entries;
    *bytes = (uint64_t)(stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) *
             stat.ms_psize;
    return KIN_OK;
}
