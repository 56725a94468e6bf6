/*
 * Images: id (8 bytes, big endian, so that LMDB's order is theirs) -> checksum and packed record.
 *
 * LMDB has no checksums of its own.  The one in front of each record (XXH3-64, little endian,
 * seeded with the id) tells a flipped bit, and a record that turned up under another's id.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "catalog/internal.h"

enum { CHECKSUM_SIZE = sizeof(uint64_t) };

MDB_val kin_id_key(uint64_t id, uint64_t *big)
{
    *big = htobe64(id);
    return (MDB_val){.mv_size = sizeof *big, .mv_data = big};
}

kin_status kin_image_decode(const MDB_val *key, const MDB_val *data, kin_record *out,
                            kin_error *err)
{
    uint64_t big, little;
    if (key->mv_size != sizeof big || data->mv_size < CHECKSUM_SIZE)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "an image's key or record has a wrong size");
    memcpy(&big, key->mv_data, sizeof big);
    memcpy(&little, data->mv_data, sizeof little);
    uint64_t id = be64toh(big);
    const char *message = (const char *)data->mv_data + CHECKSUM_SIZE;
    size_t size = data->mv_size - CHECKSUM_SIZE;
    if (XXH3_64bits_withSeed(message, size, id) != le64toh(little))
        return kin_fail(err, KIN_E_CORRUPT, NULL, "the record of image %" PRIu64 " is damaged", id);
    kin_status status = kin_record_unpack(message, size, out, err);
    if (status == KIN_OK)
        out->id = id;
    return status;
}

kin_status kin_image_store(kin_txn *txn, const kin_record *record, unsigned flags, kin_error *err)
{
    void *message;
    size_t size;
    uint64_t big;
    kin_status status = kin_record_pack(record, &message, &size, err);
    if (status != KIN_OK)
        return status;
    MDB_val key = kin_id_key(record->id, &big);
    MDB_val data = {.mv_size = CHECKSUM_SIZE + size};
    int rc = mdb_put(txn->mdb, txn->catalog->images, &key, &data, flags | MDB_RESERVE);
    if (rc == 0) {
        uint64_t little = htole64(XXH3_64bits_withSeed(message, size, record->id));
        memcpy(data.mv_data, &little, sizeof little);
        memcpy((char *)data.mv_data + CHECKSUM_SIZE, message, size);
    } else if (rc == MDB_KEYEXIST) {
        status = kin_fail(err, KIN_E_CORRUPT, txn->catalog->dir,
                          "the catalog holds images beyond its number of rows");
    } else {
        status = kin_txn_fail(txn, rc, "cannot write an image's record", err);
    }
    free(message);
    return status;
}

kin_status kin_catalog_rows(kin_txn *txn, uint64_t *out, kin_error *err)
{
    kin_status status = kin_meta_get_u64(txn, KIN_META_ROWS, 0, out, err);
    if (status == KIN_OK && *out > KIN_CATALOG_MAX_ROWS)
        status = kin_fail(err, KIN_E_CORRUPT, txn->catalog->dir,
                          "the catalog counts more rows than there can be");
    return status;
}

kin_status kin_catalog_put(kin_txn *txn, kin_record *record, kin_error *err)
{
    uint64_t rows;
    kin_status status = kin_txn_check_writing(txn, err);
    if (status == KIN_OK)
        status = kin_catalog_rows(txn, &rows, err);
    if (status != KIN_OK)
        return status;
    if (rows >= KIN_CATALOG_MAX_ROWS)
        return kin_fail(err, KIN_E_LIMIT, txn->catalog->dir,
                        "the catalog is full: it holds %" PRIu64 " rows", rows);
    record->id = rows;
    status = kin_image_store(txn, record, MDB_APPEND, err);
    if (status == KIN_OK)
        status = kin_values_add(txn, record, err);
    if (status == KIN_OK)
        status = kin_meta_store_u64(txn, KIN_META_ROWS, rows + 1, err);
    return status;
}

kin_status kin_catalog_get(kin_txn *txn, uint64_t id, kin_record *out, kin_error *err)
{
    uint64_t big;
    MDB_val key = kin_id_key(id, &big), data;
    int rc = mdb_get(txn->mdb, txn->catalog->images, &key, &data);
    if (rc == MDB_NOTFOUND)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "no image %" PRIu64 " in the catalog", id);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot read an image's record", err);
    return kin_image_decode(&key, &data, out, err);
}

kin_status kin_catalog_update(kin_txn *txn, const kin_record *record, kin_error *err)
{
    kin_record former;
    kin_status status = kin_txn_check_writing(txn, err);
    if (status == KIN_OK)
        status = kin_catalog_get(txn, record->id, &former, err);
    if (status != KIN_OK)
        return status;
    status = kin_image_store(txn, record, 0, err);
    if (status == KIN_OK)
        status = kin_values_change(txn, &former, record, err);
    kin_record_release(&former);
    return status;
}

kin_status kin_catalog_remove(kin_txn *txn, uint64_t id, kin_error *err)
{
    kin_record former;
    uint64_t big;
    MDB_val key = kin_id_key(id, &big);
    kin_status status = kin_txn_check_writing(txn, err);
    if (status == KIN_OK)
        status = kin_catalog_get(txn, id, &former, err);
    if (status != KIN_OK)
        return status;
    status = kin_values_drop(txn, &former, err);
    if (status == KIN_OK)
        status = kin_dead_add(txn, id, err);
    if (status == KIN_OK)
        status = kin_preview_remove(txn, id, err);
    if (status == KIN_OK) {
        int rc = mdb_del(txn->mdb, txn->catalog->images, &key, NULL);
        if (rc != 0)
            status = kin_txn_fail(txn, rc, "cannot remove an image's record", err);
    }
    kin_record_release(&former);
    return status;
}
