/* Checksums of the store's blocks: key = set name, NUL, block (8 bytes, big endian). */
#include <endian.h>
#include <string.h>

#include "catalog/internal.h"

enum { SET_NAME_MAX = 200, BLOCK_KEY_MAX = SET_NAME_MAX + 1 + sizeof(uint64_t) };

static kin_status make_key(const char *set, uint64_t block, char bytes[BLOCK_KEY_MAX], MDB_val *key,
                           kin_error *err)
{
    size_t length = strlen(set);
    uint64_t big = htobe64(block);
    if (length == 0 || length > SET_NAME_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "a set's name has 1 to %d bytes", SET_NAME_MAX);
    memcpy(bytes, set, length + 1);
    memcpy(bytes + length + 1, &big, sizeof big);
    *key = (MDB_val){.mv_size = length + 1 + sizeof big, .mv_data = bytes};
    return KIN_OK;
}

kin_status kin_block_put(kin_txn *txn, const char *set, uint64_t block, uint64_t hash,
                         kin_error *err)
{
    char bytes[BLOCK_KEY_MAX];
    MDB_val key;
    uint64_t little = htole64(hash);
    MDB_val data = {.mv_size = sizeof little, .mv_data = &little};
    kin_status status = kin_txn_check_writing(txn, err);
    if (status == KIN_OK)
        status = make_key(set, block, bytes, &key, err);
    if (status != KIN_OK)
        return status;
    int rc = mdb_put(txn->mdb, txn->catalog->blocks, &key, &data, 0);
    return rc == 0 ? KIN_OK : kin_txn_fail(txn, rc, "cannot write a block's checksum", err);
}

kin_status kin_block_get(kin_txn *txn, const char *set, uint64_t block, uint64_t *hash,
                         kin_error *err)
{
    char bytes[BLOCK_KEY_MAX];
    MDB_val key, data;
    uint64_t little;
    kin_status status = make_key(set, block, bytes, &key, err);
    if (status != KIN_OK)
        return status;
    int rc = mdb_get(txn->mdb, txn->catalog->blocks, &key, &data);
    if (rc == MDB_NOTFOUND)
        return kin_fail(err, KIN_E_NOT_FOUND, NULL, "the catalog has no checksum of this block");
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot read a block's checksum", err);
    if (data.mv_size != sizeof little)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "a block's checksum has a wrong size");
    memcpy(&little, data.mv_data, sizeof little);
    *hash = le64toh(little);
    return KIN_OK;
}

kin_status kin_block_drop_set(kin_txn *txn, const char *set, kin_error *err)
{
    char bytes[BLOCK_KEY_MAX];
    MDB_val key, data;
    MDB_cursor *cursor;
    size_t prefix = strlen(set) + 1;
    kin_status status = kin_txn_check_writing(txn, err);
    if (status == KIN_OK)
        status = make_key(set, 0, bytes, &key, err);
    if (status != KIN_OK)
        return status;
    int rc = mdb_cursor_open(txn->mdb, txn->catalog->blocks, &cursor);
    if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot walk the blocks", err);
    rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    while (rc == 0 && key.mv_size >= prefix && memcmp(key.mv_data, set, prefix) == 0) {
        rc = mdb_cursor_del(cursor, 0);
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc == 0 || rc == MDB_NOTFOUND ? KIN_OK
                                         : kin_txn_fail(txn, rc, "cannot drop a set's blocks", err);
}
