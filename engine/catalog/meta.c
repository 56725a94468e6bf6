#include <endian.h>
#include <string.h>

#include "catalog/internal.h"

static kin_status check_key(const char *key, kin_error *err)
{
    size_t length = strlen(key);
    if (length == 0 || length > KIN_LMDB_MAX_KEY)
        return kin_fail(err, KIN_E_ARG, NULL, "a setting's name has 1 to %d bytes",
                        KIN_LMDB_MAX_KEY);
    return KIN_OK;
}

static kin_status check_not_ours(const char *key, kin_error *err)
{
    size_t prefix = strlen(KIN_META_CHANGES);
    if (strcmp(key, KIN_META_SCHEMA) == 0 || strcmp(key, KIN_META_ROWS) == 0 ||
        (strncmp(key, KIN_META_CHANGES, prefix) == 0 &&
         (key[prefix] == '\0' || key[prefix] == ':')))
        return kin_fail(err, KIN_E_ARG, NULL, "the setting %s is the catalog's own", key);
    return KIN_OK;
}

/* data->mv_data is NULL where the setting is absent. */
static kin_status fetch(kin_txn *txn, const char *key, MDB_val *data, kin_error *err)
{
    MDB_val name = {.mv_size = strlen(key), .mv_data = (void *)key};
    *data = (MDB_val){0};
    kin_status status = check_key(key, err);
    if (status != KIN_OK)
        return status;
    int rc = mdb_get(txn->mdb, txn->catalog->meta, &name, data);
    if (rc == MDB_NOTFOUND)
        data->mv_data = NULL;
    else if (rc != 0)
        return kin_txn_fail(txn, rc, "cannot read a setting", err);
    return KIN_OK;
}

static kin_status store(kin_txn *txn, const char *key, const void *bytes, size_t size,
                        kin_error *err)
{
    MDB_val name = {.mv_size = strlen(key), .mv_data = (void *)key};
    MDB_val data = {.mv_size = size, .mv_data = (void *)bytes};
    kin_status status = kin_txn_check_writing(txn, err);
    if (status == KIN_OK)
        status = check_key(key, err);
    if (status != KIN_OK)
        return status;
    int rc = mdb_put(txn->mdb, txn->catalog->meta, &name, &data, 0);
    return rc == 0 ? KIN_OK : kin_txn_fail(txn, rc, "cannot write a setting", err);
}

kin_status kin_meta_get_u64(kin_txn *txn, const char *key, uint64_t fallback, uint64_t *out,
                            kin_error *err)
{
    MDB_val data;
    uint64_t little;
    kin_status status = fetch(txn, key, &data, err);
    if (status != KIN_OK)
        return status;
    if (data.mv_data == NULL) {
        *out = fallback;
        return KIN_OK;
    }
    if (data.mv_size != sizeof little)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "the setting %s is no number", key);
    memcpy(&little, data.mv_data, sizeof little);
    *out = le64toh(little);
    return KIN_OK;
}

kin_status kin_meta_store_u64(kin_txn *txn, const char *key, uint64_t value, kin_error *err)
{
    uint64_t little = htole64(value);
    return store(txn, key, &little, sizeof little, err);
}

kin_status kin_meta_set_u64(kin_txn *txn, const char *key, uint64_t value, kin_error *err)
{
    kin_status status = check_not_ours(key, err);
    return status == KIN_OK ? kin_meta_store_u64(txn, key, value, err) : status;
}

kin_status kin_meta_get_text(kin_txn *txn, const char *key, char *out, size_t size, kin_error *err)
{
    MDB_val data;
    kin_status status = fetch(txn, key, &data, err);
    if (status != KIN_OK)
        return status;
    if (data.mv_size >= size)
        return kin_fail(err, KIN_E_LIMIT, NULL, "the setting %s has %zu bytes, over %zu", key,
                        data.mv_size, size);
    if (data.mv_data != NULL)
        memcpy(out, data.mv_data, data.mv_size);
    out[data.mv_size] = '\0';
    return KIN_OK;
}

kin_status kin_meta_set_text(kin_txn *txn, const char *key, const char *value, kin_error *err)
{
    kin_status status = check_not_ours(key, err);
    return status == KIN_OK ? store(txn, key, value, strlen(value), err) : status;
}
