/*
 * What tells whoever keeps an answer from one snapshot whether it holds in another.
 *
 * An image's values come with its id and go with its death, which the number of rows and the dead
 * tell of; but an update gives others to an id that was there before.  So the writes that update
 * are numbered, in the setting "changes", and "changes:<name>" is the number of the last of them
 * that touched the values of a name.  Where it is the same in two snapshots, every image that lives
 * in both has the same values of that name.
 */
#include <stdio.h>

#include "catalog/internal.h"

enum { KEY_SIZE = sizeof KIN_META_CHANGES + 1 + KIN_RECORD_MAX_NAME };

static void make_key(const char *name, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, KIN_META_CHANGES ":%s", name);
}

kin_status kin_changes_count(kin_txn *txn, uint64_t *out, kin_error *err)
{
    return kin_meta_get_u64(txn, KIN_META_CHANGES, 0, out, err);
}

kin_status kin_changes_last(kin_txn *txn, const char *name, uint64_t *out, kin_error *err)
{
    char key[KEY_SIZE];
    make_key(name, key);
    return kin_meta_get_u64(txn, key, 0, out, err);
}

/* The number of this write among those that change values. */
static kin_status number_write(kin_txn *txn, kin_error *err)
{
    uint64_t count;
    if (txn->change != 0)
        return KIN_OK;
    kin_status status = kin_changes_count(txn, &count, err);
    if (status == KIN_OK)
        status = kin_meta_store_u64(txn, KIN_META_CHANGES, count + 1, err);
    if (status == KIN_OK)
        txn->change = count + 1;
    return status;
}

kin_status kin_changes_note(kin_txn *txn, const char *name, kin_error *err)
{
    char key[KEY_SIZE];
    uint64_t last;
    make_key(name, key);
    kin_status status = number_write(txn, err);
    if (status == KIN_OK)
        status = kin_meta_get_u64(txn, key, 0, &last, err);
    if (status == KIN_OK && last != txn->change)
        status = kin_meta_store_u64(txn, key, txn->change, err);
    return status;
}
